import { expect, test } from "vitest";
import type { Status } from "./status";
import { troubles } from "./troubles";

const fine: Status = {
  calls: 3,
  trunks: [{ name: "carrier", addresses: [{ address: "192.0.2.1:5060", up: true, state: "up" }] }],
  registrations: { total: 1 },
  queues: [],
  agents: [],
  recordings: { sealing: null, objects: null },
  store: { up: true, waits_for_disk: false, refuses_records: false, behind_bytes: 40_000 },
  directory: { in_force: true },
};
const said = (status: Status) => troubles(status).map((it) => it.what);

test("an edge that is well has no troubles, however much it has to write", () => {
  expect(troubles(fine)).toEqual([]);
  expect(troubles(undefined)).toEqual([]);
});

test("a database that is away is told once, with what waits", () => {
  const store = { ...fine.store!, up: false, why: "connection refused", refuses_records: true };
  const [one, ...more] = troubles({ ...fine, store });
  expect(more).toEqual([]);
  expect(one.what).toBe("The database does not answer");
  expect(one.why).toBe("connection refused");
  expect(one.then).toContain("(40.0 kB so far)");
});

test("records that are lost if the program ends come before all else", () => {
  const store = { ...fine.store!, waits_for_disk: true };
  const recordings = { sealing: { since: 1, why: "no room" }, objects: null };
  expect(said({ ...fine, store, recordings })).toEqual([
    "The disk takes no call records",
    "Recordings cannot be sealed",
  ]);
});

test("a trunk is down, or a part of it, and says since when", () => {
  const down = { address: "192.0.2.9:5060", up: false, state: "down" as const, since: 5 };
  const other = { ...fine.trunks[0].addresses[0] };
  const [all] = troubles({ ...fine, trunks: [{ name: "carrier", addresses: [down] }] });
  expect([all.what, all.since, all.why]).toEqual([
    "Trunk carrier is down",
    5,
    "192.0.2.9:5060 does not answer",
  ]);
  const [part] = troubles({
    ...fine,
    trunks: [{ name: "carrier", addresses: [other, { ...down, last_status: 503 }] }],
  });
  expect(part.what).toBe("A part of trunk carrier is down");
  expect(part.why).toBe("192.0.2.9:5060 answers with SIP 503");
});

test("a certificate that ends soon, or cannot be renewed, is told with its days", () => {
  const now = 1_800_000_000_000;
  const days = (days: number) => (now + days * 86_400_000 + 1000) * 1000;
  const told = (ends: number, why?: string) =>
    troubles({ ...fine, certificate: { ends, why } }, now).map((it) => it.what);
  expect(told(days(14))).toEqual([]);
  expect(told(days(13))).toEqual(["The certificate of HTTPS ends in 13 days"]);
  expect(told(days(1))).toEqual(["The certificate of HTTPS ends in 1 day"]);
  expect(told(days(0))).toEqual(["The certificate of HTTPS ends today"]);
  expect(told(days(-1))).toEqual(["The certificate of HTTPS has ended"]);
  const [one] = troubles({ ...fine, certificate: { ends: days(40), why: "edge.pem: no" } }, now);
  expect([one.what, one.why]).toEqual([
    "The new certificate of HTTPS cannot be used",
    "edge.pem: no",
  ]);
  expect(one.then).toContain("which ends in 40 days");
  expect(troubles({ ...fine, certificate: null })).toEqual([]);
});

test("an edge or a database that says nothing is the only trouble that is sure", () => {
  const trunks = [
    { name: "carrier", addresses: [{ address: "a", up: false, state: "down" as const }] },
  ];
  expect(said({ ...fine, trunks, silent: { who: "edge" } })).toEqual([
    "This edge cannot be reached",
  ]);
  const [one, ...more] = troubles({ ...fine, silent: { who: "database", why: "gone" } });
  expect([one.what, one.why, more.length]).toEqual(["The database does not answer", "gone", 0]);
});
