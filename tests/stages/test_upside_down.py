"""Upside down: what counts is exchanged last, after everything that an answer is held against."""

from typing import Any

import pytest
from trio.testing import MockClock

from asura.clock import TrioClock
from asura.model.monitor import Status
from asura.model.observation import Outcome
from tests import factories
from tests.fakes.check_type import FakeChecks, taking

UP, DEGRADED, DOWN = Status.UP, Status.DEGRADED, Status.DOWN
QUICK = {"type": "response_time", "operator": "lt", "value": 100}


@pytest.mark.parametrize(
    ("status", "response_ms", "assertions", "expected"),
    [
        pytest.param(UP, 50, [], DOWN, id="up is down"),
        pytest.param(UP, 50, [QUICK], DOWN, id="up, and all that was asserted holds: down"),
        pytest.param(UP, 500, [QUICK], UP, id="what was asserted does not hold: up"),
        pytest.param(UP, 500, [{**QUICK, "degraded": True}], DEGRADED, id="a condition that only degrades: degraded"),
        pytest.param(DEGRADED, 50, [], DEGRADED, id="degraded stays"),
        pytest.param(DEGRADED, 500, [QUICK], UP, id="degraded, and what was asserted does not hold: up"),
        pytest.param(DOWN, None, [QUICK], UP, id="down is up, whatever is asserted"),
    ],
)
async def test_assertions_are_judged_before_it_is_turned(
    clock: TrioClock,
    monkeypatch: pytest.MonkeyPatch,
    status: Status,
    response_ms: int | None,
    assertions: list[dict[str, Any]],
    expected: Status,
    autojump_clock: MockClock,
) -> None:
    checks = FakeChecks()
    checks.install(monkeypatch)
    checks.acts["web"] = taking(0.1, Outcome(status=status, message="as it was", response_ms=response_ms))
    monitor = factories.monitor(id=7, type="fake", target="web", upside_down=True, assertions=assertions)
    seen = await checks.checker(clock).try_out(monitor)
    assert seen.outcome.status is expected
    assert seen.outcome.message.startswith("as it was")
    assert seen.outcome.message.endswith(f"(upside down: this counts as {expected.value})")
