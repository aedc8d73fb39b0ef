"""The history of checks: raw results in a compact form, and their rollups, written together.

A result has no id of its own: `checked_at * 1000 + region` is unique within its monitor, grows with time and fits
a JavaScript number.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import msgspec

from asura import sketch
from asura.model.monitor import LOCAL, Status
from asura.model.observation import Observation, Outcome, Timings
from asura.store import rollups
from asura.store.database import Conn
from asura.store.rollups import HOUR_MS
from asura.store.rows import from_json, to_json
from asura.store.timeline import END_OF_TIME

_times = msgspec.json.Decoder(list[int])
_REGIONS_PER_MS = 1000
_STATUS_CODES = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2}
_STATUSES = tuple(_STATUS_CODES)

# A whole batch is one JSON text and each statement runs once for all of it: the GIL is free meanwhile, and a
# statement for each row would make this thread and the event loop fight for it at every step.
_RESULT = (
    "monitor_id, {}, region_id, status, response_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, transfer_ms,"
    " status_code, message, cert_expires_at, detail, holds_s"
)
_TAKE = (
    f"INSERT INTO temp.incoming ({_RESULT.format('at')}, bucket)"
    f" SELECT {', '.join(f'value ->> {n}' for n in range(16))} FROM json_each(?)"
)
_CLASHES = """
SELECT json_group_array(rowid) FROM temp.incoming AS new WHERE EXISTS (
    SELECT 1 FROM check_result AS old
    WHERE old.monitor_id = new.monitor_id AND old.checked_at = new.at AND old.region_id = new.region_id)
OR rowid NOT IN (SELECT min(rowid) FROM temp.incoming GROUP BY monitor_id, at, region_id)
"""
_STORE = f"INSERT INTO check_result ({_RESULT.format('checked_at')}) SELECT {_RESULT.format('at')} FROM temp.incoming"


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


def insert(conn: Conn, observations: Sequence[Observation], *, holds_s: Mapping[int, int]) -> None:
    """Store results and add them to their rollups.

    `holds_s`, by monitor, is for how long a result counts when no other comes; without it, it adds to no time.
    """
    rows = [_to_row(each, _region_id(conn, each.region), holds_s=holds_s.get(each.monitor_id)) for each in observations]
    conn.execute(_TAKE, (to_json(rows),))
    for rowid in from_json(conn.execute(_CLASHES).fetchone()[0]):
        _move_on(conn, rowid)
    rollups.add_incoming(conn)
    conn.execute(_STORE)
    conn.execute("DELETE FROM temp.incoming")


def _to_row(observation: Observation, region_id: int, *, holds_s: int | None) -> tuple[Any, ...]:
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
        holds_s,
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
    """Results, newest first. `before` is a result's id; `since` is included, `until` is not.

    Of one status or region only the hours are read that have some: a failure may be one in a million.
    """
    where, values = _filters(monitor_id, since=since, until=until, status=status, region=region)
    at = END_OF_TIME
    if before is not None:
        where += " AND checked_at <= ? AND (checked_at < ? OR region_id < ?)"
        at = before // _REGIONS_PER_MS
        values += [at, at, before % _REGIONS_PER_MS]
    source = "check_result"
    if status is not None or region is not None:
        until = min(END_OF_TIME if until is None else until, at + 1)
        hours = _hours_with(
            conn, monitor_id, since=since, until=until, status=status, region=region, wanted=offset + limit
        )
        source = "json_each(?) AS hour CROSS JOIN check_result"
        where += f" AND checked_at >= hour.value AND checked_at < hour.value + {HOUR_MS}"
        values.insert(0, to_json(hours))
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM {source} JOIN region ON region.id = region_id WHERE {where}"
        " ORDER BY checked_at DESC, region_id DESC LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [_from_row(row) for row in rows]


def _hours_with(
    conn: Conn,
    monitor_id: int,
    *,
    since: int | None,
    until: int,
    status: Status | None,
    region: str | None,
    wanted: int,
) -> list[int]:
    oldest = conn.execute("SELECT min(checked_at) FROM check_result WHERE monitor_id = ?", (monitor_id,)).fetchone()[0]
    since = max(oldest or 0, since or 0)
    return rollups.hours_with(conn, monitor_id, since=since, until=until, status=status, region=region, wanted=wanted)


def count(
    conn: Conn,
    monitor_id: int,
    *,
    since: int | None = None,
    until: int | None = None,
    status: Status | None = None,
    region: str | None = None,
) -> int:
    """How many results there are; `since` is included, `until` is not.

    Whole hours are read from their rollups: of a check made once a second there are a million results.
    """
    first, last = conn.execute(
        "SELECT (SELECT min(checked_at) FROM check_result WHERE monitor_id = ?1),"
        " (SELECT max(checked_at) FROM check_result WHERE monitor_id = ?1)",
        (monitor_id,),
    ).fetchone()
    if first is None:
        return 0
    since = first if since is None else max(since, first)
    until = last + 1 if until is None else min(until, last + 1)
    hours_since, hours_until = -(-since // HOUR_MS) * HOUR_MS, until // HOUR_MS * HOUR_MS
    one_by_one = partial(_count_one_by_one, conn, monitor_id, status=status, region=region)
    if hours_since >= hours_until:
        return one_by_one(since=since, until=until)
    hours = rollups.count(conn, monitor_id, since=hours_since, until=hours_until, status=status, region=region)
    return one_by_one(since=since, until=hours_since) + hours + one_by_one(since=hours_until, until=until)


def _count_one_by_one(
    conn: Conn, monitor_id: int, *, since: int, until: int, status: Status | None, region: str | None
) -> int:
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


def response_times(conn: Conn, monitor_id: int, *, since: int, until: int, region: str | None = None) -> list[int]:
    """Every single response time, ascending; for spans short enough that reading raw rows costs little."""
    where, values = _filters(monitor_id, since=since, until=until, status=None, region=region)
    join = " JOIN region ON region.id = region_id" if region is not None else ""
    found = conn.execute(
        f"SELECT json_group_array(response_ms) FROM (SELECT response_ms FROM check_result{join} WHERE {where}"
        " AND response_ms IS NOT NULL ORDER BY response_ms)",
        values,
    ).fetchone()[0]  # one text, because sqlite3 takes and gives the GIL for every row
    return _times.decode(found)
