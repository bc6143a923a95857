// What the edge says about its keys (`/v1/schema`), as fields that can be drawn.

import { getJson } from "../lib/api";
import { type Json, isTable } from "../lib/document";
import { pluralOf } from "../lib/kinds";

/** As the API tells it. */
export interface Key {
  name: string;
  doc?: string | string[];
  given?: string;
  default?: Json;
  example?: Json;
  allowed?: string;
  shape?: RawShape;
  keys?: Key[];
}

export interface RawShape {
  type: string;
  choices?: string[];
  of?: RawShape | RawShape[];
  kind?: string;
  short?: string;
  none?: boolean;
  min?: number;
  max?: number;
  keys?: Key[];
}

export interface Kind {
  kind: string;
  plural: string;
  name_key: string;
  doc?: string | string[];
  keys: Key[];
}

/** What a field is drawn as. */
export type Shape =
  | { as: "text"; mono?: boolean; short?: boolean }
  | { as: "number"; min?: number; max?: number }
  | { as: "time"; off: boolean }
  | { as: "flag" }
  | { as: "choice"; choices: string[]; other?: string }
  | { as: "name"; kind: string }
  | { as: "list"; of: Shape }
  | { as: "table"; fields: Field[]; short?: string }
  | { as: "tables"; fields: Field[]; short?: string }
  | { as: "entries"; of: Shape }
  | { as: "route" }
  | { as: "prompt"; none: boolean }
  | { as: "hidden" }
  | { as: "json" };

export interface Field {
  name: string;
  doc: string;
  required: boolean;
  /** It may be left out, and then nothing stands in its place. */
  optional: boolean;
  fallback: Json | undefined;
  example: Json | undefined;
  allowed: string;
  shape: Shape;
}

export interface KindForm {
  kind: string;
  plural: string;
  nameKey: string;
  doc: string;
  fields: Field[];
}

/** Tables that may be written as one of their values; if the API does not say so itself. */
const SHORTS: Record<string, string> = {
  members: "number",
  addresses: "host",
  exceptions: "date",
  caller_id: "number",
  accept: "key",
  enhanced_forwarding: "on",
  position: "text",
  header: "name",
};

const text = (doc: string | string[] | undefined) =>
  (Array.isArray(doc) ? doc.join(" ") : (doc ?? "")).trim();

/** The words that may be written; none, where what is quoted are examples of something longer. */
function choicesIn(allowed: string): string[] {
  const words = [...allowed.split(/, or an? |, or \{/)[0].matchAll(/"([^"]+)"/g)];
  const plain = words.map((it) => it[1]);
  return plain.every((it) => /^[a-z0-9_]+$/.test(it)) ? plain : [];
}

/** What a field looks like by the words that say what it may be, where its shape does not tell. */
function guessed(key: Key): Shape {
  const allowed = key.allowed ?? "";
  if (/^a whole number from/.test(allowed)) {
    const [min, max] = [...allowed.matchAll(/\d+/g)].map((it) => Number(it[0]));
    return { as: "number", min, max };
  }
  if (/^("off", or )?a time such as/.test(allowed))
    return { as: "time", off: allowed.startsWith('"off"') };
  if (allowed === "true or false") return { as: "flag" };
  if (/^a list, each/.test(allowed) || /or a list of (them|names)$/.test(allowed))
    return { as: "list", of: { as: "text" } };
  const choices = choicesIn(allowed);
  if (/^"/.test(allowed) && choices.length > 1) return { as: "choice", choices };
  if (
    /^(text|a name|a number|the beginning|an IANA|two letters|three digits|an address|"wss?:)/.test(
      allowed,
    )
  )
    return { as: "text" };
  if (/keys of 0-9|one key|of 0-9/.test(allowed)) return { as: "text", mono: true, short: true };
  return { as: "json" };
}

/** Words that are short and typed key by key. */
const TYPED = new Set(["digit", "digits", "code", "extension", "key", "keys"]);

function shapeOf(key: Key): Shape {
  const raw = key.shape;
  const allowed = key.allowed ?? "";
  const keys = key.keys ?? raw?.keys;
  const of = Array.isArray(raw?.of) ? undefined : raw?.of;
  if (!raw) return keys?.length ? tableOf(key, raw) : guessed(key);
  switch (raw.type) {
    case "either":
      return either(key, Array.isArray(raw.of) ? raw.of : []);
    case "prompt":
      return { as: "prompt", none: /^"none"/.test(allowed) };
    case "route":
      return { as: "route" };
    case "hidden":
      return { as: "hidden" };
    case "flag":
      return { as: "flag" };
    case "time":
      return { as: "time", off: /^"off"/.test(allowed) };
    case "number":
      return { as: "number", min: raw.min, max: raw.max };
    case "choice":
      return { as: "choice", choices: raw.choices ?? choicesIn(allowed), other: otherIn(allowed) };
    case "name_of":
      // Listeners, say, have names, and stand in the file only.
      return raw.kind && pluralOf(raw.kind) ? { as: "name", kind: raw.kind } : { as: "text" };
    case "table":
      return tableOf(key, raw);
    case "tables":
      return {
        as: "tables",
        fields: (keys ?? []).map(fieldOf),
        short: raw.short ?? SHORTS[key.name],
      };
    case "list":
    case "many": {
      const inner = shapeOf({ ...key, shape: of ?? { type: "text" }, allowed: "" });
      if (inner.as === "table" || inner.as === "tables")
        return { as: "tables", fields: inner.fields, short: inner.short };
      return { as: "list", of: inner };
    }
    case "entries":
      return { as: "entries", of: shapeOf({ ...key, shape: of ?? { type: "text" }, allowed: "" }) };
    case "json":
      return { as: "json" };
    default: {
      // A word with a form of its own: a choice among words, where its words say so.
      const choices = choicesIn(allowed);
      if (/^"/.test(allowed) && choices.length > 1)
        return { as: "choice", choices, other: otherIn(allowed) };
      return TYPED.has(raw.type)
        ? { as: "text", mono: true, short: raw.type !== "extension" }
        : { as: "text" };
    }
  }
}

function tableOf(key: Key, raw: RawShape | undefined): Shape {
  const fields = (key.keys ?? raw?.keys ?? []).map(fieldOf);
  const short = raw?.short ?? SHORTS[key.name];
  return key.given === "tables" ? { as: "tables", fields, short } : { as: "table", fields, short };
}

function otherIn(allowed: string): string | undefined {
  return /, or (an? .*|\{.*)$/.exec(allowed)?.[1];
}

/** One of several shapes: the richest of them is drawn, with room for the words of the others. */
function either(key: Key, shapes: RawShape[]): Shape {
  const words = shapes.flatMap((it) => it.choices ?? []);
  const rest = shapes.filter((it) => it.type !== "choice");
  const [first] = rest;
  if (!first) return { as: "choice", choices: words };
  if (first.type === "time") return { as: "time", off: words.includes("off") };
  if (first.type === "prompt") return { as: "prompt", none: words.includes("none") };
  if (words.length > 0)
    return { as: "choice", choices: words, other: otherIn(key.allowed ?? "") ?? "written out" };
  return shapeOf({ ...key, shape: rest.find((it) => it.type === "table") ?? first });
}

function fieldOf(key: Key): Field {
  const given = key.given ?? "optional";
  return {
    name: key.name,
    doc: text(key.doc),
    required: given === "required",
    optional: given !== "default" && given !== "table" && given !== "required",
    fallback: key.default,
    example: key.example,
    allowed: key.allowed ?? "",
    shape: shapeOf(key),
  };
}

export function formOf(kind: Kind): KindForm {
  return {
    kind: kind.kind,
    plural: kind.plural,
    nameKey: kind.name_key,
    doc: text(kind.doc),
    fields: kind.keys.map(fieldOf),
  };
}

let asked: Promise<KindForm[]> | undefined;

export function forms(): Promise<KindForm[]> {
  asked ??= getJson<{ kinds: Kind[] }>("/v1/schema").then((it) => it.kinds.map(formOf));
  asked.catch(() => (asked = undefined));
  return asked;
}

/** A value of a table, also where the table is written as that value alone. */
export function asTable(
  value: Json | undefined,
  short: string | undefined,
): { [key: string]: Json } {
  if (isTable(value)) return value;
  return value === undefined || value === null || !short ? {} : { [short]: value };
}

/** What stands in an empty field: what holds without it, or an example. */
export function placeholder(field: Field): string {
  const said = (value: Json) => (Array.isArray(value) ? value.join(", ") : String(value));
  const { fallback, example } = field;
  if (fallback !== undefined && fallback !== null && fallback !== "" && !isTable(fallback))
    return said(fallback);
  if (example !== undefined && example !== null && !isTable(example))
    return `such as ${said(example)}`;
  return "";
}
