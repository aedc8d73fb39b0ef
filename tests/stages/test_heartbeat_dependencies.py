"""Alarms of heartbeats that are held back, because what they depend on is down; and of what depends on heartbeats."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
import trio
from trio.testing import MockClock

from asura.incidents import ledger, steps
from asura.model.monitor import Monitor, MonitorStatus, Status
from asura.scheduler import changes
from asura.store.database import Conn, Store
from tests import factories
from tests.factories import BASE_URL
from tests.fakes.jobs import House, Machine

UP, DOWN = MonitorStatus.UP, MonitorStatus.DOWN
GRACE_S = 10
ASKED_S = 5
"""How often the watcher asks again."""


@pytest.fixture
async def house(inline_store: Store) -> AsyncIterator[House]:
    async with trio.open_nursery() as nursery:
        house = House(inline_store, nursery, Machine())
        await inline_store.write(factories.add_channel)
        await house.start()
        yield house
        nursery.cancel_scope.cancel()


class Router:
    """A monitor that is checked once a minute, as far as a test lets it."""

    def __init__(self, house: House, monitor: Monitor) -> None:
        self.house = house
        self.id = monitor.id

    async def seen(self, status: Status) -> None:
        """A check, now."""
        seen = factories.observation(self.id, status, at=self.house.machine.now_ms())
        await self.house.write(lambda conn, now_ms: ledger.record(conn, [seen], now_ms=now_ms, base_url=BASE_URL))


@pytest.fixture
async def router(house: House) -> Router:
    monitor = await house.write(
        lambda conn, now_ms: factories.create(conn, now_ms=now_ms, name="router", failure_threshold=1)
    )
    return Router(house, monitor)


async def test_a_miss_is_not_told_while_what_it_depends_on_is_down(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    job = await house.add(depends_on=(router.id,))
    await house.ping(job)
    await router.seen(Status.DOWN)
    await trio.sleep(500)
    assert (await house.status(job), await house.told(job)) == (DOWN, [])


async def test_one_that_reports_soon_after_the_recovery_was_never_told_of(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    job = await house.add(depends_on=(router.id,))
    await house.ping(job)
    await router.seen(Status.DOWN)
    await trio.sleep(500)
    await router.seen(Status.UP)
    await trio.sleep(GRACE_S - 1)
    await house.ping(job)
    await trio.sleep(GRACE_S)
    assert (await house.status(job), await house.told(job)) == (UP, [])


async def test_one_that_stays_silent_is_told_of_one_grace_after_the_recovery(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    job = await house.add(depends_on=(router.id,))
    await house.ping(job)
    await router.seen(Status.DOWN)
    await trio.sleep(500)
    await router.seen(Status.UP)
    await trio.sleep(GRACE_S)
    assert await house.told(job) == []
    await trio.sleep(ASKED_S + 1)
    assert await house.told(job) == ["created"]
    (incident,) = await house.incidents(job)
    assert incident.started_at == (await house.state(job)).status_since
    assert (incident.cause, await house.rules(job)) == (
        "no ping since 2026-03-29 01:00:00 UTC: expected every 1 min, 10 s of grace",
        ["one missed deadline"],
    )


async def test_a_dependency_that_is_well_again_is_not_checked_for_as_long_as_a_job_may_take(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    """Rechecks are counted, and it needs its own when it fails again."""
    job = await house.add(depends_on=(router.id,), settings={"grace": 600})
    await router.seen(Status.DOWN)
    await house.fail(job)
    await trio.sleep(100)
    await router.seen(Status.UP)
    with house.store.hub.subscribe("recheck.wanted") as wanted:
        await trio.sleep(500)
    assert (wanted.take(), await house.told(job)) == ([], [])


async def test_each_ping_of_a_dependency_is_no_recovery(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    """It reports every five minutes, sooner than the job's grace is over."""
    feeder = await house.add("feeder", settings={"schedule": "*/5 * * * *", "grace": 600})
    await house.ping(feeder)
    job = await house.add(depends_on=(router.id, feeder.id), settings={"grace": 600})
    await router.seen(Status.DOWN)
    await house.fail(job)
    await trio.sleep(100)
    await router.seen(Status.UP)
    for _ in range(3):
        await trio.sleep(300)
        await house.ping(feeder)
    assert await house.told(job) == ["created"]


async def test_a_failure_that_was_held_back_shows_what_the_job_said(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    job = await house.add(depends_on=(router.id,))
    await router.seen(Status.DOWN)
    await trio.sleep(1)
    await house.ping(job, exit_status=7, body="no route")
    assert await house.told(job) == []
    await trio.sleep(1)
    await router.seen(Status.UP)
    await trio.sleep(GRACE_S + ASKED_S + 1)
    (incident,) = await house.incidents(job)
    assert (incident.evidence[0]["exit_status"], incident.evidence[0]["output"]) == (7, ["no route"])


async def test_an_alarm_that_is_held_back_is_not_forgotten_by_a_restart(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    job = await house.add(depends_on=(router.id,))
    await router.seen(Status.DOWN)
    await house.fail(job)
    await house.kill()
    await house.start()
    await trio.sleep(1)
    await router.seen(Status.UP)
    await trio.sleep(GRACE_S + ASKED_S + 1)
    assert await house.told(job) == ["created"]


async def test_an_alarm_goes_out_when_the_dependency_is_taken_away(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    job = await house.add(depends_on=(router.id,))
    await router.seen(Status.DOWN)
    await house.fail(job)
    await house.edit(job, depends_on=())
    await trio.sleep(ASKED_S + 1)
    assert await house.told(job) == ["created"]


@pytest.mark.parametrize("change", ["pause", "delete"])
async def test_one_that_is_paused_or_deleted_is_held_back_no_more(
    house: House, router: Router, autojump_clock: MockClock, change: str
) -> None:
    job = await house.add(depends_on=(router.id,))
    await router.seen(Status.DOWN)
    await house.fail(job)
    if change == "pause":
        await house.edit(job, enabled=False)
    else:
        await house.write(changes.delete, job.id, by="ann", base_url=BASE_URL)
    await router.seen(Status.UP)
    await trio.sleep(GRACE_S + ASKED_S + 1)
    assert await house.told(job) == []


async def test_a_dependency_that_nobody_has_looked_at_since_is_looked_at_first(
    house: House, router: Router, autojump_clock: MockClock
) -> None:
    job = await house.add(depends_on=(router.id,))
    await router.seen(Status.UP)
    await trio.sleep(10)
    with house.store.hub.subscribe("recheck.wanted") as wanted:
        await house.fail(job)
    (event,) = wanted.take()
    assert (event.id, tuple(event.detail["depends_on"])) == (job.id, (router.id,))
    assert await house.told(job) == []
    await router.seen(Status.UP)
    await trio.sleep(GRACE_S + 2 * ASKED_S)
    assert await house.told(job) == ["created"]


async def test_a_dependency_that_can_not_be_looked_at_holds_nothing_back(
    house: House, autojump_clock: MockClock
) -> None:
    feeder = await house.add("feeder", interval_s=3600)
    await house.ping(feeder)
    job = await house.add(depends_on=(feeder.id,))
    await trio.sleep(100)
    await house.fail(job)
    assert await house.told(job) == ["created"]


async def test_a_heartbeat_that_is_down_explains_what_depends_on_it(house: House, autojump_clock: MockClock) -> None:
    feeder = await house.add("feeder")
    job = await house.add(depends_on=(feeder.id,))
    await house.fail(feeder)
    await trio.sleep(1)
    await house.fail(job)
    assert (await house.told(feeder), await house.told(job)) == (["created"], [])
    await trio.sleep(1)
    await house.ping(feeder)
    await trio.sleep(GRACE_S + ASKED_S + 1)
    assert await house.told(job) == ["created"]


async def test_an_alarm_that_can_not_be_decided_holds_up_no_other(
    house: House, router: Router, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await house.add("bad", depends_on=(router.id,)), await house.add("good", depends_on=(router.id,))
    await router.seen(Status.DOWN)
    await house.fail(bad)
    await house.fail(good)
    real = steps.open_one

    def brittle(conn: Conn, monitor: Monitor, *args: Any, **more: Any) -> None:
        if monitor.id == bad.id:
            raise ZeroDivisionError
        real(conn, monitor, *args, **more)

    monkeypatch.setattr(steps, "open_one", brittle)
    await trio.sleep(1)
    await router.seen(Status.UP)
    with structlog.testing.capture_logs() as logs:
        await trio.sleep(GRACE_S + 2 * ASKED_S)
    assert (await house.told(bad), await house.told(good)) == ([], ["created"])
    assert [each["monitor_id"] for each in logs if each["log_level"] == "error"] == [bad.id]
