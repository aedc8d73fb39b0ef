// The latest checks, going back as far as they are kept.

import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Check, Monitor } from "../../api/types";
import { gather } from "../../lib/debounce";
import { formatInstant, formatMs, plural } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { useLive } from "../../state/live";
import { Ago, Instant } from "../../ui/ago";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Select } from "../../ui/field";
import { Section } from "../../ui/page";
import { phasesOf, ResultView } from "../../ui/result";
import { Empty, Load, Skeleton } from "../../ui/states";
import { Status } from "../../ui/status";
import { type Column, DataTable, TrailPager } from "../../ui/table";
import { usePageSize } from "./standing";

const columns = (onOpen: (check: Check) => void): Column<Check>[] => [
  { key: "status", label: "Result", phone: "half", cell: (check) => <Status status={check.status} /> },
  {
    key: "at",
    label: "When",
    phone: "half",
    cell: (check) => (
      <span class="stacked">
        <Ago at={check.checked_at} />
        <span class="muted small">
          <Instant at={check.checked_at} />
        </span>
      </span>
    ),
  },
  { key: "response", label: "Response", isNumber: true, cell: (check) => formatMs(check.response_ms) },
  {
    key: "phases",
    label: "Phases and message",
    phone: "bare",
    class: "cell-wide",
    cell: (check) => <Seen check={check} />,
  },
  {
    key: "open",
    label: "",
    title: "Details",
    phone: "half",
    class: "cell-act",
    cell: (check) => (
      <Button
        kind="quiet"
        isSmall
        icon="right"
        label={`Details of the check ${formatInstant(check.checked_at)}`}
        onClick={() => onOpen(check)}
      />
    ),
  },
];

function heldWords(assertions: { ok: boolean }[]): string {
  const held = assertions.filter((one) => one.ok).length;
  return held === assertions.length
    ? `${plural(held, "assertion")} held`
    : `${held} of ${plural(assertions.length, "assertion")} held`;
}

function Seen({ check }: { check: Check }) {
  const phases = phasesOf(check.timings).filter((phase) => phase.ms !== null);
  return (
    <span class="stacked">
      {check.message && <span>{check.message}</span>}
      {check.assertions.length > 0 && <span class="muted small">{heldWords(check.assertions)}</span>}
      {phases.length > 0 && (
        <span class="muted small phases">
          {phases.map((phase) => (
            <span key={phase.label}>
              {phase.label} {formatMs(phase.ms)}
            </span>
          ))}
        </span>
      )}
    </span>
  );
}

/** The table of checks, newest first. */
export function Checks({ monitor }: { monitor: Monitor }) {
  const perPage = usePageSize();
  const [status, setStatus] = useState("");
  const [opened, setOpened] = useState<Check | null>(null);
  const [trail, setTrail] = useState<number[]>([]);
  const before = trail.at(-1);
  const query = useQuery(`checks ${monitor.id} ${status} ${before ?? ""} ${perPage}`, (signal) =>
    api.monitors.checks(monitor.id, { status, before, per_page: perPage }, signal),
  );
  const { reload } = query;
  const soon = useMemo(() => gather(reload, 400), [reload]);
  useEffect(() => () => soon.cancel(), [soon]);
  const isNewest = before === undefined;
  useLive({
    checks: (events) => {
      if (isNewest && events.some((event) => event.id === monitor.id)) soon();
    },
    reset: () => {
      if (isNewest) reload();
    },
  });
  const choose = (next: string) => {
    setStatus(next);
    setTrail([]);
  };
  return (
    <Section
      title="Latest checks"
      actions={
        <Select
          attributes={{ "aria-label": "Which checks" }}
          value={status}
          onChange={choose}
          options={[
            { value: "", label: "All" },
            { value: "down", label: "Failed" },
            { value: "degraded", label: "Degraded" },
            { value: "up", label: "Up" },
          ]}
        />
      }
    >
      <Load query={query} skeleton={<Skeleton rows={8} />}>
        {(page) =>
          page.data.length === 0 ? (
            <Empty icon="clock" title={status || before ? "No such checks" : "Not checked yet"}>
              {!status && !before && <p>The first check comes within {monitor.interval} seconds.</p>}
            </Empty>
          ) : (
            <DataTable
              caption="Latest checks"
              columns={columns(setOpened)}
              rows={page.data}
              rowKey={(check) => check.id ?? check.checked_at}
            />
          )
        }
      </Load>
      <TrailPager trail={trail} onTrail={setTrail} rows={query.data?.data ?? []} perPage={perPage} />
      {opened && (
        <Dialog title={`Check of ${formatInstant(opened.checked_at)}`} isWide onClose={() => setOpened(null)}>
          <ResultView result={opened} />
        </Dialog>
      )}
    </Section>
  );
}
