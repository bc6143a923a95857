// Recordings after their calls: where they are, until when; held and deleted here.

import { useEffect, useState } from "preact/hooks";
import { getJson, query, segment } from "../lib/api";
import { showNumber } from "../lib/phone";
import { hrefOf, setSearch, usePlace } from "../lib/router";
import { clock } from "../lib/time";
import { useFetch } from "../lib/use";
import { failed } from "../ui/overlay";
import { Button, Empty, Loading, Moment, Page, Segmented, Trouble } from "../ui/parts";
import { Badges, type Kept, KeptActions, sayBytes, Until } from "./kept";

interface Listed {
  items: Kept[];
  next?: string;
}

const WHICH = [
  ["all", "All"],
  ["held", "Held"],
  ["local", "On this edge"],
  ["uploaded", "Uploaded"],
  ["deleted", "Deleted"],
] as const;
type Which = (typeof WHICH)[number][0];

export function Recordings() {
  const place = usePlace();
  const asked = place.search.get("which") ?? "all";
  const which = (WHICH.some(([key]) => key === asked) ? asked : "all") as Which;
  const filter = which === "held" ? { held: "true" } : which === "all" ? {} : { state: which };
  const path = `/v1/recordings${query({ ...filter, limit: 100 })}`;
  const list = useFetch<Listed>(path, 10_000);
  const [more, setMore] = useState<Kept[]>([]);
  const [next, setNext] = useState<string>();
  useEffect(() => setMore([]), [path]);
  useEffect(() => {
    if (more.length === 0) setNext(list.data?.next);
  }, [list.data, more.length]);
  const first = list.data?.items ?? [];
  const known = new Set(first.map((it) => it.file));
  const items = [...first, ...more.filter((it) => !known.has(it.file))];
  const load = async () => {
    try {
      const page = await getJson<Listed>(
        `/v1/recordings${query({ ...filter, limit: 100, after: next })}`,
      );
      setMore([...more, ...page.items]);
      setNext(page.next);
    } catch (error) {
      failed(error);
    }
  };
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
          onChange={(it) => setSearch({ which: it === "all" ? undefined : it })}
        />
      }
    >
      {list.error && <Trouble error={list.error} retry={list.reload} />}
      <section class="panel flush" aria-label="Recordings">
        {!list.data && list.loading ? (
          <div class="body" style={{ padding: "16px" }}>
            <Loading rows={6} />
          </div>
        ) : items.length === 0 ? (
          list.data && (
            <Empty icon="record" title={which === "all" ? "No recordings yet" : "None of these"}>
              Calls that may be recorded leave one for each connection.
            </Empty>
          )
        ) : (
          <Rows items={items} onDone={list.reload} />
        )}
        {next && (
          <div style={{ padding: "12px", textAlign: "center" }}>
            <Button onClick={load}>Show more</Button>
          </div>
        )}
      </section>
    </Page>
  );
}

function Rows({ items, onDone }: { items: Kept[]; onDone: () => void }) {
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            <th>Begun</th>
            <th>Tracking number</th>
            <th class="right">Length</th>
            <th class="right">Size</th>
            <th>Where</th>
            <th>Kept</th>
            <th>
              <span class="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((it) => (
            <tr key={it.file}>
              <td>
                <a class="first" href={hrefOf(`/calls/${segment(it.call)}`)}>
                  <Moment at={it.started_at} />
                </a>
              </td>
              <td class="num nowrap">{showNumber(it.tracking_number)}</td>
              <td class="right num">{clock(it.length_ms)}</td>
              <td class="right num nowrap">{it.bytes > 0 ? sayBytes(it.bytes) : "-"}</td>
              <td>
                <span class="chips">
                  <Badges of={it} />
                </span>
              </td>
              <td>
                <Until of={it} />
              </td>
              <td class="actions">
                <KeptActions of={it} onDone={onDone} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
