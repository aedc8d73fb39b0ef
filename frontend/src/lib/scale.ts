// Round numbers for axes. Pure.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  61 * DAY,
  122 * DAY,
];

/** Ticks from 0 to at least `top`: 1, 2 or 5 times a power of ten apart, about `count` of them. */
export function valueTicks(top: number, count: number): number[] {
  const wanted = Math.max(top, 1) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted) ?? 10 * power;
  const ticks = [0];
  while ((ticks.at(-1) ?? 0) < top) ticks.push(ticks.length * step);
  if (ticks.length === 1) ticks.push(step);
  return ticks;
}

// From a second on, what a person would choose for a clock.
const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map((seconds) => seconds * SECOND);

/** Ticks from 0 to at least `top` milliseconds, on seconds, minutes, hours and days where it is that much. */
export function spanTicks(top: number, count: number): number[] {
  if (top < count * SECOND) return valueTicks(top, count);
  const wanted = top / count;
  const hours = [1, 2, 3, 6, 12, 24].map((n) => n * HOUR);
  const step = [...SPANS, ...hours].find((one) => one >= wanted) ?? DAY * (valueTicks(wanted / DAY, 1)[1] ?? 1);
  const ticks = [0];
  while ((ticks.at(-1) ?? 0) < top) ticks.push(ticks.length * step);
  return ticks;
}

export interface TimeTicks {
  at: number[];
  /** A step of a day or more wants dates, a smaller one times. */
  isDaily: boolean;
}

/** Instants between `from` and `to` on round local times, at most `most` of them. */
export function timeTicks(from: number, to: number, most: number): TimeTicks {
  const span = to - from;
  const step = STEPS.find((one) => span / one <= most) ?? 122 * DAY;
  const at: number[] = [];
  if (step >= DAY) {
    const day = new Date(from);
    day.setHours(0, 0, 0, 0);
    const days = Math.round(step / DAY);
    // Days by the calendar, not by 24 h: midnight stays midnight when the clocks change.
    for (day.setDate(day.getDate() + 1); day.getTime() <= to; day.setDate(day.getDate() + days)) at.push(day.getTime());
    return { at, isDaily: true };
  }
  const offset = new Date(from).getTimezoneOffset() * MINUTE;
  for (let t = Math.ceil((from - offset) / step) * step + offset; t <= to; t += step) at.push(t);
  return { at, isDaily: false };
}

/** The index of the instant nearest to `at` in an ascending list; -1 for an empty one. */
export function nearest(instants: number[], at: number): number {
  let low = 0;
  let high = instants.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((instants[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const before = instants[low - 1];
  const here = instants[low];
  if (before !== undefined && here !== undefined && at - before < here - at) return low - 1;
  return here === undefined ? -1 : low;
}
