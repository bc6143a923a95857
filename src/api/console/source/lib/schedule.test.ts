import { expect, test } from "vitest";
import { openOn, paint, parseHours, readWeek, writeWeek } from "./schedule";

test("lines become a week and the week the same lines", () => {
  for (const lines of [
    ["mon-fri 09:00-17:00"],
    ["daily 20:00-06:00"],
    ["mon-fri 09:00-18:00", "sat 10:00-16:00"],
    ["mon,wed 08:00-12:00", "sat,sun 10:00-14:00"],
    ["daily 00:00-24:00"],
  ]) {
    const { week, unread } = readWeek(lines);
    expect(unread).toEqual([]);
    expect(writeWeek(week)).toEqual(lines);
  }
});

test("a week may go around its end", () => {
  expect(readWeek(["sat-mon 10:00-12:00"]).week.map((it) => it.length)).toEqual([
    1, 0, 0, 0, 0, 1, 1,
  ]);
});

test("lines that cannot be read are kept aside", () => {
  expect(readWeek(["noday 09:00-17:00", "mon 9-17", "mon"]).unread).toHaveLength(3);
  expect(parseHours("09:00-09:00")).toBeUndefined();
  expect(parseHours("09:61-10:00")).toBeUndefined();
});

test("a shift over midnight opens the next morning", () => {
  const { week } = readWeek(["sun 22:00-06:00"]);
  expect(openOn(week, 0)).toEqual([{ from: 0, to: 360 }]);
  expect(openOn(week, 6)).toEqual([{ from: 1320, to: 1440 }]);
});

test("painting opens and closes part of a day", () => {
  let { week } = readWeek(["mon 09:00-17:00"]);
  week = paint(week, 0, 12 * 60, 13 * 60, false);
  expect(writeWeek(week)).toEqual(["mon 09:00-12:00", "mon 13:00-17:00"]);
  week = paint(week, 0, 12 * 60, 13 * 60, true);
  expect(writeWeek(week)).toEqual(["mon 09:00-17:00"]);
});
