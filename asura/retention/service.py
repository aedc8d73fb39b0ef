"""Prunes what is older than it is kept, in slices so short that no write waits for them."""

from collections.abc import Callable, Iterable
from itertools import chain

import attrs
import trio

from asura import log
from asura.clock import Clock
from asura.errors import StoreError
from asura.store import retention, space
from asura.store.database import Store
from asura.store.slices import Slice
from asura.waiting import until_any

_log = log.get(__name__)

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
FIRST_AFTER_S = 60
"""Not a whole period: a daemon that is restarted more often than that would never prune."""
PAUSE_S = 0.05
"""Between two slices, so that others write in between: a sixth of the writer's time at most goes into pruning."""
CLEARING_PAUSE_S = 0.005
"""The same while somebody waits for a deletion."""


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
    # Whole hours, so that no rollup of five minutes is left with a part of its checks.
    raw_before = (now_ms - keep.raw_days * _DAY_MS) // _HOUR_MS * _HOUR_MS
    before = now_ms - keep.days * _DAY_MS
    parts = chain(retention.by_age(raw_before=raw_before, before=before, now_ms=now_ms), retention.orphans())
    deleted = await _work_off(store, parts, pause_s=PAUSE_S, stopping=stopping)
    if deleted:
        _log.info("pruned", rows=deleted)
    pages = await _work_off(store, (space.give_back(),), pause_s=PAUSE_S, stopping=stopping)
    if pages:
        _log.info("gave disk space back", pages=pages)
    return deleted


async def clear(store: Store, part: Slice) -> None:
    """Take away what `store/clearing.py` names, before what it hangs on is deleted. Raises StoreError."""
    await _work_off(store, (part,), pause_s=CLEARING_PAUSE_S, stopping=trio.Event())


async def _work_off(store: Store, parts: Iterable[Slice], *, pause_s: float, stopping: trio.Event) -> int:
    """Each part to its end, slice by slice; answers how much that was."""
    total = 0
    for part in parts:
        while not stopping.is_set() and (count := await store.write(part)) is not None:
            total += count
            await trio.sleep(pause_s)
    return total
