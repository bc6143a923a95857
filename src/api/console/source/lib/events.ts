// What happens on the edge, as it happens: server-sent events, shared by all who watch.

import { useEffect, useRef } from "preact/hooks";
import { Watched } from "./use";

export interface Fact {
  seq: number;
  at: number;
  call: string;
  what: { type: string; [key: string]: unknown };
}

export type Line = "connecting" | "open" | "lost";
export const line = new Watched<Line>("connecting");
const watchers = new Set<(fact: Fact | undefined) => void>();
let source: EventSource | undefined;

function tell(fact: Fact | undefined) {
  for (const watcher of [...watchers]) watcher(fact);
}

function heard(event: MessageEvent) {
  try {
    const fact = JSON.parse(event.data as string) as Fact;
    tell(fact && fact.call ? fact : undefined);
  } catch {
    tell(undefined);
  }
}

function open() {
  source = new EventSource("/v1/events");
  source.onopen = () => {
    line.set("open");
    tell(undefined);
  };
  source.onerror = () => line.set("lost");
  source.onmessage = heard;
}

/**
 * Calls back on each fact; with nothing when some may have been missed: then everything is to be
 * asked for anew.
 */
export function watchFacts(watcher: (fact: Fact | undefined) => void): () => void {
  watchers.add(watcher);
  if (!source || source.readyState === EventSource.CLOSED) open();
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) {
      source?.close();
      source = undefined;
      line.set("connecting");
    }
  };
}

/** Calls `refresh` when something happened, not more often than every `everyMs`. */
export function useFresh(
  refresh: () => void,
  everyMs: number,
  of: (fact: Fact) => boolean = () => true,
) {
  const newest = useRef({ refresh, of });
  newest.current = { refresh, of };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = watchFacts((fact) => {
      if (fact && !newest.current.of(fact)) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        newest.current.refresh();
      }, everyMs);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [everyMs]);
}
