"""Places: targets that hang delay one another, and nobody else."""

from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from asura.checker.places import HANGS_S, Place, Places
from asura.checker.rules import RESERVED_FILES, places
from asura.clock import TrioClock
from asura.model.monitor import Status
from asura.model.observation import Observation, Outcome
from asura.protocols.attempt import Stopwatch
from asura.scheduler.rules import phase_s
from asura.scheduler.service import Scheduler
from asura.store.database import Store
from tests import factories
from tests.fakes.check_type import UP, FakeChecks, taking

DAY_LONG = 86_400.0
TRIES = 10


@pytest.mark.parametrize(
    ("wanted", "open_files", "expected"),
    [
        pytest.param(4000, None, 4000, id="no limit of files"),
        pytest.param(4000, 65_536, 4000, id="files enough"),
        pytest.param(4000, 4096, 4096 - RESERVED_FILES, id="what is left beside the reserve"),
        pytest.param(4000, 1024, 512, id="half of a low limit"),
        pytest.param(100, 1024, 100, id="a low limit is enough for a few"),
        pytest.param(4000, 1, 1, id="never none"),
    ],
)
def test_no_more_checks_run_than_files_may_be_open(wanted: int, open_files: int | None, expected: int) -> None:
    assert places(wanted, open_files=open_files) == expected


@attrs.define(kw_only=True)
class Crowd:
    """Checks that want places, each for some time."""

    places: Places
    nursery: trio.Nursery
    waited_s: dict[str, float] = attrs.field(factory=dict)
    lost: list[str] = attrs.field(factory=list)

    def come(self, name: str, *, for_s: float, hangs: bool = False, keeps: bool = False) -> None:
        self.nursery.start_soon(self._stay, name, for_s, hangs, keeps)

    def waits(self, name: str) -> list[float]:
        """How long those of a name waited, ascending: they come in no order."""
        return sorted(each for other, each in self.waited_s.items() if other.startswith(name))

    async def _stay(self, name: str, for_s: float, hangs: bool, keeps: bool) -> None:
        came_s = trio.current_time()
        place = Place(hangs=hangs, keeps=keeps)
        if not self.places.take_at_once(place):
            await self.places.take(place)
        self.waited_s[name] = trio.current_time() - came_s
        with trio.CancelScope() as place.attempt:
            await trio.sleep(for_s)
        self.places.give_back(place)
        if place.was_lost:
            self.lost.append(name)


async def crowd(limit: int, act: Callable[[Crowd], Awaitable[None]]) -> Crowd:
    async with trio.open_nursery() as nursery:
        found = Crowd(places=Places(limit), nursery=nursery)
        await act(found)
        nursery.cancel_scope.cancel()
    return found


async def test_those_known_to_hang_leave_room_for_the_others(autojump_clock: MockClock) -> None:
    async def act(here: Crowd) -> None:
        for number in range(20):
            here.come(f"tarpit {number}", for_s=DAY_LONG, hangs=True)
        await trio.sleep(5)
        assert (here.places.taken, here.places.waiting) == (6, 14)
        for number in range(2):
            here.come(f"healthy {number}", for_s=0.1)
        await trio.sleep(0.2)
        assert here.places.taken == 6
        assert here.waits("healthy") == [0, 0]

    assert (await crowd(8, act)).lost == []


async def test_one_that_began_as_any_other_and_hangs_gives_way_when_its_place_is_needed(
    autojump_clock: MockClock,
) -> None:
    async def act(here: Crowd) -> None:
        for number in range(8):
            here.come(f"tarpit {number}", for_s=DAY_LONG)
        await trio.sleep(10)
        assert here.lost == []  # nobody needs it
        for number in range(3):
            here.come(f"healthy {number}", for_s=0.1)
        await trio.sleep(1)
        assert here.waits("healthy") == pytest.approx([0, 0, 0.1])
        assert here.places.taken == 6

    assert len((await crowd(8, act)).lost) == 2


async def test_whoever_comes_waits_no_longer_than_it_takes_to_see_that_another_hangs(
    autojump_clock: MockClock,
) -> None:
    async def act(here: Crowd) -> None:
        for number in range(40):  # all at once, and none is known to hang
            here.come(f"tarpit {number}", for_s=DAY_LONG)
        await trio.sleep(0.01)
        here.come("healthy", for_s=0.1)
        await trio.sleep(100)

    here = await crowd(8, act)
    # eight begin at once; then two more each second
    assert here.waited_s["healthy"] == pytest.approx((40 - 8 + 2) / 2 * HANGS_S, abs=HANGS_S)


async def test_a_place_that_somebody_waits_for_is_not_taken_away(autojump_clock: MockClock) -> None:
    async def act(here: Crowd) -> None:
        for number in range(8):
            here.come(f"by hand {number}", for_s=5, keeps=True)
        await trio.sleep(2)
        here.come("healthy", for_s=0.1)
        await trio.sleep(10)
        assert here.waited_s["healthy"] == pytest.approx(3)

    assert (await crowd(8, act)).lost == []


async def test_those_that_hang_wait_their_turn_and_all_come_to_it(autojump_clock: MockClock) -> None:
    async def act(here: Crowd) -> None:
        for number in range(20):
            here.come(f"{number}", for_s=10, hangs=True)
        await trio.sleep(100)

    here = await crowd(8, act)
    assert here.waits("") == pytest.approx([0] * 6 + [10] * 6 + [20] * 6 + [30] * 2)


async def test_few_places_are_first_come_first_served(autojump_clock: MockClock) -> None:
    async def act(here: Crowd) -> None:
        for number in range(6):
            here.come(f"{number}", for_s=10)
        await trio.sleep(100)

    here = await crowd(3, act)
    assert here.waits("") == pytest.approx([0, 0, 0, 10, 10, 10])
    assert here.lost == []


@settings(max_examples=60)
@given(
    coming=st.lists(
        st.tuples(
            st.floats(0, 3), st.sampled_from([0.1, 0.9, 1.5, 20.0]), st.booleans(), st.booleans(), st.floats(0.1, 30)
        ),
        max_size=40,
    ),
    limit=st.integers(1, 9),
)
def test_every_place_comes_back_whoever_comes_and_is_cancelled(
    coming: list[tuple[float, float, bool, bool, float]], limit: int
) -> None:
    async def run() -> None:
        found = Places(limit)

        async def one(after_s: float, for_s: float, hangs: bool, keeps: bool, patience_s: float) -> None:
            await trio.sleep(after_s)
            with trio.move_on_after(patience_s):
                for _ in range(TRIES):
                    place = Place(hangs=hangs, keeps=keeps)
                    if not found.take_at_once(place):
                        await found.take(place)
                    try:
                        assert found.taken <= limit
                        with trio.CancelScope() as place.attempt:
                            await trio.sleep(for_s)
                    finally:
                        found.give_back(place)
                    if not place.was_lost:
                        return
                    hangs = True
                raise AssertionError("lost its place again and again")

        async with trio.open_nursery() as nursery:
            for each in coming:
                nursery.start_soon(one, *each)
        assert (found.taken, found.waiting) == (0, 0)

    trio.run(run, clock=MockClock(autojump_threshold=0))


async def hang(watch: Stopwatch) -> Outcome:
    """Connect, then say nothing for ever."""
    watch.done("connect", then="first_byte")
    await trio.sleep_forever()
    return UP


def off_phase_s(seen: Observation, *, interval_s: int) -> float:
    """How long after its monitor's own moment a check began."""
    return (seen.checked_at / 1000 - phase_s(seen.monitor_id, interval_s=interval_s)) % interval_s


@pytest.mark.parametrize("interval_s", [60, 20], ids=["every minute", "three times a minute"])
async def test_thousands_of_tarpits_make_no_healthy_target_late(
    inline_store: Store, clock: TrioClock, monkeypatch: pytest.MonkeyPatch, interval_s: int, autojump_clock: MockClock
) -> None:
    checks = FakeChecks()
    checks.install(monkeypatch)
    names = [f"tarpit {number}" for number in range(2000)] + [f"healthy {number}" for number in range(50)]

    def fill(conn: object) -> dict[int, str]:
        return {
            factories.create(conn, name=each, target=each, type="fake", interval_s=interval_s).id: each  # type: ignore[arg-type]
            for each in names
        }

    made = await inline_store.write(fill)
    for name in names:
        checks.acts[name] = hang if name.startswith("tarpit") else taking(0.2)
    send, receive = trio.open_memory_channel[Observation](100)
    seen: list[Observation] = []

    async def take() -> None:
        async for each in receive:
            seen.append(each)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        scheduler = Scheduler(inline_store, checks.checker(clock, max_concurrent=400), clock, send=send)
        await nursery.start(lambda task_status: scheduler.run(stopping=trio.Event(), task_status=task_status))
        await trio.sleep(6 * interval_s)
        nursery.cancel_scope.cancel()

    assert checks.most_running <= 400
    of_healthy = [each for each in seen if made[each.monitor_id].startswith("healthy")]
    of_tarpits = [each for each in seen if made[each.monitor_id].startswith("tarpit")]
    assert {each.outcome.status for each in of_healthy} == {Status.UP}
    assert {each.outcome.message for each in of_tarpits if "then silence" not in each.outcome.message} == set()
    assert len({each.monitor_id for each in of_tarpits}) == 2000
    late_s = sorted(off_phase_s(each, interval_s=interval_s) for each in of_healthy if each.silent_ms is not None)
    assert len(late_s) >= 50 * 4
    assert late_s[int(len(late_s) * 0.99)] < 1.0
