"""What could not reach us is not held against a job: a daemon that was off, a machine that slept, a clock set."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import structlog
import trio
from trio.testing import MockClock

from asura.errors import StoreError
from asura.model.monitor import Monitor, MonitorStatus
from asura.store.database import Conn, Store
from tests import factories
from tests.factories import START_MS
from tests.fakes.jobs import House, Machine, add_job

PENDING, UP, DOWN = MonitorStatus.PENDING, MonitorStatus.UP, MonitorStatus.DOWN
GRACE_S = 10
DEADLINE_S = 60 + GRACE_S
HOUR_S = 3600
SELDOM_S = 3601
"""The period of a job whose next ping is not waited for after a lull: it has one grace."""


@pytest.fixture
async def house(inline_store: Store) -> AsyncIterator[House]:
    async with trio.open_nursery() as nursery:
        house = House(inline_store, nursery, Machine())
        await inline_store.write(factories.add_channel)
        await house.start()
        yield house
        nursery.cancel_scope.cancel()


async def downs(house: House, job: Monitor) -> list[float]:
    """The seconds after the start at which it went down."""
    return [at for at, status in await house.timeline(job) if status is DOWN]


async def off_for_an_hour(house: House) -> None:
    await house.kill()
    await trio.sleep(HOUR_S)
    await house.start()


async def asleep_for_an_hour(house: House) -> None:
    house.machine.sleep(HOUR_S * 1000)


async def test_a_daemon_that_was_off_alarms_one_grace_after_its_start(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(interval_s=SELDOM_S)
    await house.ping(job)
    await trio.sleep(5)
    await off_for_an_hour(house)
    assert await house.status(job) is UP
    await trio.sleep(GRACE_S)
    assert (await house.status(job), await house.told()) == (UP, [])
    await trio.sleep(0.1)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])
    assert await downs(house, job) == [5 + HOUR_S + GRACE_S]


@pytest.mark.parametrize("lull", [off_for_an_hour, asleep_for_an_hour])
async def test_a_job_that_reports_within_that_grace_was_never_down(
    house: House, autojump_clock: MockClock, lull: Callable[[House], Any]
) -> None:
    job = await house.add()
    await house.ping(job)
    await trio.sleep(5)
    await lull(house)
    await trio.sleep(GRACE_S - 1)
    await house.ping(job)
    await trio.sleep(GRACE_S)
    assert (await house.status(job), await house.told(), await downs(house, job)) == (UP, [], [])


async def test_a_thousand_jobs_make_no_storm_after_our_own_downtime(house: House, autojump_clock: MockClock) -> None:
    def add(conn: Conn) -> list[Monitor]:
        return [add_job(conn, now_ms=START_MS, name=f"job {number}") for number in range(1000)]

    async def ping_all() -> None:
        async with trio.open_nursery() as nursery:
            for job in jobs:
                nursery.start_soon(house.ping, job)

    jobs = await house.store.write(add)
    await ping_all()
    await off_for_an_hour(house)
    await trio.sleep(GRACE_S - 1)
    await ping_all()
    await trio.sleep(2)
    assert await house.told() == []


async def test_jobs_that_go_on_in_their_own_rhythm_make_none_either(house: House, autojump_clock: MockClock) -> None:
    """However short their grace: after the lull each has until its next ping."""
    jobs = [await house.add(f"job {second}") for second in range(60)]
    for round_of_pings in range(3):
        for job in jobs:
            await house.ping(job)
            await trio.sleep(1)
        if round_of_pings == 0:
            await off_for_an_hour(house)
    assert await house.told() == []


async def test_a_restart_of_a_few_seconds_makes_none_either(house: House, autojump_clock: MockClock) -> None:
    """Whoever calls meanwhile is refused, and does not call again."""
    jobs = [await house.add(f"job {second}") for second in range(60)]
    for round_of_pings in range(3):
        for second, job in enumerate(jobs):
            if round_of_pings == 1 and second in (20, 21, 22):
                await house.stop()
                await trio.sleep(1)
                await house.start()
            else:
                await house.ping(job)
                await trio.sleep(1)
    assert await house.told() == []


async def test_ends_of_runs_that_nobody_heard_make_none_either(house: House, autojump_clock: MockClock) -> None:
    jobs = [await house.add(f"job {number}") for number in range(5)]
    for minute in range(4):
        for job in jobs:
            await house.start_run(job, f"run {minute}")
        await trio.sleep(5)
        if minute == 1:
            await house.kill()
            await trio.sleep(25)
            await house.start()
        else:
            await trio.sleep(25)
            for job in jobs:
                await house.ping(job, rid=f"run {minute}")
        await trio.sleep(30)
    assert await house.told() == []


async def test_a_daemon_that_is_back_before_the_deadline_gives_nothing_away(
    house: House, autojump_clock: MockClock
) -> None:
    """Of a job that reports seldom: of any other the next ping is waited for, as this one may have been refused."""
    job = await house.add(interval_s=SELDOM_S)
    await house.ping(job)
    await trio.sleep(SELDOM_S + GRACE_S - 2)
    await house.stop()
    await trio.sleep(1)
    await house.start()
    await trio.sleep(2)
    assert await downs(house, job) == [SELDOM_S + GRACE_S]


@pytest.mark.parametrize("up_s", [1, 3, GRACE_S - 1, GRACE_S + 5])
async def test_a_daemon_that_restarts_again_and_again_still_alarms(
    house: House, autojump_clock: MockClock, up_s: float
) -> None:
    job = await house.add()
    await house.ping(job)
    await trio.sleep(DEADLINE_S - 5)
    for _ in range(round(6 * GRACE_S / up_s) + 2):
        await house.kill()
        await trio.sleep(1)
        await house.start()
        await trio.sleep(up_s)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])


async def test_what_was_down_before_we_were_off_is_told_once(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    await trio.sleep(DEADLINE_S + 1)
    await off_for_an_hour(house)
    await trio.sleep(100)
    assert await house.told() == ["created"]
    assert await downs(house, job) == [DEADLINE_S]


async def test_a_machine_that_slept_gives_one_grace(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(interval_s=SELDOM_S)
    await house.ping(job)
    await trio.sleep(30)
    with structlog.testing.capture_logs() as logs:
        house.machine.sleep(HOUR_S * 1000)
        await trio.sleep(2)
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["no ping could come"]
    await trio.sleep(GRACE_S - 4)
    assert (await house.status(job), await house.told()) == (UP, [])
    await trio.sleep(4)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])


async def test_a_process_that_stood_still_gives_one_grace(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(interval_s=SELDOM_S)
    await house.ping(job)
    await trio.sleep(30)
    autojump_clock.jump(HOUR_S)
    await trio.sleep(GRACE_S - 2)
    assert (await house.status(job), await house.told()) == (UP, [])
    await trio.sleep(4)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])


async def test_a_nap_before_the_deadline_changes_nothing(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    house.machine.sleep(30_000)
    await trio.sleep(DEADLINE_S - 30 + 1)
    assert await downs(house, job) == [DEADLINE_S]


@pytest.mark.parametrize("second", [0.5, 30, 59, 65, 69.5])
@pytest.mark.parametrize("hours", [-24, -1, 1, 24 * 365])
async def test_a_clock_that_is_set_moves_deadlines_with_it(
    house: House, autojump_clock: MockClock, second: float, hours: int
) -> None:
    """What has passed since the ping is what counts, by whatever clock."""
    job = await house.add()
    await house.ping(job)
    await trio.sleep(second)
    house.machine.set(hours * HOUR_S * 1000)
    await trio.sleep(max(0, DEADLINE_S - second - 1))
    assert (await house.status(job), await house.told()) == (UP, [])
    await trio.sleep(2 + GRACE_S)  # one that is due in the very second in which the clock is set gets another grace
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])
    await house.ping(job)
    await trio.sleep(DEADLINE_S - 1)
    assert (await house.status(job), await house.told()) == (UP, ["created", "resolved"])


async def test_a_clock_that_is_set_again_and_again_makes_no_alarm(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    for ms in (5_000_000, -9_000_000, 60_000, -60_000, 700, -700) * 5:
        await house.ping(job)
        await trio.sleep(20)
        house.machine.set(ms)
        await trio.sleep(30)
    assert await house.told() == []


async def test_a_clock_that_was_set_back_while_we_were_off_leaves_nothing_far_ahead(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.ping(job)
    await house.kill()
    house.machine.set(-30 * 24 * HOUR_S * 1000)
    await house.start()
    await trio.sleep(DEADLINE_S + GRACE_S + 1)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])


class BrokenDisk:
    """Lets every write fail from `fail` until `work`."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write = store.write
        self.is_broken = False
        monkeypatch.setattr(store, "write", self.write)

    async def write(self, fn: Callable[[Conn], Any]) -> Any:
        if self.is_broken:
            await trio.lowlevel.checkpoint()
            raise StoreError("the disk is full")
        return await self._write(fn)


@pytest.fixture
def disk(inline_store: Store, monkeypatch: pytest.MonkeyPatch) -> BrokenDisk:
    return BrokenDisk(inline_store, monkeypatch)


async def test_pings_that_the_disk_refused_are_not_held_against_a_job(
    house: House, disk: BrokenDisk, autojump_clock: MockClock
) -> None:
    job = await house.add(interval_s=SELDOM_S)
    await house.ping(job)
    await trio.sleep(SELDOM_S - 10)
    disk.is_broken = True
    for _ in range(3):
        with pytest.raises(StoreError, match="the disk is full"):
            await house.ping(job)
        await trio.sleep(20)
    disk.is_broken = False
    await trio.sleep(5)
    assert (await house.status(job), await house.told()) == (UP, [])
    await trio.sleep(GRACE_S)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])


@pytest.mark.parametrize(("since_s", "for_s"), [(60, 60), (DEADLINE_S - 1, 3)])
async def test_a_disk_that_is_full_over_a_deadline_puts_the_decision_off(
    house: House, disk: BrokenDisk, autojump_clock: MockClock, since_s: float, for_s: float
) -> None:
    job = await house.add()
    await house.ping(job)
    await trio.sleep(since_s)
    disk.is_broken = True
    await trio.sleep(for_s)
    assert await house.status(job) is UP
    disk.is_broken = False
    await trio.sleep(2)
    assert await downs(house, job) == [DEADLINE_S]


async def test_a_disk_that_is_full_is_told_of_once(house: House, disk: BrokenDisk, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            disk.is_broken = True
            await trio.sleep(100)
            disk.is_broken = False
            await trio.sleep(100)
    assert [each["event"] for each in logs] == ["deadlines of heartbeats wait for the store"] * 2


async def test_the_daemon_starts_although_the_disk_takes_nothing(
    house: House, disk: BrokenDisk, autojump_clock: MockClock
) -> None:
    job = await house.add(interval_s=SELDOM_S)
    await house.ping(job)
    await house.kill()
    disk.is_broken = True
    await trio.sleep(HOUR_S + 5)
    await house.start()
    await trio.sleep(100)
    disk.is_broken = False
    await trio.sleep(2)
    assert await downs(house, job) == [HOUR_S + 5 + GRACE_S]  # it had its grace, and nothing came


async def test_a_ping_that_such_a_daemon_refused_gives_another_grace(
    house: House, disk: BrokenDisk, autojump_clock: MockClock
) -> None:
    job = await house.add(interval_s=SELDOM_S)
    await house.ping(job)
    await house.kill()
    disk.is_broken = True
    await trio.sleep(HOUR_S + 5)
    await house.start()
    with pytest.raises(StoreError):
        await house.ping(job)
    await trio.sleep(100)
    disk.is_broken = False
    await trio.sleep(2)
    assert (await house.status(job), await house.told()) == (UP, [])
    await trio.sleep(GRACE_S)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])
