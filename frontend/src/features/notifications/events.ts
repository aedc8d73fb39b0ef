// What a channel can be told of, in words.

import type { EventName } from "../../api/types";

const LABELS: Record<EventName | "test", string> = {
  "incident.created": "Incident opened",
  "incident.acknowledged": "Acknowledged",
  "incident.resolved": "Resolved",
  "incident.reminder": "Reminder",
  test: "Test",
};

/** The events that a channel can choose from. */
export const EVENTS: EventName[] = [
  "incident.created",
  "incident.acknowledged",
  "incident.resolved",
  "incident.reminder",
];

export function eventLabel(name: string): string {
  return name in LABELS ? LABELS[name as EventName] : name;
}
