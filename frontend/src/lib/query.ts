// Loading something for a page: what was last seen at once, then what is true now. Knows no endpoint.

import { signal as shared } from "@preact/signals";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Query<T> {
  data: T | undefined;
  error: Error | undefined;
  /** A request is under way; `data` may already hold what was last seen. */
  isLoading: boolean;
  reload: () => void;
  /** Changes what is shown without asking again: live events and answers of writes. */
  change: (fn: (data: T) => T) => void;
}

// What was last seen, so that going back shows the page at once. Bounded: the oldest goes first.
const CACHE_LIMIT = 60;
// A request that is older than this may hang on a connection that is no more.
const PATIENCE_MS = 10_000;
const cache = new Map<string, unknown>();

function keep(key: string, value: unknown): void {
  cache.delete(key);
  cache.set(key, value);
  const oldest = cache.keys().next();
  if (cache.size > CACHE_LIMIT && !oldest.done) cache.delete(oldest.value);
}

/** Forgets everything: another key may see other things. */
export function forgetQueries(): void {
  cache.clear();
}

const round = shared(0);

/** Lets every query that is shown ask again: what failed before a login may be answered now. */
export function repeatQueries(): void {
  round.value += 1;
}

interface Shown<T> {
  key: string;
  data: T | undefined;
  error: Error | undefined;
  isLoading: boolean;
}

/**
 * Loads `fetcher()` under `key`, again whenever the key changes or `reload` is called. A `reload` during a request
 * follows it: events that come faster than answers would otherwise cancel each of them.
 */
export function useQuery<T>(key: string, fetcher: (signal: AbortSignal) => Promise<T>): Query<T> {
  const fresh = (): Shown<T> => ({ key, data: cache.get(key) as T | undefined, error: undefined, isLoading: true });
  const [state, setState] = useState<Shown<T>>(fresh);
  const [turn, setTurn] = useState(0);
  const latest = useRef(fetcher);
  latest.current = fetcher;
  const askedAt = useRef<number | null>(null);
  const isAgain = useRef(false);
  const shown = state.key === key ? state : fresh();

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` is the request to load again.
  useEffect(() => {
    const abort = new AbortController();
    askedAt.current = Date.now();
    const done = () => {
      askedAt.current = null;
      if (isAgain.current) setTurn((n) => n + 1);
      isAgain.current = false;
    };
    setState((old) => (old.key === key ? { ...old, isLoading: true } : fresh()));
    latest
      .current(abort.signal)
      .then((data) => {
        if (abort.signal.aborted) return;
        keep(key, data);
        setState({ key, data, error: undefined, isLoading: false });
        done();
      })
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = error instanceof Error ? error : new Error(String(error));
        setState((old) => ({ key, data: old.key === key ? old.data : undefined, error: problem, isLoading: false }));
        done();
      });
    return () => {
      abort.abort();
      askedAt.current = null;
      isAgain.current = false;
    };
  }, [key, turn, round.value]);

  const reload = useCallback(() => {
    if (askedAt.current !== null && Date.now() - askedAt.current < PATIENCE_MS) isAgain.current = true;
    else setTurn((n) => n + 1);
  }, []);
  const change = useCallback(
    (fn: (data: T) => T) => {
      setState((old) => {
        if (old.key !== key || old.data === undefined) return old;
        const data = fn(old.data);
        keep(key, data);
        return { ...old, data };
      });
    },
    [key],
  );
  return { data: shown.data, error: shown.error, isLoading: shown.isLoading, reload, change };
}
