// Dial extensions such as `3ww1928`, as the exchange sends them: `src/model/extension.rs` says what
// they may be, `src/audio/script.rs` how long each symbol takes.

export const EXTENSION_MAX = 50;
const TONE = 100;
const GAP = 100;
const WAITS: Record<string, number> = { w: 500, W: 1000 };

/** What is wrong with an extension, and in which column (from 1). */
export interface Fault {
  column: number;
  why: string;
}

export function faultOf(text: string): Fault | undefined {
  const symbols = [...text];
  const at = symbols.findIndex((it) => !/^[0-9A-D*#wW]$/.test(it));
  if (at >= 0)
    return {
      column: at + 1,
      why: `Column ${at + 1}: "${symbols[at]}" is not one of 0-9 * # A-D w W`,
    };
  if (symbols.length > EXTENSION_MAX) {
    return { column: EXTENSION_MAX + 1, why: `An extension has at most ${EXTENSION_MAX} symbols` };
  }
  return undefined;
}

export type Span =
  | { kind: "pause"; from: number; to: number; label: string }
  | { kind: "digit"; from: number; to: number; digit: string; position: number };

/** What the far end hears when, in ms from the answer; waits that follow each other are one. */
export function timeline(text: string, dialPause: number): Span[] {
  const spans: Span[] = [];
  let at = 0;
  const pause = (length: number, label: string) => {
    const last = spans.at(-1);
    if (last?.kind === "pause" && last.label !== "dial pause") last.to += length;
    else spans.push({ kind: "pause", from: at, to: at + length, label });
    at += length;
  };
  if (dialPause > 0) pause(dialPause, "dial pause");
  [...text].forEach((symbol, index) => {
    const wait = WAITS[symbol];
    if (wait !== undefined) return pause(wait, "pause");
    spans.push({ kind: "digit", from: at, to: at + TONE, digit: symbol, position: index + 1 });
    at += TONE + GAP;
  });
  return spans;
}

/** How long all of it takes. */
export function length(text: string, dialPause: number): number {
  return [...text].reduce((sum, it) => sum + (WAITS[it] ?? TONE + GAP), dialPause);
}

/** The same in words: "Sends 3, waits 1 s, sends 1928." */
export function inWords(text: string, dialPause: number): string {
  const parts: string[] = [];
  if (dialPause > 0) parts.push(`waits ${dialPause / 1000} s`);
  let digits = "";
  let wait = 0;
  const flush = () => {
    if (digits) parts.push(`sends ${digits}`);
    if (wait) parts.push(`waits ${wait / 1000} s`);
    digits = "";
    wait = 0;
  };
  for (const symbol of text) {
    const length = WAITS[symbol];
    if (length === undefined) {
      if (wait) flush();
      digits += symbol;
    } else {
      if (digits) flush();
      wait += length;
    }
  }
  flush();
  if (parts.length === 0) return "";
  const said = parts.join(", ");
  return `${said[0].toUpperCase()}${said.slice(1)}.`;
}
