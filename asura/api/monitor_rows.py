"""Monitors as who asks may read them, gathered from the rows: a few queries, however many there are."""

from collections.abc import Mapping, Sequence

from asura.api import monitor_views, showing
from asura.api.endpoint import Call
from asura.api.monitor_documents import PASSIVE
from asura.api.monitor_views import HeartbeatView, MonitorView
from asura.api.showing import Shown
from asura.model.heartbeat import Heartbeat
from asura.model.monitor import Monitor, MonitorState, MonitorStatus
from asura.store import charts, heartbeats, monitors, states, timeline, uptimes
from asura.store.database import Conn

RECENT_CHECKS = 30


def views(
    call: Call, conn: Conn, found: Sequence[tuple[Monitor, MonitorState]], *, with_recent: bool = False
) -> list[MonitorView]:
    """Monitors as who asks may read them; a few queries for all of them."""
    ids = [monitor.id for monitor, _ in found]
    recent = charts.recent_as_json(conn, ids, limit=RECENT_CHECKS) if with_recent else {}
    reasons = _reasons(conn, found)
    beats = _beats(conn, [monitor for monitor, _ in found])
    shown = _shown(conn, found, beats, now_ms=call.now_ms)
    tails = {monitor_id: each.tail for monitor_id, each in shown.items() if each.tail}
    uptime = uptimes.windows(conn, ids, now_ms=call.now_ms, tails=tails)
    told = _told_heartbeats(call, conn, [monitor for monitor, _ in found], beats, shown)
    return [
        monitor_views.view(
            monitor,
            state,
            shown[monitor.id],
            uptime=uptime[monitor.id],
            suppressed_by=reasons.get(monitor.id, ()),
            heartbeat=told.get(monitor.id),
            recent=recent.get(monitor.id),
        )
        for monitor, state in found
    ]


def _beats(conn: Conn, found: Sequence[Monitor]) -> Mapping[int, Heartbeat]:
    """The heartbeats of those that are some; a list without any asks for nothing."""
    ids = [monitor.id for monitor in found if monitor.type in PASSIVE]
    return heartbeats.of_monitors(conn, ids) if ids else {}


def _shown(
    conn: Conn, found: Sequence[tuple[Monitor, MonitorState]], beats: Mapping[int, Heartbeat], *, now_ms: int
) -> dict[int, Shown]:
    paused = [monitor.id for monitor, _ in found if not monitor.enabled]
    last = timeline.of_monitors(conn, paused, since=now_ms) if paused else {}
    paused_at = {monitor_id: past[-1][0] for monitor_id, past in last.items()}
    return {
        monitor.id: showing.shown(
            monitor, state, beats.get(monitor.id), now_ms=now_ms, paused_at=paused_at.get(monitor.id)
        )
        for monitor, state in found
    }


def _told_heartbeats(
    call: Call, conn: Conn, found: Sequence[Monitor], beats: Mapping[int, Heartbeat], shown: Mapping[int, Shown]
) -> dict[int, HeartbeatView]:
    if not beats:
        return {}
    runs = heartbeats.runs_of(conn, beats)
    # Whoever has a token can report for the job: a reader may look, and not say that all is well.
    base_url = call.base_url if call.may("monitors.write") else None
    return {
        monitor.id: monitor_views.heartbeat_view(
            monitor,
            beats[monitor.id],
            runs.get(monitor.id, ()),
            shown[monitor.id],
            now_ms=call.now_ms,
            base_url=base_url,
        )
        for monitor in found
        if monitor.id in beats
    }


def _reasons(conn: Conn, found: Sequence[tuple[Monitor, MonitorState]]) -> dict[int, list[int]]:
    """Which dependencies hold back the incident of each monitor that is down without one."""
    held = {
        monitor.id: monitor.depends_on
        for monitor, state in found
        if monitor.enabled and state.status is MonitorStatus.DOWN and not state.announced and monitor.depends_on
    }
    down = states.down_among(conn, {each for depends_on in held.values() for each in depends_on}) if held else set()
    return {monitor_id: [each for each in depends_on if each in down] for monitor_id, depends_on in held.items()}


def view_of(call: Call, conn: Conn, monitor_id: int, *, with_recent: bool = False) -> MonitorView:
    """One monitor as who asks may read it. Raises NotFound."""
    found = [(monitors.get(conn, monitor_id), states.get(conn, monitor_id))]
    return views(call, conn, found, with_recent=with_recent)[0]
