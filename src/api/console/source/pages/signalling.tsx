// The SIP messages of a call, drawn as a ladder; each can be read.

import { useMemo, useState } from "preact/hooks";
import { segment } from "../lib/api";
import type { LegRecord } from "../lib/records";
import { sayTime, toMs } from "../lib/time";
import { useFetch, useWidth } from "../lib/use";
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

export function Signalling({ id, legs }: { id: string; legs: LegRecord[] }) {
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
        <Ladder
          rungs={drawn}
          legs={legs}
          open={open}
          onOpen={(at) => setOpen(at === open ? undefined : at)}
        />
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
const PAUSE = 28;
const TIME = 78;
const HEAD = 44;

/** What a peer is called: the legs that were asked for there, where each has an INVITE of its own. */
function namesOf(rungs: Rung[], legs: LegRecord[]): Map<string, string> {
  const names = new Map<string, string>();
  const first = rungs[0];
  if (first && !first.ours && first.line.startsWith("INVITE ")) names.set(first.peer, "Caller");
  const asked = new Map<string, string>();
  for (const it of rungs) {
    const call = /^call-id:\s*(\S+)/im.exec(it.text)?.[1];
    if (it.ours && it.line.startsWith("INVITE ") && call && !asked.has(call))
      asked.set(call, it.peer);
  }
  const known = [...legs].sort((a, b) => a.dialled_at - b.dialled_at || a.leg - b.leg);
  if (asked.size !== known.length) return names;
  [...asked.values()].forEach((peer, at) => {
    const said = names.get(peer);
    const more = known[at].destination;
    names.set(peer, said && said !== more ? `${said}, ${more}` : more);
  });
  return names;
}

/** A status says by its colour how it went. */
function toneOf(line: string): string {
  const status = /^SIP\/2\.0 (\d)/.exec(line)?.[1];
  if (status === undefined) return "ask";
  return status === "1" ? "wait" : status === "2" ? "good" : status === "3" ? "" : "bad";
}

/** Where each message is drawn: long silences are told between them. */
function placed(rungs: Rung[]) {
  const seen = new Set<string>();
  let y = HEAD;
  return rungs.map((it, at) => {
    const silence = at > 0 ? it.at - rungs[at - 1].at : 0;
    const pause = silence >= 1000 ? y + 9 : undefined;
    if (pause !== undefined) y += PAUSE;
    y += ROW;
    const key = `${it.ours} ${it.peer} ${it.text}`;
    const again = seen.has(key);
    seen.add(key);
    return { ...it, y, again, pause, silence };
  });
}

interface LadderProps {
  rungs: Rung[];
  legs: LegRecord[];
  open?: number;
  onOpen: (at: number) => void;
}

function Ladder({ rungs, legs, open, onOpen }: LadderProps) {
  const [box, room] = useWidth<HTMLDivElement>(300);
  const peers = [...new Set(rungs.map((it) => it.peer))];
  // The first to call stands left of us, all others right.
  const columns = [peers[0] ?? "caller", "\u0000us", ...peers.slice(1)];
  const names = namesOf(rungs, legs);
  const side = 62;
  const lane = Math.min(240, Math.max(104, (room - TIME - 2 * side) / (columns.length - 1)));
  const width = TIME + 2 * side + (columns.length - 1) * lane;
  const x = (peer: string) => TIME + side + columns.indexOf(peer) * lane;
  const drawn = placed(rungs);
  const height = (drawn.at(-1)?.y ?? HEAD) + 14;
  const begin = rungs[0].at;
  return (
    <div class="ladder" ref={box}>
      <svg width={width} height={height} role="group" aria-label="SIP ladder">
        <defs>
          {["ask", "wait", "good", "bad", ""].map((tone) => (
            <marker
              key={tone}
              id={`arrow-${tone}`}
              class={tone}
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto"
            >
              <path d="M0 0 8 4 0 8z" />
            </marker>
          ))}
        </defs>
        {columns.map((it) => (
          <Head key={it} peer={it} name={names.get(it)} x={x(it)} height={height} />
        ))}
        {drawn.map((it, at) => {
          const { y } = it;
          const [from, to] = it.ours ? [x("\u0000us"), x(it.peer)] : [x(it.peer), x("\u0000us")];
          const time = `+${((it.at - begin) / 1000).toFixed(3)}`;
          const text = `${short(it.line)}${it.again ? " (again)" : ""}`;
          const tone = toneOf(it.line);
          const name = names.get(it.peer);
          return (
            <g key={at}>
              {it.pause !== undefined && (
                <g class="silence">
                  <rect x={TIME} y={it.pause} width={width - TIME} height={PAUSE - 11} rx="4" />
                  <text x={TIME + 10} y={it.pause + 12}>
                    {sayTime(it.silence)} later
                  </text>
                </g>
              )}
              <g
                class={`message ${tone}${it.again ? " again" : ""}`}
                role="button"
                tabIndex={0}
                aria-pressed={open === at}
                aria-label={`${time} ${text}, ${it.ours ? "to" : "from"} ${it.peer}${name ? ` (${name})` : ""}`}
                onClick={() => onOpen(at)}
                onKeyDown={(e) =>
                  (e.key === "Enter" || e.key === " ") && (e.preventDefault(), onOpen(at))
                }
              >
                <rect class="hit" x="0" y={y - 17} width={width} height={ROW - 1} rx="4" />
                <text class="time" aria-hidden="true" x="4" y={y}>
                  {time}
                </text>
                <text aria-hidden="true" x={(from + to) / 2} y={y - 4} text-anchor="middle">
                  {text}
                </text>
                <line x1={from} x2={to} y1={y + 2} y2={y + 2} marker-end={`url(#arrow-${tone})`} />
              </g>
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function Head({
  peer,
  name,
  x,
  height,
}: {
  peer: string;
  name?: string;
  x: number;
  height: number;
}) {
  const us = peer === "\u0000us";
  const clipped = name && name.length > 16 ? `${name.slice(0, 15)}\u2026` : name;
  return (
    <g>
      <text class="head" x={x} y="13" text-anchor="middle">
        {us ? "crosspoint" : (clipped ?? peer)}
        {!us && <title>{name ? `${name}, ${peer}` : peer}</title>}
      </text>
      {!us && name && (
        <text class="address" x={x} y="28" text-anchor="middle">
          {peer}
        </text>
      )}
      <line class="life" x1={x} x2={x} y1="36" y2={height} />
    </g>
  );
}
