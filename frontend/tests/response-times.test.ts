import { afterEach, expect, test, vi } from "vitest";
import { look } from "../src/features/monitor/response-times";

afterEach(() => vi.unstubAllGlobals());

const CHART = { from: "2026-03-29T01:00:00.000Z", to: "2027-03-29T01:00:00.000Z", points: [] };

/** Every request is answered, but the one for the timeline with `refusal`. */
function refuseTimeline(refusal: object): void {
  vi.stubGlobal("fetch", (url: string) =>
    Promise.resolve(
      String(url).includes("/timeline")
        ? new Response(JSON.stringify({ error: "no", code: "bad_query", ...refusal }), { status: 400 })
        : new Response(JSON.stringify(CHART), { status: 200 }),
    ),
  );
}

test("a monitor that changed too often to be told still has its chart", async () => {
  refuseTimeline({ fields: { from: "must be later: there are more than 10000 changes in this span" } });
  const sight = await look(1, "365d", new AbortController().signal);
  expect(sight.spans).toEqual([]);
  expect(sight.chart).toEqual(CHART);
});

test("whatever else is refused is told", async () => {
  refuseTimeline({});
  await expect(look(1, "365d", new AbortController().signal)).rejects.toThrow("No.");
});
