import { expect, test } from "vitest";
import { nearest, timeTicks, valueTicks } from "../src/lib/scale";

test.each([
  [1, [0, 0.5, 1]],
  [37, [0, 10, 20, 30, 40]],
  [230, [0, 100, 200, 300]],
  [400, [0, 100, 200, 300, 400]],
])("ticks up to %s are round and reach it", (top, ticks) => expect(valueTicks(top, 4)).toEqual(ticks));

test("a day has few ticks on whole hours", () => {
  const from = Date.parse("2026-01-10T09:17:00.000Z");
  const { at, isDaily } = timeTicks(from, from + 86_400_000, 10);
  expect(isDaily).toBe(false);
  expect(at.length).toBeLessThanOrEqual(10);
  expect(at.length).toBeGreaterThan(4);
  for (const tick of at) expect(new Date(tick).getMinutes()).toBe(0);
});

test("a month has ticks at local midnight, also when the clocks change", () => {
  const from = Date.parse("2026-03-10T09:17:00.000Z");
  const { at, isDaily } = timeTicks(from, from + 30 * 86_400_000, 8);
  expect(isDaily).toBe(true);
  for (const tick of at) expect(new Date(tick).getHours()).toBe(0);
});

test.each([
  [5, 0],
  [14, 0],
  [16, 1],
  [99, 2],
])("the point nearest to %s is number %s", (at, index) => expect(nearest([10, 20, 30], at)).toBe(index));

test("nothing is nearest among nothing", () => expect(nearest([], 5)).toBe(-1));
