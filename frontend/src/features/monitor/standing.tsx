// How a monitor stands: the verdict in words, since when and why.

import type { Heartbeat, Monitor } from "../../api/types";
import { formatSpan } from "../../lib/format";
import { useMedia } from "../../lib/media";
import { Ago, Instant, Lasted } from "../../ui/ago";
import { StatusIcon, statusLabel } from "../../ui/status";
import { useDependencies } from "./dependencies";
import { Expectation } from "./expectation";

// In one column, twenty checks would bury the incidents and the configuration. The order of the document changes with
// that of the eye, so that the keyboard follows it.
export const NARROW = "(max-width: 1100px)";

/** Rows of a list of checks or pings; on a phone each is a card, and twenty are many screens of the same words. */
export function usePageSize(): number {
  return useMedia(NARROW) ? 10 : 20;
}

/** The verdict. */
export function Standing({ monitor }: { monitor: Monitor }) {
  const { status, status_since: since, heartbeat } = monitor;
  return (
    <div class={`verdict verdict-${status}`}>
      <StatusIcon status={status} size={28} />
      <div class="verdict-body">
        <p class="verdict-words">
          <span aria-hidden="true">{statusLabel(status)}</span>
          {since && (
            <span class="verdict-since">
              {" "}
              for <Lasted from={since} />, since <Instant at={since} />
            </span>
          )}
        </p>
        {monitor.last_message && <p class="verdict-message">{monitor.last_message}</p>}
        <p class="muted">
          {heartbeat ? <Reported heartbeat={heartbeat} monitor={monitor} /> : <Checked monitor={monitor} />}
        </p>
        {monitor.confirming && (
          <p class="verdict-doubt">
            {status === "down"
              ? `It answers again; ${monitor.success_threshold} good checks in a row make it up.`
              : `The last check failed; ${monitor.failure_threshold} in a row make it down.`}
          </p>
        )}
        {monitor.suppressed_by.length > 0 && <Cause ids={monitor.suppressed_by} />}
        {monitor.stale && <p class="verdict-doubt">The last check is older than it should be.</p>}
      </div>
    </div>
  );
}

function Checked({ monitor }: { monitor: Monitor }) {
  if (monitor.status === "paused") return <>It is not checked until it is resumed.</>;
  return (
    <>
      Checked <Ago at={monitor.last_check_at} />, every {formatSpan(monitor.interval)}.
    </>
  );
}

function Reported({ heartbeat, monitor }: { heartbeat: Heartbeat; monitor: Monitor }) {
  const { last_ping_at: last } = heartbeat;
  if (monitor.status === "paused") return <>What it reports is kept, but changes nothing until it is resumed.</>;
  if (last === null) {
    return heartbeat.ping_url === null ? (
      <>Waiting for the first ping of the job.</>
    ) : (
      <>Waiting for the first ping: paste a line from below where the job runs, or open its URL once.</>
    );
  }
  return (
    <>
      {monitor.status === "pending" ? "Waiting for the next ping; the last one came " : "Last ping "}
      <Ago at={last} />, expected <Expectation monitor={monitor} heartbeat={heartbeat} />.
    </>
  );
}

function Cause({ ids }: { ids: number[] }) {
  const query = useDependencies(ids);
  return (
    <p class="verdict-doubt">
      It depends on{" "}
      {ids.map((id, index) => (
        <span key={id}>
          {index > 0 && ", "}
          <a href={`./monitors/${id}`}>{query.data?.[index]?.name ?? `monitor ${id}`}</a>
        </span>
      ))}
      , which is down: until that is over no incident is opened for this one.
    </p>
  );
}
