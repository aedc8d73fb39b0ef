"""What becomes of an incident, step by step, by Asura and by people: its row, its timeline, its messages.

Every function here runs inside a write of the store, so that a step is durable with all that follows from it. When an
incident is opened or over is decided elsewhere: by the ledger, or by a person.
"""

import attrs

from asura.errors import Conflict
from asura.incidents import rules
from asura.live import Event
from asura.model.incident import Incident, IncidentEvent, IncidentStatus
from asura.model.monitor import Monitor, MonitorState
from asura.model.notification import EventName
from asura.model.observation import Outcome
from asura.model.vote import Vote
from asura.notifications import routing
from asura.store import incidents, monitors, states
from asura.store.database import Conn, emit

SYSTEM = "asura"
"""Who acts when no person does."""


def open_one(
    conn: Conn,
    monitor: Monitor,
    state: MonitorState,
    ballot: list[Vote],
    outcome: Outcome,
    *,
    rule: str,
    now_ms: int,
    base_url: str,
) -> None:
    """A spell of being down becomes an incident, and is told; `rule` is why it does now."""
    incident = incidents.insert(
        conn,
        monitor_id=monitor.id,
        cause=rules.cause(ballot),
        started_at=state.status_since,
        evidence=rules.evidence(ballot, latest=outcome, now_ms=now_ms),
        next_reminder_at=rules.next_reminder_at(resend_interval_s=monitor.resend_interval_s, last_told_at=now_ms),
    )
    opened = IncidentEvent(type="opened", at=now_ms, message=incident.cause, detail={"rule": rule})
    incidents.add_event(conn, incident.id, opened)
    _announce(conn, EventName.CREATED, monitor, state, incident, now_ms=now_ms, base_url=base_url)
    _emit_incident(conn, "incident.opened", incident)


def close(
    conn: Conn,
    incident: Incident,
    monitor: Monitor,
    state: MonitorState,
    *,
    by: str,
    text: str,
    at: int,
    now_ms: int,
    base_url: str,
) -> Incident:
    """It is over at `at`, and whoever was told of it is told so; `text` is the last line of its timeline."""
    incident = attrs.evolve(
        incident,
        status=IncidentStatus.RESOLVED,
        resolved_at=max(at, incident.started_at),
        resolved_by=by,
        next_reminder_at=None,
    )
    incidents.update(conn, incident)
    incidents.add_event(conn, incident.id, IncidentEvent(type="resolved", at=now_ms, message=text, actor=by))
    _announce(conn, EventName.RESOLVED, monitor, state, incident, now_ms=now_ms, base_url=base_url)
    _emit_incident(conn, "incident.resolved", incident)
    return incident


def _announce(
    conn: Conn,
    event: EventName,
    monitor: Monitor,
    state: MonitorState,
    incident: Incident,
    *,
    now_ms: int,
    base_url: str,
) -> None:
    told = routing.announce(
        conn, event=event, monitor=monitor, state=state, incident=incident, now_ms=now_ms, base_url=base_url
    )
    if told:
        text = f"{event.value} goes to {told} channel{'s' if told > 1 else ''}"
        incidents.add_event(conn, incident.id, IncidentEvent(type="notified", at=now_ms, message=text))
    elif event is EventName.CREATED:
        text = "nobody was told: no enabled notification channel takes this"
        incidents.add_event(conn, incident.id, IncidentEvent(type="not_notified", at=now_ms, message=text))


def _emit_incident(conn: Conn, kind: str, incident: Incident) -> None:
    emit(conn, Event(kind=kind, id=incident.id, detail={"monitor_id": incident.monitor_id}))


def acknowledge(conn: Conn, incident_id: int, *, by: str, now_ms: int, base_url: str) -> Incident:
    """Somebody takes the incident: reminders end. Twice changes nothing. Raises NotFound, Conflict when resolved."""
    incident = incidents.get(conn, incident_id)
    if incident.status is IncidentStatus.RESOLVED:
        raise Conflict("this incident is resolved; there is nothing left to acknowledge")
    if incident.status is IncidentStatus.ACKNOWLEDGED:
        return incident
    incident = attrs.evolve(
        incident,
        status=IncidentStatus.ACKNOWLEDGED,
        acknowledged_at=max(now_ms, incident.started_at),
        acknowledged_by=by,
        next_reminder_at=None,
    )
    incidents.update(conn, incident)
    text = f"acknowledged by {by}"
    incidents.add_event(conn, incident.id, IncidentEvent(type="acknowledged", at=now_ms, message=text, actor=by))
    monitor, state = monitors.get(conn, incident.monitor_id), states.get(conn, incident.monitor_id)
    _announce(conn, EventName.ACKNOWLEDGED, monitor, state, incident, now_ms=now_ms, base_url=base_url)
    _emit_incident(conn, "incident.acknowledged", incident)
    return incident


def resolve(conn: Conn, incident_id: int, *, by: str, now_ms: int, base_url: str) -> Incident:
    """Somebody declares the incident over. This spell of being down opens no other. Raises NotFound, Conflict."""
    incident = incidents.get(conn, incident_id)
    if incident.status is IncidentStatus.RESOLVED:
        raise Conflict("this incident is resolved already")
    monitor, state = monitors.get(conn, incident.monitor_id), states.get(conn, incident.monitor_id)
    text = f"resolved by {by}"
    return close(conn, incident, monitor, state, by=by, text=text, at=now_ms, now_ms=now_ms, base_url=base_url)


def comment(conn: Conn, incident_id: int, *, by: str, message: str, now_ms: int) -> Incident:
    """Add a note to an unresolved incident's timeline. Raises NotFound, Conflict when resolved."""
    incident = incidents.get(conn, incident_id)
    if incident.status is IncidentStatus.RESOLVED:
        raise Conflict("this incident is resolved; it takes no more comments")
    incidents.add_event(conn, incident.id, IncidentEvent(type="comment", at=now_ms, message=message, actor=by))
    _emit_incident(conn, "incident.commented", incident)
    return incident


def delete(conn: Conn, incident_id: int, *, now_ms: int) -> Incident:
    """Take an incident away with its timeline and what was not yet sent of it. Raises NotFound."""
    incident = incidents.get(conn, incident_id)
    routing.drop_queued(conn, incident.id, reason="the incident was deleted", now_ms=now_ms)
    incidents.delete(conn, incident.id)
    _emit_incident(conn, "incident.deleted", incident)
    return incident


def close_for_good(conn: Conn, monitor: Monitor, *, by: str, now_ms: int, base_url: str) -> None:
    """The monitor is going away: its unresolved incident ends, and whoever was told of it is told so."""
    incident = incidents.unresolved_of(conn, monitor.id)
    if incident is not None:
        text = f"{monitor.name} was deleted by {by}"
        state = states.get(conn, monitor.id)
        close(conn, incident, monitor, state, by=by, text=text, at=now_ms, now_ms=now_ms, base_url=base_url)


def remind_anew(conn: Conn, monitor: Monitor, *, now_ms: int) -> None:
    """The monitor wants other reminders than before: those of its open incident count from now."""
    incident = incidents.unresolved_of(conn, monitor.id)
    if incident is not None and incident.status is IncidentStatus.OPEN:
        at = rules.next_reminder_at(resend_interval_s=monitor.resend_interval_s, last_told_at=now_ms)
        incidents.update(conn, attrs.evolve(incident, next_reminder_at=at))


def remind(conn: Conn, *, now_ms: int, base_url: str, limit: int = 100) -> int | None:
    """Send every reminder that is due, at most `limit`; answers when the next one is."""
    for incident in incidents.reminders_due(conn, now_ms=now_ms, limit=limit):
        monitor, state = monitors.get(conn, incident.monitor_id), states.get(conn, incident.monitor_id)
        due_at = incident.next_reminder_at or now_ms
        following = rules.overdue_reminder_at(due_at, resend_interval_s=monitor.resend_interval_s, now_ms=now_ms)
        incident = attrs.evolve(incident, next_reminder_at=following)
        incidents.update(conn, incident)
        if monitor.enabled:
            incidents.add_event(conn, incident.id, IncidentEvent(type="reminder", at=now_ms, message=incident.cause))
            _announce(conn, EventName.REMINDER, monitor, state, incident, now_ms=now_ms, base_url=base_url)
    return incidents.next_reminder_at(conn)
