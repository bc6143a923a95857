// What is wrong on the edge while calls go on, in words for who looks after it.

import type { Status } from "./status";
import { sayBytes } from "./words";

export interface Trouble {
  what: string;
  /** Microseconds since 1970. */
  since?: number;
  why?: string | null;
  /** What it means for calls and records, and what to do. */
  then: string;
  /** Where it is looked into. */
  to?: readonly [path: string, label: string];
}

const DAY = 24 * 60 * 60 * 1000;
/** Days before its end from which a certificate is told of. */
const SOON = 14;

/** The gravest first. `now` in milliseconds. */
export function troubles(status: Status | undefined, now = Date.now()): Trouble[] {
  if (!status) return [];
  if (status.silent) return unheard(status.silent);
  return [...kept(status), ...recorded(status), ...carried(status), ...shown(status, now)];
}

function shown({ certificate }: Status, now: number): Trouble[] {
  if (!certificate) return [];
  const left = Math.floor((certificate.ends / 1000 - now) / DAY);
  const days = left === 1 ? "1 day" : `${left} days`;
  const ends = left < 0 ? "has ended" : left === 0 ? "ends today" : `ends in ${days}`;
  const found: Trouble[] = [];
  if (certificate.why)
    found.push({
      what: "The new certificate of HTTPS cannot be used",
      why: certificate.why,
      then: `The one before it is shown, which ${ends}. The files are looked at again by themselves.`,
    });
  else if (left < SOON)
    found.push({
      what: `The certificate of HTTPS ${ends}`,
      then:
        "Put a new one in the place of its files: it is shown without a restart. Without one, no " +
        "browser and no program trusts this console and its API.",
    });
  return found;
}

/** Nobody says how things are: what is shown is from before. */
function unheard({ who, why }: NonNullable<Status["silent"]>): Trouble[] {
  return [
    who === "edge"
      ? {
          what: "This edge cannot be reached",
          then: "What stands here is from before. It is asked again and again.",
        }
      : {
          what: "The database does not answer",
          why,
          then:
            "Calls go on by what was read last. Records wait on this edge's disk. Nothing can be " +
            "changed or searched until it is back, and what stands here is from before.",
        },
  ];
}

function kept({ store, directory }: Status): Trouble[] {
  const found: Trouble[] = [];
  const behind = store?.behind_bytes ? ` (${sayBytes(store.behind_bytes)} so far)` : "";
  if (store?.waits_for_disk)
    found.push({
      what: "The disk takes no call records",
      then:
        "They wait in memory, and are lost if the program ends. Make room in the data folder, or " +
        "let the program write there: it goes on by itself.",
    });
  if (store && !store.up)
    found.push({
      what: "The database does not answer",
      why: store.why,
      then:
        `Calls go on by what was read last. Records wait on this edge's disk${behind}. Nothing ` +
        "can be changed or searched until it is back.",
    });
  // A full disk refuses both.
  if (store?.up && store.refuses_records && !store.waits_for_disk)
    found.push({
      what: "The database takes no call records",
      why: store.why,
      then: `They wait on this edge's disk${behind}, and are not in the call log yet.`,
    });
  if (directory && !directory.in_force)
    found.push({
      what: "Changes are not in force on this edge",
      why: directory.why,
      then: "Calls are routed as before them. What is named has to be put right, and saved again.",
    });
  return found;
}

function recorded({ recordings }: Status): Trouble[] {
  const then = "Calls and recording go on. It is tried again by itself.";
  const to = ["/recordings", "Recordings"] as const;
  const found: Trouble[] = [];
  if (recordings?.sealing)
    found.push({ what: "Recordings cannot be sealed", ...recordings.sealing, then, to });
  if (recordings?.objects)
    found.push({
      what: "The object storage takes no recordings",
      ...recordings.objects,
      then: `They stay on this edge. ${then}`,
      to,
    });
  return found;
}

function carried({ trunks }: Status): Trouble[] {
  return trunks.flatMap(({ name, addresses }) => {
    const down = addresses.filter((it) => it.state === "down");
    if (down.length === 0) return [];
    const all = down.length === addresses.length;
    const places = down.map((it) => it.address).join(", ");
    return {
      what: all ? `Trunk ${name} is down` : `A part of trunk ${name} is down`,
      since: Math.min(...down.map((it) => it.since ?? Infinity)),
      why: down.some((it) => it.last_status)
        ? `${places} answers with SIP ${down.find((it) => it.last_status)?.last_status}`
        : `${places} does not answer`,
      then: all
        ? "No call leaves through it. Calls that it brings are taken all the same."
        : "Calls leave by its other addresses.",
      to: [`/trunks/${encodeURIComponent(name)}`, "Trunk"] as const,
    };
  });
}
