import { describe, expect, test } from "vitest";
import { formatAgo, formatBytes, formatMs, formatPercent, formatRate, formatSpan, plural } from "../src/lib/format";

const AT = Date.parse("2026-03-29T01:00:00.000Z");

describe("spans", () => {
  test.each([
    [0, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [61, "1 min 1 s"],
    [600, "10 min"],
    [3_600, "1 h"],
    [7_260, "2 h 1 min"],
    [86_400 * 3 + 3_600 * 4, "3 d 4 h"],
    [86_400 * 40, "40 d"],
    [-5, "0 s"],
  ])("%s seconds read as %s", (seconds, text) => expect(formatSpan(seconds)).toBe(text));
});

describe("moments", () => {
  test.each([
    [0, "just now"],
    [2_999, "just now"],
    [45_000, "45 s ago"],
    [89 * 60_000, "1 h ago"],
    [3 * 86_400_000, "3 d ago"],
    [-90_000, "in 1 min 30 s"],
  ])("%s ms later it is %s", (later, text) => expect(formatAgo(AT, AT + later)).toBe(text));
});

test.each([
  [100, "100 %"],
  [99.9996, "99.999 %"],
  [99.9, "99.9 %"],
  [0, "0 %"],
  [null, "–"],
])("an uptime of %s is never rounded up: %s", (value, text) => expect(formatPercent(value)).toBe(text));

test.each([
  [null, "–"],
  [1, "1 ms"],
  [43.6, "44 ms"],
  [1240, "1.24 s"],
  [12_400, "12.4 s"],
])("%s ms read as %s", (ms, text) => expect(formatMs(ms)).toBe(text));

test("bytes come in powers of 1024", () => {
  expect(formatBytes(512)).toBe("512 B");
  expect(formatBytes(1536)).toBe("1.5 KiB");
  expect(formatBytes(48_123_904)).toBe("45.9 MiB");
});

test("small rates keep a decimal", () => {
  expect(formatRate(0.5)).toBe("0.5");
  expect(formatRate(1200)).toBe("1,200");
});

test("one is singular", () => {
  expect(plural(1, "monitor")).toBe("1 monitor");
  expect(plural(0, "monitor")).toBe("0 monitors");
});
