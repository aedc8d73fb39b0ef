import { expect, test } from "vitest";
import type { CheckedEvent } from "../src/api/live";
import type { Monitor } from "../src/api/types";
import { documentOf, draftOf, freshDraft, isSame, nameFrom, withType } from "../src/features/editor/draft";
import { toBands, toPoints } from "../src/features/monitor/chart-data";
import { mergeChecks, RECENT_LIMIT } from "../src/features/monitors/merge";

const AT = "2026-03-29T01:00:00.000Z";
const LATER = "2026-03-29T01:01:00.000Z";

const DEFAULTS = { interval: 60, timeout: 10, failure_threshold: 3, success_threshold: 1 };

function monitor(changes: Partial<Monitor> = {}): Monitor {
  return {
    ...freshDraft(DEFAULTS),
    assertions: [],
    escalation_policy_id: null,
    regions: [],
    id: 1,
    name: "Shop",
    target: "https://shop.example.org",
    status: "up",
    confirming: false,
    suppressed_by: [],
    status_since: AT,
    last_message: "",
    stale: false,
    last_check_at: AT,
    last_response_ms: 40,
    uptime: { "24h": 100, "7d": null, "30d": null, "90d": null },
    cert_expires_at: null,
    created_at: AT,
    updated_at: AT,
    recent: [{ at: AT, status: "up", response_ms: 40 }],
    ...changes,
  };
}

const event = (changes: Partial<CheckedEvent> = {}): CheckedEvent => ({
  id: 1,
  status: "down",
  last_check_at: LATER,
  last_response_ms: null,
  confirming: true,
  ...changes,
});

test("a check that comes in is added to the sparkline", () => {
  const [merged] = mergeChecks([monitor()], [event()]);
  expect(merged?.recent).toHaveLength(2);
  expect(merged?.recent?.at(-1)).toEqual({ at: LATER, status: "down", response_ms: null });
  expect(merged?.confirming).toBe(true);
});

test("the confirmed status is not touched by a single check", () => {
  expect(mergeChecks([monitor()], [event()])[0]?.status).toBe("up");
});

test("an event that is older than the list changes nothing", () => {
  const [merged] = mergeChecks([monitor({ last_check_at: LATER })], [event()]);
  expect(merged?.recent).toHaveLength(1);
});

test("a sparkline keeps its length", () => {
  const recent = Array.from({ length: RECENT_LIMIT }, () => ({ at: AT, status: "up" as const, response_ms: 1 }));
  expect(mergeChecks([monitor({ recent })], [event()])[0]?.recent).toHaveLength(RECENT_LIMIT);
});

test("events of other monitors leave the very same list", () => {
  const list = [monitor()];
  expect(mergeChecks(list, [event({ id: 99 })])).toBe(list);
});

test("a replacement keeps what the form does not show", () => {
  const stored = { ...monitor(), regions: ["local"] };
  const sent = documentOf({ ...draftOf(stored, []), name: "New" }, stored, []);
  expect(sent).toMatchObject({ name: "New", regions: ["local"], assertions: [] });
});

test("a draft that was changed back is not changed", () => {
  const start = draftOf(monitor(), []);
  expect(isSame(start, { ...start, name: "x" })).toBe(false);
  expect(isSame(start, { ...start, name: start.name })).toBe(true);
});

test("each type keeps the settings that were typed for it", () => {
  const draft = { ...freshDraft(DEFAULTS), settings: { method: "HEAD" } };
  const tcp = withType(draft, "tcp", { http: draft.settings });
  expect(tcp.settings).toEqual({});
  expect(withType(tcp, "http", { http: draft.settings }).settings).toEqual({ method: "HEAD" });
});

test.each([
  ["https://example.org/health/", "example.org/health"],
  ["db.example.org:5432", "db.example.org:5432"],
  ["http://", ""],
])("%s suggests the name %s", (target, name) => expect(nameFrom(target)).toBe(name));

test("a step with failures says how many", () => {
  const point = { at: AT, avg_ms: 5, min_ms: 4, max_ms: 6, up: 3, degraded: 0, down: 2 };
  const points = toPoints({ window: "1h", from: AT, to: LATER, bucket_seconds: 60, points: [point] });
  expect(points[0]?.note).toBe("2 of 5 checks failed");
});

test("only what was not up becomes a band", () => {
  const bands = toBands([
    { status: "up", from: AT, to: LATER },
    { status: "down", from: LATER, to: LATER },
    { status: "paused", from: LATER, to: LATER },
  ]);
  expect(bands.map((band) => band.kind)).toEqual(["down", "unknown"]);
});
