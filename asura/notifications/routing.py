"""From what is to be told to rows of the outbox, within the transaction that decided it. Must not send."""

from collections.abc import Collection, Mapping
from typing import Any

from asura.model.incident import Incident
from asura.model.monitor import Monitor, MonitorState
from asura.model.notification import EventName
from asura.notifications import messages, rules
from asura.store import channels, deliveries
from asura.store.database import Conn

_ENDS_REMINDERS = frozenset({EventName.ACKNOWLEDGED, EventName.RESOLVED})


def announce(
    conn: Conn,
    *,
    event: EventName,
    monitor: Monitor,
    state: MonitorState,
    incident: Incident,
    now_ms: int,
    base_url: str,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Queue `event` for every channel that is to be told; answers how many.

    A created-message that is still on its way when its incident ends is not taken back: both are delivered, in
    order. Reminders that were not sent by then are dropped, as they would remind of nothing.
    """
    if event in _ENDS_REMINDERS:
        reason = f"the incident was {incident.status.value} before this was sent"
        drop_queued(conn, incident.id, events=(EventName.REMINDER,), reason=reason, now_ms=now_ms)
    told = rules.recipients(
        event,
        enabled=channels.all_enabled(conn),
        named=monitor.notification_channel_ids,
        told=deliveries.told_channels(conn, incident.id),
    )
    if not told:
        return 0
    message = messages.incident_message(
        event, monitor=monitor, state=state, incident=incident, now_ms=now_ms, base_url=base_url, detail=detail or {}
    )
    for channel in told:
        deliveries.enqueue(conn, channel.id, message, incident_id=incident.id, monitor_id=monitor.id, now_ms=now_ms)
    return len(told)


def announce_news(
    conn: Conn,
    *,
    event: EventName,
    monitor: Monitor,
    state: MonitorState,
    now_ms: int,
    base_url: str,
    detail: Mapping[str, Any],
) -> int:
    """Queue what is to be told of a monitor, but is no incident, for every channel it goes to; answers how many.

    Such a message has no end that has to come after it, so each is sent on its own and none waits for another.
    """
    told = rules.recipients(event, enabled=channels.all_enabled(conn), named=monitor.notification_channel_ids, told=())
    if told:
        message = messages.news_message(
            event, monitor=monitor, state=state, now_ms=now_ms, base_url=base_url, detail=detail
        )
        for channel in told:
            deliveries.enqueue(conn, channel.id, message, incident_id=None, monitor_id=monitor.id, now_ms=now_ms)
    return len(told)


def drop_queued(
    conn: Conn,
    incident_id: int,
    *,
    events: Collection[str] = (),
    now_ms: int,
    reason: str = "the incident went away before this was sent",
) -> int:
    """Drop what is still queued of an incident, of some `events` or of all; answers how many."""
    return deliveries.drop_queued(conn, incident_id, events=events, reason=reason, now_ms=now_ms)
