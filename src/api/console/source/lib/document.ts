// Documents: nouns of the directory as JSON, and places in them as JSON pointers (RFC 6901).

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Document = { [key: string]: Json };
export type Path = (string | number)[];

export function isTable(value: unknown): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function get(value: Json | undefined, path: Path): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path) {
    if (Array.isArray(here)) here = here[Number(step)];
    else if (isTable(here)) here = here[step];
    else return undefined;
  }
  return here;
}

/** A copy with another value at a place; `undefined` takes the key away. */
export function put<T extends Json>(value: T, path: Path, next: Json | undefined): T {
  if (path.length === 0) return next as T;
  const [step, ...rest] = path;
  if (Array.isArray(value)) {
    const copy = value.slice() as Json[];
    const inner = put(copy[Number(step)] ?? (typeof rest[0] === "number" ? [] : {}), rest, next);
    if (rest.length === 0 && next === undefined) copy.splice(Number(step), 1);
    else copy[Number(step)] = inner;
    return copy as T;
  }
  const copy: Document = isTable(value) ? { ...value } : {};
  if (rest.length === 0) {
    if (next === undefined) delete copy[step];
    else copy[step] = next;
  } else {
    copy[step] = put(copy[step] ?? (typeof rest[0] === "number" ? [] : {}), rest, next);
  }
  return copy as T;
}

export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((it, at) => same(it, b[at]));
  if (isTable(a) && isTable(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]))
    );
  }
  return false;
}

/** What the API sends besides the keys of the noun begins with an underscore. */
export function bodyOf(answer: Document): Document {
  return Object.fromEntries(Object.entries(answer).filter(([key]) => !key.startsWith("_")));
}

export interface Change {
  key: string;
  before: Json | undefined;
  after: Json | undefined;
}

/** Which top-level keys differ. */
export function changes(before: Document, after: Document): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys
    .filter((key) => !same(before[key], after[key]))
    .map((key) => ({ key, before: before[key], after: after[key] }));
}

export function pointer(path: Path): string {
  return path.map((it) => `/${String(it).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Whether a problem's pointer is at this place or inside of it. */
export function within(place: string, of: Path): boolean {
  const here = pointer(of);
  return place === here || place.startsWith(`${here}/`);
}

/** One line for people. */
export function brief(value: Json | undefined): string {
  if (value === undefined) return "not set";
  if (typeof value === "string") return value === "" ? "empty" : value;
  return JSON.stringify(value);
}
