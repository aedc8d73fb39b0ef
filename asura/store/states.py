"""What is known of each monitor now."""

from collections.abc import Iterable, Sequence
from typing import Any

from asura.ids import MonitorId
from asura.model.monitor import MonitorState, MonitorStatus
from asura.store.database import Conn
from asura.store.rows import to_json

_NAMES = (
    "monitor_id",
    "status",
    "status_since",
    "confirming",
    "partial",
    "announced",
    "last_check_at",
    "last_response_ms",
    "last_message",
    "cert_expires_at",
)
COLUMNS = ", ".join(f"monitor_state.{name}" for name in _NAMES)
"""What `from_row` expects, in order, for a query that joins other tables."""

_UPSERT = (
    f"INSERT INTO monitor_state ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"
    f" ON CONFLICT (monitor_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)


def from_row(row: Sequence[Any]) -> MonitorState:
    """The state of a row of `COLUMNS`."""
    return MonitorState(
        monitor_id=MonitorId(row[0]),
        status=MonitorStatus(row[1]),
        status_since=row[2],
        confirming=bool(row[3]),
        partial=bool(row[4]),
        announced=bool(row[5]),
        last_check_at=row[6],
        last_response_ms=row[7],
        last_message=row[8],
        cert_expires_at=row[9],
    )


def save(conn: Conn, state: MonitorState) -> None:
    """Write a monitor's state, new or known."""
    conn.execute(
        _UPSERT,
        (
            state.monitor_id,
            state.status,
            state.status_since,
            state.confirming,
            state.partial,
            state.announced,
            state.last_check_at,
            state.last_response_ms,
            state.last_message,
            state.cert_expires_at,
        ),
    )


def touch(conn: Conn, touched: Iterable[MonitorState]) -> None:
    """Note the last checks where nothing else has changed: the path of almost every check."""
    rows = [
        (state.monitor_id, state.last_check_at, state.last_response_ms, state.last_message, state.cert_expires_at)
        for state in touched
    ]
    conn.execute(
        "UPDATE monitor_state SET last_check_at = new.value ->> 1, last_response_ms = new.value ->> 2,"
        " last_message = new.value ->> 3, cert_expires_at = new.value ->> 4"
        " FROM json_each(?) AS new WHERE monitor_state.monitor_id = new.value ->> 0",
        (to_json(rows),),
    )


def get(conn: Conn, monitor_id: int) -> MonitorState:
    """A monitor's state; that of a monitor never seen when it has none."""
    row = conn.execute(f"SELECT {COLUMNS} FROM monitor_state WHERE monitor_id = ?", (monitor_id,)).fetchone()
    return from_row(row) if row else MonitorState(monitor_id=MonitorId(monitor_id))


def down_among(conn: Conn, monitor_ids: Iterable[int]) -> set[int]:
    """Which of the monitors are watched and confirmed down."""
    rows = conn.execute(
        "SELECT monitor_id FROM monitor_state JOIN monitor ON monitor.id = monitor_id"
        " WHERE monitor_state.status = 'down' AND monitor.enabled = 1"
        " AND monitor_id IN (SELECT value FROM json_each(?))",
        (to_json(list(monitor_ids)),),
    )
    return {row[0] for row in rows}


def doubtful(conn: Conn) -> set[int]:
    """Which of the monitors that are watched have failed, but not yet often enough to be down, or are down and were
    not announced, because of what they depend on.
    """
    rows = conn.execute(
        "SELECT monitor_id FROM monitor_state JOIN monitor ON monitor.id = monitor_id"
        " WHERE CASE monitor_state.status WHEN 'down' THEN announced = 0 ELSE confirming = 1 END"
        " AND monitor.enabled = 1"
    )
    return {row[0] for row in rows}


def overdue(conn: Conn, *, now_ms: int) -> set[int]:
    """Which of the monitors that are watched should have been checked by now and were not, or never were."""
    rows = conn.execute(
        "SELECT monitor.id FROM monitor JOIN monitor_state AS state ON state.monitor_id = monitor.id"
        " WHERE monitor.enabled = 1 AND coalesce(state.last_check_at, 0) <= ? - monitor.interval_s * 1000",
        (now_ms,),
    )
    return {row[0] for row in rows}
