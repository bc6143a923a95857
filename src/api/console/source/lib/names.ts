// The names there are of each kind, for pickers. Kept until something is changed here.

import { useEffect, useState } from "preact/hooks";
import { getJson } from "./api";
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

/** Pickers show this many; longer lists are searched on their own page. */
const MOST = 1000;

export function documents(plural: string): Promise<Document[]> {
  let found = known.get(plural);
  if (!found) {
    found = getJson<Page>(`/v1/${plural}?limit=${MOST}`).then((it) => it.items);
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
