// The text of `crosspoint explain` as a tree: what is further in belongs to what stands before it.

export interface Step {
  text: string;
  steps: Step[];
  /** A drawing whose columns matter: kept as it is. */
  drawn?: boolean;
}

const DRAWING = /^\s*(0 s( +\d+(\.\d+)? s)*|[.0-9*#A-D]{8,})\s*$/;

const TIME = /^ *[\d.]+ (ms|s|min|h)(?= )/;

export function sketch(text: string): Step[] {
  const root: Step[] = [];
  const open: { depth: number; steps: Step[] }[] = [{ depth: -1, steps: root }];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    // Times are set to the right: those of one list end in the same column.
    const time = TIME.exec(line)?.[0].length;
    const depth = time ?? line.length - line.trimStart().length;
    if (DRAWING.test(line)) {
      while (open.length > 1 && open.at(-1)!.depth >= depth) open.pop();
      const last = open.at(-1)!.steps.at(-1);
      if (last?.drawn) last.text += `\n${line}`;
      else open.at(-1)!.steps.push({ text: line, steps: [], drawn: true });
      continue;
    }
    while (open.length > 1 && open.at(-1)!.depth >= depth) open.pop();
    const step: Step = { text: line.trim().replace(/ {2,}/g, "  "), steps: [] };
    open.at(-1)!.steps.push(step);
    open.push({ depth, steps: step.steps });
  }
  for (const it of drawings(root)) it.text = unindent(it.text);
  return root;
}

function drawings(steps: Step[]): Step[] {
  return steps.flatMap((it) => (it.drawn ? [it] : drawings(it.steps)));
}

function unindent(text: string): string {
  const lines = text.split("\n");
  const least = Math.min(...lines.map((it) => it.length - it.trimStart().length));
  return lines.map((it) => it.slice(least)).join("\n");
}
