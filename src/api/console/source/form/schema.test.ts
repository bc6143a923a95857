import { expect, test } from "vitest";
import { asTable, formOf, placeholder } from "./schema";

const shapes = (keys: object[]) =>
  formOf({ kind: "k", plural: "ks", name_key: "name", keys: keys as never }).fields.map(
    (it) => it.shape,
  );

test("the shape of a key picks its widget", () => {
  expect(
    shapes([
      { name: "a", given: "default", shape: { type: "flag" }, allowed: "true or false" },
      {
        name: "b",
        shape: { type: "either", of: [{ type: "choice", choices: ["off"] }, { type: "time" }] },
        allowed: '"off", or a time such as "45s", from 1s to 1h',
      },
      {
        name: "c",
        shape: { type: "number", min: 1, max: 600 },
        allowed: "a whole number from 1 to 600",
      },
      { name: "d", shape: { type: "choice", choices: ["udp", "tcp"] }, allowed: '"udp", "tcp"' },
      { name: "e", shape: { type: "name_of", kind: "schedule" } },
      {
        name: "f",
        shape: { type: "either", of: [{ type: "choice", choices: ["none"] }, { type: "prompt" }] },
      },
      { name: "g", shape: { type: "list", of: { type: "text" } } },
      { name: "h", shape: { type: "hidden" } },
      { name: "i", shape: { type: "route" } },
    ]),
  ).toEqual([
    { as: "flag" },
    { as: "time", off: true },
    { as: "number", min: 1, max: 600 },
    { as: "choice", choices: ["udp", "tcp"], other: undefined },
    { as: "name", kind: "schedule" },
    { as: "prompt", none: true },
    { as: "list", of: { as: "text" } },
    { as: "hidden" },
    { as: "route" },
  ]);
});

test("an address is typed, though what it may be is told by examples", () => {
  const allowed = '"https://host:port/path" or "http://host:port/path"';
  expect(shapes([{ name: "url", shape: { type: "url" }, allowed }])).toEqual([{ as: "text" }]);
});

test("tables have fields of their own, and lists of tables too", () => {
  const keys = [{ name: "host", given: "required", shape: { type: "text" } }];
  const [table, tables, ruled] = shapes([
    { name: "x", given: "table", keys, shape: { type: "table" } },
    { name: "addresses", given: "optional", keys, shape: { type: "list", of: { type: "table" } } },
    { name: "rule", given: "tables", keys, shape: { type: "list", of: { type: "table" } } },
  ]);
  expect(ruled).toMatchObject({ as: "tables", fields: [{ name: "host" }] });
  expect(table).toMatchObject({ as: "table", fields: [{ name: "host", required: true }] });
  expect(tables).toMatchObject({ as: "tables", short: "host" });
});

test("a shape that the console has not heard of is drawn by what it may be", () => {
  expect(shapes([{ name: "a", allowed: '"us", "uk", "eu", or { music = "hold.wav" }' }])).toEqual([
    { as: "choice", choices: ["us", "uk", "eu"] },
  ]);
  expect(shapes([{ name: "a", allowed: "something else" }])).toEqual([{ as: "json" }]);
});

test("a table may be written as one of its values", () => {
  expect(asTable("5", "key")).toEqual({ key: "5" });
  expect(asTable({ key: "5" }, "key")).toEqual({ key: "5" });
  expect(asTable(undefined, "key")).toEqual({});
});

test("an empty field says what holds without it", () => {
  const [field] = formOf({
    kind: "k",
    plural: "ks",
    name_key: "name",
    keys: [{ name: "t", given: "default", default: "45s" }],
  }).fields;
  expect(placeholder(field)).toBe("45s");
  const [other] = formOf({
    kind: "k",
    plural: "ks",
    name_key: "name",
    keys: [{ name: "t", example: "office" }],
  }).fields;
  expect(placeholder(other)).toBe("such as office");
});
