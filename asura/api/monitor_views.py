"""The monitor as clients are given it: its document, and what is known of it now."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import attrs
import msgspec

from asura.api import assertion_documents, pings
from asura.api.masking import masked
from asura.api.showing import Shown
from asura.api.wire import Instant, instant, maybe_instant
from asura.checks import CHECK_TYPES
from asura.model.heartbeat import Heartbeat, HeartbeatStatus, Run
from asura.model.monitor import Monitor, MonitorState, MonitorStatus, Status

SETTINGS: Mapping[str, type] = {name: kind.settings for name, kind in CHECK_TYPES.items()}

ASSERTIONS = ("Assertions", assertion_documents.schema)

Uptime = TypedDict("Uptime", {"24h": float | None, "7d": float | None, "30d": float | None, "90d": float | None})


@attrs.frozen(kw_only=True, slots=False)
class RecentCheck:
    """A past check in brief."""

    at: Instant
    status: Status
    response_ms: int | None


@attrs.frozen(kw_only=True, slots=False)
class RunView:
    """A run of a job that has started and not ended; `rid` null: it gave itself no id."""

    rid: str | None
    started_at: Instant
    deadline_at: Instant | None = attrs.field(
        metadata={"help": "when it will be too long; null when its end is not waited for any more"}
    )


@attrs.frozen(kw_only=True, slots=False)
class HeartbeatView:
    """What is known of a job that reports by itself. Null where there is nothing yet, or nothing is expected."""

    token: str | None = attrs.field(
        repr=False, metadata={"help": "what it reports with; null for keys without `monitors.write`"}
    )
    ping_url: str | None = attrs.field(
        repr=False, metadata={"help": "where it reports; null for keys without `monitors.write`"}
    )
    grace: int
    schedule: str
    timezone: str
    last_ping_at: Instant | None
    last_duration_ms: int | None
    status: HeartbeatStatus
    next_expected_at: Instant | None
    deadline_at: Instant | None = attrs.field(
        metadata={"help": "beyond this instant it is down, by its schedule or by the run that ends next"}
    )
    runs: Sequence[RunView]
    old_token_until: Instant | None = attrs.field(
        metadata={"help": "until when the token before the last rotation is good, too"}
    )


@attrs.frozen(kw_only=True, slots=False)
class MonitorView:
    """A monitor as clients read it: its document, and what is known of it now."""

    id: int
    name: str
    description: str
    type: str
    target: str
    interval: int
    timeout: int
    enabled: bool
    public: bool
    tags: Sequence[str]
    group: str | None
    settings: Mapping[str, Any] = attrs.field(metadata={"by_type": SETTINGS})
    assertions: Any = attrs.field(metadata={"schema": ASSERTIONS})
    track_changes: bool
    failure_threshold: int
    success_threshold: int
    resend_interval: int
    upside_down: bool
    notification_channel_ids: Sequence[int]
    escalation_policy_id: int | None
    depends_on: Sequence[int]
    regions: Sequence[str]
    status: MonitorStatus
    status_since: Instant
    confirming: bool = attrs.field(metadata={"help": "the last checks contradict the status, but not yet often enough"})
    stale: bool = attrs.field(metadata={"help": "nothing has been seen for so long that the status is an old one"})
    suppressed_by: Sequence[int] = attrs.field(
        metadata={"help": "it is down and no incident was opened, because these monitors that it depends on are down"}
    )
    last_check_at: Instant | None
    last_response_ms: int | None
    last_message: str
    cert_expires_at: Instant | None
    uptime: Uptime = attrs.field(metadata={"help": "a percentage, or null when nothing is known"})
    created_at: Instant
    updated_at: Instant
    heartbeat: HeartbeatView | None = attrs.field(metadata={"help": "null for every type but `heartbeat`"})
    recent: Sequence[RecentCheck] = attrs.field(
        default=msgspec.UNSET, metadata={"help": "with include=recent: the last 30 checks, oldest first"}
    )


def to_document(monitor: Monitor) -> dict[str, Any]:
    """A monitor's document as plain data, secrets masked: what PATCH starts from and what the audit compares."""
    kind = CHECK_TYPES.get(monitor.type)
    return {
        "name": monitor.name,
        "description": monitor.description,
        "type": monitor.type,
        "target": monitor.target,
        "interval": monitor.interval_s,
        "timeout": monitor.timeout_s,
        "enabled": monitor.enabled,
        "public": monitor.public,
        "tags": list(monitor.tags),
        "group": monitor.group,
        "settings": masked(kind.settings, monitor.settings) if kind else {},
        "assertions": monitor.assertions,
        "track_changes": monitor.track_changes,
        "failure_threshold": monitor.failure_threshold,
        "success_threshold": monitor.success_threshold,
        "resend_interval": monitor.resend_interval_s,
        "upside_down": monitor.upside_down,
        "notification_channel_ids": list(monitor.notification_channel_ids),
        "escalation_policy_id": monitor.escalation_policy_id,
        "depends_on": list(monitor.depends_on),
        "regions": list(monitor.regions),
    }


def view(
    monitor: Monitor,
    state: MonitorState,
    shown: Shown,
    *,
    uptime: Mapping[str, float | None],
    suppressed_by: Sequence[int] = (),
    heartbeat: HeartbeatView | None = None,
    recent: str | None = None,
) -> MonitorView:
    """A monitor as clients read it. `recent` is the JSON text of its last checks."""
    return MonitorView(
        id=monitor.id,
        **to_document(monitor),
        status=shown.status,
        status_since=instant(shown.since),
        confirming=monitor.enabled and state.confirming,
        stale=shown.is_stale,
        suppressed_by=suppressed_by,
        last_check_at=maybe_instant(state.last_check_at),
        last_response_ms=state.last_response_ms,
        last_message=state.last_message,
        cert_expires_at=maybe_instant(state.cert_expires_at),
        uptime=uptime,  # type: ignore[arg-type]
        created_at=instant(monitor.created_at),
        updated_at=instant(monitor.updated_at),
        heartbeat=heartbeat,
        recent=msgspec.UNSET if recent is None else msgspec.Raw(recent.encode()),  # type: ignore[arg-type]
    )


def heartbeat_view(
    monitor: Monitor, beat: Heartbeat, runs: Sequence[Run], shown: Shown, *, now_ms: int, base_url: str | None
) -> HeartbeatView:
    """A monitor's heartbeat as clients read it; without `base_url` they may not report for the job."""
    url = None if base_url is None else f"{base_url.rstrip('/')}{pings.routes.prefix}{pings.PATH}/{beat.token}"
    old_until = beat.old_token_until if beat.old_token_until and beat.old_token_until > now_ms else None
    is_expected = monitor.enabled
    return HeartbeatView(
        token=None if url is None else beat.token,
        ping_url=url,
        grace=beat.grace,
        schedule=monitor.settings.get("schedule", ""),
        timezone=monitor.settings.get("timezone", "UTC"),
        last_ping_at=maybe_instant(beat.last_ping_at),
        last_duration_ms=beat.last_duration_ms,
        status=HeartbeatStatus.DOWN if shown.is_missed else beat.status,
        next_expected_at=maybe_instant(beat.due_at) if is_expected else None,
        deadline_at=maybe_instant(beat.deadline_at) if is_expected else None,
        runs=[
            RunView(
                rid=run.rid or None,
                started_at=instant(run.started_at),
                deadline_at=maybe_instant(run.deadline_at) if is_expected else None,
            )
            for run in runs
        ],
        old_token_until=maybe_instant(old_until),
    )
