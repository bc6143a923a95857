// The call log: searched by what is in the address, exported as it is searched.

import { useEffect, useState } from "preact/hooks";
import { getJson, query, segment } from "../lib/api";
import { showNumber } from "../lib/phone";
import { type CallRecord, outcomeOf } from "../lib/records";
import { go, hrefOf, setSearch, usePlace } from "../lib/router";
import { clock } from "../lib/time";
import { useDebounced, useFetch, usePolling } from "../lib/use";
import { outcome } from "../lib/words";
import { failed } from "../ui/overlay";
import { Badge, Button, Empty, Loading, Moment, Page, Trouble } from "../ui/parts";
import { Icon } from "../ui/icon";
import { useFresh } from "../lib/events";

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
  const path = `/v1/records${query({ ...wanted, limit: LIMIT })}`;
  const page = useFetch<{ items: CallRecord[]; next?: string | null }>(path);
  useFresh(
    page.reload,
    1500,
    (fact) => fact.what.type === "call.ended" || fact.what.type === "call.received",
  );
  const [more, setMore] = useState<CallRecord[]>([]);
  const [next, setNext] = useState<string | null>();
  useEffect(() => setMore([]), [path]);
  useEffect(() => {
    if (more.length === 0) setNext(page.data?.next);
  }, [page.data, more.length]);
  const first = page.data?.items ?? [];
  const known = new Set(first.map((it) => it.id));
  const items = [...first, ...more.filter((it) => !known.has(it.id))];
  usePolling(
    page.reload,
    items.some((it) => it.state === "in_progress"),
  );
  const filtered = FILTERS.some((it) => filters[it]);
  const load = async () => {
    try {
      const answer = await getJson<{ items: CallRecord[]; next?: string | null }>(
        `/v1/records${query({ ...asked(filters), limit: LIMIT, after: next ?? undefined })}`,
      );
      setMore([...more, ...answer.items]);
      setNext(answer.next);
    } catch (error) {
      failed(error);
    }
  };
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
      {page.error && <Trouble error={page.error} retry={page.reload} />}
      <section class="panel flush" aria-label="Calls" aria-busy={page.loading}>
        {!page.data && page.loading ? (
          <div class="body" style={{ padding: "16px" }}>
            <Loading rows={6} />
          </div>
        ) : items.length === 0 ? (
          page.data &&
          (filtered ? (
            <Empty icon="search" title="No call fits">
              Fewer or other filters may find some.
            </Empty>
          ) : (
            <Empty icon="calls" title="No calls yet">
              Each call to a tracking number is kept here: who called, who answered, how long they
              talked, and the recording.
            </Empty>
          ))
        ) : (
          <Table items={items} />
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

function Table({ items }: { items: CallRecord[] }) {
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            <th>Time</th>
            <th>Caller</th>
            <th>Tracking number</th>
            <th>Outcome</th>
            <th>Answered by</th>
            <th class="right">Talk</th>
            <th class="right">Wait</th>
            <th>Tags</th>
          </tr>
        </thead>
        <tbody>
          {items.map((it) => {
            const said = outcome(outcomeOf(it));
            const to = `/calls/${segment(it.id)}`;
            const taker = it.legs.find((leg) => leg.connected_at)?.destination;
            const recorded = it.recordings.some((one) => one.file);
            return (
              <tr
                key={it.id}
                class="go"
                onClick={(e) => (e.target as Element).closest("a") || void go(to)}
              >
                <td>
                  <a class="first" href={hrefOf(to)}>
                    <Moment at={it.received_at} />
                  </a>
                </td>
                <td class="num nowrap">
                  {it.caller ? showNumber(it.caller) : "No number"}
                  {it.caller_name && <div class="muted small clip">{it.caller_name}</div>}
                </td>
                <td class="num nowrap">
                  {showNumber(it.tracking_number)}
                  {it.source && <div class="muted small">{it.source}</div>}
                </td>
                <td>
                  <Badge tone={said.tone} dot={it.state === "in_progress" ? "live" : undefined}>
                    {said.text}
                  </Badge>
                </td>
                <td class="cell">
                  <div class="clip">
                    {taker ?? <span class="muted">-</span>}
                    {it.agent && <span class="muted"> {it.agent}</span>}
                  </div>
                </td>
                <td class="right num nowrap">
                  {recorded && (
                    <span
                      class="muted"
                      title="Recorded"
                      style={{ display: "inline-block", verticalAlign: "-2px", marginRight: "5px" }}
                    >
                      <Icon name="prompt" size={13} />
                    </span>
                  )}
                  {it.talk_ms ? clock(it.talk_ms) : <span class="muted">-</span>}
                </td>
                <td class="right num">
                  {it.wait_ms ? clock(it.wait_ms) : <span class="muted">-</span>}
                </td>
                <td class="cell">
                  <div class="chips">
                    {it.tags.slice(0, 3).map((tag) => (
                      <span key={tag} class="badge">
                        {tag}
                      </span>
                    ))}
                    {it.score && <span class="badge accent">score {it.score}</span>}
                  </div>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
