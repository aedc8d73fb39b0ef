"""Waking thousands of sleeping tasks cheaply.

`trio.sleep_until` ends by cancelling: a scope, a deadline and an exception for each sleep, which costs as much as a
whole check of a nearby target. Here one task sleeps for all of them and reschedules those that are due.
"""

import heapq
from collections.abc import Callable
from typing import Any

import trio

TICK_S = 0.01
"""Those due within one tick are woken together: a turn of the event loop for each would cost more than they do."""


class Sleeper:
    """A parked task; `task` is None once it was woken or cancelled. For one sleep."""

    __slots__ = ("task",)

    def __init__(self) -> None:
        self.task: trio.lowlevel.Task | None = None

    def wake(self) -> None:
        """End the sleep now, if it has not ended."""
        if self.task is not None:
            trio.lowlevel.reschedule(self.task)
            self.task = None


class Alarms:
    """Wakes its sleepers at their times, as long as `run` runs."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Sleeper]] = []
        self._number = 0
        self._earlier = trio.Event()
        self._next_s = float("inf")

    async def sleep_until(self, due_s: float, sleeper: Sleeper | None = None) -> None:
        """Sleep until trio's clock reads `due_s`, or up to a tick longer; `sleeper` and `wake_all` end it at once."""
        sleeper = Sleeper() if sleeper is None else sleeper
        sleeper.task = trio.lowlevel.current_task()
        self._number += 1
        heapq.heappush(self._heap, (due_s, self._number, sleeper))
        if due_s < self._next_s:
            self._earlier.set()

        def abort(_raise_cancel: Callable[[], Any]) -> trio.lowlevel.Abort:
            sleeper.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    async def run(self) -> None:
        """Wake whoever is due, until cancelled."""
        while True:
            self._wake(until_s=trio.current_time())
            self._earlier = trio.Event()
            self._next_s = self._heap[0][0] if self._heap else float("inf")
            with trio.move_on_at(self._next_s):
                await self._earlier.wait()
            await trio.sleep(TICK_S)

    def wake_all(self) -> None:
        """Wake every sleeper now."""
        self._wake(until_s=float("inf"))

    def _wake(self, *, until_s: float) -> None:
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            heapq.heappop(heap)[2].wake()
