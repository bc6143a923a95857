// A recording: its waveform, caller above and answering side below, with what was left out marked.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, filePath, type Problem, query } from "../lib/api";
import type { Fact } from "../lib/events";
import type { Gap } from "../lib/records";
import { clock, toMs } from "../lib/time";
import { asRefused, useWatched } from "../lib/use";
import { theme } from "../lib/theme";
import { failed } from "./overlay";
import { Icon } from "./icon";
import { Button, CopyButton, Note, Segmented } from "./parts";

/** The loudest of each column, 0 to 1; the caller left. */
interface Peaks {
  seconds: number;
  left: number[];
  right: number[];
}

interface PlayerProps {
  file: string;
  lengthMs: number;
  startedAt?: number;
  facts: Fact[];
  live: boolean;
}

/** Where recording was stopped and began again, by the events of the call. */
export function gapsOf(facts: Fact[], file: string, startedAt: number | undefined): Gap[] {
  if (startedAt === undefined) return [];
  const begin = toMs(startedAt);
  const gaps: Gap[] = [];
  let stopped: number | undefined;
  for (const fact of facts) {
    const { type } = fact.what;
    const at = toMs(fact.at) - begin;
    if (at < 0) continue;
    if (
      type === "recording.stopped" &&
      ["destination", "command", "api"].includes(String(fact.what.by))
    )
      stopped = at;
    if (type === "recording.started" && fact.what.file === file && stopped !== undefined) {
      gaps.push({ from: stopped, to: at });
      stopped = undefined;
    }
  }
  if (stopped !== undefined) gaps.push({ from: stopped, to: Number.POSITIVE_INFINITY });
  return gaps;
}

const POINTS = 700;
const RATES = [
  ["1", "1x"],
  ["1.5", "1.5x"],
  ["2", "2x"],
] as const;

export function Player({ file, lengthMs, startedAt, facts, live }: PlayerProps) {
  const audio = useRef<HTMLAudioElement>(null);
  const [peaks, setPeaks] = useState<Peaks>();
  const [gone, setGone] = useState<Problem>();
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [rate, setRate] = useState<"1" | "1.5" | "2">("1");
  const url = `/v1/recordings/${filePath(file)}`;
  useEffect(() => {
    if (live) return;
    let left = false;
    call("GET", `/v1/recordings/peaks${query({ file, points: POINTS })}`)
      .then((it) => it.json())
      .then(
        (it: Peaks) => left || setPeaks(it),
        (error) => left || setGone(asRefused(error).problem),
      );
    return () => void (left = true);
  }, [file, live]);
  const total = (peaks ? peaks.seconds * 1000 : 0) || lengthMs || 1;
  const gaps = useMemo(() => gapsOf(facts, file, startedAt), [facts, file, startedAt]);
  const sides = useMemo(
    () => (peaks ? [peaks.left, peaks.right].filter((it) => it.length > 0) : []),
    [peaks],
  );
  const seek = (ms: number) => {
    if (audio.current) audio.current.currentTime = Math.max(0, Math.min(total, ms)) / 1000;
    setAt(Math.max(0, Math.min(total, ms)));
  };
  const toggle = async () => {
    const element = audio.current;
    if (!element) return;
    if (!element.paused) return element.pause();
    try {
      await element.play();
    } catch (error) {
      failed(asRefused(error), "The recording cannot be played");
    }
  };
  const step = (ms: number) => seek((audio.current?.currentTime ?? 0) * 1000 + ms);
  if (live)
    return <p class="muted">It is being recorded. It can be heard once the call has ended.</p>;
  if (gone) return <Unheard why={gone} />;
  return (
    <div class="stack">
      <Wave
        sides={sides}
        total={total}
        at={at}
        gaps={gaps}
        onSeek={seek}
        onKey={(key) => (key === " " ? void toggle() : step(key === "ArrowLeft" ? -5000 : 5000))}
      />
      <div class="player">
        <Button
          icon={playing ? "pause" : "play"}
          kind="primary"
          label={playing ? "Pause" : "Play recording"}
          onClick={() => void toggle()}
        />
        <span class="num">
          {clock(at)} <span class="muted">/ {clock(total)}</span>
        </span>
        <Segmented
          label="Speed"
          value={rate}
          options={RATES}
          onChange={(next) => {
            setRate(next);
            if (audio.current) audio.current.playbackRate = Number(next);
          }}
        />
        <span class="grow" />
        <a class="button small" href={url} download={file.split("/").at(-1)}>
          <Icon name="download" size={14} />
          Download
        </a>
      </div>
      <audio
        ref={audio}
        src={url}
        preload="none"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)}
        onTimeUpdate={(e) => setAt(e.currentTarget.currentTime * 1000)}
      />
    </div>
  );
}

/** Why it cannot be heard here, and what to do about it. */
function Unheard({ why }: { why: Problem }) {
  if (why.state !== "sealed" || !why.command)
    return (
      <Note tone={why.status === 503 ? "bad" : "warn"}>
        {why.status === 404 ? "The recording is not there any more." : (why.detail ?? why.title)}
      </Note>
    );
  return (
    <div class="stack tight">
      <Note>
        <strong>It is sealed.</strong> This edge has not the secret that opens it. Who has it
        downloads the sealed file, and opens it with:
      </Note>
      <div class="row" style={{ flexWrap: "nowrap" }}>
        <code class="card sunken grow break">{why.command}</code>
        <CopyButton text={why.command} label="Copy the command" />
      </div>
      {why.download && (
        <div>
          <a class="button small" href={why.download} download>
            <Icon name="download" size={14} />
            Download sealed
          </a>
        </div>
      )}
    </div>
  );
}

interface WaveProps {
  sides: number[][];
  total: number;
  at: number;
  gaps: Gap[];
  onSeek: (ms: number) => void;
  onKey: (key: string) => void;
}

const HEIGHT = 112;

function Wave({ sides, total, at, gaps, onSeek, onKey }: WaveProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(600);
  const colours = useWatched(theme);
  useEffect(() => {
    if (!canvas.current?.parentElement) return;
    const watch = new ResizeObserver(([entry]) =>
      setWidth(Math.max(100, Math.round(entry.contentRect.width))),
    );
    watch.observe(canvas.current.parentElement);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d");
    if (!element || !pen) return;
    const ratio = devicePixelRatio || 1;
    element.width = width * ratio;
    element.height = HEIGHT * ratio;
    pen.scale(ratio, ratio);
    draw(
      pen,
      width,
      sides,
      at / total,
      gaps.map((it) => ({ from: it.from / total, to: Math.min(it.to / total, 1) })),
    );
  }, [width, sides, at, total, gaps, colours]);
  const from = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    onSeek(((event.clientX - box.left) / box.width) * total);
  };
  return (
    <div
      class="wave"
      role="slider"
      tabIndex={0}
      aria-label="Position in the recording"
      aria-valuemin={0}
      aria-valuemax={Math.round(total / 1000)}
      aria-valuenow={Math.round(at / 1000)}
      aria-valuetext={`${clock(at)} of ${clock(total)}`}
      onPointerDown={(e) => (e.currentTarget.setPointerCapture(e.pointerId), from(e))}
      onPointerMove={(e) => e.buttons === 1 && from(e)}
      onKeyDown={(e) =>
        [" ", "ArrowLeft", "ArrowRight"].includes(e.key) && (e.preventDefault(), onKey(e.key))
      }
    >
      <canvas ref={canvas} />
      <span class="side-name" style={{ top: "4px" }}>
        Caller
      </span>
      {sides.length > 1 && (
        <span class="side-name" style={{ bottom: "4px" }}>
          Answering side
        </span>
      )}
      {gaps.length > 0 && (
        <span class="sr">
          {gaps.map((it) => `Not recorded from ${clock(it.from)} to ${until(it.to)}.`).join(" ")}
        </span>
      )}
    </div>
  );
}

const until = (ms: number) => (Number.isFinite(ms) ? clock(ms) : "the end");

function draw(
  pen: CanvasRenderingContext2D,
  width: number,
  sides: number[][],
  at: number,
  gaps: Gap[],
) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  pen.clearRect(0, 0, width, HEIGHT);
  for (const gap of gaps) {
    const [x, to] = [gap.from * width, Math.max(gap.to * width, gap.from * width + 3)];
    pen.fillStyle = colour("--warn-soft");
    pen.fillRect(x, 0, to - x, HEIGHT);
    pen.strokeStyle = colour("--chart-2");
    pen.lineWidth = 1;
    for (let line = x - HEIGHT; line < to; line += 7) {
      pen.save();
      pen.beginPath();
      pen.rect(x, 0, to - x, HEIGHT);
      pen.clip();
      pen.beginPath();
      pen.moveTo(line, HEIGHT);
      pen.lineTo(line + HEIGHT, 0);
      pen.globalAlpha = 0.35;
      pen.stroke();
      pen.restore();
    }
  }
  const rows = Math.max(sides.length, 1);
  const half = HEIGHT / rows / 2;
  sides.forEach((side, row) => {
    const middle = HEIGHT / rows / 2 + row * (HEIGHT / rows);
    const bars = Math.floor(width / 3);
    for (let bar = 0; bar < bars; bar++) {
      const first = Math.floor((bar / bars) * side.length);
      const last = Math.max(first + 1, Math.floor(((bar + 1) / bars) * side.length));
      const peak = Math.max(0, ...side.slice(first, last));
      const tall = Math.max(1, Math.sqrt(Math.min(1, peak)) * (half - 5));
      pen.fillStyle = bar / bars < at ? colour("--accent") : colour("--chart-3");
      pen.fillRect(bar * 3, middle - tall, 2, tall * 2);
    }
  });
  pen.fillStyle = colour("--ink");
  pen.fillRect(Math.min(at * width, width - 1.5), 0, 1.5, HEIGHT);
}
