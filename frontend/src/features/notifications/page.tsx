// Who is told, and how the telling went.

import { useMemo, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Channel, Verdict as Said, Types } from "../../api/types";
import { gather } from "../../lib/debounce";
import { type Query, useQuery } from "../../lib/query";
import { useLive } from "../../state/live";
import { refusal } from "../../state/session";
import { toast } from "../../state/toasts";
import { Button } from "../../ui/button";
import { confirm } from "../../ui/dialog";
import { Page, Section } from "../../ui/page";
import { Empty, Load, Skeleton } from "../../ui/states";
import { StatusIcon } from "../../ui/status";
import { ChannelDialog } from "./channel-dialog";
import { eventLabel } from "./events";
import { History } from "./history";
import "./notifications.css";

interface Ground {
  channels: Channel[];
  types: Types;
}

async function look(signal: AbortSignal): Promise<Ground> {
  const [channels, types] = await Promise.all([api.channels.list(signal), api.system.types(signal)]);
  return { channels: channels.data, types };
}

/** The page of notifications. */
export default function NotificationsPage() {
  const query = useQuery("channels", look);
  const [edited, setEdited] = useState<Channel | "new" | null>(null);
  const { reload } = query;
  const soon = useMemo(() => gather(reload, 300), [reload]);
  useLive({ channel: soon, reset: reload });
  const add = (
    <Button
      kind="primary"
      icon="plus"
      refusal={refusal("notifications.write") ?? (query.data ? undefined : "Still loading.")}
      onClick={() => setEdited("new")}
    >
      New channel
    </Button>
  );
  return (
    <Page title="Notifications" actions={add}>
      <Section title="Channels">
        <Load query={query} skeleton={<Skeleton rows={2} height={72} />}>
          {({ channels }) =>
            channels.length === 0 ? (
              <Empty icon="notifications" title="Nobody is told yet">
                <p>
                  A channel sends every incident to where you will see it. A webhook is a signed JSON document, posted
                  to an address of yours.
                </p>
              </Empty>
            ) : (
              <ul class="list">
                {channels.map((channel) => (
                  <Row key={channel.id} channel={channel} query={query} onEdit={() => setEdited(channel)} />
                ))}
              </ul>
            )
          }
        </Load>
      </Section>
      <History channels={query.data?.channels ?? []} />
      {edited && query.data && (
        <ChannelDialog
          channel={edited === "new" ? null : edited}
          types={query.data.types.channels}
          onClose={() => setEdited(null)}
          onSaved={() => {
            setEdited(null);
            reload();
          }}
        />
      )}
    </Page>
  );
}

function address(channel: Channel): string {
  return typeof channel.settings.url === "string" ? channel.settings.url : "";
}

function Row({ channel, query, onEdit }: { channel: Channel; query: Query<Ground>; onEdit: () => void }) {
  const [verdict, setVerdict] = useState<Said | null>(null);
  const denied = refusal("notifications.write");
  const test = async () => {
    setVerdict(null);
    setVerdict(await api.channels.test(channel.id));
  };
  const toggle = async () => {
    await api.channels.change(channel.id, { enabled: !channel.enabled });
    toast(channel.enabled ? `${channel.name} is disabled` : `${channel.name} is enabled`);
    query.reload();
  };
  const remove = async () => {
    const sure = await confirm({
      title: `Delete ${channel.name}?`,
      text: <p>Nothing more is sent through it. Its delivery history goes with it.</p>,
      action: "Delete channel",
      isDanger: true,
    });
    if (!sure) return;
    await api.channels.remove(channel.id);
    toast(`Deleted ${channel.name}`);
    query.reload();
  };
  return (
    <li class="list-row channel">
      <div class="list-words">
        <p>
          <strong class="list-title">{channel.name}</strong> <span class="chip">{channel.type}</span>
          {!channel.enabled && <span class="chip">Disabled</span>}
        </p>
        <p class="list-text code">{address(channel)}</p>
        <p class="list-text">
          {channel.events.length === 0 ? "Every event" : channel.events.map(eventLabel).join(", ")}
        </p>
        <div aria-live="polite">{verdict && <Verdict verdict={verdict} />}</div>
      </div>
      <div class="list-actions">
        <Button isSmall icon="send" refusal={denied} label={`Send a test through ${channel.name}`} onClick={test}>
          Test
        </Button>
        <Button
          isSmall
          icon={channel.enabled ? "pause" : "play"}
          refusal={denied}
          label={`${channel.enabled ? "Disable" : "Enable"} ${channel.name}`}
          onClick={toggle}
        >
          {channel.enabled ? "Disable" : "Enable"}
        </Button>
        <Button isSmall icon="edit" refusal={denied} label={`Edit ${channel.name}`} onClick={onEdit}>
          Edit
        </Button>
        <Button isSmall kind="danger" icon="trash" refusal={denied} label={`Delete ${channel.name}`} onClick={remove} />
      </div>
    </li>
  );
}

function Verdict({ verdict }: { verdict: Said }) {
  return (
    <p class="channel-verdict">
      <StatusIcon status={verdict.delivered ? "delivered" : "failed"} />{" "}
      {verdict.delivered ? "The test arrived" : "The test failed"}
      {verdict.status_code !== null && `, status ${verdict.status_code}`}
      {verdict.message && `: ${verdict.message}`}
    </p>
  );
}
