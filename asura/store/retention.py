"""What is deleted because it is too old, or because its monitor is gone."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import takewhile

import attrs

from asura.store import clearing, slices
from asura.store.database import Conn
from asura.store.pings import KEPT_ALWAYS, KEPT_PINGS
from asura.store.slices import BULKY, HEAVY, LIGHT, LOOKED_AT, Slice, Step

_ALL = 2**62
"""Later than any instant."""


@attrs.frozen(kw_only=True)
class _Past:
    """Rows of what has been. `instant` dates one and follows the monitor in the key, but for what `also` fixes."""

    table: str
    instant: str
    also: str = ""
    has_one_in_force: bool = False
    """The last of those that are too old still says what holds now, so it stays."""


_CHECKS = _Past(table="check_result", instant="checked_at")
_TIMELINE = _Past(table="status_change", instant="at", has_one_in_force=True)


def _rollups(span_s: int) -> _Past:
    return _Past(table="rollup", instant="start_at", also=f"AND span_s = {span_s}")


def _latencies(span_s: int) -> _Past:
    return _Past(table="latency", instant="start_at", also=f"AND span_s = {span_s}")


_WITH_THE_CHECKS = (_rollups(300), _latencies(3600))
"""What goes with the single checks: what is finer than hours, because hours tell the same, and than days of sketches,
which are large."""
_OF_THE_REST = (_rollups(3600), _rollups(86400), _latencies(86400), _TIMELINE)

_Look = Callable[[Conn, int], list[tuple[int, bool]]]
"""The next monitors after an id, and whether there is anything to delete of each. Empty at the end."""
_Delete = Callable[[Conn, int], int | None]
"""Deletes some rows of a monitor; answers how many, or None when those were all."""


def by_age(*, raw_before: int, before: int, now_ms: int) -> Iterator[Slice]:
    """What is too old: single checks and pings at `raw_before`, the rest at `before`."""
    # What still holds stays: the next of its region takes time from it (`store/rollups.py`). Of a check made once a day
    # that may be in three days.
    checks = attrs.evolve(_CHECKS, also=f"AND coalesce(checked_at + holds_s * 1000, 0) <= {now_ms:d}")
    for past in (checks, *_WITH_THE_CHECKS):
        yield slices.held(_old(past, raw_before))
    for past in _OF_THE_REST:
        yield slices.held(_old(past, before))
    yield slices.held(_each_monitor(_with_pings, partial(_old_pings, before=raw_before)))
    yield slices.held(_ended_incidents(before))
    for table, instant in (("delivery", "finished_at"), ("audit", "at"), ("content_change", "at")):
        yield slices.held(slices.rows(table, where=f"{instant} < ?", values=(before,), limit=HEAVY))
    yield slices.held(slices.rows("certificate_change", where="at < ?", values=(before,), limit=LIGHT))
    yield slices.held(slices.rows("session", key="token_hash", where="expires_at <= ?", values=(now_ms,), limit=LIGHT))


def orphans() -> Iterator[Slice]:
    """What monitors that were deleted have left behind."""
    for past in (_CHECKS, *_WITH_THE_CHECKS, *_OF_THE_REST):
        yield slices.held(_each_monitor(_gone(past.table), partial(_some, past=past, before=_ALL)))
    for table, limit in (("ping_body", BULKY), ("ping", LIGHT)):
        yield slices.held(_each_monitor(_gone(table), partial(_numbered, table=table, until=_ALL, limit=limit)))


def _each_monitor(look: _Look, delete: _Delete) -> Step:
    waiting: list[int] = []
    seen = 0

    def step(conn: Conn) -> int | None:
        nonlocal seen
        if not waiting:
            found = look(conn, seen)
            if not found:
                return None
            seen = found[-1][0]
            waiting.extend(monitor_id for monitor_id, is_wanted in reversed(found) if is_wanted)
            return 0
        deleted = delete(conn, waiting[-1])
        if deleted is None:
            waiting.pop()
        return deleted or 0

    return step


def _old(past: _Past, before: int) -> Step:
    """Where a row is in force, there must be a second that is too old."""
    some = f"SELECT 1 FROM {past.table} WHERE monitor_id = monitor.id AND {past.instant} < ?1 {past.also}"
    look = (
        f"SELECT id, EXISTS ({some} LIMIT 1 OFFSET {past.has_one_in_force:d}) FROM monitor"
        f" WHERE id > ?2 ORDER BY id LIMIT {LOOKED_AT}"
    )
    limit = before + past.has_one_in_force  # what began at `before` itself ends the one in force before it
    return _each_monitor(
        lambda conn, seen: conn.execute(look, (limit, seen)).fetchall(), partial(_some, past=past, before=before)
    )


def _some(conn: Conn, monitor_id: int, *, past: _Past, before: int) -> int | None:
    """The old rows of a monitor are one range of the key; no other index is needed."""
    table, instant = past.table, past.instant
    if past.has_one_in_force and before != _ALL:
        found = f"SELECT max({instant}) FROM {table} WHERE monitor_id = ? AND {instant} <= ?"
        before = conn.execute(found, (monitor_id, before)).fetchone()[0] or 0
    where = f"monitor_id = ?1 AND {instant} < ?2 {past.also}"
    # With all of the last instant, so that there is always some.
    beyond = f"SELECT {instant} + 1 FROM {table} WHERE {where} ORDER BY {instant} LIMIT 1 OFFSET {LIGHT - 1}"
    until = f"monitor_id = ?1 AND {instant} < coalesce(({beyond}), ?2) {past.also}"
    return conn.execute(f"DELETE FROM {table} WHERE {until}", (monitor_id, before)).rowcount or None


def _with_pings(conn: Conn, seen: int) -> list[tuple[int, bool]]:
    """Monitors that have pings."""
    look = (
        "SELECT id, EXISTS (SELECT 1 FROM ping WHERE monitor_id = monitor.id)"
        f" FROM monitor WHERE id > ? ORDER BY id LIMIT {LOOKED_AT}"
    )
    return conn.execute(look, (seen,)).fetchall()


def _old_pings(conn: Conn, monitor_id: int, *, before: int) -> int | None:
    """Pings and their bodies, from the first number on: too old and not among the last, or more than are kept."""
    last = conn.execute("SELECT max(number) FROM ping WHERE monitor_id = ?", (monitor_id,)).fetchone()[0]
    first = f"SELECT number, at FROM ping WHERE monitor_id = ? ORDER BY number LIMIT {LIGHT}"
    found = conn.execute(first, (monitor_id,)).fetchall()
    old = takewhile(lambda row: row[0] <= last - (KEPT_ALWAYS if row[1] < before else KEPT_PINGS), found)
    numbers = [number for number, _ in old]
    if not numbers:
        return None
    bodies = _numbered(conn, monitor_id, table="ping_body", until=numbers[-1], limit=BULKY)
    return bodies or _numbered(conn, monitor_id, table="ping", until=numbers[-1], limit=LIGHT)


def _numbered(conn: Conn, monitor_id: int, *, table: str, until: int, limit: int) -> int | None:
    where = "monitor_id = ?1 AND number <= "
    beyond = f"SELECT number FROM {table} WHERE {where} ?2 ORDER BY number LIMIT 1 OFFSET {limit - 1}"
    deleted = conn.execute(f"DELETE FROM {table} WHERE {where} coalesce(({beyond}), ?2)", (monitor_id, until))
    return deleted.rowcount or None


def _ended_incidents(before: int) -> Step:
    """Incidents that ended before `before`, in the order of their beginnings, which alone stand in an index."""
    began, incident_id = -_ALL, 0

    def step(conn: Conn) -> int | None:
        nonlocal began, incident_id
        found = conn.execute(
            "SELECT started_at, id, coalesce(resolved_at < ?3, 0) FROM incident WHERE started_at < ?3"
            f" AND (started_at, id) > (?1, ?2) ORDER BY started_at, id LIMIT {LOOKED_AT}",
            (began, incident_id, before),
        ).fetchall()
        for at, each, has_ended in found:
            if has_ended:
                return clearing.take_apart(conn, each)
            began, incident_id = at, each
        return 0 if found else None

    return step


def _gone(table: str) -> _Look:
    """Monitors that were deleted and have rows left, found by leaping in the key from one monitor to the next."""
    leaps = f"""
        WITH RECURSIVE found(monitor_id) AS (
            SELECT min(monitor_id) FROM {table} WHERE monitor_id > ?
            UNION ALL
            SELECT (SELECT min(monitor_id) FROM {table} WHERE monitor_id > found.monitor_id) FROM found
            WHERE found.monitor_id IS NOT NULL LIMIT {LOOKED_AT})
        SELECT monitor_id, NOT EXISTS (SELECT 1 FROM monitor WHERE monitor.id = found.monitor_id) FROM found
        WHERE monitor_id IS NOT NULL
        """
    return lambda conn, seen: conn.execute(leaps, (seen,)).fetchall()
