import { render } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import { type Query, useQuery } from "../src/lib/query";

const root = document.createElement("div");
afterEach(() => {
  render(null, root);
  vi.useRealTimers();
});

interface Request {
  signal: AbortSignal;
  answer: (text: string) => void;
  fail: (error: Error) => void;
}

let requests: Request[] = [];
let query: Query<string>;

function Page({ name }: { name: string }) {
  query = useQuery(name, (signal) => new Promise<string>((answer, fail) => requests.push({ signal, answer, fail })));
  return <p>{query.data ?? query.error?.message ?? "loading"}</p>;
}

async function shown(name: string): Promise<void> {
  vi.useFakeTimers();
  requests = [];
  render(<Page name={name} />, root);
  await settle();
}

const settle = () => vi.advanceTimersByTimeAsync(100);

test("events that come faster than answers don't keep the page from loading", async () => {
  await shown("fast");
  for (let event = 0; event < 3; event += 1) {
    query.reload();
    await settle();
  }
  expect(requests.map((one) => one.signal.aborted)).toEqual([false]);
  requests[0]?.answer("first");
  await settle();
  expect(root.textContent).toBe("first");
  // What happened meanwhile is asked for once.
  expect(requests).toHaveLength(2);
  requests[1]?.answer("second");
  await settle();
  expect(root.textContent).toBe("second");
  expect(requests).toHaveLength(2);
});

test("a failure is followed by what was asked for meanwhile", async () => {
  await shown("failing");
  query.reload();
  requests[0]?.fail(new Error("away"));
  await settle();
  expect(requests).toHaveLength(2);
});

test("a request that hangs is given up for the next", async () => {
  await shown("hanging");
  await vi.advanceTimersByTimeAsync(11_000);
  query.reload();
  await settle();
  expect(requests.map((one) => one.signal.aborted)).toEqual([true, false]);
});

test("another key is asked for at once, and the old answer is not shown", async () => {
  await shown("one");
  query.reload();
  render(<Page name="two" />, root);
  await settle();
  expect(requests.map((one) => one.signal.aborted)).toEqual([true, false]);
  requests[1]?.answer("of two");
  await settle();
  expect(root.textContent).toBe("of two");
  expect(requests).toHaveLength(2);
});
