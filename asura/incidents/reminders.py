"""The task that sends the reminders of incidents that stay open. The timers are rows; this only wakes for them."""

import math
from collections.abc import Callable

import trio

from asura import log
from asura.clock import Clock
from asura.errors import StoreError
from asura.incidents import steps
from asura.store import incidents
from asura.store.database import Store
from asura.waiting import until_any

_log = log.get(__name__)

MAX_SLEEP_S = 3600.0
"""A wall clock that was set back may not put a reminder off for longer than this."""
RETRY_AFTER_S = 1.0
"""How long to wait before a store that can't commit is asked again."""


async def remind(
    store: Store,
    clock: Clock,
    *,
    base_url: Callable[[], str],
    stopping: trio.Event,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Send each reminder when it is due, until `stopping`."""
    looked_at = None
    with store.hub.subscribe("incident.*", "monitor.changed") as changes:
        task_status.started()
        while not stopping.is_set():
            try:
                if looked_at is None or clock.now_ms() < looked_at:
                    await _mend_timers(store, clock.now_ms())
                looked_at = clock.now_ms()
                due_at = await store.read(incidents.next_reminder_at)
                wait_s = math.inf if due_at is None else (due_at - looked_at) / 1000
                if wait_s > 0:
                    await until_any(stopping.wait, changes.wait, timeout_s=min(wait_s, MAX_SLEEP_S))
                    continue
                await store.write(lambda conn: steps.remind(conn, now_ms=clock.now_ms(), base_url=base_url()))
            except StoreError as exc:
                _log.error("reminders wait for the store", problem=str(exc))
                await until_any(stopping.wait, timeout_s=RETRY_AFTER_S)


async def _mend_timers(store: Store, now_ms: int) -> None:
    """The wall clock may have been set back, now or while Asura was not running."""
    moved = await store.write(lambda conn: incidents.bring_reminders_forward(conn, now_ms=now_ms))
    if moved:
        _log.warning("clock was set back", reminders_moved=moved)
