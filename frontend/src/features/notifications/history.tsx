// What was sent, what was not, and why.

import { useMemo, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Channel, Delivery } from "../../api/types";
import { gather } from "../../lib/debounce";
import { plural } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { place, setQuery } from "../../lib/router";
import { useLive } from "../../state/live";
import { refusal } from "../../state/session";
import { toast } from "../../state/toasts";
import { Ago } from "../../ui/ago";
import { Button } from "../../ui/button";
import { Select } from "../../ui/field";
import { Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { Status, statusLabel } from "../../ui/status";
import { type Column, DataTable, TrailPager } from "../../ui/table";
import { eventLabel } from "./events";

const PER_PAGE = 25;
const STATUSES = ["failed", "queued", "delivered", "dropped"];

function Outcome({ delivery }: { delivery: Delivery }) {
  const { status, attempts, last_error: error, last_status_code: code, next_attempt_at: next } = delivery;
  return (
    <span class="stacked">
      {error && <span>{error}</span>}
      <span class="muted small">
        {attempts > 0 && plural(attempts, "attempt")}
        {code !== null && `, status ${code}`}
        {status === "queued" && next && (
          <>
            {attempts > 0 ? ", " : ""}next <Ago at={next} />
          </>
        )}
      </span>
    </span>
  );
}

function columns(
  sendAgain: (delivery: Delivery) => Promise<void>,
  nameOf: (delivery: Delivery) => string,
): Column<Delivery>[] {
  return [
    {
      key: "status",
      label: "Status",
      phone: "bare",
      class: "cell-status",
      cell: (delivery) => <Status status={delivery.status} />,
    },
    {
      key: "what",
      label: "Message",
      phone: "title",
      cell: (delivery) => (
        <span class="stacked">
          <span>{eventLabel(delivery.event)}</span>
          {delivery.incident_id !== null ? (
            <a href={`./incidents/${delivery.incident_id}`}>
              {delivery.monitor_name ?? `Incident ${delivery.incident_id}`}
            </a>
          ) : (
            delivery.monitor_name && <span class="muted">{delivery.monitor_name}</span>
          )}
        </span>
      ),
    },
    { key: "channel", label: "Channel", cell: nameOf },
    {
      key: "outcome",
      label: "Outcome",
      phone: "bare",
      class: "cell-wide",
      cell: (delivery) => <Outcome delivery={delivery} />,
    },
    { key: "at", label: "When", cell: (delivery) => <Ago at={delivery.finished_at ?? delivery.created_at} /> },
    {
      key: "act",
      label: "",
      title: "Action",
      phone: "bare",
      class: "cell-act",
      cell: (delivery) =>
        delivery.status === "failed" && (
          <Button isSmall icon="send" refusal={refusal("notifications.write")} onClick={() => sendAgain(delivery)}>
            Send again
          </Button>
        ),
    },
  ];
}

/** The history of deliveries, newest first. */
export function History({ channels }: { channels: Channel[] }) {
  const { query: address } = place.value;
  const status = address.get("status") ?? "";
  const channel = address.get("channel") ?? "";
  const [trail, setTrail] = useState<number[]>([]);
  const before = trail.at(-1);
  const query = useQuery(`deliveries ${status} ${channel} ${before ?? ""}`, (signal) =>
    api.channels.history({ status, channel_id: channel, before, per_page: PER_PAGE }, signal),
  );
  const { reload } = query;
  const soon = useMemo(() => gather(reload, 500), [reload]);
  useLive({ delivery: soon, reset: reload });
  const choose = (changes: Record<string, string>) => {
    setTrail([]);
    setQuery(changes);
  };
  const sendAgain = async (delivery: Delivery) => {
    await api.channels.retry(delivery.id);
    toast("Queued again");
    reload();
  };
  const nameOf = (delivery: Delivery) =>
    delivery.channel_name ??
    channels.find((one) => one.id === delivery.channel_id)?.name ??
    `Channel ${delivery.channel_id}`;
  const isFiltered = status !== "" || channel !== "";
  return (
    <Section
      title="Delivery history"
      actions={
        <>
          <Select
            attributes={{ "aria-label": "Status of the delivery" }}
            value={status}
            options={[
              { value: "", label: "Any status" },
              ...STATUSES.map((one) => ({ value: one, label: statusLabel(one) })),
            ]}
            onChange={(next) => choose({ status: next })}
          />
          {channels.length > 1 && (
            <Select
              attributes={{ "aria-label": "Channel" }}
              value={channel}
              options={[
                { value: "", label: "Any channel" },
                ...channels.map((one) => ({ value: String(one.id), label: one.name })),
              ]}
              onChange={(next) => choose({ channel: next })}
            />
          )}
        </>
      }
    >
      <Load query={query} skeleton={<Skeleton rows={5} height={52} />}>
        {(page) =>
          page.data.length === 0 ? (
            <Empty icon="send" title={isFiltered || before ? "No such deliveries" : "Nothing has been sent yet"} />
          ) : (
            <DataTable
              caption="Deliveries"
              columns={columns(sendAgain, nameOf)}
              rows={page.data}
              rowKey={(delivery) => delivery.id}
              rowClass={(delivery) => (delivery.status === "failed" ? "row-down" : undefined)}
            />
          )
        }
      </Load>
      <TrailPager trail={trail} onTrail={setTrail} rows={query.data?.data ?? []} perPage={PER_PAGE} />
    </Section>
  );
}
