// One monitor: how it stands and since when, how fast it answers, what the last checks saw.

import { useEffect, useMemo } from "preact/hooks";
import { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Monitor } from "../../api/types";
import { gather } from "../../lib/debounce";
import { formatDayTime, formatPercent, formatSpan } from "../../lib/format";
import { useMedia } from "../../lib/media";
import { type Query, useQuery } from "../../lib/query";
import type { PageProps } from "../../routes";
import { useLive } from "../../state/live";
import { pageTitle } from "../../state/overview";
import { Ago, Instant, Lasted } from "../../ui/ago";
import { LinkButton } from "../../ui/button";
import { Page } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { StatusIcon, statusLabel } from "../../ui/status";
import { Actions } from "./actions";
import { Certificate } from "./certificate";
import { Changes } from "./changes";
import { Checks } from "./checks";
import { Configuration } from "./configuration";
import { useDependencies } from "./dependencies";
import { Incidents } from "./incidents";
import { ResponseTimes } from "./response-times";
import "./monitor.css";

const WINDOWS = ["24h", "7d", "30d", "90d"] as const;
const WINDOW_DAYS = { "24h": 1, "7d": 7, "30d": 30, "90d": 90 };
const DAY_MS = 86_400_000;
const WINDOW_WORDS = { "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days" };
// A pause or an edit is followed by its check: both events cost one request.
const GATHER_MS = 300;

/** The page of one monitor. */
export default function MonitorPage({ params }: PageProps) {
  const id = Number(params.id);
  const query = useQuery(`monitor ${id}`, (signal) => api.monitors.read(id, signal));
  const { reload, change, data, error } = query;
  const soon = useMemo(() => gather(reload, GATHER_MS), [reload]);
  useLive({
    monitor: (event) => {
      if (event.id === id) soon();
    },
    reset: reload,
    checks: (events) => {
      const last = events.findLast((event) => event.id === id);
      if (!last) return;
      change((monitor) => ({
        ...monitor,
        last_check_at: last.last_check_at,
        last_response_ms: last.last_response_ms,
        confirming: last.confirming ?? monitor.confirming,
        stale: false,
      }));
      // The message and the uptime are not in the event.
      soon();
    },
  });
  const name = data?.name;
  useEffect(() => {
    if (name) pageTitle.value = name;
  }, [name]);
  if (!data && error instanceof ApiError && error.status === 404) return <Gone />;
  const load = (
    <Load query={query} skeleton={<Waiting />}>
      {(monitor) => <Shown monitor={monitor} query={query} />}
    </Load>
  );
  return data ? load : <Page title="Monitor">{load}</Page>;
}

function Gone() {
  return (
    <Page title="No such monitor">
      <Empty
        icon="monitors"
        title="This monitor does not exist"
        action={<LinkButton href="./monitors">To all monitors</LinkButton>}
      >
        <p>It may have been deleted.</p>
      </Empty>
    </Page>
  );
}

function Waiting() {
  return (
    <>
      <Skeleton rows={1} height={84} />
      <Skeleton rows={1} height={76} />
      <Skeleton rows={1} height={280} />
      <Skeleton rows={5} />
    </>
  );
}

// In one column, twenty checks would bury the incidents and the configuration. The order of the document changes with
// that of the eye, so that the keyboard follows it.
const NARROW = "(max-width: 900px)";

function Shown({ monitor, query }: { monitor: Monitor; query: Query<Monitor> }) {
  const isNarrow = useMedia(NARROW);
  const main = (
    <div key="main" class="monitor-part">
      <Changes monitor={monitor} />
      <Checks monitor={monitor} />
    </div>
  );
  const side = (
    <div key="side" class="monitor-part">
      <Incidents monitor={monitor} />
      <Certificate monitor={monitor} />
      <Configuration monitor={monitor} />
    </div>
  );
  return (
    <Page
      crumb={<a href="./monitors">Monitors</a>}
      title={monitor.name}
      note={<Target monitor={monitor} />}
      actions={<Actions monitor={monitor} onChange={query.reload} />}
    >
      <Standing monitor={monitor} />
      <Uptimes monitor={monitor} />
      <ResponseTimes monitor={monitor} />
      <div class="two-thirds">{isNarrow ? [side, main] : [main, side]}</div>
    </Page>
  );
}

function Target({ monitor }: { monitor: Monitor }) {
  if (!/^https?:\/\//.test(monitor.target)) return <span class="code">{monitor.target}</span>;
  return (
    <a class="code" href={monitor.target} target="_blank" rel="noreferrer noopener">
      {monitor.target}
      <span class="sr-only"> (opens in a new tab)</span>
    </a>
  );
}

function Standing({ monitor }: { monitor: Monitor }) {
  const { status, status_since: since } = monitor;
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
          {status === "paused" ? (
            "It is not checked until it is resumed."
          ) : (
            <>
              Checked <Ago at={monitor.last_check_at} />, every {formatSpan(monitor.interval)}.
            </>
          )}
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

function Uptimes({ monitor }: { monitor: Monitor }) {
  return (
    <ul class="tiles" aria-label="Uptime">
      {WINDOWS.map((window) => (
        <li key={window}>
          <div class="tile">
            <span class="tile-number">{formatPercent(monitor.uptime[window])}</span>
            <span class="tile-word">
              {monitor.uptime[window] === null ? "no data, " : "up, "}
              {Date.parse(monitor.created_at) > Date.now() - WINDOW_DAYS[window] * DAY_MS
                ? `since ${formatDayTime(monitor.created_at)}`
                : WINDOW_WORDS[window]}
            </span>
          </div>
        </li>
      ))}
    </ul>
  );
}
