import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
import trio
from trio.testing import MockClock

from asura.daemon import supervise
from asura.daemon.supervise import CrashLoop, StartFailed, Supervisor, describe
from asura.errors import StoreError

Started = trio.TaskStatus[Any]


async def healthy(*, task_status: Started) -> None:
    task_status.started("ready")
    await trio.sleep_forever()


def crashing(*, after_s: float, times: float = math.inf, starts: list[float]) -> Callable[..., Awaitable[None]]:
    """A part that is ready at once and crashes `after_s` later, so many times; notes when it was started."""

    async def run(*, task_status: Started) -> None:
        starts.append(trio.current_time())
        task_status.started()
        await trio.sleep(after_s if len(starts) <= times else math.inf)
        raise ValueError("broken")

    return run


async def run_parts(**parts: Callable[..., Awaitable[None]]) -> None:
    """Start the parts and stay until they end."""
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        for name, run in parts.items():
            await supervisor.start(name, run)


def states(supervisor: Supervisor) -> dict[str, str]:
    return {part.name: part.state for part in supervisor.health()}


async def test_a_part_that_is_ready_gives_what_it_started_with() -> None:
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        assert await supervisor.start("http", healthy) == "ready"
        assert states(supervisor) == {"http": "running"}
        nursery.cancel_scope.cancel()


async def test_a_part_is_not_ready_before_it_says_so(autojump_clock: MockClock) -> None:
    async def slow(*, task_status: Started) -> None:
        await trio.sleep(7)
        task_status.started()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        nursery.start_soon(supervisor.start, "slow", slow)
        await trio.sleep(6)
        assert states(supervisor) == {"slow": "starting"}
        await trio.sleep(2)
        assert states(supervisor) == {"slow": "running"}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(StoreError("the disk is full"), "http could not be started: the disk is full", id="one of ours"),
        pytest.param(KeyError("x"), "http could not be started: KeyError: 'x'", id="a bug"),
        pytest.param(
            ExceptionGroup("many", [StoreError("port taken")]), "http could not be started: port taken", id="a group"
        ),
    ],
)
async def test_a_crash_before_a_part_is_ready_fails_the_start_with_one_clear_line(error: Exception, told: str) -> None:
    async def broken(*, task_status: Started) -> None:
        raise error

    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        with pytest.raises(StartFailed) as caught:
            await supervisor.start("http", broken)
        assert str(caught.value) == told
        nursery.cancel_scope.cancel()


async def test_a_part_that_returns_without_being_ready_is_not_started() -> None:
    async def forgets(*, task_status: Started) -> None:
        await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        with pytest.raises(StartFailed, match="forgets could not be started"):
            await Supervisor(nursery).start("forgets", forgets)


async def test_a_part_that_crashes_later_is_started_again_after_growing_pauses(autojump_clock: MockClock) -> None:
    starts: list[float] = []
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        await supervisor.start("part", crashing(after_s=1, times=4, starts=starts))
        await trio.sleep(30)
        assert [round(at - starts[0], 6) for at in starts] == [0, 1.5, 3.5, 6.5, 11.5]
        (part,) = supervisor.health()
        assert (part.state, part.restarts, part.last_error) == ("running", 4, "ValueError: broken")
        nursery.cancel_scope.cancel()


async def test_between_crash_and_restart_health_says_so(autojump_clock: MockClock) -> None:
    starts: list[float] = []
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        await supervisor.start("part", crashing(after_s=1, times=1, starts=starts))
        await supervisor.start("other", healthy)
        await trio.sleep(1.2)
        assert states(supervisor) == {"part": "restarting", "other": "running"}
        await trio.sleep(1)
        assert states(supervisor) == {"part": "running", "other": "running"}
        nursery.cancel_scope.cancel()


async def test_a_crash_is_reported_once_with_its_traceback(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        with structlog.testing.capture_logs() as logs:
            await Supervisor(nursery).start("part", crashing(after_s=1, times=1, starts=[]))
            await trio.sleep(5)
        (line,) = [each for each in logs if each["event"] == "part crashed and is started again"]
        assert (line["part"], line["problem"]) == ("part", "ValueError: broken")
        assert line["exc_info"].exceptions[0].__traceback__ is not None
        nursery.cancel_scope.cancel()


async def test_one_part_that_crashes_costs_the_others_nothing(autojump_clock: MockClock) -> None:
    beats: list[float] = []

    async def beating(*, task_status: Started) -> None:
        task_status.started()
        while True:
            beats.append(trio.current_time())
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        await supervisor.start("beating", beating)
        await supervisor.start("part", crashing(after_s=1, times=3, starts=[]))
        await trio.sleep(20.5)
        nursery.cancel_scope.cancel()
    assert len(beats) == 21


async def test_a_part_that_always_crashes_ends_the_daemon(autojump_clock: MockClock) -> None:
    starts: list[float] = []
    with pytest.raises(ExceptionGroup) as caught:
        await run_parts(other=healthy, part=crashing(after_s=0.1, starts=starts))
    (loop,) = caught.value.exceptions
    assert isinstance(loop, CrashLoop)
    assert str(loop) == "part crashed 6 times in a short while: ValueError: broken"
    assert len(starts) == supervise.LOOP_CRASHES


async def test_a_part_that_can_never_start_again_ends_the_daemon_too(autojump_clock: MockClock) -> None:
    tries = 0

    async def once(*, task_status: Started) -> None:
        nonlocal tries
        tries += 1
        if tries > 1:
            raise OSError("port taken")
        task_status.started()
        await trio.sleep(1)
        raise ValueError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        await run_parts(part=once)
    assert [type(each) for each in caught.value.exceptions] == [CrashLoop]


async def test_a_crash_now_and_then_is_no_loop_and_makes_no_pause_longer(autojump_clock: MockClock) -> None:
    starts: list[float] = []
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        await supervisor.start("part", crashing(after_s=200, starts=starts))
        await trio.sleep(200.5 * 20 + 1)
        assert len(starts) == 21
        assert states(supervisor) == {"part": "running"}
        nursery.cancel_scope.cancel()


async def test_a_part_that_returns_is_stopped_not_started_again(autojump_clock: MockClock) -> None:
    starts = 0

    async def ends(*, task_status: Started) -> None:
        nonlocal starts
        starts += 1
        task_status.started()
        await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery)
        await supervisor.start("part", ends)
    assert starts == 1
    assert states(supervisor) == {"part": "stopped"}


@pytest.mark.parametrize("has_child", [False, True], ids=["alone", "beside a Cancelled"])
async def test_a_crash_in_cancelled_cleanup_is_reported_and_holds_nothing_up(has_child: bool) -> None:
    async def run(*, task_status: Started) -> None:
        async with trio.open_nursery() as inner:
            if has_child:
                inner.start_soon(trio.sleep_forever)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("broken cleanup")

    with structlog.testing.capture_logs() as logs, trio.fail_after(2):
        async with trio.open_nursery() as nursery:
            await Supervisor(nursery).start("part", run)
            nursery.cancel_scope.cancel()
    assert [(each["event"], each["part"]) for each in logs] == [("part crashed while it was stopped", "part")]


async def test_cancelling_ends_a_pause(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        await Supervisor(nursery).start("part", crashing(after_s=1, starts=[]))
        await trio.sleep(1.1)
        nursery.cancel_scope.cancel()
    assert trio.current_time() < 100


@pytest.mark.parametrize(
    ("crash", "expected"),
    [
        (StoreError("no room"), "no room"),
        (ValueError(), "ValueError"),
        (ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("x")]), KeyError("y")]), "ValueError: x"),
    ],
    ids=["ours", "without words", "the first of a group"],
)
def test_a_crash_in_one_line(crash: Exception, expected: str) -> None:
    assert describe(crash) == expected
