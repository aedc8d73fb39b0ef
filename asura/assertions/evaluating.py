"""What an answer comes to under a tree of conditions: up, degraded or down, and why.

The algebra: a condition that fails is down, or degraded if it says so. “And” is the worst of its parts. “Or” is up as
soon as one part is; when none is, the worst of them again, not the best: a degraded condition never hides a hard
failure beside it.
"""

from collections.abc import Iterable, Sequence

import attrs

from asura.assertions import json_path, judging, regex, words
from asura.assertions.answer import Answer
from asura.assertions.budget import MATCHING_PER_STEP, STEPS, Budget
from asura.assertions.table import SUBJECTS, ValueKind
from asura.model.assertion import AssertionType, Condition, Junction, Result, Tree
from asura.model.monitor import Status
from asura.model.observation import Outcome

CHARS_PER_STEP = 100
"""Of decoding a body and searching it for a text."""
VALUES_PER_CHAR = 8
"""That a path with wildcards or filters looks at, again and again, until its steps are used up."""

_RANK = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2}


@attrs.frozen(kw_only=True)
class Judgement:
    """What the conditions say, all of them in their order; `message` is empty when the answer is up."""

    status: Status
    results: Sequence[Result]
    message: str = ""


def evaluate(tree: Tree, outcome: Outcome, *, now_ms: int) -> Judgement:
    """Hold an answer against every condition. Ends after a bounded number of steps whatever the answer holds."""
    answer = Answer(outcome, now_ms=now_ms, budget=Budget())
    groups = [[judging.judge(condition, answer) for condition in group.conditions] for group in tree.groups]
    statuses = [
        combined(group.operator, map(_status, results)) for group, results in zip(tree.groups, groups, strict=True)
    ]
    status = combined(tree.operator, statuses)
    results = [each for group in groups for each in group]
    if status is Status.UP:
        return Judgement(status=status, results=results)
    # What fails in an “or” that another branch saved is not to blame.
    to_blame = [
        each
        for group, verdict in zip(groups, statuses, strict=True)
        if verdict is not Status.UP
        for each in group
        if not each.ok
    ]
    return Judgement(status=status, results=results, message=_message(to_blame))


def combined(operator: Junction, statuses: Iterable[Status]) -> Status:
    """Several as one. The order makes no difference; nothing at all is up."""
    found = set(statuses)
    if not found or (operator is Junction.OR and Status.UP in found):
        return Status.UP
    return worst(*found)


def worst(*statuses: Status) -> Status:
    """The worst of several."""
    return max(statuses, key=_RANK.__getitem__)


def work(tree: Tree, outcome: Outcome) -> int:
    """How many steps evaluating is at most for this answer: what is much doesn't belong into an event loop."""
    reply = outcome.reply
    if reply is None:
        return 0
    body_chars = len(reply.body or "")
    header_chars = sum(len(value) for _, value in reply.headers)
    return sum(
        _work(each, header_chars if each.type is AssertionType.HEADER else body_chars) for each in tree.conditions()
    )


def _work(condition: Condition, chars: int) -> int:
    steps = 1 + chars // CHARS_PER_STEP
    if SUBJECTS[condition.type].operators[condition.operator] is ValueKind.REGEX:
        steps += regex.work(condition.value, chars) // MATCHING_PER_STEP
    if condition.type is AssertionType.JSON_PATH and not json_path.is_simple(condition.target or ""):
        steps += min(STEPS, chars * VALUES_PER_CHAR)
    return steps


def _status(result: Result) -> Status:
    if result.ok:
        return Status.UP
    return Status.DEGRADED if result.condition.degraded else Status.DOWN


def _message(failed: Sequence[Result]) -> str:
    first = next((each for each in failed if not each.condition.degraded), failed[0])
    more = len(failed) - 1
    also = f"; {more} more {'assertion' if more == 1 else 'assertions'} failed" if more else ""
    return f"{words.name(first.condition)}: expected {first.expected}, got {first.seen}{also}"
