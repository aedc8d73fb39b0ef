import { render } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import type { Run } from "../src/api/types";
import { downAt, nextPing } from "../src/features/monitor/heartbeat";
import { tellingLine } from "../src/features/monitor/pings";
import { isLocalOnly } from "../src/features/monitor/reach";
import { byUrgency, isOverdue } from "../src/features/monitor/runs";
import { formatInZone, formatRough, formatRun } from "../src/lib/format";
import { spanTicks } from "../src/lib/scale";
import { CopyButton } from "../src/ui/copy-button";
import { DurationField, inWords, unitOf } from "../src/ui/duration-field";

const root = document.createElement("div");
document.body.append(root);
afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
});

const AT = Date.parse("2026-03-29T01:00:00.000Z");
const iso = (later: number) => new Date(AT + later).toISOString();
const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

function find<T extends Element>(selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`There is no ${selector}.`);
  return found;
}

test.each([
  [null, "–"],
  [iso(90_000), "in 1 min 30 s"],
  [iso(0), "just now"],
  [iso(-200_000), "3 min 20 s late"],
])("a ping that is expected at %s is %s", (next, words) => expect(nextPing(next, AT).number).toBe(words));

test.each([
  ["up", iso(90_000), "in 1 min 30 s", "down if silent until"],
  ["up", null, "–", "no deadline"],
  ["down", null, "down", "until the job reports a success"],
] as const)("of a job that is %s with the deadline %s it is told: %s, %s", (status, deadline, number, words) => {
  expect(downAt({ status }, deadline, AT)).toEqual({ number, words: expect.stringContaining(words) });
});

const run = (rid: string, deadline_at: string | null): Run => ({ rid, started_at: iso(-60_000), deadline_at });

test.each([
  ["before its deadline", iso(1), false],
  ["at its deadline", iso(0), false],
  ["after its deadline", iso(-1), true],
  ["that was told as overdue", null, true],
])("a run %s is overdue: %s, %s", (_, deadline, isLate) => expect(isOverdue(run("a", deadline), AT)).toBe(isLate));

test.each([
  ["http://127.0.0.1:8080/api/v1/heartbeat/x", true],
  ["https://localhost/api/v1/heartbeat/x", true],
  ["http://asura.localhost:8080/x", true],
  ["http://[::1]:8080/x", true],
  ["http://0.0.0.0:8080/x", true],
  ["http://[::]:8080/x", true],
  ["http://:8080/x", true],
  ["https://asura.example.org/x", false],
  ["http://192.168.1.127:8080/x", false],
  ["http://127.example.org/x", false],
  ["http://[fd00::1]/x", false],
])("the URL %s leads to one's own machine only: %s", (url, isLocal) => expect(isLocalOnly(url)).toBe(isLocal));

test("overdue runs come first, then those that must end soonest", () => {
  const runs = [run("later", iso(9000)), run("told", null), run("soon", iso(1000))];
  expect(byUrgency(runs).map((one) => one.rid)).toEqual(["told", "soon", "later"]);
});

test.each([
  ["one\ntwo\n\n", false, "two"],
  ["one\r\ntwo\r\nthr", true, "one"],
  ["\n \n", false, ""],
])("of the body %j, cut: %s, the line %j says most", (body, isCut, line) =>
  expect(tellingLine(body, isCut)).toBe(line),
);

test.each([
  [null, "–"],
  [0, "0 ms"],
  [43, "43 ms"],
  [59_900, "59.9 s"],
  [60_000, "1 min"],
  [12_000_000, "3 h 20 min"],
])("a run of %s ms took %s", (ms, words) => expect(formatRun(ms)).toBe(words));

test.each([
  [59, "59 s"],
  [3599, "59 min"],
  [64_800, "18 h"],
  [-5, "0 s"],
])("%i seconds are roughly %s", (seconds, words) => expect(formatRough(seconds)).toBe(words));

test.each([
  [400, [0, 100, 200, 300, 400]],
  [9000, [0, 5000, 10_000]],
  [100_000, [0, 30_000, 60_000, 90_000, 120_000]],
  [7_000_000, [0, 1_800_000, 3_600_000, 5_400_000, 7_200_000]],
  [86_400_000 * 10, [0, 432_000_000, 864_000_000]],
])("run times up to %i ms have ticks on round spans", (top, ticks) => expect(spanTicks(top, 4)).toEqual(ticks));

test("a time is shown in the zone of the schedule, and in the browser's where that is unknown", () => {
  expect(formatInZone(iso(0), "Europe/Berlin")).toContain("03:00");
  expect(formatInZone(iso(0), "America/New_York")).toContain("21:00");
  expect(formatInZone(iso(0), "Mars/Olympus")).toContain("2026");
});

test.each([
  [null, 60],
  [0, 60],
  [45, 1],
  [300, 60],
  [5400, 60],
  [7200, 3600],
  [86_400, 86_400],
  [604_800, 86_400],
])("%s seconds are written in units of %i s", (seconds, unit) => expect(unitOf(seconds)).toBe(unit));

test.each([
  ["must be between 1 and 31622400 seconds", "must be between 1 and 366 d"],
  ["must be below max_runtime, which is 1800 s", "must be below max_runtime, which is 30 min"],
  ["must be at least 5 seconds", "must be at least 5 seconds"],
])("%s is said as: %s", (error, words) => expect(inWords(error)).toBe(words));

function type(input: HTMLInputElement, text: string): void {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

test("a span is typed as a number and a unit, and empty is nothing", async () => {
  const change = vi.fn();
  render(<DurationField label="Grace" value={3600} onChange={change} />, root);
  const input = find<HTMLInputElement>("input");
  expect(input.value).toBe("1");
  type(input, "1.5");
  expect(change).toHaveBeenLastCalledWith(5400);
  type(input, "");
  expect(change).toHaveBeenLastCalledWith(null);
  const select = find<HTMLSelectElement>("select");
  select.value = "86400";
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await tick();
  expect(change).toHaveBeenLastCalledWith(86_400);
});

test("what was copied is said, to the ear too", async () => {
  const writeText = vi.fn(async () => {});
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  render(<CopyButton text="https://example.org/x" what="the ping URL" />, root);
  find<HTMLButtonElement>("button").click();
  await tick();
  await tick();
  expect(writeText).toHaveBeenCalledWith("https://example.org/x");
  expect(find("button").textContent).toBe("Copied");
  expect(find("[role=status]").textContent).toBe("Copied the ping URL.");
});

test("over plain http, where there is no clipboard, the text is selected and copied", async () => {
  const copied: string[] = [];
  vi.stubGlobal("navigator", {});
  document.execCommand = () => {
    const box = root.querySelector("textarea");
    copied.push(box?.value ?? "");
    return box !== null;
  };
  render(<CopyButton text="https://example.org/x" what="the ping URL" />, root);
  const button = find<HTMLButtonElement>("button");
  button.focus();
  button.click();
  await tick();
  await tick();
  expect(copied).toEqual(["https://example.org/x"]);
  expect(root.querySelector("textarea")).toBeNull();
  expect(document.activeElement).toBe(button);
  expect(find("button").textContent).toBe("Copied");
});
