// Made-up monitors, checks, incidents and deliveries, the same at each start.

import { makeHeartbeats } from "./fake-heartbeats.js";

let seed = 42;
const random = () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};
const pick = (list) => list[Math.floor(random() * list.length)];
export const iso = (ms) => new Date(ms).toISOString();

const NAMES = [
  "Shop",
  "Checkout",
  "Login",
  "Search",
  "Billing",
  "Docs",
  "Mail relay",
  "Git",
  "Wiki",
  "CDN edge",
  "Status page",
  "Webhook intake",
];
const PLACES = ["Berlin", "Oslo", "Lyon", "Porto", "Graz", "Ghent", "Turku"];
const TAGS = ["production", "customer-facing", "internal", "eu-west", "database", "team-payments"];
const GROUPS = ["Shop", "Platform", "Office", null];
const FAULTS = [
  "no answer in 10 s: name found in 3 ms, connected in 31 ms, TLS in 58 ms, then silence",
  "status 503, expected 2xx or 3xx",
  "connection refused by 192.0.2.17:443",
  "certificate has expired 3 days ago (CN=shop.example.org)",
];

export const ALL_PERMISSIONS = ["monitors", "incidents", "notifications", "maintenance", "oncall", "status", "system"]
  .flatMap((name) => [`${name}.read`, `${name}.write`])
  .concat("metrics.read");

export function timings(total) {
  const dns = Math.round(total * 0.06);
  const connect = Math.round(total * 0.18);
  const tls = Math.round(total * 0.26);
  const first = Math.round(total * 0.42);
  return {
    dns_ms: dns,
    connect_ms: connect,
    tls_ms: tls,
    first_byte_ms: first,
    transfer_ms: Math.max(0, total - dns - connect - tls - first),
  };
}

function makeMonitor(id, scenario, now) {
  const status = statusFor(id, scenario);
  const base = 20 + Math.floor(random() * 400);
  const isTcp = id % 7 === 0;
  const place = pick(PLACES);
  const name = `${NAMES[id % NAMES.length]} ${place}${id > 84 ? ` ${id}` : ""}`;
  const host = `${NAMES[id % NAMES.length].toLowerCase().replaceAll(" ", "-")}.${place.toLowerCase()}.example.org`;
  const recent = Array.from({ length: 30 }, (_, index) => {
    const isBad = status === "down" ? index > 25 : random() < 0.015;
    return {
      at: iso(now - (30 - index) * 60_000),
      status: isBad ? "down" : status === "degraded" && index > 20 ? "degraded" : "up",
      response_ms: isBad ? null : Math.round(base * (0.8 + random() * 0.5 + (random() < 0.05 ? 2 : 0))),
    };
  });
  const last = recent.at(-1);
  const isPending = status === "pending";
  const up = status === "down" ? 98.213 : random() < 0.6 ? 100 : 100 - Math.floor(random() * 900) / 1000;
  return {
    id,
    name,
    type: isTcp ? "tcp" : "http",
    target: isTcp ? `${host}:5432` : `https://${host}/health`,
    description:
      id % 5 === 0
        ? "Runbook: https://wiki.example.org/runbooks/shop\n\n- restart the **workers** first\n- then call `platform`"
        : "",
    interval: 60,
    timeout: 10,
    enabled: status !== "paused",
    public: false,
    tags: TAGS.filter(() => random() < 0.3),
    group: pick(GROUPS),
    settings: {},
    assertions:
      id % 3 === 0 && !isTcp
        ? [
            { type: "status_code", operator: "eq", value: 200 },
            { type: "json_path", target: "$.status", operator: "eq", value: "ok", degraded: true },
            { type: "response_time", operator: "lt", value: 800 },
          ]
        : [],
    track_changes: id % 3 === 0 && !isTcp,
    failure_threshold: 3,
    success_threshold: 1,
    resend_interval: 0,
    upside_down: false,
    notification_channel_ids: [],
    escalation_policy_id: null,
    depends_on: id % 6 === 0 ? [1, 3] : [],
    suppressed_by: status === "down" && id % 6 === 0 ? [3] : [],
    regions: [],
    heartbeat: null,
    status,
    confirming: scenario !== "calm" && (id === 9 || id === 23),
    stale: false,
    status_since: iso(now - (status === "down" ? 1_260_000 + id * 61_000 : 86_400_000 * (1 + (id % 40)))),
    last_message: status === "down" ? FAULTS[id % FAULTS.length] : id === 9 ? FAULTS[0] : "",
    last_check_at: isPending ? null : last.at,
    last_response_ms: isPending ? null : last.response_ms,
    uptime: isPending
      ? { "24h": null, "7d": null, "30d": null, "90d": null }
      : { "24h": up, "7d": Math.min(100, up + 0.4), "30d": 99.97, "90d": id % 3 ? null : 99.912 },
    cert_expires_at: isTcp ? null : iso(now + 86_400_000 * 61),
    created_at: iso(now - 86_400_000 * 120),
    updated_at: iso(now - 86_400_000 * 9),
    recent: isPending ? [] : recent,
  };
}

function statusFor(id, scenario) {
  if (scenario === "calm") return "up";
  if ([3, 17, 41].includes(id)) return "down";
  if ([5, 60].includes(id)) return "degraded";
  if (id % 31 === 0) return "paused";
  return id === 50 ? "pending" : "up";
}

function makeIncident(id, monitor, now) {
  const isOpen = monitor.status === "down";
  const started = isOpen ? Date.parse(monitor.status_since) : now - id * 7_400_000;
  const isAcknowledged = isOpen && monitor.id === 17;
  return {
    id,
    monitor_id: monitor.id,
    monitor_name: monitor.name,
    status: isOpen ? (isAcknowledged ? "acknowledged" : "open") : "resolved",
    cause: monitor.heartbeat ? monitor.last_message : FAULTS[id % FAULTS.length],
    started_at: iso(started),
    acknowledged_at: isAcknowledged ? iso(started + 300_000) : null,
    acknowledged_by: isAcknowledged ? "admin" : null,
    resolved_at: isOpen ? null : iso(started + 600_000 + id * 31_000),
    resolved_by: isOpen ? null : "asura",
    timeline: [
      { type: "opened", at: iso(started), message: FAULTS[id % FAULTS.length], actor: null },
      { type: "notified", at: iso(started), message: "Ops room", actor: null },
      {
        type: "comment",
        at: iso(started + 200_000),
        message: "Looks like the load balancer again.\nI'm on it.",
        actor: "admin",
      },
      ...(isAcknowledged ? [{ type: "acknowledged", at: iso(started + 300_000), message: "", actor: "admin" }] : []),
      ...(isOpen
        ? []
        : [{ type: "resolved", at: iso(started + 600_000), message: "It answers again.", actor: "asura" }]),
    ],
    evidence: [
      {
        region: "local",
        status: "down",
        message: FAULTS[id % FAULTS.length],
        checked_at: iso(started),
        age_seconds: 2,
        streak: 3,
        streak_since: iso(started - 120_000),
      },
    ],
  };
}

function makeDelivery(id, incident, now) {
  const status = id % 9 === 4 ? "failed" : id === 1 ? "queued" : "delivered";
  const isBad = status !== "delivered";
  return {
    id,
    channel_id: 1 + (id % 2),
    channel_name: ["Ops room", "Pager bridge"][id % 2],
    incident_id: incident.id,
    monitor_id: incident.monitor_id,
    monitor_name: incident.monitor_name,
    event: ["incident.created", "incident.resolved", "incident.acknowledged"][id % 3],
    status,
    attempts: isBad ? 3 + id : 1,
    created_at: iso(now - id * 4_000_000),
    finished_at: status === "queued" ? null : iso(now - id * 4_000_000 + 900),
    next_attempt_at: status === "queued" ? iso(now + 42_000) : null,
    last_error: isBad ? "the receiver answered 502 Bad Gateway" : null,
    last_status_code: isBad ? 502 : 200,
  };
}

const COUNTS = { empty: 0, calm: 42, few: 3 };

/** Everything that the fake daemon knows. */
export function makeWorld(scenario) {
  const now = Date.now();
  const monitors = Array.from({ length: COUNTS[scenario] ?? 214 }, (_, index) => makeMonitor(index + 1, scenario, now));
  if (scenario !== "empty" && scenario !== "calm") {
    const blank = makeMonitor(2, "calm", now);
    monitors.push(...makeHeartbeats(301, now, blank, scenario !== "readonly"));
  }
  const broken = monitors.filter((monitor) => monitor.status === "down");
  const past = monitors.filter((monitor) => monitor.status === "up").slice(0, scenario === "calm" ? 4 : 60);
  const incidents = [...broken, ...past].map((monitor, index) => makeIncident(100 - index, monitor, now));
  const channel = (id, name, enabled) => ({
    id,
    name,
    type: "webhook",
    enabled,
    settings: {
      url: `https://hooks.example.org/asura/${id}`,
      secret: "********",
      headers: { Authorization: "********" },
    },
    events: id === 2 ? ["incident.created", "incident.resolved"] : [],
    created_at: iso(now),
    updated_at: iso(now),
  });
  const isEmpty = scenario === "empty";
  return {
    scenario,
    monitors,
    incidents,
    channels: isEmpty ? [] : [channel(1, "Ops room", true), channel(2, "Pager bridge", false)],
    deliveries: incidents.slice(0, 40).map((incident, index) => makeDelivery(index + 1, incident, now)),
    audit: isEmpty
      ? []
      : Array.from({ length: 60 }, (_, index) => ({
          id: 60 - index,
          at: iso(now - index * 5_100_000),
          actor: "admin",
          action: ["monitor.update", "monitor.pause", "incident.acknowledge"][index % 3],
          resource_type: "monitor",
          resource_id: index + 1,
          resource_name: monitors[index % monitors.length]?.name ?? null,
          remote_addr: "127.0.0.1",
        })),
    sessions: new Set(),
    streams: new Set(),
    failures: 0,
    nextId: 1000,
  };
}
