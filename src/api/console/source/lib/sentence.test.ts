import { expect, test } from "vitest";
import { sentence } from "./sentence";

test("a rule reads as a sentence", () => {
  expect(sentence({ when: { repeat_caller: "30d", open: "office" } })).toBe(
    "If the caller has called within 30 d and schedule office is open",
  );
  expect(sentence({ when: { state: ["NY", "NJ"] }, unless: { area_code: "518" } })).toBe(
    "If the caller is in NY or NJ, unless the caller's area code is 518",
  );
});

test("a rule without conditions always holds", () => {
  expect(sentence({})).toBe("Always");
  expect(sentence({ unless: { anonymous: true } })).toBe(
    "Always, unless the caller withholds its number",
  );
});

test("headers and queues are said with what is asked of them", () => {
  expect(sentence({ when: { header: { name: "X-Campaign", begins: "spring" } } })).toBe(
    'If header X-Campaign begins with "spring"',
  );
  expect(sentence({ when: { queue: { name: "sales", waiting: 3 } } })).toBe(
    "If queue sales has 3 or more callers waiting",
  );
});

test("hours and dates are said with the clock that they are of", () => {
  const when = { hours: ["mon-fri 09:00-17:00"], date: "12-24 to 01-01", zone: "America/New_York" };
  expect(sentence({ when })).toBe(
    "If it is mon-fri 09:00-17:00 and the date is 12-24 to 01-01 and by the clock of America/New_York",
  );
});
