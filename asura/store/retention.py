"""Deleting what is too old. Each function deletes one slice and answers how many rows that was; 0 means done."""

from collections.abc import Callable, Iterator

from asura.store.database import Conn

SLICE = 2000
"""Rows a slice: some milliseconds of the writer's time."""

Slice = Callable[[Conn], int]


def slices(*, raw_before: int, before: int, now_ms: int) -> Iterator[Slice]:
    """Everything that retention deletes, part by part.

    Raw checks go at `raw_before`; five-minute rollups too, because the hours tell the same; the rest at `before`.
    """
    yield lambda conn: _of_each_monitor(conn, "check_result", "checked_at", raw_before)
    yield lambda conn: _of_each_monitor(conn, "rollup", "start_at", raw_before, also="AND span_s = 300")
    for span_s in (3600, 86400):
        also = f"AND span_s = {span_s}"
        yield lambda conn, also=also: _of_each_monitor(conn, "rollup", "start_at", before, also=also)  # type: ignore[misc]
    yield lambda conn: _timeline(conn, before)
    for table in ("check_result", "rollup", "status_change"):
        yield lambda conn, table=table: _orphans(conn, table)  # type: ignore[misc]
    yield lambda conn: _delete(conn, "incident", "id", "resolved_at < ?", before)
    yield lambda conn: _delete(conn, "delivery", "id", "finished_at < ?", before)
    yield lambda conn: _delete(conn, "audit", "id", "at < ?", before)
    yield lambda conn: _delete(conn, "session", "token_hash", "expires_at <= ?", now_ms)


def _delete(conn: Conn, table: str, key: str, where: str, value: int) -> int:
    return conn.execute(
        f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {where} LIMIT {SLICE})", (value,)
    ).rowcount


def _of_each_monitor(conn: Conn, table: str, instant: str, before: int, *, also: str = "") -> int:
    """The keys begin with the monitor, so the old rows of each are one range; no other index is needed."""
    deleted = 0
    for (monitor_id,) in conn.execute("SELECT id FROM monitor").fetchall():
        keys = conn.execute(
            f"SELECT {instant} FROM {table} WHERE monitor_id = ? AND {instant} < ? {also} ORDER BY {instant}"
            f" LIMIT 1 OFFSET {SLICE}",
            (monitor_id, before),
        ).fetchone()
        until = keys[0] if keys else before
        deleted += conn.execute(
            f"DELETE FROM {table} WHERE monitor_id = ? AND {instant} < ? {also}", (monitor_id, until)
        ).rowcount
        if deleted >= SLICE:
            return deleted
    return deleted


def _timeline(conn: Conn, before: int) -> int:
    """A change may go once a later one was in force at `before` already: the timeline keeps its beginning."""
    return conn.execute(
        f"""
        DELETE FROM status_change WHERE (monitor_id, at) IN (
            SELECT old.monitor_id, old.at FROM status_change AS old WHERE old.at < ?1 AND EXISTS (
                SELECT 1 FROM status_change AS later
                WHERE later.monitor_id = old.monitor_id AND later.at > old.at AND later.at <= ?1) LIMIT {SLICE})
        """,
        (before,),
    ).rowcount


def _orphans(conn: Conn, table: str) -> int:
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
        return 0
    instant = {"check_result": "checked_at", "rollup": "start_at", "status_change": "at"}[table]
    key = f"monitor_id, {'span_s, ' if table == 'rollup' else ''}{instant}"
    also = ", region_id" if table in ("check_result", "rollup") else ""
    return conn.execute(
        f"DELETE FROM {table} WHERE ({key}{also}) IN"
        f" (SELECT {key}{also} FROM {table} WHERE monitor_id = ? LIMIT {SLICE})",
        (row[0],),
    ).rowcount
