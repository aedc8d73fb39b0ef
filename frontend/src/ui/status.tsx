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

const LOOKS: Record<string, Look> = {
  up: {
    label: "Up",
    tone: "up",
    mark: (
      <>
        {disc}
        <path d="m4.8 8.3 2.2 2.2 4.2-4.6" class="cut" {...line} />
      </>
    ),
  },
  degraded: {
    label: "Degraded",
    tone: "degraded",
    mark: (
      <>
        <path d="M8 1.2 15.4 14H.6L8 1.2Z" fill="currentColor" />
        <path d="M8 6v3.6m0 2.1v.1" class="cut" {...line} />
      </>
    ),
  },
  down: {
    label: "Down",
    tone: "down",
    mark: (
      <>
        <path d="M4.9.8h6.2l4.1 4.1v6.2l-4.1 4.1H4.9L.8 11.1V4.9L4.9.8Z" fill="currentColor" />
        <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="cut" {...line} />
      </>
    ),
  },
  paused: {
    label: "Paused",
    tone: "quiet",
    mark: (
      <>
        {ring}
        <path d="M6.3 5.7v4.6m3.4-4.6v4.6" stroke="currentColor" {...line} />
      </>
    ),
  },
  pending: {
    label: "Pending",
    tone: "quiet",
    mark: (
      <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="3 2.6" />
    ),
  },
  maintenance: {
    label: "Maintenance",
    tone: "info",
    mark: <path d="M8 .8 15.2 8 8 15.2.8 8 8 .8Z" fill="currentColor" />,
  },
  unknown: {
    label: "Unknown",
    tone: "quiet",
    mark: (
      <>
        {ring}
        <path d="M8 11.2v.1M6.3 6.4a1.8 1.8 0 1 1 1.8 2.3" stroke="currentColor" {...line} />
      </>
    ),
  },
  open: {
    label: "Open",
    tone: "down",
    mark: (
      <>
        <path d="M4.9.8h6.2l4.1 4.1v6.2l-4.1 4.1H4.9L.8 11.1V4.9L4.9.8Z" fill="currentColor" />
        <path d="M8 4.4v4.4m0 2.6v.1" class="cut" {...line} />
      </>
    ),
  },
  acknowledged: {
    label: "Acknowledged",
    tone: "degraded",
    mark: (
      <>
        {ring}
        <path d="M8 4.8V8l2 1.6" stroke="currentColor" {...line} />
      </>
    ),
  },
  resolved: {
    label: "Resolved",
    tone: "up",
    mark: (
      <>
        {ring}
        <path d="m5.2 8.2 2 2 3.6-4" stroke="currentColor" {...line} />
      </>
    ),
  },
  delivered: {
    label: "Delivered",
    tone: "up",
    mark: (
      <>
        {ring}
        <path d="m5.2 8.2 2 2 3.6-4" stroke="currentColor" {...line} />
      </>
    ),
  },
  held: {
    label: "Held",
    tone: "up",
    mark: (
      <>
        {ring}
        <path d="m5.2 8.2 2 2 3.6-4" stroke="currentColor" {...line} />
      </>
    ),
  },
  failed: {
    label: "Failed",
    tone: "down",
    mark: (
      <>
        <path d="M4.9.8h6.2l4.1 4.1v6.2l-4.1 4.1H4.9L.8 11.1V4.9L4.9.8Z" fill="currentColor" />
        <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="cut" {...line} />
      </>
    ),
  },
  queued: {
    label: "Queued",
    tone: "quiet",
    mark: (
      <>
        {ring}
        <path d="M8 4.8V8l2 1.6" stroke="currentColor" {...line} />
      </>
    ),
  },
  dropped: {
    label: "Dropped",
    tone: "quiet",
    mark: (
      <>
        {ring}
        <path d="M5 8h6" stroke="currentColor" {...line} />
      </>
    ),
  },
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
