// The chart of response times, its windows, and the same as a table.

import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Chart as ChartData, Metrics, Monitor, StatusInterval } from "../../api/types";
import { gather } from "../../lib/debounce";
import { formatInstant, formatMs } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { recall, remember } from "../../lib/storage";
import { useLive } from "../../state/live";
import { Chart } from "../../ui/chart";
import { Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { DataTable } from "../../ui/table";
import { Tabs } from "../../ui/tabs";
import { toBands, toPoints } from "./chart-data";

const WINDOWS = [
  { value: "1h", label: "1 h" },
  { value: "6h", label: "6 h" },
  { value: "24h", label: "24 h" },
  { value: "7d", label: "7 d" },
  { value: "30d", label: "30 d" },
  { value: "90d", label: "90 d" },
];
// A check every few seconds must not fetch the whole chart every few seconds.
const REFRESH_MS = 15_000;
// A younger monitor would be one dot in a day's chart.
const YOUNG_MS = 3 * 3_600_000;

interface Sight {
  chart: ChartData;
  spans: StatusInterval[];
  metrics: Metrics;
}

async function look(id: number, window: string, signal: AbortSignal): Promise<Sight> {
  const chart = await api.monitors.chart(id, window, signal);
  const range = { from: chart.from, to: chart.to };
  const [spans, metrics] = await Promise.all([
    api.monitors.timeline(id, range, signal),
    api.monitors.metrics(id, range, signal),
  ]);
  return { chart, spans, metrics };
}

/** The section of response times. */
export function ResponseTimes({ monitor }: { monitor: Monitor }) {
  const [window, setWindow] = useState(() => {
    if (Date.now() - Date.parse(monitor.created_at) < YOUNG_MS) return "1h";
    const last = recall("window");
    return WINDOWS.some((one) => one.value === last) && last ? last : "24h";
  });
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
    remember("window", next);
  };
  return (
    <Section title="Response time" actions={<Tabs label="Window" options={WINDOWS} value={window} onChange={choose} />}>
      <Load query={query} skeleton={<Skeleton rows={1} height={286} />}>
        {(sight) => <Drawn sight={sight} />}
      </Load>
    </Section>
  );
}

function Drawn({ sight: { chart, spans, metrics } }: { sight: Sight }) {
  const points = useMemo(() => toPoints(chart), [chart]);
  const bands = useMemo(() => toBands(spans), [spans]);
  if (points.every((point) => point.value === null) && metrics.checks.total === 0) {
    return (
      <Empty icon="monitors" title="Nothing to draw yet">
        <p>There are no checks in this window.</p>
      </Empty>
    );
  }
  const { avg, p50, p95, p99 } = metrics.response_ms;
  return (
    <>
      <Chart
        label="Response time"
        from={Date.parse(chart.from)}
        to={Date.parse(chart.to)}
        points={points}
        bands={bands}
      />
      <dl class="figures">
        <Figure label="Average" value={formatMs(avg)} />
        <Figure label="Median" value={formatMs(p50)} />
        <Figure label="95 % under" value={formatMs(p95)} />
        <Figure label="99 % under" value={formatMs(p99)} />
        <Figure label="Checks" value={String(metrics.checks.total)} />
        <Figure label="Failed" value={String(metrics.checks.down)} />
      </dl>
      <details class="as-table">
        <summary>Show as a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
        <section class="as-table-box" tabIndex={0} aria-label="Response times as a table">
          <DataTable
            caption="Response times"
            rows={points.toReversed()}
            rowKey={(point) => point.at}
            columns={[
              { key: "at", label: "From", phone: "title", cell: (point) => formatInstant(point.at) },
              { key: "value", label: "Average", isNumber: true, cell: (point) => formatMs(point.value) },
              { key: "low", label: "Fastest", isNumber: true, cell: (point) => formatMs(point.low) },
              { key: "high", label: "Slowest", isNumber: true, cell: (point) => formatMs(point.high) },
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
