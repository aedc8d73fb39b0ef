"""The task that prunes. What goes and what stays is tested in tests/store/test_retention.py."""

from functools import partial

import pytest
import structlog
import trio
from trio.testing import MockClock

from asura.clock import TrioClock
from asura.errors import StoreError
from asura.incidents import ledger
from asura.model.notification import Message
from asura.retention.service import CLEARING_PAUSE_S, PAUSE_S, Keep, clear, prune, prune_once
from asura.store import checks, clearing, deliveries, retention, slices
from asura.store.database import Conn, Store
from tests import factories
from tests.factories import BASE_URL, START_MS

HOUR_MS = 3_600_000
DAY_S = 86_400
KEEP = Keep(raw_days=1, days=10, period_s=3600)


async def see(store: Store, *instants: int) -> int:
    def write(conn: Conn) -> int:
        web = factories.create(conn)
        seen = [factories.observation(web.id, at=at) for at in instants]
        ledger.record(conn, seen, now_ms=max(instants), base_url=BASE_URL)
        return web.id

    return await store.write(write)


async def left(store: Store, monitor_id: int) -> int:
    return len(await store.read(lambda conn: checks.page(conn, monitor_id, limit=10_000)))


async def test_what_is_too_old_goes_within_a_period(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock
) -> None:
    web_id = await see(inline_store, START_MS, START_MS + HOUR_MS)
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(prune, inline_store, clock, keep=lambda: KEEP, stopping=stopping))
        await trio.sleep(DAY_S - 1)
        assert await left(inline_store, web_id) == 2
        await trio.sleep(2 * 3600)  # whole hours go at once
        assert await left(inline_store, web_id) == 1
        stopping.set()


async def test_a_setting_that_changes_holds_from_the_next_time_on(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock
) -> None:
    web_id = await see(inline_store, START_MS)
    keep = Keep(raw_days=300, days=400, period_s=3600)
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(prune, inline_store, clock, keep=lambda: keep, stopping=stopping))
        await trio.sleep(2 * DAY_S)
        assert await left(inline_store, web_id) == 1
        keep = KEEP
        await trio.sleep(3601)
        assert await left(inline_store, web_id) == 0
        stopping.set()


async def test_others_write_between_the_slices(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LIGHT", 10)
    monkeypatch.setattr(slices, "HELD_S", -1.0)  # a step a slice
    web_id = await see(inline_store, *range(START_MS, START_MS + 100_000, 1000))
    await trio.sleep(2 * DAY_S)
    began = trio.current_time()
    deleted = await prune_once(inline_store, clock, keep=KEEP, stopping=trio.Event())
    assert deleted >= 100
    assert trio.current_time() - began >= 9 * PAUSE_S
    assert await left(inline_store, web_id) == 0


async def test_stopping_ends_it_between_two_slices(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LIGHT", 10)
    monkeypatch.setattr(slices, "HELD_S", -1.0)  # a step a slice
    web_id = await see(inline_store, *range(START_MS, START_MS + 100_000, 1000))
    await trio.sleep(2 * DAY_S)
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(prune_once, inline_store, clock, keep=KEEP, stopping=stopping))
        await trio.sleep(3.5 * PAUSE_S)
        stopping.set()
    assert 50 <= await left(inline_store, web_id) < 100


async def test_stopping_ends_the_wait(inline_store: Store, clock: TrioClock, autojump_clock: MockClock) -> None:
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(prune, inline_store, clock, keep=lambda: KEEP, stopping=stopping))
        await trio.sleep(5)
        stopping.set()
    assert trio.current_time() < 6


async def test_a_store_that_can_not_commit_puts_it_off(
    inline_store: Store, clock: TrioClock, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    web_id = await see(inline_store, START_MS)
    await trio.sleep(2 * DAY_S)
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
            patched.setattr(retention, "by_age", full)
            await nursery.start(partial(prune, inline_store, clock, keep=lambda: KEEP, stopping=stopping))
            await trio.sleep(2 * 3600 + 1)
        assert [each["event"] for each in logs] == ["pruning is put off"] * 2
        await trio.sleep(3600)
        assert await left(inline_store, web_id) == 0
        stopping.set()


async def test_clearing_lets_others_write_in_between_and_does_not_stop_before_the_end(
    inline_store: Store, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "HELD_S", -1.0)
    monkeypatch.setattr(clearing, "HEAVY", 3)

    def write(conn: Conn) -> int:
        channel = factories.add_channel(conn)
        for _ in range(30):
            sent = deliveries.enqueue(
                conn,
                channel.id,
                Message(event="test", at=START_MS, monitor=None, incident=None),
                incident_id=None,
                monitor_id=None,
                now_ms=START_MS,
            )
            deliveries.delivered(conn, sent.id, status_code=200, now_ms=START_MS)
        return channel.id

    channel_id = await inline_store.write(write)
    began = trio.current_time()
    await clear(inline_store, clearing.of_channel(channel_id))
    assert trio.current_time() - began > 9 * CLEARING_PAUSE_S
    assert await inline_store.read(lambda conn: deliveries.count(conn, deliveries.Wanted(channel_id=channel_id))) == 0
