"""The task that wakes for reminders. What a reminder is stands in test_ledger.py."""

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import structlog
import trio
from trio.testing import MockClock

from asura.clock import TrioClock
from asura.errors import StoreError
from asura.incidents import ledger, reminders
from asura.incidents.reminders import remind
from asura.model.monitor import Status
from asura.scheduler import changes
from asura.store import monitors
from asura.store.database import Conn, Store
from tests import factories
from tests.factories import BASE_URL


class Running:
    """The reminders' task beside a monitor that is down."""

    def __init__(self, store: Store, clock: TrioClock, nursery: trio.Nursery) -> None:
        self.store = store
        self.clock = clock
        self.nursery = nursery
        self.stopping = trio.Event()

    async def start(self) -> None:
        await self.store.write(factories.add_channel)
        run = partial(remind, self.store, self.clock, base_url=lambda: BASE_URL, stopping=self.stopping)
        await self.nursery.start(run)

    async def go_down(self, **fields: Any) -> int:
        web = await self.store.write(partial(factories.create, failure_threshold=1, **fields))
        seen = factories.observation(web.id, Status.DOWN, at=self.clock.now_ms())
        await self.write(ledger.record, [seen])
        return web.id

    async def write(self, fn: Callable[..., Any], *args: Any, **more: Any) -> Any:
        now_ms = self.clock.now_ms()
        return await self.store.write(lambda conn: fn(conn, *args, now_ms=now_ms, base_url=BASE_URL, **more))

    async def reminders(self) -> int:
        told = await self.store.read(factories.told)
        return told.count("incident.reminder")


async def test_each_reminder_comes_when_it_is_due(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        running = Running(inline_store, clock, nursery)
        await running.start()
        await trio.sleep(1000)
        await running.go_down(resend_interval_s=600)
        for minutes, expected in ((9, 0), (2, 1), (10, 2), (60, 8)):
            await trio.sleep(minutes * 60)
            assert await running.reminders() == expected
        running.stopping.set()


async def test_the_sleep_ends_when_an_earlier_one_comes_into_being(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        running = Running(inline_store, clock, nursery)
        await running.start()
        await running.go_down(name="slow", resend_interval_s=86_400)
        await trio.sleep(100)
        await running.go_down(name="quick", resend_interval_s=60)
        await trio.sleep(61)
        assert await running.reminders() == 1
        running.stopping.set()


async def test_an_edit_that_asks_for_reminders_is_heard(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        running = Running(inline_store, clock, nursery)
        await running.start()
        web_id = await running.go_down()
        await trio.sleep(100)
        web = await inline_store.read(lambda conn: monitors.get(conn, web_id))
        edited = attrs.evolve(web, resend_interval_s=60)
        await inline_store.write(lambda conn: changes.replace(conn, edited, now_ms=clock.now_ms()))
        await trio.sleep(61)
        assert await running.reminders() == 1
        running.stopping.set()


async def test_many_that_fall_due_together_are_all_sent(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        running = Running(inline_store, clock, nursery)
        await running.start()
        now_ms = clock.now_ms()

        def fail_together(conn: Conn) -> None:
            made = [
                factories.create(conn, name=f"m{number}", failure_threshold=1, resend_interval_s=600)
                for number in range(130)
            ]
            seen = [factories.observation(each.id, Status.DOWN, at=now_ms) for each in made]
            ledger.record(conn, seen, now_ms=now_ms, base_url=BASE_URL)

        await inline_store.write(fail_together)
        await trio.sleep(601)
        assert await running.reminders() == 130
        running.stopping.set()


@pytest.mark.parametrize("is_running", [True, False], ids=["while it runs", "while it does not"])
async def test_a_clock_that_was_set_back_puts_no_reminder_off_for_long(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock, is_running: bool
) -> None:
    async with trio.open_nursery() as nursery:
        running = Running(inline_store, clock, nursery)
        if is_running:
            await running.start()
        await running.go_down(resend_interval_s=600)
        clock._start_ms -= 365 * 86_400_000
        if not is_running:
            await running.start()
        await trio.sleep(reminders.MAX_SLEEP_S + 601)
        assert await running.reminders() >= 1
        running.stopping.set()


async def test_stopping_ends_the_sleep(inline_store: Store, clock: TrioClock, autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        running = Running(inline_store, clock, nursery)
        await running.start()
        await trio.sleep(10)
        running.stopping.set()
    assert trio.current_time() < 11


async def test_a_store_that_can_not_commit_is_waited_for(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    async with trio.open_nursery() as nursery:
        running = Running(inline_store, clock, nursery)
        await running.start()
        await running.go_down(resend_interval_s=60)
        with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
            patched.setattr(reminders.steps, "remind", full)
            await trio.sleep(90)
        assert [each["problem"] for each in logs if each["event"] == "reminders wait for the store"]
        assert await running.reminders() == 0
        await trio.sleep(2)
        assert await running.reminders() == 1
        running.stopping.set()
