"""One attempt, bounded: a place among those that may run at once, a deadline, an outcome whatever the target does.

Decides nothing about a monitor; that is for the votes.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs
import trio

from asura.checker import rules
from asura.checker.asserting import Asserting
from asura.checker.contents import Contents
from asura.checker.known import Known
from asura.checker.places import HANGS_S, Place, Places
from asura.checks import CHECK_TYPES, is_passive
from asura.clock import Clock
from asura.consensus.service import Record
from asura.errors import Conflict, InvalidDocument, OwnFailure
from asura.model.monitor import Monitor, Status
from asura.model.observation import Observation, Outcome
from asura.protocols.attempt import Env, Keep, Stopwatch
from asura.serde import load
from asura.store import monitors
from asura.store.database import Store

AFTERWARDS_S = 0.4
"""After the timeout, for the assertions and contents of an answer that came at its very end."""
STALLED_S = 5.0
"""So long after its deadline a check has not ended because of its target, but because this process did not run."""


class Observe(Protocol):
    """A prepared check: each call makes one. Raises OwnFailure if this machine could not make it."""

    def __call__(self, *, silent_ms: int | None = None) -> Awaitable[Observation]:
        """Check; `silent_ms` is for how long nobody had been looking, where that is known."""
        ...


class Checker:
    """Makes attempts. One for the whole daemon, so that `max_concurrent` holds for scheduled and manual checks."""

    def __init__(
        self, *, env: Callable[[], Env], clock: Clock, max_concurrent: int, known: Known | None = None
    ) -> None:
        """`known` is told what is stored, and saves looking again at what stayed the same."""
        self._env = env
        self._clock = clock
        self._places = Places(max_concurrent)
        self._asserting = Asserting()
        self._contents = Contents(Known() if known is None else known)
        self.generation = 0
        """Counts what made prepared checks out of date: prepare again when it has moved."""

    @property
    def running(self) -> int:
        """How many attempts are under way."""
        return self._places.taken

    def renew(self) -> None:
        """What checks share has changed; those that are prepared already are out of date."""
        self.generation += 1

    def prepare(self, monitor: Monitor, *, talks: bool = False) -> Observe:
        """Everything about the monitor's checks that stays the same, done once; call the result for each check.

        `talks`: somebody looks on, so the outcome brings notes of what happened on the way.

        Raises InvalidDocument if the stored settings or assertions are not those of this version.
        """
        check_type = CHECK_TYPES[monitor.type]
        settings = load(check_type.settings, monitor.settings)
        keep, judged = self._asserting.of(monitor.assertions)
        keep = Keep(headers=keep.headers, body=keep.body or monitor.track_changes)
        attempt = check_type.prepare(monitor.target, settings, self._env(), keep)
        see = self._contents.of(monitor, settings) if monitor.track_changes else None
        timeout_s = monitor.timeout_s
        hung = False

        async def observe(*, silent_ms: int | None = None) -> Observation:
            nonlocal hung
            while True:
                # What runs on this machine isn't broken off and begun anew: a program would run twice.
                place = Place(hangs=hung, keeps=talks or check_type.is_local)
                if not self._places.take_at_once(place):
                    await self._places.take(place)
                try:
                    seen = await look(silent_ms, place)
                finally:
                    self._places.give_back(place)
                    hung = place.was_lost or trio.current_time() - place.began_s >= HANGS_S
                if seen is not None:
                    return seen

        async def look(silent_ms: int | None, place: Place) -> Observation | None:
            """One attempt; None when it lost its place before its end."""
            checked_at = self._clock.now_ms()
            watch = Stopwatch(talks=talks)
            outcome = None
            with trio.move_on_after(timeout_s) as attempting:
                place.attempt = attempting
                outcome = await attempt(watch)
            if outcome is None and place.was_lost:
                return None
            if outcome is None:
                outcome = Outcome(status=Status.DOWN, message=watch.story(timeout_s), timings=watch.timings())
            if outcome.status is Status.DOWN:
                _need_to_have_run(until=attempting.deadline)
            until_s = attempting.deadline + AFTERWARDS_S
            if judged is not None:
                outcome = await judged(outcome, self._clock.now_ms(), until_s)
            if monitor.upside_down or outcome.message:
                outcome = rules.judge(outcome, upside_down=monitor.upside_down)
            if watch.notes:
                outcome = attrs.evolve(outcome, notes=tuple(watch.notes))
            content = None
            if outcome.reply is not None:
                content = await see(outcome, until_s) if see else None
                outcome = attrs.evolve(outcome, reply=None)  # a body must not wait for the store
            return Observation(
                monitor_id=monitor.id,
                config_version=monitor.config_version,
                checked_at=checked_at,
                outcome=outcome,
                content=content,
                silent_ms=silent_ms,
            )

        return observe

    async def try_out(self, monitor: Monitor) -> Observation:
        """Check a monitor that need not exist; nothing is stored. Raises InvalidDocument if it can't be checked."""
        if is_passive(monitor.type):
            raise InvalidDocument({"type": f"must not be {monitor.type}, which reports by itself: send a ping instead"})
        return await self.prepare(monitor, talks=True)()

    async def check_now(self, store: Store, record: Record, monitor_id: int) -> Observation:
        """Check a stored monitor at once, outside its schedule; durable when this returns.

        Raises NotFound, and Conflict if it can't be checked.
        """
        monitor = await store.read(lambda conn: monitors.get(conn, monitor_id))
        if is_passive(monitor.type):
            raise Conflict(f"a {monitor.type} can't be checked by hand: it reports by itself; send a ping instead")
        observation = await self.try_out(monitor)
        await record([observation])
        return observation


def _need_to_have_run(*, until: float) -> None:
    late_s = trio.current_time() - until
    if late_s > STALLED_S:
        raise OwnFailure(f"this machine stood still for {late_s:.0f} s during the check")
