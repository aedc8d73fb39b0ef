"""The pings of heartbeats, numbered by monitor, and their bodies."""

from collections.abc import Sequence
from typing import Any

from asura.errors import NotFound
from asura.ids import MonitorId
from asura.model.heartbeat import Ping, PingKind
from asura.store.database import Conn
from asura.store.rows import to_json

KEPT_BODIES = 1000
"""Bodies that are kept of one monitor: the last ones, at most 100 MB. An older ping keeps its row."""
KEPT_PINGS = 100_000
"""Pings that are kept of one monitor, whatever their age: some 10 MB. Retention takes the older ones."""
KEPT_ALWAYS = 100
"""Pings of one monitor that are kept however old they are: a job that runs once a month has a history, too."""

_CODES = {PingKind.SUCCESS: 0, PingKind.START: 1, PingKind.FAIL: 2, PingKind.LOG: 3, PingKind.IGNORED: 4}
_KINDS = tuple(_CODES)

_INSERT = f"""
INSERT INTO ping (monitor_id, number, at, kind, exit_status, rid, duration_ms, method, remote_addr, user_agent)
SELECT {", ".join(f"value ->> {n}" for n in range(10))} FROM json_each(?)
"""
_INSERT_BODIES = f"""
INSERT INTO ping_body (monitor_id, number, body, is_cut)
SELECT {", ".join(f"value ->> {n}" for n in range(4))} FROM json_each(?)
"""
# A walk along the index past those that stay, and no further: the same for a new monitor and an old one.
_DROP_BODIES = f"""
DELETE FROM ping_body WHERE rowid IN (
    SELECT old.rowid FROM json_each(?) AS one JOIN ping_body AS old ON old.monitor_id = one.value AND old.number <= (
        SELECT number FROM ping_body WHERE monitor_id = one.value ORDER BY number DESC LIMIT 1 OFFSET {KEPT_BODIES}))
"""


def insert(conn: Conn, pings: Sequence[Ping]) -> None:
    """Store pings, which carry their numbers in `id`; of each monitor bodies beyond KEPT_BODIES go."""
    conn.execute(_INSERT, (to_json([_to_row(ping) for ping in pings]),))
    bodies = [
        # SQLite's own functions end a text at a NUL.
        (ping.monitor_id, ping.id, (ping.body or "").replace("\0", "\ufffd"), ping.is_cut)
        for ping in pings
        if ping.body is not None or ping.is_cut
    ]
    if bodies:
        conn.execute(_INSERT_BODIES, (to_json(bodies),))
        conn.execute(_DROP_BODIES, (to_json(sorted({body[0] for body in bodies})),))


def _to_row(ping: Ping) -> tuple[Any, ...]:
    return (
        ping.monitor_id,
        ping.id,
        ping.at,
        _CODES[ping.kind],
        ping.exit_status,
        ping.rid or None,
        ping.duration_ms,
        ping.method,
        ping.remote_addr,
        ping.user_agent,
    )


_COLUMNS = "ping.monitor_id, ping.number, at, kind, exit_status, rid, duration_ms, method, remote_addr, user_agent"
_FROM = "FROM ping LEFT JOIN ping_body AS kept ON kept.monitor_id = ping.monitor_id AND kept.number = ping.number"


def _from_row(row: Sequence[Any]) -> Ping:
    return Ping(
        monitor_id=MonitorId(row[0]),
        id=row[1],
        at=row[2],
        kind=_KINDS[row[3]],
        exit_status=row[4],
        rid=row[5] or "",
        duration_ms=row[6],
        method=row[7],
        remote_addr=row[8],
        user_agent=row[9],
        body=row[10],
        is_cut=bool(row[11]),
    )


def page(
    conn: Conn,
    monitor_id: int,
    *,
    limit: int,
    offset: int = 0,
    before: int | None = None,
    kinds: Sequence[PingKind] = (),
    body_chars: int,
) -> list[Ping]:
    """Pings, newest first, from below the id `before`; bodies only to so many characters (then `is_cut`)."""
    where, values = _where(monitor_id, kinds=kinds)
    if before is not None:
        where += " AND ping.number < ?"
        values.append(before)
    rows = conn.execute(
        f"SELECT {_COLUMNS}, substr(body, 1, ?), is_cut OR length(body) > ? {_FROM} WHERE {where}"
        " ORDER BY ping.number DESC LIMIT ? OFFSET ?",
        (body_chars, body_chars, *values, limit, offset),
    )
    return [_from_row(row) for row in rows]


def count(conn: Conn, monitor_id: int, *, kinds: Sequence[PingKind] = ()) -> int:
    """How many pings there are."""
    where, values = _where(monitor_id, kinds=kinds)
    return int(conn.execute(f"SELECT count(*) FROM ping WHERE {where}", values).fetchone()[0])


def _where(monitor_id: int, *, kinds: Sequence[PingKind]) -> tuple[str, list[Any]]:
    if not kinds:
        return "ping.monitor_id = ?", [monitor_id]
    codes = to_json([_CODES[kind] for kind in kinds])
    return "ping.monitor_id = ? AND kind IN (SELECT value FROM json_each(?))", [monitor_id, codes]


def get(conn: Conn, monitor_id: int, ping_id: int) -> Ping:
    """One ping with its whole body. Raises NotFound."""
    row = conn.execute(
        f"SELECT {_COLUMNS}, body, is_cut {_FROM} WHERE ping.monitor_id = ? AND ping.number = ?", (monitor_id, ping_id)
    ).fetchone()
    if row is None:
        raise NotFound(f"monitor {monitor_id} has no ping {ping_id}")
    return _from_row(row)
