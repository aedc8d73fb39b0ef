"""Assertions on the way from an attempt to its observation."""

import json
import threading
from typing import Any

import attrs
import pytest
import trio

from asura.assertions.evaluating import evaluate
from asura.checker import asserting
from asura.checks import CHECK_TYPES
from asura.clock import SystemClock
from asura.errors import InvalidDocument, OwnFailure
from asura.model.assertion import AssertionType
from asura.model.monitor import Status
from asura.model.observation import Observation, Outcome, Reply
from asura.protocols.attempt import Keep
from tests import factories
from tests.fakes.check_type import FakeChecks, taking

FAST = {"type": "response_time", "operator": "lt", "value": 100}
SLOW = {**FAST, "value": 1}
HAS_OK = {"type": "body_contains", "operator": "contains", "value": "ok"}


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> FakeChecks:
    fake = FakeChecks()
    fake.install(monkeypatch)
    kind = attrs.evolve(CHECK_TYPES["fake"], asserts=frozenset(AssertionType))
    monkeypatch.setitem(CHECK_TYPES, "fake", kind)
    return fake


async def look(checks: FakeChecks, outcome: Outcome, assertions: Any, **fields: Any) -> Observation:
    checks.acts["web"] = taking(0, outcome)
    fields = {"id": 7, "type": "fake", "target": "web", "assertions": assertions, **fields}
    return await checks.checker(SystemClock()).try_out(factories.monitor(**fields))


def outcome(status: Status = Status.UP, **fields: Any) -> Outcome:
    return Outcome(**{"status": status, "response_ms": 5, "reply": Reply(body="all ok"), **fields})


async def test_what_holds_changes_nothing_but_stands_with_the_check(checks: FakeChecks) -> None:
    seen = (await look(checks, outcome(detail={"loss_percent": 0}), [FAST, HAS_OK])).outcome
    assert (seen.status, seen.message, seen.reply) == (Status.UP, "", None)
    assert seen.detail == {
        "loss_percent": 0,
        "assertions": [
            {**FAST, "ok": True, "expected": "less than 100 ms", "seen": "5 ms"},
            {**HAS_OK, "ok": True, "expected": 'to contain "ok"', "seen": '"all ok"'},
        ],
    }


async def test_a_failing_assertion_is_down_or_degraded(checks: FakeChecks) -> None:
    hard = (await look(checks, outcome(), [SLOW])).outcome
    assert (hard.status, hard.message) == (Status.DOWN, "response time: expected less than 1 ms, got 5 ms")
    soft = (await look(checks, outcome(), [{**SLOW, "degraded": True}])).outcome
    assert (soft.status, soft.message) == (Status.DEGRADED, hard.message)
    both = (await look(checks, outcome(reply=Reply(body="x")), [{**SLOW, "degraded": True}, HAS_OK])).outcome
    assert both.status is Status.DOWN
    assert both.message == 'body: expected to contain "ok", got "x"; 1 more assertion failed'


@pytest.mark.parametrize(
    ("own", "assertion", "status", "message"),
    [
        (Status.DEGRADED, FAST, Status.DEGRADED, "slow disk"),
        (Status.DEGRADED, SLOW, Status.DOWN, "slow disk; response time: expected less than 1 ms, got 5 ms"),
        (Status.DOWN, FAST, Status.DOWN, "slow disk"),
        (Status.DOWN, {**SLOW, "degraded": True}, Status.DOWN, "slow disk"),
    ],
)
async def test_assertions_make_nothing_better(
    checks: FakeChecks, own: Status, assertion: Any, status: Status, message: str
) -> None:
    seen = (await look(checks, outcome(own, message="slow disk"), [assertion])).outcome
    assert (seen.status, seen.message, seen.reply) == (status, message, None)
    assert bool(seen.detail) is (own is not Status.DOWN), "what is down already isn't asserted"


async def test_upside_down_is_applied_to_the_whole(checks: FakeChecks) -> None:
    seen = (await look(checks, outcome(), [SLOW], upside_down=True)).outcome
    assert seen.status is Status.UP
    assert seen.message == "response time: expected less than 1 ms, got 5 ms (upside down: this counts as up)"
    assert (await look(checks, outcome(), [FAST], upside_down=True)).outcome.status is Status.DOWN


@pytest.mark.parametrize(
    ("assertions", "keep"),
    [
        ([], Keep()),
        ([FAST], Keep()),
        ([{"type": "header", "target": "via", "operator": "exists"}], Keep(headers=True)),
        ([FAST, HAS_OK], Keep(body=True)),
        ([{"type": "json_path", "target": "$", "operator": "exists"}], Keep(body=True)),
        ([{"type": "dns_record", "operator": "exists"}], Keep(body=True)),
    ],
)
async def test_only_what_is_asked_for_is_kept(
    checks: FakeChecks, monkeypatch: pytest.MonkeyPatch, assertions: Any, keep: Keep
) -> None:
    kept = []

    def prepare(target: str, settings: Any, env: Any, keep: Keep) -> Any:
        kept.append(keep)
        return checks.prepare(target, settings, env, keep)

    monkeypatch.setitem(CHECK_TYPES, "fake", attrs.evolve(CHECK_TYPES["fake"], prepare=prepare))
    await look(checks, outcome(), assertions)
    assert kept == [keep]


async def test_assertions_of_another_version_are_refused_when_the_check_is_prepared(checks: FakeChecks) -> None:
    with pytest.raises(InvalidDocument, match=r"assertions\[0\].type"):
        await look(checks, outcome(), [{"type": "mood", "operator": "eq", "value": "good"}])


@pytest.mark.parametrize(
    ("body", "assertion"),
    [
        pytest.param(
            json.dumps([[i] for i in range(20_000)]),
            {"type": "json_path", "target": "$..[?@ == $[0]]", "operator": "exists"},
            id="a path that looks at everything again and again",
        ),
        pytest.param(
            json.dumps([{"id": i, "name": f"n{i}"} for i in range(25_000)]),
            {"type": "json_path", "target": "$[*].id", "operator": "gte", "value": 0},
            id="a megabyte of JSON",
        ),
        pytest.param(
            "a" * 100_000,
            {"type": "body_regex", "operator": "not_matches", "value": "[a-z]{1,900}0"},
            id="a pattern that takes a second",
        ),
    ],
)
async def test_a_large_answer_does_not_hold_up_the_event_loop(checks: FakeChecks, body: str, assertion: Any) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await trio.sleep(0.001)
            ticks += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        seen = await look(checks, outcome(reply=Reply(body=body)), [assertion])
        nursery.cancel_scope.cancel()
    assert seen.outcome.detail is not None
    assert ticks > 5


@pytest.mark.parametrize(
    ("reply", "assertion", "is_inline"),
    [
        (Reply(body="x" * 40_000), HAS_OK, True),
        (Reply(body="x" * 200_000), HAS_OK, False),
        (Reply(body='{"a": 1}'), {"type": "json_path", "target": "$.a", "operator": "exists"}, True),
        (Reply(body='{"a": 1}'), {"type": "json_path", "target": "$..[?@ == 1]", "operator": "exists"}, True),
        (Reply(body="[1" + ",1" * 200 + "]"), {"type": "json_path", "target": "$..*", "operator": "exists"}, False),
        (
            Reply(headers=[("x-a", "a" * 60_000)]),
            {"type": "header", "target": "x-a", "operator": "matches", "value": "[a-z]{1,900}0"},
            False,
        ),
    ],
    ids=["a body", "a large body", "a plain path", "a small document", "a path to many", "a header's pattern"],
)
async def test_only_what_is_quick_is_looked_at_in_the_event_loop(
    checks: FakeChecks, monkeypatch: pytest.MonkeyPatch, reply: Reply, assertion: Any, is_inline: bool
) -> None:
    threads = []

    def evaluated(*args: Any, **fields: Any) -> Any:
        threads.append(threading.current_thread())
        return evaluate(*args, **fields)

    monkeypatch.setattr(asserting, "evaluate", evaluated)
    await look(checks, outcome(reply=reply), [assertion])
    assert (threads == [threading.current_thread()]) is is_inline


async def test_a_check_that_is_cancelled_does_not_wait_for_its_assertions(checks: FakeChecks) -> None:
    body = "a" * 100_000
    assertion = {"type": "body_regex", "operator": "not_matches", "value": "[a-z]{1,900}0"}
    began = trio.current_time()
    with trio.move_on_after(0.1):
        await look(checks, outcome(reply=Reply(body=body)), [assertion])
    assert trio.current_time() - began < 0.8, "the search goes on for more than a second"


PATHOLOGICAL = {"type": "body_regex", "operator": "not_matches", "value": "[a-z]{1,900}0"}
"""On 100,000 letters it takes more than a second."""


async def test_a_check_ends_soon_after_its_timeout_whatever_its_assertions_do(checks: FakeChecks) -> None:
    began = trio.current_time()
    fields = {"timeout_s": 0.1, "interval_s": 1}
    seen = await look(checks, outcome(reply=Reply(body="a" * 100_000)), [PATHOLOGICAL], **fields)
    assert trio.current_time() - began < 0.6
    assert seen.outcome.status is Status.DOWN
    assert seen.outcome.message.startswith("holding the answer against the assertions took too long")


async def test_a_target_is_not_blamed_for_the_answers_of_others(checks: FakeChecks) -> None:
    checks.acts["web"] = taking(0, outcome(reply=Reply(body="a" * 100_000)))
    monitor = factories.monitor(id=7, type="fake", target="web", assertions=[PATHOLOGICAL], timeout_s=0.1, interval_s=1)
    observe = checks.checker(SystemClock()).prepare(monitor)
    ends: list[str] = []

    async def note() -> None:
        try:
            ends.append((await observe()).outcome.status)
        except OwnFailure as exc:
            ends.append(str(exc))

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(note)
    own = "this machine had no time to hold the answer against the assertions"
    assert sorted(ends) == [Status.DOWN] * 2 + [own] * 2


async def test_no_more_threads_than_two_look_at_answers(checks: FakeChecks, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    most = 0

    def evaluated(*args: Any, **fields: Any) -> Any:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        try:
            return evaluate(*args, **fields)
        finally:
            running.pop()

    monkeypatch.setattr(asserting, "evaluate", evaluated)
    checks.acts["web"] = taking(0, outcome(reply=Reply(body=json.dumps([[i] for i in range(5_000)]))))
    assertions = [{"type": "json_path", "target": "$..[?@ == $[0]]", "operator": "exists"}]
    observe = checks.checker(SystemClock()).prepare(
        factories.monitor(id=7, type="fake", target="web", assertions=assertions)
    )
    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(observe)
    assert most == 2
