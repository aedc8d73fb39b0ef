"""Incidents: the list, one with its timeline and evidence, and what people do about it."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from asura.api.endpoint import Answer, Call, Routes
from asura.api.paging import MAX_ID, Page, Paging, page_of
from asura.api.wire import Instant, Millis, instant, maybe_instant
from asura.fields import between, text
from asura.incidents import steps
from asura.model.incident import Incident, IncidentEvent, IncidentStatus
from asura.retention.service import clear
from asura.store import clearing, incidents, monitors
from asura.store.database import Conn

routes = Routes("incidents", tag="Incidents")


@attrs.frozen(kw_only=True)
class IncidentQuery(Paging):
    """Which incidents; `from` (included) and `to` (not) choose by the start."""

    status: str | None = None
    monitor_id: int | None = attrs.field(default=None, validator=between(0, MAX_ID))
    from_: Millis | None = None
    to: Millis | None = None


@attrs.frozen(kw_only=True, slots=False)
class IncidentView:
    """An incident's own fields."""

    id: int
    monitor_id: int
    monitor_name: str
    status: IncidentStatus
    cause: str
    started_at: Instant
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    resolved_at: Instant | None
    resolved_by: str | None


@attrs.frozen(kw_only=True, slots=False)
class TimelineEntry:
    """A line of the timeline. `type`: opened, notified, acknowledged, comment, reminder, resolved, and so on."""

    type: str
    message: str
    at: Instant
    actor: str | None
    detail: Any


@attrs.frozen(kw_only=True, slots=False)
class IncidentDetail(IncidentView):
    """An incident with what happened in it and the results that opened it."""

    timeline: Sequence[TimelineEntry]
    evidence: Sequence[Any]


@attrs.frozen(kw_only=True)
class Comment:
    """A note for the timeline."""

    message: str = attrs.field(validator=text(5000, at_least=1, blank=False))


def _own_fields(incident: Incident, monitor_name: str) -> dict[str, Any]:
    return {
        "id": incident.id,
        "monitor_id": incident.monitor_id,
        "monitor_name": monitor_name,
        "status": incident.status,
        "cause": incident.cause,
        "started_at": instant(incident.started_at),
        "acknowledged_at": maybe_instant(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "resolved_at": maybe_instant(incident.resolved_at),
        "resolved_by": incident.resolved_by,
    }


def _line(event: IncidentEvent) -> TimelineEntry:
    return TimelineEntry(
        type=event.type, message=event.message, at=instant(event.at), actor=event.actor, detail=event.detail
    )


def _detail(conn: Conn, incident_id: int) -> IncidentDetail:
    incident = incidents.get(conn, incident_id)
    return IncidentDetail(
        **_own_fields(incident, monitors.get(conn, incident.monitor_id).name),
        timeline=[_line(event) for event in incidents.events_of(conn, incident_id)],
        evidence=incident.evidence,
    )


@routes.add(
    "GET", "/incidents", needs="incidents.read", summary="List incidents", query=IncidentQuery, gives=Page[IncidentView]
)
async def list_incidents(call: Call, query: IncidentQuery) -> Page[IncidentView]:
    """The latest first."""
    status = IncidentStatus(query.status) if query.status in list(IncidentStatus) else None
    if query.status is not None and status is None:
        return page_of([], total=0, paging=query)
    found, total = await call.services.store.read(
        lambda conn: incidents.page(
            conn,
            limit=query.per_page,
            offset=query.offset,
            status=status,
            monitor_id=query.monitor_id,
            since=query.from_,
            until=query.to,
        )
    )
    views = [IncidentView(**_own_fields(incident, name)) for incident, name in found]
    return page_of(views, total=total, paging=query)


@routes.add(
    "GET", "/incidents/<id:incident_id>", needs="incidents.read", summary="Read an incident", gives=IncidentDetail
)
async def get_incident(call: Call, incident_id: int) -> IncidentDetail:
    """With its timeline, oldest first, and its evidence."""
    return await call.services.store.read(lambda conn: _detail(conn, incident_id))


@routes.add(
    "POST",
    "/incidents/<id:incident_id>/ack",
    needs="incidents.write",
    summary="Acknowledge an incident",
    gives=IncidentDetail,
    also={409: "the incident is resolved"},
)
async def acknowledge(call: Call, incident_id: int) -> IncidentDetail:
    """Somebody takes care of it: reminders end. Twice is no error and changes nothing."""

    def act(conn: Conn) -> Incident:
        return steps.acknowledge(conn, incident_id, by=call.name, now_ms=call.now_ms, base_url=call.base_url)

    return await _act(call, incident_id, act, action="incident.ack")


@routes.add(
    "POST",
    "/incidents/<id:incident_id>/resolve",
    needs="incidents.write",
    summary="Resolve an incident by hand",
    gives=IncidentDetail,
    also={409: "the incident is resolved already"},
)
async def resolve(call: Call, incident_id: int) -> IncidentDetail:
    """The same spell of being down opens no other incident."""

    def act(conn: Conn) -> Incident:
        return steps.resolve(conn, incident_id, by=call.name, now_ms=call.now_ms, base_url=call.base_url)

    return await _act(call, incident_id, act, action="incident.resolve")


@routes.add(
    "POST",
    "/incidents/<id:incident_id>/comment",
    needs="incidents.write",
    summary="Comment on an incident",
    body=Comment,
    gives=IncidentDetail,
    also={409: "the incident is resolved"},
)
async def comment(call: Call, incident_id: int, body: Comment) -> IncidentDetail:
    """A line in the timeline, under the name of the key."""

    def act(conn: Conn) -> Incident:
        return steps.comment(conn, incident_id, by=call.name, message=body.message, now_ms=call.now_ms)

    return await _act(call, incident_id, act, action="incident.comment")


async def _act(call: Call, incident_id: int, act: Callable[[Conn], Incident], *, action: str) -> IncidentDetail:
    """Do it and note it in one transaction; what changed nothing leaves no note."""

    def write(conn: Conn) -> IncidentDetail:
        before = _detail(conn, incident_id)
        act(conn)
        after = _detail(conn, incident_id)
        if after != before:
            call.note(conn, action, resource_id=incident_id, resource_name=after.monitor_name)
        return after

    return await call.services.store.write(write)


@routes.add("DELETE", "/incidents/<id:incident_id>", needs="incidents.write", summary="Delete an incident", status=204)
async def delete_incident(call: Call, incident_id: int) -> Answer:
    """It goes with its timeline and what was not yet sent of it; the monitor's uptime stays as it was."""

    def write(conn: Conn) -> None:
        gone = steps.delete(conn, incident_id, now_ms=call.now_ms)
        name = monitors.get(conn, gone.monitor_id).name
        call.note(conn, "incident.delete", resource_id=incident_id, resource_name=name)

    await clear(call.services.store, clearing.of_incident(incident_id))
    await call.services.store.write(write)
    return Answer(value=None, status=204)
