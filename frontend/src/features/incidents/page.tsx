// All incidents, newest first.

import { useMemo } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Incident } from "../../api/types";
import { gather } from "../../lib/debounce";
import { useQuery } from "../../lib/query";
import { place, setQuery } from "../../lib/router";
import { useLive } from "../../state/live";
import { refusal } from "../../state/session";
import { toast } from "../../state/toasts";
import { Ago, Lasted } from "../../ui/ago";
import { Button } from "../../ui/button";
import { Page } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { Status } from "../../ui/status";
import { type Column, DataTable, Pager } from "../../ui/table";
import { Tabs } from "../../ui/tabs";
import "./incidents.css";

const PER_PAGE = 25;
const STATUSES = [
  { value: "", label: "All" },
  { value: "open", label: "Open" },
  { value: "acknowledged", label: "Acknowledged" },
  { value: "resolved", label: "Resolved" },
];

function columns(acknowledge: (incident: Incident) => Promise<void>): Column<Incident>[] {
  return [
    {
      key: "status",
      label: "Status",
      phone: "bare",
      class: "cell-status",
      cell: (incident) => <Status status={incident.status} />,
    },
    {
      key: "what",
      label: "Incident",
      phone: "title",
      class: "cell-wide",
      cell: (incident) => (
        <span class="stacked">
          <a class="list-title" href={`./incidents/${incident.id}`}>
            {incident.monitor_name}
          </a>
          <span class="muted">{incident.cause}</span>
        </span>
      ),
    },
    { key: "started", label: "Started", cell: (incident) => <Ago at={incident.started_at} /> },
    {
      key: "lasted",
      label: "Lasted",
      isNumber: true,
      cell: (incident) => <Lasted from={incident.started_at} to={incident.resolved_at} />,
    },
    {
      key: "act",
      label: "",
      title: "Action",
      phone: "bare",
      class: "cell-act",
      cell: (incident) =>
        incident.status === "open" ? (
          <Button
            isSmall
            icon="check"
            label={`Acknowledge ${incident.monitor_name}`}
            refusal={refusal("incidents.write")}
            onClick={() => acknowledge(incident)}
          >
            Acknowledge
          </Button>
        ) : (
          <span class="muted">
            {(incident.status === "resolved" ? incident.resolved_by : incident.acknowledged_by) ?? ""}
          </span>
        ),
    },
  ];
}

/** The page of all incidents. */
export default function IncidentsPage() {
  const { query: address } = place.value;
  const status = address.get("status") ?? "";
  const monitor = address.get("monitor_id") ?? "";
  const page = Math.max(1, Math.floor(Number(address.get("page") ?? 1)) || 1);
  const query = useQuery(`incidents ${status} ${monitor} ${page}`, (signal) =>
    api.incidents.list({ status, monitor_id: monitor, page, per_page: PER_PAGE }, signal),
  );
  const { reload } = query;
  const soon = useMemo(() => gather(reload, 500), [reload]);
  useLive({ incident: soon, reset: reload });
  const acknowledge = async (incident: Incident) => {
    await api.incidents.acknowledge(incident.id);
    toast(`Acknowledged: ${incident.monitor_name}`);
    reload();
  };
  return (
    <Page title="Incidents">
      <div class="filters">
        <Tabs
          label="Status"
          options={STATUSES}
          value={status}
          onChange={(next) => setQuery({ status: next, page: null })}
        />
        {monitor && (
          <Button kind="quiet" icon="close" onClick={() => setQuery({ monitor_id: null, page: null })}>
            Of one monitor
          </Button>
        )}
      </div>
      <Load query={query} skeleton={<Skeleton rows={8} height={52} />}>
        {(all) =>
          all.data.length === 0 ? (
            <Nothing isFiltered={status !== "" || monitor !== ""} />
          ) : (
            <>
              <DataTable
                caption="Incidents"
                columns={columns(acknowledge)}
                rows={all.data}
                rowKey={(incident) => incident.id}
              />
              <Pager
                page={all.page}
                pages={all.total_pages}
                total={all.total}
                noun="incidents"
                onPage={(to) => setQuery({ page: String(to) })}
              />
            </>
          )
        }
      </Load>
    </Page>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty icon="search" title="No such incidents" />;
  return (
    <Empty icon="incidents" title="No incidents so far">
      <p>When a monitor is confirmed to be down, an incident opens here and the notification channels are told.</p>
    </Empty>
  );
}
