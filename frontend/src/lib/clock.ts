// One ticking clock for every "3 min ago", so that a page with 200 of them has one timer.

import { signal } from "@preact/signals";

const SECOND = 1000;

/** Now, in milliseconds, to the second. */
export const now = signal(Date.now());

let timer: ReturnType<typeof setInterval> | undefined;

/** Starts the clock; it rests while nobody can see the page. */
export function startClock(): void {
  const run = () => {
    clearInterval(timer);
    if (document.hidden) return;
    now.value = Date.now();
    timer = setInterval(() => {
      now.value = Date.now();
    }, SECOND);
  };
  document.addEventListener("visibilitychange", run);
  run();
}
