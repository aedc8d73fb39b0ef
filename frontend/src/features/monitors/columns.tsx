// The columns of the list of monitors.

import type { Heartbeat, Monitor } from "../../api/types";
import { now } from "../../lib/clock";
import { formatInstant, formatMs, formatPercent, formatRough } from "../../lib/format";
import { Ago } from "../../ui/ago";
import { Sparkline } from "../../ui/sparkline";
import { StatusIcon } from "../../ui/status";
import type { Column } from "../../ui/table";

// A row stays one line high: what does not fit is counted, and named on hover.
const MOST_CHIPS = 2;

interface Selecting {
  chosen: ReadonlySet<number>;
  toggle: (id: number) => void;
  canWrite: boolean;
}

function Name({ monitor }: { monitor: Monitor }) {
  return (
    <div class="monitor-name">
      <StatusIcon status={monitor.status} size={18} />
      <div class="monitor-words">
        <a class="monitor-link" href={`./monitors/${monitor.id}`}>
          {monitor.name}
        </a>
        {monitor.confirming && (
          <span class="chip chip-doubt" title="The last checks contradict the status; it is being confirmed">
            Confirming
          </span>
        )}
        {monitor.stale && (
          <span class="chip chip-doubt" title="The last check is older than it should be">
            Stale
          </span>
        )}
        <span class="monitor-target">
          {monitor.status === "down" && monitor.last_message ? monitor.last_message : <Told monitor={monitor} />}
        </span>
      </div>
    </div>
  );
}

// A heartbeat need not say where it runs; when it was heard of last does as well.
function Told({ monitor: { target, heartbeat } }: { monitor: Monitor }) {
  if (target !== "" || !heartbeat?.last_ping_at) return <>{target}</>;
  return (
    <>
      last ping <Ago at={heartbeat.last_ping_at} />
    </>
  );
}

// In the place of the response time: when a heartbeat is heard of next.
function Due({ monitor, heartbeat }: { monitor: Monitor; heartbeat: Heartbeat }) {
  const { next_expected_at: next, last_ping_at: last } = heartbeat;
  if (last === null) return <span class="muted">no ping yet</span>;
  if (next === null || monitor.status === "paused") return <span class="muted">–</span>;
  const seconds = (Date.parse(next) - now.value) / 1000;
  return (
    <span title={`A ping is expected ${formatInstant(next)}`}>
      {seconds < 0 ? (
        "overdue"
      ) : (
        <>
          <span class="wide-word">due </span>in {formatRough(seconds)}
        </>
      )}
    </span>
  );
}

function Tags({ monitor }: { monitor: Monitor }) {
  if (monitor.tags.length === 0 && !monitor.group) return null;
  const room = monitor.group ? MOST_CHIPS - 1 : MOST_CHIPS;
  const hidden = monitor.tags.slice(room);
  return (
    <span class="chips chips-line">
      {monitor.group && (
        <a class="chip chip-group" href={`./monitors?group=${encodeURIComponent(monitor.group)}`}>
          {monitor.group}
        </a>
      )}
      {monitor.tags.slice(0, room).map((tag) => (
        <a key={tag} class="chip" href={`./monitors?tag=${encodeURIComponent(tag)}`}>
          {tag}
        </a>
      ))}
      {hidden.length > 0 && (
        <span class="chip" title={hidden.join(", ")}>
          +{hidden.length}
        </span>
      )}
    </span>
  );
}

/** The columns, with a box to choose rows for those who may change them. */
export function columns({ chosen, toggle, canWrite }: Selecting): Column<Monitor>[] {
  const choice: Column<Monitor> = {
    key: "choice",
    label: "",
    title: "Select",
    class: "cell-choice",
    phone: "bare",
    cell: (monitor) => (
      <label class="choice">
        <input type="checkbox" checked={chosen.has(monitor.id)} onChange={() => toggle(monitor.id)} />
        <span class="sr-only">Select {monitor.name}</span>
      </label>
    ),
  };
  const rest: Column<Monitor>[] = [
    {
      key: "name",
      label: "Monitor",
      sort: "name",
      class: "cell-name",
      phone: "title",
      cell: (monitor) => <Name monitor={monitor} />,
    },
    {
      key: "tags",
      label: "Group and tags",
      class: "cell-tags",
      phone: "hide",
      cell: (monitor) => <Tags monitor={monitor} />,
    },
    {
      key: "recent",
      label: "Latest results",
      class: "cell-spark",
      phone: "bare",
      cell: (monitor) => <Sparkline points={monitor.recent ?? []} noun={monitor.heartbeat ? "result" : "check"} />,
    },
    {
      key: "response",
      label: "Response or due",
      isNumber: true,
      sort: "response",
      class: "cell-response",
      phoneLabel: (monitor) => (monitor.heartbeat ? "Next ping" : "Response"),
      cell: (monitor) =>
        monitor.heartbeat ? (
          <Due monitor={monitor} heartbeat={monitor.heartbeat} />
        ) : (
          formatMs(monitor.last_response_ms)
        ),
    },
    {
      key: "uptime",
      label: "Uptime 24 h",
      isNumber: true,
      class: "cell-uptime",
      cell: (monitor) => formatPercent(monitor.uptime["24h"]),
    },
    {
      key: "checked",
      label: "Latest",
      isNumber: true,
      sort: "last_check_at",
      class: "cell-checked muted",
      phone: "hide",
      cell: (monitor) => <Ago at={monitor.heartbeat ? monitor.heartbeat.last_ping_at : monitor.last_check_at} />,
    },
  ];
  return canWrite ? [choice, ...rest] : rest;
}
