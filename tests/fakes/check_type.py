"""A check type whose targets do what a test tells them to, on trio's clock and without a network."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import attrs
import pytest
import trio

from asura.checker.service import Checker
from asura.checks import CHECK_TYPES
from asura.checks.base import CheckType, TargetField
from asura.clock import Clock
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.protocols.attempt import Env, Keep, Stopwatch

UP = Outcome(status=Status.UP, response_ms=5)
Act = Callable[[Stopwatch], Awaitable[Outcome]]


@attrs.frozen(kw_only=True)
class FakeSettings:
    """A setting to get wrong."""

    depth: int = attrs.field(default=0, validator=attrs.validators.ge(0))


async def answer(_: Stopwatch) -> Outcome:
    """The target is well."""
    return UP


class FakeChecks:
    """Notes when each target was checked; `acts` says what those do that don't simply answer."""

    def __init__(self) -> None:
        self.began: dict[str, list[float]] = {}
        self.prepared: list[str] = []
        self.acts: dict[str, Act] = {}
        self.running = 0
        self.most_running = 0
        self.a_check_runs = trio.Event()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make this the check type `fake`."""
        kind = CheckType(
            name="fake",
            settings=FakeSettings,
            target_problem=lambda _: None,
            label="Fake",
            about="",
            target=TargetField(label="Target", help="", placeholder=""),
            hosts=lambda target, _: {"target": target},
            prepare=self.prepare,
        )
        monkeypatch.setitem(CHECK_TYPES, "fake", kind)

    def prepare(self, target: str, settings: FakeSettings, env: Env, keep: Keep) -> Act:
        """As a check type does."""
        self.prepared.append(target)

        async def attempt(watch: Stopwatch) -> Outcome:
            self.began.setdefault(target, []).append(trio.current_time())
            self.running += 1
            self.a_check_runs.set()
            self.most_running = max(self.most_running, self.running)
            try:
                return await self.acts.get(target, answer)(watch)
            finally:
                self.running -= 1

        return attempt

    def checker(self, clock: Clock, *, max_concurrent: int = 100) -> Checker:
        """A real checker for these targets."""
        env: Any = cast(Env, None)
        return Checker(env=lambda: env, clock=clock, max_concurrent=max_concurrent)


def taking(seconds: float, outcome: Outcome = UP) -> Act:
    """A target that needs so long to answer."""

    async def act(_: Stopwatch) -> Outcome:
        await trio.sleep(seconds)
        return outcome

    return act


def raising(error: Exception, *, times: int = 1_000_000) -> Act:
    """A check with a fault of its own, so many times."""
    left = times

    async def act(_: Stopwatch) -> Outcome:
        nonlocal left
        left -= 1
        if left >= 0:
            raise error
        return UP

    return act
