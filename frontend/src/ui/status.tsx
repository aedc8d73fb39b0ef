// Standing at a glance: a shape, a word and a colour, so that each alone is enough.

import type { JSX } from "preact";

interface Look {
  label: string;
  tone: string;
  mark: JSX.Element;
}

const disc = <circle cx="8" cy="8" r="7" fill="currentColor" />;
const ring = <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" />;
const line = { fill: "none", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round" } as const;

const cut = (ground: JSX.Element, path: string) => (
  <>
    {ground}
    <path d={path} class="cut" {...line} />
  </>
);
const ringed = (path: string) => (
  <>
    {ring}
    <path d={path} stroke="currentColor" {...line} />
  </>
);
const stop = <path d="M4.9.8h6.2l4.1 4.1v6.2l-4.1 4.1H4.9L.8 11.1V4.9L4.9.8Z" fill="currentColor" />;
const warning = <path d="M8 1.2 15.4 14H.6L8 1.2Z" fill="currentColor" />;
const crossed = cut(stop, "m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2");
const ticked = ringed("m5.2 8.2 2 2 3.6-4");
const timed = ringed("M8 4.8V8l2 1.6");
const dashed = (
  <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="3 2.6" />
);

const look = (label: string, tone: string, mark: JSX.Element): Look => ({ label, tone, mark });

const LOOKS: Record<string, Look> = {
  up: look("Up", "up", cut(disc, "m4.8 8.3 2.2 2.2 4.2-4.6")),
  degraded: look("Degraded", "degraded", cut(warning, "M8 6v3.6m0 2.1v.1")),
  down: look("Down", "down", crossed),
  paused: look("Paused", "quiet", ringed("M6.3 5.7v4.6m3.4-4.6v4.6")),
  pending: look("Pending", "quiet", dashed),
  maintenance: look("Maintenance", "info", <path d="M8 .8 15.2 8 8 15.2.8 8 8 .8Z" fill="currentColor" />),
  unknown: look("Unknown", "quiet", ringed("M8 11.2v.1M6.3 6.4a1.8 1.8 0 1 1 1.8 2.3")),
  open: look("Open", "down", cut(stop, "M8 4.4v4.4m0 2.6v.1")),
  acknowledged: look("Acknowledged", "degraded", timed),
  resolved: look("Resolved", "up", ticked),
  delivered: look("Delivered", "up", ticked),
  held: look("Held", "up", ticked),
  failed: look("Failed", "down", crossed),
  queued: look("Queued", "quiet", timed),
  dropped: look("Dropped", "quiet", ringed("M5 8h6")),
  begun: look("Begun", "info", ringed("M6.7 5.6v4.8L10.4 8 6.7 5.6Z")),
  noted: look("Noted", "quiet", ringed("M5.6 6.6h4.8m-4.8 2.8h3")),
};

function lookOf(status: string): Look {
  return LOOKS[status] ?? { label: status, tone: "quiet", mark: ring };
}

/** The word for a status: `Down`. */
export function statusLabel(status: string): string {
  return lookOf(status).label;
}

/** The class that gives text the colour of a status. */
export function statusTone(status: string): string {
  return `tone-${lookOf(status).tone}`;
}

/** The shape alone, with the word for screen readers. */
export function StatusIcon({ status, size = 16 }: { status: string; size?: number }) {
  const look = lookOf(status);
  return (
    <span class={`status-icon tone-${look.tone}`}>
      <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {look.mark}
      </svg>
      <span class="sr-only">{look.label}</span>
    </span>
  );
}

/** Shape and word; `label` replaces the word. */
export function Status({ status, label }: { status: string; label?: string }) {
  const look = lookOf(status);
  return (
    <span class={`status tone-${look.tone}`}>
      <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {look.mark}
      </svg>
      {label ?? look.label}
    </span>
  );
}
