// The search box: pages, everything in the directory, and calls by number.

import type { Role } from "./session";
import { documents } from "./names";
import { KINDS } from "./kinds";

export interface Found {
  to: string;
  label: string;
  kind: string;
}

type Pages = readonly (readonly [string, readonly (readonly [string, string, string, Role?])[]])[];

const MOST = 9;

export async function search(text: string, pages: Pages): Promise<Found[]> {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const found: Found[] = [];
  for (const [group, items] of pages) {
    for (const [to, label] of items) {
      if (label.toLowerCase().includes(wanted)) found.push({ to, label, kind: group });
    }
  }
  const digits = wanted.replace(/[^\d]/g, "");
  const lists = await Promise.all(
    KINDS.map((kind) =>
      documents(kind.plural).then(
        (items) => ({ kind, items }),
        () => ({ kind, items: [] }),
      ),
    ),
  );
  for (const { kind, items } of lists) {
    for (const item of items) {
      const name = String(item._name);
      const said = [name, item.label, item.description, item.full_name, item.number, item.source]
        .filter((it): it is string => typeof it === "string")
        .join(" ")
        .toLowerCase();
      if (
        said.includes(wanted) ||
        (digits.length > 3 && said.replace(/[^\d]/g, "").includes(digits))
      ) {
        found.push({
          to: `/${kind.plural}/${encodeURIComponent(name)}`,
          label: titleOf(name, item),
          kind: kind.one,
        });
      }
    }
  }
  const rest = found.slice(0, MOST);
  if (digits.length >= 3)
    rest.push({
      to: `/calls?number=${encodeURIComponent(text.trim())}`,
      label: `Calls of ${text.trim()}`,
      kind: "Call Log",
    });
  return rest;
}

function titleOf(name: string, item: Record<string, unknown>): string {
  const also = item.label || item.description || item.full_name;
  return typeof also === "string" && also !== "" ? `${name} - ${also}` : name;
}
