"""The watcher and its deadlines, on a clock that a test moves. What is expected when: tests/unit."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
import trio
from trio.testing import MockClock

from asura.heartbeats import rules
from asura.incidents import steps
from asura.model.heartbeat import Heartbeat, HeartbeatStatus, PingKind, Run
from asura.model.monitor import MonitorStatus
from asura.store import heartbeats
from asura.store.database import Conn, Store
from tests import factories
from tests.factories import START_MS
from tests.fakes.jobs import House, Machine

PENDING, UP, DOWN, PAUSED = (
    MonitorStatus.PENDING,
    MonitorStatus.UP,
    MonitorStatus.DOWN,
    MonitorStatus.PAUSED,
)
START, FAIL = PingKind.START, PingKind.FAIL
DEADLINE_S = 70
"""Of a job that pinged at the start: a minute and ten seconds of grace."""


@pytest.fixture
async def house(inline_store: Store) -> AsyncIterator[House]:
    async with trio.open_nursery() as nursery:
        house = House(inline_store, nursery, Machine())
        await inline_store.write(factories.add_channel)
        await house.start()
        yield house
        nursery.cancel_scope.cancel()


async def until(house: House, second: float) -> None:
    """Sleep until so many seconds after the start by the wall clock."""
    await trio.sleep((START_MS + second * 1000 - house.machine.now_ms()) / 1000)


@pytest.mark.parametrize(
    ("second", "status"),
    [
        pytest.param(DEADLINE_S - 0.001, UP, id="a millisecond before its deadline it is up"),
        pytest.param(DEADLINE_S, UP, id="at the deadline itself, too"),
        pytest.param(DEADLINE_S + 0.05, DOWN, id="moments later it is down"),
    ],
)
async def test_a_job_is_down_when_its_deadline_has_passed(
    house: House, autojump_clock: MockClock, second: float, status: MonitorStatus
) -> None:
    job = await house.add()
    await house.ping(job)
    await until(house, second)
    assert await house.status(job) is status
    assert await house.told() == (["created"] if status is DOWN else [])


async def test_a_miss_is_dated_to_its_deadline_in_everything_that_follows(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.ping(job)
    await until(house, 100)
    at = START_MS + DEADLINE_S * 1000
    state, (incident,) = await house.state(job), await house.incidents(job)
    assert (state.status_since, state.last_check_at, incident.started_at) == (at, at, at)
    assert await house.timeline(job) == [(0, PENDING), (0.001, UP), (DEADLINE_S, DOWN)]
    beat = await house.beat(job)
    assert (beat.status, beat.deadline_at, beat.due_at) == (HeartbeatStatus.DOWN, None, START_MS + 60_000)


async def test_an_incident_says_what_was_expected(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    await until(house, 100)
    (incident,) = await house.incidents(job)
    assert incident.cause == "no ping since 2026-03-29 01:00:00 UTC: expected every 1 min, 10 s of grace"
    (evidence,) = incident.evidence
    assert evidence["message"] == incident.cause
    assert await house.rules(job) == ["one missed deadline"]


async def test_one_that_never_reported_waits_for_ever(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await trio.sleep(1000)
    assert await house.status(job) is PENDING
    assert await house.timeline(job) == [(0, PENDING)]


async def test_each_ping_moves_the_deadline(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    for _ in range(10):
        await house.ping(job)
        await trio.sleep(69)
    assert await house.timeline(job) == [(0, PENDING), (0.001, UP)]
    await trio.sleep(5)
    assert await house.status(job) is DOWN


async def test_rapid_pings_are_all_stored_and_move_the_deadline_once_each(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(house.ping, job)
    beat = await house.beat(job)
    assert (beat.ping_count, len(await house.kinds(job))) == (100, 100)
    assert beat.deadline_at == START_MS + DEADLINE_S * 1000
    assert await house.told() == []


async def test_a_ping_after_a_miss_recovers_at_once_and_tells_so_once(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    await until(house, 90)
    await house.ping(job)
    await until(house, 100)
    assert await house.status(job) is UP
    assert await house.told() == ["created", "resolved"]
    assert (await house.timeline(job))[1:] == [(0.001, UP), (DEADLINE_S, DOWN), (90, UP)]
    await until(house, 90 + DEADLINE_S + 1)
    assert await house.told() == ["created", "resolved", "created"]


async def test_a_job_that_stays_silent_is_told_of_once(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    await trio.sleep(1000)
    assert await house.told() == ["created"]


async def test_a_miss_is_no_gap_in_what_is_known(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(interval_s=10, settings={"grace": 1000})
    for _ in range(3):
        await house.ping(job)
        await trio.sleep(500)  # a check that comes so much too late leaves a gap
    await house.ping(job)
    assert await house.timeline(job) == [(0, PENDING), (0.001, UP)]


async def test_the_watcher_wakes_for_the_earlier_of_two_deadlines(house: House, autojump_clock: MockClock) -> None:
    slow, quick = await house.add("slow", interval_s=3600), await house.add("quick", interval_s=5)
    await house.ping(slow)
    await trio.sleep(1)
    await house.ping(quick)
    await until(house, 16)
    assert await house.status(quick) is UP
    await until(house, 16.1)
    assert (await house.status(quick), await house.status(slow)) == (DOWN, UP)


async def test_the_check_interval_is_no_limit_of_how_soon_a_miss_is_seen(
    house: House, autojump_clock: MockClock
) -> None:
    house.check_interval_s = 3600
    job = await house.add()
    await trio.sleep(500)
    await house.ping(job)
    await trio.sleep(DEADLINE_S + 0.1)
    assert await house.status(job) is DOWN


@pytest.mark.parametrize("check_interval_s", [5, 200])
async def test_a_deadline_that_nobody_told_of_is_found_at_the_check_interval(
    house: House, autojump_clock: MockClock, check_interval_s: float
) -> None:
    """As when another process has written it. The interval holds at once when it is changed."""
    job = await house.add(interval_s=3600)
    await house.ping(job)
    house.check_interval_s = 3600
    await trio.sleep(1000)
    house.check_interval_s = check_interval_s
    await trio.sleep(1.2)  # the look that is overdue by now
    await house.store.write(lambda conn: conn.execute("UPDATE heartbeat SET deadline_at = 1"))
    await trio.sleep(check_interval_s - 2)
    assert await house.status(job) is UP
    await trio.sleep(2.5)
    assert await house.status(job) is DOWN


async def test_a_start_changes_no_status_but_counts_for_the_schedule(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(settings={"max_runtime": 1000})
    await house.start_run(job)
    assert await house.status(job) is PENDING
    await until(house, DEADLINE_S - 1)
    await house.start_run(job)
    assert await house.status(job) is PENDING
    await until(house, DEADLINE_S + 5)
    assert await house.status(job) is PENDING
    await until(house, 2 * DEADLINE_S)
    assert await house.status(job) is DOWN


async def test_a_job_that_dies_in_each_run_is_down_although_it_comes_each_time(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.ping(job)
    for minute in range(1, 10):
        await until(house, minute * 60)
        await house.start_run(job)
    assert (await house.timeline(job))[1:] == [(0.001, UP), (60 + DEADLINE_S, DOWN)]
    (incident,) = await house.incidents(job)
    assert incident.cause == (
        "the run before the one that began at 2026-03-29 01:02:00 UTC has not ended, and the next was expected at"
        " 2026-03-29 01:02:00 UTC"
    )
    assert await house.told() == ["created"]


async def test_each_of_overlapping_runs_is_watched(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(interval_s=3600, settings={"max_runtime": 100})
    await house.ping(job)
    await house.start_run(job, "a")
    await until(house, 50)
    await house.start_run(job, "b")
    await until(house, 90)
    await house.ping(job, rid="b")
    assert await house.runs(job) == [Run(rid="a", started_at=START_MS, deadline_at=START_MS + 100_000)]
    await until(house, 100)
    assert await house.status(job) is UP
    await until(house, 100.1)
    assert await house.status(job) is DOWN
    (incident,) = await house.incidents(job)
    assert incident.cause == "the run a that began at 2026-03-29 01:00:00 UTC has not ended within 1 min 40 s"
    await house.ping(job, rid="a")
    assert (await house.status(job), await house.runs(job)) == (UP, [])
    assert (await house.beat(job)).last_duration_ms == 100_100


async def test_a_success_ends_what_several_runs_that_died_began(house: House, autojump_clock: MockClock) -> None:
    """The second was overdue when it was down already: a page for it right after the recovery tells nothing new."""
    job = await house.add(interval_s=3600, settings={"max_runtime": 100})
    await house.start_run(job, "a")
    await until(house, 50)
    await house.start_run(job, "b")
    await until(house, 200)
    await house.start_run(job, "c")
    await until(house, 260)
    await house.ping(job, rid="c")
    await until(house, 2000)
    assert (await house.timeline(job))[1:] == [(100, DOWN), (260, UP)]
    assert await house.told() == ["created", "resolved"]


async def test_a_failure_is_down_at_once_and_shows_what_the_job_said(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(failure_threshold=5)
    await house.ping(job)
    await trio.sleep(1)
    body = "\n".join(["starting", "", *(f"step {number}" for number in range(10)), "disk\x1b full", ""])
    await house.ping(job, exit_status=3, body=body)
    assert await house.status(job) is DOWN
    (incident,) = await house.incidents(job)
    assert incident.cause == "the job reported exit status 3: disk� full"
    (evidence,) = incident.evidence
    assert (evidence["ping_id"], evidence["exit_status"]) == (2, 3)
    assert evidence["output"] == ["step 6", "step 7", "step 8", "step 9", "disk� full"]
    assert await house.rules(job) == ["one failure that the job reported"]
    assert await house.told() == ["created"]


async def test_lines_from_the_middle_of_a_body_are_not_shown_as_its_end(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.fail(job, body="step 1\nste", is_cut=True)
    (incident,) = await house.incidents(job)
    assert incident.cause == "the job reported a failure"
    assert "output" not in incident.evidence[0]
    assert incident.evidence[0]["ping_id"] == 1


async def test_a_second_failure_says_nothing_new(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    for _ in range(3):
        await house.fail(job)
        await trio.sleep(200)
    assert await house.told() == ["created"]
    await house.ping(job)
    assert await house.told() == ["created", "resolved"]


async def test_the_thresholds_of_checks_do_not_hold_for_reports(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(failure_threshold=3, success_threshold=3)
    await house.fail(job)
    assert await house.status(job) is DOWN
    await house.ping(job)
    assert await house.status(job) is UP


async def test_a_late_body_recovers_what_was_missed_meanwhile(house: House, autojump_clock: MockClock) -> None:
    """It arrived in time, and its body was slow: whatever commits last is what is known."""
    job = await house.add()
    await house.ping(job)
    await until(house, 65)
    slow = house.signal(job)
    await until(house, 80)
    assert await house.status(job) is DOWN
    await house.intake.record(slow)
    assert (await house.status(job), (await house.beat(job)).status) == (UP, HeartbeatStatus.UP)
    assert await house.told() == ["created", "resolved"]


@pytest.mark.parametrize("second", [0, 30, 69.9, DEADLINE_S, DEADLINE_S + 0.001])
async def test_a_ping_that_waits_for_the_disk_when_the_watcher_looks_wins(
    house: House, autojump_clock: MockClock, second: float
) -> None:
    job = await house.add()
    await house.ping(job)
    await until(house, second)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.ping, job)
    await until(house, second + DEADLINE_S)
    assert await house.timeline(job) == [(0, PENDING), (0.001, UP)]


async def test_hundreds_of_jobs_that_fall_silent_are_all_told_of_once(house: House, autojump_clock: MockClock) -> None:
    jobs = [await house.add(f"job {number}") for number in range(300)]
    async with trio.open_nursery() as nursery:
        for job in jobs:
            nursery.start_soon(house.ping, job)
    await until(house, DEADLINE_S + 1)
    assert {await house.status(job) for job in jobs} == {DOWN}
    assert await house.told() == ["created"] * len(jobs)


@pytest.mark.parametrize("broken", ["rules.miss", "steps.open_one"])
async def test_a_deadline_that_can_not_be_decided_costs_no_other_its_alarm(
    house: House, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Whether it is the decision that fails or what follows from it."""
    module, name = {"rules.miss": (rules, "miss"), "steps.open_one": (steps, "open_one")}[broken]
    real = getattr(module, name)

    def brittle(first: Any, second: Any, *args: Any, **more: Any) -> Any:
        about = first if broken == "rules.miss" else second
        if getattr(about, "monitor_id", None) == bad.id or getattr(about, "name", None) == bad.name:
            raise ZeroDivisionError
        return real(first, second, *args, **more)

    bad, *good = [await house.add(f"job {number}") for number in range(4)]
    for job in (bad, *good):
        await house.ping(job)
    monkeypatch.setattr(module, name, brittle)
    with structlog.testing.capture_logs() as logs:
        await trio.sleep(DEADLINE_S + 1)
    assert [await house.status(job) for job in (bad, *good)] == [UP, DOWN, DOWN, DOWN]
    assert await house.told() == ["created"] * 3
    assert {each["monitor_id"] for each in logs if each["log_level"] == "error"} == {bad.id}
    assert len(logs) < 5
    monkeypatch.undo()
    await trio.sleep(house.check_interval_s + 1)
    assert await house.status(bad) is DOWN


async def test_the_watcher_looks_when_something_is_due_and_not_for_each_job(
    house: House, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = heartbeats.list_expired_heartbeats

    def count(conn: Conn, *, now_ms: int, limit: int) -> list[Heartbeat]:
        nonlocal looks
        looks += 1
        return real(conn, now_ms=now_ms, limit=limit)

    monkeypatch.setattr(heartbeats, "list_expired_heartbeats", count)
    jobs = [await house.add(f"job {number}") for number in range(60)]
    minutes = 5
    for _ in range(minutes):
        for job in jobs:
            await house.ping(job)
            await trio.sleep(1)
    assert await house.told() == []
    # One a check interval, those of the start, and one for each grace at most: healthy jobs are that much ahead.
    assert looks <= minutes * 60 / house.check_interval_s + minutes * 60 / 10 + 10
