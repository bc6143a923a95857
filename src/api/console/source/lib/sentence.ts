// Rules as sentences: "If the caller has called within 30 days and schedule office is open".

import { type Document, type Json, isTable } from "./document";
import { parseTime, sayTime } from "./time";

function list(value: Json, wrap: (it: string) => string = (it) => it): string {
  const items = (Array.isArray(value) ? value : [value]).map((it) =>
    wrap(typeof it === "string" ? it : String(it)),
  );
  return items.length < 2
    ? (items[0] ?? "")
    : `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
}

function time(value: Json | undefined): string {
  const ms = parseTime(value);
  return ms === undefined ? String(value) : sayTime(ms);
}

function each(value: Json, say: (it: Document) => string): string {
  return (Array.isArray(value) ? value : [value])
    .map((it) => (isTable(it) ? say(it) : say({ name: it })))
    .join(" or ");
}

function header(it: Document): string {
  const name = `header ${it.name ?? "?"}`;
  if (it.is !== undefined) return `${name} says "${it.is}"`;
  if (it.begins !== undefined) return `${name} begins with "${it.begins}"`;
  if (it.contains !== undefined) return `${name} has "${it.contains}" in it`;
  return `${name} is there`;
}

function queue(it: Document): string {
  const says: string[] = [];
  if (it.waiting !== undefined) says.push(`has ${it.waiting} or more callers waiting`);
  if (it.free !== undefined) says.push(`has ${it.free} or more members free`);
  if (it.longest_wait !== undefined)
    says.push(`has somebody waiting for ${time(it.longest_wait)} or more`);
  return `queue ${it.name ?? "?"} ${says.join(" and ") || "is asked about nothing yet"}`;
}

const quoted = (it: string) => `"${it}"`;

/** One condition of a smart router in words. */
export function condition(key: string, value: Json): string {
  switch (key) {
    case "caller":
      return `the caller is ${list(value)}`;
    case "caller_prefix":
      return `the caller's number begins with ${list(value)}`;
    case "anonymous":
      return value === false ? "the caller shows its number" : "the caller withholds its number";
    case "repeat_caller":
      return `the caller has called within ${time(value)}`;
    case "tracking_number":
      return `the call is to ${list(value)}`;
    case "source":
      return `the source is ${list(value, quoted)}`;
    case "tag":
      return `the call has the tag ${list(value, quoted)}`;
    case "open":
      return `schedule ${list(value)} is open`;
    case "hours":
      return `it is ${list(value)}`;
    case "date":
      return `the date is ${list(value)}`;
    case "zone":
      return `by the clock of ${list(value)}`;
    case "area_code":
      return `the caller's area code is ${list(value)}`;
    case "state":
      return `the caller is in ${list(value)}`;
    case "header":
      return each(value, header);
    case "percent":
      return `by chance, ${value} of 100 calls`;
    case "queue":
      return each(value, queue);
    // Of tag rules.
    case "answered":
      return value === false ? "nobody took it" : "somebody took it";
    case "outcome":
      return `the outcome is ${list(value, (it) => it.replaceAll("_", " "))}`;
    case "talk_at_least":
      return `it was talked for ${time(value)} or more`;
    case "talk_less":
      return `it was talked for less than ${time(value)}`;
    case "destination":
      return `${list(value)} took it`;
    case "agent":
      return `${list(value)} is credited with it`;
    case "score":
      return `the score is ${list(value)}`;
    default:
      return `${key.replaceAll("_", " ")} is ${isTable(value) ? JSON.stringify(value) : value}`;
  }
}

export function conditions(rule: { when?: Json; unless?: Json }): {
  when: string[];
  unless: string[];
} {
  const said = (table: Json | undefined) =>
    isTable(table) ? Object.entries(table).map(([key, value]) => condition(key, value)) : [];
  return { when: said(rule.when), unless: said(rule.unless) };
}

/** The whole rule: "If A and B, unless C". */
export function sentence(rule: { when?: Json; unless?: Json }): string {
  const { when, unless } = conditions(rule);
  const start = when.length > 0 ? `If ${when.join(" and ")}` : "Always";
  return unless.length > 0 ? `${start}, unless ${unless.join(" or ")}` : start;
}
