from itertools import pairwise

import trio
from trio.testing import MockClock

from asura.scheduler.alarm import TICK_S, Alarms


class Woken:
    """Sleepers, and when each of them woke."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.alarms = Alarms()
        self.at: dict[str, float] = {}
        self.nursery = nursery
        nursery.start_soon(self.alarms.run)

    def sleep(self, name: str, due_s: float, *, scope: trio.CancelScope | None = None) -> None:
        self.nursery.start_soon(self._sleep, name, due_s, scope or trio.CancelScope())

    async def _sleep(self, name: str, due_s: float, scope: trio.CancelScope) -> None:
        with scope:
            await self.alarms.sleep_until(due_s)
            self.at[name] = trio.current_time()


async def test_each_wakes_at_its_time_or_a_tick_later(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        woken = Woken(nursery)
        due = {f"s{number}": (number * 37 % 101) / 10 for number in range(200)}
        for name, due_s in due.items():
            woken.sleep(name, due_s)
        await trio.sleep(20)
        assert woken.at.keys() == due.keys()
        assert all(due[name] <= at <= due[name] + 2 * TICK_S for name, at in woken.at.items())
        nursery.cancel_scope.cancel()


async def test_they_wake_in_order(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        woken = Woken(nursery)
        for number in (5, 1, 4, 2, 3):
            woken.sleep(str(number), number)
        await trio.sleep(10)
        assert all(woken.at[str(one)] < woken.at[str(other)] for one, other in pairwise(range(1, 6)))
        nursery.cancel_scope.cancel()


async def test_one_that_comes_later_and_is_due_earlier_is_not_missed(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        woken = Woken(nursery)
        woken.sleep("far", 1000)
        await trio.sleep(5)
        woken.sleep("near", 6)
        woken.sleep("past", 1)
        await trio.sleep(2)
        assert woken.at.keys() == {"near", "past"}
        await trio.sleep(1000)
        assert woken.at.keys() == {"near", "past", "far"}
        nursery.cancel_scope.cancel()


async def test_one_that_comes_during_the_tick_is_not_missed(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        woken = Woken(nursery)
        woken.sleep("first", 1)
        await trio.sleep(1 + TICK_S / 2)
        woken.sleep("second", 1 + TICK_S / 2)
        await trio.sleep(1)
        assert woken.at["second"] <= 1 + 3 * TICK_S
        nursery.cancel_scope.cancel()


async def test_a_cancelled_sleeper_is_gone_and_the_others_sleep_on(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        woken = Woken(nursery)
        scope = trio.CancelScope()
        woken.sleep("cancelled", 10, scope=scope)
        woken.sleep("other", 10)
        await trio.sleep(5)
        scope.cancel()
        await trio.sleep(10)
        assert scope.cancelled_caught
        assert woken.at.keys() == {"other"}
        nursery.cancel_scope.cancel()


async def test_all_can_be_woken_at_once(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        woken = Woken(nursery)
        for number in range(10):
            woken.sleep(str(number), 1000 + number)
        await trio.sleep(3)
        woken.alarms.wake_all()
        await trio.sleep(0.001)
        assert set(woken.at.values()) == {3.0}
        assert len(woken.at) == 10
        nursery.cancel_scope.cancel()
