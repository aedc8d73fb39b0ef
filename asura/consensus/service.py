"""The collector: takes observations from every source and makes them durable, many to a transaction."""

from collections.abc import Awaitable, Callable

import trio

from asura import log, metrics
from asura.errors import StoreError
from asura.model.observation import Observation

_log = log.get(__name__)

Record = Callable[[list[Observation]], Awaitable[None]]
"""Makes observations durable with everything that follows from them."""

BATCH = 256
"""Observations a transaction. More would make a ping or an API write wait longer for the writer than it must."""
GATHER_S = 0.03
"""How long to gather before a batch is written: a transaction has a price of its own, most of it a synced disk."""
RETRY_AFTER_S = 1.0
"""How long to wait before the same batch is tried again when the store can't commit."""

_LOST = metrics.counter("asura_observations_rejected_total", "Observations that could not be recorded by our fault.")


async def collect(
    receive: trio.MemoryReceiveChannel[Observation],
    record: Record,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Record what arrives until the channel is closed and empty."""
    task_status.started()
    async for first in receive:
        batch = [first]
        await trio.sleep(GATHER_S)
        while len(batch) < BATCH:
            try:
                batch.append(receive.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                break
        await _record(batch, record)


async def _record(batch: list[Observation], record: Record) -> None:
    """A store that can't commit is waited for; a single observation that can't be judged costs only itself."""
    while True:
        try:
            await record(batch)
        except StoreError as exc:
            _log.error("observations wait for the store", waiting=len(batch), problem=str(exc))
            await trio.sleep(RETRY_AFTER_S)
        except Exception:
            if len(batch) == 1:
                _LOST.inc()
                _log.exception("observation could not be recorded", monitor_id=batch[0].monitor_id)
                return
            for observation in batch:
                await _record([observation], record)
            return
        else:
            return
