from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from itertools import cycle, pairwise
from typing import Any

import attrs
import pytest
import structlog
import trio
from trio.testing import MockClock

from asura import live
from asura.clock import TrioClock
from asura.consensus.service import collect
from asura.daemon.pipeline import recorder
from asura.errors import OwnFailure
from asura.incidents import ledger
from asura.incidents.rules import LOOK_LIMIT_MS
from asura.model.monitor import Monitor, MonitorState, MonitorStatus, Status
from asura.model.observation import Observation, Outcome
from asura.protocols.attempt import Stopwatch
from asura.scheduler import changes, rules, service
from asura.scheduler.alarm import TICK_S
from asura.scheduler.service import Scheduler
from asura.store import incidents, monitors, states
from asura.store.database import Conn, Store
from tests import factories
from tests.factories import BASE_URL
from tests.fakes.check_type import UP, FakeChecks, raising, taking
from tests.fakes.jobs import add_job

LATE_S = 3 * TICK_S
DAY_S = 86_400
REFUSED = Outcome(status=Status.DOWN, message="refused")


def in_turn(*outcomes: Outcome) -> Callable[[Stopwatch], Awaitable[Outcome]]:
    """A target that answers so, one after the other and again."""
    left = cycle(outcomes)

    async def act(_: Stopwatch) -> Outcome:
        return next(left)

    return act


class Fleet:
    """A scheduler, a fake network, and what came of it."""

    def __init__(self, store: Store, clock: TrioClock, checks: FakeChecks, nursery: trio.Nursery) -> None:
        self.store = store
        self.clock = clock
        self.checks = checks
        self.nursery = nursery
        self.checker = checks.checker(clock)
        self.seen: list[Observation] = []
        self.stopping = trio.Event()
        self.ended = trio.Event()
        self.send, self.receive = trio.open_memory_channel[Observation](1000)

    async def add(self, *names: str, **fields: Any) -> list[Monitor]:
        """Monitors whose names are their targets."""
        wanted = {"type": "fake", "interval_s": 60, **fields}
        now_ms = self.clock.now_ms()

        def fill(conn: Conn) -> list[Monitor]:
            made = [factories.create(conn, name=each, target=each, now_ms=now_ms, **wanted) for each in names]
            for monitor in made:
                # As if just checked: what is overdue gets a check of its own at the start.
                states.save(conn, attrs.evolve(states.get(conn, monitor.id), last_check_at=now_ms))
            return made

        return await self.store.write(fill)

    async def start(self) -> Scheduler:
        scheduler = Scheduler(self.store, self.checker, self.clock, send=self.send)

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            await scheduler.run(stopping=self.stopping, task_status=task_status)
            self.ended.set()

        await self.nursery.start(run)
        self.nursery.start_soon(self.take)
        return scheduler

    async def take(self) -> None:
        async for observation in self.receive:
            self.seen.append(observation)

    async def start_judging(self) -> Scheduler:
        """Start with a collector, so that what is seen is judged as in the daemon."""
        scheduler = Scheduler(self.store, self.checker, self.clock, send=self.send)
        await self.nursery.start(
            partial(collect, self.receive, recorder(self.store, self.clock, base_url=lambda: BASE_URL))
        )
        await self.nursery.start(partial(scheduler.run, stopping=self.stopping))
        return scheduler

    async def state(self, monitor: Monitor) -> MonitorState:
        return await self.store.read(partial(states.get, monitor_id=monitor.id))

    async def opened(self, monitor: Monitor) -> int:
        found = await self.store.read(lambda conn: incidents.page(conn, limit=99, monitor_id=monitor.id))
        return found[1]

    async def judge(self) -> None:
        """Record what was seen so far, as the collector does."""
        seen, now_ms = list(self.seen), self.clock.now_ms()
        await self.store.write(lambda conn: ledger.record(conn, seen, now_ms=now_ms, base_url=BASE_URL))

    async def stop(self) -> None:
        self.stopping.set()
        await self.ended.wait()
        self.send.close()

    async def edit(self, monitor: Monitor, **fields: Any) -> Monitor:
        edited = attrs.evolve(monitor, **fields)
        now_ms = self.clock.now_ms()
        return await self.store.write(lambda conn: changes.replace(conn, edited, now_ms=now_ms))

    async def delete(self, monitor: Monitor) -> None:
        gone = partial(changes.delete, monitor_id=monitor.id, by="ada", now_ms=self.clock.now_ms(), base_url=BASE_URL)
        await self.store.write(gone)

    def began(self, name: str) -> list[float]:
        return self.checks.began.get(name, [])

    def off_phase_s(self, monitor: Monitor) -> list[float]:
        """How long after the monitor's own moment each of its checks began."""
        zero_s = self.clock.now_ms() / 1000 - trio.current_time()
        phase_s = rules.phase_s(monitor.id, interval_s=monitor.interval_s)
        return [(at + zero_s - phase_s) % monitor.interval_s for at in self.began(monitor.name)]


@pytest.fixture
async def fleet(inline_store: Store, clock: TrioClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fleet]:
    checks = FakeChecks()
    checks.install(monkeypatch)
    async with trio.open_nursery() as nursery:
        yield Fleet(inline_store, clock, checks, nursery)
        nursery.cancel_scope.cancel()


async def test_every_monitor_is_checked_once_an_interval_at_its_own_moment(
    fleet: Fleet, autojump_clock: MockClock
) -> None:
    made = await fleet.add(*(f"m{number}" for number in range(30)))
    made += await fleet.add("slow", interval_s=300)
    await fleet.start()
    await trio.sleep(1200)
    for monitor in made:
        assert len(fleet.began(monitor.name)) == 1200 / monitor.interval_s
        assert max(fleet.off_phase_s(monitor)) <= LATE_S
    assert len(fleet.seen) == 30 * 20 + 4


async def test_after_a_start_every_monitor_is_checked_within_its_interval(
    fleet: Fleet, autojump_clock: MockClock
) -> None:
    made = await fleet.add(*(f"m{number}" for number in range(30)))
    await fleet.start()
    await trio.sleep(60 + LATE_S)
    assert all(len(fleet.began(monitor.name)) >= 1 for monitor in made)


async def test_a_restart_does_not_shift_a_monitor(fleet: Fleet, autojump_clock: MockClock) -> None:
    (web,) = await fleet.add("web")
    await fleet.start()
    await trio.sleep(301)
    fleet.stopping.set()
    await fleet.ended.wait()
    await trio.sleep(1234.5)
    fleet.stopping, fleet.ended = trio.Event(), trio.Event()
    await fleet.judge()
    await fleet.start()
    await trio.sleep(300)
    assert sorted(fleet.off_phase_s(web))[-2] <= LATE_S  # but for the one that stands in for what was missed


async def test_what_was_missed_while_nobody_looked_is_made_up_for_at_once_but_not_all_together(
    fleet: Fleet, autojump_clock: MockClock
) -> None:
    made = await fleet.add(*(f"m{number}" for number in range(60)), interval_s=DAY_S)
    await trio.sleep(DAY_S + 1)
    await fleet.start()
    await trio.sleep(rules.CATCH_UP_S + LATE_S)
    began = sorted(moment for monitor in made for moment in fleet.began(monitor.name))
    assert len(began) >= 60
    assert all(later - earlier < 2 for earlier, later in pairwise(began))
    assert len({round(moment) for moment in began}) > 20
    await trio.sleep(DAY_S)
    assert all(2 <= len(fleet.began(monitor.name)) <= 3 for monitor in made)


async def test_a_check_whose_predecessor_still_runs_is_skipped_and_counted(
    fleet: Fleet, autojump_clock: MockClock
) -> None:
    (web,) = await fleet.add("web", timeout_s=600)
    fleet.checks.acts["web"] = taking(130)
    skipped = service._SKIPPED.value()
    await fleet.start()
    await trio.sleep(60 + 6 * 180 - 1)
    began = fleet.began("web")
    assert {round(other - one) for one, other in pairwise(began)} == {180}
    assert max(fleet.off_phase_s(web)) <= LATE_S
    assert fleet.checks.most_running == 1
    assert service._SKIPPED.value() - skipped == 2 * len(fleet.seen)


async def test_monitors_that_wait_for_a_place_are_judged_all_the_same(fleet: Fleet, autojump_clock: MockClock) -> None:
    """When everything hangs at once there are not places enough, and a monitor's turn comes every four minutes."""
    fleet.checker = fleet.checks.checker(fleet.clock, max_concurrent=1)
    made = await fleet.add(*"abcde", timeout_s=50, failure_threshold=3)
    for name in "abcde":
        fleet.checks.acts[name] = taking(49, Outcome(status=Status.DOWN, message="no answer"))
    await fleet.start()
    await trio.sleep(900)
    await fleet.judge()
    found = await fleet.store.read(lambda conn: [states.get(conn, each.id).status for each in made])
    assert found == [MonitorStatus.DOWN] * 5


async def test_a_check_that_takes_its_whole_interval_leaves_no_silence(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add("web", timeout_s=60)
    fleet.checks.acts["web"] = taking(1000)
    await fleet.start()
    await trio.sleep(600)
    first, *others = [each.silent_ms for each in fleet.seen]
    assert first is None
    assert len(others) >= 3
    assert all(each is not None and each <= 60_000 for each in others)


async def test_a_fault_of_our_own_is_silence(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add("web")
    fleet.checks.acts["web"] = raising(OwnFailure("no file descriptors left"), times=2)
    await fleet.start()
    await trio.sleep(300)
    first, second, *_ = [each.silent_ms for each in fleet.seen]
    assert first is None
    assert second is not None


async def test_a_slow_check_makes_no_other_late(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add("slow", timeout_s=600)
    made = await fleet.add(*(f"m{number}" for number in range(10)))
    fleet.checks.acts["slow"] = taking(500)
    await fleet.start()
    await trio.sleep(600)
    for monitor in made:
        assert len(fleet.began(monitor.name)) == 10
        assert max(fleet.off_phase_s(monitor)) <= LATE_S


async def test_a_new_monitor_is_checked_at_once_and_then_in_its_phase(fleet: Fleet, autojump_clock: MockClock) -> None:
    scheduler = await fleet.start()
    await trio.sleep(17)
    (web,) = await fleet.add("web")
    before = trio.current_time()
    await trio.sleep(0.1)
    assert [round(at - before, 1) for at in fleet.began("web")] == [0]
    await trio.sleep(600)
    assert len(fleet.began("web")) == 11
    assert max(fleet.off_phase_s(web)[1:]) <= LATE_S
    assert scheduler.watched == 1


async def test_the_first_check_of_a_new_monitor_may_outlast_its_moment(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.start()
    (web,) = await fleet.add("web", timeout_s=100)
    fleet.checks.acts["web"] = taking(70)
    await trio.sleep(300)
    began = fleet.began("web")
    assert began[1] - began[0] >= 70
    assert max(fleet.off_phase_s(web)[1:]) <= LATE_S


async def test_a_change_takes_effect_at_once_and_restarts_no_other(fleet: Fleet, autojump_clock: MockClock) -> None:
    web, *others = await fleet.add("web", *(f"m{number}" for number in range(10)))
    await fleet.start()
    await trio.sleep(90)
    prepared = len(fleet.checks.prepared)
    edited = await fleet.edit(web, target="web2", interval_s=20)
    await trio.sleep(0.1)
    assert len(fleet.began("web2")) == 1
    assert len(fleet.checks.prepared) == prepared + 1
    before = len(fleet.began("web"))
    await trio.sleep(200)
    assert len(fleet.began("web")) == before
    assert len(fleet.began("web2")) == 11
    assert {each.config_version for each in fleet.seen if each.monitor_id == web.id} == {1, edited.config_version}
    for monitor in others:
        assert max(fleet.off_phase_s(monitor)) <= LATE_S
        assert fleet.checks.prepared.count(monitor.name) == 1


async def test_a_change_ends_the_check_that_is_running(fleet: Fleet, autojump_clock: MockClock) -> None:
    (web,) = await fleet.add("web", timeout_s=100)
    fleet.checks.acts["web"] = taking(50)
    await fleet.start()
    await fleet.checks.a_check_runs.wait()
    edited = await fleet.edit(web, target="web2")
    await trio.sleep(49)
    assert fleet.checks.running == 0
    assert {each.config_version for each in fleet.seen} == {edited.config_version}


@pytest.mark.parametrize("how", ["pause", "delete"])
async def test_a_monitor_that_is_paused_or_gone_is_checked_no_more(
    fleet: Fleet, how: str, autojump_clock: MockClock
) -> None:
    web, other = await fleet.add("web", "other")
    scheduler = await fleet.start()
    await trio.sleep(90)
    before = len(fleet.began("web"))
    await (fleet.edit(web, enabled=False) if how == "pause" else fleet.delete(web))
    await trio.sleep(600)
    assert len(fleet.began("web")) == before
    assert len(fleet.began("other")) >= 11
    assert max(fleet.off_phase_s(other)) <= LATE_S
    assert scheduler.watched == 1


async def test_a_monitor_that_goes_on_is_checked_at_once(fleet: Fleet, autojump_clock: MockClock) -> None:
    (web,) = await fleet.add("web", enabled=False)
    await fleet.start()
    await trio.sleep(100)
    assert fleet.began("web") == []
    await fleet.edit(web, enabled=True)
    await trio.sleep(0.1)
    assert len(fleet.began("web")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(raising(ValueError("bug"), times=2), id="an exception"),
        pytest.param(raising(OwnFailure("no file descriptors left"), times=2), id="a failure of this machine"),
        pytest.param(raising(ExceptionGroup("many", [ValueError("bug")]), times=2), id="a group"),
    ],
)
async def test_a_fault_of_our_own_costs_one_check_and_no_other_monitor(
    fleet: Fleet, fault: Callable[..., Any], autojump_clock: MockClock
) -> None:
    web, other = await fleet.add("web", "other")
    fleet.checks.acts["web"] = fault
    faults = service._FAULTS.value(type="fake")
    with structlog.testing.capture_logs() as logs:
        await fleet.start()
        await trio.sleep(600)
    assert len(fleet.began("web")) == len(fleet.began("other")) == 10
    assert sum(each.monitor_id == web.id for each in fleet.seen) == 8
    assert sum(each.monitor_id == other.id for each in fleet.seen) == 10
    assert service._FAULTS.value(type="fake") - faults == 2
    assert [each["monitor_id"] for each in logs] == [web.id, web.id]


async def test_a_crash_in_the_cleanup_of_a_cancelled_check_ends_nothing(
    fleet: Fleet, autojump_clock: MockClock
) -> None:
    async def breaks_when_cancelled(_: Stopwatch) -> Outcome:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("broken cleanup")
        return UP

    web, _ = await fleet.add("web", "other", timeout_s=1000)
    fleet.checks.acts["web"] = breaks_when_cancelled
    await fleet.start()
    await trio.sleep(90)
    with structlog.testing.capture_logs() as logs:
        await fleet.edit(web, target="web2")
        await trio.sleep(600)
    assert [each["monitor_id"] for each in logs] == [web.id]
    assert len(fleet.began("web2")) == 11
    assert len(fleet.began("other")) >= 11


@pytest.mark.parametrize(
    "broken", [{"type": "gopher"}, {"settings": {"depth": -1}}, {"settings": {"height": 3}}], ids=str
)
async def test_a_monitor_that_this_version_does_not_understand_costs_no_other(
    fleet: Fleet, broken: dict[str, Any], autojump_clock: MockClock
) -> None:
    await fleet.add("web", **broken)
    await fleet.add("other")
    with structlog.testing.capture_logs() as logs:
        await fleet.start()
        await trio.sleep(180)
    assert len(fleet.began("other")) == 3
    assert len(logs) == 3


async def test_stopping_lets_running_checks_end_and_hands_on_what_they_saw(
    fleet: Fleet, autojump_clock: MockClock
) -> None:
    (web,) = await fleet.add("web", timeout_s=100)
    await fleet.add("asleep", interval_s=86_400)
    fleet.checks.acts["web"] = taking(50)
    await fleet.start()
    await fleet.checks.a_check_runs.wait()
    before = trio.current_time()
    await fleet.stop()
    assert 0 < trio.current_time() - before <= 50
    await trio.sleep(1)
    assert [each.monitor_id for each in fleet.seen] == [web.id]
    assert fleet.began("asleep") == []


async def test_stopping_while_all_sleep_takes_no_time(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add("web", interval_s=86_400)
    await fleet.start()
    await trio.sleep(1)
    before = trio.current_time()
    await fleet.stop()
    assert trio.current_time() - before < 0.1


async def test_what_is_changed_while_it_stops_is_not_begun(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add("web", timeout_s=100)
    (other,) = await fleet.add("other", interval_s=86_400)
    fleet.checks.acts["web"] = taking(50)
    await fleet.start()
    await fleet.checks.a_check_runs.wait()
    fleet.stopping.set()
    await fleet.edit(other, target="other2")
    await fleet.add("new")
    with trio.fail_after(55):
        await fleet.ended.wait()
    assert fleet.began("other2") == fleet.began("new") == []


async def test_a_scheduler_that_is_started_again_takes_up_everything(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add("web")
    await fleet.start()
    await fleet.stop()
    fleet.stopping, fleet.ended = trio.Event(), trio.Event()
    fleet.send, fleet.receive = trio.open_memory_channel[Observation](100)
    await fleet.add("new")
    scheduler = await fleet.start()
    assert scheduler.watched == 2


async def test_more_changes_than_it_can_follow_are_all_taken_up(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(live, "BACKLOG", 3)
    kept, gone, paused = await fleet.add("kept", "gone", "paused")
    scheduler = await fleet.start()
    await trio.sleep(1)
    now_ms = fleet.clock.now_ms()

    def turn_over(conn: Conn) -> None:
        for number in range(20):
            factories.create(conn, name=f"new{number}", target=f"new{number}", type="fake")
        changes.delete(conn, gone.id, by="ada", now_ms=now_ms, base_url=BASE_URL)
        changes.set_enabled(conn, paused.id, enabled=False, now_ms=now_ms)
        changes.replace(conn, attrs.evolve(kept, target="kept2"), now_ms=now_ms)

    await fleet.store.write(turn_over)
    await trio.sleep(0.1)
    assert all(len(fleet.began(f"new{number}")) == 1 for number in range(20))
    assert len(fleet.began("kept2")) == 1
    assert scheduler.watched == len(await fleet.store.read(monitors.all_enabled)) == 21


async def test_a_new_environment_is_taken_up_with_the_next_check(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add("web")
    await fleet.start()
    await trio.sleep(180)
    assert fleet.checks.prepared == ["web"]
    fleet.checker.renew()
    await trio.sleep(180)
    assert fleet.checks.prepared == ["web", "web"]


async def test_while_nobody_takes_what_was_seen_the_checks_wait(fleet: Fleet, autojump_clock: MockClock) -> None:
    await fleet.add(*(f"m{number}" for number in range(5)))
    fleet.send, unread = trio.open_memory_channel[Observation](2)
    fleet.receive = unread.clone()
    fleet.receive.close()
    scheduler = Scheduler(fleet.store, fleet.checker, fleet.clock, send=fleet.send)
    fleet.nursery.start_soon(partial(scheduler.run, stopping=fleet.stopping))
    await trio.sleep(1000)
    assert sum(len(each) for each in fleet.checks.began.values()) == 2 + 5
    for _ in range(20):
        with trio.move_on_after(60):
            await unread.receive()
    assert sum(len(each) for each in fleet.checks.began.values()) > 2 + 5


class TestRechecks:
    """A failure that is not confirmed yet is looked at again sooner than in an interval."""

    async def test_a_target_that_is_down_is_confirmed_within_a_minute(
        self, fleet: Fleet, autojump_clock: MockClock
    ) -> None:
        (web,) = await fleet.add("web", interval_s=3600, failure_threshold=3)
        fleet.checks.acts["web"] = in_turn(REFUSED)
        await fleet.start_judging()
        await fleet.checks.a_check_runs.wait()
        await trio.sleep(41)
        assert (await fleet.state(web)).status is MonitorStatus.DOWN
        first, second, third = fleet.began("web")
        assert (second - first, third - second) == pytest.approx((20, 20), abs=0.2)

    async def test_then_it_is_back_in_its_own_moments(self, fleet: Fleet, autojump_clock: MockClock) -> None:
        (web,) = await fleet.add("web", failure_threshold=3)
        fleet.checks.acts["web"] = in_turn(REFUSED)
        skipped = service._SKIPPED.value()
        await fleet.start_judging()
        await trio.sleep(600)
        assert len(fleet.began("web")) == 10 + 2
        off = fleet.off_phase_s(web)
        assert [round(each) for each in off[:4]] == [0, 20, 40, 0]
        assert max(off[3:]) <= LATE_S
        assert service._SKIPPED.value() == skipped

    async def test_one_success_ends_it(self, fleet: Fleet, autojump_clock: MockClock) -> None:
        (web,) = await fleet.add("web", failure_threshold=3)
        fleet.checks.acts["web"] = in_turn(REFUSED, *[UP] * 9)
        await fleet.start_judging()
        await trio.sleep(600)
        assert [round(each) for each in fleet.off_phase_s(web)[:5]] == [0, 20, 0, 0, 0]

    async def test_what_flaps_is_not_hammered(self, fleet: Fleet, autojump_clock: MockClock) -> None:
        (web,) = await fleet.add("web", failure_threshold=3)
        fleet.checks.acts["web"] = in_turn(REFUSED, UP)
        await fleet.start_judging()
        await trio.sleep(7200)
        assert len(fleet.began("web")) <= 1.5 * 120 + rules.MAX_RECHECKS
        assert (await fleet.state(web)).status is MonitorStatus.UP

    async def test_a_high_threshold_takes_its_time(self, fleet: Fleet, autojump_clock: MockClock) -> None:
        (web,) = await fleet.add("web", failure_threshold=1000)
        fleet.checks.acts["web"] = in_turn(REFUSED)
        await fleet.start_judging()
        await trio.sleep(7200)
        assert len(fleet.began("web")) == 120 + rules.MAX_RECHECKS
        assert max(fleet.off_phase_s(web)[20:]) <= LATE_S

    async def test_a_recheck_that_outlasts_the_next_moment_leaves_that_out(
        self, fleet: Fleet, autojump_clock: MockClock
    ) -> None:
        (web,) = await fleet.add("web", failure_threshold=3, timeout_s=60)
        fleet.checks.acts["web"] = taking(29, REFUSED)
        skipped = service._SKIPPED.value()
        await fleet.start_judging()
        await fleet.checks.a_check_runs.wait()
        await trio.sleep(125)  # from 0 to 29, from 49 to 78, from 98 to 127
        assert [round(each) for each in fleet.off_phase_s(web)] == [0, 49, 38]
        assert service._SKIPPED.value() - skipped == 1

    async def test_doubt_outlives_a_restart(self, fleet: Fleet, autojump_clock: MockClock) -> None:
        (web,) = await fleet.add("web", interval_s=DAY_S, failure_threshold=3)
        web_state = attrs.evolve(await fleet.state(web), status=MonitorStatus.UP, confirming=True)
        await fleet.store.write(partial(states.save, state=web_state))
        await fleet.start_judging()
        await trio.sleep(21)
        assert len(fleet.began("web")) == 1

    async def test_so_does_what_a_dependency_holds_back(self, fleet: Fleet, autojump_clock: MockClock) -> None:
        (router,) = await fleet.add("router", interval_s=DAY_S)
        (web,) = await fleet.add("web", interval_s=DAY_S, failure_threshold=1, depends_on=(router.id,))
        fleet.checks.acts["web"] = in_turn(REFUSED)
        web_state = attrs.evolve(await fleet.state(web), status=MonitorStatus.DOWN)
        await fleet.store.write(partial(states.save, state=web_state))
        await fleet.start_judging()
        await trio.sleep(60)
        assert await fleet.opened(web) == 1

    async def test_a_monitor_of_one_failure_has_no_doubts(self, fleet: Fleet, autojump_clock: MockClock) -> None:
        await fleet.add("web", failure_threshold=1)
        fleet.checks.acts["web"] = in_turn(REFUSED)
        await fleet.start_judging()
        await trio.sleep(600)
        assert len(fleet.began("web")) == 10


class TestDependencies:
    """Who depends on what is down must not page, whichever of the two is checked first."""

    @pytest.mark.parametrize("thresholds", [(1, 1), (1, 3), (3, 1), (3, 3), (2, 5)], ids=str)
    @pytest.mark.parametrize("interval_s", [60, 600])
    async def test_when_both_go_down_only_the_dependency_is_announced(
        self, fleet: Fleet, thresholds: tuple[int, int], interval_s: int, autojump_clock: MockClock
    ) -> None:
        of_web, of_router = thresholds
        (router,) = await fleet.add("router", interval_s=interval_s, failure_threshold=of_router)
        made = await fleet.add(*"abcdefgh", failure_threshold=of_web, depends_on=(router.id,))
        await fleet.start_judging()
        await trio.sleep(1201)
        for name in ("router", *"abcdefgh"):
            fleet.checks.acts[name] = in_turn(REFUSED)
        await trio.sleep(900)
        assert [await fleet.opened(each) for each in (router, *made)] == [1] + [0] * 8
        assert {(await fleet.state(each)).status for each in made} == {MonitorStatus.DOWN}

        fleet.checks.acts["router"] = in_turn(UP)
        fleet.checks.acts["a"] = in_turn(UP)
        await trio.sleep(interval_s + 120)
        assert [await fleet.opened(each) for each in made] == [0] + [1] * 7

    async def test_a_monitor_that_is_down_alone_is_announced_within_seconds(
        self, fleet: Fleet, autojump_clock: MockClock
    ) -> None:
        (router,) = await fleet.add("router", interval_s=3600)
        (web,) = await fleet.add("web", interval_s=60, failure_threshold=1, depends_on=(router.id,))
        await fleet.start_judging()
        await trio.sleep(61)
        before = len(fleet.began("router"))
        fleet.checks.acts["web"] = in_turn(REFUSED)
        with fleet.store.hub.subscribe("monitor.status") as news:
            await news.wait()
        assert (await fleet.state(web)).status is MonitorStatus.DOWN
        await trio.sleep(21)
        assert await fleet.opened(web) == 1
        assert len(fleet.began("router")) == before + 1

    async def test_many_that_fail_together_look_at_their_dependency_once(
        self, fleet: Fleet, autojump_clock: MockClock
    ) -> None:
        (router,) = await fleet.add("router", interval_s=3600)
        names = [f"m{number}" for number in range(50)]
        await fleet.add(*names, failure_threshold=3, depends_on=(router.id,))
        await fleet.start_judging()
        await trio.sleep(61)
        before = len(fleet.began("router"))
        for name in names:
            fleet.checks.acts[name] = in_turn(REFUSED)
        await trio.sleep(120)
        assert before < len(fleet.began("router")) <= before + rules.MAX_RECHECKS
        assert min(other - one for one, other in pairwise(fleet.began("router"))) >= rules.SOONEST_RECHECK_S

    async def test_so_it_is_soon_where_both_have_flapped_for_long(
        self, fleet: Fleet, autojump_clock: MockClock
    ) -> None:
        (router,) = await fleet.add("router", interval_s=3600)
        (web,) = await fleet.add("web", interval_s=3600, failure_threshold=1, depends_on=(router.id,))
        fleet.checks.acts["web"] = in_turn(REFUSED)
        scheduler = await fleet.start_judging()
        for watch in scheduler._watches.values():
            watch.rechecks = rules.MAX_RECHECKS
        with fleet.store.hub.subscribe("monitor.status") as news:
            while (await fleet.state(web)).status is not MonitorStatus.DOWN:
                await news.wait()
        await trio.sleep(LOOK_LIMIT_MS / 1000 + 21)
        assert await fleet.opened(web) == 1


async def test_what_reports_by_itself_is_not_checked(fleet: Fleet, autojump_clock: MockClock) -> None:
    job = await fleet.store.write(partial(add_job, now_ms=fleet.clock.now_ms(), name="job"))
    (web,) = await fleet.add("web")
    scheduler = await fleet.start()
    assert scheduler.watched == 1
    await fleet.edit(job, name="renamed")
    await trio.sleep(1)
    assert scheduler.watched == 1
    await fleet.edit(web, type="heartbeat", settings=job.settings)
    await trio.sleep(1)
    assert scheduler.watched == 0
    await fleet.edit(job, type="fake", target="job", settings={})
    await trio.sleep(1)
    assert (scheduler.watched, len(fleet.began("job"))) == (1, 1)


async def test_what_a_silent_heartbeat_depends_on_is_looked_at_soon(fleet: Fleet, autojump_clock: MockClock) -> None:
    (router,) = await fleet.add("router", interval_s=3600)
    job = await fleet.store.write(partial(add_job, now_ms=fleet.clock.now_ms(), name="job", depends_on=(router.id,)))
    await fleet.start()
    await trio.sleep(10)
    before = len(fleet.began("router"))
    seen = factories.observation(job.id, Status.DOWN, at=fleet.clock.now_ms())
    fleet.seen.append(seen)
    await fleet.judge()
    await trio.sleep(1)
    assert len(fleet.began("router")) == before + 1
