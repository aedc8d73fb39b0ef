import pytest
import trio
from trio.testing import MockClock

from asura.waiting import until_any


async def test_the_first_that_returns_ends_the_wait_and_the_others(autojump_clock: MockClock) -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await trio.sleep(100)
        finally:
            ended.append("long")

    async def short() -> None:
        await trio.sleep(2)

    await until_any(long, short)
    assert trio.current_time() == 2
    assert ended == ["long"]


async def test_the_time_may_run_out_first(autojump_clock: MockClock) -> None:
    await until_any(trio.sleep_forever, timeout_s=7)
    assert trio.current_time() == 7


@pytest.mark.parametrize("timeout_s", [0.0, -5.0])
async def test_no_time_is_no_wait(autojump_clock: MockClock, timeout_s: float) -> None:
    await until_any(trio.sleep_forever, timeout_s=timeout_s)
    assert trio.current_time() == 0


async def test_a_crash_is_not_swallowed() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ExceptionGroup):
        await until_any(trio.sleep_forever, broken)


async def test_being_cancelled_from_outside_ends_it(autojump_clock: MockClock) -> None:
    with trio.move_on_after(3) as scope:
        await until_any(trio.sleep_forever)
    assert scope.cancelled_caught
