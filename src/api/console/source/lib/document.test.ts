import { expect, test } from "vitest";
import { bodyOf, changes, get, pointer, put, same, within } from "./document";

test("a value is put deep into a document without touching the old one", () => {
  const before = { name: "shop", no_answer: { timeout: "45s" } };
  const after = put(before, ["no_answer", "route"], "hangup");
  expect(after).toEqual({ name: "shop", no_answer: { timeout: "45s", route: "hangup" } });
  expect(before).toEqual({ name: "shop", no_answer: { timeout: "45s" } });
  expect(put({}, ["rule", 0, "name"], "a")).toEqual({ rule: [{ name: "a" }] });
});

test("undefined takes keys and list items away", () => {
  expect(put({ a: 1, b: 2 }, ["a"], undefined)).toEqual({ b: 2 });
  expect(put({ list: ["x", "y", "z"] }, ["list", 1], undefined)).toEqual({ list: ["x", "z"] });
});

test("reading a place that is not there gives nothing", () => {
  expect(get({ a: [{ b: 1 }] }, ["a", 0, "b"])).toBe(1);
  expect(get({ a: "text" }, ["a", "b"])).toBeUndefined();
});

test("pointers are written as RFC 6901 says", () => {
  expect(pointer(["keys", "a/b", 0])).toBe("/keys/a~1b/0");
  expect(within("/no_answer/route/dial", ["no_answer", "route"])).toBe(true);
  expect(within("/no_answer_x", ["no_answer"])).toBe(false);
});

test("the order of keys makes no difference, other values do", () => {
  expect(same({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(changes({ a: 1, b: 2 }, { a: 1, c: 3 }).map((it) => it.key)).toEqual(["b", "c"]);
});

test("what the API says about a document is not part of it", () => {
  expect(bodyOf({ name: "shop", _revision: 3, _hidden: ["password"] })).toEqual({ name: "shop" });
});
