// Who changed what.

import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { AuditEntry } from "../../api/types";
import { useQuery } from "../../lib/query";
import { Ago } from "../../ui/ago";
import { Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { type Column, DataTable, TrailPager } from "../../ui/table";

const PER_PAGE = 20;

const DEEDS: Record<string, string> = {
  ack: "acknowledged",
  bulk: "changed together",
  clone: "cloned",
  comment: "commented on",
  create: "created",
  delete: "deleted",
  pause: "paused",
  resolve: "resolved",
  resume: "resumed",
  test: "tested",
  update: "changed",
};

const WHOLE: Record<string, string> = {
  "notification.retry": "Message sent again",
  "session.create": "Logged in",
  "session.delete": "Logged out",
  "system.backup": "Backup written",
};

// `monitor.update` as a person says it: Monitor changed.
function actionWords(action: string): string {
  const [thing = "", deed = ""] = action.split(".");
  const noun = thing === "notification" ? "channel" : thing;
  const words = WHOLE[action] ?? `${noun} ${DEEDS[deed] ?? deed}`;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const COLUMNS: Column<AuditEntry>[] = [
  { key: "what", label: "What", phone: "title", cell: (entry) => actionWords(entry.action) },
  { key: "which", label: "Which", cell: (entry) => subject(entry) },
  { key: "who", label: "Who", cell: (entry) => entry.actor },
  { key: "where", label: "From", class: "muted", phone: "hide", cell: (entry) => entry.remote_addr ?? "" },
  { key: "when", label: "When", cell: (entry) => <Ago at={entry.at} /> },
];

function subject(entry: AuditEntry): string {
  return entry.resource_name ?? (entry.resource_id === null ? "" : `${entry.resource_type} ${entry.resource_id}`);
}

/** The audit log, newest first. */
export function Audit() {
  const [trail, setTrail] = useState<number[]>([]);
  const before = trail.at(-1);
  const query = useQuery(`audit ${before ?? ""}`, (signal) => api.system.audit({ before, per_page: PER_PAGE }, signal));
  return (
    <Section title="Audit log">
      <Load query={query} skeleton={<Skeleton rows={5} height={36} />}>
        {(page) =>
          page.data.length === 0 ? (
            <Empty icon="clock" title="Nothing has been changed yet" />
          ) : (
            <DataTable caption="Audit log" columns={COLUMNS} rows={page.data} rowKey={(entry) => entry.id} />
          )
        }
      </Load>
      <TrailPager trail={trail} onTrail={setTrail} rows={query.data?.data ?? []} perPage={PER_PAGE} />
    </Section>
  );
}
