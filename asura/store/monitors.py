"""Monitors as they are configured. What is known of them now stands in `states`."""

from collections.abc import Iterable, Sequence
from sqlite3 import IntegrityError
from typing import Any

import attrs

from asura.errors import Conflict, NotFound
from asura.ids import MonitorId
from asura.model.monitor import Monitor
from asura.store.database import Conn
from asura.store.rows import from_json, to_json

_COLUMNS = (
    "id, name, description, type, target, interval_s, timeout_s, enabled, public, tags, group_name, settings,"
    " assertions, track_changes, failure_threshold, success_threshold, resend_interval_s, upside_down,"
    " notification_channel_ids, escalation_policy_id, depends_on, regions, config_version, created_at, updated_at"
)
_NAMES = tuple(_COLUMNS.split(", "))
COLUMNS = ", ".join(f"monitor.{name}" for name in _NAMES)
"""What `from_row` expects, in order, for a query that joins other tables."""


def from_row(row: Sequence[Any]) -> Monitor:
    """The monitor of a row of `COLUMNS`."""
    return Monitor(
        id=MonitorId(row[0]),
        name=row[1],
        description=row[2],
        type=row[3],
        target=row[4],
        interval_s=row[5],
        timeout_s=row[6],
        enabled=bool(row[7]),
        public=bool(row[8]),
        tags=tuple(from_json(row[9])),
        group=row[10],
        settings=from_json(row[11]),
        assertions=from_json(row[12]),
        track_changes=bool(row[13]),
        failure_threshold=row[14],
        success_threshold=row[15],
        resend_interval_s=row[16],
        upside_down=bool(row[17]),
        notification_channel_ids=tuple(from_json(row[18])),
        escalation_policy_id=row[19],
        depends_on=tuple(from_json(row[20])),
        regions=tuple(from_json(row[21])),
        config_version=row[22],
        created_at=row[23],
        updated_at=row[24],
    )


def _values(monitor: Monitor) -> tuple[Any, ...]:
    return (
        monitor.name,
        monitor.description,
        monitor.type,
        monitor.target,
        monitor.interval_s,
        monitor.timeout_s,
        monitor.enabled,
        monitor.public,
        to_json(monitor.tags),
        monitor.group,
        to_json(monitor.settings),
        to_json(monitor.assertions),
        monitor.track_changes,
        monitor.failure_threshold,
        monitor.success_threshold,
        monitor.resend_interval_s,
        monitor.upside_down,
        to_json(monitor.notification_channel_ids),
        monitor.escalation_policy_id,
        to_json(monitor.depends_on),
        to_json(monitor.regions),
        monitor.config_version,
        monitor.created_at,
        monitor.updated_at,
    )


_INSERT = f"INSERT INTO monitor ({', '.join(_NAMES[1:])}) VALUES ({', '.join('?' * (len(_NAMES) - 1))})"
_UPDATE = f"UPDATE monitor SET {', '.join(f'{name} = ?' for name in _NAMES[1:])} WHERE id = ?"


def _taken(name: str) -> Conflict:
    return Conflict(f"a monitor named “{name}” exists already; names are unique")


def insert(conn: Conn, monitor: Monitor) -> Monitor:
    """Add a monitor; answers it with its id. Raises Conflict for a name that is taken."""
    try:
        cursor = conn.execute(_INSERT, _values(monitor))
    except IntegrityError as exc:
        raise _taken(monitor.name) from exc
    return attrs.evolve(monitor, id=MonitorId(cursor.lastrowid or 0))


def update(conn: Conn, monitor: Monitor) -> None:
    """Replace a monitor's configuration. Raises Conflict for a name that is taken, NotFound."""
    try:
        cursor = conn.execute(_UPDATE, (*_values(monitor), monitor.id))
    except IntegrityError as exc:
        raise _taken(monitor.name) from exc
    if not cursor.rowcount:
        raise NotFound(f"there is no monitor {monitor.id}")


def delete(conn: Conn, monitor_id: int) -> None:
    """Take a monitor away with its state, votes and incidents; its history goes with the retention."""
    if not conn.execute("DELETE FROM monitor WHERE id = ?", (monitor_id,)).rowcount:
        raise NotFound(f"there is no monitor {monitor_id}")


def find(conn: Conn, monitor_id: int) -> Monitor | None:
    """The monitor, or None."""
    row = conn.execute(f"SELECT {COLUMNS} FROM monitor WHERE id = ?", (monitor_id,)).fetchone()
    return from_row(row) if row else None


def get(conn: Conn, monitor_id: int) -> Monitor:
    """The monitor. Raises NotFound."""
    monitor = find(conn, monitor_id)
    if monitor is None:
        raise NotFound(f"there is no monitor {monitor_id}")
    return monitor


def by_ids(conn: Conn, monitor_ids: Iterable[int]) -> list[Monitor]:
    """Those of the monitors that exist, by id."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM monitor WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (to_json(list(monitor_ids)),),
    )
    return [from_row(row) for row in rows]


def all_enabled(conn: Conn) -> list[Monitor]:
    """Every monitor that is not paused, by id."""
    return [from_row(row) for row in conn.execute(f"SELECT {COLUMNS} FROM monitor WHERE enabled = 1 ORDER BY id")]


def existing_ids(conn: Conn, monitor_ids: Iterable[int]) -> set[int]:
    """Which of the ids are monitors."""
    rows = conn.execute(
        "SELECT id FROM monitor WHERE id IN (SELECT value FROM json_each(?))", (to_json(list(monitor_ids)),)
    )
    return {row[0] for row in rows}


def dependencies(conn: Conn) -> dict[int, tuple[int, ...]]:
    """What each monitor depends on, for those that depend on anything."""
    rows = conn.execute("SELECT id, depends_on FROM monitor WHERE depends_on != '[]'")
    return {row[0]: tuple(from_json(row[1])) for row in rows}


def forget_dependency(conn: Conn, monitor_id: int) -> None:
    """Take a monitor out of every `depends_on`, because it is going away."""
    # By the index of those that depend on anything: reading all ten thousand monitors for each of a thousand that are
    # deleted together held the writer for two seconds.
    rows = conn.execute(
        "SELECT id, depends_on FROM monitor WHERE depends_on != '[]' AND instr(depends_on, ?)", (str(monitor_id),)
    ).fetchall()
    for other_id, text in rows:
        depends_on = from_json(text)
        if monitor_id in depends_on:
            left = [each for each in depends_on if each != monitor_id]
            conn.execute("UPDATE monitor SET depends_on = ? WHERE id = ?", (to_json(left), other_id))
