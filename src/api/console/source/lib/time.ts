// Times as the configuration writes them ("1h30m", "45s", "500ms", or seconds), and as people do.

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a written time; undefined if it is none. A number alone is seconds. */
export function parseTime(written: unknown): number | undefined {
  if (typeof written === "number")
    return Number.isFinite(written) && written >= 0 ? written * 1000 : undefined;
  if (typeof written !== "string") return undefined;
  const text = written.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  let total = 0;
  let rest = text;
  while (rest !== "") {
    const part = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)(?![a-z])\s*/.exec(rest);
    if (!part) return undefined;
    total += Number(part[1]) * UNITS[part[2]];
    rest = rest.slice(part[0].length);
  }
  return text === "" ? undefined : total;
}

/** What the API takes: bare numbers are given their unit. */
export function normaliseTime(text: string): string {
  const plain = text.trim();
  return /^\d+(\.\d+)?$/.test(plain) && plain !== "0" ? `${plain}s` : plain;
}

/** The shortest way to write milliseconds: 90000 is "1m30s". */
export function writeTime(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.round(ms);
  let text = "";
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
    ["ms", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** For people: "1 h 30 min", "45 s", "0.5 s". */
export function sayTime(ms: number): string {
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(ms < 10_000 ? 2 : 0))} s`;
  const parts: string[] = [];
  let rest = Math.round(ms / 1000);
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
  }
  return parts.slice(0, 2).join(" ");
}

/** A clock that ticks: "0:07", "12:34", "1:02:03". */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A moment on the reader's own clock. */
export function when(ms: number, now = Date.now()): string {
  const at = new Date(ms);
  const today = new Date(now);
  const time = at.toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  if (at.toDateString() === today.toDateString()) return time;
  const year = at.getFullYear() === today.getFullYear() ? undefined : ("numeric" as const);
  return `${at.toLocaleDateString(undefined, { day: "numeric", month: "short", year })}, ${time}`;
}

/** How long ago, roughly. */
export function ago(ms: number, now = Date.now()): string {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 5) return "just now";
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
  ] as const) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return `${seconds} s ago`;
}

/** Moments of records are microseconds since 1970, those of browsers milliseconds. */
export function toMs(at: number): number;
export function toMs(at: number | null | undefined): number | undefined;
export function toMs(at: number | null | undefined): number | undefined {
  if (at === null || at === undefined) return undefined;
  return at > 1e14 ? at / 1000 : at;
}
