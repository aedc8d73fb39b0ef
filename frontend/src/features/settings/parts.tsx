// The supervised parts of the daemon and how they are.

import type { Part } from "../../api/types";
import { Status } from "../../ui/status";
import { type Column, DataTable } from "../../ui/table";

const LOOKS: Record<string, string> = { running: "up", starting: "pending", restarting: "degraded", stopped: "down" };

const COLUMNS: Column<Part>[] = [
  { key: "name", label: "Part", phone: "title", cell: (part) => part.name },
  {
    key: "state",
    label: "State",
    cell: (part) => <Status status={LOOKS[part.state] ?? "unknown"} label={part.state} />,
  },
  { key: "restarts", label: "Restarts", isNumber: true, cell: (part) => String(part.restarts) },
  { key: "error", label: "Last error", class: "cell-wide", cell: (part) => part.last_error ?? "none" },
];

/** The table of parts. */
export function Parts({ parts }: { parts: Part[] }) {
  return <DataTable caption="Parts of Asura" columns={COLUMNS} rows={parts} rowKey={(part) => part.name} />;
}
