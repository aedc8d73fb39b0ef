"""Many conditions as one: and, or, and what is merely degraded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.assertions.evaluating import combined, evaluate, worst
from asura.assertions.parsing import parse
from asura.model.assertion import Junction
from asura.model.monitor import Status
from asura.model.observation import Outcome

UP, DEGRADED, DOWN = Status.UP, Status.DEGRADED, Status.DOWN
AND, OR = Junction.AND, Junction.OR
RANK = {UP: 0, DEGRADED: 1, DOWN: 2}
STATUSES = st.sampled_from([UP, DEGRADED, DOWN])
JUNCTIONS = st.sampled_from([AND, OR])


@pytest.mark.parametrize(
    ("operator", "parts", "status"),
    [
        (AND, [], UP),
        (OR, [], UP),
        (AND, [UP, UP], UP),
        (AND, [UP, DEGRADED], DEGRADED),
        (AND, [UP, DOWN], DOWN),
        (AND, [DEGRADED, DOWN], DOWN),
        (AND, [DEGRADED, DEGRADED], DEGRADED),
        (OR, [UP, DOWN], UP),
        (OR, [UP, DEGRADED], UP),
        (OR, [DOWN, DOWN], DOWN),
        (OR, [DEGRADED, DEGRADED], DEGRADED),
        (OR, [DEGRADED, DOWN], DOWN),
        (OR, [DEGRADED, DOWN, UP], UP),
    ],
    ids=str,
)
def test_several_statuses_become_one(operator: Junction, parts: list[Status], status: Status) -> None:
    assert combined(operator, parts) is status


@given(JUNCTIONS, st.lists(STATUSES, min_size=1), st.randoms())
def test_the_order_and_repetition_make_no_difference(operator: Junction, parts: list[Status], random: Any) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert combined(operator, shuffled) is combined(operator, parts * 2) is combined(operator, parts)


@given(JUNCTIONS, st.lists(STATUSES, min_size=1), st.lists(STATUSES, min_size=1))
def test_how_parts_are_grouped_makes_no_difference(
    operator: Junction, some: list[Status], others: list[Status]
) -> None:
    assert combined(operator, [combined(operator, some), combined(operator, others)]) is combined(
        operator, some + others
    )


@given(JUNCTIONS, st.lists(STATUSES, min_size=1), st.data())
def test_a_part_that_gets_worse_makes_nothing_better(
    operator: Junction, parts: list[Status], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(parts) - 1))
    lower = [
        *parts[:place],
        data.draw(STATUSES.filter(lambda each: RANK[each] >= RANK[parts[place]])),
        *parts[place + 1 :],
    ]
    assert RANK[combined(operator, lower)] >= RANK[combined(operator, parts)]


def leaf(status: Status) -> dict[str, Any]:
    """A condition that comes to `status` when the answer has the status code 200."""
    return {
        "type": "status_code",
        "operator": "eq",
        "value": 200 if status is UP else 1,
        "degraded": status is DEGRADED,
    }


TREES = st.tuples(
    JUNCTIONS, st.lists(st.tuples(JUNCTIONS, st.lists(STATUSES, min_size=1, max_size=4)), min_size=1, max_size=4)
)


@given(TREES)
def test_a_tree_is_what_its_parts_are_and_its_message_names_a_hard_failure_first(tree: Any) -> None:
    operator, groups = tree
    document = {
        "operator": operator.value,
        "groups": [{"operator": each.value, "conditions": [leaf(one) for one in leaves]} for each, leaves in groups],
    }
    found = evaluate(parse(document), Outcome(status=UP, status_code=200), now_ms=0)
    holds = {AND: all, OR: any}
    is_true = holds[operator]([holds[each](one is UP for one in leaves) for each, leaves in groups])
    assert (found.status is UP) is is_true, "up exactly when the plain logic says so"
    assert bool(found.message) is not is_true
    to_blame = [one for each, leaves in groups if not holds[each](one is UP for one in leaves) for one in leaves]
    if not is_true:
        assert found.status is worst(*to_blame), "down as soon as one that is to blame is a hard failure"
    assert [each.ok for each in found.results] == [one is UP for _, leaves in groups for one in leaves]


@given(st.lists(STATUSES, max_size=8))
def test_a_list_is_an_and(leaves: list[Status]) -> None:
    found = evaluate(parse([leaf(each) for each in leaves]), Outcome(status=UP, status_code=200), now_ms=0)
    assert found.status is combined(AND, leaves)
