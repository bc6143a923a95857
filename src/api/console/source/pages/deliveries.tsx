// Deliveries of webhooks: those that wait for their receiver, and those that were given up.

import { useState } from "preact/hooks";
import { getJson, query, Refused, segment, send } from "../lib/api";
import { useList } from "../lib/list";
import { hrefOf, useParameter } from "../lib/router";
import { may } from "../lib/session";
import { plural } from "../lib/words";
import { ListPanel } from "../ui/list";
import { done, failed } from "../ui/overlay";
import { Badge, Button, Empty, Moment, Page, Segmented } from "../ui/parts";

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

type State = "dead" | "waiting";

interface Counts {
  counts: { webhook: string; waiting: number; dead: number }[];
}

const listed = (state: State) => `/v1/deliveries${query({ state, limit: 100 })}`;

/** Has an event tried again; not one that went meanwhile, or that somebody else was quicker with. */
async function again(id: number): Promise<boolean> {
  try {
    await send("POST", `/v1/deliveries/${id}/retry`);
    return true;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return false;
    throw error;
  }
}

/** All that were given up, however many: a receiver was down, and is back. */
async function allAgain(onEach: (tried: number) => void) {
  let tried = 0;
  for (let next: number | undefined = 0; next !== undefined;) {
    const page: { items: Delivery[]; next?: number } = await getJson(
      `${listed("dead")}&after=${next}`,
    );
    for (const it of page.items) if (await again(it.id)) onEach(++tried);
    next = page.next;
  }
  return tried;
}

export function Deliveries() {
  const [asked, ask] = useParameter("state");
  const state: State = asked === "waiting" ? "waiting" : "dead";
  const list = useList<Delivery, Counts>(listed(state), (it) => it.id, { everyMs: 5000 });
  const [tried, setTried] = useState<number>();
  const total = (which: State) => (list.data?.counts ?? []).reduce((sum, it) => sum + it[which], 0);
  const counted = (which: State, said: string) =>
    [which, total(which) > 0 ? `${said} (${total(which)})` : said] as const;
  const retry = async (id: number) => {
    try {
      done((await again(id)) ? "It is tried again" : "It is no longer there");
      list.reload();
    } catch (error) {
      failed(error);
    }
  };
  const retryAll = async () => {
    setTried(0);
    try {
      const count = await allAgain(setTried);
      done(`${plural(count, "delivery", "deliveries")} tried again`);
    } catch (error) {
      failed(error);
    }
    setTried(undefined);
    list.reload();
  };
  const dead = state === "dead";
  return (
    <Page
      title="Deliveries"
      wide
      about={
        <>
          What webhooks have not been told yet. Each receiver is told of a call in order, again and
          again with longer pauses, and given up in the end.{" "}
          <a href={hrefOf("/webhooks")}>Webhooks</a>
        </>
      }
      actions={
        <>
          {dead && total("dead") > 1 && may("manager") && (
            <Button busy={tried !== undefined} onClick={() => void retryAll()}>
              {tried === undefined ? "Try all again" : `${tried} of ${total("dead")}`}
            </Button>
          )}
          <Segmented
            label="Which"
            value={state}
            options={[counted("dead", "Given up"), counted("waiting", "Waiting")]}
            onChange={(it) => ask(it === "dead" ? "" : it)}
          />
        </>
      }
    >
      <ListPanel
        label="Deliveries"
        list={list}
        columns={[
          [
            "Webhook",
            (it) => <a href={hrefOf(`/webhooks/${segment(it.webhook)}`)}>{it.webhook}</a>,
            "first",
          ],
          ["Event", (it) => <Badge>{it.event}</Badge>],
          ["Call", (it) => <OfCall id={it.call} />],
          ["Attempts", (it) => it.attempts, "right num"],
          dead
            ? ["Since", (it) => <Moment at={it.queued_at} relative />]
            : ["Next", (it) => <Moment at={it.due} />],
          ["Why", (it) => it.why || "-", "cell break"],
          may("manager") &&
            dead && [
              "",
              (it) => (
                <Button small onClick={() => void retry(it.id)}>
                  Try again
                </Button>
              ),
            ],
        ]}
        empty={
          <Empty icon="webhook" title={dead ? "Nothing was given up" : "Nothing waits"}>
            {dead
              ? "Every receiver has taken what it was told."
              : "Whatever happens to calls is delivered at once."}
          </Empty>
        }
      />
    </Page>
  );
}

function OfCall({ id }: { id: string }) {
  if (!id) return <span class="muted">-</span>;
  return (
    <a class="mono small" href={hrefOf(`/calls/${segment(id)}`)}>
      {id.slice(0, 14)}
    </a>
  );
}
