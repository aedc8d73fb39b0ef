import { expect, test } from "vitest";
import type { CheckedEvent } from "../src/api/live";
import type { ChartPoint, Heartbeat, Monitor, TypeSpec } from "../src/api/types";
import {
  type Draft,
  documentOf,
  draftOf,
  freshDraft,
  isSame,
  isScheduleMissing,
  nameFrom,
  withType,
} from "../src/features/editor/draft";
import { toBands, toPoints } from "../src/features/monitor/chart-data";
import { firstWindow } from "../src/features/monitor/response-times";
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
    heartbeat: null,
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

const type = (name: string) => ({ name, is_passive: name === "heartbeat" }) as TypeSpec;
const TYPES = { assertions: [], monitors: ["http", "tcp", "heartbeat"].map(type) };

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
  const sent = documentOf({ ...draftOf(stored, []), name: "New" }, stored, TYPES);
  expect(sent).toMatchObject({ name: "New", regions: ["local"], assertions: [] });
});

test("a draft that was changed back is not changed", () => {
  const start = draftOf(monitor(), []);
  expect(isSame(start, { ...start, name: "x" })).toBe(false);
  expect(isSame(start, { ...start, name: start.name })).toBe(true);
});

test("each type keeps the settings that were typed for it", () => {
  const draft = { ...freshDraft(DEFAULTS), settings: { method: "HEAD" } };
  const tcp = withType(draft, type("tcp"), { http: draft }, DEFAULTS);
  expect(tcp.settings).toEqual({});
  expect(withType(tcp, type("http"), { http: draft }, DEFAULTS).settings).toEqual({ method: "HEAD" });
});

test("a heartbeat begins with a day, and what is asked goes back to its own interval", () => {
  const draft = { ...freshDraft(DEFAULTS), interval: 30 };
  const heartbeat = withType(draft, type("heartbeat"), { http: draft }, DEFAULTS);
  expect(heartbeat).toMatchObject({ interval: 86_400, settings: { grace: 3600 } });
  expect(withType(heartbeat, type("http"), { http: draft }, DEFAULTS).interval).toBe(30);
});

test("a heartbeat is sent without what only an answer can have", () => {
  const draft: Draft = { ...freshDraft(DEFAULTS), type: "heartbeat", upside_down: true, track_changes: true };
  const [group] = draft.assertions.groups;
  group?.conditions.push({ key: 1, type: "status_code", target: "", operator: "eq", text: "200", degraded: false });
  expect(documentOf(draft, null, TYPES)).toMatchObject({ assertions: [], upside_down: false, track_changes: false });
});

test.each([
  [{}, false],
  [{ schedule: "0 3 * * *" }, false],
  [{ schedule: " " }, true],
])("of the settings %j a schedule is missing: %s", (settings, isMissing) =>
  expect(isScheduleMissing({ settings })).toBe(isMissing),
);

test("a stored heartbeat with an empty schedule is one with a period", () => {
  const stored = monitor({ type: "heartbeat", settings: { schedule: "", grace: 60 } });
  expect(draftOf(stored, []).settings).toEqual({ grace: 60 });
});

test.each([
  ["https://example.org/health/", "example.org/health"],
  ["db.example.org:5432", "db.example.org:5432"],
  ["http://", ""],
])("%s suggests the name %s", (target, name) => expect(nameFrom(target)).toBe(name));

function noteOf(counted: Partial<ChartPoint>, noun?: string): string | undefined {
  const point = { at: AT, avg_ms: 5, min_ms: 4, max_ms: 6, up: 0, degraded: 0, down: 0, uptime_pct: null, ...counted };
  return toPoints({ window: "1h", from: AT, to: LATER, bucket_seconds: 60, points: [point] }, noun)[0]?.note;
}

test("a step with failures says how many", () => {
  expect(noteOf({ up: 3, down: 2 })).toBe("2 of 5 checks failed");
  expect(noteOf({ up: 3, down: 2 }, "report")).toBe("2 of 5 reports failed");
});

test("a step that was not up all the time says how much of it", () => {
  expect(noteOf({ up: 5, uptime_pct: 100 })).toBe("");
  expect(noteOf({ up: 4, down: 1, uptime_pct: 99.9996 })).toBe("1 of 5 checks failed, up 99.999 % of the time");
});

const beat: Heartbeat = {
  token: null,
  ping_url: null,
  grace: 60,
  schedule: "",
  timezone: "UTC",
  last_ping_at: AT,
  last_duration_ms: null,
  status: "up",
  next_expected_at: null,
  deadline_at: null,
  runs: [],
  old_token_until: null,
};

test.each([
  [60, "", "1h"],
  [300, "", "6h"],
  [3600, "", "7d"],
  [86_400, "", "30d"],
  [31_536_000, "", "365d"],
  [60, "0 3 * * *", "7d"],
])("a heartbeat of every %i s, schedule %j, begins with the window %s", (interval, schedule, window) =>
  expect(firstWindow(monitor({ interval, heartbeat: { ...beat, schedule } }))).toBe(window),
);

test("only what was not up becomes a band", () => {
  const bands = toBands([
    { status: "up", from: AT, to: LATER },
    { status: "down", from: LATER, to: LATER },
    { status: "paused", from: LATER, to: LATER },
  ]);
  expect(bands.map((band) => band.kind)).toEqual(["down", "unknown"]);
});
