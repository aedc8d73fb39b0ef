// What is wrong, first; then the numbers. When nothing is wrong the page says so in one line.

import { useMemo } from "preact/hooks";
import { sentence } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Incident, Monitor, Overview, Part } from "../../api/types";
import { gather } from "../../lib/debounce";
import { formatCount, formatRate, plural } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { useLive } from "../../state/live";
import { overview } from "../../state/overview";
import { may, refusal } from "../../state/session";
import { LinkButton } from "../../ui/button";
import { Icon } from "../../ui/icons";
import { Page, Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { StatusIcon } from "../../ui/status";
import { Uptimes } from "../../ui/uptimes";
import { OpenIncidents, Troubled } from "./trouble";

const MOST_TROUBLED = 50;
const DAY_MS = 86_400_000;

export interface Sight {
  counts: Overview;
  troubled: Monitor[];
  incidents: Incident[];
  /** Deliveries of the last day that were given up. */
  failed: number;
  /** What is wrong with Asura itself; null when it is well. */
  health: Wellness | null;
}

interface Wellness {
  reason: string;
  parts: Part[];
}

async function look(signal: AbortSignal): Promise<Sight> {
  const listed = (status: string) =>
    may("incidents.read")
      ? api.incidents.list({ status, per_page: MOST_TROUBLED }, signal).then((page) => page.data)
      : [];
  const [counts, monitors, open, acknowledged, failed, health] = await Promise.all([
    api.system.overview(signal),
    api.monitors.list({ include: "recent", sort: "status", per_page: MOST_TROUBLED }, signal),
    listed("open"),
    listed("acknowledged"),
    countFailed(signal),
    readHealth(signal),
  ]);
  // The list comes with what is wrong first, so its first page holds what needs a look.
  return { counts, troubled: monitors.data.filter(needsLook), incidents: [...open, ...acknowledged], failed, health };
}

async function countFailed(signal: AbortSignal): Promise<number> {
  if (!may("notifications.read")) return 0;
  const page = await api.channels.history({ status: "failed", per_page: MOST_TROUBLED }, signal);
  return page.data.filter((one) => Date.now() - Date.parse(one.finished_at ?? one.created_at) < DAY_MS).length;
}

async function readHealth(signal: AbortSignal): Promise<Wellness | null> {
  try {
    const { status, reason } = await api.health(signal);
    if (status === "ok") return null;
    const parts = may("system.read") ? (await api.system.facts(signal)).parts : [];
    return { reason: reason ?? "", parts: parts.filter((part) => part.state !== "running") };
  } catch {
    // The page's other requests fail as well then, and say why.
    return null;
  }
}

function needsLook(monitor: Monitor): boolean {
  if (monitor.status === "paused") return false;
  return monitor.status === "down" || monitor.status === "degraded" || monitor.confirming || monitor.stale;
}

/** The overview page. */
export default function OverviewPage() {
  const query = useQuery("overview", look);
  const { reload } = query;
  const soon = useMemo(() => gather(reload, 700), [reload]);
  useLive({ monitor: soon, incident: soon, reset: soon });
  return (
    <Page title="Overview">
      <Load query={query} skeleton={<Waiting />}>
        {(sight) => <Sighted sight={{ ...sight, counts: overview.value ?? sight.counts }} onChange={reload} />}
      </Load>
    </Page>
  );
}

function Waiting() {
  return (
    <>
      <Skeleton rows={1} height={72} />
      <Skeleton rows={1} height={64} />
      <Skeleton rows={4} />
    </>
  );
}

function Sighted({ sight, onChange }: { sight: Sight; onChange: () => void }) {
  const { counts, troubled, incidents, failed, health } = sight;
  if (counts.monitors.total === 0) return <First health={health} />;
  const known = new Set(incidents.map((incident) => incident.monitor_id));
  const others = troubled.filter((monitor) => !known.has(monitor.id));
  return (
    <>
      <Verdict sight={sight} />
      <Parts health={health} />
      {incidents.length > 0 && <OpenIncidents incidents={incidents} monitors={troubled} onChange={onChange} />}
      {others.length > 0 && <Troubled monitors={others} />}
      {failed > 0 && <Undelivered count={failed} />}
      <Counts counts={counts} />
    </>
  );
}

function First({ health }: { health: Wellness | null }) {
  return (
    <>
      <Parts health={health} />
      <Empty
        icon="monitors"
        title="Nothing is watched yet"
        action={
          <LinkButton href="./monitors/new" kind="primary" icon="plus" refusal={refusal("monitors.write")}>
            Create your first monitor
          </LinkButton>
        }
      >
        <p>
          A monitor checks a website, an API or a port at its interval, or waits for a job to report, and tells you when
          it goes down.
        </p>
        <p>
          To be told, also add a <a href="./notifications">notification channel</a>.
        </p>
      </Empty>
    </>
  );
}

function Verdict({ sight: { counts, troubled, incidents } }: { sight: Sight }) {
  const { down, degraded, up, pending, total, paused, maintenance } = counts.monitors;
  const doubted = troubled.filter((one) => one.confirming).length;
  const watched = total - paused - maintenance;
  const rest = [
    degraded > 0 && `${formatCount(degraded)} degraded`,
    doubted > 0 && `${formatCount(doubted)} being confirmed`,
    pending > 0 && `${formatCount(pending)} not heard of yet`,
    paused > 0 && `${formatCount(paused)} paused`,
  ].filter(Boolean);
  const worst = down > 0 ? "down" : degraded > 0 ? "degraded" : up > 0 ? "up" : "pending";
  const words =
    down > 0
      ? `${plural(down, "monitor")} down`
      : watched === 0
        ? "Every monitor is paused"
        : up === 0 && pending > 0
          ? "Waiting for the first results"
          : degraded > 0 || doubted > 0 || incidents.length > 0
            ? "Nothing is down"
            : pending > 0
              ? `All ${formatCount(up)} monitors with a result are up`
              : watched === 1
                ? "The monitor is up"
                : `All ${formatCount(watched)} monitors are up`;
  return (
    <div class={`verdict verdict-${worst}`}>
      <StatusIcon status={worst} size={28} />
      <div>
        <p class="verdict-words">{words}</p>
        <p class="muted">{rest.length > 0 ? `${rest.join(", ")}.` : down > 0 ? "" : "Nothing needs you."}</p>
      </div>
    </div>
  );
}

function Parts({ health }: { health: Wellness | null }) {
  if (!health) return null;
  return (
    <div class="failure failure-list" role="alert">
      <p>
        <strong>Asura itself is not well.</strong> {sentence(health.reason)}
      </p>
      <ul>
        {health.parts.map((part) => (
          <li key={part.name}>
            {part.name} is {part.state}
            {part.last_error && `: ${part.last_error}`}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Undelivered({ count }: { count: number }) {
  return (
    <p class="notice notice-below">
      <span>{plural(count, "notification")} of the last day could not be delivered.</span>
      <a href="./notifications?status=failed">See why</a>
    </p>
  );
}

const SHOWN = ["up", "degraded", "down", "pending", "paused"] as const;
const WORDS = { up: "Up", degraded: "Degraded", down: "Down", pending: "Pending", paused: "Paused" };

function Counts({ counts }: { counts: Overview }) {
  return (
    <Section title="At a glance">
      <ul class="tiles tiles-above">
        {SHOWN.map((status) => (
          <li key={status}>
            <a class="tile" href={`./monitors?status=${status}`}>
              <span class="tile-number">{formatCount(counts.monitors[status])}</span>
              <span class="tile-word">
                <StatusIcon status={status} size={13} />
                <span aria-hidden="true">{WORDS[status]}</span>
              </span>
            </a>
          </li>
        ))}
        <li>
          <div class="tile">
            <span class="tile-number">{formatRate(counts.checks_per_minute)}</span>
            <span class="tile-word">
              <Icon name="clock" size={13} /> checks a minute
            </span>
          </div>
        </li>
      </ul>
      <Uptimes uptime={counts.uptime} />
    </Section>
  );
}
