// What pages share: values that several parts watch, fetched data, clocks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { getJson, Refused } from "./api";

/** A value that components can watch. */
export class Watched<T> {
  private readonly watchers = new Set<(value: T) => void>();
  constructor(private value: T) {}
  get(): T {
    return this.value;
  }
  set(value: T) {
    this.value = value;
    for (const watcher of [...this.watchers]) watcher(value);
  }
  watch(watcher: (value: T) => void): () => void {
    this.watchers.add(watcher);
    return () => void this.watchers.delete(watcher);
  }
}

export function useWatched<T>(watched: Watched<T>): T {
  const [value, set] = useState(() => watched.get());
  useEffect(() => {
    set(() => watched.get());
    return watched.watch((next) => set(() => next));
  }, [watched]);
  return value;
}

export interface Fetched<T> {
  data?: T;
  error?: Refused;
  loading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

/** Fetches a path, again when it changes; the old data stays until the new is there. */
export function useFetch<T>(path: string | undefined, everyMs?: number): Fetched<T> {
  const [state, set] = useState<{ data?: T; error?: Refused; loading: boolean }>({
    loading: path !== undefined,
  });
  const [turn, again] = useState(0);
  const shown = useRef(path);
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    if (shown.current !== path) set((old) => ({ ...old, error: undefined, loading: true }));
    shown.current = path;
    getJson<T>(path, abort.signal).then(
      (data) => set({ data, loading: false }),
      (error) => {
        if (!abort.signal.aborted)
          set((old) => ({ data: old.data, error: asRefused(error), loading: false }));
      },
    );
    return () => abort.abort();
  }, [path, turn]);
  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => document.hidden || again((it) => it + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  const reload = useCallback(() => again((it) => it + 1), []);
  return { ...state, reload, set: (data) => set({ data, loading: false }) };
}

/** Asks again for as long as something is not finished: its end may be written later than told. */
export function usePolling(reload: () => void, unfinished: boolean) {
  useEffect(() => {
    if (!unfinished) return;
    const timer = setInterval(() => document.hidden || reload(), 2500);
    return () => clearInterval(timer);
  }, [reload, unfinished]);
}

export function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Refused({
    type: "about:blank",
    title: "Something went wrong in the console",
    status: 0,
    detail,
  });
}

/** How wide a thing is, for what is drawn in it in its own size. */
export function useWidth<T extends Element>(least: number) {
  const box = useRef<T>(null);
  const [width, setWidth] = useState(Math.max(least, 640));
  useEffect(() => {
    if (!box.current) return;
    const set = (it: number) => setWidth(Math.max(least, Math.floor(it)));
    const watch = new ResizeObserver(([entry]) => set(entry.contentRect.width));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [least]);
  return [box, width] as const;
}

/** An id for a label, the same as long as the component lives. */
let ids = 0;
export function useUnique(prefix = "f"): string {
  return useState(() => `${prefix}${++ids}`)[0];
}

export function useDebounced<T>(value: T, ms: number): T {
  const [late, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(() => value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late;
}
