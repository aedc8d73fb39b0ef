"""Pings, deadlines, restarts and set clocks in any order: each transition is told of exactly once."""

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from asura.live import Hub
from asura.model.heartbeat import HeartbeatStatus, PingKind
from asura.model.monitor import Monitor, MonitorStatus
from asura.store import checks
from asura.store.database import StoreOptions, open_store
from tests import factories
from tests.fakes.jobs import House, Machine

UP, DOWN, PENDING = MonitorStatus.UP, MonitorStatus.DOWN, MonitorStatus.PENDING
GRACE_S = 10

_seconds = st.floats(0, 90, allow_nan=False).map(lambda value: round(value, 3))
_rids = st.sampled_from(["", "a", "b"])
_pings = st.tuples(
    st.just("ping"),
    st.sampled_from([PingKind.SUCCESS, PingKind.SUCCESS, PingKind.FAIL, PingKind.START, PingKind.LOG]),
    _rids,
)
_steps = st.one_of(
    _pings,
    _pings,
    st.tuples(st.just("pings"), st.lists(st.sampled_from(list(PingKind)[:4]), min_size=2, max_size=5)),
    st.tuples(st.just("late"), st.sampled_from([PingKind.SUCCESS, PingKind.FAIL]), st.sampled_from([0.5, 15, 75])),
    st.tuples(st.just("pass"), _seconds),
    st.tuples(st.just("pass"), st.sampled_from([59.999, 60, 69.999, 70, 70.001])),
    st.tuples(st.sampled_from(["kill", "stop"]), st.sampled_from([0, 0.5, 5, 65, 3600])),
    st.tuples(st.just("sleep"), st.sampled_from([500, 5000, 65_000, 3_600_000])),
    st.tuples(st.just("set"), st.sampled_from([-86_400_000, -60_000, -700, 700, 60_000, 86_400_000])),
    st.tuples(st.just("pause"), _seconds),
    st.tuples(st.just("edit"), st.sampled_from([30, 60, 120])),
)
_PLANS = ({}, {"schedule": "* * * * *"}, {"max_runtime": 30}, {"min_runtime": 5})


async def _do(house: House, job: Monitor, step: tuple[Any, ...]) -> None:
    match step:
        case ("ping", kind, rid):
            await house.ping(job, kind, rid=rid)
        case ("pings", kinds):
            async with trio.open_nursery() as nursery:
                for kind in kinds:
                    nursery.start_soon(house.ping, job, kind)
        case ("late", kind, seconds):
            signal = house.signal(job, kind)
            await trio.sleep(seconds)
            await house.intake.record(signal)
        case ("pass", seconds):
            await trio.sleep(seconds)
        case ("kill" | "stop" as how, off_s):
            await (house.kill() if how == "kill" else house.stop())
            await trio.sleep(off_s)
            await house.start()
        case ("sleep", ms):
            house.machine.sleep(ms)
        case ("set", ms):
            house.machine.set(ms)
        case ("pause", seconds):
            await house.edit(job, enabled=False)
            await trio.sleep(seconds)
            await house.edit(job, enabled=True)
        case ("edit", interval_s):
            await house.edit(job, interval_s=interval_s)


async def _must_agree(house: House, job: Monitor) -> None:
    """Whatever happened, everything that is stored tells the same story."""
    state, beat, told = await house.state(job), await house.beat(job), await house.told(job)
    incidents = await house.incidents(job)
    is_down = state.status is DOWN
    assert told == ["created", "resolved"] * (len(told) // 2) + ["created"] * (len(told) % 2)
    assert is_down == bool(len(told) % 2) == state.announced
    assert len(incidents) == (len(told) + 1) // 2
    assert [each.resolved_at is None for each in incidents] == [False] * (len(incidents) - is_down) + [True] * is_down
    assert is_down == (beat.status is HeartbeatStatus.DOWN)
    assert beat.deadline_at is None or not is_down
    assert beat.ping_count == len(await house.kinds(job))
    changes = await house.timeline(job)
    assert all(before[0] < after[0] and before[1] is not after[1] for before, after in pairwise(changes))
    assert changes[-1][1] is state.status
    falls = await house.store.read(lambda conn: checks.page(conn, job.id, limit=10_000))
    assert len(falls) == len({each.id for each in falls})


async def _live(folder: Path, plan: dict[str, Any], steps: list[tuple[Any, ...]]) -> None:
    options = StoreOptions(path=folder / "asura.db", synchronous="normal")
    async with open_store(options, hub=Hub(), inline=True) as store, trio.open_nursery() as nursery:
        house = await House(store, nursery, Machine()).start()
        await store.write(factories.add_channel)
        job = await house.add(settings=plan)
        for step in steps:
            await _do(house, job, step)
            await _must_agree(house, job)
        await house.ping(job)
        await _must_agree(house, job)
        if "min_runtime" not in plan:  # a run that ends too soon has failed
            assert await house.status(job) is UP
        before = len(await house.told(job))
        await trio.sleep(120 + 3 * GRACE_S + 70)
        await _must_agree(house, job)
        assert await house.status(job) is DOWN  # a silent job is down in the end, whatever was before
        assert len(await house.told(job)) - before <= 1
        nursery.cancel_scope.cancel()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(plan=st.sampled_from(_PLANS), steps=st.lists(_steps, max_size=25))
def test_each_transition_is_told_of_exactly_once(plan: dict[str, Any], steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trio.run(_live, Path(folder), plan, steps, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize("order", ["ping first", "deadline first"])
def test_a_ping_in_the_very_moment_of_the_deadline_gives_one_story(order: str) -> None:
    """Both in one instant of the clock: the ping is decided first, or recovers at once what was missed."""
    steps: list[tuple[Any, ...]] = [("ping", PingKind.SUCCESS, ""), ("pass", 70.0 if order == "ping first" else 70.011)]
    with tempfile.TemporaryDirectory() as folder:
        trio.run(
            _live, Path(folder), {}, [*steps, ("ping", PingKind.SUCCESS, "")], clock=MockClock(autojump_threshold=0)
        )
