// The supervised parts of the daemon and how they are.

import type { Health, Part } from "../../api/types";
import { Status } from "../../ui/status";
import { DataTable } from "../../ui/table";

const WELL = new Set(["running", "ok", "done"]);

/** The table of parts; nothing when the daemon does not tell. */
export function Parts({ health }: { health: Health }) {
  const parts = health.parts ?? [];
  if (parts.length === 0) return null;
  return (
    <DataTable<Part>
      caption="Parts of Asura"
      rows={parts}
      rowKey={(part) => part.name}
      columns={[
        { key: "name", label: "Part", phone: "title", cell: (part) => part.name },
        {
          key: "state",
          label: "State",
          cell: (part) => (WELL.has(part.state) ? <Status status="up" /> : <span class="tone-down">{part.state}</span>),
        },
        { key: "restarts", label: "Restarts", isNumber: true, cell: (part) => String(part.restarts) },
        { key: "error", label: "Last error", class: "cell-wide", cell: (part) => part.last_error ?? "" },
      ]}
    />
  );
}
