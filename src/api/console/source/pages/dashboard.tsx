// The dashboard: how the day goes, where calls come from, whether everything is up.

import { query } from "../lib/api";
import { hrefOf, setSearch, usePlace } from "../lib/router";
import { useStatus } from "../lib/status";
import { sayTime } from "../lib/time";
import { troubles } from "../lib/troubles";
import { useFetch } from "../lib/use";
import { outcome, plural } from "../lib/words";
import { Bars, type Column, Columns, Legend, type Series } from "../ui/charts";
import {
  Badge,
  Empty,
  LinkButton,
  Loading,
  Moment,
  Note,
  Page,
  Panel,
  Segmented,
  Trouble,
} from "../ui/parts";
import { FirstSteps } from "./first_steps";
import { AgentNow, Health } from "./live_state";
import { may } from "../lib/session";

interface Row {
  key: string;
  calls: number;
  answered: number;
  missed: number;
  abandoned: number;
  talk_ms: number;
  wait_ms_avg: number;
  waited: number;
}

interface Statistics {
  rows: Row[];
  totals: Row;
}

const RANGES = { day: "24 hours", week: "7 days", month: "30 days" } as const;
type Range = keyof typeof RANGES;
const HOUR = 3_600_000;
const LENGTH: Record<Range, number> = {
  day: 24 * HOUR,
  week: 7 * 24 * HOUR,
  month: 30 * 24 * HOUR,
};

const SERIES: Series[] = [
  { key: "answered", label: "Answered", colour: "var(--chart-1)" },
  { key: "missed", label: "Missed", colour: "var(--chart-2)" },
  { key: "abandoned", label: "Abandoned", colour: "var(--chart-3)" },
];

/** The whole hour or day that a range begins with: the same question is asked all the hour. */
function beginning(range: Range, now: number): number {
  if (range === "day") return Math.floor((now - LENGTH.day) / HOUR) * HOUR + HOUR;
  const date = new Date(now);
  date.setHours(0, 0, 0, 0);
  date.setDate(date.getDate() - LENGTH[range] / (24 * HOUR) + 1);
  return date.getTime();
}

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

export function Dashboard() {
  const place = usePlace();
  const asked = place.search.get("range") ?? "day";
  const range: Range = asked in RANGES ? (asked as Range) : "day";
  const from = new Date(beginning(range, Date.now())).toISOString();
  const by = (what: string) => `/v1/statistics${query({ from, by: what, zone: ZONE })}`;
  const time = useFetch<Statistics>(by(range === "day" ? "hour" : "day"), 20_000);
  const sources = useFetch<Statistics>(by("source"), 20_000);
  const outcomes = useFetch<Statistics>(by("outcome"), 30_000);
  const totals = time.data?.totals;
  return (
    <Page
      title="Dashboard"
      wide
      actions={
        <Segmented
          label="Time"
          value={range}
          options={Object.entries(RANGES) as [Range, string][]}
          onChange={(it) => setSearch({ range: it === "day" ? undefined : it })}
        />
      }
    >
      {time.error && <Trouble error={time.error} retry={time.reload} />}
      <Troubles />
      <Tiles totals={totals} />
      <FirstSteps />
      <div class="columns lean">
        <div class="stack loose">
          <Panel title="Calls" aside={<Legend series={SERIES} />}>
            {!time.data ? (
              <Loading />
            ) : (totals?.calls ?? 0) === 0 ? (
              <NoCalls range={range} />
            ) : (
              <Columns
                label={`Calls of the last ${RANGES[range]}`}
                series={SERIES}
                columns={columns(time.data.rows, range)}
              />
            )}
          </Panel>
          <div class="columns">
            <Panel title="By source">
              {!sources.data ? (
                <Loading />
              ) : sources.data.rows.length === 0 ? (
                <p class="muted">No calls in this time.</p>
              ) : (
                <Bars rows={sources.data.rows.slice(0, 8).map(sourceRow)} />
              )}
            </Panel>
            <Panel title="By outcome">
              {!outcomes.data ? (
                <Loading />
              ) : outcomes.data.rows.length === 0 ? (
                <p class="muted">No calls in this time.</p>
              ) : (
                <Bars rows={outcomes.data.rows.map(outcomeRow)} />
              )}
            </Panel>
          </div>
        </div>
        <Now />
      </div>
    </Page>
  );
}

/** What somebody has to look after, before anything else is read. */
function Troubles() {
  const found = troubles(useStatus());
  const dead = useFetch<{ counts: { dead: number }[] }>(
    may("manager") ? "/v1/deliveries?limit=1" : undefined,
    20_000,
  );
  const lost = (dead.data?.counts ?? []).reduce((sum, it) => sum + it.dead, 0);
  return (
    <>
      {found.map((it) => (
        <Note key={it.what} tone="bad">
          <strong>{it.what}</strong>
          {it.since !== undefined && (
            <>
              {" "}
              since <Moment at={it.since} />
            </>
          )}
          {it.why && <>: {it.why}</>}. {it.then}{" "}
          {it.to && <a href={hrefOf(it.to[0])}>{it.to[1]}</a>}
        </Note>
      ))}
      {lost > 0 && (
        <Note tone="warn">
          <strong>{plural(lost, "event was", "events were")} given up</strong>: a webhook did not
          take {lost === 1 ? "it" : "them"}. <a href={hrefOf("/deliveries")}>Deliveries</a>
        </Note>
      )}
    </>
  );
}

function Tiles({ totals }: { totals?: Row }) {
  const status = useStatus();
  const calls = totals?.calls ?? 0;
  const rate = calls > 0 && totals ? Math.round((totals.answered / calls) * 100) : undefined;
  return (
    <div class="tiles">
      <Tile
        what="Active now"
        live={(status?.calls ?? 0) > 0}
        value={status ? String(status.calls) : "-"}
        more={<a href={hrefOf("/live")}>Live calls</a>}
      />
      <Tile
        what="Calls"
        value={totals ? calls.toLocaleString("en") : "-"}
        more={totals ? `${totals.answered} answered` : ""}
      />
      <Tile
        what="Answer rate"
        value={rate === undefined ? "-" : `${rate} %`}
        more={totals ? `${totals.missed} missed` : ""}
      />
      <Tile
        what="Average wait"
        value={totals?.waited ? sayTime(totals.wait_ms_avg) : "-"}
        more={totals?.waited ? `${plural(totals.waited, "call")} in queues` : "in queues"}
      />
      <Tile
        what="Talk time"
        value={totals && totals.talk_ms > 0 ? sayTime(totals.talk_ms) : "-"}
        more={
          totals && totals.answered > 0 ? `${sayTime(totals.talk_ms / totals.answered)} a call` : ""
        }
      />
      <Tile
        what="Phones"
        value={status ? String(status.registrations?.total ?? 0) : "-"}
        more="registered"
      />
    </div>
  );
}

function Tile({
  what,
  value,
  more,
  live,
}: {
  what: string;
  value: string;
  more?: preact.ComponentChildren;
  live?: boolean;
}) {
  return (
    <div class="tile">
      <div class="what">
        {live && <span class="dot good live" />}
        {what}
      </div>
      <div class="value">{value}</div>
      <div class="more">{more || "\u00a0"}</div>
    </div>
  );
}

function NoCalls({ range }: { range: Range }) {
  const first = may("manager") ? (
    <LinkButton to="/new/tracking_numbers" icon="plus">
      New Tracking Number
    </LinkButton>
  ) : undefined;
  return (
    <Empty icon="calls" title={`No calls in the last ${RANGES[range]}`} action={first}>
      A call to one of your tracking numbers appears here as it ends, and on Live Calls while it
      lasts.
    </Empty>
  );
}

/** Every hour or day of the range, also those without calls. */
export function columns(rows: Row[], range: Range): Column[] {
  const first = beginning(range, Date.now());
  const hours = range === "day";
  const found = new Map(
    rows.map((it) => [hours ? Math.floor(Date.parse(it.key) / HOUR) * HOUR : it.key, it]),
  );
  return Array.from({ length: LENGTH[range] / (hours ? HOUR : 24 * HOUR) }, (_, at) => {
    const date = new Date(first);
    if (hours) date.setTime(first + at * HOUR);
    else date.setDate(date.getDate() + at);
    const two = (it: number) => String(it).padStart(2, "0");
    const key = hours
      ? date.getTime()
      : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const row = found.get(key);
    const label = hours
      ? `${two(date.getHours())}:00`
      : date.toLocaleDateString(undefined, { day: "numeric", month: "short" });
    const full = hours
      ? `${date.toLocaleDateString(undefined, { weekday: "short" })} ${label}`
      : date.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
    return {
      label,
      full,
      values: {
        answered: row?.answered ?? 0,
        missed: row?.missed ?? 0,
        abandoned: row?.abandoned ?? 0,
      },
    };
  });
}

function sourceRow(it: Row) {
  return {
    key: it.key,
    label: it.key || "no source",
    to: hrefOf(`/calls${query({ source: it.key })}`),
    parts: SERIES.map((one) => ({ value: it[one.key as "answered"], colour: one.colour })),
    note: `${it.calls}`,
  };
}

const COLOURS: Record<string, string> = {
  answered: "var(--chart-1)",
  voicemail: "var(--chart-6)",
  failed: "var(--chart-5)",
  invalid_number: "var(--chart-5)",
  abandoned: "var(--chart-3)",
};

function outcomeRow(it: Row) {
  return {
    key: it.key,
    label: outcome(it.key).text,
    to: hrefOf(`/calls${query({ outcome: it.key })}`),
    parts: [{ value: it.calls, colour: COLOURS[it.key] ?? "var(--chart-2)" }],
    note: `${it.calls}`,
  };
}

/** Trunks, queues and agents as they are now. */
function Now() {
  const status = useStatus();
  if (!status)
    return (
      <Panel title="Now">
        <Loading />
      </Panel>
    );
  return (
    <div class="stack loose">
      <Panel title="Trunks" flush>
        {status.trunks.length === 0 && (
          <p class="muted" style={{ padding: "14px 16px" }}>
            No trunk yet. A trunk is a carrier: it brings calls to tracking numbers.
          </p>
        )}
        {status.trunks.length > 0 && (
          <table>
            <tbody>
              {status.trunks.map((it) => {
                return (
                  <tr key={it.name}>
                    <td>
                      <a class="first" href={hrefOf(`/trunks/${encodeURIComponent(it.name)}`)}>
                        {it.name}
                      </a>
                    </td>
                    <td class="right">
                      <Health of={it.addresses} />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
      </Panel>
      {status.queues.length > 0 && (
        <Panel title="Queues" flush>
          <table>
            <tbody>
              {status.queues.map((it) => (
                <tr key={it.name}>
                  <td>
                    <a class="first" href={hrefOf(`/queues/${encodeURIComponent(it.name)}`)}>
                      {it.name}
                    </a>
                  </td>
                  <td class="right nowrap">
                    <Badge tone={it.waiting > 0 ? "warn" : ""}>{it.waiting} waiting</Badge>{" "}
                    <Badge tone={it.free > 0 ? "good" : ""}>{it.free} free</Badge>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
      )}
      {status.agents.length > 0 && (
        <Panel
          title="Agents"
          flush
          aside={
            <span class="muted small">
              {plural(
                status.agents.filter((it) => it.state === "available").length,
                "available",
                "available",
              )}
            </span>
          }
        >
          <table>
            <tbody>
              {status.agents.map((it) => (
                <tr key={it.name}>
                  <td class="first">{it.name}</td>
                  <td style={{ width: "1%" }}>
                    <AgentNow name={it.name} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
      )}
    </div>
  );
}
