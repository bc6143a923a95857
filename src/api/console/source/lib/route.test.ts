import { expect, test } from "vitest";
import type { Json } from "./document";
import { readRoute, routeOfTracking, sayRoute, withRoute, writeRoute } from "./route";

test("routes are read and written back as they were", () => {
  const all: Json[] = [
    "hangup",
    { queue: "sales" },
    { dial: ["shop", "mobile"], order: "sequence" },
    { dial: ["shop"], stages: [{ after: "15s", numbers: ["mobile"] }] },
  ];
  for (const written of all) {
    expect(writeRoute(readRoute(written)!)).toEqual(written);
  }
});

test("one number may be written without a list", () => {
  expect(readRoute({ dial: "shop" })).toEqual({
    kind: "dial",
    numbers: ["shop"],
    order: undefined,
    stages: [],
  });
});

test("what is no route is none", () => {
  const all: (Json | undefined)[] = [undefined, "queue", 3, [], {}, { elsewhere: "x" }];
  for (const wrong of all) expect(readRoute(wrong)).toBeUndefined();
});

test("a tracking number's dial is its route, and stays written as dial", () => {
  const doc = { number: "+12025550100", dial: ["shop"], order: "sequence" };
  expect(routeOfTracking(doc)).toEqual({ dial: ["shop"], order: "sequence" });
  expect(withRoute(doc, { queue: "sales" })).toEqual({
    number: "+12025550100",
    route: { queue: "sales" },
  });
  expect(withRoute({ number: "1", route: "hangup" }, { dial: ["a"] })).toEqual({
    number: "1",
    dial: ["a"],
  });
});

test("routes are said in words", () => {
  expect(sayRoute({ dial: ["shop", "mobile"] })).toBe("Dial shop, mobile");
  expect(sayRoute({ smart_router: "front-door" })).toBe("Smart router front-door");
  expect(sayRoute("hangup")).toBe("Hang up");
});
