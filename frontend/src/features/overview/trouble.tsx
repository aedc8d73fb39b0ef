// What needs somebody: open incidents, and monitors that are not up.

import * as api from "../../api/endpoints";
import type { Incident, Monitor } from "../../api/types";
import { refusal } from "../../state/session";
import { toast } from "../../state/toasts";
import { Ago, Lasted } from "../../ui/ago";
import { Button } from "../../ui/button";
import { Section } from "../../ui/page";
import { Sparkline } from "../../ui/sparkline";
import { Status, StatusIcon } from "../../ui/status";

interface OpenProps {
  incidents: Incident[];
  monitors: Monitor[];
  onChange: () => void;
}

/** The incidents that are not resolved, with the button that says "I have seen it". */
export function OpenIncidents({ incidents, monitors, onChange }: OpenProps) {
  const byId = new Map(monitors.map((monitor) => [monitor.id, monitor]));
  const acknowledge = async (incident: Incident) => {
    await api.incidents.acknowledge(incident.id);
    toast(`Acknowledged: ${incident.monitor_name}`);
    onChange();
  };
  return (
    <Section title="Open incidents" actions={<a href="./incidents">All incidents</a>}>
      <ul class="list">
        {incidents.map((incident) => (
          <li key={incident.id} class="list-row">
            <StatusIcon status={incident.status} size={18} />
            <div class="list-words">
              <a class="list-title" href={`./incidents/${incident.id}`}>
                {incident.monitor_name}
              </a>
              <p class="list-text">{incident.cause}</p>
            </div>
            <Sparkline points={byId.get(incident.monitor_id)?.recent ?? []} />
            <div class="list-side muted">
              <span>
                for <Lasted from={incident.started_at} />
              </span>
            </div>
            <div class="list-act">
              {incident.status === "open" ? (
                <Button
                  icon="check"
                  label={`Acknowledge ${incident.monitor_name}`}
                  refusal={refusal("incidents.write")}
                  onClick={() => acknowledge(incident)}
                >
                  Acknowledge
                </Button>
              ) : (
                <>
                  <Status status="acknowledged" />
                  {incident.acknowledged_by && <p class="muted small">by {incident.acknowledged_by}</p>}
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** Monitors that are down, degraded, doubted or not heard of as they should be. */
export function Troubled({ monitors }: { monitors: Monitor[] }) {
  return (
    <Section title="Monitors that need a look" actions={<a href="./monitors">All monitors</a>}>
      <ul class="list">
        {monitors.map((monitor) => (
          <li key={monitor.id} class="list-row">
            <StatusIcon status={monitor.status} size={18} />
            <div class="list-words">
              <a class="list-title" href={`./monitors/${monitor.id}`}>
                {monitor.name}
              </a>
              {monitor.confirming && <span class="chip chip-doubt">Confirming</span>}
              {monitor.stale && <span class="chip chip-doubt">Stale</span>}
              <p class="list-text">{monitor.last_message || monitor.target}</p>
            </div>
            <Sparkline points={monitor.recent ?? []} />
            <div class="list-side muted">
              {monitor.status_since && (
                <span>
                  {monitor.status} for <Lasted from={monitor.status_since} />
                </span>
              )}
              <span>
                {monitor.heartbeat ? (
                  <>
                    last ping <Ago at={monitor.heartbeat.last_ping_at} />
                  </>
                ) : (
                  <>
                    checked <Ago at={monitor.last_check_at} />
                  </>
                )}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
