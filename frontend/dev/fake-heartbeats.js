// Made-up heartbeats in every state, what they reported, and what the daemon says of schedules.

import { pageOf } from "./fake-history.js";
import { iso } from "./fake-world.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TOKEN = "Hk3vT9_qLw-2ZxB7mNcR4sYpD8fJ1gAe";

const BASE = "http://127.0.0.1:8090/api/v1/heartbeat/";

export const freshToken = () =>
  TOKEN.split("")
    .toSorted(() => Math.random() - 0.5)
    .join("");

export function heartbeatOf(token, changes = {}) {
  return {
    token,
    ping_url: BASE + token,
    grace: 3600,
    schedule: "",
    timezone: "UTC",
    last_ping_at: null,
    last_duration_ms: null,
    status: "pending",
    next_expected_at: null,
    deadline_at: null,
    runs: [],
    old_token_until: null,
    ...changes,
  };
}

const LONG_NAME = "Nightly export of everything that the customers of the western region have ordered to the archive";

// What is special about each: name, status, since when, its message, and what is known of the heartbeat.
const STATES = (now) => [
  [
    "Nightly backup",
    "up",
    now - 9 * DAY,
    "",
    { schedule: "0 3 * * *", timezone: "Europe/Berlin", last: 5 * HOUR, next: 19 * HOUR, run: 754_000 },
  ],
  ["New job", "pending", now - 2 * MINUTE, "", {}],
  [
    "Certificate renewal",
    "down",
    now - 3 * HOUR,
    `no ping since ${iso(now - 28 * HOUR)}: expected every 1 d, 1 h of grace`,
    { last: 28 * HOUR, next: -4 * HOUR, isDown: true, run: 41_000 },
  ],
  [
    "Report mailer",
    "down",
    now - 21 * MINUTE,
    "the job reported exit status 3: disk full",
    { last: 21 * MINUTE, next: 39 * MINUTE, isDown: true, run: 2300, interval: 3600 },
  ],
  ["Queue worker", "up", now - 40 * DAY, "", { last: 12_000, next: 48_000, interval: 60, grace: 120, run: null }],
  [
    "Search index",
    "up",
    now - 2 * DAY,
    "",
    { last: 3 * MINUTE, next: -2 * MINUTE, interval: 300, grace: 600, run: 187_000, runs: 7 },
  ],
  ["Old crawler", "paused", now - 12 * DAY, "", { last: 12 * DAY, next: -11 * DAY, run: 8_100_000 }],
  [
    LONG_NAME.slice(0, 90),
    "up",
    now - DAY,
    "",
    {
      schedule: "*/15 8-18 * * MON-FRI",
      timezone: "America/Argentina/ComodRivadavia",
      last: 9 * MINUTE,
      next: 6 * MINUTE,
      run: 92_000,
      rotated: true,
    },
  ],
];

/** The heartbeats, numbered from `first`; who may not write sees no token. */
export function makeHeartbeats(first, now, blank, isWriter) {
  return STATES(now).map(([name, status, since, message, told], index) => {
    const isHeard = told.last !== undefined;
    const at = told.last === undefined ? null : now - told.last;
    const grace = told.grace ?? 3600;
    const next = told.next === undefined ? null : now + told.next;
    const settings = { grace, ...(told.schedule ? { schedule: told.schedule, timezone: told.timezone } : {}) };
    return {
      ...blank,
      id: first + index,
      name,
      type: "heartbeat",
      target: index % 3 === 0 ? "db1: /etc/cron.d/backup" : "",
      interval: told.interval ?? 86_400,
      enabled: status !== "paused",
      settings:
        index === 5
          ? {
              ...settings,
              max_runtime: 1800,
              min_runtime: 10,
              failure_keywords: ["ERROR", "Traceback (most recent call last)"],
            }
          : settings,
      status,
      status_since: iso(since),
      last_message: message,
      last_check_at: at && iso(at),
      last_response_ms: told.run ?? null,
      uptime: isHeard ? blank.uptime : { "24h": null, "7d": null, "30d": null, "90d": null },
      recent: isHeard
        ? blank.recent.map((one) => ({
            ...one,
            status: one.status === "degraded" ? "up" : one.status,
            response_ms: told.run ? one.response_ms : null,
          }))
        : [],
      assertions: [],
      track_changes: false,
      confirming: false,
      cert_expires_at: null,
      created_at: iso(isHeard ? now - 80 * DAY : since),
      heartbeat: heartbeatOf(TOKEN, {
        ...(isWriter ? {} : { token: null, ping_url: null }),
        grace,
        schedule: told.schedule ?? "",
        timezone: told.timezone ?? "UTC",
        last_ping_at: at && iso(at),
        last_duration_ms: told.run ?? null,
        status: isHeard ? (told.isDown ? "down" : "up") : "pending",
        next_expected_at: next && iso(next),
        deadline_at: next && !told.isDown && status !== "paused" ? iso(next + grace * 1000) : null,
        old_token_until: told.rotated ? iso(now + 22 * HOUR) : null,
        runs: Array.from({ length: told.runs ?? 0 }, (_, run) => ({
          rid: run === 6 ? null : `0190a3c4-7d1e-7b3f-9c2a-5e8f00d1c2${10 + run}`,
          started_at: iso(now - (run + 1) * 7 * MINUTE),
          deadline_at: run > 4 ? null : iso(now + (5 - run) * 7 * MINUTE),
        })),
      }),
    };
  });
}

const LOG = Array.from(
  { length: 180 },
  (_, line) =>
    `2026-03-29T03:${10 + (line % 50)}:07Z dumped table customers_${line} in ${line * 3} ms, no problem there`,
).join("\n");
const BODIES = {
  success: [null, "1,284 files, 3.1 GiB", LOG.slice(0, 10_000), `${"x".repeat(9000)}`],
  fail: [
    'Traceback (most recent call last):\n  File "/opt/backup/run.py", line 17, in <module>\n    main()\nOSError: [Errno 28] No space left on device',
  ],
  log: ["half way: 640 of 1,284 files"],
  start: [null],
  ignored: ["dry run"],
};
const KINDS = ["start", "success", "start", "log", "success", "start", "fail", "success", "ignored", "success"];

export function pingsOf(monitor, query) {
  const { last_ping_at: last } = monitor.heartbeat ?? {};
  const rows = Array.from({ length: last ? 500 : 0 }, (_, index) => {
    const kind = index === 0 && monitor.status === "down" ? "fail" : KINDS[(index + 1) % KINDS.length];
    const isEnd = kind === "success" || kind === "fail";
    const bodies = BODIES[kind];
    const body = bodies[index % bodies.length];
    return {
      id: 500 - index,
      kind,
      at: iso(Date.parse(last) - index * Math.min(monitor.interval * 500, HOUR)),
      exit_status: kind === "fail" ? 3 : isEnd && index % 2 ? 0 : null,
      rid: index % 3 ? `0190a3c4-7d1e-7b3f-9c2a-5e8f00d1${1000 + Math.floor(index / 2)}` : null,
      duration_ms:
        isEnd && monitor.heartbeat.last_duration_ms ? monitor.heartbeat.last_duration_ms + index * 971 : null,
      method: body ? "POST" : "GET",
      remote_addr: index % 4 ? "192.0.2.44" : "2001:db8:85a3:8d3:1319:8a2e:370:7348",
      user_agent:
        index % 4 ? "curl/7.88.1" : "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.22621.2506",
      body,
      body_truncated: body?.length === 10_000,
    };
  });
  return pageOf(
    rows.filter((row) => !query.get("kind") || row.kind === query.get("kind")),
    query,
  );
}

/** The whole of one ping. */
export function pingOf(monitor, id) {
  const found = pingsOf(monitor, new URLSearchParams({ per_page: "500" })).data.find((one) => one.id === id);
  return found && { ...found, body: found.body_truncated ? LOG : found.body, body_truncated: false };
}

/** What a schedule means, or what is wrong with it by field. */
export function scheduleOf(query) {
  const fields = {};
  const parts = (query.get("schedule") ?? "").trim().split(/\s+/);
  if (parts.length !== 5) fields.schedule = `must have five fields, not ${parts.length}`;
  else if (/[^\d*/,\-A-Za-z]/.test(parts.join("")))
    fields.schedule = "must have numbers, names, * , - and / in its fields";
  if (!/^(UTC|[A-Z]\w+\/[\w/]+)$/.test(query.get("timezone") ?? ""))
    fields.timezone = "must be a time zone such as Europe/Berlin";
  if (Object.keys(fields).length) return { fields };
  const first = Math.ceil(Date.now() / DAY) * DAY + 3 * HOUR;
  return { in_words: "At 03:00", times: Array.from({ length: 5 }, (_, day) => iso(first + day * DAY)) };
}
