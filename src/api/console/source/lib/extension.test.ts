import { expect, test } from "vitest";
import { faultOf, inWords, length, timeline } from "./extension";

test("3ww1928 sends 3, waits a second, sends 1928", () => {
  expect(inWords("3ww1928", 0)).toBe("Sends 3, waits 1 s, sends 1928.");
  const spans = timeline("3ww1928", 0);
  expect(spans.map((it) => (it.kind === "digit" ? it.digit : "-")).join("")).toBe("3-1928");
  expect(spans[1]).toEqual({ kind: "pause", from: 200, to: 1200, label: "pause" });
  expect(length("3ww1928", 0)).toBe(2000);
});

test("the dial pause goes before everything, and is drawn apart from a leading w", () => {
  const spans = timeline("w1", 1000);
  expect(spans[0]).toMatchObject({ label: "dial pause", from: 0, to: 1000 });
  expect(spans[1]).toMatchObject({ label: "pause", from: 1000, to: 1500 });
  expect(spans[2]).toMatchObject({ digit: "1", from: 1500, position: 2 });
  expect(inWords("12", 2000)).toBe("Waits 2 s, sends 12.");
});

test("a wrong symbol is named with its column", () => {
  expect(faultOf("12x4")).toEqual({
    column: 3,
    why: 'Column 3: "x" is not one of 0-9 * # A-D w W',
  });
  expect(faultOf("a")?.column).toBe(1);
  expect(faultOf("3ww1928*#AD")).toBeUndefined();
});

test("fifty symbols are the most", () => {
  expect(faultOf("w".repeat(50))).toBeUndefined();
  expect(faultOf("w".repeat(51))?.column).toBe(51);
});
