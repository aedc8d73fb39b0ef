// All monitors, live: find, narrow, sort, and act on many at once.

import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Page as ApiPage, Monitor } from "../../api/types";
import { gather } from "../../lib/debounce";
import { plural } from "../../lib/format";
import { type Query, useQuery } from "../../lib/query";
import { useLive } from "../../state/live";
import { may, refusal } from "../../state/session";
import { Button, LinkButton } from "../../ui/button";
import { Page } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { DataTable, Pager } from "../../ui/table";
import { BulkBar } from "./bulk";
import { columns } from "./columns";
import { FilterBar } from "./filter-bar";
import { clearFilters, type Filters, isNarrowed, readFilters, toQuery, writeFilters } from "./filters";
import { mergeChecks } from "./merge";
import "./monitors.css";

// Some jobs report every second: that alone reloads the list only so often.
const PINGED_MS = 5000;

/** The page of all monitors. */
export default function MonitorsPage() {
  const filters = readFilters();
  const query = useQuery(`monitors ${JSON.stringify(toQuery(filters))}`, (signal) =>
    api.monitors.list(toQuery(filters), signal),
  );
  const { reload, change } = query;
  const soon = useMemo(() => gather(reload, 1000), [reload]);
  useEffect(() => () => soon.cancel(), [soon]);
  const later = useMemo(() => gather(reload, PINGED_MS), [reload]);
  useEffect(() => () => later.cancel(), [later]);
  useLive({
    monitor: soon,
    pings: later,
    reset: reload,
    checks: (events) => change((page) => ({ ...page, data: mergeChecks(page.data, events) })),
  });
  const total = query.data?.total;
  return (
    <Page
      title="Monitors"
      note={
        total === undefined ? "" : isNarrowed(filters) ? `${plural(total, "monitor")} found` : plural(total, "monitor")
      }
      actions={
        <LinkButton href="./monitors/new" kind="primary" icon="plus" refusal={refusal("monitors.write")}>
          New monitor
        </LinkButton>
      }
    >
      <FilterBar filters={filters} />
      <Load query={query} skeleton={<Skeleton rows={10} height={52} />}>
        {(page) => <Listing page={page} filters={filters} query={query} />}
      </Load>
    </Page>
  );
}

function Listing({
  page,
  filters,
  query,
}: {
  page: ApiPage<Monitor>;
  filters: Filters;
  query: Query<ApiPage<Monitor>>;
}) {
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const monitors = page.data;
  const shown = useMemo(() => new Set(monitors.map((monitor) => monitor.id)), [monitors]);
  // What has left the page is not acted on unseen.
  const chosen = useMemo(() => new Set([...selected].filter((id) => shown.has(id))), [selected, shown]);
  if (page.total === 0) return <Nothing isFiltered={isNarrowed(filters)} />;
  if (monitors.length === 0) {
    return (
      <Empty
        title="This page is past the end"
        action={<Button onClick={() => writeFilters({ page: null })}>To the first page</Button>}
      />
    );
  }
  const toggle = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  };
  const toggleAll = () => setSelected(chosen.size === monitors.length ? new Set() : shown);
  const canWrite = may("monitors.write");
  return (
    <>
      {canWrite && (
        <BulkBar
          chosen={[...chosen]}
          isAll={chosen.size === monitors.length}
          onToggleAll={toggleAll}
          onDone={() => {
            setSelected(new Set());
            query.reload();
          }}
        />
      )}
      <DataTable
        caption="Monitors"
        columns={columns({ chosen, toggle, canWrite })}
        rows={monitors}
        rowKey={(monitor) => monitor.id}
        rowClass={(monitor) => rowLook(monitor, chosen)}
        sort={filters.sort}
        onSort={(sort) => writeFilters({ sort })}
      />
      <Pager
        page={page.page}
        pages={page.total_pages}
        total={page.total}
        noun="monitors"
        onPage={(to) => writeFilters({ page: String(to) })}
      />
    </>
  );
}

function rowLook(monitor: Monitor, chosen: ReadonlySet<number>): string {
  const isQuiet = monitor.status === "paused";
  return [chosen.has(monitor.id) && "row-chosen", monitor.status === "down" && "row-down", isQuiet && "row-quiet"]
    .filter(Boolean)
    .join(" ");
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty icon="search" title="No monitor fits" action={<Button onClick={clearFilters}>Clear the filters</Button>}>
        <p>Nothing matches what you are looking for.</p>
      </Empty>
    );
  }
  return (
    <Empty
      icon="monitors"
      title="Nothing is watched yet"
      action={
        <LinkButton href="./monitors/new" kind="primary" icon="plus" refusal={refusal("monitors.write")}>
          Create your first monitor
        </LinkButton>
      }
    >
      <p>A monitor checks a website, an API or a port at its interval, or waits for a job to report.</p>
    </Empty>
  );
}
