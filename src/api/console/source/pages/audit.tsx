// The audit log: who changed what, and when.

import { useEffect, useState } from "preact/hooks";
import { getJson, query } from "../lib/api";
import { brief, isTable, type Json } from "../lib/document";
import { useDebounced, useFetch } from "../lib/use";
import { label } from "../lib/words";
import { failed } from "../ui/overlay";
import { Badge, Button, Empty, Loading, Moment, Page, type Tone, Trouble } from "../ui/parts";

interface Entry {
  id: number;
  at: number;
  by: string;
  source: string;
  what: string;
  subject: string;
  detail: Json;
}

const TONES: Record<string, Tone> = {
  created: "good",
  deleted: "bad",
  login_refused: "warn",
  changed: "accent",
};

export function Audit() {
  const [by, setBy] = useState("");
  const [subject, setSubject] = useState("");
  const asked = useDebounced(query({ by: by.trim(), subject: subject.trim() }), 250);
  const list = useFetch<{ items: Entry[]; next?: number }>(`/v1/audit${asked}`);
  const [more, setMore] = useState<Entry[]>([]);
  const [next, setNext] = useState<number>();
  useEffect(() => {
    setMore([]);
    setNext(list.data?.next);
  }, [list.data]);
  const items = [...(list.data?.items ?? []), ...more];
  const load = async () => {
    try {
      const answer = await getJson<{ items: Entry[]; next?: number }>(
        `/v1/audit${query({ by: by.trim(), subject: subject.trim(), after: next })}`,
      );
      setMore([...more, ...answer.items]);
      setNext(answer.next);
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Page title="Audit" about="Every change and every sign-in, newest first.">
      <div class="toolbar">
        <input
          class="input"
          style={{ maxWidth: "200px" }}
          aria-label="By whom"
          placeholder="By whom"
          value={by}
          onInput={(e) => setBy(e.currentTarget.value)}
        />
        <input
          class="input"
          style={{ maxWidth: "280px" }}
          aria-label="Of what"
          placeholder="Of what, such as queue/sales"
          value={subject}
          onInput={(e) => setSubject(e.currentTarget.value)}
        />
      </div>
      {list.error && <Trouble error={list.error} retry={list.reload} />}
      <section class="panel flush" aria-label="Audit log">
        {!list.data && list.loading ? (
          <div class="body" style={{ padding: "16px" }}>
            <Loading />
          </div>
        ) : items.length === 0 ? (
          list.data && (
            <Empty icon="audit" title="Nothing here">
              Nothing fits, or nothing has been changed yet.
            </Empty>
          )
        ) : (
          <div class="table-wrap">
            <table>
              <thead>
                <tr>
                  <th>When</th>
                  <th>Who</th>
                  <th>What</th>
                  <th>Of what</th>
                  <th>Detail</th>
                  <th class="hide-narrow">From</th>
                </tr>
              </thead>
              <tbody>
                {items.map((it) => (
                  <tr key={it.id}>
                    <td>
                      <Moment at={it.at} />
                    </td>
                    <td class="first">{it.by || <span class="muted">nobody</span>}</td>
                    <td>
                      <Badge tone={TONES[it.what] ?? ""}>{label(it.what)}</Badge>
                    </td>
                    <td class="break">{it.subject}</td>
                    <td class="cell">
                      <Detail value={it.detail} />
                    </td>
                    <td class="mono small hide-narrow">{it.source}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {next !== undefined && (
          <div style={{ padding: "12px", textAlign: "center" }}>
            <Button onClick={load}>Show more</Button>
          </div>
        )}
      </section>
    </Page>
  );
}

function Detail({ value }: { value: Json }) {
  const empty = value === null || (isTable(value) && Object.keys(value).length === 0);
  if (empty) return <span class="muted">-</span>;
  const short = isTable(value) ? Object.keys(value).map(label).join(", ") : brief(value);
  return (
    <details>
      <summary class="clip muted" style={{ cursor: "pointer" }}>
        {short}
      </summary>
      <pre class="code">{JSON.stringify(value, null, 2)}</pre>
    </details>
  );
}
