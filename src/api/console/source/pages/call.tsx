// One call: everything that is known of it, and why it went as it went.

import { useCallback } from "preact/hooks";
import { query, segment } from "../lib/api";
import { useFresh, type Fact } from "../lib/events";
import { showNumber } from "../lib/phone";
import {
  type CallRecord,
  type LegRecord,
  opinion,
  outcomeOf,
  outcomeOfLeg,
  type Quality,
  type Recording,
  sayCause,
  why,
} from "../lib/records";
import { hrefOf } from "../lib/router";
import { may } from "../lib/session";
import { clock, sayTime, toMs } from "../lib/time";
import { useFetch, usePolling, useWidth } from "../lib/use";
import { outcome, sayBytes } from "../lib/words";
import { Badge, Loading, Moment, Page, Panel, type Tone, Trouble } from "../ui/parts";
import { Gantt } from "../ui/gantt";
import { Player } from "../ui/player";
import { Badges, isGone, type Kept, KeptActions, Until } from "./kept";
import { Signalling } from "./signalling";

export function CallPage({ id }: { id: string }) {
  const fetched = useFetch<CallRecord>(`/v1/records/${segment(id)}`);
  const events = useFetch<{ items: Fact[] } | Fact[]>(`/v1/records/${segment(id)}/events`);
  useFresh(
    () => (fetched.reload(), events.reload()),
    400,
    (fact) => fact.call === id,
  );
  const record = fetched.data;
  const listens = may("manager") && record !== undefined && record.state !== "in_progress";
  const kept = useFetch<{ items: Kept[] }>(
    listens ? `/v1/recordings${query({ call: id })}` : undefined,
  );
  const again = useCallback(() => {
    fetched.reload();
    events.reload();
  }, [fetched.reload, events.reload]);
  usePolling(again, record?.state === "in_progress");
  const back = { to: "/calls", label: "Call Log" };
  if (!record)
    return (
      <Page title="Call" back={back}>
        {fetched.error ? (
          <Trouble error={fetched.error} retry={fetched.reload} />
        ) : (
          <div class="panel">
            <div class="body">
              <Loading />
            </div>
          </div>
        )}
      </Page>
    );
  const facts = Array.isArray(events.data) ? events.data : (events.data?.items ?? []);
  const said = outcome(outcomeOf(record));
  const title = record.caller ? showNumber(record.caller) : "No number";
  return (
    <Page
      title={title}
      back={back}
      wide
      about={
        <>
          {record.caller_name && `${record.caller_name}, `}to {showNumber(record.tracking_number)}
          {record.source && `, ${record.source}`}, <Moment at={record.received_at} />
        </>
      }
      actions={
        <Badge tone={said.tone} dot={record.state === "in_progress" ? "live" : undefined}>
          {said.text}
        </Badge>
      }
    >
      <div class="columns lean">
        <div class="stack loose">
          {record.recordings.map((it, at) => (
            <Recorded
              key={at}
              recording={it}
              record={record}
              facts={facts}
              kept={kept.data?.items.find((one) => one.file === it.file)}
              onDone={kept.reload}
            />
          ))}
          {record.legs.length > 0 && (
            <Panel title="Legs">
              <Gantt record={record} />
            </Panel>
          )}
          {record.legs.map((it) => (
            <Leg key={it.leg} leg={it} />
          ))}
          <Signalling id={id} legs={record.legs} />
        </div>
        <div class="stack loose">
          <Summary record={record} />
          <Panel title="What happened, and why">
            <Story record={record} facts={facts} />
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function Summary({ record }: { record: CallRecord }) {
  const length = (ms: number | null | undefined) =>
    ms === null || ms === undefined ? undefined : clock(ms);
  const rows: [string, preact.ComponentChildren][] = [
    ["Talk", length(record.talk_ms)],
    [
      "Ringing",
      record.ring_ms === null || record.ring_ms === undefined ? undefined : sayTime(record.ring_ms),
    ],
    ["Waiting", length(record.wait_ms)],
    ["Ended", sayCause(record.cause)],
    ["Agent", record.agent],
    ["Lead owner", record.lead_owner],
    ["Source tag", record.source_tag],
    ["Score", record.score],
    [
      "Tags",
      record.tags.length > 0 ? (
        <span class="chips">
          {record.tags.map((it) => (
            <span key={it} class="badge">
              {it}
            </span>
          ))}
        </span>
      ) : undefined,
    ],
    ["Direction", record.direction],
    [
      "Linked calls",
      record.linked && record.linked.length > 0
        ? record.linked.map((it) => (
            <a key={it} href={hrefOf(`/calls/${segment(it)}`)} class="mono">
              {it}{" "}
            </a>
          ))
        : undefined,
    ],
    ["Call id", <span class="mono small break">{record.id}</span>],
  ];
  return (
    <Panel title="Summary">
      <dl class="facts">
        {rows
          .filter(([, value]) => value)
          .map(([name, value]) => [
            <dt key={`${name}t`}>{name}</dt>,
            <dd key={`${name}d`}>{value}</dd>,
          ])}
      </dl>
      {record.caller_quality && (
        <>
          <h3 style={{ margin: "14px 0 8px" }}>Caller's audio</h3>
          <Media quality={record.caller_quality} />
        </>
      )}
    </Panel>
  );
}

function Leg({ leg }: { leg: LegRecord }) {
  const said = outcome(outcomeOfLeg(leg));
  const start = leg.answered_at ?? leg.dialled_at;
  const after = (at: number | null | undefined, from = leg.dialled_at) =>
    at ? `+${sayTime((at - from) / 1000)}` : undefined;
  const rows: [string, preact.ComponentChildren][] = [
    ["Dialled", <Moment at={leg.dialled_at} />],
    ["Ringing", after(leg.ringing_at)],
    ["Answered", after(leg.answered_at)],
    ["Answered by", leg.answered_by],
    [
      "Voice heard after",
      leg.voice_after_ms !== null && leg.voice_after_ms !== undefined
        ? sayTime(leg.voice_after_ms)
        : undefined,
    ],
    ["Whisper", after(leg.whisper_at)],
    ["Accepted", after(leg.accepted_at)],
    ["Connected", after(leg.connected_at)],
    ["Ended", after(leg.ended_at)],
    ["Why", sayCause(leg.cause)],
  ];
  return (
    <Panel
      title={leg.destination}
      aside={<Badge tone={said.tone}>{leg.ended_at ? said.text : "now"}</Badge>}
    >
      <div class="stack">
        <dl class="facts">
          {rows
            .filter(([, value]) => value)
            .map(([name, value]) => [
              <dt key={`${name}t`}>{name}</dt>,
              <dd key={`${name}d`} class="num">
                {value}
              </dd>,
            ])}
        </dl>
        {leg.symbols.length > 0 && <Digits symbols={leg.symbols} from={start} />}
        {leg.quality && leg.connected_at && <Media quality={leg.quality} />}
      </div>
    </Panel>
  );
}

/** When each symbol of the extension was sent; the digits themselves are not kept. */
function Digits({ symbols, from }: { symbols: LegRecord["symbols"]; from: number }) {
  const [box, room] = useWidth<HTMLElement>(240);
  const width = room - 24;
  const last = symbols.at(-1)!;
  const total = Math.max((last.at - from) / 1000 + 400, 1000);
  const x = (ms: number) => (ms / total) * width;
  const step =
    [250, 500, 1000, 2000, 5000, 10_000].find((it) => total / it <= width / 50) ?? 30_000;
  const said = (it: LegRecord["symbols"][number], what: string) =>
    `${what}, symbol ${it.position}: ${sayTime((it.at - from) / 1000)} after the answer`;
  return (
    <figure class="timeline" ref={box}>
      <svg
        viewBox={`-12 0 ${room} 56`}
        width={room}
        height="56"
        role="img"
        aria-label={`${symbols.length} symbols of the extension, sent over ${sayTime(total)}`}
      >
        <g class="axis">
          <line x1="0" x2={width} y1="34" y2="34" />
          {Array.from({ length: Math.floor(total / step) + 1 }, (_, at) => (
            <g key={at}>
              <line x1={x(at * step)} x2={x(at * step)} y1="34" y2="39" />
              <text x={x(at * step)} y="51" text-anchor="middle">
                {(at * step) / 1000} s
              </text>
            </g>
          ))}
        </g>
        {symbols.map((it, at) => {
          const begin = x((it.at - from) / 1000);
          const end = symbols[at + 1] ? x((symbols[at + 1].at - from) / 1000) : begin + x(200);
          return it.wait ? (
            <rect
              key={at}
              class="pause"
              x={begin}
              y="12"
              width={Math.max(end - begin - 1, 2)}
              height="22"
              rx="3"
            >
              <title>{said(it, "w")}</title>
            </rect>
          ) : (
            <rect
              key={at}
              class="digit"
              x={begin}
              y="12"
              width={Math.max(x(100), 3)}
              height="22"
              rx="2"
            >
              <title>{said(it, "digit")}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption>
        Extension: {symbols.filter((it) => !it.wait).length} digits,{" "}
        {symbols.filter((it) => it.wait).length} pauses; first{" "}
        {sayTime((symbols[0].at - from) / 1000)} after the answer. Which digits is not kept.
      </figcaption>
    </figure>
  );
}

function Media({ quality }: { quality: Quality }) {
  const heard = quality.packets_received + quality.packets_lost;
  const loss = heard > 0 ? (quality.packets_lost / heard) * 100 : 0;
  const mos = opinion(quality);
  const tone: Tone = mos >= 4 ? "good" : mos >= 3.2 ? "warn" : "bad";
  const shown: [string, preact.ComponentChildren][] = [
    [
      "Quality",
      quality.packets_received > 0 ? <Badge tone={tone}>{mos.toFixed(1)} of 5</Badge> : "no audio",
    ],
    ["Received", quality.packets_received.toLocaleString("en")],
    ["Sent", quality.packets_sent.toLocaleString("en")],
    ["Lost", `${quality.packets_lost} (${loss.toFixed(1)} %)`],
    ["Jitter", `${quality.jitter_ms.toFixed(1)} ms`],
  ];
  if (quality.round_trip_ms !== null && quality.round_trip_ms !== undefined)
    shown.push(["Round trip", `${quality.round_trip_ms.toFixed(0)} ms`]);
  if (quality.remote_lost !== null && quality.remote_lost !== undefined)
    shown.push(["Lost there", String(quality.remote_lost)]);
  return (
    <dl class="stats">
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Recorded({
  recording,
  record,
  facts,
  kept,
  onDone,
}: {
  recording: Recording;
  record: CallRecord;
  facts: Fact[];
  kept?: Kept;
  onDone: () => void;
}) {
  const whom = recording.voicemail
    ? `Message in ${recording.voicemail}`
    : recording.virtual_agent
      ? `With ${recording.virtual_agent}`
      : record.legs.find((it) => it.leg === recording.leg)?.destination;
  const title = recording.voicemail ? "Message" : "Recording";
  if (!recording.file) {
    if (!recording.prevented) return null;
    return (
      <Panel title={title} aside={<Badge>not recorded</Badge>}>
        <p class="muted">
          {why(recording.prevented)}.{whom && ` (${whom})`}
        </p>
      </Panel>
    );
  }
  const notes = [
    recording.stopped_by ? `Stopped ${stopper(recording.stopped_by)}` : "",
    recording.lost_ms > 0 ? `${sayTime(recording.lost_ms)} lost` : "",
  ]
    .filter(Boolean)
    .join(", ");
  return (
    <Panel
      title={title}
      aside={<span class="muted small">{[whom, notes].filter(Boolean).join(" - ")}</span>}
    >
      {!may("manager") ? (
        <p class="muted">It is recorded. To listen to it needs the role manager.</p>
      ) : kept && isGone(kept) ? (
        <p class="muted">It was deleted{kept.deleted_by && ` by ${kept.deleted_by}`}.</p>
      ) : (
        <Player
          file={recording.file}
          lengthMs={recording.length_ms}
          startedAt={recording.started_at ?? undefined}
          facts={facts}
          live={record.state === "in_progress"}
        />
      )}
      {kept && !isGone(kept) && (
        <div class="row apart kept">
          <span class="row">
            <Badges of={kept} />
            <span class="muted small">
              {kept.bytes > 0 && `${sayBytes(kept.bytes)}, `}kept <Until of={kept} />
            </span>
          </span>
          <KeptActions of={kept} onDone={onDone} />
        </div>
      )}
    </Panel>
  );
}

/** Who or what stopped a recording. */
function stopper(by: string): string {
  const known: Record<string, string> = {
    destination: "by a code of the answering side",
    command: "by command",
    end_of_call: "at the end of the call",
    transfer: "for a transfer",
    virtual_agent: "for the virtual agent",
    disk: "because the disk refused it",
  };
  return known[by] ?? `by ${by.replaceAll("_", " ")}`;
}

interface Line {
  at: number;
  text: preact.ComponentChildren;
  tone: Tone;
  seq: number;
}

/** Facts in words; the path's steps where there is no fact that says more. */
function Story({ record, facts }: { record: CallRecord; facts: Fact[] }) {
  const destination = (leg: unknown) =>
    record.legs.find((it) => it.leg === leg)?.destination ?? `leg ${leg}`;
  const lines: Line[] = facts
    .map((it) => ({ at: it.at, seq: it.seq, ...sayFact(it, destination) }))
    .filter((it) => it.text !== "");
  const known = new Set(facts.map((it) => it.what.type));
  for (const step of record.path)
    if (
      !known.has("route.entered") ||
      !facts.some(
        (it) => it.what.type === "route.entered" && step.what.includes(String(it.what.route)),
      )
    )
      lines.push({ at: step.at, seq: 2, text: step.what, tone: "" });
  lines.sort((a, b) => a.at - b.at || a.seq - b.seq);
  if (lines.length === 0) return <p class="muted">Nothing is known yet.</p>;
  return (
    <ol class="path">
      {lines.map((it, at) => (
        <li key={at}>
          <span class="at" title={new Date(toMs(it.at)).toLocaleString()}>
            {at === 0
              ? new Date(toMs(it.at)).toLocaleTimeString()
              : `+${sayTime((it.at - lines[0].at) / 1000)}`}
          </span>
          <span class="pin">
            <span class={`dot ${it.tone}`} />
          </span>
          <span class="break">{it.text}</span>
        </li>
      ))}
    </ol>
  );
}

function sayFact(
  fact: Fact,
  destination: (leg: unknown) => string,
): { text: preact.ComponentChildren; tone: Tone } {
  const it = fact.what as Record<string, never> & { type: string; leg?: number };
  const whom = destination(it.leg);
  const cause = it.cause as never as Parameters<typeof sayCause>[0];
  switch (it.type) {
    case "call.received":
      return { text: `Call to ${showNumber(it.tracking_number)}`, tone: "accent" };
    case "route.entered":
      return {
        text: (
          <>
            Route: <strong>{it.route}</strong>
          </>
        ),
        tone: "",
      };
    case "leg.dialing":
      return { text: `Dials ${it.destination}`, tone: "" };
    case "leg.ringing":
      return { text: `${whom} rings`, tone: "" };
    case "leg.answered":
      return { text: `${whom} answers`, tone: "accent" };
    case "leg.digit":
      return { text: "", tone: "" };
    case "leg.whisper":
      return { text: `${whom} hears the whisper`, tone: "" };
    case "leg.accepted":
      return { text: `${whom} takes the call`, tone: "accent" };
    case "leg.declined":
      return { text: `${whom} declines`, tone: "warn" };
    case "call.connected":
      return { text: `Connected with ${whom}`, tone: "good" };
    case "recording.started":
      return { text: "Recording starts", tone: "bad" };
    case "recording.stopped":
      return { text: `Recording stopped ${stopper(it.by)}`, tone: "" };
    case "recording.prevented":
      return { text: `Not recorded: ${why(it.why).toLowerCase()}`, tone: "" };
    case "agent.connected":
      return { text: `Talks with ${it.agent}`, tone: "good" };
    case "agent.ended":
      return { text: `${it.agent}: ${why(it.reason).toLowerCase()}`, tone: "" };
    case "call.commanded":
      return { text: `${it.by}: ${why(it.command).toLowerCase()}`, tone: "accent" };
    case "leg.ended":
      return { text: `${whom} ended: ${sayCause(cause)}`, tone: "" };
    case "call.ended":
      return { text: `Ended: ${sayCause(cause)}`, tone: "" };
    case "keys.entered":
      return {
        text: `Keys for ${it.asked}${it.understood === (false as never) ? ", not understood" : ""}`,
        tone: "",
      };
    case "voicemail.left":
      return { text: `Message left in ${it.voicemail}`, tone: "good" };
    case "call.scored":
      return { text: `Scored ${it.score}`, tone: "good" };
    default:
      return { text: it.type, tone: "" };
  }
}
