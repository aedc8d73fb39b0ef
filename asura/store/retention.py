"""Deleting what is too old, slice by slice, so that no write waits long for the writer."""

from collections.abc import Callable, Iterator
from functools import partial

from asura.store.database import Conn

SLICE = 2000
"""Rows a slice: some milliseconds of the writer's time."""
HEAVY_SLICE = 200
"""Of rows with texts and many indexes, or with a timeline: 2,000 of those held the writer for a quarter of a second."""
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
    yield _of_each_monitor("status_change", before)
    for table in _INSTANTS:
        yield _orphans(table)
    # An incident ends after it began, and only its beginning stands in an index.
    ended = "started_at < ?1 AND resolved_at < ?1"
    yield partial(_delete, table="incident", key="id", where=ended, value=before, limit=HEAVY_SLICE)
    yield partial(_delete, table="delivery", key="id", where="finished_at < ?", value=before, limit=HEAVY_SLICE)
    yield partial(_delete, table="audit", key="id", where="at < ?", value=before, limit=HEAVY_SLICE)
    yield partial(_delete, table="content_change", key="id", where="at < ?", value=before, limit=HEAVY_SLICE)
    yield partial(_delete, table="certificate_change", key="id", where="at < ?", value=before, limit=SLICE)
    yield partial(_delete, table="session", key="token_hash", where="expires_at <= ?", value=now_ms, limit=SLICE)


def _delete(conn: Conn, *, table: str, key: str, where: str, value: int, limit: int) -> int | None:
    found = f"SELECT {key} FROM {table} WHERE {where} LIMIT {limit}"
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
    if table == "status_change":
        before = _in_force_since(conn, monitor_id, at=before)
    where = f"WHERE monitor_id = ? AND {instant} < ? {also}"
    beyond = conn.execute(
        f"SELECT {instant} FROM {table} {where} ORDER BY {instant} LIMIT 1 OFFSET {SLICE}", (monitor_id, before)
    ).fetchone()
    until = beyond[0] + 1 if beyond else before  # with all of that instant, so that there is always some
    return conn.execute(f"DELETE FROM {table} {where}", (monitor_id, until)).rowcount, beyond is None


def _in_force_since(conn: Conn, monitor_id: int, *, at: int) -> int:
    """When the change came that was in force at `at`: it stays, so that the timeline keeps its beginning."""
    found = "SELECT max(at) FROM status_change WHERE monitor_id = ? AND at <= ?"
    return conn.execute(found, (monitor_id, at)).fetchone()[0] or 0


def _orphans(table: str) -> Slice:
    """Rows of monitors that were deleted, one monitor at a time, by ranges of the key."""
    done = 0

    def delete(conn: Conn) -> int | None:
        nonlocal done
        for monitor_id, is_known in (seen := _monitors_in(conn, table, after=done)):
            if not is_known:
                return _delete_some_of(conn, monitor_id, table=table)
            done = monitor_id
        return 0 if seen else None

    return delete


def _monitors_in(conn: Conn, table: str, *, after: int) -> list[tuple[int, bool]]:
    """The next monitors that have rows in `table`, each with whether it still exists."""
    return conn.execute(
        f"""
        WITH RECURSIVE found(monitor_id) AS (
            SELECT min(monitor_id) FROM {table} WHERE monitor_id > ?
            UNION ALL
            SELECT (SELECT min(monitor_id) FROM {table} WHERE monitor_id > found.monitor_id) FROM found
            WHERE found.monitor_id IS NOT NULL LIMIT {MONITORS})
        SELECT monitor_id, EXISTS (SELECT 1 FROM monitor WHERE monitor.id = found.monitor_id) FROM found
        WHERE monitor_id IS NOT NULL
        """,
        (after,),
    ).fetchall()


def _delete_some_of(conn: Conn, monitor_id: int, *, table: str) -> int:
    key = ", ".join(
        name for name, in_key in conn.execute(f"SELECT name, pk FROM pragma_table_info('{table}')") if in_key
    )
    found = f"SELECT {key} FROM {table} WHERE monitor_id = ? LIMIT {SLICE}"
    return conn.execute(f"DELETE FROM {table} WHERE ({key}) IN ({found})", (monitor_id,)).rowcount
