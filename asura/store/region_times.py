"""Time by status of each region, by its own results: a result holds until the region's next, for a while at most.

What the regions' votes amount to, and with it the monitor's uptime, is told by the timeline (`store/uptimes.py`).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from asura.store.database import Conn
from asura.store.rollups import DAY_MS, HOUR_MS, LONGEST_HOLD_MS
from asura.store.uptimes import StatusTime

# The last result of each region before an instant that may hold beyond it. Which regions to look for, days tell:
# through those that fell silent long ago nobody has to go back, result by result.
_LAST_BEFORE = f"""
SELECT one.region_id, last.status, last.checked_at, last.checked_at + last.holds_s * 1000 AS until
FROM (SELECT DISTINCT region_id FROM rollup WHERE monitor_id = :monitor_id AND span_s = 86400
    AND start_at BETWEEN :at - {LONGEST_HOLD_MS + DAY_MS} AND :at) AS one
CROSS JOIN check_result AS last
WHERE last.monitor_id = :monitor_id AND last.region_id = one.region_id AND last.checked_at = (
    SELECT checked_at FROM check_result WHERE monitor_id = :monitor_id AND region_id = one.region_id
    AND checked_at BETWEEN :at - {LONGEST_HOLD_MS} AND :at - 1 ORDER BY checked_at DESC LIMIT 1)
"""
_BY_STATUS = "region.name, sum(lasted_ms * (status = 0)), sum(lasted_ms * (status = 1)), sum(lasted_ms * (status = 2))"


def exactly(conn: Conn, monitor_id: int, *, since: int, until: int, now_ms: int) -> dict[str, StatusTime]:
    """Between two instants that have passed: whole hours from their rollups, what is left from single checks."""
    first, last = -(-since // HOUR_MS) * HOUR_MS, until // HOUR_MS * HOUR_MS
    if first >= last:
        return from_checks(conn, monitor_id, since=since, until=until)
    parts = (
        from_checks(conn, monitor_id, since=since, until=first),
        from_rollups(conn, monitor_id, since=first, until=last, span_s=3600, now_ms=now_ms),
        from_checks(conn, monitor_id, since=last, until=until),
    )
    found: dict[str, StatusTime] = {}
    for part in parts:
        for region, time in part.items():
            found[region] = found.get(region, StatusTime()) + time
    return found


def from_checks(conn: Conn, monitor_id: int, *, since: int, until: int) -> dict[str, StatusTime]:
    """Between two instants that have passed, from single checks alone."""
    rows = conn.execute(
        f"""
        WITH result AS (
            {_LAST_BEFORE.replace(":at", ":since")}
            UNION ALL
            SELECT region_id, status, checked_at, checked_at + holds_s * 1000 FROM check_result
            WHERE monitor_id = :monitor_id AND checked_at >= :since AND checked_at < :until),
        held AS (
            SELECT region_id, status, max(checked_at, :since) AS since,
                min(until, :until, lead(checked_at, 1, :until) OVER line) AS until
            FROM result WINDOW line AS (PARTITION BY region_id ORDER BY checked_at))
        SELECT {_BY_STATUS} FROM (SELECT region_id, status, max(0, until - since) AS lasted_ms FROM held)
        JOIN region ON region.id = region_id GROUP BY region.name
        """,
        {"monitor_id": monitor_id, "since": since, "until": until},
    )
    return _by_region(rows.fetchall())


def from_rollups(
    conn: Conn, monitor_id: int, *, since: int, until: int, span_s: int, now_ms: int
) -> dict[str, StatusTime]:
    """In the hours or days that begin in `since` ≤ start < `until`, as far as they have passed."""
    end = -(-until // (span_s * 1000)) * span_s * 1000
    if since >= end:  # all of it is yet to come
        return {}
    times = {
        row[0]: list(row[1:])
        for row in conn.execute(
            "SELECT region.name, sum(up_ms), sum(degraded_ms), sum(down_ms) FROM rollup"
            " JOIN region ON region.id = region_id WHERE monitor_id = ? AND span_s = ? AND start_at >= ?"
            " AND start_at < ? GROUP BY region.name",
            (monitor_id, span_s, since, end),
        )
    }
    ahead = conn.execute(
        f"SELECT region.name, status, min(until, :end) - :now FROM ({_LAST_BEFORE})"
        " JOIN region ON region.id = region_id WHERE min(until, :end) > :now",
        {"monitor_id": monitor_id, "at": now_ms + 1, "now": now_ms, "end": end},
    )
    for region, status, ahead_ms in ahead:
        times[region][status] = max(0, times[region][status] - ahead_ms)
    return _by_region([(region, *lasted) for region, lasted in times.items()])


def _by_region(rows: Iterable[Sequence[Any]]) -> dict[str, StatusTime]:
    return {
        region: StatusTime(up=up or 0, degraded=degraded or 0, down=down or 0)
        for region, up, degraded, down in rows
        if up or degraded or down
    }
