import { expect, test } from "vitest";
import { type CallRecord, opinion, outcomeOf, sayCause, why } from "./records";

test("causes are said in words, with their numbers", () => {
  expect(sayCause({ sip: 486, q850: 17, reason: "busy", local: false })).toBe(
    "Busy (SIP 486, Q.850 17)",
  );
  expect(sayCause({ sip: 0, reason: "route_loop", local: true })).toBe(
    "The route went in a circle and was cut (decided here)",
  );
  expect(why("some_new_reason")).toBe("Some new reason");
});

test("the outcome of a call is the best of its legs", () => {
  const leg = (outcome: string) => ({ outcome }) as never;
  const record = { state: "ended", legs: [leg("no_answer"), leg("busy")] } as unknown as CallRecord;
  expect(outcomeOf(record)).toBe("busy");
  expect(outcomeOf({ ...record, connected_at: 1 })).toBe("answered");
});

test("a clean line is heard well, a lossy one badly", () => {
  const line = { packets_received: 1000, packets_sent: 1000, packets_lost: 0, jitter_ms: 1 };
  expect(opinion(line)).toBeGreaterThan(4.3);
  expect(opinion({ ...line, packets_lost: 200 })).toBeLessThan(2.5);
});
