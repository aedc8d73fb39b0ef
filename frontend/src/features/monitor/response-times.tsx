// The chart of response times, its windows, and the same as a table.

import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Chart as ChartData, Metrics, Monitor, StatusInterval } from "../../api/types";
import { gather } from "../../lib/debounce";
import { formatInstant, formatMs, formatRun } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { spanTicks, valueTicks } from "../../lib/scale";
import { recall, remember } from "../../lib/storage";
import { useLive } from "../../state/live";
import { Chart, type Measure } from "../../ui/chart";
import { Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { DataTable } from "../../ui/table";
import { Tabs } from "../../ui/tabs";
import { toBands, toPoints } from "./chart-data";

const WINDOWS = [
  { value: "1h", label: "1 h", hours: 1 },
  { value: "6h", label: "6 h", hours: 6 },
  { value: "24h", label: "24 h", hours: 24 },
  { value: "7d", label: "7 d", hours: 168 },
  { value: "30d", label: "30 d", hours: 720 },
  { value: "90d", label: "90 d", hours: 2160 },
  { value: "365d", label: "1 y", hours: 8760 },
];
// A check every few seconds must not fetch the whole chart every few seconds.
const REFRESH_MS = 15_000;
// A younger monitor would be one dot in a day's chart.
const YOUNG_MS = 3 * 3_600_000;

interface Words extends Measure {
  title: string;
  noun: string;
  fastest: string;
  slowest: string;
  empty: string;
}

const CHECKS: Words = {
  title: "Response time",
  noun: "check",
  fastest: "Fastest",
  slowest: "Slowest",
  empty: "There are no checks in this window.",
  format: formatMs,
  ticks: valueTicks,
  none: "no answer",
};
// A result is a success, a failure, or a ping that did not come.
const RUNS: Words = {
  title: "Run time",
  noun: "result",
  fastest: "Shortest",
  slowest: "Longest",
  empty: "There are no results in this window.",
  format: formatRun,
  ticks: spanTicks,
  none: "no run time",
};

interface Sight {
  chart: ChartData;
  spans: StatusInterval[];
  metrics: Metrics;
}

/** What is drawn of a monitor. */
export async function look(id: number, window: string, signal: AbortSignal): Promise<Sight> {
  const chart = await api.monitors.chart(id, window, signal);
  const range = { from: chart.from, to: chart.to };
  const [spans, metrics] = await Promise.all([
    api.monitors.timeline(id, range, signal).catch(noneIfTooMany),
    api.monitors.metrics(id, range, signal),
  ]);
  return { chart, spans, metrics };
}

// More changes than are told at once are more than can be drawn: the chart stands without them.
function noneIfTooMany(problem: unknown): StatusInterval[] {
  if (problem instanceof ApiError && "from" in problem.fields) return [];
  throw problem;
}

/** The section of response times; of a heartbeat, how long its runs took. */
export function ResponseTimes({ monitor }: { monitor: Monitor }) {
  const words = monitor.heartbeat ? RUNS : CHECKS;
  const [window, setWindow] = useState(() => firstWindow(monitor));
  const query = useQuery(`chart ${monitor.id} ${window}`, (signal) => look(monitor.id, window, signal));
  const refresh = useMemo(() => gather(query.reload, REFRESH_MS), [query.reload]);
  useEffect(() => () => refresh.cancel(), [refresh]);
  useLive({
    checks: (events) => {
      if (events.some((event) => event.id === monitor.id)) refresh();
    },
    monitor: (event) => {
      if (event.id === monitor.id) query.reload();
    },
    reset: query.reload,
  });
  const choose = (next: string) => {
    setWindow(next);
    if (!monitor.heartbeat) remember("window", next);
  };
  return (
    <Section title={words.title} actions={<Tabs label="Window" options={WINDOWS} value={window} onChange={choose} />}>
      <Load query={query} skeleton={<Skeleton rows={1} height={286} />}>
        {(sight) => <Drawn sight={sight} words={words} />}
      </Load>
    </Section>
  );
}

// Enough runs to see whether they grow longer.
const RUNS_SHOWN = 30;

/** The window to begin with: the last one chosen, or of a heartbeat the one that holds some runs of it. */
export function firstWindow({ heartbeat, interval, created_at: created }: Monitor): string {
  if (heartbeat) {
    if (heartbeat.schedule) return "7d";
    return WINDOWS.find((one) => one.hours * 3600 >= interval * RUNS_SHOWN)?.value ?? "365d";
  }
  if (Date.now() - Date.parse(created) < YOUNG_MS) return "1h";
  const last = recall("window");
  return WINDOWS.some((one) => one.value === last) && last ? last : "24h";
}

function Drawn({ sight: { chart, spans, metrics }, words }: { sight: Sight; words: Words }) {
  const { format, noun } = words;
  const points = useMemo(() => toPoints(chart, noun), [chart, noun]);
  const bands = useMemo(() => toBands(spans), [spans]);
  if (points.every((point) => point.value === null) && metrics.checks.total === 0) {
    return (
      <Empty icon="monitors" title="Nothing to draw yet">
        <p>{words.empty}</p>
      </Empty>
    );
  }
  const { avg, p50, p95, p99 } = metrics.response_ms;
  return (
    <>
      <Chart
        label={words.title}
        from={Date.parse(chart.from)}
        to={Date.parse(chart.to)}
        points={points}
        bands={bands}
        measure={words}
      />
      {words === RUNS && avg === null && (
        <p class="field-help">No run times: they are measured from a start, sent to /start, to its end.</p>
      )}
      <dl class="figures">
        <Figure label="Average" value={format(avg)} />
        <Figure label="Median" value={format(p50)} />
        <Figure label="95 % under" value={format(p95)} />
        <Figure label="99 % under" value={format(p99)} />
        <Figure label={words === RUNS ? "Results" : "Checks"} value={String(metrics.checks.total)} />
        <Figure label="Failed" value={String(metrics.checks.down)} />
      </dl>
      <details class="as-table">
        <summary>Show as a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
        <section class="as-table-box" tabIndex={0} aria-label={`${words.title} as a table`}>
          <DataTable
            caption={words.title}
            rows={points.toReversed()}
            rowKey={(point) => point.at}
            columns={[
              { key: "at", label: "From", phone: "title", cell: (point) => formatInstant(point.at) },
              { key: "value", label: "Average", isNumber: true, cell: (point) => format(point.value) },
              { key: "low", label: words.fastest, isNumber: true, cell: (point) => format(point.low) },
              { key: "high", label: words.slowest, isNumber: true, cell: (point) => format(point.high) },
              { key: "note", label: "Note", cell: (point) => point.note },
            ]}
          />
        </section>
      </details>
    </>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
