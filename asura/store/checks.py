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
HOUR_MS = 3_600_000

_REGIONS_PER_MS = 1000
_STATUS_CODES = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2}
_STATUSES = tuple(_STATUS_CODES)

# A whole batch is one JSON text and each statement runs once for all of it: the GIL is free meanwhile, and a
# statement for each row would make this thread and the event loop fight for it at every step.
_RESULT = (
    "monitor_id, {}, region_id, status, response_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, transfer_ms,"
    " status_code, message, cert_expires_at, detail"
)
_TAKE = (
    f"INSERT INTO temp.incoming ({_RESULT.format('at')}, bucket)"
    f" SELECT {', '.join(f'value ->> {n}' for n in range(15))} FROM json_each(?)"
)
_CLASHES = """
SELECT json_group_array(rowid) FROM temp.incoming AS new WHERE EXISTS (
    SELECT 1 FROM check_result AS old
    WHERE old.monitor_id = new.monitor_id AND old.checked_at = new.at AND old.region_id = new.region_id)
OR rowid NOT IN (SELECT min(rowid) FROM temp.incoming GROUP BY monitor_id, at, region_id)
"""
_STORE = f"INSERT INTO check_result ({_RESULT.format('checked_at')}) SELECT {_RESULT.format('at')} FROM temp.incoming"
_ROLL_UP = f"""
INSERT INTO rollup (monitor_id, span_s, start_at, region_id, up, degraded, down, timed, sum_ms, min_ms, max_ms)
SELECT monitor_id, span.column1, at - at % (span.column1 * 1000), region_id, sum(status = 0), sum(status = 1),
    sum(status = 2), count(response_ms), coalesce(sum(response_ms), 0), min(response_ms), max(response_ms)
FROM (VALUES {", ".join(f"({span_s})" for span_s in ROLLUP_SPANS_S)}) AS span, temp.incoming
WHERE true GROUP BY 1, 2, 3, 4
ON CONFLICT (monitor_id, span_s, start_at, region_id) DO UPDATE SET
    up = up + excluded.up, degraded = degraded + excluded.degraded, down = down + excluded.down,
    timed = timed + excluded.timed, sum_ms = sum_ms + excluded.sum_ms,
    min_ms = min(coalesce(min_ms, excluded.min_ms), coalesce(excluded.min_ms, min_ms)),
    max_ms = max(coalesce(max_ms, excluded.max_ms), coalesce(excluded.max_ms, max_ms))
"""
_SKETCH = f"""
INSERT INTO latency (monitor_id, hour_at, region_id, bucket, count)
SELECT monitor_id, at - at % {HOUR_MS}, region_id, bucket, count(*) FROM temp.incoming
WHERE bucket IS NOT NULL GROUP BY 1, 2, 3, 4
ON CONFLICT (monitor_id, hour_at, region_id, bucket) DO UPDATE SET count = count + excluded.count
"""


@attrs.frozen(kw_only=True)
class CheckRow:
    """A stored result."""

    id: int
    monitor_id: int
    region: str
    checked_at: int
    outcome: Outcome


def _region_id(conn: Conn, region: str) -> int:
    if region == LOCAL:
        return 0
    row = conn.execute("SELECT id FROM region WHERE name = ?", (region,)).fetchone()
    if row:
        return int(row[0])
    return int(conn.execute("INSERT INTO region (name) VALUES (?) RETURNING id", (region,)).fetchone()[0])


def insert(conn: Conn, observations: Sequence[Observation]) -> None:
    """Store results and add them to their rollups."""
    rows = [_to_row(observation, _region_id(conn, observation.region)) for observation in observations]
    conn.execute(_TAKE, (to_json(rows),))
    for rowid in from_json(conn.execute(_CLASHES).fetchone()[0]):
        _move_on(conn, rowid)
    for statement in (_STORE, _ROLL_UP, _SKETCH, "DELETE FROM temp.incoming"):
        conn.execute(statement)


def _to_row(observation: Observation, region_id: int) -> tuple[Any, ...]:
    outcome, timings = observation.outcome, observation.outcome.timings
    return (
        observation.monitor_id,
        observation.checked_at,
        region_id,
        _STATUS_CODES[outcome.status],
        outcome.response_ms,
        timings.dns_ms,
        timings.connect_ms,
        timings.tls_ms,
        timings.first_byte_ms,
        timings.transfer_ms,
        outcome.status_code,
        outcome.message or None,
        outcome.cert_expires_at,
        None if outcome.detail is None else to_json(outcome.detail),
        None if outcome.response_ms is None else sketch.bucket(outcome.response_ms),
    )


def _move_on(conn: Conn, rowid: int) -> None:
    """Two results of one monitor and region in one millisecond: the later one moves on, so that none is lost."""
    taken = (
        "SELECT EXISTS (SELECT 1 FROM check_result AS old WHERE old.monitor_id = new.monitor_id AND"
        " old.checked_at = new.at AND old.region_id = new.region_id) OR EXISTS (SELECT 1 FROM temp.incoming AS twin"
        " WHERE twin.rowid != new.rowid AND twin.monitor_id = new.monitor_id AND twin.at = new.at AND"
        " twin.region_id = new.region_id) FROM temp.incoming AS new WHERE new.rowid = ?"
    )
    while conn.execute(taken, (rowid,)).fetchone()[0]:
        conn.execute("UPDATE temp.incoming SET at = at + 1 WHERE rowid = ?", (rowid,))


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
            timings=Timings(dns_ms=row[6], connect_ms=row[7], tls_ms=row[8], first_byte_ms=row[9], transfer_ms=row[10]),
            status_code=row[11],
            message=row[12] or "",
            cert_expires_at=row[13],
            detail=None if row[14] is None else from_json(row[14]),
        ),
    )


def id_of(observation: Observation) -> int:
    """The id that a stored observation has, unless another of its millisecond came first."""
    return observation.checked_at * _REGIONS_PER_MS  # region 0: only the primary's own are recorded here


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
    """How many results there are; `since` is included, `until` is not."""
    where, values = _filters(monitor_id, since=since, until=until, status=status, region=region)
    join = " JOIN region ON region.id = region_id" if region is not None else ""
    return int(conn.execute(f"SELECT count(*) FROM check_result{join} WHERE {where}", values).fetchone()[0])


def _filters(
    monitor_id: int, *, since: int | None, until: int | None, status: Status | None, region: str | None
) -> tuple[str, list[Any]]:
    where = "monitor_id = ?"
    values: list[Any] = [monitor_id]
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


def latencies(conn: Conn, monitor_id: int, *, since: int, until: int, region: str | None = None) -> dict[int, int]:
    """The sketch of the response times of every hour that begins in `since` ≤ start < `until`: counts by bucket."""
    where, values = "", [monitor_id, since - since % HOUR_MS, until]
    if region is not None:
        where = " AND region.name = ?"
        values.append(region)  # type: ignore[arg-type]
    rows = conn.execute(
        "SELECT bucket, sum(count) FROM latency JOIN region ON region.id = region_id"
        f" WHERE monitor_id = ? AND hour_at >= ? AND hour_at < ?{where} GROUP BY bucket",
        values,
    )
    return {row[0]: row[1] for row in rows}


def response_times(conn: Conn, monitor_id: int, *, since: int, until: int, region: str | None = None) -> list[int]:
    """Every single response time, ascending; for spans short enough that reading raw rows costs little."""
    where, values = _filters(monitor_id, since=since, until=until, status=None, region=region)
    join = " JOIN region ON region.id = region_id" if region is not None else ""
    rows = conn.execute(
        f"SELECT response_ms FROM check_result{join} WHERE {where} AND response_ms IS NOT NULL ORDER BY response_ms",
        values,
    )
    return [row[0] for row in rows]
