// Recordings after their calls: where they are, until when; held and deleted here.

import { query, segment } from "../lib/api";
import { useList } from "../lib/list";
import { showNumber } from "../lib/phone";
import { useParameter } from "../lib/router";
import { clock } from "../lib/time";
import { sayBytes } from "../lib/words";
import { ListPanel } from "../ui/list";
import { Empty, Moment, Page, Segmented } from "../ui/parts";
import { Badges, type Kept, KeptActions, Until } from "./kept";

const WHICH = [
  ["all", "All"],
  ["held", "Held"],
  ["local", "On this edge"],
  ["uploaded", "Uploaded"],
  ["deleted", "Deleted"],
] as const;
type Which = (typeof WHICH)[number][0];

export function Recordings() {
  const [asked, ask] = useParameter("which");
  const which: Which = WHICH.find(([key]) => key === asked)?.[0] ?? "all";
  const filter = which === "held" ? { held: "true" } : which === "all" ? {} : { state: which };
  const path = `/v1/recordings${query({ ...filter, limit: 100 })}`;
  const list = useList<Kept>(path, (it) => it.file, { everyMs: 10_000 });
  return (
    <Page
      title="Recordings"
      wide
      about="Where each is, until when it is kept, and who holds it. The earliest first."
      actions={
        <Segmented
          label="Which"
          value={which}
          options={WHICH}
          onChange={(it) => ask(it === "all" ? "" : it)}
        />
      }
    >
      <ListPanel
        label="Recordings"
        list={list}
        to={(it) => `/calls/${segment(it.call)}`}
        columns={[
          ["Begun", (it) => <Moment at={it.started_at} />],
          ["Tracking number", (it) => showNumber(it.tracking_number), "num nowrap"],
          ["Length", (it) => clock(it.length_ms), "right num"],
          ["Size", (it) => (it.bytes > 0 ? sayBytes(it.bytes) : "-"), "right num nowrap"],
          [
            "Where",
            (it) => (
              <span class="chips">
                <Badges of={it} />
              </span>
            ),
          ],
          ["Kept", (it) => <Until of={it} />],
          ["", (it) => <KeptActions of={it} onDone={list.reload} />],
        ]}
        empty={
          <Empty icon="record" title={which === "all" ? "No recordings yet" : "None of these"}>
            Calls that may be recorded leave one for each connection.
          </Empty>
        }
      />
    </Page>
  );
}
