// The legs of a call along its time: dialling, ringing, keys and whisper, talking; and how each
// ended.

import { type CallRecord, type LegRecord, outcomeOfLeg } from "../lib/records";
import { sayTime, toMs } from "../lib/time";
import { useWidth } from "../lib/use";
import { outcome } from "../lib/words";

const ROW = 28;
const BAR = 14;
const END = 96;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].map((it) => it * 1000);

interface Span {
  from: number;
  to: number;
  colour: string;
  what: string;
}

const PHASES = [
  ["dialled_at", "var(--line-strong)", "dialling"],
  ["ringing_at", "var(--chart-3)", "ringing"],
  ["answered_at", "var(--chart-6)", "keys and accept"],
  ["whisper_at", "var(--chart-2)", "whisper"],
  ["accepted_at", "var(--chart-6)", "keys and accept"],
  ["connected_at", "var(--chart-4)", "talking"],
] as const;

/** What a leg did, one after the other. */
function spans(leg: LegRecord, now: number): Span[] {
  const end = toMs(leg.ended_at) ?? now;
  const known = PHASES.flatMap(([key, colour, what]) => {
    const from = toMs(leg[key]);
    return from === undefined ? [] : [{ from, colour, what }];
  });
  return known
    .map((it, at) => ({ ...it, to: known[at + 1]?.from ?? end }))
    .filter((it) => it.to >= it.from);
}

export function Gantt({ record }: { record: CallRecord }) {
  const [box, width] = useWidth<HTMLElement>(320);
  const names = width < 480 ? 84 : 150;
  const begin = toMs(record.received_at);
  const end = toMs(record.ended_at) ?? Date.now();
  const total = Math.max(end - begin, 1000);
  const room = width - names - END;
  const x = (at: number) => names + Math.max(0, Math.min(1, (at - begin) / total)) * room;
  const step = STEPS.find((it) => total / it <= room / 60) ?? 7_200_000;
  const height = record.legs.length * ROW + 22;
  const drawn = record.legs.map((leg) => ({ leg, spans: spans(leg, end) }));
  const seen = new Set(drawn.flatMap((it) => it.spans.map((span) => span.what)));
  const letters = Math.floor(names / 7.2);
  return (
    <figure class="gantt" ref={box}>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={record.legs
          .map((it) => `${it.destination}: ${outcomeOfLeg(it) ?? "now"}`)
          .join(", ")}
      >
        <g class="axis">
          {Array.from({ length: Math.floor(total / step) + 1 }, (_, at) => (
            <g key={at}>
              <line x1={x(begin + at * step)} x2={x(begin + at * step)} y1="0" y2={height - 18} />
              <text x={x(begin + at * step)} y={height - 4} text-anchor="middle">
                {at === 0 ? "0" : sayTime(at * step)}
              </text>
            </g>
          ))}
        </g>
        {drawn.map(({ leg, spans }, row) => {
          const said = outcome(outcomeOfLeg(leg));
          const last = spans.at(-1);
          return (
            <g key={leg.leg} transform={`translate(0 ${row * ROW})`}>
              <text class="name" x="0" y="18">
                {leg.destination.length > letters
                  ? `${leg.destination.slice(0, letters - 1)}\u2026`
                  : leg.destination}
                <title>{leg.destination}</title>
              </text>
              {spans.map((it, at) => (
                <rect
                  key={at}
                  x={x(it.from)}
                  width={Math.max(x(it.to) - x(it.from), 2)}
                  y="7"
                  height={BAR}
                  rx="3"
                  style={{ fill: it.colour }}
                >
                  <title>{`${leg.destination}: ${it.what} for ${sayTime(it.to - it.from)}`}</title>
                </rect>
              ))}
              {last && leg.ended_at && (
                <g class={`end ${said.tone}`}>
                  <line x1={x(last.to) + 1} x2={x(last.to) + 1} y1="4" y2={BAR + 10} />
                  <text x={x(last.to) + 8} y="18">
                    {said.text}
                  </text>
                </g>
              )}
            </g>
          );
        })}
      </svg>
      <div class="legend">
        {PHASES.filter(([, , what], at) => seen.has(what) && at !== 4).map(([, colour, what]) => (
          <span key={what}>
            <i class="swatch" style={{ background: colour }} />
            {what}
          </span>
        ))}
      </div>
    </figure>
  );
}
