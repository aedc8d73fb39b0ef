"""Time by status over any span, from the timeline's running totals: exact, and a few look-ups whatever the span.

`asura/uptime.py` walks over every change to the same end; tests hold the two equal.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import attrs

from asura.model.monitor import MonitorStatus
from asura.store.database import Conn
from asura.store.rows import from_json, to_json
from asura.store.timeline import END_OF_TIME, TOTALLED
from asura.uptime import WINDOWS_MS, share

Tail = tuple[int, MonitorStatus]
"""What the timeline doesn't say yet: the status from an instant on, if that is later than its last change."""


@attrs.frozen(kw_only=True)
class StatusTime:
    """Milliseconds by status; what is in none of them (pending, paused, unknown …) is not known."""

    up: int = 0
    degraded: int = 0
    down: int = 0

    def __add__(self, other: "StatusTime") -> "StatusTime":
        return StatusTime(up=self.up + other.up, degraded=self.degraded + other.degraded, down=self.down + other.down)

    @property
    def percent(self) -> float | None:
        """The percentage of known time that was not down, floored to thousandths; None when nothing is known."""
        return share(self.up + self.degraded, self.down)


def over(
    conn: Conn, monitor_ids: Sequence[int], *, edges: Sequence[int], tails: Mapping[int, Tail]
) -> dict[int, list[StatusTime]]:
    """The time by status between each two neighbours of `edges` (ascending), for each monitor."""
    return {
        monitor_id: [
            StatusTime(up=later[0] - earlier[0], degraded=later[1] - earlier[1], down=later[2] - earlier[2])
            for earlier, later in pairwise(totals)
        ]
        for monitor_id, totals in _totals(conn, monitor_ids, edges=edges, tails=tails).items()
    }


def windows(
    conn: Conn, monitor_ids: Sequence[int], *, now_ms: int, tails: Mapping[int, Tail]
) -> dict[int, dict[str, float | None]]:
    """The uptime of each monitor over each of `uptime.WINDOWS_MS`, in percent, floored; None where nothing is known."""
    edges = [now_ms, *(now_ms - span_ms for span_ms in WINDOWS_MS.values())]
    found: dict[int, dict[str, float | None]] = {}
    for monitor_id, (until, *starts) in _totals(conn, monitor_ids, edges=edges, tails=tails).items():
        found[monitor_id] = {
            name: share(until[0] - since[0] + until[1] - since[1], until[2] - since[2])
            for name, since in zip(WINDOWS_MS, starts, strict=True)
        }
    return found


def together(conn: Conn, *, now_ms: int, stale_windows: int, window_floor_s: int) -> dict[str, float | None]:
    """The uptime of all monitors together over each of `uptime.WINDOWS_MS`: of their known time, what was not down.

    The last two are from `consensus/rules.py`: after so many windows without a check nobody knows.
    """
    edges = [now_ms, *(now_ms - span_ms for span_ms in WINDOWS_MS.values())]
    values = {"edges": to_json(edges), "now_ms": now_ms, "windows": stale_windows, "floor_s": window_floor_s}
    found = {place: (good_ms, down_ms) for place, good_ms, down_ms in conn.execute(_TOGETHER, values)}
    if not found:
        return dict.fromkeys(WINDOWS_MS)
    (good_ms, down_ms), *starts = (found[place] for place in range(len(edges)))
    return {
        name: share(good_ms - good_before_ms, down_ms - down_before_ms)
        for name, (good_before_ms, down_before_ms) in zip(WINDOWS_MS, starts, strict=True)
    }


_Totals = tuple[int, int, int]
"""Milliseconds from a monitor's first change to an instant, by status as in TOTALLED."""
_NOTHING: _Totals = (0, 0, 0)
_PLACES = {status.value: place for place, status in enumerate(TOTALLED)}

# The change in force at an edge; before the first that is kept, that one, whose totals stand for all that was pruned.
_AT_EDGE = """coalesce((SELECT max(at) FROM status_change WHERE monitor_id = one.value AND at <= edge.value),
    (SELECT min(at) FROM status_change WHERE monitor_id = one.value))"""
# One JSON text, because sqlite3 takes and gives the GIL for every row.
_IN_FORCE = f"""
SELECT json_group_array(json_array(one.value, edge.key, change.at, change.status, up_ms, degraded_ms, down_ms))
FROM json_each(?1) AS one CROSS JOIN json_each(?2) AS edge CROSS JOIN status_change AS change
WHERE change.monitor_id = one.value AND change.at = {_AT_EDGE}
"""
# The sums of all monitors at each edge, tails included (asura/api/showing.py tells those one by one): from `tail_at` on
# a check is stale and nobody knows, or the deadline of a heartbeat has passed and it is down.
_TOGETHER = f"""
WITH shown AS (
    SELECT monitor.id AS value, heartbeat.id IS NOT NULL AS falls, CASE
        WHEN NOT monitor.enabled OR state.status = 'pending' AND heartbeat.id IS NULL THEN NULL
        WHEN heartbeat.id IS NULL THEN state.last_check_at + 1000 * :windows * max(:floor_s, monitor.interval_s)
        WHEN heartbeat.status != 'down' AND state.status != 'down'
        THEN max(heartbeat.deadline_at, coalesce(heartbeat.last_ping_at, 0), state.status_since) END AS tail_at
    FROM monitor JOIN monitor_state AS state ON state.monitor_id = monitor.id
    LEFT JOIN heartbeat ON heartbeat.monitor_id = monitor.id),
one AS MATERIALIZED (
    SELECT value, falls, coalesce(
        max(tail_at, (SELECT max(at) FROM status_change WHERE monitor_id = shown.value)), {END_OF_TIME}) AS tail_at
    FROM shown)
SELECT edge.key,
    sum(up_ms + degraded_ms + (change.status IN ('up', 'degraded')) * max(0, min(edge.value, tail_at) - change.at)),
    sum(down_ms + (change.status = 'down') * max(0, min(edge.value, tail_at) - change.at)
        + falls * max(0, edge.value - tail_at))
FROM one CROSS JOIN json_each(:edges) AS edge CROSS JOIN status_change AS change
WHERE change.monitor_id = one.value AND change.at = {_AT_EDGE} GROUP BY edge.key
"""


def _totals(
    conn: Conn, monitor_ids: Sequence[int], *, edges: Sequence[int], tails: Mapping[int, Tail]
) -> dict[int, list[_Totals]]:
    """The totals of each monitor at each edge, in the order of `edges`."""
    wanted = [*edges, END_OF_TIME] if tails else edges
    rows = from_json(conn.execute(_IN_FORCE, (to_json(list(monitor_ids)), to_json(list(wanted)))).fetchone()[0])
    last_at = {row[0]: row[2] for row in rows if row[1] == len(edges)}
    found = {monitor_id: [_NOTHING] * len(edges) for monitor_id in monitor_ids}
    for monitor_id, place, at, status, *totals_ms in rows:
        if place == len(edges):
            continue
        instant = edges[place]
        if monitor_id in tails:
            tail_at, tail_status = max(tails[monitor_id][0], last_at[monitor_id]), tails[monitor_id][1]
            _add(totals_ms, tail_status, instant - tail_at)
            instant = min(instant, tail_at)
        _add(totals_ms, status, instant - at)
        found[monitor_id][place] = tuple(totals_ms)
    return found


def _add(totals_ms: list[int], status: str, lasted_ms: int) -> None:
    if lasted_ms > 0 and (place := _PLACES.get(status)) is not None:
        totals_ms[place] += lasted_ms
