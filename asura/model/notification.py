"""Who is told, of what, and how the telling went."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from asura.ids import ChannelId, DeliveryId, IncidentId, MonitorId


class EventName(StrEnum):
    """What a channel can be told of."""

    CREATED = "incident.created"
    ACKNOWLEDGED = "incident.acknowledged"
    RESOLVED = "incident.resolved"
    REMINDER = "incident.reminder"
    CONTENT_CHANGED = "content.changed"
    CERT_EXPIRING = "cert.expiring"
    DEGRADED = "monitor.degraded"


TEST_EVENT = "test"
"""The event of a message sent by hand from the channel's own page; no channel can subscribe to it."""


@attrs.frozen(kw_only=True)
class Channel:
    """A way to tell somebody. `settings` are those of its type and may hold secrets; `events` empty = all."""

    id: ChannelId
    name: str
    type: str
    enabled: bool = True
    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    events: tuple[str, ...] = ()
    created_at: int = 0
    updated_at: int = 0


class DeliveryStatus(StrEnum):
    """Where a delivery stands. `DROPPED`: it was not yet sent when its reason went away."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@attrs.frozen(kw_only=True)
class Message:
    """What happened, frozen at the moment it was decided; each channel renders it for its own medium.

    `monitor`, `incident`, `evidence` and `detail` are JSON values in the shapes of the webhook's body.
    """

    event: str
    at: int
    monitor: Mapping[str, Any] | None
    incident: Mapping[str, Any] | None
    evidence: Any = attrs.field(factory=list)
    detail: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Delivery:
    """One message on its way through one channel."""

    id: DeliveryId
    key: str
    channel_id: ChannelId
    incident_id: IncidentId | None
    monitor_id: MonitorId | None
    message: Message
    status: DeliveryStatus = DeliveryStatus.QUEUED
    attempts: int = 0
    next_attempt_at: int | None = None
    """None while an earlier delivery of the same channel and incident is still queued, and once finished."""
    created_at: int = 0
    finished_at: int | None = None
    last_error: str | None = None
    last_status_code: int | None = None
