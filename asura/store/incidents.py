"""Incidents and the lines of their timelines. At most one of a monitor is unresolved: an index says so."""

from collections.abc import Sequence
from typing import Any

from asura.errors import NotFound
from asura.ids import IncidentId, MonitorId
from asura.model.incident import Incident, IncidentEvent, IncidentStatus
from asura.store.database import Conn
from asura.store.rows import from_json, to_json

_NAMES = (
    "id",
    "monitor_id",
    "status",
    "cause",
    "started_at",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "resolved_by",
    "next_reminder_at",
    "evidence",
)
_COLUMNS = ", ".join(f"incident.{name}" for name in _NAMES)


def _from_row(row: Sequence[Any]) -> Incident:
    return Incident(
        id=IncidentId(row[0]),
        monitor_id=MonitorId(row[1]),
        status=IncidentStatus(row[2]),
        cause=row[3],
        started_at=row[4],
        acknowledged_at=row[5],
        acknowledged_by=row[6],
        resolved_at=row[7],
        resolved_by=row[8],
        next_reminder_at=row[9],
        evidence=from_json(row[10]),
    )


def insert(
    conn: Conn, *, monitor_id: int, cause: str, started_at: int, evidence: Any, next_reminder_at: int | None
) -> Incident:
    """Open an incident."""
    row = conn.execute(
        "INSERT INTO incident (monitor_id, status, cause, started_at, next_reminder_at, evidence)"
        f" VALUES (?, 'open', ?, ?, ?, ?) RETURNING {', '.join(_NAMES)}",
        (monitor_id, cause, started_at, next_reminder_at, to_json(evidence)),
    ).fetchone()
    return _from_row(row)


def update(conn: Conn, incident: Incident) -> None:
    """Write what can change of an incident."""
    conn.execute(
        "UPDATE incident SET status = ?, acknowledged_at = ?, acknowledged_by = ?, resolved_at = ?, resolved_by = ?,"
        " next_reminder_at = ? WHERE id = ?",
        (
            incident.status,
            incident.acknowledged_at,
            incident.acknowledged_by,
            incident.resolved_at,
            incident.resolved_by,
            incident.next_reminder_at,
            incident.id,
        ),
    )


def delete(conn: Conn, incident_id: int) -> None:
    """Take an incident and its timeline away. Raises NotFound."""
    if not conn.execute("DELETE FROM incident WHERE id = ?", (incident_id,)).rowcount:
        raise NotFound(f"there is no incident {incident_id}")


def get(conn: Conn, incident_id: int) -> Incident:
    """The incident. Raises NotFound."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM incident WHERE id = ?", (incident_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no incident {incident_id}")
    return _from_row(row)


def unresolved_of(conn: Conn, monitor_id: int) -> Incident | None:
    """The monitor's open or acknowledged incident, if there is one."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE monitor_id = ? AND resolved_at IS NULL", (monitor_id,)
    ).fetchone()
    return _from_row(row) if row else None


def page(
    conn: Conn,
    *,
    limit: int,
    offset: int = 0,
    status: IncidentStatus | None = None,
    monitor_id: int | None = None,
    since: int | None = None,
    until: int | None = None,
) -> tuple[list[tuple[Incident, str]], int]:
    """Incidents with their monitors' names, the latest first, and how many there are in all.

    `since` and `until` choose by the start; `since` is included, `until` is not.
    """
    clauses, values = ["1"], []
    for clause, value in (
        ("incident.status = ?", status),
        ("incident.monitor_id = ?", monitor_id),
        ("incident.started_at >= ?", since),
        ("incident.started_at < ?", until),
    ):
        if value is not None:
            clauses.append(clause)
            values.append(value)
    where = " AND ".join(clauses)
    total = int(conn.execute(f"SELECT count(*) FROM incident WHERE {where}", values).fetchone()[0])
    rows = conn.execute(
        f"SELECT {_COLUMNS}, monitor.name FROM incident JOIN monitor ON monitor.id = incident.monitor_id"
        f" WHERE {where} ORDER BY incident.started_at DESC, incident.id DESC LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [(_from_row(row), row[len(_NAMES)]) for row in rows], total


def add_event(conn: Conn, incident_id: int, event: IncidentEvent) -> None:
    """Add a line to an incident's timeline."""
    conn.execute(
        "INSERT INTO incident_event (incident_id, type, at, message, actor, detail) VALUES (?, ?, ?, ?, ?, ?)",
        (
            incident_id,
            event.type,
            event.at,
            event.message,
            event.actor,
            None if event.detail is None else to_json(event.detail),
        ),
    )


def events_of(conn: Conn, incident_id: int) -> list[IncidentEvent]:
    """An incident's timeline, oldest first."""
    rows = conn.execute(
        "SELECT type, at, message, actor, detail FROM incident_event WHERE incident_id = ? ORDER BY id", (incident_id,)
    )
    return [
        IncidentEvent(
            type=row[0],
            at=row[1],
            message=row[2],
            actor=row[3],
            detail=None if row[4] is None else from_json(row[4]),
        )
        for row in rows
    ]


def reminders_due(conn: Conn, *, now_ms: int, limit: int) -> list[Incident]:
    """Incidents whose reminder is due, the longest overdue first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE next_reminder_at <= ? ORDER BY next_reminder_at LIMIT ?",
        (now_ms, limit),
    )
    return [_from_row(row) for row in rows]


def bring_reminders_forward(conn: Conn, *, now_ms: int) -> int:
    """Let no reminder be further off than its monitor asks for; answers how many rows moved."""
    latest = "?1 + 1000 * (SELECT resend_interval_s FROM monitor WHERE monitor.id = incident.monitor_id)"
    return conn.execute(
        f"UPDATE incident SET next_reminder_at = {latest} WHERE next_reminder_at > ?1 AND next_reminder_at > {latest}",
        (now_ms,),
    ).rowcount


def next_reminder_at(conn: Conn) -> int | None:
    """When the next reminder is due; None when none is."""
    row = conn.execute("SELECT min(next_reminder_at) FROM incident WHERE next_reminder_at IS NOT NULL").fetchone()
    return row[0] if row else None
