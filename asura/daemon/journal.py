"""Tells the log what matters to whoever reads it later: an incident opens, is taken, or is over."""

import trio

from asura import log
from asura.errors import NotFound, StoreError
from asura.live import Event, Subscription
from asura.model.incident import Incident
from asura.store import incidents, monitors
from asura.store.database import Conn, Store

_log = log.get(__name__)

_WORDS = {
    "incident.opened": "incident opened",
    "incident.acknowledged": "incident acknowledged",
    "incident.resolved": "incident resolved",
}


async def keep_journal(
    store: Store, *, stopping: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Log what is committed of incidents, until `stopping`."""
    with store.hub.subscribe(*_WORDS) as changes:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_follow, store, changes)
            task_status.started()
            await stopping.wait()
            nursery.cancel_scope.cancel()


async def _follow(store: Store, changes: Subscription) -> None:
    while True:
        for event in await changes.wait():
            await _tell(store, event)


async def _tell(store: Store, event: Event) -> None:
    def look(conn: Conn) -> tuple[Incident, str]:
        incident = incidents.get(conn, event.id or 0)
        return incident, monitors.get(conn, incident.monitor_id).name

    try:
        incident, name = await store.read(look)
    except (NotFound, StoreError):
        return  # deleted since, or told of by whoever needs the store
    tell = _log.warning if event.kind == "incident.opened" else _log.info
    tell(_WORDS[event.kind], incident_id=incident.id, monitor_id=incident.monitor_id, name=name, cause=incident.cause)
