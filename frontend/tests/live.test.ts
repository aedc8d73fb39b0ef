import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openStream } from "../src/api/live";

class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  isClosed = false;
  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }
  close(): void {
    this.isClosed = true;
  }
}

const newest = (): FakeSource => {
  const source = FakeSource.all.at(-1);
  if (!source) throw new Error("No stream was opened.");
  return source;
};

beforeEach(() => {
  FakeSource.all = [];
  vi.stubGlobal("EventSource", FakeSource);
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start() {
  const onEvent = vi.fn();
  const onState = vi.fn();
  return { onEvent, onState, stream: openStream({ onEvent, onState, random: () => 1 }) };
}

test("named events arrive with their documents", () => {
  const { onEvent } = start();
  newest().dispatchEvent(new MessageEvent("monitor", { data: '{"id":3}' }));
  expect(onEvent).toHaveBeenCalledWith("monitor", { id: 3 });
});

test("the first opening is quiet, a later one says that something may have been missed", () => {
  const { onEvent, onState } = start();
  newest().onopen?.();
  expect(onEvent).not.toHaveBeenCalled();
  newest().onerror?.();
  expect(onState).toHaveBeenLastCalledWith(false);
  vi.advanceTimersByTime(1000);
  newest().onopen?.();
  expect(onEvent).toHaveBeenCalledWith("reset", null);
  expect(onState).toHaveBeenLastCalledWith(true);
});

test("each failure waits longer, up to half a minute", () => {
  start();
  const waits: number[] = [];
  for (let turn = 0; turn < 8; turn += 1) {
    const opened = FakeSource.all.length;
    newest().onerror?.();
    let waited = 0;
    while (FakeSource.all.length === opened) {
      vi.advanceTimersByTime(500);
      waited += 500;
    }
    waits.push(waited);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test("a closed stream stays closed", () => {
  const { stream } = start();
  newest().onerror?.();
  stream.close();
  vi.advanceTimersByTime(120_000);
  expect(FakeSource.all).toHaveLength(1);
});

test("somebody who comes back does not wait for the delay", () => {
  const { stream } = start();
  newest().onerror?.();
  stream.hurry();
  expect(FakeSource.all).toHaveLength(2);
});

test("an event that can't be read is told to the console and nothing else happens", () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const { onEvent } = start();
  newest().dispatchEvent(new MessageEvent("checks", { data: "{broken" }));
  expect(onEvent).not.toHaveBeenCalled();
  expect(told).toHaveBeenCalledOnce();
});
