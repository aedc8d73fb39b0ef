"""The history of checks: raw results in a compact form, and their rollups, written together.

A result has no id of its own: `checked_at * 1000 + region` is unique within its monitor, grows with time and fits
a JavaScript number.
"""

from collections.abc import Sequence
from typing import Any

import attrs

from asura import sketch
from asura.model.monitor import LOCAL, Status
from asura.model.observation import Observation, Outcome, Timings
from asura.store.database import Conn
from asura.store.rows import from_json, to_json

ROLLUP_SPANS_S = (300, 3600, 86400)
"""Five minutes draw a day, hours draw weeks, days draw months."""

_REGIONS_PER_MS = 1000
_STATUS_CODES = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2}
_STATUSES = tuple(_STATUS_CODES)

_INSERT = (
    "INSERT OR IGNORE INTO check_result (monitor_id, checked_at, region_id, status, response_ms, dns_ms, connect_ms,"
    " tls_ms, first_byte_ms, transfer_ms, status_code, message, cert_expires_at, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ROLL_UP = """
INSERT INTO rollup (monitor_id, span_s, start_at, region_id, up, degraded, down, timed, sum_ms, min_ms, max_ms, sketch)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, sketch_add(NULL, ?10))
ON CONFLICT (monitor_id, span_s, start_at, region_id) DO UPDATE SET
    up = up + ?5, degraded = degraded + ?6, down = down + ?7, timed = timed + ?8, sum_ms = sum_ms + ?9,
    min_ms = min(coalesce(min_ms, ?10), coalesce(?10, min_ms)),
    max_ms = max(coalesce(max_ms, ?10), coalesce(?10, max_ms)),
    sketch = sketch_add(sketch, ?10)
"""


@attrs.frozen(kw_only=True)
class CheckRow:
    """A stored result."""

    id: int
    monitor_id: int
    region: str
    checked_at: int
    outcome: Outcome


@attrs.frozen(kw_only=True)
class Rollup:
    """The results of one stretch of time."""

    start_at: int
    region: str
    up: int
    degraded: int
    down: int
    timed: int
    sum_ms: int
    min_ms: int | None
    max_ms: int | None
    sketch: bytes | None = attrs.field(repr=False)


def _region_id(conn: Conn, region: str) -> int:
    if region == LOCAL:
        return 0
    row = conn.execute("SELECT id FROM region WHERE name = ?", (region,)).fetchone()
    if row:
        return int(row[0])
    return int(conn.execute("INSERT INTO region (name) VALUES (?) RETURNING id", (region,)).fetchone()[0])


def insert(conn: Conn, observation: Observation) -> None:
    """Store a result and add it to its rollups."""
    outcome, timings = observation.outcome, observation.outcome.timings
    at, region_id = observation.checked_at, _region_id(conn, observation.region)
    status = _STATUS_CODES[outcome.status]
    detail = None if outcome.detail is None else to_json(outcome.detail)
    # Two results of one monitor and region in one millisecond: the later one moves on, so that none is lost.
    while not conn.execute(
        _INSERT,
        (
            observation.monitor_id,
            at,
            region_id,
            status,
            outcome.response_ms,
            timings.dns_ms,
            timings.connect_ms,
            timings.tls_ms,
            timings.first_byte_ms,
            timings.transfer_ms,
            outcome.status_code,
            outcome.message or None,
            outcome.cert_expires_at,
            detail,
        ),
    ).rowcount:
        at += 1
    timed = outcome.response_ms is not None
    for span_s in ROLLUP_SPANS_S:
        span_ms = span_s * 1000
        conn.execute(
            _ROLL_UP,
            (
                observation.monitor_id,
                span_s,
                at - at % span_ms,
                region_id,
                status == 0,
                status == 1,
                status == 2,
                timed,
                outcome.response_ms or 0,
                outcome.response_ms,
            ),
        )


_COLUMNS = (
    "monitor_id, checked_at, region_id, region.name, status, response_ms, dns_ms, connect_ms, tls_ms, first_byte_ms,"
    " transfer_ms, status_code, message, cert_expires_at, detail"
)


def _from_row(row: Sequence[Any]) -> CheckRow:
    return CheckRow(
        id=row[1] * _REGIONS_PER_MS + row[2],
        monitor_id=row[0],
        region=row[3],
        checked_at=row[1],
        outcome=Outcome(
            status=_STATUSES[row[4]],
            response_ms=row[5],
            timings=Timings(
                dns_ms=row[6], connect_ms=row[7], tls_ms=row[8], first_byte_ms=row[9], transfer_ms=row[10]
            ),
            status_code=row[11],
            message=row[12] or "",
            cert_expires_at=row[13],
            detail=None if row[14] is None else from_json(row[14]),
        ),
    )


def page(
    conn: Conn,
    monitor_id: int,
    *,
    limit: int,
    offset: int = 0,
    before: int | None = None,
    since: int | None = None,
    until: int | None = None,
    status: Status | None = None,
    region: str | None = None,
) -> list[CheckRow]:
    """Results, newest first. `before` is a result's id; `since` is included, `until` is not."""
    where, values = _filters(monitor_id, since=since, until=until, status=status, region=region)
    if before is not None:
        where += " AND checked_at <= ? AND (checked_at < ? OR region_id < ?)"
        at = before // _REGIONS_PER_MS
        values += [at, at, before % _REGIONS_PER_MS]
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM check_result JOIN region ON region.id = region_id WHERE {where}"
        " ORDER BY checked_at DESC, region_id DESC LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [_from_row(row) for row in rows]


def count(
    conn: Conn,
    monitor_id: int,
    *,
    since: int | None = None,
    until: int | None = None,
    status: Status | None = None,
    region: str | None = None,
) -> int:
    """How many results there are. Without a status or region this reads the daily rollups' span of raw keys only."""
    where, values = _filters(monitor_id, since=since, until=until, status=status, region=region)
    join = " JOIN region ON region.id = region_id" if region is not None else ""
    return int(conn.execute(f"SELECT count(*) FROM check_result{join} WHERE {where}", values).fetchone()[0])


def _filters(
    monitor_id: int, *, since: int | None, until: int | None, status: Status | None, region: str | None
) -> tuple[str, list[Any]]:
    where, values = "monitor_id = ?", [monitor_id]
    for clause, value in (
        ("checked_at >= ?", since),
        ("checked_at < ?", until),
        ("status = ?", None if status is None else _STATUS_CODES[status]),
        ("region.name = ?", region),
    ):
        if value is not None:
            where += f" AND {clause}"
            values.append(value)
    return where, values


def recent(conn: Conn, monitor_ids: Sequence[int], *, limit: int) -> dict[int, list[tuple[int, Status, int | None]]]:
    """The last results of several monitors as (checked_at, status, response_ms), oldest first."""
    rows = conn.execute(
        """
        SELECT one.value, last.checked_at, last.status, last.response_ms FROM json_each(?1) AS one
        JOIN check_result AS last ON last.monitor_id = one.value AND last.checked_at >= coalesce(
            (SELECT checked_at FROM check_result WHERE monitor_id = one.value
             ORDER BY checked_at DESC LIMIT 1 OFFSET ?2), 0)
        ORDER BY one.value, last.checked_at
        """,
        (to_json(list(monitor_ids)), limit - 1),
    )
    found: dict[int, list[tuple[int, Status, int | None]]] = {}
    for monitor_id, at, status, response_ms in rows:
        found.setdefault(monitor_id, []).append((at, _STATUSES[status], response_ms))
    return {monitor_id: results[-limit:] for monitor_id, results in found.items()}


def rollups(
    conn: Conn, monitor_id: int, *, span_s: int, since: int, until: int, region: str | None = None
) -> list[Rollup]:
    """The rollups of one span that start in `since` ≤ start < `until`, in order of time."""
    where, values = "", [monitor_id, span_s, since, until]
    if region is not None:
        where = " AND region.name = ?"
        values.append(region)  # type: ignore[arg-type]
    rows = conn.execute(
        "SELECT start_at, region.name, up, degraded, down, timed, sum_ms, min_ms, max_ms, sketch FROM rollup"
        " JOIN region ON region.id = region_id WHERE monitor_id = ? AND span_s = ? AND start_at >= ? AND start_at < ?"
        f"{where} ORDER BY start_at",
        values,
    )
    return [
        Rollup(
            start_at=row[0],
            region=row[1],
            up=row[2],
            degraded=row[3],
            down=row[4],
            timed=row[5],
            sum_ms=row[6],
            min_ms=row[7],
            max_ms=row[8],
            sketch=row[9],
        )
        for row in rows
    ]


def merged_sketch(parts: Sequence[Rollup]) -> bytes:
    """One sketch of all the response times in `parts`."""
    return sketch.merge(part.sketch for part in parts)
