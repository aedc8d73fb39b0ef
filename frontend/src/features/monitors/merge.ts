// What live events change in a list of monitors, without asking again. Pure.

import type { CheckedEvent } from "../../api/live";
import type { Monitor, RecentCheck } from "../../api/types";

/** As many checks as a sparkline has bars. */
export const RECENT_LIMIT = 30;

const CHECK_STATUSES = new Set(["up", "degraded", "down"]);

/** The monitors with the checks that have just come in; the same array when none concerns them. */
export function mergeChecks(monitors: Monitor[], events: CheckedEvent[]): Monitor[] {
  const byId = new Map<number, CheckedEvent[]>();
  for (const event of events) byId.set(event.id, [...(byId.get(event.id) ?? []), event]);
  if (!monitors.some((monitor) => byId.has(monitor.id))) return monitors;
  return monitors.map((monitor) => (byId.get(monitor.id) ?? []).reduce(mergeCheck, monitor));
}

function mergeCheck(monitor: Monitor, event: CheckedEvent): Monitor {
  // Instants of one form compare as text. An event may be older than the list that was just loaded.
  if (monitor.last_check_at !== null && event.last_check_at <= monitor.last_check_at) return monitor;
  return {
    ...monitor,
    confirming: event.confirming ?? monitor.confirming,
    stale: false,
    last_check_at: event.last_check_at,
    last_response_ms: event.last_response_ms,
    recent: CHECK_STATUSES.has(event.status) ? append(monitor.recent ?? [], event) : (monitor.recent ?? []),
  };
}

function append(recent: RecentCheck[], event: CheckedEvent): RecentCheck[] {
  const status = event.status === "down" || event.status === "degraded" ? event.status : "up";
  const check: RecentCheck = { at: event.last_check_at, status, response_ms: event.last_response_ms };
  return [...recent, check].slice(-RECENT_LIMIT);
}
