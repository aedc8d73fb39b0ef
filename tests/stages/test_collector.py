from collections.abc import Callable
from functools import partial

import structlog
import trio
from trio.testing import MockClock

from asura.clock import SystemClock, TrioClock
from asura.consensus import service
from asura.consensus.service import BATCH, collect
from asura.daemon.pipeline import open_channels, recorder
from asura.errors import StoreError
from asura.model.monitor import Status
from asura.model.observation import Observation
from asura.store import checks, states
from asura.store.database import Store
from tests import factories
from tests.factories import BASE_URL, START_MS

Refuse = Callable[[list[Observation]], Exception | None]


class Ledger:
    """Stands for the store: keeps what is recorded, and refuses what it is told to."""

    def __init__(self, refuse: Refuse = lambda _: None) -> None:
        self.batches: list[list[int]] = []
        self.refuse = refuse

    async def record(self, observations: list[Observation]) -> None:
        await trio.lowlevel.checkpoint()
        error = self.refuse(observations)
        if error is not None:
            raise error
        self.batches.append([each.monitor_id for each in observations])

    @property
    def recorded(self) -> list[int]:
        return [each for batch in self.batches for each in batch]


async def collect_all(ledger: Ledger, count: int) -> None:
    """Send `count` observations, close the channel, and wait for the collector to end."""
    send, receive = trio.open_memory_channel[Observation](5000)
    for number in range(count):
        send.send_nowait(factories.observation(number))
    send.close()
    await collect(receive, ledger.record)


async def test_what_waits_is_recorded_together_and_in_order(autojump_clock: MockClock) -> None:
    ledger = Ledger()
    await collect_all(ledger, 2 * BATCH + 3)
    assert [len(batch) for batch in ledger.batches] == [BATCH, BATCH, 3]
    assert ledger.recorded == list(range(2 * BATCH + 3))


async def test_a_lone_observation_does_not_wait_for_company(autojump_clock: MockClock) -> None:
    ledger = Ledger()
    send, receive = trio.open_memory_channel[Observation](8)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collect, receive, ledger.record)
        await trio.sleep(5)
        await send.send(factories.observation(1))
        await trio.sleep(0.1)
        assert ledger.recorded == [1]
        send.close()


async def test_nothing_is_lost_while_the_store_can_not_commit(autojump_clock: MockClock) -> None:
    works_at_s = 30.0

    def refuse(_: list[Observation]) -> Exception | None:
        return StoreError("the disk is full") if trio.current_time() < works_at_s else None

    ledger = Ledger(refuse)
    with structlog.testing.capture_logs() as logs:
        await collect_all(ledger, BATCH + 7)
    assert ledger.recorded == list(range(BATCH + 7))
    assert works_at_s <= trio.current_time() < works_at_s + 3
    assert logs[0]["event"] == "observations wait for the store"
    assert logs[0]["problem"] == "the disk is full"


async def test_while_the_store_can_not_commit_the_checks_wait_rather_than_pile_up(autojump_clock: MockClock) -> None:
    ledger = Ledger(lambda _: StoreError("the disk is full"))
    send, receive = trio.open_memory_channel[Observation](4)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collect, receive, ledger.record)
        taken = 0
        for number in range(20):
            with trio.move_on_after(60):
                await send.send(factories.observation(number))
                taken += 1
        assert taken == 6 + 4  # the batch that waits and a full channel
        nursery.cancel_scope.cancel()


async def test_a_poisonous_observation_costs_only_itself(autojump_clock: MockClock) -> None:
    def refuse(observations: list[Observation]) -> Exception | None:
        return ValueError("poison") if any(each.monitor_id in (3, 6) for each in observations) else None

    ledger = Ledger(refuse)
    lost_before = service._LOST.value()
    with structlog.testing.capture_logs() as logs:
        await collect_all(ledger, 10)
    assert ledger.recorded == [0, 1, 2, 4, 5, 7, 8, 9]
    assert [each["monitor_id"] for each in logs if each["event"] == "observation could not be recorded"] == [3, 6]
    assert service._LOST.value() == lost_before + 2


async def test_a_store_that_fails_between_the_pieces_of_a_poisoned_batch_is_waited_for(
    autojump_clock: MockClock,
) -> None:
    calls = 0

    def refuse(observations: list[Observation]) -> Exception | None:
        nonlocal calls
        calls += 1
        if len(observations) > 1:
            return ValueError("poison")
        return StoreError("the disk is full") if calls in (3, 4) else None

    ledger = Ledger(refuse)
    await collect_all(ledger, 4)
    assert ledger.recorded == [0, 1, 2, 3]


async def test_closing_the_channel_drains_it_first(autojump_clock: MockClock) -> None:
    ledger = Ledger()
    send, receive = trio.open_memory_channel[Observation](1024)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collect, receive, ledger.record)
        await trio.sleep(1)
        for number in range(700):
            send.send_nowait(factories.observation(number))
        send.close()
    assert ledger.recorded == list(range(700))


async def test_on_the_real_store_what_can_not_be_stored_costs_only_itself(
    inline_store: Store, autojump_clock: MockClock
) -> None:
    made = await inline_store.write(lambda conn: [factories.create(conn, name=f"m{n}").id for n in range(5)])
    record = recorder(inline_store, TrioClock(), base_url=lambda: BASE_URL)
    channels = open_channels()
    for number, monitor_id in enumerate(made):
        message = "\ud800 is no text" if number == 1 else "seen"
        response_ms = 2**70 if number == 3 else 42
        channels.send.send_nowait(
            factories.observation(monitor_id, Status.DEGRADED, message=message, response_ms=response_ms)
        )
    channels.send.close()
    await collect(channels.receive, record)

    stored = [len(await inline_store.read(partial(checks.page, monitor_id=each, limit=10))) for each in made]
    assert stored == [1, 0, 1, 0, 1]
    status = await inline_store.read(lambda conn: states.get(conn, made[4]).status)
    assert status == "degraded"


async def test_what_is_recorded_is_there_when_the_call_returns(store: Store) -> None:
    web = await store.write(factories.create)
    record = recorder(store, SystemClock(), base_url=lambda: BASE_URL)
    with store.hub.subscribe("monitor.*") as news:
        await record([factories.observation(web.id, at=START_MS + 1)])
        assert [event.kind for event in news.take()] == ["monitor.status", "monitor.checked"]
    assert len(await store.read(lambda conn: checks.page(conn, web.id, limit=10))) == 1
