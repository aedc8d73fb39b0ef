// What the fake daemon says of one monitor's past: checks, charts, changes, certificates; and of a check by hand.

import { TYPES } from "./fake-types.js";
import { iso, timings } from "./fake-world.js";

const MINUTE = 60_000;

export function pageOf(rows, query) {
  const per_page = Number(query.get("per_page") ?? 20);
  const page = Number(query.get("page") ?? 1);
  const before = query.get("before");
  const rest = before ? rows.filter((row) => row.id < Number(before)) : rows;
  const data = rest.slice((page - 1) * per_page, page * per_page);
  return { data, total: rows.length, page, per_page, total_pages: Math.ceil(rows.length / per_page) };
}

const NOTHING_MORE = { cert_expires_at: null, dns_records: null, detail: {}, notes: [], assertions: [] };

function assertedOf(assertions, isBad) {
  const conditions = Array.isArray(assertions) ? assertions : assertions.groups.flatMap((one) => one.conditions);
  return conditions.map((one, index) => {
    const subject = TYPES.assertions.find((each) => each.type === one.type);
    const operator = subject.operators.find((each) => each.name === one.operator);
    const value = one.value === undefined ? "" : ` ${JSON.stringify(one.value)}`;
    const ok = index % 2 === 0 && !isBad;
    return {
      type: one.type,
      target: one.target ?? null,
      operator: one.operator,
      value: one.value ?? null,
      degraded: one.degraded ?? false,
      ok,
      expected: `${{ eq: "", lt: "less than", exists: "to exist" }[one.operator] ?? operator.label}${value}`.trim(),
      seen: ok ? "200" : '"degraded: the primary database answers slowly"',
    };
  });
}

const DIFF = `@@ -1,7 +1,8 @@
 {
   "status": "ok",
-  "version": "2026.11.3",
+  "version": "2026.11.4",
+  "build": "a41f0c9",
   "regions": [
     "eu-west",
     "us-east"
@@ -31,4 +32,4 @@
   "contact": "ops@example.org",
-  "notice": ""
+  "notice": "Scheduled maintenance of the primary database on Saturday from 02:00 to 04:00 UTC; reads go on, writes are queued."
 }
\\ the rest is left out`;

export function changesOf(monitor, query) {
  const rows = Array.from({ length: monitor.id % 2 ? 23 : 0 }, (_, index) => ({
    id: 23 - index,
    monitor_id: monitor.id,
    region: "local",
    at: iso(Date.now() - (index + 1) * 7_300_000),
    added: index ? 1 : 3,
    removed: index ? 1 : 2,
    is_cut: index === 0,
    told: true,
    diff: index ? "@@ -1,3 +1,3 @@\n <title>Shop</title>\n-<p>Monday</p>\n+<p>Tuesday</p>" : DIFF,
  }));
  return pageOf(rows, query);
}

export function certificatesOf(monitor) {
  if (!monitor.cert_expires_at) return { chain: [], changes: [] };
  const link = (subject, names, issuer, days) => ({
    subject,
    names,
    issuer,
    expires_at: iso(Date.now() + days * 86_400_000),
    days_left: days,
    fingerprint: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  });
  const host = monitor.target.replace(/^https?:\/\//, "").replace(/\/.*/, "");
  return {
    chain: [
      link(host, [host, `www.${host}`], "Example TLS Issuing CA 4", monitor.id % 4 ? 61 : 12),
      { ...link("Example TLS Issuing CA 4", [], "Example Root X1", 640), fingerprint: "ab".repeat(32) },
      { ...link("Example Root X1", [], "Example Root X1", 3100), fingerprint: "cd".repeat(32) },
    ],
    changes: [29, 119].map((days) => ({
      at: iso(Date.now() - 86_400_000 * days),
      old_fingerprint: "77".repeat(32),
      old_issuer: "Example TLS Issuing CA 3",
      old_expires_at: iso(Date.now()),
      new_fingerprint: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      new_issuer: days === 29 ? "Example TLS Issuing CA 4" : "Example TLS Issuing CA 3",
      new_expires_at: iso(Date.now() + 86_400_000 * 61),
    })),
  };
}

export function checksOf(monitor, query) {
  const rows = Array.from({ length: 400 }, (_, index) => {
    const at = Date.parse(monitor.last_check_at ?? iso(Date.now())) - index * MINUTE;
    const isDown = (monitor.status === "down" && index < 20) || index % 97 === 50;
    const ms = 40 + ((index * 37) % 160);
    return {
      id: at * 1000,
      monitor_id: monitor.id,
      region: "local",
      status: isDown ? "down" : "up",
      response_ms: isDown ? null : ms,
      timings: isDown
        ? { dns_ms: 3, connect_ms: 31, tls_ms: null, first_byte_ms: null, transfer_ms: null }
        : timings(ms),
      status_code: isDown ? null : 200,
      message: isDown ? "no answer in 10 s: name found in 3 ms, connected in 31 ms, then silence" : "",
      ...NOTHING_MORE,
      assertions: isDown ? [] : assertedOf(monitor.assertions, index % 29 === 3),
      cert_expires_at: monitor.cert_expires_at,
      checked_at: iso(at),
    };
  });
  return pageOf(
    rows.filter((row) => !query.get("status") || row.status === query.get("status")),
    query,
  );
}

const WINDOWS = {
  "1h": [60, 60],
  "6h": [60, 360],
  "24h": [300, 288],
  "7d": [1800, 336],
  "30d": [7200, 360],
  "90d": [21600, 360],
  "365d": [86400, 365],
};

export function chartOf(monitor, window) {
  const [step, count] = WINDOWS[window] ?? WINDOWS["24h"];
  const to = Date.now();
  const from = to - step * count * 1000;
  const points = Array.from({ length: count }, (_, index) => {
    const usual = monitor.heartbeat?.last_duration_ms ?? 90;
    const wave = (usual / 90) * (90 + 40 * Math.sin(index / 22) + ((index * 7919) % 23));
    const isDown = (monitor.status === "down" && index > count - 12) || (index > 100 && index < 106);
    const isTimed = !monitor.heartbeat || monitor.heartbeat.last_duration_ms !== null;
    const avg = isDown || !isTimed ? null : Math.round(wave);
    return {
      at: iso(from + index * step * 1000),
      avg_ms: avg,
      min_ms: avg === null ? null : Math.round(wave * 0.7),
      max_ms: avg === null ? null : Math.round(wave * 1.5 + (index % 41 === 0 ? 160 : 0)),
      up: isDown ? 0 : 5,
      degraded: 0,
      down: isDown ? 5 : 0,
      uptime_pct: isDown ? 40.125 : 100,
    };
  });
  return { window, from: iso(from), to: iso(to), bucket_seconds: step, points: monitor.last_check_at ? points : [] };
}

export function timelineOf(monitor, query) {
  const from = Date.parse(query.get("from"));
  const to = Date.parse(query.get("to"));
  const at = (share) => iso(from + (to - from) * share);
  const tail =
    monitor.status === "down"
      ? [
          { status: "up", from: at(0.37), to: at(0.96) },
          { status: "down", from: at(0.96), to: iso(to) },
        ]
      : [{ status: "up", from: at(0.37), to: iso(to) }];
  return [{ status: "up", from: iso(from), to: at(0.347) }, { status: "down", from: at(0.347), to: at(0.37) }, ...tail];
}

/** The figures of a monitor; a heartbeat without starts has no run times. */
export function metricsOf(monitor) {
  if (!monitor.heartbeat) return METRICS;
  const ms = monitor.heartbeat.last_duration_ms;
  const times = Object.fromEntries(
    Object.entries(METRICS.response_ms).map(([name, value]) => [
      name,
      ms === null ? null : Math.round((value / 90) * ms),
    ]),
  );
  return { ...METRICS, response_ms: times };
}

const METRICS = {
  uptime_pct: 99.812,
  response_ms: { avg: 96, p50: 88, p95: 141, p99: 288 },
  checks: { total: 1440, up: 1415, degraded: 0, down: 25 },
  by_region: {},
};

function seenOf({ type }) {
  if (type === "dns") return { dns_records: ["192.0.2.10", "192.0.2.11"], detail: { rcode: "NOERROR" } };
  if (type === "icmp") return { detail: { sent: 5, received: 4, loss_percent: 20, jitter_ms: 3 } };
  if (type === "command") return { detail: { exit_status: 0 } };
  return {
    cert_expires_at: iso(Date.now() + 86_400_000 * 61),
    notes: [
      { label: "address", text: "192.0.2.17:443" },
      { label: "TLS", text: "TLSv1.3, TLS_AES_256_GCM_SHA384" },
      { label: "redirect", text: "301 to https://shop.example.org/health/v2" },
      { label: "protocol", text: "HTTP/2" },
    ],
  };
}

export function result(monitor) {
  const isDown = /down|fail/.test(monitor.target ?? "");
  return {
    id: null,
    monitor_id: null,
    region: "local",
    status: isDown ? "down" : "up",
    response_ms: isDown ? null : 87,
    timings: isDown
      ? { dns_ms: 3, connect_ms: null, tls_ms: null, first_byte_ms: null, transfer_ms: null }
      : timings(87),
    status_code: isDown ? null : 200,
    message: isDown ? "connect to 192.0.2.17:443 refused after 3 ms" : "",
    ...NOTHING_MORE,
    ...(isDown ? {} : seenOf(monitor)),
    assertions: isDown ? [] : assertedOf(monitor.assertions, false),
    checked_at: iso(Date.now()),
  };
}
