import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startLive } from "../src/state/live";

class FakeSource extends EventTarget {
  static open = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor() {
    super();
    FakeSource.open += 1;
  }
  private isOpen = true;
  close(): void {
    if (this.isOpen) FakeSource.open -= 1;
    this.isOpen = false;
  }
}

let isHidden = false;
const show = (hidden: boolean) => {
  isHidden = hidden;
  document.dispatchEvent(new Event("visibilitychange"));
};

beforeEach(() => {
  FakeSource.open = 0;
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeSource);
  vi.stubGlobal("fetch", () => Promise.resolve(new Response('{"monitors":{},"incidents":{}}', { status: 200 })));
  vi.spyOn(document, "hidden", "get").mockImplementation(() => isHidden);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("a tab that nobody sees gives its stream back, and takes it again when it is seen", () => {
  const stop = startLive();
  expect(FakeSource.open).toBe(1);
  show(true);
  vi.advanceTimersByTime(59_000);
  expect(FakeSource.open).toBe(1);
  vi.advanceTimersByTime(2_000);
  expect(FakeSource.open).toBe(0);
  show(false);
  expect(FakeSource.open).toBe(1);
  stop();
  expect(FakeSource.open).toBe(0);
});

test("a glance at another tab costs nothing", () => {
  const stop = startLive();
  show(true);
  vi.advanceTimersByTime(10_000);
  show(false);
  vi.advanceTimersByTime(120_000);
  expect(FakeSource.open).toBe(1);
  stop();
});
