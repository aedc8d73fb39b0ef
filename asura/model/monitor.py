"""A monitor: what is checked, how often, and what is known of it now."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from asura.ids import MonitorId


class Status(StrEnum):
    """What one check saw."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class MonitorStatus(StrEnum):
    """What a monitor is shown as. `UNKNOWN` stands only in timelines: nobody was looking."""

    PENDING = "pending"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    PAUSED = "paused"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


LOCAL = "local"
"""The region of the primary's own checks."""


@attrs.frozen(kw_only=True)
class Monitor:
    """A monitor as it was configured. Durations are seconds; `settings` are those of its type."""

    id: MonitorId
    name: str
    type: str
    target: str
    description: str = ""
    interval_s: int = 60
    timeout_s: int = 10
    enabled: bool = True
    public: bool = False
    tags: tuple[str, ...] = ()
    group: str | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    assertions: Any = attrs.field(factory=list)
    track_changes: bool = False
    failure_threshold: int = 3
    success_threshold: int = 1
    resend_interval_s: int = 0
    upside_down: bool = False
    notification_channel_ids: tuple[int, ...] = ()
    escalation_policy_id: int | None = None
    depends_on: tuple[int, ...] = ()
    regions: tuple[str, ...] = ()
    config_version: int = 1
    """Counts the edits. A result of an older version is no vote."""
    created_at: int = 0
    updated_at: int = 0


@attrs.frozen(kw_only=True)
class MonitorState:
    """What is known of a monitor now: the confirmed status and the last check."""

    monitor_id: MonitorId
    status: MonitorStatus = MonitorStatus.PENDING
    """`PENDING`, `UP`, `DEGRADED` or `DOWN`: the confirmed one. Paused is the monitor's `enabled`."""
    status_since: int = 0
    confirming: bool = False
    """The last votes contradict the status, but not yet often enough."""
    partial: bool = False
    announced: bool = False
    """This spell of being down has had its incident; one spell opens one."""
    last_check_at: int | None = None
    last_response_ms: int | None = None
    last_message: str = ""
    cert_expires_at: int | None = None
