"""Where pings come in: shared transactions, each ping answered for itself. On the store as it really runs."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
import structlog
import trio
import trio.testing

from asura.clock import SystemClock
from asura.errors import StoreError
from asura.heartbeats import intake as module
from asura.heartbeats import rules
from asura.heartbeats.intake import Intake
from asura.model.heartbeat import PingKind, Signal
from asura.model.monitor import Monitor
from asura.store import heartbeats, pings
from asura.store.database import Conn, Store
from tests.factories import BASE_URL, START_MS
from tests.fakes.jobs import add_job

SUCCESS, FAIL = PingKind.SUCCESS, PingKind.FAIL


class Bench:
    """A store, an intake, and a job."""

    def __init__(self, store: Store, intake: Intake, job: Monitor) -> None:
        self.store = store
        self.intake = intake
        self.job = job

    def signal(self, **fields: Any) -> Signal:
        return Signal(**{"monitor_id": self.job.id, "kind": SUCCESS, "at": START_MS, **fields})

    async def stored(self) -> int:
        return await self.store.read(partial(pings.count, monitor_id=self.job.id))


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    async with trio.open_nursery() as nursery:
        intake = Intake(store, SystemClock(), base_url=lambda: BASE_URL)
        await nursery.start(intake.run)
        job = await store.write(partial(add_job, now_ms=START_MS))
        yield Bench(store, intake, job)
        nursery.cancel_scope.cancel()


class Gate:
    """Counts the writes of a store, and holds them back while it is shut."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write = store.write
        self.writes = 0
        self.open = trio.Event()
        self.open.set()
        self.problem: Exception | None = None
        monkeypatch.setattr(store, "write", self.write)

    async def write(self, fn: Callable[[Conn], Any]) -> Any:
        self.writes += 1
        await self.open.wait()
        if self.problem is not None:
            raise self.problem
        return await self._write(fn)


@pytest.fixture
def gate(store: Store, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(store, monkeypatch)


async def test_what_arrives_while_one_transaction_is_under_way_shares_the_next(bench: Bench, gate: Gate) -> None:
    gate.open = trio.Event()
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(bench.intake.record, bench.signal(at=START_MS + number))
        await trio.testing.wait_all_tasks_blocked()
        gate.open.set()
    assert (await bench.stored(), gate.writes) == (50, 2)


async def test_pings_are_recorded_in_the_order_of_their_arrival(bench: Bench, gate: Gate) -> None:
    gate.open = trio.Event()
    async with trio.open_nursery() as nursery:
        for number in range(600):
            nursery.start_soon(bench.intake.record, bench.signal(kind=PingKind.LOG, rid=f"r{number}"))
            await trio.lowlevel.checkpoint()
        gate.open.set()
    found = await bench.store.read(partial(pings.page, monitor_id=bench.job.id, limit=1000, body_chars=0))
    assert sorted(ping.rid for ping in found) == sorted(f"r{number}" for number in range(600))
    assert [ping.id for ping in found] == list(range(600, 0, -1))


async def test_a_ping_is_durable_when_it_is_answered(bench: Bench) -> None:
    for number in range(1, 6):
        await bench.intake.record(bench.signal())
        assert await bench.stored() == number


async def test_a_caller_that_goes_away_costs_its_ping_nothing(bench: Bench, gate: Gate) -> None:
    gate.open = trio.Event()
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(bench.intake.record, bench.signal())
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    gate.open.set()
    await bench.intake.settle()
    assert await bench.stored() == 3


async def test_a_caller_that_is_cancelled_already_has_its_ping_recorded(bench: Bench) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await bench.intake.record(bench.signal())
    await bench.intake.settle()
    assert await bench.stored() == 1


async def test_a_ping_that_can_not_be_judged_costs_only_itself(
    bench: Bench, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = rules.take

    def brittle(beat: Any, runs: Any, plan: Any, signal: Signal, *, is_enabled: bool) -> rules.Step:
        if signal.rid == "poison":
            raise ZeroDivisionError
        return take(beat, runs, plan, signal, is_enabled=is_enabled)

    monkeypatch.setattr(rules, "take", brittle)
    refused: list[str] = []

    async def record(rid: str) -> None:
        try:
            await bench.intake.record(bench.signal(rid=rid))
        except StoreError as exc:
            refused.append(f"{rid}: {exc}")

    gate.open = trio.Event()
    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(record, "poison" if number == 5 else f"r{number}")
            await trio.testing.wait_all_tasks_blocked()
            gate.open.set()
    assert refused == ["poison: the ping was not recorded through a fault of Asura's own"]
    assert await bench.stored() == 9
    assert [each["event"] for each in logs] == ["ping could not be recorded"]
    assert bench.intake.take_deafness() is None


async def test_everybody_is_told_when_the_disk_takes_nothing(bench: Bench, gate: Gate) -> None:
    problems: list[str] = []

    async def record(at: int) -> None:
        with pytest.raises(StoreError) as caught:
            await bench.intake.record(bench.signal(at=at))
        problems.append(str(caught.value))

    gate.problem = StoreError("the disk is full")
    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            for number in (3, 1, 2):
                nursery.start_soon(record, START_MS + number)
        await record(START_MS + 4)
    assert problems == ["the disk is full"] * 4
    assert len(logs) == 1  # a line for each would fill the disk, were there room
    assert (bench.intake.take_deafness(), bench.intake.take_deafness()) == (START_MS + 1, None)
    gate.problem = None
    await bench.intake.record(bench.signal())
    assert await bench.stored() == 1


async def test_more_than_may_wait_is_refused_at_once(bench: Bench, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    gate.open = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.record, bench.signal())
        await trio.testing.wait_all_tasks_blocked()  # this one is on its way to the disk
        for _ in range(3):
            nursery.start_soon(bench.intake.record, bench.signal())
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(StoreError, match="too many pings wait"):
            await bench.intake.record(bench.signal(at=START_MS + 5))
        gate.open.set()
    assert await bench.stored() == 4
    assert bench.intake.take_deafness() == START_MS + 5


async def test_bodies_that_wait_are_bounded_in_all(bench: Bench, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_CHARS", 250)
    gate.open = trio.Event()
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(bench.intake.record, bench.signal(body="x" * 100))
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(StoreError, match="too many pings wait"):
            await bench.intake.record(bench.signal(body="x" * 100))
        nursery.start_soon(bench.intake.record, bench.signal())
        await trio.testing.wait_all_tasks_blocked()
        gate.open.set()
    assert await bench.stored() == 4
    await bench.intake.record(bench.signal(body="x" * 250))
    assert await bench.stored() == 5


async def test_large_bodies_do_not_share_one_transaction(
    bench: Bench, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_CHARS", 250)
    gate.open = trio.Event()
    async with trio.open_nursery() as nursery:
        for _ in range(1 + 5):
            nursery.start_soon(bench.intake.record, bench.signal(body="x" * 100))
        nursery.start_soon(bench.intake.record, bench.signal(body="x" * 1000))
        await trio.testing.wait_all_tasks_blocked()
        gate.open.set()
    assert await bench.stored() == 7
    assert 4 <= gate.writes <= 6


async def test_settling_waits_for_what_came_before_and_for_nothing_else(bench: Bench, gate: Gate) -> None:
    await bench.intake.settle()
    gate.open = trio.Event()
    order: list[str] = []

    async def settle() -> None:
        await bench.intake.settle()
        order.append(f"settled with {await bench.stored()}")

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(bench.intake.record, bench.signal())
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(settle)
        await trio.testing.wait_all_tasks_blocked()
        assert order == []
        gate.open.set()
    assert order == ["settled with 2"]


async def test_pings_of_a_stop_are_recorded_and_later_ones_refused(store: Store, gate: Gate) -> None:
    intake = Intake(store, SystemClock(), base_url=lambda: BASE_URL)
    job = await store.write(partial(add_job, now_ms=START_MS))
    signal = Signal(monitor_id=job.id, kind=SUCCESS, at=START_MS)
    async with trio.open_nursery() as nursery:
        await nursery.start(intake.run)
        gate.open = trio.Event()
        for _ in range(20):
            nursery.start_soon(intake.record, signal)
        await trio.testing.wait_all_tasks_blocked()
        intake.close()
        gate.open.set()
    assert await store.read(partial(pings.count, monitor_id=job.id)) == 20
    with pytest.raises(StoreError, match="stopping"):
        await intake.record(signal)


async def test_two_pings_at_once_are_judged_one_after_the_other(bench: Bench) -> None:
    """A success and a failure of one millisecond: the status is that of the one that has the higher number."""
    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(bench.intake.record, bench.signal(kind=(SUCCESS, FAIL)[number % 2]))
    found = await bench.store.read(partial(pings.page, monitor_id=bench.job.id, limit=1, body_chars=0))
    beats = await bench.store.read(partial(heartbeats.of_monitors, monitor_ids=[bench.job.id]))
    beat = beats[bench.job.id]
    assert (beat.ping_count, beat.status == "up") == (40, found[0].kind is SUCCESS)


async def test_a_token_is_known_from_the_commit_that_makes_it(bench: Bench) -> None:
    found: list[bool] = []

    async def look() -> None:
        beats = await bench.store.read(partial(heartbeats.of_monitors, monitor_ids=[bench.job.id]))
        found.append(bench.intake.find(beats[bench.job.id].token) == bench.job.id)

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(bench.store.write, partial(add_job, now_ms=START_MS, name=f"job {number}"))
            nursery.start_soon(look)
    assert all(found)
    tokens = await bench.store.read(heartbeats.tokens)
    assert len(tokens) == 21
    assert all(bench.intake.find(token) == monitor_id for token, monitor_id, _ in tokens)
