"""A heartbeat from its monitor's creation to its end. Every function runs inside a write of the store."""

import attrs

from asura.checks import is_passive
from asura.heartbeats import due, recording, rules
from asura.heartbeats.due import Plan
from asura.ids import new_heartbeat_token
from asura.live import Event
from asura.model.heartbeat import Heartbeat, HeartbeatStatus
from asura.model.monitor import Monitor, MonitorStatus
from asura.store import heartbeats, states
from asura.store.database import Conn, emit

OLD_TOKEN_MS = 86_400_000
"""For how long a rotated token stays good, if that was asked for."""


def is_heartbeat(monitor: Monitor) -> bool:
    """Whether the monitor reports by itself instead of being checked."""
    return is_passive(monitor.type)


def create(conn: Conn, monitor: Monitor, *, now_ms: int) -> None:
    """Give a new monitor its heartbeat, if it is of that type."""
    if is_heartbeat(monitor):
        _make(conn, monitor, now_ms=now_ms)


def _make(conn: Conn, monitor: Monitor, *, now_ms: int) -> None:
    plan = _plan(monitor)
    beat = heartbeats.create_heartbeat(conn, monitor.id, grace=plan.grace_s, new_token=new_heartbeat_token)
    if monitor.enabled:
        _keep(conn, _begun(conn, beat, plan, now_ms=now_ms))


def replace(conn: Conn, before: Monitor, after: Monitor, *, now_ms: int) -> None:
    """Follow an edit: of the plan, of the type, a pause or its end. The monitor's state is that after the edit."""
    if not is_heartbeat(after):
        if is_heartbeat(before):
            heartbeats.delete(conn, before.id)
        return
    beat = heartbeats.of_monitors(conn, [after.id]).get(after.id)
    if beat is None:
        _make(conn, after, now_ms=now_ms)
        return
    plan = _plan(after)
    if not after.enabled:
        if before.enabled:  # the ends of its runs will not be heard
            heartbeats.save_runs(conn, {after.id: ()})
        _keep(conn, attrs.evolve(beat, grace=plan.grace_s, due_at=None, deadline_at=None, excused_until=None))
    elif not before.enabled:
        _keep(conn, attrs.evolve(_begun(conn, beat, plan, now_ms=now_ms), grace=plan.grace_s))
    elif plan != _plan(before):
        runs = heartbeats.runs_of(conn, [after.id]).get(after.id, ())
        beat, runs = rules.replan(beat, runs, plan, now_ms=now_ms)
        heartbeats.save_runs(conn, {after.id: runs})
        _keep(conn, attrs.evolve(beat, grace=plan.grace_s))


def _plan(monitor: Monitor) -> Plan:
    return due.plan(interval_s=monitor.interval_s, settings=monitor.settings)


def _begun(conn: Conn, beat: Heartbeat, plan: Plan, *, now_ms: int) -> Heartbeat:
    """The heartbeat when it is watched from now on; one whose incident is still open is down until it reports."""
    beat = rules.begin(beat, plan, now_ms=now_ms)
    if states.get(conn, beat.monitor_id).status is MonitorStatus.DOWN:
        return attrs.evolve(beat, status=HeartbeatStatus.DOWN, deadline_at=None)
    return beat


def _keep(conn: Conn, beat: Heartbeat) -> None:
    heartbeats.update_heartbeat_ping(conn, [beat])
    recording.tell_deadline(conn, [beat])


def rotate(conn: Conn, monitor_id: int, *, keep_old: bool, now_ms: int) -> Heartbeat:
    """Another token at once; the old one stays good for a day if asked. Raises NotFound."""
    old_until = now_ms + OLD_TOKEN_MS if keep_old else None
    beat = heartbeats.rotate(conn, monitor_id, new_token=new_heartbeat_token, old_until=old_until)
    emit(conn, Event(kind="monitor.changed", id=monitor_id))
    return beat


def end(conn: Conn, monitor: Monitor) -> None:
    """The monitor is about to be deleted: its token is nobody's from the commit on."""
    heartbeats.delete(conn, monitor.id)
