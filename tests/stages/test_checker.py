from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from asura.checker.rules import MESSAGE_LENGTH, judge
from asura.checker.service import Checker
from asura.clock import TrioClock
from asura.daemon.pipeline import recorder
from asura.errors import Conflict, InvalidDocument, NotFound, OwnFailure
from asura.model.monitor import Status
from asura.model.observation import Observation, Outcome
from asura.protocols.attempt import Stopwatch
from asura.store import checks as history
from asura.store import states
from asura.store.database import Store
from tests import factories
from tests.factories import BASE_URL, START_MS
from tests.fakes.check_type import UP, FakeChecks, raising, taking
from tests.fakes.jobs import add_job

DOWN = Outcome(status=Status.DOWN, message="connection refused")


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> FakeChecks:
    fake = FakeChecks()
    fake.install(monkeypatch)
    return fake


async def look(checks: FakeChecks, clock: TrioClock, **fields: Any) -> Observation:
    """What a check of a monitor sees."""
    monitor = factories.monitor(**{"id": 7, "type": "fake", "target": "web", "timeout_s": 10, **fields})
    return await checks.checker(clock).try_out(monitor)


async def test_an_observation_has_its_monitor_its_version_and_the_time_of_its_start(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    checks.acts["web"] = taking(3)
    await trio.sleep(5)
    seen = await look(checks, clock, config_version=4)
    assert (seen.monitor_id, seen.config_version, seen.checked_at, seen.region) == (7, 4, START_MS + 5000, "local")
    assert seen.outcome is UP


async def test_a_target_that_does_not_answer_in_time_is_down_with_the_story_of_it(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    async def hang(watch: Stopwatch) -> Outcome:
        watch.done("connect", then="first_byte")
        await trio.sleep_forever()
        return UP

    checks.acts["web"] = hang
    began = trio.current_time()
    seen = await look(checks, clock, timeout_s=10)
    assert trio.current_time() - began == 10
    assert seen.outcome.status is Status.DOWN
    assert seen.outcome.message.startswith("no answer in 10 s: connected in ")
    assert seen.outcome.message.endswith(", then silence")
    assert seen.outcome.timings.connect_ms is not None
    assert seen.outcome.response_ms is None


@pytest.mark.parametrize("upside_down", [False, True])
@pytest.mark.parametrize("answer", [None, DOWN])
async def test_a_machine_that_stood_still_says_nothing_of_the_target(
    checks: FakeChecks, clock: TrioClock, mock_clock: MockClock, answer: Outcome | None, upside_down: bool
) -> None:
    async def stand_still(_: Stopwatch) -> Outcome:
        mock_clock.jump(3600)  # suspended, swapped out, moved to another host: then every deadline is over at once
        if answer is None:
            await trio.sleep_forever()
        return answer or UP

    checks.acts["web"] = stand_still
    with pytest.raises(OwnFailure, match="stood still for 3590 s"):
        await look(checks, clock, upside_down=upside_down)


async def test_an_answer_that_came_while_the_machine_stood_still_counts(
    checks: FakeChecks, clock: TrioClock, mock_clock: MockClock
) -> None:
    async def stand_still(_: Stopwatch) -> Outcome:
        mock_clock.jump(3600)
        return UP

    checks.acts["web"] = stand_still
    assert (await look(checks, clock)).outcome is UP


async def test_an_answer_at_the_last_moment_counts(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    checks.acts["web"] = taking(9.99)
    assert (await look(checks, clock, timeout_s=10)).outcome is UP


async def test_a_timeout_ends_the_attempt_before_the_answer_is_given(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    checks.acts["web"] = taking(100)
    await look(checks, clock, timeout_s=10)
    assert checks.running == 0


async def test_a_timeout_of_a_monitor_that_is_upside_down_is_up(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    checks.acts["web"] = taking(100)
    seen = await look(checks, clock, upside_down=True)
    assert seen.outcome.status is Status.UP


@pytest.mark.parametrize(
    ("outcome", "upside_down", "status", "message"),
    [
        pytest.param(UP, False, Status.UP, "", id="up is up"),
        pytest.param(DOWN, False, Status.DOWN, "connection refused", id="down is down"),
        pytest.param(
            UP,
            True,
            Status.DOWN,
            "the target answered, and should not have (upside down: this counts as down)",
            id="upside down, up is down",
        ),
        pytest.param(
            DOWN,
            True,
            Status.UP,
            "connection refused (upside down: this counts as up)",
            id="upside down, down is up",
        ),
        pytest.param(
            Outcome(status=Status.DOWN, message="10.0.0.1 is a private address", is_refused=True),
            True,
            Status.DOWN,
            "10.0.0.1 is a private address",
            id="upside down, but Asura refused to look",
        ),
        pytest.param(
            Outcome(status=Status.DEGRADED, message="slow"),
            True,
            Status.DEGRADED,
            "slow (upside down: this counts as degraded)",
            id="upside down, degraded stays",
        ),
    ],
)
def test_what_an_outcome_means(outcome: Outcome, upside_down: bool, status: Status, message: str) -> None:
    judged = judge(outcome, upside_down=upside_down)
    assert (judged.status, judged.message) == (status, message)


@pytest.mark.parametrize("length", [MESSAGE_LENGTH - 1, MESSAGE_LENGTH, MESSAGE_LENGTH + 1, 10 * MESSAGE_LENGTH])
@pytest.mark.parametrize("upside_down", [False, True])
def test_a_message_is_bounded(length: int, upside_down: bool) -> None:
    judged = judge(Outcome(status=Status.DOWN, message="x" * length), upside_down=upside_down)
    assert len(judged.message) <= MESSAGE_LENGTH
    if not upside_down and length <= MESSAGE_LENGTH:
        assert judged.message == "x" * length


@pytest.mark.parametrize(
    ("message", "kept"),
    [("caf\udce9 closed", "caf? closed"), ("nul \0 here", "nul � here"), ("grüße 👍", "grüße 👍")],
    ids=["an unpaired surrogate", "a NUL", "any text"],
)
def test_a_message_can_be_stored_whatever_a_target_writes(message: str, kept: str) -> None:
    assert judge(Outcome(status=Status.DOWN, message=message), upside_down=False).message == kept


async def test_no_more_attempts_run_at_once_than_allowed(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    checker = checks.checker(clock, max_concurrent=3)
    checks.acts["web"] = taking(2)
    observe = checker.prepare(factories.monitor(id=1, type="fake", target="web"))
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(observe)
        await trio.sleep(1)
        assert checker.running == 3
    assert checks.most_running == 3
    assert trio.current_time() - began == 8
    assert checker.running == 0


async def test_waiting_for_a_place_does_not_count_as_time_of_the_target(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    checker = checks.checker(clock, max_concurrent=1)
    checks.acts["web"] = taking(8)
    observe = checker.prepare(factories.monitor(id=1, type="fake", target="web", timeout_s=10))
    seen: list[Observation] = []

    async def one() -> None:
        seen.append(await observe())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(one)
    assert [each.outcome.status for each in seen] == [Status.UP] * 3
    assert [each.checked_at - START_MS for each in seen] == [0, 8000, 16000]


@pytest.mark.parametrize("end", ["cancelled", "broken"])
async def test_an_attempt_that_does_not_come_to_its_end_gives_its_place_back(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock, end: str
) -> None:
    checker = checks.checker(clock, max_concurrent=1)
    observe = checker.prepare(factories.monitor(id=1, type="fake", target="web"))
    if end == "cancelled":
        checks.acts["web"] = taking(5)
        with trio.move_on_after(1):
            await observe()
    else:
        checks.acts["web"] = raising(OwnFailure("no sockets left"))
        with pytest.raises(OwnFailure):
            await observe()
    assert checker.running == 0
    checks.acts.clear()
    assert (await observe()).outcome is UP


async def test_one_that_is_cancelled_while_it_waits_takes_no_place(
    checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
) -> None:
    checker = checks.checker(clock, max_concurrent=1)
    checks.acts["web"] = taking(5)
    observe = checker.prepare(factories.monitor(id=1, type="fake", target="web"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(observe)
        await trio.sleep(1)
        with trio.move_on_after(1):
            await observe()
        await trio.sleep(10)
        assert checker.running == 0


async def test_settings_of_another_version_are_refused_when_the_check_is_prepared(
    checks: FakeChecks, clock: TrioClock
) -> None:
    with pytest.raises(InvalidDocument):
        checks.checker(clock).prepare(factories.monitor(id=1, type="fake", settings={"height": 1}))


class TestByHand:
    async def recorded(self, store: Store, checker: Checker, clock: TrioClock, **fields: Any) -> Observation:
        web = await store.write(partial(factories.create, type="fake", target="web", **fields))
        return await checker.check_now(store, recorder(store, clock, base_url=lambda: BASE_URL), web.id)

    async def test_a_check_by_hand_is_recorded_as_any_other(
        self, inline_store: Store, checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
    ) -> None:
        checks.acts["web"] = taking(1, DOWN)
        seen = await self.recorded(inline_store, checks.checker(clock), clock, failure_threshold=1)
        assert seen.outcome.message == "connection refused"
        (row,) = await inline_store.read(partial(history.page, monitor_id=seen.monitor_id, limit=9))
        assert row.outcome == seen.outcome
        state = await inline_store.read(partial(states.get, monitor_id=seen.monitor_id))
        assert state.status == "down"

    async def test_a_paused_monitor_can_be_checked_without_being_judged(
        self, inline_store: Store, checks: FakeChecks, clock: TrioClock, autojump_clock: MockClock
    ) -> None:
        checks.acts["web"] = taking(1, DOWN)
        seen = await self.recorded(inline_store, checks.checker(clock), clock, failure_threshold=1, enabled=False)
        state = await inline_store.read(partial(states.get, monitor_id=seen.monitor_id))
        assert (state.status, state.last_message) == ("pending", "connection refused")

    async def test_what_is_not_there_can_not_be_checked(
        self, inline_store: Store, checks: FakeChecks, clock: TrioClock
    ) -> None:
        record = recorder(inline_store, clock, base_url=lambda: BASE_URL)
        with pytest.raises(NotFound):
            await checks.checker(clock).check_now(inline_store, record, 77)

    async def test_trying_out_stores_nothing(self, inline_store: Store, checks: FakeChecks, clock: TrioClock) -> None:
        web = await inline_store.write(partial(factories.create, type="fake", target="web"))
        assert (await checks.checker(clock).try_out(web)).outcome is UP
        assert await inline_store.read(partial(history.page, monitor_id=web.id, limit=9)) == []


async def test_what_reports_by_itself_can_not_be_checked_by_hand(inline_store: Store, clock: TrioClock) -> None:
    checker = FakeChecks().checker(clock)
    job = await inline_store.write(partial(add_job, now_ms=clock.now_ms()))

    async def record(seen: list[Observation]) -> None:
        raise AssertionError("nothing was seen")

    with pytest.raises(Conflict, match="reports by itself"):
        await checker.check_now(inline_store, record, job.id)
    with pytest.raises(InvalidDocument, match="reports by itself"):
        await checker.try_out(job)
