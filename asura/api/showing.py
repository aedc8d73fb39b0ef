"""What a monitor is shown as at an instant, whatever has been written down by then. Pure."""

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
    tail: tuple[int, MonitorStatus] | None = None
    """What the timeline doesn't say yet: from then on nobody knows, or a deadline has passed."""


def shown(monitor: Monitor, state: MonitorState, beat: Heartbeat | None, *, now_ms: int) -> Shown:
    """How to show a monitor with this state; `beat` is its heartbeat, if it is one."""
    if not monitor.enabled:
        return Shown(status=MonitorStatus.PAUSED, since=state.status_since)
    if beat is not None:
        if is_missed(beat.status, beat.deadline_at, now_ms=now_ms):
            at = beat.deadline_at or now_ms
            return Shown(status=MonitorStatus.DOWN, since=at, tail=(at, MonitorStatus.DOWN))
        return Shown(status=state.status, since=state.status_since)
    if state.last_check_at is None or state.status is MonitorStatus.PENDING:
        return Shown(status=state.status, since=state.status_since)
    unknown_from = stale_at(state.last_check_at, interval_s=monitor.interval_s)
    if unknown_from < now_ms:
        tail = (unknown_from, MonitorStatus.UNKNOWN)
        return Shown(status=state.status, since=state.status_since, is_stale=True, tail=tail)
    return Shown(status=state.status, since=state.status_since)
