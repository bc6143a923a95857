// The names there are of each kind, for pickers. Kept until something is changed here.

import { useEffect, useState } from "preact/hooks";
import { getJson, query } from "./api";
import type { Document } from "./document";
import { Watched, useWatched } from "./use";

export interface Page {
  items: Document[];
  next?: string;
}

const known = new Map<string, Promise<Document[]>>();
const turn = new Watched(0);

export function forgetNames(plural?: string) {
  if (plural) known.delete(plural);
  else known.clear();
  turn.set(turn.get() + 1);
}

const PAGE = 1000;
/** Whoever has more is shown the first of them. */
const PAGES = 50;

async function all(plural: string): Promise<Document[]> {
  const items: Document[] = [];
  let next: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const answer = await getJson<Page>(`/v1/${plural}${query({ limit: PAGE, after: next })}`);
    items.push(...answer.items);
    next = answer.next;
    if (!next) break;
  }
  return items;
}

export function documents(plural: string): Promise<Document[]> {
  let found = known.get(plural);
  if (!found) {
    found = all(plural);
    found.catch(() => known.delete(plural));
    known.set(plural, found);
  }
  return found;
}

export function useDocuments(plural: string | undefined): Document[] | undefined {
  const now = useWatched(turn);
  const [items, set] = useState<Document[]>();
  useEffect(() => {
    if (!plural) return;
    let gone = false;
    documents(plural).then(
      (it) => gone || set(it),
      () => gone || set([]),
    );
    return () => void (gone = true);
  }, [plural, now]);
  return items;
}

export function useNames(plural: string | undefined): string[] | undefined {
  return useDocuments(plural)?.map((it) => String(it._name));
}
