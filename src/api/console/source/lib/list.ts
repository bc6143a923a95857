// Lists that come in pages: the first is asked for again and again, those behind it on wish. Where
// looking takes long, a page ends early: then the rest of it is looked for page by page, until it is
// full or the reader has enough.

import { useEffect, useState } from "preact/hooks";
import { getJson, type Refused, segment } from "./api";
import { asRefused, useFetch } from "./use";

type Key = string | number;

export interface Answer<T> {
  items: T[];
  next?: Key | null;
  /** A page that ended early: how far back was looked, in microseconds since 1970. */
  looked_back_to?: number | null;
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
  /** What is shown is not yet a full page. */
  looking?: Looking;
}

export interface Looking {
  /** How far back, in microseconds since 1970. */
  to?: number;
  /** It goes on; else the reader had enough, or it failed. */
  on: boolean;
  turn: (on: boolean) => void;
}

/** What was loaded, and how to go on. */
export interface Loaded<T> extends Answer<T> {
  path: string;
}

/**
 * The first page as it is now, and behind it what was loaded before. Items that moved from one to
 * the other, or went, are where they are now; if the two do not touch any more, the first is all.
 */
export function joined<T>(
  first: Answer<T>,
  loaded: Loaded<T> | undefined,
  keyOf: (item: T) => Key,
  page = 0,
): Answer<T> {
  const last = first.items.at(-1);
  const early = hasMore(first) && first.items.length < page;
  if (!loaded || (last === undefined && !early)) return first;
  const { next, looked_back_to } = loaded;
  if (early) {
    // It ended before it came to what is known: whatever of it is new stands before that.
    const known = new Set(loaded.items.map(keyOf));
    const fresh = new Map(first.items.map((it) => [keyOf(it), it]));
    const before = first.items.filter((it) => !known.has(keyOf(it)));
    const behind = loaded.items.map((it) => fresh.get(keyOf(it)) ?? it);
    return { items: [...before, ...behind], next, looked_back_to };
  }
  const at = loaded.items.findIndex((it) => keyOf(it) === keyOf(last as T));
  if (at < 0) return first;
  return { items: [...first.items, ...loaded.items.slice(at + 1)], next, looked_back_to };
}

function hasMore<T>({ next }: Answer<T>): boolean {
  return next !== undefined && next !== null;
}

interface Options {
  everyMs?: number;
  /** Items of a page, where pages may end early. */
  page?: number;
}

/** A list of the API, by its path without `after`. */
export function useList<T, Also = unknown>(
  path: string,
  keyOf: (item: T) => Key,
  { everyMs, page = 0 }: Options = {},
): List<T, Also> {
  const { data, error, loading, reload } = useFetch<Answer<T> & Also>(path, everyMs);
  const [loaded, setLoaded] = useState<Loaded<T>>();
  const [failure, setFailure] = useState<{ path: string; error: Refused }>();
  const [goal, setGoal] = useState({ path, count: page, on: true });
  const known = loaded?.path === path ? loaded : undefined;
  const all = joined(data ?? { items: [] }, known, keyOf, page);
  const { items, next } = all;
  const wanted = goal.path === path ? goal : { path, count: page, on: true };
  const follows = !loading && data !== undefined && hasMore(all);
  const short = follows && items.length < wanted.count;
  const load = async () => {
    try {
      const after = `${path.includes("?") ? "&" : "?"}after=${segment(String(next))}`;
      const more = await getJson<Answer<T>>(path + after);
      setLoaded({ ...more, path, items: [...items, ...more.items] });
      return undefined;
    } catch (refused) {
      setGoal({ ...wanted, on: false });
      return asRefused(refused);
    }
  };
  const on = short && wanted.on;
  useEffect(() => {
    if (on) void load().then((error) => setFailure(error && { path, error }));
  }, [on, next, path]);
  const more = () => {
    setGoal({ path, count: items.length + page, on: true });
    return page > 0 ? Promise.resolve(undefined) : load();
  };
  return {
    items,
    keyOf,
    data,
    error: error ?? (failure?.path === path ? failure.error : undefined),
    loading,
    refresh: reload,
    reload: () => (setLoaded(undefined), setFailure(undefined), reload()),
    more: follows && !short ? more : undefined,
    looking: short
      ? { to: all.looked_back_to ?? undefined, on, turn: (on) => setGoal({ ...wanted, on }) }
      : undefined,
  };
}
