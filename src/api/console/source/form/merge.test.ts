import { expect, test } from "vitest";
import type { Document } from "../lib/document";
import { differences, resolved, say } from "./merge";
import type { Field, Shape } from "./schema";

const field = (name: string, shape: Shape = { as: "text" }): Field => ({
  name,
  doc: "",
  required: false,
  optional: true,
  fallback: undefined,
  example: undefined,
  allowed: "",
  shape,
});
const NUMBER = [
  field("no_answer", {
    as: "table",
    fields: [field("timeout"), field("route", { as: "route" })],
  }),
  field("whisper", { as: "prompt", none: true }),
  field("tags", { as: "list", of: { as: "text" } }),
];
const ROUTER = [
  field("rule", { as: "tables", fields: [field("name"), field("route", { as: "route" })] }),
];

const merged = (fields: Field[], base: Document, mine: Document, theirs: Document) => {
  const found = differences("", fields, base, mine, theirs);
  return {
    result: resolved(theirs, mine, found),
    clashes: found.filter((it) => it.clash).map((it) => it.key),
    found,
  };
};

test("what two people changed apart is kept of both; clashes are named", () => {
  const base = { name: "shop", weight: 1, description: "" };
  const mine = { name: "shop", weight: 2, description: "K Street" };
  const theirs = { name: "shop", weight: 3, description: "", source_tag: "dc" };
  const { result, clashes } = merged(NUMBER, base, mine, theirs);
  expect(result).toEqual({ name: "shop", weight: 2, description: "K Street", source_tag: "dc" });
  expect(clashes).toEqual(["/weight"]);
});

test("two settings of one table do not clash, and the same setting says where it is", () => {
  const base = { no_answer: { timeout: "45s" } };
  const apart = merged(
    NUMBER,
    base,
    { no_answer: { timeout: "30s" } },
    { no_answer: { timeout: "45s", route: { queue: "sales" } } },
  );
  expect(apart.clashes).toEqual([]);
  expect(apart.result).toEqual({ no_answer: { timeout: "30s", route: { queue: "sales" } } });
  const both = merged(
    NUMBER,
    base,
    { no_answer: { timeout: "30s" } },
    { no_answer: { timeout: "60s" } },
  );
  expect(both.clashes).toEqual(["/no_answer/timeout"]);
  expect(both.found[0].title).toEqual(["No answer", "Timeout"]);
});

test("for each setting mine or theirs is chosen", () => {
  const mine = { description: "mine", no_answer: { timeout: "30s" } };
  const theirs = { description: "theirs", no_answer: { timeout: "60s" }, source_tag: "theirs" };
  const found = differences("", NUMBER, { description: "" }, mine, theirs);
  const chosen = { "/description": "theirs", "/source_tag": "mine" } as const;
  expect(resolved(theirs, mine, found, chosen)).toEqual({
    description: "theirs",
    no_answer: { timeout: "30s" },
  });
});

test("a prompt is one thing: a text of mine and a file of theirs do not become both", () => {
  const { result, clashes } = merged(
    NUMBER,
    { whisper: { text: "Ads" } },
    { whisper: { text: "Adverts" } },
    { whisper: { prompt: "ads" } },
  );
  expect(clashes).toEqual(["/whisper"]);
  expect(result).toEqual({ whisper: { text: "Adverts" } });
});

test("the rules of a router are told by their names, unless there are others now", () => {
  const base = {
    rule: [
      { name: "vip", route: "hangup" },
      { name: "rest", route: "hangup" },
    ],
  };
  const mine = {
    rule: [
      { name: "vip", route: { queue: "a" } },
      { name: "rest", route: "hangup" },
    ],
  };
  const theirs = {
    rule: [
      { name: "vip", route: "hangup" },
      { name: "rest", route: { queue: "b" } },
    ],
  };
  const { result, clashes, found } = merged(ROUTER, base, mine, theirs);
  expect(clashes).toEqual([]);
  expect(found.map((it) => it.title.join(" "))).toEqual(["Rules vip Route", "Rules rest Route"]);
  expect(result.rule).toEqual([
    { name: "vip", route: { queue: "a" } },
    { name: "rest", route: { queue: "b" } },
  ]);
  const fewer = merged(ROUTER, base, mine, { rule: [{ name: "rest", route: "hangup" }] });
  expect(fewer.clashes).toEqual(["/rule"]);
});

test("a tracking number's route is one thing, however it is written", () => {
  const base = { dial: ["shop"] };
  const mine = { dial: ["shop", "office"], order: "sequence" };
  const theirs = { route: { queue: "sales" }, label: "Spring" };
  const found = differences("tracking_number", [], base, mine, theirs);
  expect(found.map((it) => [it.title[0], it.clash])).toEqual([
    ["Call routing", true],
    ["Label", false],
  ]);
  expect(say(found[0].mine, found[0].shape)).toBe("Dial shop, office; One after the other");
  expect(say(found[0].theirs, found[0].shape)).toBe("Queue sales");
  expect(resolved(theirs, mine, found)).toEqual({ ...mine, label: "Spring" });
});

test("what somebody took away is not set any more", () => {
  const { result } = merged(NUMBER, { tags: ["a"], x: 1 }, { x: 1 }, { tags: ["a"], x: 2 });
  expect(result).toEqual({ x: 2 });
  expect(say(undefined, undefined)).toBe("not set");
});
