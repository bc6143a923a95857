// Routes, as documents write them: "hangup", or a table that names one place.

import { type Document, type Json, isTable } from "./document";

export const ROUTES = [
  ["dial", "Dial Receiving Numbers", "receiving_numbers"],
  ["queue", "Queue", "queues"],
  ["voice_menu", "Voice menu", "voice_menus"],
  ["smart_router", "Smart router", "smart_routers"],
  ["geo_router", "Geo router", "geo_routers"],
  ["virtual_agent", "Virtual agent", "virtual_agents"],
  ["voicemail", "Voicemail", "voicemails"],
  ["agent", "Agent", "agents"],
] as const;

export type RouteKind = (typeof ROUTES)[number][0] | "hangup";

export interface Stage {
  after: Json;
  numbers: string[];
}

export type Route =
  | { kind: "hangup" }
  | { kind: "dial"; numbers: string[]; order?: string; stages: Stage[] }
  | { kind: Exclude<RouteKind, "hangup" | "dial">; name: string };

export function names(value: Json | undefined): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((it): it is string => typeof it === "string") : [];
}

export function stages(value: Json | undefined): Stage[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter(isTable)
    .map((it) => ({ after: it.after ?? "15s", numbers: names(it.numbers) }));
}

export function readRoute(value: Json | undefined): Route | undefined {
  if (value === "hangup") return { kind: "hangup" };
  if (!isTable(value)) return undefined;
  if ("dial" in value) {
    const order = typeof value.order === "string" ? value.order : undefined;
    return { kind: "dial", numbers: names(value.dial), order, stages: stages(value.stages) };
  }
  for (const [kind] of ROUTES) {
    const name = value[kind];
    if (kind !== "dial" && typeof name === "string") return { kind, name };
  }
  return undefined;
}

export function writeRoute(route: Route): Json {
  if (route.kind === "hangup") return "hangup";
  if (route.kind !== "dial") return { [route.kind]: route.name };
  const table: Document = { dial: route.numbers };
  if (route.order) table.order = route.order;
  if (route.stages.length > 0)
    table.stages = route.stages.map((it) => ({ after: it.after, numbers: it.numbers }));
  return table;
}

export function kindLabel(kind: RouteKind): string {
  return kind === "hangup" ? "Hang up" : (ROUTES.find((it) => it[0] === kind)?.[1] ?? kind);
}

/** One line for people: "Queue sales", "Dial shop, mobile". */
export function sayRoute(value: Json | undefined): string {
  const route = readRoute(value);
  if (!route) return "nowhere yet";
  if (route.kind === "hangup") return "Hang up";
  if (route.kind === "dial")
    return route.numbers.length > 0 ? `Dial ${route.numbers.join(", ")}` : "Dial nobody yet";
  return `${kindLabel(route.kind)} ${route.name}`;
}

/** Where a route leads in the console. */
export function placeOf(route: Route): string | undefined {
  if (route.kind === "hangup" || route.kind === "dial") return undefined;
  const plural = ROUTES.find((it) => it[0] === route.kind)?.[2];
  return plural && route.name ? `/${plural}/${encodeURIComponent(route.name)}` : undefined;
}

/** Who else is rung, and when. */
export function stagesOf(value: Json | undefined): Stage[] {
  return isTable(value) ? stages(value.stages) : [];
}

/** The keys in which a tracking number has its route. */
export const ROUTE_KEYS: readonly string[] = ["route", "dial", "order", "stages"];

/** A tracking number writes its route in two ways; this is the one of both that holds. */
export function routeOfTracking(doc: Document): Json | undefined {
  if (doc.route !== undefined) return doc.route;
  if (doc.dial === undefined) return undefined;
  return writeRoute({
    kind: "dial",
    numbers: names(doc.dial),
    order: typeof doc.order === "string" ? doc.order : undefined,
    stages: stages(doc.stages),
  });
}

/** And the document with another: `dial`, `order` and `stages` of its own, or `route`. */
export function withRoute(doc: Document, value: Json | undefined): Document {
  const { route: _route, dial: _dial, order: _order, stages: _stages, ...rest } = doc;
  if (isTable(value) && "dial" in value) return { ...rest, ...value };
  return value === undefined ? rest : { ...rest, route: value };
}
