import { expect, test } from "vitest";
import { COUNTRIES, destinationOf, international, showNumber, slug } from "./phone";

test("every country has a code and a name of its own", () => {
  expect(COUNTRIES.length).toBeGreaterThan(230);
  expect(new Set(COUNTRIES.map((it) => it.iso)).size).toBe(COUNTRIES.length);
  expect(COUNTRIES.every((it) => /^[1-9]\d{0,2}$/.test(it.code) && it.name !== it.iso)).toBe(true);
});

test("numbers of North America are grouped, others are left alone", () => {
  expect(showNumber("+12025550173")).toBe("+1 202-555-0173");
  expect(showNumber("+442079460000")).toBe("+442079460000");
});

test("destinations are told apart by how they begin", () => {
  expect(["+1202", "sip:a@b", "SIPS:a@b", "client:alice"].map(destinationOf)).toEqual([
    "phone",
    "sip",
    "sip",
    "client",
  ]);
});

test("names are made of descriptions", () => {
  expect(slug("The Shop on K Street!")).toBe("the-shop-on-k-street");
  expect(slug("Café Zürich")).toBe("cafe-zurich");
  expect(slug("+12025550173")).toBe("+12025550173");
});

test("numbers of North America get their country code, others stay as they are written", () => {
  for (const written of ["(202) 555-0173", "202-555-0173", "1 202 555 0173", "+1 202 555 0173"]) {
    expect(international(written, "US")).toBe("+12025550173");
  }
  expect(international("020 7946 0000", "GB")).toBeUndefined();
  expect(international("+44 20 7946 0000", "GB")).toBe("+442079460000");
  expect(international("555-0173", "US")).toBeUndefined();
  expect(international("sip:a@b", "US")).toBeUndefined();
});
