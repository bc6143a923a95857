import { expect, test } from "vitest";
import { clock, normaliseTime, parseTime, sayTime, toMs, writeTime } from "./time";

test("times are written with units, or as seconds", () => {
  expect(parseTime("45s")).toBe(45_000);
  expect(parseTime("1h30m")).toBe(5_400_000);
  expect(parseTime("500ms")).toBe(500);
  expect(parseTime("1.5s")).toBe(1500);
  expect(parseTime(0.25)).toBe(250);
  expect(parseTime("20")).toBe(20_000);
});

test("what is no time is none", () => {
  for (const wrong of ["", "s", "1x", "-1", "1hour", true, null, NaN])
    expect(parseTime(wrong)).toBeUndefined();
});

test("bare numbers are given seconds as their unit", () => {
  expect(normaliseTime("20")).toBe("20s");
  expect(normaliseTime(" 1m ")).toBe("1m");
  expect(normaliseTime("0")).toBe("0");
});

test("a time is written and read back the same", () => {
  for (const ms of [1, 500, 1500, 45_000, 90_000, 5_400_000, 86_400_000])
    expect(parseTime(writeTime(ms))).toBe(ms);
  expect(writeTime(90_000)).toBe("1m30s");
});

test("people read times with units of their own", () => {
  expect(sayTime(500)).toBe("0.5 s");
  expect(sayTime(45_000)).toBe("45 s");
  expect(sayTime(5_400_000)).toBe("1 h 30 min");
  expect(clock(7_000)).toBe("0:07");
  expect(clock(3_723_000)).toBe("1:02:03");
});

test("moments of records are in microseconds", () => {
  expect(toMs(1_795_000_000_000_000)).toBe(1_795_000_000_000);
  expect(toMs(1_795_000_000_000)).toBe(1_795_000_000_000);
  expect(toMs(null)).toBeUndefined();
});
