// The shapes of the HTTP contract, as the daemon's OpenAPI document names them.

export type CheckStatus = "up" | "degraded" | "down";
export type MonitorStatus = "pending" | "up" | "degraded" | "down" | "paused" | "maintenance" | "unknown";
export type IncidentStatus = "open" | "acknowledged" | "resolved";
export type DeliveryStatus = "queued" | "delivered" | "failed" | "dropped";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Settings = { [key: string]: Json };

export interface Page<T> {
  data: T[];
  total: number;
  page: number;
  per_page: number;
  total_pages: number;
}

export interface Session {
  name: string;
  role: string | null;
  permissions: string[];
}

export interface Uptime {
  "24h": number | null;
  "7d": number | null;
  "30d": number | null;
  "90d": number | null;
}

export interface RecentCheck {
  at: string;
  status: CheckStatus;
  response_ms: number | null;
}

/** What a person sets; what the API takes. */
export interface MonitorDocument {
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
  settings: Settings;
  failure_threshold: number;
  success_threshold: number;
  resend_interval: number;
  upside_down: boolean;
  notification_channel_ids: number[];
}

export interface Monitor extends MonitorDocument {
  id: number;
  status: MonitorStatus;
  confirming: boolean;
  status_since: string | null;
  last_message: string;
  stale: boolean;
  last_check_at: string | null;
  last_response_ms: number | null;
  uptime: Uptime;
  cert_expires_at: string | null;
  created_at: string;
  updated_at: string;
  recent?: RecentCheck[];
}

export interface Timings {
  dns_ms: number | null;
  connect_ms: number | null;
  tls_ms: number | null;
  first_byte_ms: number | null;
  transfer_ms: number | null;
}

export interface CheckResult {
  status: CheckStatus;
  response_ms: number | null;
  timings: Timings;
  status_code: number | null;
  message: string;
  checked_at: string;
  region?: string;
}

export interface Check extends CheckResult {
  id: number;
  monitor_id: number;
}

export interface ChartPoint {
  at: string;
  avg_ms: number | null;
  min_ms: number | null;
  max_ms: number | null;
  up: number;
  degraded: number;
  down: number;
}

export interface Chart {
  window: string;
  from: string;
  to: string;
  bucket_seconds: number;
  points: ChartPoint[];
}

export interface Span {
  status: MonitorStatus;
  from: string;
  to: string;
}

export interface Metrics {
  uptime_pct: number | null;
  response_ms: { avg: number | null; p50: number | null; p95: number | null; p99: number | null };
  checks: { total: number; up: number; degraded: number; down: number };
}

export interface Incident {
  id: number;
  monitor_id: number;
  monitor_name: string;
  status: IncidentStatus;
  cause: string;
  started_at: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
}

export interface IncidentEvent {
  type: string;
  message: string;
  at: string;
  actor?: string | null;
}

export type Evidence = { [key: string]: Json };

export interface IncidentDetail extends Incident {
  timeline: IncidentEvent[];
  evidence: Evidence[];
}

export interface Channel {
  id: number;
  name: string;
  type: string;
  enabled: boolean;
  settings: Settings;
  events: string[];
  created_at: string;
  updated_at: string;
}

export type ChannelDocument = Pick<Channel, "name" | "type" | "enabled" | "settings" | "events">;

export interface Delivery {
  id: number;
  channel_id: number;
  channel_name: string | null;
  incident_id: number | null;
  monitor_id: number | null;
  monitor_name: string | null;
  event: string;
  status: DeliveryStatus;
  attempts: number;
  created_at: string;
  finished_at: string | null;
  next_attempt_at: string | null;
  last_error: string | null;
  last_status_code: number | null;
}

export interface SendVerdict {
  delivered: boolean;
  status_code: number | null;
  message: string;
}

export interface Overview {
  monitors: Record<"total" | "up" | "degraded" | "down" | "paused" | "pending" | "maintenance", number>;
  incidents: { open: number; acknowledged: number };
  checks_per_minute: number;
}

export interface Part {
  name: string;
  /** `starting` `running` `restarting` `stopped` */
  state: string;
  restarts: number;
  last_error: string | null;
}

export interface Health {
  status: string;
  version: string;
  uptime_seconds: number;
  /** What is wrong, when it is failing. */
  reason?: string;
}

export interface SystemFacts {
  version: string;
  python: string;
  sqlite: string;
  started_at: string;
  uptime_seconds: number;
  database: {
    path: string;
    size_bytes: number;
    wal_bytes: number;
    schema_version: number;
    healthy: boolean;
    last_error: string | null;
  };
  retention: { raw_days: number; days: number };
  parts: Part[];
}

export interface Backup {
  path: string;
  size_bytes: number;
}

export interface AuditEntry {
  id: number;
  at: string;
  actor: string;
  action: string;
  resource_type: string;
  resource_id: number | null;
  resource_name: string | null;
  remote_addr: string | null;
}

/** A tag or a group with how many monitors carry it. */
export interface Named {
  name: string;
  monitors: number;
}

export interface Choice {
  value: string;
  label: string;
}

export interface Variant {
  name: string;
  label: string;
  fields: FieldSpec[];
}

/** One setting of a monitor or channel type, described well enough to draw its field. */
export interface FieldSpec {
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
  choices: Choice[] | null;
  variants: Variant[] | null;
}

export interface TypeSpec {
  name: string;
  label: string;
  target_label: string;
  target_help: string;
  target_placeholder: string;
  fields: FieldSpec[];
}

export interface Types {
  monitors: TypeSpec[];
  channels: TypeSpec[];
}
