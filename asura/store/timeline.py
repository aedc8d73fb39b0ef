"""The status timeline: a row where the status changes, in force until the next row."""

from collections.abc import Iterable

from asura.model.monitor import MonitorStatus
from asura.store.database import Conn
from asura.store.rows import to_json

_STATUSES = {status.value: status for status in MonitorStatus}  # much faster than the enumeration's own call
Changes = list[tuple[int, MonitorStatus]]
"""(instant, the status from then on), ascending."""


def change(conn: Conn, monitor_id: int, *, at: int, status: MonitorStatus) -> int:
    """Note that from `at` the status is another. Never before what is noted already; answers the instant used."""
    last = conn.execute(
        "SELECT at, status FROM status_change WHERE monitor_id = ? ORDER BY at DESC LIMIT 1", (monitor_id,)
    ).fetchone()
    if last and last[1] == status:
        return max(at, int(last[0]))
    if last and last[0] >= at:
        at = int(last[0]) + 1
    conn.execute("INSERT INTO status_change (monitor_id, at, status) VALUES (?, ?, ?)", (monitor_id, at, status))
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


def of_monitor(conn: Conn, monitor_id: int, *, since: int) -> Changes:
    """The changes of one monitor after `since`, led by the one in force at `since`."""
    return of_monitors(conn, [monitor_id], since=since).get(monitor_id, [])
