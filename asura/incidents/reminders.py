"""The task that sends the reminders of incidents that stay open. The timers are rows; this only wakes for them."""

import math
from collections.abc import Callable

import trio

from asura import log
from asura.clock import Clock
from asura.errors import StoreError
from asura.incidents import ledger
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
    with store.hub.subscribe("incident.*", "monitor.changed") as changes:
        task_status.started()
        while not stopping.is_set():
            due_at = await store.read(incidents.next_reminder_at)
            wait_s = math.inf if due_at is None else (due_at - clock.now_ms()) / 1000
            if wait_s > 0:
                await until_any(stopping.wait, changes.wait, timeout_s=min(wait_s, MAX_SLEEP_S))
                continue
            try:
                await store.write(lambda conn: ledger.remind(conn, now_ms=clock.now_ms(), base_url=base_url()))
            except StoreError as exc:
                _log.error("reminders wait for the store", problem=str(exc))
                await until_any(stopping.wait, timeout_s=RETRY_AFTER_S)
