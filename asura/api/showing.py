"""What a monitor is shown as at an instant, whatever has been written down by then. Pure.

The list filters and counts by the same rule in SQL: `overview.SHOWN_STATUS`.
"""

import attrs

from asura.consensus.rules import stale_at
from asura.heartbeats.rules import is_missed
from asura.model.heartbeat import Heartbeat
from asura.model.monitor import Monitor, MonitorState, MonitorStatus


@attrs.frozen(kw_only=True)
class Shown:
    """A monitor's status as everybody is to see it now."""

    status: MonitorStatus
    since: int
    is_stale: bool = False
    """Nothing has been seen for so long that the status is an old one."""
    is_missed: bool = False
    """The deadline of a heartbeat has passed, and nobody has written that down yet."""
    tail: tuple[int, MonitorStatus] | None = None
    """What the timeline doesn't say yet: from then on nobody knows, or a deadline has passed."""


def shown(
    monitor: Monitor, state: MonitorState, beat: Heartbeat | None, *, now_ms: int, paused_at: int | None = None
) -> Shown:
    """How to show a monitor with this state; `beat` is its heartbeat, if it is one.

    `paused_at` is when it was paused, if that is known.
    """
    if not monitor.enabled:
        since = state.status_since if paused_at is None else paused_at
        return Shown(status=MonitorStatus.PAUSED, since=since)
    as_written = Shown(status=state.status, since=state.status_since)
    if beat is not None:
        if beat.deadline_at is None or not is_missed(beat.status, beat.deadline_at, now_ms=now_ms):
            return as_written
        if state.status is MonitorStatus.DOWN:
            return attrs.evolve(as_written, is_missed=True)
        # Not before what was seen since: a run may be overdue whose job has reported in another meanwhile.
        at = max(beat.deadline_at, beat.last_ping_at or 0, state.status_since)
        return Shown(status=MonitorStatus.DOWN, since=at, is_missed=True, tail=(at, MonitorStatus.DOWN))
    if state.last_check_at is None or state.status is MonitorStatus.PENDING:
        return as_written
    unknown_from = stale_at(state.last_check_at, interval_s=monitor.interval_s)
    if unknown_from < now_ms:
        tail = (unknown_from, MonitorStatus.UNKNOWN)
        return Shown(status=state.status, since=state.status_since, is_stale=True, tail=tail)
    return as_written
