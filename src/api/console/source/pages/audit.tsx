// The audit log: who changed what, and when.

import { query } from "../lib/api";
import { brief, isTable, type Json } from "../lib/document";
import { useList } from "../lib/list";
import { useParameter } from "../lib/router";
import { useDebounced } from "../lib/use";
import { label } from "../lib/words";
import { ListPanel } from "../ui/list";
import { Badge, Empty, Moment, Page, type Tone } from "../ui/parts";

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
  const [by, setBy] = useParameter("by");
  const [subject, setSubject] = useParameter("subject");
  const asked = useDebounced(query({ by: by.trim(), subject: subject.trim() }), 250);
  const list = useList<Entry>(`/v1/audit${asked}`, (it) => it.id);
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
      <ListPanel
        label="Audit log"
        list={list}
        columns={[
          ["When", (it) => <Moment at={it.at} />],
          ["Who", (it) => it.by || <span class="muted">nobody</span>, "first"],
          ["What", (it) => <Badge tone={TONES[it.what] ?? ""}>{label(it.what)}</Badge>],
          ["Of what", (it) => it.subject, "break"],
          ["Detail", (it) => <Detail value={it.detail} />, "cell"],
          ["From", (it) => it.source, "mono small hide-narrow"],
        ]}
        empty={
          <Empty icon="audit" title="Nothing here">
            Nothing fits, or nothing has been changed yet.
          </Empty>
        }
      />
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
