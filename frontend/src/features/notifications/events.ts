// What a channel can be told of, in words.

import type { EventName } from "../../api/types";

const LABELS: Record<EventName, string> = {
  "incident.created": "Incident opened",
  "incident.acknowledged": "Acknowledged",
  "incident.resolved": "Resolved",
  "incident.reminder": "Reminder",
  "monitor.degraded": "Degraded",
  "content.changed": "Content changed",
  "cert.expiring": "Certificate or domain ends soon",
};

/** The events that a channel can choose from. */
export const EVENTS = Object.keys(LABELS) as EventName[];

export function eventLabel(name: string): string {
  if (name === "test") return "Test";
  return name in LABELS ? LABELS[name as EventName] : name;
}
