// Deliveries of webhooks: those that wait for their receiver, and those that were given up.

import { useState } from "preact/hooks";
import { send } from "../lib/api";
import { hrefOf } from "../lib/router";
import { may } from "../lib/session";
import { useFetch } from "../lib/use";
import { done, failed } from "../ui/overlay";
import { Badge, Button, Empty, Loading, Moment, Page, Segmented, Trouble } from "../ui/parts";

interface Delivery {
  id: number;
  webhook: string;
  call: string;
  event: string;
  queued_at: number;
  attempts: number;
  /** When it is tried next. */
  due: number;
  /** Why it failed last. */
  why: string;
}

interface Listed {
  items: Delivery[];
  counts: { webhook: string; waiting: number; dead: number }[];
}

export function Deliveries() {
  const [state, setState] = useState<"dead" | "waiting">("dead");
  const list = useFetch<Listed>(`/v1/deliveries?state=${state}`, 5000);
  const total = (which: "dead" | "waiting") =>
    (list.data?.counts ?? []).reduce((sum, it) => sum + it[which], 0);
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
            ["dead", total("dead") > 0 ? `Given up (${total("dead")})` : "Given up"],
            ["waiting", total("waiting") > 0 ? `Waiting (${total("waiting")})` : "Waiting"],
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
                      <Badge>{it.event}</Badge>
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
                    <td class="right num">{it.attempts}</td>
                    <td>
                      <Moment
                        at={state === "dead" ? it.queued_at : it.due}
                        relative={state === "dead"}
                      />
                    </td>
                    <td class="cell">
                      <div class="clip" title={it.why}>
                        {it.why || "-"}
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
