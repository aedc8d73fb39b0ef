// Moments and spans that keep themselves current.

import { now } from "../lib/clock";
import { formatAgo, formatInstant, formatSpan } from "../lib/format";

/** `3 min ago`, with the full moment on hover and for machines. */
export function Ago({ at }: { at: string | null | undefined }) {
  if (!at) return <span class="muted">never</span>;
  return (
    <time dateTime={at} title={formatInstant(at)}>
      {formatAgo(Date.parse(at), now.value)}
    </time>
  );
}

/** How long from `from` to `to`, or to now. */
export function Lasted({ from, to }: { from: string; to?: string | null }) {
  const end = to ? Date.parse(to) : now.value;
  return <span title={formatInstant(from)}>{formatSpan((end - Date.parse(from)) / 1000)}</span>;
}

/** The moment itself. */
export function Instant({ at }: { at: string }) {
  return <time dateTime={at}>{formatInstant(at)}</time>;
}
