// Lists that come in pages: the first is asked for again and again, those behind it on wish.

import { useState } from "preact/hooks";
import { getJson, type Refused, segment } from "./api";
import { asRefused, useFetch } from "./use";

type Key = string | number;

interface Answer<T> {
  items: T[];
  next?: Key | null;
}

export interface List<T, Also = unknown> {
  items: T[];
  keyOf: (item: T) => Key;
  /** What the API says besides the items. */
  data?: Answer<T> & Also;
  error?: Refused;
  loading: boolean;
  /** Asks for the first page again; what was loaded behind it stays. */
  refresh: () => void;
  /** Begins anew: something of it was changed. */
  reload: () => void;
  /** Loads the next page, if there is one. */
  more?: () => Promise<Refused | undefined>;
}

/** What was loaded, and how to go on. */
export interface Loaded<T> {
  path: string;
  items: T[];
  next?: Key | null;
}

/**
 * The first page as it is now, and behind it what was loaded before. Items that moved from one to
 * the other, or went, are where they are now; if the two do not touch any more, the first is all.
 */
export function joined<T>(
  first: Answer<T>,
  loaded: Loaded<T> | undefined,
  keyOf: (item: T) => Key,
): Answer<T> {
  const last = first.items.at(-1);
  if (!loaded || last === undefined) return first;
  const at = loaded.items.findIndex((it) => keyOf(it) === keyOf(last));
  if (at < 0) return first;
  return { items: [...first.items, ...loaded.items.slice(at + 1)], next: loaded.next };
}

/** A list of the API, by its path without `after`. */
export function useList<T, Also = unknown>(
  path: string,
  keyOf: (item: T) => Key,
  everyMs?: number,
): List<T, Also> {
  const { data, error, loading, reload } = useFetch<Answer<T> & Also>(path, everyMs);
  const [loaded, setLoaded] = useState<Loaded<T>>();
  const known = loaded?.path === path ? loaded : undefined;
  const { items, next } = joined(data ?? { items: [] }, known, keyOf);
  const more = async () => {
    try {
      const after = `${path.includes("?") ? "&" : "?"}after=${segment(String(next))}`;
      const page = await getJson<Answer<T>>(path + after);
      setLoaded({ path, items: [...items, ...page.items], next: page.next });
      return undefined;
    } catch (refused) {
      return asRefused(refused);
    }
  };
  return {
    items,
    keyOf,
    data,
    error,
    loading,
    refresh: reload,
    reload: () => (setLoaded(undefined), reload()),
    more: loading || next === undefined || next === null ? undefined : more,
  };
}
