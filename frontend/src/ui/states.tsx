// The states that every page has besides being full: loading, empty, failed.

import type { ComponentChildren } from "preact";
import { Button } from "./button";
import { Icon, type IconName } from "./icons";

/** Grey lines in the place of what is coming, so that nothing jumps when it comes. */
export function Skeleton({ rows = 3, height = 44 }: { rows?: number; height?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} class="skeleton-row" style={{ height: `${height}px` }} />
      ))}
    </div>
  );
}

/** Nothing to show, why, and what to do. */
export function Empty(props: {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      {props.icon && <Icon name={props.icon} size={28} />}
      <p class="empty-title">{props.title}</p>
      {props.children && <div class="empty-text">{props.children}</div>}
      {props.action && <div class="empty-action">{props.action}</div>}
    </div>
  );
}

/** Something could not be loaded: what, and a way to try again. */
export function Failure({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <p>
        <strong>This could not be loaded.</strong> {error.message}
      </p>
      {onRetry && (
        <Button icon="refresh" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

interface Loadable<T> {
  data: T | undefined;
  error: Error | undefined;
  reload: () => void;
}

/** Shows what a query has: its data (with a note when the last reload failed), its failure, or the skeleton. */
export function Load<T>(props: {
  query: Loadable<T>;
  skeleton: ComponentChildren;
  children: (data: T) => ComponentChildren;
}) {
  const { data, error, reload } = props.query;
  if (data === undefined) {
    if (error) return <Failure error={error} onRetry={reload} />;
    return (
      <div aria-busy="true">
        <span class="sr-only">Loading…</span>
        {props.skeleton}
      </div>
    );
  }
  return (
    <>
      {error && (
        <div class="stale-note" role="status">
          <span>Not current: {error.message}</span>
          <Button isSmall kind="quiet" icon="refresh" onClick={reload}>
            Try again
          </Button>
        </div>
      )}
      {props.children(data)}
    </>
  );
}
