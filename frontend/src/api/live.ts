// The stream of server-sent events: opened once, reopened with a growing delay, and never silent about its state.

import { address } from "./client";
import type { CheckStatus } from "./types";

export interface CheckedEvent {
  id: number;
  status: CheckStatus | string;
  last_check_at: string;
  last_response_ms: number | null;
  confirming: boolean;
}

export interface LiveEvents {
  monitor: { id: number };
  /** The heartbeats that something was reported to, whatever it was. */
  pings: { id: number }[];
  checks: CheckedEvent[];
  incident: { id: number; monitor_id?: number };
  delivery: { id: number };
  channel: { id: number };
  /** Something may have been missed: load again. */
  reset: null;
}

export type LiveKind = keyof LiveEvents;
export type LiveListener = <K extends LiveKind>(kind: K, event: LiveEvents[K]) => void;

const KINDS: LiveKind[] = ["monitor", "pings", "checks", "incident", "delivery", "channel", "reset"];
const FIRST_DELAY_MS = 1000;
const LAST_DELAY_MS = 30_000;

export interface Stream {
  close: () => void;
  /** Tries at once instead of waiting for the delay: the network is back, the page is seen again. */
  hurry: () => void;
}

export interface StreamOptions {
  onEvent: LiveListener;
  /** `true` when the stream stands; `false` when it is lost and will be tried again. */
  onState: (isOpen: boolean) => void;
  /** Spreads reconnections, so that many browsers don't meet a restarting daemon at one moment. */
  random?: () => number;
}

/** Opens the stream of events. The first opening says nothing; each later one says `reset`. */
export function openStream({ onEvent, onState, random = Math.random }: StreamOptions): Stream {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let hasBeenOpen = false;
  let isClosed = false;

  const open = () => {
    timer = undefined;
    const opened = new EventSource(address("/events"));
    source = opened;
    opened.onopen = () => {
      failures = 0;
      onState(true);
      if (hasBeenOpen) onEvent("reset", null);
      hasBeenOpen = true;
    };
    // The browser's own retry has no back-off, so each loss is a new beginning here.
    opened.onerror = () => {
      opened.close();
      if (isClosed || source !== opened) return;
      onState(false);
      wait();
    };
    for (const kind of KINDS) opened.addEventListener(kind, (event) => read(kind, event));
  };
  const read = (kind: LiveKind, event: MessageEvent<string>) => {
    try {
      onEvent(kind, event.data ? JSON.parse(event.data) : null);
    } catch (error) {
      console.error("An event could not be read", kind, error);
    }
  };
  const wait = () => {
    const delay = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
    failures += 1;
    timer = setTimeout(open, delay * (0.5 + random() / 2));
  };

  open();
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      source?.close();
    },
    hurry: () => {
      if (isClosed || timer === undefined) return;
      clearTimeout(timer);
      open();
    },
  };
}
