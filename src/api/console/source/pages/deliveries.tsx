// Deliveries of webhooks: those that wait for their receiver, and those that were given up.

import { useState } from "preact/hooks";
import { getJson, send } from "../lib/api";
import { hrefOf } from "../lib/router";
import { may } from "../lib/session";
import { useFetch } from "../lib/use";
import { plural } from "../lib/words";
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
  next?: number;
  counts: { webhook: string; waiting: number; dead: number }[];
}

const LIMIT = 100;

export function Deliveries() {
  const [state, setState] = useState<"dead" | "waiting">("dead");
  const list = useFetch<Listed>(`/v1/deliveries?state=${state}&limit=${LIMIT}`, 5000);
  const [busy, setBusy] = useState(false);
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
  /** All that were given up, however many: a receiver was down, and is back. */
  const retryAll = async () => {
    setBusy(true);
    let tried = 0;
    try {
      for (let after: number | undefined = 0; after !== undefined;) {
        const page: Listed = await getJson(
          `/v1/deliveries?state=dead&limit=${LIMIT}&after=${after}`,
        );
        for (const it of page.items) {
          await send("POST", `/v1/deliveries/${it.id}/retry`);
          tried++;
        }
        after = page.next;
      }
      done(`${plural(tried, "delivery", "deliveries")} tried again`);
    } catch (error) {
      failed(error);
    } finally {
      setBusy(false);
      list.reload();
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
        <>
          {state === "dead" && items.length > 1 && may("manager") && (
            <Button busy={busy} onClick={() => void retryAll()}>
              Try all again
            </Button>
          )}
          <Segmented
            label="Which"
            value={state}
            options={[
              ["dead", total("dead") > 0 ? `Given up (${total("dead")})` : "Given up"],
              ["waiting", total("waiting") > 0 ? `Waiting (${total("waiting")})` : "Waiting"],
            ]}
            onChange={setState}
          />
        </>
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
        {list.data?.next !== undefined && (
          <p class="muted small" style={{ padding: "10px 16px" }}>
            The oldest {items.length} are shown.
          </p>
        )}
      </section>
    </Page>
  );
}
