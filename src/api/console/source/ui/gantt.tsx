// The legs of a call along its time: dialling, ringing, keys and whisper, talking.

import type { CallRecord, LegRecord } from "../lib/records";
import { sayTime, toMs } from "../lib/time";

const WIDTH = 760;
const NAMES = 128;
const ROW = 26;

interface Span {
  from: number;
  to: number;
  colour: string;
  what: string;
}

function spans(leg: LegRecord, now: number): Span[] {
  const end = toMs(leg.ended_at) ?? now;
  const steps: [number | undefined, string, string][] = [
    [toMs(leg.dialled_at), "var(--line-strong)", "dialling"],
    [toMs(leg.ringing_at), "var(--chart-3)", "ringing"],
    [toMs(leg.answered_at), "var(--chart-6)", "answered, not connected yet"],
    [toMs(leg.whisper_at), "var(--chart-2)", "whisper"],
    [toMs(leg.accepted_at), "var(--chart-6)", "accepted"],
    [toMs(leg.connected_at), "var(--chart-4)", "talking"],
  ];
  const known = steps.filter((it): it is [number, string, string] => it[0] !== undefined);
  return known
    .map(([from, colour, what], at) => ({ from, to: known[at + 1]?.[0] ?? end, colour, what }))
    .filter((it) => it.to >= it.from);
}

export function Gantt({ record }: { record: CallRecord }) {
  const begin = toMs(record.received_at);
  const end = toMs(record.ended_at) ?? Date.now();
  const total = Math.max(end - begin, 1000);
  const x = (at: number) =>
    NAMES + Math.max(0, Math.min(1, (at - begin) / total)) * (WIDTH - NAMES - 12);
  const step =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]
      .map((it) => it * 1000)
      .find((it) => total / it <= 9) ?? 7_200_000;
  const height = record.legs.length * ROW + 26;
  return (
    <figure class="gantt">
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="img"
        aria-label={record.legs.map((it) => `${it.destination}: ${it.outcome ?? "now"}`).join(", ")}
      >
        <g class="axis">
          {Array.from({ length: Math.floor(total / step) + 1 }, (_, at) => (
            <g key={at}>
              <line x1={x(begin + at * step)} x2={x(begin + at * step)} y1="0" y2={height - 18} />
              <text x={x(begin + at * step)} y={height - 5} text-anchor="middle">
                {at === 0 ? "0" : sayTime(at * step)}
              </text>
            </g>
          ))}
        </g>
        {record.legs.map((leg, row) => (
          <g key={leg.leg}>
            <text x="0" y={row * ROW + 17}>
              {leg.destination.length > 18 ? `${leg.destination.slice(0, 17)}...` : leg.destination}
            </text>
            {spans(leg, end).map((it, at) => (
              <rect
                key={at}
                x={x(it.from)}
                width={Math.max(x(it.to) - x(it.from), 1.5)}
                y={row * ROW + 6}
                height="14"
                rx="3"
                style={{ fill: it.colour }}
              >
                <title>{`${leg.destination}: ${it.what} for ${sayTime(it.to - it.from)}`}</title>
              </rect>
            ))}
          </g>
        ))}
      </svg>
      <div class="legend" style={{ paddingTop: "6px" }}>
        {[
          ["var(--chart-3)", "ringing"],
          ["var(--chart-6)", "keys and accept"],
          ["var(--chart-2)", "whisper"],
          ["var(--chart-4)", "talking"],
        ].map(([colour, text]) => (
          <span key={text}>
            <i class="swatch" style={{ background: colour }} />
            {text}
          </span>
        ))}
      </div>
    </figure>
  );
}
