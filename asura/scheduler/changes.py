"""What a change of a monitor's configuration does to what is known of it. Inside a write of the store.

An edit drops the votes, because they judged something else, and keeps the status and the incident until the
monitor is judged anew.
"""

import attrs

from asura.errors import InvalidDocument
from asura.heartbeats import lifecycle
from asura.incidents import steps
from asura.live import Event
from asura.model.monitor import Monitor, MonitorState, MonitorStatus
from asura.scheduler.rules import cycle
from asura.store import certificates, contents, incidents, monitors, states, timeline, votes
from asura.store.database import Conn, emit


def create(conn: Conn, monitor: Monitor, *, now_ms: int) -> Monitor:
    """Add a monitor; its `id` is ignored. Raises Conflict for a name that is taken, InvalidDocument."""
    monitor = attrs.evolve(monitor, config_version=1, created_at=now_ms, updated_at=now_ms)
    monitor = monitors.insert(conn, monitor)
    _refuse_bad_references(conn, monitor)
    states.save(conn, MonitorState(monitor_id=monitor.id, status_since=now_ms))
    shown = MonitorStatus.PENDING if monitor.enabled else MonitorStatus.PAUSED
    timeline.change(conn, monitor.id, at=now_ms, status=shown)
    lifecycle.create(conn, monitor, now_ms=now_ms)
    emit(conn, Event(kind="monitor.changed", id=monitor.id))
    return monitor


def replace(conn: Conn, monitor: Monitor, *, now_ms: int) -> Monitor:
    """Put another configuration in place. Raises NotFound, Conflict, InvalidDocument."""
    before = monitors.get(conn, monitor.id)
    monitor = attrs.evolve(
        monitor, config_version=before.config_version + 1, created_at=before.created_at, updated_at=now_ms
    )
    monitors.update(conn, monitor)
    _refuse_bad_references(conn, monitor)
    if monitor.resend_interval_s != before.resend_interval_s:
        steps.remind_anew(conn, monitor, now_ms=now_ms)
    becomes_passive = lifecycle.is_heartbeat(monitor) and not lifecycle.is_heartbeat(before)
    if monitor.enabled != before.enabled:
        _turn_on_or_off(conn, monitor, now_ms=now_ms)
    elif monitor.enabled and becomes_passive:
        _begin_anew(conn, monitor, now_ms=now_ms)
    if monitor.enabled != before.enabled or not _judges_the_same(before, monitor):
        votes.drop(conn, monitor.id)  # but a new name or group is no new question
    lifecycle.replace(conn, before, monitor, now_ms=now_ms)
    if not monitor.track_changes or not _asks_the_same(before, monitor):
        contents.forget(conn, monitor.id)  # what is found next is the first of its kind, and no change
    if not _asks_the_same(before, monitor):
        certificates.forget(conn, monitor.id)
    emit(conn, Event(kind="monitor.changed", id=monitor.id))
    return monitor


def _judges_the_same(before: Monitor, after: Monitor) -> bool:
    if lifecycle.is_heartbeat(before) and before.type == after.type:
        return True  # what a job reported, or failed to, stays true under another plan
    return all(
        getattr(before, name) == getattr(after, name)
        for name in ("type", "target", "settings", "assertions", "upside_down", "interval_s", "timeout_s", "regions")
    )


def _asks_the_same(before: Monitor, after: Monitor) -> bool:
    return all(getattr(before, name) == getattr(after, name) for name in ("type", "target", "settings"))


def set_enabled(conn: Conn, monitor_id: int, *, enabled: bool, now_ms: int) -> Monitor:
    """Pause a monitor or let it go on; nothing when it is so already. Raises NotFound."""
    monitor = monitors.get(conn, monitor_id)
    if monitor.enabled == enabled:
        return monitor
    return replace(conn, attrs.evolve(monitor, enabled=enabled), now_ms=now_ms)


def _turn_on_or_off(conn: Conn, monitor: Monitor, *, now_ms: int) -> None:
    if not monitor.enabled:
        timeline.change(conn, monitor.id, at=now_ms, status=MonitorStatus.PAUSED)
    else:
        _begin_anew(conn, monitor, now_ms=now_ms)


def _begin_anew(conn: Conn, monitor: Monitor, *, now_ms: int) -> None:
    # What was true before the pause is not known to be true now, unless somebody still works on its incident.
    state = states.get(conn, monitor.id)
    has_incident = incidents.unresolved_of(conn, monitor.id) is not None
    status = state.status if has_incident else MonitorStatus.PENDING
    since = timeline.change(conn, monitor.id, at=now_ms, status=status)
    states.save(
        conn,
        attrs.evolve(
            state,
            status=status,
            status_since=state.status_since if has_incident else since,
            announced=has_incident,
            confirming=False,
            partial=False,
            last_check_at=None,
        ),
    )


def delete(conn: Conn, monitor_id: int, *, by: str, now_ms: int, base_url: str) -> Monitor:
    """Take a monitor away; who was told of its open incident is told that it is over. Raises NotFound."""
    monitor = monitors.get(conn, monitor_id)
    steps.close_for_good(conn, monitor, by=by, now_ms=now_ms, base_url=base_url)
    monitors.forget_dependency(conn, monitor_id)
    lifecycle.end(conn, monitor)
    monitors.delete(conn, monitor_id)
    emit(conn, Event(kind="monitor.changed", id=monitor.id))
    return monitor


def _refuse_bad_references(conn: Conn, monitor: Monitor) -> None:
    """Dependencies must exist and lead nowhere back. Within the transaction, so that two edits can't close a ring."""
    if not monitor.depends_on:
        return
    missing = sorted(set(monitor.depends_on) - monitors.existing_ids(conn, monitor.depends_on))
    if missing:
        raise InvalidDocument({"depends_on": f"there is no monitor {missing[0]}"})
    ring = cycle(monitors.dependencies(conn), start=monitor.id)
    if ring:
        raise InvalidDocument({"depends_on": f"would make a circle: {' → '.join(map(str, ring))}"})
