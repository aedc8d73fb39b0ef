// Many wishes within a moment become one act: live events come in bursts.

export interface Debounced {
  (): void;
  cancel: () => void;
}

/** Calls `act` once, `wait` ms after the first of a burst of calls: a steady stream can't starve it. */
export function gather(act: () => void, wait: number): Debounced {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = (() => {
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      act();
    }, wait);
  }) as Debounced;
  run.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return run;
}
