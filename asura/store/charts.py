"""Checks as charts want them: in equal steps, from raw checks for hours and rollups for months; and the last few."""

from collections.abc import Sequence
from typing import Any

import attrs

from asura.store.database import Conn
from asura.store.rows import to_json


@attrs.frozen(kw_only=True)
class Bin:
    """The checks of one step; the times are None when nothing answered."""

    start_at: int
    up: int
    degraded: int
    down: int
    sum_ms: int
    timed: int
    min_ms: int | None
    max_ms: int | None

    @property
    def avg_ms(self) -> int | None:
        """The mean response time, rounded to whole milliseconds."""
        return round(self.sum_ms / self.timed) if self.timed else None


def from_checks(conn: Conn, monitor_id: int, *, since: int, until: int, step_ms: int) -> list[Bin]:
    """The bins of single checks; those without any are left out. `since` must be a multiple of the step."""
    rows = conn.execute(
        "SELECT ?2 + (checked_at - ?2) / ?4 * ?4 AS bin, sum(status = 0), sum(status = 1), sum(status = 2),"
        " coalesce(sum(response_ms), 0), count(response_ms), min(response_ms), max(response_ms) FROM check_result"
        " WHERE monitor_id = ?1 AND checked_at >= ?2 AND checked_at < ?3 GROUP BY bin ORDER BY bin",
        (monitor_id, since, until, step_ms),
    )
    return [_bin(row) for row in rows]


def from_rollups(conn: Conn, monitor_id: int, *, since: int, until: int, step_ms: int, span_s: int) -> list[Bin]:
    """The same from the rollups of one span; the step is a multiple of the span."""
    rows = conn.execute(
        "SELECT ?2 + (start_at - ?2) / ?4 * ?4 AS bin, sum(up), sum(degraded), sum(down), sum(sum_ms), sum(timed),"
        " min(min_ms), max(max_ms) FROM rollup WHERE monitor_id = ?1 AND span_s = ?5 AND start_at >= ?2"
        " AND start_at < ?3 GROUP BY bin HAVING sum(up + degraded + down) > 0 ORDER BY bin",
        (monitor_id, since, until, step_ms, span_s),
    )
    return [_bin(row) for row in rows]


# In few pieces, because each of them is copied into the next; newest first, because sorting them again costs as much.
_RECENT = """
SELECT one.value, (
    SELECT group_concat(
        strftime('{"at":"%Y-%m-%dT%H:%M:%fZ","response_ms":', checked_at / 1000.0, 'unixepoch')
        || coalesce(response_ms, 'null')
        || CASE status WHEN 0 THEN ',"status":"up"}' WHEN 1 THEN ',"status":"degraded"}' ELSE ',"status":"down"}' END,
        char(10)
    ) FROM (
        SELECT checked_at, status, response_ms FROM check_result WHERE monitor_id = one.value
        ORDER BY checked_at DESC, region_id DESC LIMIT ?2
    )
) FROM json_each(?1) AS one
"""


def recent_as_json(conn: Conn, monitor_ids: Sequence[int], *, limit: int) -> dict[int, str]:
    """The last checks of several monitors, oldest first, each list as the JSON text that a client is given.

    Written by SQLite, where the GIL is free: a page of two hundred monitors has six thousand of them.
    """
    rows = conn.execute(_RECENT, (to_json(list(monitor_ids)), limit))
    return {row[0]: f"[{','.join(reversed((row[1] or '').splitlines()))}]" for row in rows}


@attrs.frozen(kw_only=True)
class Tally:
    """The checks of one region over a span."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    timed: int = 0
    sum_ms: int = 0
    min_ms: int | None = None
    max_ms: int | None = None


def tally_checks(conn: Conn, monitor_id: int, *, since: int, until: int) -> dict[str, Tally]:
    """What each region saw, from single checks."""
    rows = conn.execute(
        "SELECT region.name, sum(status = 0), sum(status = 1), sum(status = 2), count(response_ms),"
        " coalesce(sum(response_ms), 0), min(response_ms), max(response_ms)"
        " FROM check_result JOIN region ON region.id = region_id"
        " WHERE monitor_id = ? AND checked_at >= ? AND checked_at < ? GROUP BY region.name ORDER BY region.name",
        (monitor_id, since, until),
    )
    return {row[0]: _tally(row[1:]) for row in rows}


def tally_rollups(conn: Conn, monitor_id: int, *, since: int, until: int, span_s: int) -> dict[str, Tally]:
    """The same from the rollups of one span that begin in `since` ≤ start < `until`."""
    rows = conn.execute(
        "SELECT region.name, sum(up), sum(degraded), sum(down), sum(timed), sum(sum_ms), min(min_ms), max(max_ms)"
        " FROM rollup JOIN region ON region.id = region_id"
        " WHERE monitor_id = ? AND span_s = ? AND start_at >= ? AND start_at < ?"
        " GROUP BY region.name HAVING sum(up + degraded + down) > 0 ORDER BY region.name",
        (monitor_id, span_s, since, until),
    )
    return {row[0]: _tally(row[1:]) for row in rows}


def _tally(row: Sequence[Any]) -> Tally:
    up, degraded, down, timed, sum_ms, min_ms, max_ms = row
    return Tally(up=up, degraded=degraded, down=down, timed=timed, sum_ms=sum_ms, min_ms=min_ms, max_ms=max_ms)


def _bin(row: tuple[int, int, int, int, int, int, int | None, int | None]) -> Bin:
    start_at, up, degraded, down, sum_ms, timed, min_ms, max_ms = row
    return Bin(
        start_at=start_at,
        up=up,
        degraded=degraded,
        down=down,
        sum_ms=sum_ms,
        timed=timed,
        min_ms=min_ms,
        max_ms=max_ms,
    )
