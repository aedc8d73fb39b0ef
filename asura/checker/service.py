"""One attempt, bounded: a place among those that may run at once, a deadline, an outcome whatever the target does.

Decides nothing about a monitor; that is for the votes.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs
import trio

from asura.checker import rules
from asura.checks import CHECK_TYPES
from asura.checks.base import Env, Keep, Stopwatch
from asura.clock import Clock
from asura.consensus.service import Record
from asura.errors import OwnFailure
from asura.model.monitor import Monitor, Status
from asura.model.observation import Observation, Outcome
from asura.serde import load
from asura.store import monitors
from asura.store.database import Store

STALLED_S = 5.0
"""So long after its deadline a check has not ended because of its target, but because this process did not run."""


class Observe(Protocol):
    """A prepared check: each call makes one. Raises OwnFailure if this machine could not make it."""

    def __call__(self, *, silent_ms: int | None = None) -> Awaitable[Observation]:
        """Check; `silent_ms` is for how long nobody had been looking, where that is known."""
        ...


class Checker:
    """Makes attempts. One for the whole daemon, so that `max_concurrent` holds for scheduled and manual checks."""

    def __init__(self, *, env: Callable[[], Env], clock: Clock, max_concurrent: int) -> None:
        self._env = env
        self._clock = clock
        self._places = trio.CapacityLimiter(max_concurrent)
        self.generation = 0
        """Counts what made prepared checks out of date: prepare again when it has moved."""

    @property
    def running(self) -> int:
        """How many attempts are under way."""
        return self._places.borrowed_tokens

    def renew(self) -> None:
        """What checks share has changed; those that are prepared already are out of date."""
        self.generation += 1

    def prepare(self, monitor: Monitor, *, talks: bool = False) -> Observe:
        """Everything about the monitor's checks that stays the same, done once; call the result for each check.

        `talks`: somebody looks on, so the outcome brings notes of what happened on the way.

        Raises InvalidDocument if the stored settings are not those of this version.
        """
        check_type = CHECK_TYPES[monitor.type]
        keep = Keep()
        attempt = check_type.prepare(monitor.target, load(check_type.settings, monitor.settings), self._env(), keep)
        timeout_s = monitor.timeout_s

        async def observe(*, silent_ms: int | None = None) -> Observation:
            try:
                self._places.acquire_nowait()  # `acquire` gives way to other tasks even when there is room
            except trio.WouldBlock:
                await self._places.acquire()
            try:
                return await look(silent_ms)
            finally:
                self._places.release()

        async def look(silent_ms: int | None) -> Observation:
            checked_at = self._clock.now_ms()
            watch = Stopwatch(talks=talks)
            outcome = None
            with trio.move_on_after(timeout_s) as attempting:
                outcome = await attempt(watch)
            if outcome is None:
                outcome = Outcome(status=Status.DOWN, message=watch.story(timeout_s), timings=watch.timings())
            if outcome.status is Status.DOWN:
                _need_to_have_run(until=attempting.deadline)
            if monitor.upside_down or outcome.message:
                outcome = rules.judge(outcome, upside_down=monitor.upside_down)
            if watch.notes:
                outcome = attrs.evolve(outcome, notes=tuple(watch.notes))
            return Observation(
                monitor_id=monitor.id,
                config_version=monitor.config_version,
                checked_at=checked_at,
                outcome=outcome,
                silent_ms=silent_ms,
            )

        return observe

    async def try_out(self, monitor: Monitor) -> Observation:
        """Check a monitor that need not exist; nothing is stored."""
        return await self.prepare(monitor, talks=True)()

    async def check_now(self, store: Store, record: Record, monitor_id: int) -> Observation:
        """Check a stored monitor at once, outside its schedule; durable when this returns. Raises NotFound."""
        monitor = await store.read(lambda conn: monitors.get(conn, monitor_id))
        observation = await self.try_out(monitor)
        await record([observation])
        return observation


def _need_to_have_run(*, until: float) -> None:
    late_s = trio.current_time() - until
    if late_s > STALLED_S:
        raise OwnFailure(f"this machine stood still for {late_s:.0f} s during the check")
