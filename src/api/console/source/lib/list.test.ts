import { expect, test } from "vitest";
import { joined } from "./list";

const down = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, at) => from - at);
const same = (it: number) => it;

test("what new items push out of the first page is not lost between the pages", () => {
  const loaded = { path: "", items: down(100, 1), next: null };
  const found = joined({ items: down(105, 56), next: 56 }, loaded, same);
  expect(found.items).toEqual(down(105, 1));
  expect(found.next).toBeNull();
});

test("what went from the head of a queue is not shown behind it", () => {
  const loaded = { path: "", items: down(100, 1).reverse(), next: 100 };
  const found = joined({ items: down(52, 3).reverse(), next: 52 }, loaded, same);
  expect(found.items).toEqual(down(100, 3).reverse());
  expect(found.next).toBe(100);
});

test("pages that do not touch any more begin anew", () => {
  const loaded = { path: "", items: down(100, 1), next: null };
  expect(joined({ items: down(300, 251), next: 251 }, loaded, same)).toEqual({
    items: down(300, 251),
    next: 251,
  });
});

test("a list of which nothing is left is empty", () => {
  expect(joined({ items: [] }, { path: "", items: [1, 2], next: 2 }, same).items).toEqual([]);
});

test("a first page that ended early does not throw away what was found behind it", () => {
  const loaded = { path: "", items: [7, 3], next: 2, looked_back_to: 20 };
  const early = { items: [], next: 90, looked_back_to: 80 };
  expect(joined(early, loaded, same, 50)).toEqual({ items: [7, 3], next: 2, looked_back_to: 20 });
  const found = joined({ items: [9, 7], next: 6 }, loaded, same, 50);
  expect(found.items).toEqual([9, 7, 3]);
  expect(joined({ items: [] }, loaded, same, 50).items).toEqual([]);
});
