"""Assertions on the way from an attempt to its observation: what must be kept for them, and where they are evaluated.

A small answer is judged at once. What may take longer goes into a thread, so that no body holds up other checks.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import trio

from asura.assertions.evaluating import evaluate, work, worst
from asura.assertions.parsing import parse
from asura.assertions.words import MAX_CHARS, quoted
from asura.errors import OwnFailure
from asura.model.assertion import BODY_ASSERTIONS, AssertionType, Result, Tree
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.protocols.attempt import Keep

INLINE_STEPS = 1_000
"""Two milliseconds at most. A thread costs a tenth of one, which is why not everything goes there."""
MAX_THREADS = 2
"""Python runs one of them at a time; the second is for searches, which let go of the interpreter."""

Assert = Callable[[Outcome, int, float], Awaitable[Outcome]]
"""(outcome, now in ms, until when on trio's clock) → the outcome with what the assertions say of it.

Raises OwnFailure: until then this machine was busy with the answers of others.
"""


class Asserting:
    """Evaluates assertions. One for the whole daemon, so that the limit of threads holds."""

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(MAX_THREADS)

    def of(self, document: Any) -> tuple[Keep, Assert | None]:
        """What a monitor's assertions need of its answers, and how these are judged; None when there are none.

        Raises InvalidDocument: they are not those of this version.
        """
        tree = parse(document)
        types = {each.type for each in tree.conditions()}
        if not types:
            return Keep(), None
        keep = Keep(
            headers=AssertionType.HEADER in types,
            body=bool(types & {*BODY_ASSERTIONS, AssertionType.DNS_RECORD}),
        )

        async def judged(outcome: Outcome, now_ms: int, until_s: float) -> Outcome:
            if outcome.status is Status.DOWN:
                return outcome  # there may have been no answer at all, and nothing could make it better
            if work(tree, outcome) <= INLINE_STEPS:
                return applied(tree, outcome, now_ms=now_ms)
            return await self._in_thread(tree, outcome, now_ms, until_s)

        return keep, judged

    async def _in_thread(self, tree: Tree, outcome: Outcome, now_ms: int, until_s: float) -> Outcome:
        has_begun = False

        def run() -> Outcome:
            nonlocal has_begun
            has_begun = True
            return applied(tree, outcome, now_ms=now_ms)

        with trio.move_on_at(until_s):
            # Abandoned when it takes too long: it ends by itself, for its work is bounded.
            return await trio.to_thread.run_sync(run, limiter=self._threads, abandon_on_cancel=True)
        if not has_begun:
            raise OwnFailure("this machine had no time to hold the answer against the assertions")
        told = "holding the answer against the assertions took too long: their work must end within the timeout"
        return attrs.evolve(outcome, status=Status.DOWN, message=told)


def applied(tree: Tree, outcome: Outcome, *, now_ms: int) -> Outcome:
    """The outcome with its assertions: they make it worse or leave it, and their results stand in its detail."""
    judgement = evaluate(tree, outcome, now_ms=now_ms)
    told = [each for each in (outcome.message, judgement.message) if each]
    return attrs.evolve(
        outcome,
        status=worst(outcome.status, judgement.status),
        message="; ".join(told),
        detail={**(outcome.detail or {}), "assertions": [_stored(each) for each in judgement.results]},
    )


def _stored(result: Result) -> dict[str, Any]:
    """A result as it is stored with its check and shown by the API."""
    condition = result.condition
    found: dict[str, Any] = {"type": condition.type.value}
    if condition.target is not None:
        found["target"] = condition.target[:MAX_CHARS]
    found["operator"] = condition.operator.value
    found["value"] = _short(condition.value)
    if condition.degraded:
        found["degraded"] = True
    return found | {"ok": result.ok, "expected": result.expected, "seen": result.seen}


def _short(value: Any) -> Any:
    """The value itself, or the beginning of a long one: it stands in the monitor's document as a whole."""
    if isinstance(value, str):
        return value[:MAX_CHARS]
    return quoted(value, at_most=MAX_CHARS) if isinstance(value, list | dict) else value
