"""The status timeline: a row where the status changes, in force until the next row.

Each row carries the time by status until it, from the monitor's first change on, so that the time between any two
instants is a difference (`store/uptimes.py`).
"""

from collections.abc import Iterable

from asura.model.monitor import MonitorStatus
from asura.store.database import Conn
from asura.store.rows import to_json

_STATUSES = {status.value: status for status in MonitorStatus}  # much faster than the enumeration's own call
END_OF_TIME = 2**62
"""Later than any instant."""
Changes = list[tuple[int, MonitorStatus]]
"""(instant, the status from then on), ascending."""
TOTALLED = (MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN)
"""The statuses whose time is added up, in the order of the columns; all others are time of which nothing is known."""


def change(conn: Conn, monitor_id: int, *, at: int, status: MonitorStatus) -> int:
    """Note that from `at` the status is another. Never before what is noted already; answers the instant used."""
    last = conn.execute(
        "SELECT at, status, up_ms, degraded_ms, down_ms FROM status_change WHERE monitor_id = ?"
        " ORDER BY at DESC LIMIT 1",
        (monitor_id,),
    ).fetchone()
    if last is None:
        last = (at - 1, "", 0, 0, 0)
    was_at, was, *totals_ms = last
    if was == status:
        return max(at, int(was_at))
    at = max(at, int(was_at) + 1)
    for place, each in enumerate(TOTALLED):
        totals_ms[place] += (at - was_at) * (was == each)
    conn.execute(
        "INSERT INTO status_change (monitor_id, at, status, up_ms, degraded_ms, down_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (monitor_id, at, status, *totals_ms),
    )
    return at


def of_monitors(conn: Conn, monitor_ids: Iterable[int], *, since: int) -> dict[int, Changes]:
    """The changes of several monitors after `since`, each list led by the one in force at `since`."""
    rows = conn.execute(
        """
        SELECT one.value, change.at, change.status FROM json_each(?1) AS one
        JOIN status_change AS change ON change.monitor_id = one.value AND change.at >= coalesce(
            (SELECT max(at) FROM status_change WHERE monitor_id = one.value AND at <= ?2), ?2)
        ORDER BY change.monitor_id, change.at
        """,
        (to_json(list(monitor_ids)), since),
    )
    found: dict[int, Changes] = {}
    for monitor_id, at, status in rows:
        found.setdefault(monitor_id, []).append((at, _STATUSES[status]))
    return found


def of_monitor(
    conn: Conn, monitor_id: int, *, since: int, until: int | None = None, limit: int | None = None
) -> Changes:
    """The changes of one monitor after `since` and before `until`, led by the one in force at `since`.

    At most `limit` of them, the oldest.
    """
    rows = conn.execute(
        "SELECT at, status FROM status_change WHERE monitor_id = ?1 AND at < ?3 AND at >= coalesce("
        "(SELECT max(at) FROM status_change WHERE monitor_id = ?1 AND at <= ?2), ?2) ORDER BY at LIMIT ?4",
        (monitor_id, since, END_OF_TIME if until is None else until, -1 if limit is None else limit),
    )
    return [(at, _STATUSES[status]) for at, status in rows]


def last_at(conn: Conn, monitor_id: int) -> int | None:
    """When the last change came."""
    found = conn.execute("SELECT max(at) FROM status_change WHERE monitor_id = ?", (monitor_id,)).fetchone()[0]
    return None if found is None else int(found)
