// The extension of a receiving number: its text, the column at fault, a drawing of what is sent.

import { faultOf, inWords, length, timeline } from "../lib/extension";
import { parseTime, sayTime } from "../lib/time";
import { useWidth } from "../lib/use";
import { about, Box } from "./box";
import { useField } from "./editor";
import type { Field } from "./schema";

const EXAMPLE = "such as 3ww1928";

export function ExtensionField({ field }: { field: Field }) {
  const { value, set, wrong, id, readOnly } = useField(["extension"]);
  const text = typeof value === "string" ? value : "";
  const own = text === "" ? undefined : faultOf(text);
  const column = wrong?.column ?? own?.column;
  const shown = wrong ?? (own && { pointer: "/extension", detail: own.why, column: own.column });
  const help = (
    <>
      Keyed in once the number has answered. <code>w</code> waits half a second, <code>W</code> a
      second: <code>3ww1928</code> sends 3, waits 1 second, then sends 1928.
    </>
  );
  return (
    <Box id={id} label="Extension" help={help} wrong={shown} wide>
      <input
        id={id}
        class="input mono mid"
        value={text}
        placeholder={EXAMPLE}
        disabled={readOnly}
        autocomplete="off"
        spellcheck={false}
        {...about(id, shown)}
        title={field.allowed}
        onInput={(e) => set(e.currentTarget.value || undefined)}
      />
      {column !== undefined && <Cells text={text} column={column} />}
    </Box>
  );
}

/** Each character in a cell of its own, so that the wrong one can be seen. */
function Cells({ text, column }: { text: string; column: number }) {
  return (
    <div class="cells" aria-hidden="true">
      {[...text].slice(0, 60).map((it, at) => (
        <span key={at} class={at + 1 === column ? "bad" : /[wW]/.test(it) ? "wait" : ""}>
          {it === " " ? "\u2423" : it}
        </span>
      ))}
    </div>
  );
}

const PAUSES = [0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30];

export function DialPauseField({ field }: { field: Field }) {
  const { value, set, wrong, id, readOnly } = useField(["dial_pause"]);
  const ms = value === undefined ? 0 : parseTime(value);
  const usual = PAUSES.find((it) => it * 1000 === ms);
  return (
    <Box id={id} label="Dial Pause" help={field.doc || "Wait before the extension."} wrong={wrong}>
      <select
        id={id}
        class="select mid"
        value={usual === undefined ? "\u0000own" : String(usual)}
        disabled={readOnly}
        {...about(id, wrong)}
        onChange={(e) =>
          set(e.currentTarget.value === "0" ? undefined : `${e.currentTarget.value}s`)
        }
      >
        {PAUSES.map((it) => (
          <option key={it} value={String(it)}>
            {it === 0 ? "No pause" : it === 1 ? "1 second" : `${it} seconds`}
          </option>
        ))}
        {usual === undefined && (
          <option value={"\u0000own"}>{ms === undefined ? String(value) : sayTime(ms)}</option>
        )}
      </select>
    </Box>
  );
}

const HEIGHT = 62;
const LINE = 38;

/** Digits and pauses along the time, from the answer on. */
export function Timeline({
  text,
  dialPause,
  voice,
}: {
  text: string;
  dialPause: number;
  voice?: boolean;
}) {
  const [box, room] = useWidth<HTMLElement>(240);
  const width = room - 24;
  if (faultOf(text) || text === "") return <figure ref={box} hidden />;
  const spans = timeline(text, dialPause);
  const total = Math.max(length(text, dialPause), 1000);
  const x = (ms: number) => (ms / total) * width;
  const step =
    [250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000].find((it) => total / it <= width / 50) ??
    120_000;
  const ticks = Array.from({ length: Math.floor(total / step) + 1 }, (_, at) => at * step);
  const said = inWords(text, dialPause);
  return (
    <figure class="timeline" ref={box}>
      <svg
        viewBox={`-12 0 ${room} ${HEIGHT}`}
        width={room}
        height={HEIGHT}
        role="img"
        aria-label={said}
      >
        <g class="axis">
          {ticks.map((at) => (
            <g key={at}>
              <line x1={x(at)} x2={x(at)} y1={LINE} y2={LINE + 5} />
              <text x={x(at)} y={HEIGHT - 6} text-anchor="middle">
                {at / 1000} s
              </text>
            </g>
          ))}
          <line x1="0" x2={width} y1={LINE} y2={LINE} />
        </g>
        {spans.map((span, at) =>
          span.kind === "pause" ? (
            <g key={at}>
              <rect
                class={span.label === "dial pause" ? "dial" : "pause"}
                x={x(span.from) + 1}
                width={Math.max(x(span.to) - x(span.from) - 2, 1)}
                y="16"
                height={LINE - 16}
                rx="3"
              />
              {x(span.to - span.from) > 34 && (
                <text
                  x={x((span.from + span.to) / 2)}
                  y="31"
                  text-anchor="middle"
                  style={{ fill: "var(--ink-3)" }}
                >
                  {x(span.to - span.from) > 110 && span.label === "dial pause" ? "dial pause " : ""}
                  {(span.to - span.from) / 1000} s
                </text>
              )}
            </g>
          ) : (
            <g key={at}>
              <rect
                class="digit"
                x={x(span.from)}
                width={Math.max(x(span.to - span.from), 2)}
                y="16"
                height={LINE - 16}
                rx="2"
              />
              <text x={x((span.from + span.to) / 2)} y="11" text-anchor="middle">
                {span.digit}
              </text>
            </g>
          ),
        )}
      </svg>
      <figcaption>
        {said} {sayTime(length(text, dialPause))} in all
        {voice ? ", from when the far end is first heard speaking" : ", from the answer"}.
      </figcaption>
    </figure>
  );
}
