import { expect, test } from "vitest";
import { grouped, moment } from "./explained";

const drawing = (title: string) => ({ kind: "drawing", title });

test("the lines of a drawing stay together, and nothing else does", () => {
  const fact = { kind: "fact", title: "sees +15125550100" };
  const lines = [drawing("0 s       1 s"), drawing("..3.......1")];
  expect(grouped([fact, ...lines, fact])).toEqual([
    fact,
    { drawn: "0 s       1 s\n..3.......1" },
    fact,
  ]);
});

test("a moment has its time and what happens then", () => {
  expect(moment("0.2 s  waits 0.5 s")).toEqual(["0.2 s", "waits 0.5 s"]);
  expect(moment("0 s after that  hears file chime.wav")).toEqual([
    "0 s after that",
    "hears file chime.wav",
  ]);
  expect(moment("sends 3")).toEqual(["", "sends 3"]);
});
