// How everything is now: fetched once for all who watch.

import { useEffect } from "preact/hooks";
import { getJson } from "./api";
import { useFresh } from "./events";
import { asRefused, useWatched, Watched } from "./use";

export interface TrunkAddress {
  address: string;
  up: boolean;
  state: "up" | "cooling" | "down";
  since?: number;
  last_status?: number | null;
}
interface Trouble {
  since: number;
  why: string;
}
export interface Status {
  recordings?: { sealing?: Trouble | null; objects?: Trouble | null };
  store?: {
    up: boolean;
    why?: string | null;
    waits_for_disk: boolean;
    refuses_records: boolean;
    behind_bytes: number;
  };
  directory?: { in_force: boolean; why?: string | null };
  /** Of HTTPS; `ends` in microseconds since 1970, `why` the one in the files is not shown. */
  certificate?: { ends: number; why?: string | null } | null;
  calls: number;
  trunks: { name: string; calls?: number; addresses: TrunkAddress[] }[];
  registrations: { total: number; at?: { address: string; transports: string[] }[] };
  queues: { name: string; waiting: number; free: number; longest_ms?: number | null }[];
  agents: { name: string; state: string; presence?: string }[];
  version?: string;
  uptime_ms?: number;
  /** Not of the API: it does not answer, and all else is from before. */
  silent?: { who: "edge" | "database"; why?: string };
}

const NOTHING: Status = {
  calls: 0,
  trunks: [],
  registrations: { total: 0 },
  queues: [],
  agents: [],
};

export const status = new Watched<Status | undefined>(undefined);
let watching = 0;
let timer: ReturnType<typeof setInterval> | undefined;

export async function refreshStatus() {
  try {
    status.set(await getJson<Status>("/v1/status"));
  } catch (error) {
    // What was known stays, with the word that it is not known any more; this comes again.
    const { status: code, problem } = asRefused(error);
    const silent = code === 0 ? "edge" : code === 503 ? "database" : undefined;
    const before = status.get();
    if (silent)
      status.set({ ...(before ?? NOTHING), silent: { who: silent, why: problem.detail } });
  }
}

/** The state of everything, fetched for all who watch. */
export function useStatus(): Status | undefined {
  useEffect(() => {
    if (watching++ === 0) timer = setInterval(() => document.hidden || void refreshStatus(), 5000);
    void refreshStatus();
    return () => {
      if (--watching === 0) clearInterval(timer);
    };
  }, []);
  useFresh(() => void refreshStatus(), 800);
  return useWatched(status);
}
