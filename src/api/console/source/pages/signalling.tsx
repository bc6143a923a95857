// The SIP messages of a call, drawn as a ladder; each can be read.

import { useMemo, useState } from "preact/hooks";
import { segment } from "../lib/api";
import { toMs } from "../lib/time";
import { useFetch } from "../lib/use";
import { Icon } from "../ui/icon";
import { CopyButton, Panel } from "../ui/parts";

interface Message {
  at: number;
  from: string;
  to: string;
  /** We were sent it; else we sent it. */
  heard: boolean;
  transport?: string;
  /** As text; in base64 behind a NUL where it is none. */
  text: string;
}

interface Captured {
  messages: Message[];
  left_out?: number;
}

export interface Rung {
  at: number;
  ours: boolean;
  peer: string;
  line: string;
  text: string;
}

export function rungs(messages: Message[]): Rung[] {
  return messages.map((it) => {
    const text = it.text.startsWith("\0") ? "(not text)" : it.text;
    return {
      at: toMs(it.at),
      ours: !it.heard,
      peer: it.heard ? it.from : it.to,
      line: text.split(/\r?\n/, 1)[0],
      text,
    };
  });
}

/** What stands on an arrow: the method, or the status. */
export function short(line: string): string {
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)/.exec(line);
  if (response) return `${response[1]} ${response[2]}`.trim();
  return /^[A-Z]+ /.test(line) ? line.split(" ", 1)[0] : line;
}

export function Signalling({ id }: { id: string }) {
  const messages = useFetch<Captured>(`/v1/records/${segment(id)}/messages`);
  const [open, setOpen] = useState<number>();
  const drawn = useMemo(() => rungs(messages.data?.messages ?? []), [messages.data]);
  const base = `/v1/records/${segment(id)}`;
  if (messages.error?.status === 404 || (messages.data && drawn.length === 0)) {
    return (
      <Panel title="SIP">
        <p class="muted">
          The messages of this call are no longer kept: only the newest calls' are.
        </p>
      </Panel>
    );
  }
  if (drawn.length === 0) return null;
  const aside = (
    <>
      <a class="button small" href={`${base}/capture.pcap`} download={`${id}.pcap`}>
        <Icon name="download" size={14} />
        pcap
      </a>
      <a class="button small" href={`${base}/ladder`} download={`${id}.txt`}>
        <Icon name="download" size={14} />
        Text
      </a>
    </>
  );
  return (
    <Panel title="SIP" aside={aside}>
      <div class="stack">
        {messages.data?.left_out ? (
          <p class="muted small">{messages.data.left_out} messages in the middle were left out.</p>
        ) : null}
        <Ladder rungs={drawn} open={open} onOpen={(at) => setOpen(at === open ? undefined : at)} />
        {open !== undefined && drawn[open] && (
          <div>
            <div class="row apart">
              <span class="label">{drawn[open].line}</span>
              <CopyButton text={drawn[open].text} label="Copy the message" />
            </div>
            <pre class="code" tabIndex={0}>
              {drawn[open].text}
            </pre>
          </div>
        )}
      </div>
    </Panel>
  );
}

const ROW = 25;
const TIME = 74;
const LANE = 190;

function Ladder({
  rungs,
  open,
  onOpen,
}: {
  rungs: Rung[];
  open?: number;
  onOpen: (at: number) => void;
}) {
  const peers = [...new Set(rungs.map((it) => it.peer))];
  // The first to call stands left of us, all others right.
  const columns = [peers[0] ?? "caller", "\u0000us", ...peers.slice(1)];
  const width = TIME + 60 + (columns.length - 1) * LANE + 80;
  const x = (peer: string) => TIME + 60 + columns.indexOf(peer) * LANE;
  const height = 40 + rungs.length * ROW + 8;
  const begin = rungs[0].at;
  return (
    <div class="ladder">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        style={{ maxWidth: `${width}px` }}
        role="group"
        aria-label="SIP ladder"
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" fill="var(--ink-2)" />
          </marker>
        </defs>
        {columns.map((it) => (
          <g key={it}>
            <text class="head" x={x(it)} y="14" text-anchor="middle">
              {it === "\u0000us" ? "crosspoint" : it}
            </text>
            <line class="life" x1={x(it)} x2={x(it)} y1="24" y2={height} />
          </g>
        ))}
        {rungs.map((it, at) => {
          const y = 48 + at * ROW;
          const [from, to] = it.ours ? [x("\u0000us"), x(it.peer)] : [x(it.peer), x("\u0000us")];
          const time = `+${((it.at - begin) / 1000).toFixed(3)}`;
          const label = `${time} ${short(it.line)}, ${it.ours ? "to" : "from"} ${it.peer}`;
          return (
            <g
              key={at}
              class="message"
              role="button"
              tabIndex={0}
              aria-pressed={open === at}
              aria-label={label}
              onClick={() => onOpen(at)}
              onKeyDown={(e) =>
                (e.key === "Enter" || e.key === " ") && (e.preventDefault(), onOpen(at))
              }
            >
              <rect class="hit" x="0" y={y - 17} width={width} height={ROW - 1} rx="4" />
              <text class="time" aria-hidden="true" x="4" y={y}>
                {time}
              </text>
              <text aria-hidden="true" x={(from + to) / 2} y={y - 3} text-anchor="middle">
                {short(it.line)}
              </text>
              <line
                x1={from}
                x2={to}
                y1={y + 3}
                y2={y + 3}
                stroke={/^SIP\/2\.0 [456]/.test(it.line) ? "var(--bad)" : "var(--ink-2)"}
                marker-end="url(#arrow)"
              />
            </g>
          );
        })}
      </svg>
    </div>
  );
}
