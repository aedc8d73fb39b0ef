// What a channel can be told of, in words.

const LABELS: Record<string, string> = {
  "incident.created": "Incident opened",
  "incident.acknowledged": "Acknowledged",
  "incident.resolved": "Resolved",
  "incident.reminder": "Reminder",
  test: "Test",
};

/** The events that a channel can choose from. */
export const EVENTS = Object.keys(LABELS).filter((name) => name !== "test");

export function eventLabel(name: string): string {
  return LABELS[name] ?? name;
}
