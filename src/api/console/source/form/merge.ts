// Two people changed the same document: where, place by place, and what becomes of both.
//
// Tables are looked into, and lists whose items have the same names in the same order; whatever is
// one thing for people is one place: a route, a prompt, a list of names. So two who changed the two
// settings of one table are in nobody's way.

import {
  type Document,
  get,
  isTable,
  type Json,
  type Path,
  pointer,
  put,
  same,
} from "../lib/document";
import { ROUTE_KEYS, routeOfTracking, sayRoute, stagesOf } from "../lib/route";
import { choice, label } from "../lib/words";
import { readPrompt } from "./prompt_words";
import { type Field, type Shape } from "./schema";

export type Side = "mine" | "theirs";

export interface Difference {
  /** The same for as long as people choose. */
  key: string;
  /** What people call the place, from the outside in. */
  title: string[];
  /** Keys that are one thing are several. */
  paths: Path[];
  shape?: Shape;
  was: Json | undefined;
  mine: Json | undefined;
  theirs: Json | undefined;
  /** Both changed it, and not to the same. */
  clash: boolean;
  /** Whose it is where nobody chooses: theirs only where I did not touch it. */
  side: Side;
}

/** Keys of a kind that say one thing together. */
const TOGETHER: Record<string, { keys: readonly string[]; title: string }[]> = {
  tracking_number: [{ keys: ROUTE_KEYS, title: "Call routing" }],
  receiving_number: [{ keys: ["number", "country"], title: "Number" }],
};

interface Versions {
  was: Json | undefined;
  mine: Json | undefined;
  theirs: Json | undefined;
}

/** Every place where mine and theirs are not alike, and one of us changed it. */
export function differences(
  kind: string,
  fields: Field[],
  base: Document,
  mine: Document,
  theirs: Document,
): Difference[] {
  const found: Difference[] = [];
  const groups = TOGETHER[kind] ?? [];
  const grouped = new Set(groups.flatMap((it) => it.keys));
  for (const { keys, title } of groups) {
    const of = (doc: Document) =>
      Object.fromEntries(keys.filter((it) => doc[it] !== undefined).map((it) => [it, doc[it]]));
    const versions = { was: of(base), mine: of(mine), theirs: of(theirs) };
    add(
      found,
      versions,
      [title],
      keys.map((it) => [it]),
      undefined,
    );
  }
  const rest = (doc: Document) =>
    Object.fromEntries(Object.entries(doc).filter(([key]) => !grouped.has(key)));
  const versions = { was: rest(base), mine: rest(mine), theirs: rest(theirs) };
  into(found, versions, [], [], fields);
  return found;
}

/** Theirs, with mine where it was chosen, or where only I changed something. */
export function resolved(
  theirs: Document,
  mine: Document,
  found: Difference[],
  chosen: Readonly<Record<string, Side>> = {},
): Document {
  let result = theirs;
  for (const it of found) {
    if ((chosen[it.key] ?? it.side) === "theirs") continue;
    for (const path of it.paths) result = put(result, path, get(mine, path));
  }
  return result;
}

function add(
  found: Difference[],
  { was, mine, theirs }: Versions,
  title: string[],
  paths: Path[],
  shape: Shape | undefined,
) {
  if (same(mine, theirs)) return;
  const touched = !same(was, mine);
  const clash = touched && !same(was, theirs);
  const key = paths.map(pointer).join(" ");
  const side = touched ? "mine" : "theirs";
  found.push({ key, title, paths, shape, was, mine, theirs, clash, side });
}

/** The places inside of tables. */
function into(found: Difference[], all: Versions, title: string[], path: Path, fields: Field[]) {
  const [was, mine, theirs] = [all.was, all.mine, all.theirs].map((it) => (isTable(it) ? it : {}));
  for (const key of new Set([mine, theirs, was].flatMap(Object.keys))) {
    const shape = fields.find((it) => it.name === key)?.shape;
    const inner = { was: was[key], mine: mine[key], theirs: theirs[key] };
    look(found, inner, [...title, label(key)], [...path, key], shape);
  }
}

function look(
  found: Difference[],
  all: Versions,
  title: string[],
  path: Path,
  shape: Shape | undefined,
) {
  const { was, mine, theirs } = all;
  // What only one of us has, or had, as a table is taken or left whole.
  const tables = [mine, theirs, was ?? {}].every(isTable);
  if (shape?.as === "table" && tables) return into(found, all, title, path, shape.fields);
  if (shape?.as === "entries" && tables) return entries(found, all, title, path, shape.of);
  const ids = named(mine);
  if (shape?.as === "tables" && ids && same(ids, named(theirs)) && same(ids, named(was)))
    return ids.forEach((id, at) => {
      const item = (list: Json | undefined) => (list as Json[])[at];
      const inner = { was: item(was), mine: item(mine), theirs: item(theirs) };
      into(found, inner, [...title, id], [...path, at], shape.fields);
    });
  add(found, all, title, [path], shape);
}

function entries(found: Difference[], all: Versions, title: string[], path: Path, of: Shape) {
  const [was, mine, theirs] = [all.was, all.mine, all.theirs].map((it) => (isTable(it) ? it : {}));
  for (const key of new Set([mine, theirs, was].flatMap(Object.keys))) {
    const inner = { was: was[key], mine: mine[key], theirs: theirs[key] };
    look(found, inner, [...title, key], [...path, key], of);
  }
}

const NAMES = ["name", "number", "agent", "host", "date"];

/** What the items of a list are called, if each has a name of its own. */
function named(list: Json | undefined): string[] | undefined {
  if (!Array.isArray(list) || !list.every(isTable)) return undefined;
  const ids = list.map((it) => NAMES.map((key) => it[key]).find((id) => typeof id === "string"));
  const known = ids.filter((it): it is string => it !== undefined);
  return known.length === list.length && new Set(known).size === list.length ? known : undefined;
}

/** A value, as people say it. */
export function say(value: Json | undefined, shape: Shape | undefined): string {
  if (value === undefined || value === null) return "not set";
  if (value === true) return "on";
  if (value === false) return "off";
  if (value === "") return "empty";
  if (shape?.as === "hidden") return "another";
  if (shape?.as === "route") return whole(value);
  if (shape?.as === "choice" && typeof value === "string") return choice(value);
  if (shape?.as === "prompt") {
    const said = readPrompt(value);
    if (said.how === "text") return `"${said.text}"${said.voice ? ` (${said.voice})` : ""}`;
    if (said.how === "file") return said.file;
  }
  if (Array.isArray(value))
    return value.length > 0 ? value.map((it) => say(it, undefined)).join(", ") : "none";
  if (!isTable(value)) return String(value);
  if (ROUTE_KEYS.some((it) => it in value)) return whole(routeOfTracking(value));
  const parts = Object.entries(value).map(([key, it]) => `${label(key)}: ${say(it, undefined)}`);
  return parts.length > 0 ? parts.join("; ") : "not set";
}

/** A route with all that belongs to it. */
function whole(route: Json | undefined): string {
  const order = isTable(route) && typeof route.order === "string" ? choice(route.order) : "";
  const then = stagesOf(route).map((it) => `after ${it.after} ${it.numbers.join(", ")}`);
  return [sayRoute(route), order, ...then].filter(Boolean).join("; ");
}
