// Made by scripts/schema.py from the daemon's OpenAPI document. Don't edit: change the daemon and make it again.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** How what is seen can be judged, and what kind of value that needs; `any` is any JSON value. */
export interface AssertionOperator {
  name:
    | "eq"
    | "neq"
    | "gt"
    | "lt"
    | "gte"
    | "lte"
    | "contains"
    | "not_contains"
    | "matches"
    | "not_matches"
    | "exists"
    | "not_exists";
  label: string;
  value: "number" | "text" | "regex" | "any" | "none";
}

/** What became of one condition: what was expected and what was seen. */
export interface AssertionResult {
  type:
    | "status_code"
    | "body_contains"
    | "body_regex"
    | "json_path"
    | "header"
    | "response_time"
    | "cert_expiry"
    | "dns_record";
  target: string | null;
  operator:
    | "eq"
    | "neq"
    | "gt"
    | "lt"
    | "gte"
    | "lte"
    | "contains"
    | "not_contains"
    | "matches"
    | "not_matches"
    | "exists"
    | "not_exists";
  value: Json;
  degraded: boolean;
  ok: boolean;
  expected: string;
  seen: string;
}

/** What can be asserted of one thing. */
export interface AssertionSpec {
  type:
    | "status_code"
    | "body_contains"
    | "body_regex"
    | "json_path"
    | "header"
    | "response_time"
    | "cert_expiry"
    | "dns_record";
  label: string;
  help: string;
  target: AssertionTarget | null;
  operators: AssertionOperator[];
  unit: string;
  value_placeholder: string;
}

/** Which of several things is looked at, such as a header's name. */
export interface AssertionTarget {
  label: string;
  help: string;
  placeholder: string;
}

/** A list, of which everything must hold, or groups. At most 50 conditions in all. */
export type Assertions = Json;

/** One change. `actor` is the name of the API key; `detail` says what changed, without secrets. */
export interface AuditEntry {
  id: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  resource_type: string;
  resource_id: number | null;
  resource_name: string | null;
  remote_addr: string | null;
  detail: { [key: string]: Json } | null;
}

/** A finished copy of the database, on the server's own disk. */
export interface Backup {
  path: string;
  size_bytes: number;
}

/** One certificate. `days_left` is floored, and negative once it has ended. */
export interface Certificate {
  subject: string;
  names: string[];
  issuer: string;
  expires_at: string;
  days_left: number;
  fingerprint: string;
}

/** The target's own certificate was another than at the check before. */
export interface CertificateChange {
  at: string;
  old_fingerprint: string;
  old_issuer: string;
  old_expires_at: string;
  new_fingerprint: string;
  new_issuer: string;
  new_expires_at: string;
}

/** What was shown last, the target's own certificate first, and how that changed, the latest first. */
export interface Certificates {
  chain: Certificate[];
  changes: CertificateChange[];
}

/** One change of a monitor's content. */
export interface Change {
  id: number;
  monitor_id: number;
  region: string;
  at: string;
  added: number;
  removed: number;
  is_cut: boolean;
  told: boolean;
  diff: string;
}

/** A channel as clients read it; secrets are masked. */
export interface Channel {
  id: number;
  name: string;
  type: string;
  enabled: boolean;
  settings: { [key: string]: Json };
  events: (
    | "incident.created"
    | "incident.acknowledged"
    | "incident.resolved"
    | "incident.reminder"
    | "content.changed"
    | "cert.expiring"
    | "monitor.degraded"
  )[];
  created_at: string;
  updated_at: string;
}

/** A channel as clients send it. */
export interface ChannelDocument {
  name: string;
  type: string;
  enabled?: boolean;
  settings?: { [key: string]: Json };
  events?: (
    | "incident.created"
    | "incident.acknowledged"
    | "incident.resolved"
    | "incident.reminder"
    | "content.changed"
    | "cert.expiring"
    | "monitor.degraded"
  )[];
}

export interface Chart {
  window: string;
  from: string;
  to: string;
  bucket_seconds: number;
  points: ChartPoint[];
}

/** One step that has checks; the times are null when nothing answered, the uptime when nothing is known. */
export interface ChartPoint {
  at: string;
  avg_ms: number | null;
  min_ms: number | null;
  max_ms: number | null;
  up: number;
  degraded: number;
  down: number;
  uptime_pct: number | null;
}

/** One check. `id` grows with time; `timings` are whole milliseconds, null where there was no such phase. */
export interface Check {
  id: number | null;
  monitor_id: number | null;
  region: string;
  status: "up" | "degraded" | "down";
  response_ms: number | null;
  timings: Timings;
  status_code: number | null;
  message: string;
  cert_expires_at: string | null;
  dns_records: string[] | null;
  assertions: AssertionResult[];
  detail: { [key: string]: Json };
  notes: Note[];
  checked_at: string;
}

/** How many checks saw what. */
export interface CheckCounts {
  total: number;
  up: number;
  degraded: number;
  down: number;
}

/** One of the values that a field may have. */
export interface Choice {
  value: string;
  label: string;
}

/** The database file. `wal_bytes` is its log, whose content is part of it. */
export interface DatabaseFacts {
  path: string;
  size_bytes: number;
  wal_bytes: number;
  schema_version: number;
  healthy: boolean;
  last_error: string | null;
}

/** What a new monitor gets where it says nothing, as configured; durations are seconds. */
export interface Defaults {
  interval: number;
  timeout: number;
  failure_threshold: number;
  success_threshold: number;
}

/** One message on its way through one channel. `delivery` is what the receiver sees as X-Asura-Delivery. */
export interface Delivery {
  id: number;
  delivery: string;
  channel_id: number;
  channel_name: string | null;
  incident_id: number | null;
  monitor_id: number | null;
  monitor_name: string | null;
  event: string;
  status: "queued" | "delivered" | "failed" | "dropped";
  attempts: number;
  created_at: string;
  next_attempt_at: string | null;
  finished_at: string | null;
  last_error: string | null;
  last_status_code: number | null;
}

/** One setting. `type` is `string`, `text` (several lines), `integer`, `number`, `boolean`, `choice`, `list` (of strings or numbers), `map` (of strings by name) or `variant` (null or an object of one of `variants`). */
export interface Field {
  name: string;
  type: string;
  label: string;
  help: string;
  unit: string | null;
  default: Json;
  secret: boolean;
  secret_keys: string[];
  required: boolean;
  placeholder: string;
  group: string;
  choices: Choice[] | null;
  variants: Variant[] | null;
}

/** A group in use, as bad as its worst member. */
export interface Group {
  name: string;
  monitors: number;
  status: "pending" | "up" | "degraded" | "down" | "paused" | "maintenance" | "unknown";
}

/** Up and able to record what it sees. */
export interface Health {
  status: "ok" | "failing";
  version: string;
  uptime_seconds: number;
}

/** What is known of a job that reports by itself. Null where there is nothing yet, or nothing is expected. */
export interface Heartbeat {
  token: string | null;
  ping_url: string | null;
  grace: number;
  schedule: string;
  timezone: string;
  last_ping_at: string | null;
  last_duration_ms: number | null;
  status: "pending" | "up" | "down";
  next_expected_at: string | null;
  deadline_at: string | null;
  runs: Run[];
  old_token_until: string | null;
}

/** An incident's own fields. */
export interface Incident {
  id: number;
  monitor_id: number;
  monitor_name: string;
  status: "open" | "acknowledged" | "resolved";
  cause: string;
  started_at: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
}

/** How many incidents are unresolved. */
export interface IncidentCounts {
  open: number;
  acknowledged: number;
}

/** An incident with what happened in it and the results that opened it. */
export interface IncidentDetail {
  id: number;
  monitor_id: number;
  monitor_name: string;
  status: "open" | "acknowledged" | "resolved";
  cause: string;
  started_at: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
  timeline: TimelineEntry[];
  evidence: Json[];
}

/** Numbers over a span. Its uptime is exact; what regions saw is read in steps of 5 minutes to a day if it is long. Up to 6 hours every check is read, up to a week steps of 5 minutes, up to 90 days hours, then days; hours and days also where single checks are no longer kept. Response times beyond a week are those of whole days. */
export interface Metrics {
  uptime_pct: number | null;
  response_ms: ResponseTimes;
  checks: CheckCounts;
  by_region: { [key: string]: RegionMetrics };
}

/** A monitor as clients read it: its document, and what is known of it now. */
export interface Monitor {
  id: number;
  name: string;
  description: string;
  type: string;
  target: string;
  interval: number;
  timeout: number;
  enabled: boolean;
  public: boolean;
  tags: string[];
  group: string | null;
  settings: { [key: string]: Json };
  assertions: Assertions;
  track_changes: boolean;
  failure_threshold: number;
  success_threshold: number;
  resend_interval: number;
  upside_down: boolean;
  notification_channel_ids: number[];
  escalation_policy_id: number | null;
  depends_on: number[];
  regions: string[];
  status: "pending" | "up" | "degraded" | "down" | "paused" | "maintenance" | "unknown";
  status_since: string;
  confirming: boolean;
  stale: boolean;
  suppressed_by: number[];
  last_check_at: string | null;
  last_response_ms: number | null;
  last_message: string;
  cert_expires_at: string | null;
  uptime: Uptime;
  created_at: string;
  updated_at: string;
  heartbeat: Heartbeat | null;
  recent?: RecentCheck[];
}

/** How many monitors there are, and how many of them are how. */
export interface MonitorCounts {
  total: number;
  up: number;
  degraded: number;
  down: number;
  paused: number;
  pending: number;
  maintenance: number;
}

/** A monitor as clients send it. Durations are seconds. */
export interface MonitorDocument {
  name: string;
  description?: string;
  type: string;
  target: string;
  interval?: number;
  timeout?: number;
  enabled?: boolean;
  public?: boolean;
  tags?: string[];
  group?: string | null;
  settings?: { [key: string]: Json };
  assertions?: Assertions;
  track_changes?: boolean;
  failure_threshold?: number;
  success_threshold?: number;
  resend_interval?: number;
  upside_down?: boolean;
  notification_channel_ids?: number[];
  escalation_policy_id?: number | null;
  depends_on?: number[];
  regions?: string[];
}

/** A line of what a check by hand saw on its way: `address`, `TLS`, `redirect` and so on. */
export interface Note {
  label: string;
  text: string;
}

/** The numbers at a glance. */
export interface Overview {
  monitors: MonitorCounts;
  incidents: IncidentCounts;
  uptime: { [key: string]: number | null };
  checks_per_minute: number;
  probes: { [key: string]: Json }[];
}

/** A supervised part of the daemon. `state`: starting, running, restarting, stopped. */
export interface Part {
  name: string;
  state: string;
  restarts: number;
  last_error: string | null;
}

/** What a job reported. `id` grows with each ping of its monitor. */
export interface Ping {
  id: number;
  kind: "success" | "start" | "fail" | "log" | "ignored";
  at: string;
  exit_status: number | null;
  rid: string | null;
  duration_ms: number | null;
  method: string;
  remote_addr: string;
  user_agent: string;
  body: string | null;
  body_truncated: boolean;
}

/** A past check in brief. */
export interface RecentCheck {
  at: string;
  status: "up" | "degraded" | "down";
  response_ms: number | null;
}

/** What one region saw. Its uptime goes by its own checks, each of which holds until its next, for a while. */
export interface RegionMetrics {
  uptime_pct: number | null;
  response_ms: ResponseTimes;
  checks: CheckCounts;
}

/** Milliseconds, null without any answer; over more than 6 hours the percentiles are within 5 % of the true ones. */
export interface ResponseTimes {
  avg: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** How long what is kept, in days: single checks, and everything else. */
export interface Retention {
  raw_days: number;
  days: number;
}

/** What becomes of the token that there is. */
export interface RotateRequest {
  keep_old?: boolean;
}

/** A run of a job that has started and not ended; `rid` null: it gave itself no id. */
export interface Run {
  rid: string | null;
  started_at: string;
  deadline_at: string | null;
}

/** When a schedule is due next. */
export interface ScheduleTimes {
  times: string[];
  in_words: string;
}

/** Who is logged in. `role` is null for a key with permissions of its own. */
export interface Session {
  name: string;
  role: string | null;
  permissions: string[];
}

export interface StatusInterval {
  status: "pending" | "up" | "degraded" | "down" | "paused" | "maintenance" | "unknown";
  from: string;
  to: string;
}

/** What a bug report needs. */
export interface System {
  version: string;
  python: string;
  sqlite: string;
  started_at: string;
  uptime_seconds: number;
  database: DatabaseFacts;
  retention: Retention;
  parts: Part[];
}

/** A tag in use. */
export interface Tag {
  name: string;
  monitors: number;
}

/** A line of the timeline. `type`: opened, notified, acknowledged, comment, reminder, resolved, and so on. */
export interface TimelineEntry {
  type: string;
  message: string;
  at: string;
  actor: string | null;
  detail: Json;
}

/** How long each phase of one attempt took, whole milliseconds; None where there was no such phase. */
export interface Timings {
  dns_ms: number | null;
  connect_ms: number | null;
  tls_ms: number | null;
  first_byte_ms: number | null;
  transfer_ms: number | null;
}

/** A monitor or channel type with the fields of its settings. */
export interface Type {
  name: string;
  label: string;
  about: string;
  target_label: string;
  target_help: string;
  target_placeholder: string;
  target_required: boolean;
  is_passive: boolean;
  fields: Field[];
  assertions: (
    | "status_code"
    | "body_contains"
    | "body_regex"
    | "json_path"
    | "header"
    | "response_time"
    | "cert_expiry"
    | "dns_record"
  )[];
  tracks_changes: boolean;
}

/** Every type of this version. */
export interface Types {
  monitors: Type[];
  channels: Type[];
  assertions: AssertionSpec[];
  defaults: Defaults;
}

export interface Uptime {
  "24h": number | null;
  "7d": number | null;
  "30d": number | null;
  "90d": number | null;
}

/** One of the kinds that an object may be of; its `type` is the name. */
export interface Variant {
  name: string;
  label: string;
  fields: Field[];
}

/** What the provider said to a test. */
export interface Verdict {
  delivered: boolean;
  status_code: number | null;
  message: string;
  duration_ms: number;
}
