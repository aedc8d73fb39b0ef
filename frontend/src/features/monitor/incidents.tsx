// The incidents of one monitor.

import * as api from "../../api/endpoints";
import type { Monitor } from "../../api/types";
import { useQuery } from "../../lib/query";
import { useLive } from "../../state/live";
import { may } from "../../state/session";
import { Ago, Lasted } from "../../ui/ago";
import { Section } from "../../ui/page";
import { Load, Skeleton } from "../../ui/states";
import { StatusIcon } from "../../ui/status";

const MOST = 5;

/** The latest incidents, with a way to all of them. */
export function Incidents({ monitor }: { monitor: Monitor }) {
  if (!may("incidents.read")) return null;
  return <Latest monitor={monitor} />;
}

function Latest({ monitor }: { monitor: Monitor }) {
  const query = useQuery(`incidents of ${monitor.id}`, (signal) =>
    api.incidents.list({ monitor_id: monitor.id, per_page: MOST }, signal),
  );
  useLive({ incident: query.reload, reset: query.reload });
  return (
    <Section
      title="Incidents"
      actions={
        (query.data?.total ?? 0) > MOST && <a href={`./incidents?monitor_id=${monitor.id}`}>All {query.data?.total}</a>
      }
    >
      <Load query={query} skeleton={<Skeleton rows={2} />}>
        {(page) =>
          page.data.length === 0 ? (
            <p class="muted">None so far.</p>
          ) : (
            <ul class="list list-plain">
              {page.data.map((incident) => (
                <li key={incident.id} class="list-row">
                  <StatusIcon status={incident.status} />
                  <div class="list-words">
                    <a class="list-title" href={`./incidents/${incident.id}`}>
                      {incident.cause || "Down"}
                    </a>
                    <p class="list-text">
                      <Ago at={incident.started_at} />, lasted{" "}
                      <Lasted from={incident.started_at} to={incident.resolved_at} />
                      {incident.resolved_at ? "" : " so far"}
                    </p>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Load>
    </Section>
  );
}
