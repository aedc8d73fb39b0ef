// One monitor: how it stands and since when, how fast it answers, what was seen of it last.

import { useEffect, useMemo } from "preact/hooks";
import { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Heartbeat, Monitor } from "../../api/types";
import { gather } from "../../lib/debounce";
import { useMedia } from "../../lib/media";
import { type Query, useQuery } from "../../lib/query";
import type { PageProps } from "../../routes";
import { useLive } from "../../state/live";
import { pageTitle } from "../../state/overview";
import { LinkButton } from "../../ui/button";
import { Page } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { Uptimes } from "../../ui/uptimes";
import { Actions } from "./actions";
import { Certificate } from "./certificate";
import { Changes } from "./changes";
import { Checks } from "./checks";
import { Configuration } from "./configuration";
import { Incidents } from "./incidents";
import { ResponseTimes } from "./response-times";
import { NARROW, Standing } from "./standing";
import "./monitor.css";

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
    pings: (events) => {
      if (events.some((event) => event.id === id)) soon();
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

function Shown({ monitor, query }: { monitor: Monitor; query: Query<Monitor> }) {
  const { heartbeat } = monitor;
  return (
    <Page
      crumb={<a href="./monitors">Monitors</a>}
      title={monitor.name}
      note={<Target monitor={monitor} />}
      actions={<Actions monitor={monitor} onChange={query.reload} />}
    >
      <Standing monitor={monitor} />
      {heartbeat ? (
        <Heartbeats monitor={monitor} heartbeat={heartbeat} onChange={(next) => query.change(() => next)} />
      ) : (
        <CheckedParts monitor={monitor} />
      )}
    </Page>
  );
}

function Heartbeats(props: { monitor: Monitor; heartbeat: Heartbeat; onChange: (monitor: Monitor) => void }) {
  const code = useQuery("code of heartbeats", () => import("./heartbeat"));
  return (
    <Load query={code} skeleton={<Skeleton rows={5} height={76} />}>
      {({ HeartbeatParts }) => <HeartbeatParts {...props} />}
    </Load>
  );
}

function CheckedParts({ monitor }: { monitor: Monitor }) {
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
    <>
      <Uptimes uptime={{ ...monitor.uptime }} since={monitor.created_at} />
      <ResponseTimes monitor={monitor} />
      <div class="two-thirds">{isNarrow ? [side, main] : [main, side]}</div>
    </>
  );
}

function Target({ monitor }: { monitor: Monitor }) {
  if (monitor.heartbeat) return <>{monitor.target}</>;
  if (!/^https?:\/\//.test(monitor.target)) return <span class="code">{monitor.target}</span>;
  return (
    <a class="code" href={monitor.target} target="_blank" rel="noreferrer noopener">
      {monitor.target}
      <span class="sr-only"> (opens in a new tab)</span>
    </a>
  );
}
