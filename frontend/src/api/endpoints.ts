// Every endpoint that the dashboard uses, by name and with its types.

import { ask } from "./client";
import type * as t from "./types";

type Filters = Record<string, string | number | null | undefined>;
type Signal = AbortSignal | undefined;

/** As many as one page holds: tags and groups are few. */
const ALL = { per_page: 500 };

/** A check may take as long as the longest timeout, and Asura gives it up when nobody waits for its answer. */
const CHECK_MS = 330_000;
/** A large database on a slow disk. */
const BACKUP_MS = 1_800_000;

function names(page: t.Page<{ name: string }>): string[] {
  return page.data.map((one) => one.name);
}

export const session = {
  read: (signal?: Signal) => ask<t.Session>("GET", "/session", { signal }),
  open: (api_key: string) => ask<t.Session>("POST", "/session", { body: { api_key } }),
  close: () => ask<void>("DELETE", "/session"),
};

export const monitors = {
  list: (query: Filters, signal?: Signal) => ask<t.Page<t.Monitor>>("GET", "/monitors", { query, signal }),
  read: (id: number, signal?: Signal) => ask<t.Monitor>("GET", `/monitors/${id}`, { signal }),
  create: (body: t.MonitorDocument) => ask<t.Monitor>("POST", "/monitors", { body }),
  change: (id: number, body: Partial<t.MonitorDocument>) => ask<t.Monitor>("PATCH", `/monitors/${id}`, { body }),
  replace: (id: number, body: t.MonitorDocument) => ask<t.Monitor>("PUT", `/monitors/${id}`, { body }),
  remove: (id: number) => ask<void>("DELETE", `/monitors/${id}`),
  pause: (id: number) => ask<t.Monitor>("POST", `/monitors/${id}/pause`),
  resume: (id: number) => ask<t.Monitor>("POST", `/monitors/${id}/resume`),
  clone: (id: number) => ask<t.Monitor>("POST", `/monitors/${id}/clone`),
  check: (id: number) => ask<t.Check>("POST", `/monitors/${id}/check`, { patienceMs: CHECK_MS }),
  test: (body: t.MonitorDocument) => ask<t.Check>("POST", "/monitors/test", { body, patienceMs: CHECK_MS }),
  bulk: (body: { action: string; ids: number[]; group?: string | null }) =>
    ask<unknown>("POST", "/monitors/bulk", { body }),
  checks: (id: number, query: Filters, signal?: Signal) =>
    ask<t.Page<t.Check>>("GET", `/monitors/${id}/checks`, { query, signal }),
  chart: (id: number, window: string, signal?: Signal) =>
    ask<t.Chart>("GET", `/monitors/${id}/chart`, { query: { window }, signal }),
  metrics: (id: number, query: Filters, signal?: Signal) =>
    ask<t.Metrics>("GET", `/monitors/${id}/metrics`, { query, signal }),
  changes: (id: number, query: Filters, signal?: Signal) =>
    ask<t.Page<t.Change>>("GET", `/monitors/${id}/changes`, { query, signal }),
  certificates: (id: number, signal?: Signal) => ask<t.Certificates>("GET", `/monitors/${id}/certificates`, { signal }),
  pings: (id: number, query: Filters, signal?: Signal) =>
    ask<t.Page<t.Ping>>("GET", `/monitors/${id}/pings`, { query, signal }),
  ping: (id: number, ping: number) => ask<t.Ping>("GET", `/monitors/${id}/pings/${ping}`),
  rotateToken: (id: number, keep_old: boolean) =>
    ask<t.Monitor>("POST", `/monitors/${id}/rotate-token`, { body: { keep_old } satisfies t.RotateRequest }),
  timeline: (id: number, query: Filters, signal?: Signal) =>
    ask<t.StatusInterval[]>("GET", `/monitors/${id}/timeline`, { query, signal }),
};

export const incidents = {
  list: (query: Filters, signal?: Signal) => ask<t.Page<t.Incident>>("GET", "/incidents", { query, signal }),
  read: (id: number, signal?: Signal) => ask<t.IncidentDetail>("GET", `/incidents/${id}`, { signal }),
  acknowledge: (id: number) => ask<t.IncidentDetail>("POST", `/incidents/${id}/ack`),
  resolve: (id: number) => ask<t.IncidentDetail>("POST", `/incidents/${id}/resolve`),
  comment: (id: number, message: string) =>
    ask<t.IncidentDetail>("POST", `/incidents/${id}/comment`, { body: { message } }),
  remove: (id: number) => ask<void>("DELETE", `/incidents/${id}`),
};

export const channels = {
  list: (signal?: Signal) => ask<t.Page<t.Channel>>("GET", "/notifications", { query: { per_page: 500 }, signal }),
  create: (body: t.ChannelDocument) => ask<t.Channel>("POST", "/notifications", { body }),
  replace: (id: number, body: t.ChannelDocument) => ask<t.Channel>("PUT", `/notifications/${id}`, { body }),
  change: (id: number, body: Partial<t.WholeChannel>) => ask<t.Channel>("PATCH", `/notifications/${id}`, { body }),
  remove: (id: number) => ask<void>("DELETE", `/notifications/${id}`),
  test: (id: number) => ask<t.Verdict>("POST", `/notifications/${id}/test`),
  history: (query: Filters, signal?: Signal) =>
    ask<t.Page<t.Delivery>>("GET", "/notifications/history", { query, signal }),
  retry: (id: number) => ask<t.Delivery>("POST", `/notifications/history/${id}/retry`),
};

export const system = {
  overview: (signal?: Signal) => ask<t.Overview>("GET", "/overview", { signal }),
  facts: (signal?: Signal) => ask<t.System>("GET", "/system", { signal }),
  backup: () => ask<t.Backup>("POST", "/system/backup", { patienceMs: BACKUP_MS }),
  audit: (query: Filters, signal?: Signal) => ask<t.Page<t.AuditEntry>>("GET", "/audit", { query, signal }),
  types: (signal?: Signal) => ask<t.Types>("GET", "/types", { signal }),
  schedule: (query: { schedule: string; timezone: string; count: number }, signal?: Signal) =>
    ask<t.ScheduleTimes>("GET", "/schedule", { query, signal }),
  tags: (signal?: Signal) => ask<t.Page<t.Tag>>("GET", "/tags", { query: ALL, signal }).then(names),
  groups: (signal?: Signal) => ask<t.Page<t.Group>>("GET", "/groups", { query: ALL, signal }).then(names),
};

/** Health answers 503 with a document too: that is an answer here, not an error. */
export { health } from "./health";
