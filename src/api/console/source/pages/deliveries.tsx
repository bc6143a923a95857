// Deliveries of webhooks: those that wait for their receiver, and those that were given up.

import { useState } from "preact/hooks";
import { send } from "../lib/api";
import { hrefOf } from "../lib/router";
import { may } from "../lib/session";
import { useFetch } from "../lib/use";
import { done, failed } from "../ui/overlay";
import { Badge, Button, Empty, Loading, Moment, Page, Segmented, Trouble } from "../ui/parts";

interface Delivery {
  id: number | string;
  webhook: string;
  url?: string;
  call?: string;
  seq?: number;
  type?: string;
  event?: string;
  state: string;
  attempts?: number;
  created_at?: number;
  next_at?: number | null;
  last_error?: string | null;
  error?: string | null;
}

export function Deliveries() {
  const [state, setState] = useState<"dead" | "waiting">("dead");
  const list = useFetch<{ items: Delivery[] }>(`/v1/deliveries?state=${state}`, 5000);
  const items = list.data?.items ?? [];
  const retry = async (id: Delivery["id"]) => {
    try {
      await send("POST", `/v1/deliveries/${id}/retry`);
      done("It is tried again");
      list.reload();
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Page
      title="Deliveries"
      about={
        <>
          What webhooks have not been told yet. Each receiver is told of a call in order, again and
          again with longer pauses, and given up in the end.{" "}
          <a href={hrefOf("/webhooks")}>Webhooks</a>
        </>
      }
      actions={
        <Segmented
          label="Which"
          value={state}
          options={[
            ["dead", "Given up"],
            ["waiting", "Waiting"],
          ]}
          onChange={setState}
        />
      }
    >
      {list.error && <Trouble error={list.error} retry={list.reload} />}
      <section class="panel flush" aria-label="Deliveries">
        {!list.data && list.loading ? (
          <div class="body" style={{ padding: "16px" }}>
            <Loading />
          </div>
        ) : items.length === 0 ? (
          list.data && (
            <Empty
              icon="webhook"
              title={state === "dead" ? "Nothing was given up" : "Nothing waits"}
            >
              {state === "dead"
                ? "Every receiver has taken what it was told."
                : "Whatever happens to calls is delivered at once."}
            </Empty>
          )
        ) : (
          <div class="table-wrap">
            <table>
              <thead>
                <tr>
                  <th>Webhook</th>
                  <th>Event</th>
                  <th>Call</th>
                  <th class="right">Attempts</th>
                  <th>{state === "dead" ? "Since" : "Next"}</th>
                  <th>Why</th>
                  <th>
                    <span class="sr">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map((it) => (
                  <tr key={it.id}>
                    <td class="first">{it.webhook}</td>
                    <td>
                      <Badge>{it.type ?? it.event ?? "-"}</Badge>
                    </td>
                    <td>
                      {it.call ? (
                        <a
                          class="mono small"
                          href={hrefOf(`/calls/${encodeURIComponent(it.call)}`)}
                        >
                          {it.call.slice(0, 14)}
                        </a>
                      ) : (
                        <span class="muted">-</span>
                      )}
                    </td>
                    <td class="right num">{it.attempts ?? "-"}</td>
                    <td>
                      <Moment
                        at={state === "dead" ? it.created_at : it.next_at}
                        relative={state === "dead"}
                      />
                    </td>
                    <td class="cell">
                      <div class="clip" title={it.last_error ?? it.error ?? ""}>
                        {it.last_error ?? it.error ?? "-"}
                      </div>
                    </td>
                    <td class="actions">
                      {may("manager") && (
                        <Button small onClick={() => void retry(it.id)}>
                          Try again
                        </Button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </Page>
  );
}
