import { render } from "preact";
import { useState } from "preact/hooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ScheduleFields } from "../src/features/editor/schedule";

const root = document.createElement("div");
document.body.append(root);
let asked: string[] = [];
let answer: () => Response;

const json = (status: number, document: unknown) => new Response(JSON.stringify(document), { status });
const TOLD = { in_words: "At 03:00", times: ["2026-03-29T01:00:00.000Z"] };
const WRONG = { error: "the query can't be read", code: "bad_query", fields: { schedule: "must have five fields" } };

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answer = () => json(200, TOLD);
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(new URL(url, "http://asura").searchParams.get("schedule") ?? "");
    return answer();
  });
});

afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function Form({ sent = {} }: { sent?: Record<string, string> }) {
  const [settings, set] = useState({ schedule: "0 3 * * *", timezone: "Europe/Berlin" });
  return <ScheduleFields {...settings} errors={sent} onChange={(next) => set({ ...settings, ...next })} />;
}

const settle = () => vi.advanceTimersByTimeAsync(1000);

function field(): HTMLInputElement {
  const found = root.querySelector<HTMLInputElement>("input[required]");
  if (!found) throw new Error("There is no field for the schedule.");
  return found;
}

async function type(text: string): Promise<void> {
  const input = field();
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await vi.advanceTimersByTimeAsync(50);
}

test("a schedule is read out in its own time zone", async () => {
  render(<Form />, root);
  await settle();
  expect(root.textContent).toContain("At 03:00");
  expect(root.querySelector("li")?.textContent).toContain("03:00");
});

test("what is typed is asked for once, when the typing pauses", async () => {
  render(<Form />, root);
  await settle();
  for (const text of ["1", "15", "15 4 * * *"]) await type(text);
  expect(root.textContent).toContain("At 03:00");
  await settle();
  expect(asked).toEqual(["0 3 * * *", "15 4 * * *"]);
});

test("what is wrong stands at the field, and goes when it is mended", async () => {
  answer = () => json(400, WRONG);
  render(<Form />, root);
  await settle();
  expect(field().getAttribute("aria-invalid")).toBe("true");
  expect(root.textContent).toContain("Cron schedule must have five fields");
  answer = () => json(200, TOLD);
  await type("15 4 * * *");
  await settle();
  expect(field().getAttribute("aria-invalid")).toBeNull();
});

test("what was wrong when it was sent goes once the schedule is read out", async () => {
  answer = () => json(400, WRONG);
  render(<Form sent={{ "settings.schedule": "must not be empty" }} />, root);
  expect(field().getAttribute("aria-invalid")).toBe("true");
  answer = () => json(200, TOLD);
  await settle();
  expect(field().getAttribute("aria-invalid")).toBeNull();
});

test("a failure that is no fault of the schedule can be tried again", async () => {
  answer = () => json(429, { error: "too many requests", code: "rate_limited" });
  render(<Form />, root);
  await settle();
  expect(field().getAttribute("aria-invalid")).toBeNull();
  expect(root.textContent).toContain("Too many requests");
  answer = () => json(200, TOLD);
  const again = [...root.querySelectorAll("button")].find((one) => one.textContent === "Try again");
  again?.click();
  await settle();
  expect(root.textContent).toContain("At 03:00");
});

test("an empty schedule asks nothing", async () => {
  render(<Form />, root);
  await settle();
  await type(" ");
  await settle();
  expect(asked).toEqual(["0 3 * * *"]);
  expect(root.textContent).not.toContain("At 03:00");
});
