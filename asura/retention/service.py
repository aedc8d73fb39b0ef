"""Prunes what is older than it is kept, in slices so short that no write waits for them."""

from collections.abc import Callable

import attrs
import trio

from asura import log
from asura.clock import Clock
from asura.errors import StoreError
from asura.store import retention
from asura.store.database import Store
from asura.waiting import until_any

_log = log.get(__name__)

_DAY_MS = 86_400_000
FIRST_AFTER_S = 60
"""Not a whole period: a daemon that is restarted more often than that would never prune."""
PAUSE_S = 0.05
"""Between two slices, so that others write in between."""


@attrs.frozen(kw_only=True)
class Keep:
    """For how long what is kept, and how often that is looked at."""

    raw_days: int
    days: int
    period_s: int


async def prune(
    store: Store,
    clock: Clock,
    *,
    keep: Callable[[], Keep],
    stopping: trio.Event,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Prune soon after the start and then once a period, until `stopping`."""
    task_status.started()
    wait_s = min(FIRST_AFTER_S, keep().period_s)
    while not stopping.is_set():
        await until_any(stopping.wait, timeout_s=wait_s)
        wait_s = keep().period_s
        if stopping.is_set():
            return
        try:
            await prune_once(store, clock, keep=keep(), stopping=stopping)
        except StoreError as exc:
            _log.error("pruning is put off", problem=str(exc))


async def prune_once(store: Store, clock: Clock, *, keep: Keep, stopping: trio.Event) -> int:
    """Delete everything that is too old, or whose monitor is gone; answers how many rows that was."""
    now_ms = clock.now_ms()
    raw_before, before = now_ms - keep.raw_days * _DAY_MS, now_ms - keep.days * _DAY_MS
    deleted = 0
    for prune_slice in retention.slices(raw_before=raw_before, before=before, now_ms=now_ms):
        while not stopping.is_set() and (count := await store.write(prune_slice)) is not None:
            deleted += count
            await trio.sleep(PAUSE_S)
    if deleted:
        _log.info("pruned", rows=deleted)
    return deleted
