// What a channel can be told of, in words.

import type { EventName } from "../../api/types";

const LABELS: Record<EventName | "test", string> & Record<string, string> = {
  "incident.created": "Incident opened",
  "incident.acknowledged": "Acknowledged",
  "incident.resolved": "Resolved",
  "incident.reminder": "Reminder",
  "content.changed": "Content changed",
  "cert.expiring": "Certificate expires soon",
  test: "Test",
};

/** The events that a channel can choose from. */
export const EVENTS: EventName[] = [
  "incident.created",
  "incident.acknowledged",
  "incident.resolved",
  "incident.reminder",
  "content.changed",
];

export function eventLabel(name: string): string {
  return LABELS[name] ?? name;
}
