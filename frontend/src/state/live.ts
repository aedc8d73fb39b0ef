// What keeps every page current: the stream of events, or polling while there is none.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ApiError } from "../api/client";
import { type LiveEvents, type LiveKind, openStream, type Stream } from "../api/live";
import { overviewQuery } from "./overview";

export type LiveMode = "connecting" | "live" | "polling" | "offline";

const POLL_MS = 30_000;
// A stream whose far end vanished without a word looks open for ever: after this silence, ask.
const SILENCE_MS = 60_000;
// Browsers open six connections to one host: with a stream for each tab in the background, the seventh tab would
// hang. A tab that nobody has seen for this long gives its stream back and only keeps its title by polling.
const REST_MS = 60_000;

export const liveMode = signal<LiveMode>("connecting");

type AnyListener = (kind: LiveKind, event: LiveEvents[LiveKind]) => void;
const listeners = new Set<AnyListener>();

function say<K extends LiveKind>(kind: K, event: LiveEvents[K]): void {
  for (const listener of [...listeners]) listener(kind, event);
}

// What alone changes no count: a ping that makes something of its monitor is told as a change of the monitor, too.
const UNCOUNTED: ReadonlySet<LiveKind> = new Set(["pings", "delivery", "channel"]);

/** Starts the stream; answers the function that ends it. */
export function startLive(): () => void {
  let heardAt = Date.now();
  let stream: Stream | null = null;
  let isResting = false;
  let resting: ReturnType<typeof setTimeout> | undefined;

  const connect = () => {
    stream?.close();
    stream = openStream({
      onEvent: (kind, event) => {
        heardAt = Date.now();
        say(kind, event);
        if (!UNCOUNTED.has(kind)) overviewQuery.soon();
      },
      onState: (isOpen) => {
        heardAt = Date.now();
        if (isOpen) liveMode.value = "live";
        else if (liveMode.value !== "polling") void poll();
      },
    });
  };
  const poll = async () => {
    try {
      await overviewQuery.load();
      if (liveMode.value === "live") return;
      liveMode.value = "polling";
      say("reset", null);
    } catch (error) {
      if (error instanceof ApiError && error.status !== 0 && error.status < 500) return;
      liveMode.value = "offline";
    }
  };
  const tick = () => {
    if (isResting) {
      overviewQuery.load().catch(() => {});
    } else if (liveMode.value !== "live") {
      void poll();
    } else if (Date.now() - heardAt > SILENCE_MS) {
      heardAt = Date.now();
      overviewQuery.load().catch(() => connect());
    }
  };
  const rest = () => {
    isResting = true;
    stream?.close();
  };
  const wake = () => {
    clearTimeout(resting);
    if (document.hidden) {
      resting = setTimeout(rest, REST_MS);
    } else if (isResting) {
      isResting = false;
      connect();
      say("reset", null);
    } else {
      stream?.hurry();
    }
  };

  connect();
  overviewQuery.load().catch(() => {});
  const timer = setInterval(tick, POLL_MS);
  window.addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  return () => {
    clearInterval(timer);
    clearTimeout(resting);
    window.removeEventListener("online", wake);
    document.removeEventListener("visibilitychange", wake);
    stream?.close();
    overviewQuery.stop();
    liveMode.value = "connecting";
  };
}

/** Calls the handlers of a page for what happens while it is shown. */
export function useLive(handlers: { [K in LiveKind]?: (event: LiveEvents[K]) => void }): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const listener = <K extends LiveKind>(kind: K, event: LiveEvents[K]) => latest.current[kind]?.(event);
    listeners.add(listener as AnyListener);
    return () => {
      listeners.delete(listener as AnyListener);
    };
  }, []);
}
