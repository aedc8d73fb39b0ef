// What a job has reported, newest first, going back as far as it is kept.

import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Monitor, Ping } from "../../api/types";
import { gather } from "../../lib/debounce";
import { formatRun } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { useLive } from "../../state/live";
import { Ago, Instant } from "../../ui/ago";
import { Button } from "../../ui/button";
import { Select } from "../../ui/field";
import { Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { Status } from "../../ui/status";
import { type Column, DataTable, TrailPager } from "../../ui/table";
import { usePageSize } from "./standing";

// The stream tells of pings at most once a second; this gathers what a filter or a page turn asks at the same time.
const GATHER_MS = 300;

const KINDS: Record<Ping["kind"], { status: string; label: string }> = {
  success: { status: "held", label: "Success" },
  start: { status: "begun", label: "Start" },
  fail: { status: "failed", label: "Failure" },
  log: { status: "noted", label: "Log" },
  ignored: { status: "dropped", label: "Ignored" },
};

const columns = (monitorId: number): Column<Ping>[] => [
  {
    key: "kind",
    label: "Kind",
    class: "cell-kind",
    phone: "half",
    cell: (ping) => (
      <span class="stacked">
        <Status {...KINDS[ping.kind]} />
        {ping.exit_status !== null && <span class="muted small">exit status {ping.exit_status}</span>}
      </span>
    ),
  },
  {
    key: "at",
    label: "When",
    class: "cell-when",
    phone: "half",
    cell: (ping) => (
      <span class="stacked">
        <Ago at={ping.at} />
        <span class="muted small">
          <Instant at={ping.at} />
        </span>
      </span>
    ),
  },
  {
    key: "run",
    label: "Run time",
    class: "cell-run",
    isNumber: true,
    cell: (ping) => (ping.duration_ms === null ? "" : formatRun(ping.duration_ms)),
  },
  {
    key: "seen",
    label: "Body, run and sender",
    phone: "bare",
    class: "cell-wide",
    cell: (ping) => <Seen ping={ping} monitorId={monitorId} />,
  },
];

function Seen({ ping, monitorId }: { ping: Ping; monitorId: number }) {
  return (
    <div class="stacked">
      {ping.body && <Body ping={ping} body={ping.body} monitorId={monitorId} />}
      {ping.rid && (
        <span class="small">
          <span class="muted">run</span> <span class="code">{ping.rid}</span>
        </span>
      )}
      <span class="muted small ping-from" title={ping.user_agent}>
        {ping.method} from {ping.remote_addr}
        {ping.user_agent && `, ${ping.user_agent}`}
      </span>
    </div>
  );
}

/** The line of a body that says most: the last one that says anything, or the first of what is not whole. */
export function tellingLine(body: string, isCut: boolean): string {
  const lines = body.split(/\r?\n/).filter((line) => line.trim() !== "");
  return (isCut ? lines[0] : lines.at(-1)) ?? "";
}

// What fits into a line or two of the table is shown as it is.
const SHORT_CHARS = 80;

function Body({ ping, body, monitorId }: { ping: Ping; body: string; monitorId: number }) {
  const [whole, setWhole] = useState<string | null>(null);
  if (body.length <= SHORT_CHARS && !body.trim().includes("\n"))
    return <span class="code ping-line">{body.trim()}</span>;
  const load = async () => setWhole((await api.monitors.ping(monitorId, ping.id)).body);
  const isCut = ping.body_truncated && whole === null;
  return (
    <details class="ping-body">
      <summary>
        <span class="code ping-line">{tellingLine(body, ping.body_truncated)}</span>
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <pre tabIndex={0}>{whole ?? body}</pre>
      {isCut && (
        <Button isSmall icon="down" onClick={load}>
          Load all of it
        </Button>
      )}
    </details>
  );
}

const FILTERS = [
  { value: "", label: "All" },
  { value: "success", label: "Successes" },
  { value: "fail", label: "Failures" },
  { value: "start", label: "Starts" },
  { value: "log", label: "Logs" },
  { value: "ignored", label: "Ignored" },
];

/** The table of pings. */
export function Pings({ monitor }: { monitor: Monitor }) {
  const perPage = usePageSize();
  const [kind, setKind] = useState("");
  const [trail, setTrail] = useState<number[]>([]);
  const before = trail.at(-1);
  const query = useQuery(`pings ${monitor.id} ${kind} ${before ?? ""} ${perPage}`, (signal) =>
    api.monitors.pings(monitor.id, { kind, before, per_page: perPage }, signal),
  );
  const { reload } = query;
  const soon = useMemo(() => gather(reload, GATHER_MS), [reload]);
  useEffect(() => () => soon.cancel(), [soon]);
  const isNewest = before === undefined;
  useLive({
    pings: (events) => {
      if (isNewest && events.some((event) => event.id === monitor.id)) soon();
    },
    reset: () => {
      if (isNewest) reload();
    },
  });
  return (
    <Section
      title="Pings"
      class="pings"
      actions={
        <Select
          attributes={{ "aria-label": "Which pings" }}
          value={kind}
          onChange={(next) => {
            setKind(next);
            setTrail([]);
          }}
          options={FILTERS}
        />
      }
    >
      <Load query={query} skeleton={<Skeleton rows={8} />}>
        {(page) =>
          page.data.length === 0 ? (
            <Empty icon="clock" title={kind || before ? "No such pings" : "No ping yet"}>
              {!kind && !before && <p>The first one shows up here by itself.</p>}
            </Empty>
          ) : (
            <DataTable caption="Pings" columns={columns(monitor.id)} rows={page.data} rowKey={(ping) => ping.id} />
          )
        }
      </Load>
      <TrailPager
        trail={trail}
        onTrail={setTrail}
        rows={query.data?.data ?? []}
        perPage={perPage}
        label="Pages of pings"
      />
    </Section>
  );
}
