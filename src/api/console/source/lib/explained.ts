// Explanations as the API tells them: trees of steps (`src/flow/explain/text.rs`).

export interface Node {
  /** `call`, `fact`, `left_out`, `destination`, `member`, `moment`, `drawing`, or a route's. */
  kind: string;
  title: string;
  /** What leads to a route. */
  detail?: string;
  /** The one of the directory that this is about. */
  name?: string;
  children?: Node[];
}

export type Group = Node | { drawn: string };

/** A drawing is made of lines that follow each other: its columns have to stay together. */
export function grouped(steps: Node[]): Group[] {
  const groups: Group[] = [];
  for (const it of steps) {
    const last = groups.at(-1);
    if (it.kind !== "drawing") groups.push(it);
    else if (last && "drawn" in last) last.drawn += `\n${it.title}`;
    else groups.push({ drawn: it.title });
  }
  return groups;
}

/** `0.2 s  waits 0.5 s` as its time and what happens then. */
export function moment(title: string): [time: string, what: string] {
  const at = title.indexOf("  ");
  return at < 0 ? ["", title] : [title.slice(0, at).trim(), title.slice(at).trim()];
}
