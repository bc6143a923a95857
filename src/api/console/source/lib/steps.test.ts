import { expect, test } from "vitest";
import { sketch } from "./steps";

const TEXT = `A call from +15125550100
  Tracking number +12025550101
  Route: dial washington
    washington rings at once
      answers, and before it is connected:
            0 s  dial pause 1 s
          1.2 s  waits 0.5 s
            3 s  is listened to
            0 s after that  hears file chime.wav
        0 s       1 s       2 s
        ..........3...........1.9.2.8.
      connected: recorded
    If nobody takes it: hangup
`;

test("what is further in belongs to what stands before it", () => {
  const [call] = sketch(TEXT);
  expect(call.steps.map((it) => it.text)).toEqual([
    "Tracking number +12025550101",
    "Route: dial washington",
  ]);
  const [rings, nobody] = call.steps[1].steps;
  expect(nobody.text).toBe("If nobody takes it: hangup");
  expect(rings.steps.map((it) => it.text)).toEqual([
    "answers, and before it is connected:",
    "connected: recorded",
  ]);
});

test("times that are set to the right are on one level", () => {
  const answers = sketch(TEXT)[0].steps[1].steps[0].steps[0];
  expect(answers.steps.filter((it) => !it.drawn).map((it) => it.text)).toEqual([
    "0 s  dial pause 1 s",
    "1.2 s  waits 0.5 s",
    "3 s  is listened to",
    "0 s after that  hears file chime.wav",
  ]);
  expect(answers.steps.at(-1)?.drawn).toBe(true);
});

test("drawings keep their columns", () => {
  const drawn = JSON.stringify(sketch(TEXT));
  expect(drawn).toContain("0 s       1 s       2 s\\n..........3...........1.9.2.8.");
});
