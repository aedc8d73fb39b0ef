"""The one transaction from an observation to the outbox, and what people do to incidents.

Every function here runs inside a write of the store: result, state, votes, timeline, incident, its events and the
deliveries become durable together or not at all. The decisions are the pure rules of `consensus` and of this
package; here they meet the rows.
"""

from collections.abc import Iterable

import attrs

from asura.consensus import rules as consensus
from asura.errors import Conflict
from asura.incidents import rules
from asura.incidents.rules import Transition
from asura.live import Event
from asura.model.incident import Incident, IncidentEvent, IncidentStatus
from asura.model.monitor import Monitor, MonitorState, MonitorStatus
from asura.model.notification import EventName
from asura.model.observation import Observation
from asura.model.vote import Vote
from asura.notifications import routing
from asura.store import checks, incidents, monitors, states, timeline, votes
from asura.store.database import Conn, emit

SYSTEM = "asura"
"""Who acts when no person does."""

_CONTEXT = (
    "SELECT monitor.config_version, monitor.enabled, monitor.interval_s, monitor.failure_threshold,"
    f" monitor.success_threshold, {states.COLUMNS} FROM monitor"
    " JOIN monitor_state ON monitor_state.monitor_id = monitor.id WHERE monitor.id = ?"
)


def record(conn: Conn, observations: Iterable[Observation], *, now_ms: int, base_url: str) -> None:
    """Store what was seen and everything that follows from it. Observations of monitors that are gone are dropped."""
    for observation in observations:
        _record_one(conn, observation, now_ms=now_ms, base_url=base_url)


def _record_one(conn: Conn, observation: Observation, *, now_ms: int, base_url: str) -> None:
    row = conn.execute(_CONTEXT, (observation.monitor_id,)).fetchone()
    if row is None:
        return
    config_version, is_enabled, interval_s, failure_threshold, success_threshold = row[:5]
    before = states.from_row(row[5:])
    checks.insert(conn, observation)
    outcome = observation.outcome
    seen_at = max(observation.checked_at, before.last_check_at or 0)
    if is_enabled and observation.config_version == config_version:
        window = consensus.window_ms(interval_s)
        ballot = _vote(conn, observation, window=window)
        verdict = consensus.decide(
            ballot,
            current=before.status,
            eligible=1,
            quorum=1,
            thresholds=consensus.Thresholds(failure=failure_threshold, success=success_threshold),
            now_ms=max(now_ms, observation.checked_at),
            window=max(window, now_ms - observation.checked_at),
        )
        if before.last_check_at is not None:
            _note_gap(conn, before, until=observation.checked_at, interval_s=interval_s)
        after = attrs.evolve(
            before,
            status=verdict.status,
            confirming=verdict.confirming,
            partial=verdict.partial,
            last_check_at=seen_at,
            last_response_ms=outcome.response_ms,
            last_message=outcome.message,
            cert_expires_at=outcome.cert_expires_at or before.cert_expires_at,
        )
        _settle(conn, before, after, ballot, at=observation.checked_at, now_ms=now_ms, base_url=base_url)
    else:
        states.touch(
            conn,
            observation.monitor_id,
            at=seen_at,
            response_ms=outcome.response_ms,
            cert_expires_at=outcome.cert_expires_at,
        )
    emit(
        conn,
        Event(
            kind="monitor.checked",
            id=observation.monitor_id,
            detail={
                "status": outcome.status.value,
                "last_check_at": seen_at,
                "last_response_ms": outcome.response_ms,
            },
        ),
    )


def _vote(conn: Conn, observation: Observation, *, window: int) -> list[Vote]:
    """Count the observation as its region's vote; answers all the votes."""
    ballot = votes.of_monitor(conn, observation.monitor_id)
    previous = next((vote for vote in ballot if vote.region == observation.region), None)
    if previous is not None and observation.checked_at < previous.effective_at:
        return ballot  # out of order: history, but no vote
    vote = consensus.cast(
        previous,
        region=observation.region,
        status=observation.outcome.status,
        at=observation.checked_at,
        message=observation.outcome.message,
        window=window,
    )
    votes.save(conn, observation.monitor_id, vote)
    return [vote] + [other for other in ballot if other.region != vote.region]


def _note_gap(conn: Conn, before: MonitorState, *, until: int, interval_s: int) -> None:
    """Nobody looked for so long that the time in between is unknown."""
    stale_at = consensus.stale_at(before.last_check_at or until, interval_s=interval_s)
    if stale_at < until:
        timeline.change(conn, before.monitor_id, at=stale_at, status=MonitorStatus.UNKNOWN)
        timeline.change(conn, before.monitor_id, at=until, status=before.status)


def _settle(
    conn: Conn, before: MonitorState, after: MonitorState, ballot: list[Vote], *, at: int, now_ms: int, base_url: str
) -> None:
    """Write the new state, and open or resolve the incident that it means."""
    monitor_id = after.monitor_id
    if after.status is not before.status:
        since = timeline.change(conn, monitor_id, at=max(at, before.status_since), status=after.status)
        after = attrs.evolve(after, status_since=since)
    is_settled = after.status is not MonitorStatus.DOWN and not after.announced
    if not is_settled and not (after.announced and after.status is MonitorStatus.DOWN):
        after = _turn(conn, after, ballot, at=at, now_ms=now_ms, base_url=base_url)
    states.save(conn, after)
    if after.status is not before.status or after.confirming != before.confirming:
        detail = {"status": after.status.value, "confirming": after.confirming}
        emit(conn, Event(kind="monitor.status", id=monitor_id, detail=detail))


def _turn(
    conn: Conn, state: MonitorState, ballot: list[Vote], *, at: int, now_ms: int, base_url: str
) -> MonitorState:
    """A spell of being down that nobody was told of, or one that is over: the incident's turn."""
    monitor = monitors.get(conn, state.monitor_id)
    step = rules.transition(
        is_announced=state.announced,
        status=state.status,
        is_suppressed=bool(monitor.depends_on) and states.any_down(conn, monitor.depends_on),
    )
    if step is Transition.OPEN:
        state = attrs.evolve(state, announced=True)
        _open(conn, monitor, state, ballot, now_ms=now_ms, base_url=base_url)
    elif step is Transition.RESOLVE:
        state = attrs.evolve(state, announced=False)
        incident = incidents.unresolved_of(conn, monitor.id)
        if incident is not None:
            text = f"{monitor.name} is {state.status.value} again"
            _close(conn, incident, monitor, state, by=SYSTEM, text=text, at=at, now_ms=now_ms, base_url=base_url)
    return state


def _open(
    conn: Conn, monitor: Monitor, state: MonitorState, ballot: list[Vote], *, now_ms: int, base_url: str
) -> None:
    incident = incidents.insert(
        conn,
        monitor_id=monitor.id,
        cause=rules.cause(ballot),
        started_at=state.status_since,
        evidence=rules.evidence(ballot, now_ms=now_ms),
        next_reminder_at=rules.next_reminder_at(resend_interval_s=monitor.resend_interval_s, last_told_at=now_ms),
    )
    rule = f"{monitor.failure_threshold} failed checks in a row"
    opened = IncidentEvent(type="opened", at=now_ms, message=incident.cause, detail={"rule": rule})
    incidents.add_event(conn, incident.id, opened)
    _announce(conn, EventName.CREATED, monitor, state, incident, now_ms=now_ms, base_url=base_url)
    _emit_incident(conn, "incident.opened", incident)


def _close(
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
    return _close(conn, incident, monitor, state, by=by, text=text, at=now_ms, now_ms=now_ms, base_url=base_url)


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
        _close(conn, incident, monitor, state, by=by, text=text, at=now_ms, now_ms=now_ms, base_url=base_url)


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
