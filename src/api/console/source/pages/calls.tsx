// The call log: searched by what is in the address, exported as it is searched.

import { useState } from "preact/hooks";
import { query, segment } from "../lib/api";
import { useFresh } from "../lib/events";
import { useList } from "../lib/list";
import { showNumber } from "../lib/phone";
import { type CallRecord, outcomeOf } from "../lib/records";
import { setSearch, usePlace } from "../lib/router";
import { clock } from "../lib/time";
import { useDebounced, usePolling } from "../lib/use";
import { outcome } from "../lib/words";
import { Icon } from "../ui/icon";
import { type Column, ListPanel } from "../ui/list";
import { Badge, Button, Empty, Moment, Page } from "../ui/parts";

const FILTERS = [
  "number",
  "from",
  "to",
  "outcome",
  "source",
  "tag",
  "agent",
  "source_tag",
  "tracking_number",
  "destination",
  "direction",
  "has_recording",
] as const;
type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

const OUTCOMES = [
  "answered",
  "voicemail",
  "abandoned",
  "busy",
  "declined",
  "no_answer",
  "invalid_number",
  "failed",
  "interrupted",
  "in_progress",
];
const LIMIT = 50;

/** A day as the reader has it, as a moment of the API. */
function moment(date: string | undefined, end: boolean): string | undefined {
  if (!date) return undefined;
  const at = new Date(`${date}T00:00:00`);
  if (Number.isNaN(at.getTime())) return undefined;
  if (end) at.setDate(at.getDate() + 1);
  return at.toISOString();
}

function asked(filters: Filters): Record<string, string | undefined> {
  const { number, from, to, ...rest } = filters;
  return { ...rest, q: number, from: moment(from, false), to: moment(to, true) };
}

export function CallLog() {
  const place = usePlace();
  const filters = Object.fromEntries(
    FILTERS.map((it) => [it, place.search.get(it) ?? undefined]),
  ) as Filters;
  const change = (key: keyof Filters, value: string) =>
    setSearch({ ...filters, [key]: value || undefined });
  const settled = useDebounced(place.search.toString(), 250);
  const wanted = asked(Object.fromEntries(new URLSearchParams(settled)));
  const list = useList<CallRecord>(
    `/v1/records${query({ ...wanted, limit: LIMIT })}`,
    (it) => it.id,
    { page: LIMIT },
  );
  useFresh(
    list.refresh,
    1500,
    (fact) => fact.what.type === "call.ended" || fact.what.type === "call.received",
  );
  usePolling(
    list.refresh,
    list.items.some((it) => it.state === "in_progress"),
  );
  const filtered = FILTERS.some((it) => filters[it]);
  const exported = (format: string) => `/v1/records${query({ ...asked(filters), format })}`;
  return (
    <Page
      title="Call Log"
      wide
      actions={
        <>
          <a class="button" href={exported("csv")} download="calls.csv">
            <Icon name="download" size={15} />
            CSV
          </a>
          <a class="button" href={exported("ndjson")} download="calls.ndjson">
            <Icon name="download" size={15} />
            JSON
          </a>
        </>
      }
    >
      <FilterBar filters={filters} onChange={change} filtered={filtered} />
      <ListPanel
        label="Calls"
        list={list}
        to={(it) => `/calls/${segment(it.id)}`}
        columns={COLUMNS}
        empty={
          filtered ? (
            <Empty icon="search" title="No call fits">
              Fewer or other filters may find some.
            </Empty>
          ) : (
            <Empty icon="calls" title="No calls yet">
              Each call to a tracking number is kept here: who called, who answered, how long they
              talked, and the recording.
            </Empty>
          )
        }
      />
    </Page>
  );
}

interface BarProps {
  filters: Filters;
  filtered: boolean;
  onChange: (key: keyof Filters, value: string) => void;
}

function FilterBar({ filters, filtered, onChange }: BarProps) {
  const rare = (
    [
      "agent",
      "tag",
      "source_tag",
      "tracking_number",
      "destination",
      "direction",
      "has_recording",
    ] as const
  ).some((it) => filters[it]);
  const [opened, setOpen] = useState(false);
  const open = opened || rare;
  const text = (key: keyof Filters, label: string, hint = "") => (
    <div class="field">
      <label for={`filter-${key}`}>{label}</label>
      <input
        id={`filter-${key}`}
        class="input"
        value={filters[key] ?? ""}
        placeholder={hint}
        onInput={(e) => onChange(key, e.currentTarget.value)}
      />
    </div>
  );
  const date = (key: "from" | "to", label: string) => (
    <div class="field">
      <label for={`filter-${key}`}>{label}</label>
      <input
        id={`filter-${key}`}
        class="input"
        type="date"
        value={filters[key] ?? ""}
        onInput={(e) => onChange(key, e.currentTarget.value)}
      />
    </div>
  );
  const select = (key: keyof Filters, label: string, options: [string, string][]) => (
    <div class="field">
      <label for={`filter-${key}`}>{label}</label>
      <select
        id={`filter-${key}`}
        class="select"
        value={filters[key] ?? ""}
        onChange={(e) => onChange(key, e.currentTarget.value)}
      >
        <option value="">Any</option>
        {options.map(([value, said]) => (
          <option key={value} value={value}>
            {said}
          </option>
        ))}
      </select>
    </div>
  );
  return (
    <section class="panel" aria-label="Filters">
      <div class="body">
        <div class="filters">
          {text("number", "Number", "any part of the call")}
          {date("from", "From")}
          {date("to", "To")}
          {select(
            "outcome",
            "Outcome",
            OUTCOMES.map((it) => [it, outcome(it).text]),
          )}
          {text("source", "Source")}
          {open && text("tag", "Tag")}
          {open && text("agent", "Agent")}
          {open && text("source_tag", "Source tag")}
          {open && text("tracking_number", "Tracking number")}
          {open && text("destination", "Receiving number")}
          {open &&
            select("direction", "Direction", [
              ["inbound", "Inbound"],
              ["outbound", "Outbound"],
              ["internal", "Internal"],
            ])}
          {open &&
            select("has_recording", "Recording", [
              ["true", "Recorded"],
              ["false", "Not recorded"],
            ])}
          <div class="row" style={{ alignSelf: "end" }}>
            {!open && (
              <Button kind="plain" onClick={() => setOpen(true)}>
                More filters
              </Button>
            )}
            {filtered && (
              <Button kind="plain" icon="close" onClick={() => setSearch({})}>
                Clear
              </Button>
            )}
          </div>
        </div>
      </div>
    </section>
  );
}

const none = <span class="muted">-</span>;

const COLUMNS: readonly Column<CallRecord>[] = [
  ["Time", (it) => <Moment at={it.received_at} />],
  [
    "Caller",
    (it) => (
      <>
        {it.caller ? showNumber(it.caller) : "No number"}
        {it.caller_name && <div class="muted small clip">{it.caller_name}</div>}
      </>
    ),
    "num nowrap",
  ],
  [
    "Tracking number",
    (it) => (
      <>
        {showNumber(it.tracking_number)}
        {it.source && <div class="muted small">{it.source}</div>}
      </>
    ),
    "num nowrap hide-narrow",
  ],
  ["Outcome", (it) => <Outcome of={it} />],
  [
    "Answered by",
    (it) => (
      <div class="clip">
        {it.legs.find((leg) => leg.connected_at)?.destination ?? none}
        {it.agent && <span class="muted"> {it.agent}</span>}
      </div>
    ),
    "cell",
  ],
  [
    "Talk",
    (it) => (
      <>
        {it.recordings.some((one) => one.file) && (
          <span class="muted beside" title="Recorded">
            <Icon name="prompt" size={13} />
          </span>
        )}
        {it.talk_ms ? clock(it.talk_ms) : none}
      </>
    ),
    "right num nowrap",
  ],
  ["Wait", (it) => (it.wait_ms ? clock(it.wait_ms) : none), "right num hide-narrow"],
  [
    "Tags",
    (it) => (
      <div class="chips">
        {it.tags.slice(0, 3).map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
        {it.score && <Badge tone="accent">score {it.score}</Badge>}
      </div>
    ),
    "cell",
  ],
];

function Outcome({ of }: { of: CallRecord }) {
  const said = outcome(outcomeOf(of));
  return (
    <Badge tone={said.tone} dot={of.state === "in_progress" ? "live" : undefined}>
      {said.text}
    </Badge>
  );
}
