"""Deleting what is too old, slice by slice, so that no write waits long for the writer."""

from collections.abc import Callable, Iterator
from functools import partial

from asura.store.database import Conn

SLICE = 2000
"""Rows a slice: some milliseconds of the writer's time."""
MONITORS = 500
"""Monitors that a slice looks at, because looking costs too where there is nothing to delete."""

Slice = Callable[[Conn], int | None]
"""Deletes one slice and answers how many rows that was; None when there is nothing more. Call it until then."""

_INSTANTS = {"check_result": "checked_at", "rollup": "start_at", "latency": "hour_at", "status_change": "at"}
"""The tables of what has been, whose keys begin with the monitor, and the column that dates a row."""


def slices(*, raw_before: int, before: int, now_ms: int) -> Iterator[Slice]:
    """Everything that retention deletes, part by part.

    Raw checks go at `raw_before`; five-minute rollups too, because the hours tell the same; the rest at `before`.
    """
    yield _of_each_monitor("check_result", raw_before)
    yield _of_each_monitor("rollup", raw_before, also="AND span_s = 300")
    yield _of_each_monitor("rollup", before, also="AND span_s = 3600")
    yield _of_each_monitor("rollup", before, also="AND span_s = 86400")
    yield _of_each_monitor("latency", before)
    yield partial(_timeline, before=before)
    for table in _INSTANTS:
        yield partial(_orphans, table=table)
    yield partial(_delete, table="incident", key="id", where="resolved_at < ?", value=before)
    yield partial(_delete, table="delivery", key="id", where="finished_at < ?", value=before)
    yield partial(_delete, table="audit", key="id", where="at < ?", value=before)
    yield partial(_delete, table="session", key="token_hash", where="expires_at <= ?", value=now_ms)


def _delete(conn: Conn, *, table: str, key: str, where: str, value: int) -> int | None:
    found = f"SELECT {key} FROM {table} WHERE {where} LIMIT {SLICE}"
    return conn.execute(f"DELETE FROM {table} WHERE {key} IN ({found})", (value,)).rowcount or None


def _of_each_monitor(table: str, before: int, *, also: str = "") -> Slice:
    """The old rows of each monitor are one range of the key; no other index is needed."""
    done = 0

    def delete(conn: Conn) -> int | None:
        nonlocal done
        following = f"SELECT id FROM monitor WHERE id > ? ORDER BY id LIMIT {MONITORS}"
        monitor_ids = [row[0] for row in conn.execute(following, (done,))]
        deleted = 0
        for monitor_id in monitor_ids:
            count, is_all = _of_monitor(conn, monitor_id, table=table, before=before, also=also)
            deleted += count
            if not is_all:
                break
            done = monitor_id
            if deleted >= SLICE:
                break
        return deleted if monitor_ids else None

    return delete


def _of_monitor(conn: Conn, monitor_id: int, *, table: str, before: int, also: str) -> tuple[int, bool]:
    """Delete at most a slice of one monitor's rows; answers how many, and whether those were all."""
    instant = _INSTANTS[table]
    where = f"WHERE monitor_id = ? AND {instant} < ? {also}"
    beyond = conn.execute(
        f"SELECT {instant} FROM {table} {where} ORDER BY {instant} LIMIT 1 OFFSET {SLICE}", (monitor_id, before)
    ).fetchone()
    until = beyond[0] + 1 if beyond else before  # with all of that instant, so that there is always some
    return conn.execute(f"DELETE FROM {table} {where}", (monitor_id, until)).rowcount, beyond is None


def _timeline(conn: Conn, *, before: int) -> int | None:
    """A change may go once a later one was in force at `before` already: the timeline keeps its beginning."""
    count = conn.execute(
        f"""
        DELETE FROM status_change WHERE (monitor_id, at) IN (
            SELECT old.monitor_id, old.at FROM status_change AS old WHERE old.at < ?1 AND EXISTS (
                SELECT 1 FROM status_change AS later
                WHERE later.monitor_id = old.monitor_id AND later.at > old.at AND later.at <= ?1) LIMIT {SLICE})
        """,
        (before,),
    ).rowcount
    return count or None


def _orphans(conn: Conn, *, table: str) -> int | None:
    """Rows of monitors that were deleted, one monitor at a time, by ranges of the key."""
    row = conn.execute(
        f"""
        WITH RECURSIVE known(monitor_id) AS (
            SELECT min(monitor_id) FROM {table}
            UNION ALL
            SELECT (SELECT min(monitor_id) FROM {table} WHERE monitor_id > known.monitor_id) FROM known
            WHERE known.monitor_id IS NOT NULL)
        SELECT monitor_id FROM known WHERE monitor_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM monitor WHERE monitor.id = known.monitor_id) LIMIT 1
        """
    ).fetchone()
    if row is None:
        return None
    key = ", ".join(
        name for name, in_key in conn.execute(f"SELECT name, pk FROM pragma_table_info('{table}')") if in_key
    )
    found = f"SELECT {key} FROM {table} WHERE monitor_id = ? LIMIT {SLICE}"
    return conn.execute(f"DELETE FROM {table} WHERE ({key}) IN ({found})", row).rowcount
