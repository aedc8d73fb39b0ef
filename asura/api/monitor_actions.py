"""What is done to monitors beyond editing them: many at once, a check now, a check of what isn't saved yet."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from asura.api import monitors as resource
from asura.api.endpoint import Call, Raw, Routes
from asura.api.history import CheckView, check_view
from asura.api.monitor_documents import MonitorDocument
from asura.errors import InvalidDocument
from asura.fields import items, text
from asura.model.monitor import Monitor
from asura.retention.service import clear
from asura.scheduler import changes
from asura.store import checks, clearing, monitors
from asura.store.database import Conn

routes = Routes("monitor_actions", tag="Monitors")

MAX_BULK = 1000
"""Monitors of one bulk request: one transaction, which others wait for."""


@attrs.frozen(kw_only=True)
class BulkRequest:
    """What to do, and with which monitors."""

    action: Literal["pause", "resume", "delete", "set_group"]
    ids: tuple[int, ...] = attrs.field(validator=items(MAX_BULK, at_least=1))
    group: str | None = attrs.field(
        default=None, validator=text(255), metadata={"help": "for set_group; null takes them out of their groups"}
    )


@attrs.frozen(kw_only=True, slots=False)
class BulkResult:
    """What was done."""

    action: str
    ids: Sequence[int]
    changed: int = attrs.field(metadata={"help": "how many were not so already"})


@routes.add(
    "POST",
    "/monitors/bulk",
    needs="monitors.write",
    summary="Pause, resume, delete or regroup many monitors",
    body=BulkRequest,
    gives=BulkResult,
)
async def bulk(call: Call, body: BulkRequest) -> BulkResult:
    """All or nothing: an id that is no monitor's refuses the whole."""
    ids, store = tuple(dict.fromkeys(body.ids)), call.services.store

    def refuse_unknown(conn: Conn) -> None:
        missing = sorted(set(ids) - monitors.existing_ids(conn, ids))
        if missing:
            raise InvalidDocument({"ids": f"there is no monitor {', '.join(map(str, missing[:10]))}"})

    def write(conn: Conn) -> int:
        refuse_unknown(conn)
        return sum(_apply(call, conn, body, monitor) for monitor in monitors.by_ids(conn, ids))

    if body.action == "delete":
        await store.read(refuse_unknown)
        await clear(store, clearing.of_monitors(ids))
    return BulkResult(action=body.action, ids=ids, changed=await store.write(write))


def _apply(call: Call, conn: Conn, body: BulkRequest, monitor: Monitor) -> bool:
    """Do it to one monitor; answers whether anything changed."""
    match body.action:
        case "delete":
            resource.delete(call, conn, monitor.id)
        case "set_group":
            group = body.group or None
            if monitor.group == group:
                return False
            # Read again: deleting and regrouping may have touched it within this very request.
            after = changes.replace(conn, attrs.evolve(monitor, group=group), now_ms=call.now_ms)
            resource.note_edit(call, conn, monitor, after, action="monitor.update")
        case _:
            enabled = body.action == "resume"
            if monitor.enabled == enabled:
                return False
            resource.turn(call, conn, monitor.id, enabled=enabled)
    return True


@routes.add(
    "POST",
    "/monitors/<id:monitor_id>/check",
    needs="monitors.write",
    summary="Check a monitor now",
    gives=CheckView,
    also={409: "it is a heartbeat, which reports by itself"},
)
async def check_now(call: Call, monitor_id: int) -> CheckView:
    """One check outside the schedule; its result counts like any other and is durable when this answers."""
    services = call.services
    observation = await services.checker.check_now(services.store, services.record, monitor_id)
    return check_view(observation, monitor_id=monitor_id, check_id=checks.id_of(observation))


@routes.add(
    "POST",
    "/monitors/test",
    needs="monitors.write",
    summary="Check a monitor that isn't saved",
    body=Raw(type=MonitorDocument),
    gives=CheckView,
)
async def try_out(call: Call, body: Mapping[str, Any]) -> CheckView:
    """Nothing is stored: `id` and `monitor_id` of the answer are null.

    With the `id` of a monitor in the document, masked secrets stand for that monitor's.
    """
    known = body.get("id")

    def read(conn: Conn) -> Monitor:
        stored = None
        if isinstance(known, int) and not isinstance(known, bool) and 0 < known < 2**63:
            stored = monitors.find(conn, known)
        return resource.checked(call, conn, {"name": "test", **body}, stored=stored)

    monitor = await call.services.store.read(read)
    return check_view(await call.services.checker.try_out(monitor), monitor_id=None, check_id=None)
