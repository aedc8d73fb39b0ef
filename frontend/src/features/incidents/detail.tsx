// One incident: what was seen, what was done, and what can be done now.

import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { IncidentDetail } from "../../api/types";
import { gather } from "../../lib/debounce";
import { type Query, useQuery } from "../../lib/query";
import { navigate } from "../../lib/router";
import type { PageProps } from "../../routes";
import { useLive } from "../../state/live";
import { pageTitle } from "../../state/overview";
import { refusal } from "../../state/session";
import { toast } from "../../state/toasts";
import { Ago, Instant, Lasted } from "../../ui/ago";
import { Button, LinkButton } from "../../ui/button";
import { confirm } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { Page, Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { StatusIcon, statusLabel } from "../../ui/status";
import { EvidenceList } from "./evidence";
import "./incidents.css";

/** The page of one incident. */
export default function IncidentPage({ params }: PageProps) {
  const id = Number(params.id);
  const query = useQuery(`incident ${id}`, (signal) => api.incidents.read(id, signal));
  const { reload } = query;
  const soon = useMemo(() => gather(reload, 300), [reload]);
  useLive({
    incident: (event) => {
      if (event.id === id) soon();
    },
    reset: reload,
  });
  const name = query.data?.monitor_name;
  useEffect(() => {
    if (name) pageTitle.value = `Incident of ${name}`;
  }, [name]);
  if (query.error instanceof ApiError && query.error.status === 404) {
    return (
      <Page title="No such incident">
        <Empty
          icon="incidents"
          title="This incident does not exist"
          action={<LinkButton href="./incidents">To all incidents</LinkButton>}
        >
          <p>It may have been deleted, or its monitor was.</p>
        </Empty>
      </Page>
    );
  }
  const load = (
    <Load query={query} skeleton={<Waiting />}>
      {(incident) => <Shown incident={incident} query={query} />}
    </Load>
  );
  return query.data ? load : <Page title="Incident">{load}</Page>;
}

function Waiting() {
  return (
    <>
      <Skeleton rows={1} height={84} />
      <Skeleton rows={6} />
    </>
  );
}

function Shown({ incident, query }: { incident: IncidentDetail; query: Query<IncidentDetail> }) {
  const denied = refusal("incidents.write");
  const isResolved = incident.status === "resolved";
  const act = async (what: (id: number) => Promise<unknown>, done: string) => {
    await what(incident.id);
    toast(done);
    query.reload();
  };
  const resolve = async () => {
    const sure = await confirm({
      title: "Resolve this incident?",
      text: (
        <p>
          The channels are told that it is over. If the monitor is still down, no new incident opens until it has been
          up again.
        </p>
      ),
      action: "Resolve",
    });
    if (sure) await act(api.incidents.resolve, "Resolved");
  };
  const remove = async () => {
    const sure = await confirm({
      title: "Delete this incident?",
      text: <p>Its timeline goes with it. The monitor's checks and uptime stay as they are.</p>,
      action: "Delete incident",
      isDanger: true,
    });
    if (!sure) return;
    await api.incidents.remove(incident.id);
    toast("Incident deleted");
    await navigate("/incidents");
  };
  return (
    <Page
      crumb={<a href="./incidents">Incidents</a>}
      title={incident.monitor_name}
      note={<a href={`./monitors/${incident.monitor_id}`}>To the monitor</a>}
      actions={
        <>
          {incident.status === "open" && (
            <Button
              kind="primary"
              icon="check"
              refusal={denied}
              onClick={() => act(api.incidents.acknowledge, "Acknowledged")}
            >
              Acknowledge
            </Button>
          )}
          {!isResolved && (
            <Button refusal={denied} onClick={resolve}>
              Resolve
            </Button>
          )}
          <Button kind="danger" icon="trash" label="Delete this incident" refusal={denied} onClick={remove} />
        </>
      }
    >
      <div class={`verdict verdict-${incident.status}`}>
        <StatusIcon status={incident.status} size={28} />
        <div class="verdict-body">
          <p class="verdict-words">
            <span aria-hidden="true">{statusLabel(incident.status)}</span>
            <span class="verdict-since">
              {isResolved ? ", lasted " : ", open for "}
              <Lasted from={incident.started_at} to={incident.resolved_at} />, {isResolved ? "from" : "since"}{" "}
              <Instant at={incident.started_at} />
            </span>
          </p>
          <p class="verdict-message">{incident.cause}</p>
          {incident.acknowledged_at && (
            <p class="muted">
              Acknowledged{incident.acknowledged_by ? ` by ${incident.acknowledged_by}` : ""}{" "}
              <Ago at={incident.acknowledged_at} />.
            </p>
          )}
          {incident.resolved_at && (
            <p class="muted">
              Resolved{incident.resolved_by ? ` by ${incident.resolved_by}` : ""} <Ago at={incident.resolved_at} />.
            </p>
          )}
        </div>
      </div>
      <div class="two-thirds">
        <Section title="Timeline">
          <Timeline incident={incident} />
          <Comment incident={incident} onDone={query.reload} />
        </Section>
        <Section title="What was seen">
          <EvidenceList evidence={incident.evidence} />
        </Section>
      </div>
    </Page>
  );
}

const TOLD: Record<string, string> = {
  created: "The opening",
  acknowledged: "The acknowledgement",
  resolved: "The resolution",
  reminder: "The reminder",
};

const WORDS: Record<string, string> = {
  opened: "Opened",
  acknowledged: "Acknowledged",
  resolved: "Resolved",
  comment: "Comment",
  reminder: "Reminder",
  notified: "Told",
  not_notified: "Nobody told",
};

// "incident.created goes to 2 channels" in people's words; what the line above says already is not said twice.
function timelineText({ type, actor, message }: IncidentDetail["timeline"][number]): string {
  if (message.toLowerCase() === `${type} by ${actor ?? ""}`.toLowerCase()) return "";
  return message.replace(/^incident\.(\w+) goes to/, (_, name: string) => `${TOLD[name] ?? name} goes to`);
}

function Timeline({ incident }: { incident: IncidentDetail }) {
  return (
    <ol class="timeline">
      {incident.timeline.map((event, index) => (
        <li key={`${event.at} ${index}`} class={`timeline-${event.type}`}>
          <p>
            <strong>{WORDS[event.type] ?? event.type}</strong>
            {event.actor && <span> by {event.actor}</span>}{" "}
            <span class="muted">
              <Ago at={event.at} />, <Instant at={event.at} />
            </span>
          </p>
          {timelineText(event) && <p class="timeline-text">{timelineText(event)}</p>}
        </li>
      ))}
    </ol>
  );
}

function Comment({ incident, onDone }: { incident: IncidentDetail; onDone: () => void }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | undefined>();
  const denied =
    refusal("incidents.write") ?? (incident.status === "resolved" ? "The incident is resolved." : undefined);
  if (incident.status === "resolved") return null;
  const send = async () => {
    if (text.trim() === "") {
      setProblem("must not be empty");
      return;
    }
    try {
      await api.incidents.comment(incident.id, text.trim());
      setText("");
      setProblem(undefined);
      onDone();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.fields.message) throw error;
      setProblem(error.fields.message);
    }
  };
  return (
    <div class="comment">
      <TextField label="Comment" rows={2} value={text} onChange={setText} error={problem} />
      <Button icon="comment" refusal={denied} onClick={send}>
        Add comment
      </Button>
    </div>
  );
}
