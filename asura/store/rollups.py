"""What results add up to, by monitor and region: counts, times by status and sketches of response times.

Written with the results, in the same transaction (`store/checks.py`), and always what the results would give if all
of them were added up anew: also when they come late, out of order or together. Spans are UTC.

**Time by status.** A result holds until the next one of its region, at most `holds_s`. All of that is added when it is
stored, up to what may lie in the future, and what a later one cuts short is taken away again. So a region that falls
silent needs nobody who comes back to it, and only the newest result of each has time that has not passed yet.
"""

from asura.model.monitor import Status
from asura.store.database import Conn

SPANS_S = (300, 3600, 86400)
"""Five minutes draw a day, hours draw weeks, days draw months. Five minutes have no times by status: a check that comes
once a day would make a thousand rows of them."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LONGEST_HOLD_MS = 3 * DAY_MS
"""How far back a result can be that still holds: that of a check made once a day. Bounds what is looked through for it,
where a region has none at all."""

_NEIGHBOUR = (
    "(SELECT checked_at FROM check_result AS old WHERE old.monitor_id = new.monitor_id"
    " AND old.region_id = new.region_id AND old.checked_at BETWEEN {} ORDER BY old.checked_at {} LIMIT 1)"
)
# `seen` is what is new, with the result of its region before it and those after it. `held` is until when it holds, and
# until when the one before it would have held: only the first that is new takes time from that. `later` is what of
# both lies in the hours after its own, hour by hour: of most it is nothing.
_ROLL_UP = f"""
WITH RECURSIVE seen AS MATERIALIZED (
    SELECT new.monitor_id, new.region_id, new.status, at, new.response_ms, at + new.holds_s * 1000 AS until,
        lead(at) OVER line AS next_at,
        {_NEIGHBOUR.format(f"at + 1 AND at + {LONGEST_HOLD_MS}", "ASC")} AS next_old_at,
        was.status AS was, was.checked_at + was.holds_s * 1000 AS was_until,
        was.checked_at IS NOT lag(was.checked_at) OVER line AS is_first
    FROM temp.incoming AS new LEFT JOIN check_result AS was
        ON was.monitor_id = new.monitor_id AND was.region_id = new.region_id
        AND was.checked_at = {_NEIGHBOUR.format(f"at - {LONGEST_HOLD_MS} AND at - 1", "DESC")}
    WINDOW line AS (PARTITION BY new.monitor_id, new.region_id ORDER BY at)),
held AS (
    SELECT monitor_id, region_id, status, at, response_ms, was,
        coalesce(min(until, coalesce(next_at, until), coalesce(next_old_at, until)), at) AS until,
        coalesce(CASE WHEN is_first THEN max(at, min(was_until, coalesce(next_old_at, was_until))) END, at) AS was_until
    FROM seen),
later(monitor_id, region_id, status, was, until, was_until, day_ends_at, at) AS (
    SELECT monitor_id, region_id, status, was, until, was_until, at - at % {DAY_MS} + {DAY_MS},
        at - at % {HOUR_MS} + {HOUR_MS}
    FROM held WHERE max(until, was_until) > at - at % {HOUR_MS} + {HOUR_MS}
    UNION ALL
    SELECT monitor_id, region_id, status, was, until, was_until, day_ends_at, at + {HOUR_MS} FROM later
    WHERE max(until, was_until) > at + {HOUR_MS})
INSERT INTO rollup (
    monitor_id, span_s, start_at, region_id, up, degraded, down, timed, sum_ms, min_ms, max_ms,
    up_ms, degraded_ms, down_ms)
SELECT monitor_id, span_s, start_at, region_id, up, degraded, down, timed, coalesce(response_ms, 0), response_ms,
    response_ms, (status = 0) * held_ms - (was IS 0) * lost_ms, (status = 1) * held_ms - (was IS 1) * lost_ms,
    (status = 2) * held_ms - (was IS 2) * lost_ms
FROM (
    SELECT monitor_id, span_s, at - at % span_ms AS start_at, region_id, status = 0 AS up, status = 1 AS degraded,
        status = 2 AS down, response_ms IS NOT NULL AS timed, response_ms, status, was,
        is_timed * (min(until, at - at % span_ms + span_ms) - at) AS held_ms,
        is_timed * (min(was_until, at - at % span_ms + span_ms) - at) AS lost_ms
    FROM held, (
        SELECT column1 AS span_s, column1 * 1000 AS span_ms, column1 > 300 AS is_timed
        FROM (VALUES {", ".join(f"({span_s})" for span_s in SPANS_S)}))
    UNION ALL
    SELECT monitor_id, span_s, at - at % (span_s * 1000), region_id, 0, 0, 0, 0, NULL, status, was,
        max(0, min(until, at + {HOUR_MS}) - at), max(0, min(was_until, at + {HOUR_MS}) - at)
    FROM later JOIN (SELECT 3600 AS span_s UNION ALL SELECT 86400) ON span_s = 3600 OR at >= day_ends_at)
WHERE true
ON CONFLICT (monitor_id, span_s, start_at, region_id) DO UPDATE SET
    up = up + excluded.up, degraded = degraded + excluded.degraded, down = down + excluded.down,
    timed = timed + excluded.timed, sum_ms = sum_ms + excluded.sum_ms,
    min_ms = min(coalesce(min_ms, excluded.min_ms), coalesce(excluded.min_ms, min_ms)),
    max_ms = max(coalesce(max_ms, excluded.max_ms), coalesce(excluded.max_ms, max_ms)),
    up_ms = up_ms + excluded.up_ms, degraded_ms = degraded_ms + excluded.degraded_ms,
    down_ms = down_ms + excluded.down_ms
"""
_SKETCH = """
INSERT INTO latency (monitor_id, span_s, start_at, region_id, bucket, count)
SELECT monitor_id, span.column1, at - at % (span.column1 * 1000), region_id, bucket, 1
FROM (VALUES (3600), (86400)) AS span, temp.incoming
WHERE bucket IS NOT NULL
ON CONFLICT (monitor_id, span_s, start_at, region_id, bucket) DO UPDATE SET count = count + excluded.count
"""


def add_incoming(conn: Conn) -> None:
    """Add what stands in `temp.incoming`, before it is stored."""
    conn.execute(_ROLL_UP)
    conn.execute(_SKETCH)


def count(
    conn: Conn, monitor_id: int, *, since: int, until: int, status: Status | None = None, region: str | None = None
) -> int:
    """How many results the hours have that begin in `since` ≤ start < `until`."""
    counted = "up + degraded + down" if status is None else status.value
    join, where, values = _of_region(region)
    found = conn.execute(
        f"SELECT coalesce(sum({counted}), 0) FROM rollup{join}"
        f" WHERE monitor_id = ? AND span_s = 3600 AND start_at >= ? AND start_at < ?{where}",
        (monitor_id, since, until, *values),
    )
    return int(found.fetchone()[0])


def hours_with(
    conn: Conn, monitor_id: int, *, since: int, until: int, status: Status | None, region: str | None, wanted: int
) -> list[int]:
    """Where the newest hours begin that have so many results of a status and region before `until`, or all of them."""
    counted = "up + degraded + down" if status is None else status.value
    join, where, values = _of_region(region)
    rows = conn.execute(
        f"""
        WITH hour AS (
            SELECT start_at, sum({counted}) AS found FROM rollup{join}
            WHERE monitor_id = ? AND span_s = 3600 AND start_at >= ? AND start_at < ?{where}
            GROUP BY start_at HAVING sum({counted}) > 0),
        followed AS (
            SELECT start_at, coalesce(sum(found * (start_at <= ?)) OVER (
                ORDER BY start_at DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer FROM hour)
        SELECT start_at FROM followed WHERE newer < ?
        """,  # of the hour that `until` lies in, nobody knows how many of its results come before
        (monitor_id, since - since % HOUR_MS, until, *values, until - HOUR_MS, wanted),
    )
    return [row[0] for row in rows]


def latencies(
    conn: Conn, monitor_id: int, *, since: int, until: int, span_s: int, region: str | None = None
) -> dict[int, int]:
    """The sketch of the response times of all hours or days that reach into `since` ≤ start < `until`, by bucket."""
    join, where, values = _of_region(region)
    rows = conn.execute(
        f"SELECT bucket, sum(count) FROM latency{join}"
        f" WHERE monitor_id = ? AND span_s = ? AND start_at >= ? AND start_at < ?{where} GROUP BY bucket",
        (monitor_id, span_s, since - since % (span_s * 1000), until, *values),
    )
    return {row[0]: row[1] for row in rows}


def _of_region(region: str | None) -> tuple[str, str, list[str]]:
    return (
        ("", "", []) if region is None else (" JOIN region ON region.id = region_id", " AND region.name = ?", [region])
    )


def finest_span_s(conn: Conn, monitor_id: int, *, since: int, wanted_s: int) -> int:
    """The span, no finer than wanted, of which retention has left all since `since`; 0 is single checks."""
    if wanted_s == 0 and _is_whole(conn, monitor_id, "check_result", "checked_at", since=since):
        return 0
    if wanted_s <= 300 and _is_whole(conn, monitor_id, "rollup", "start_at", since=since, span_s=300):
        return 300
    return max(3600, wanted_s)


def finest_sketch_s(conn: Conn, monitor_id: int, *, since: int) -> int:
    """The same of sketches: hours where they are still there, else days."""
    return 3600 if _is_whole(conn, monitor_id, "latency", "start_at", since=since, span_s=3600) else 86400


def _is_whole(conn: Conn, monitor_id: int, table: str, instant: str, *, since: int, span_s: int | None = None) -> bool:
    """Whether there is no hour since `since` that has results of which `table` knows nothing any more."""
    of_span = "" if span_s is None else f" AND span_s = {span_s:d}"
    known = "timed > 0" if table == "latency" else "up + degraded + down > 0"
    found = conn.execute(
        f"SELECT NOT EXISTS (SELECT 1 FROM rollup WHERE monitor_id = ?1 AND span_s = 3600 AND start_at >= ?2"
        f" AND start_at < coalesce((SELECT min({instant}) / {HOUR_MS} * {HOUR_MS} FROM {table}"
        f" WHERE monitor_id = ?1{of_span}), {2**62}) AND {known})",
        (monitor_id, since - since % HOUR_MS),
    )
    return bool(found.fetchone()[0])
