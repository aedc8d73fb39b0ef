"""What isn't an assertion is refused when it is saved, each problem at its path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.assertions.parsing import MAX_CONDITIONS, parse
from asura.errors import InvalidDocument
from asura.model.assertion import AssertionType, Condition, Group, Junction, Operator, Tree

OK = {"type": "status_code", "operator": "eq", "value": 200}


def problems(document: Any, **allowed: Any) -> dict[str, str]:
    with pytest.raises(InvalidDocument) as refused:
        parse(document, **allowed)
    return refused.value.fields


def test_a_list_is_one_group() -> None:
    path = {"type": "json_path", "target": "$.a", "operator": "exists", "degraded": True}
    assert parse([OK, path]) == Tree(
        groups=(
            Group(
                conditions=(
                    Condition(type=AssertionType.STATUS_CODE, operator=Operator.EQ, value=200),
                    Condition(type=AssertionType.JSON_PATH, operator=Operator.EXISTS, target="$.a", degraded=True),
                )
            ),
        )
    )
    assert parse([]) == Tree()


def test_a_tree_has_groups() -> None:
    tree = parse(
        {
            "operator": "or",
            "groups": [{"operator": "and", "conditions": [OK]}, {"operator": "or", "conditions": [OK, OK]}],
        }
    )
    assert (tree.operator, [each.operator for each in tree.groups]) == (Junction.OR, [Junction.AND, Junction.OR])
    assert len(list(tree.conditions())) == 3


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ("x", {"assertions": "must be a list of conditions, or an object with an operator and groups"}),
        (None, {"assertions": "must be a list of conditions, or an object with an operator and groups"}),
        ([OK] * 51, {"assertions": "must have at most 50 conditions, not 51"}),
        ([3], {"assertions[0]": "must be an object with a type, an operator and a value"}),
        (
            {"operator": "xor", "groups": []},
            {"assertions.operator": "must be one of and, or", "assertions.groups": "must be a list of 1 to 20 groups"},
        ),
        ({}, {"assertions.operator": "is required: and, or", "assertions.groups": "must be a list of 1 to 20 groups"}),
        (
            {"operator": "and", "groups": [{"operator": "or", "conditions": []}, 3], "x": 1},
            {
                "assertions.groups[0].conditions": "must be a list of 1 to 50 conditions",
                "assertions.groups[1]": "must be an object with an operator and conditions",
                "assertions.x": "unknown field",
            },
        ),
        (
            {"operator": "and", "groups": [{"operator": "or", "conditions": [{**OK, "value": "x"}]}]},
            {"assertions.groups[0].conditions[0].value": "must be a number"},
        ),
        (
            {"operator": "and", "groups": [{"operator": "or", "conditions": [OK] * 26}] * 2},
            {"assertions.groups": "must have at most 50 conditions in all"},
        ),
    ],
)
def test_what_is_no_tree_is_refused(document: Any, fields: dict[str, str]) -> None:
    assert problems(document) == fields


@pytest.mark.parametrize(
    ("condition", "name", "problem"),
    [
        ({}, "type", "is required: one of status_code"),
        ({"type": "uptime"}, "type", "must be one of status_code"),
        ({"type": ["status_code"]}, "type", "must be one of status_code"),
        ({"type": "status_code"}, "operator", "is required: one of eq, neq"),
        ({**OK, "operator": "matches"}, "operator", "must be one of eq, neq, gt, lt, gte, lte"),
        ({**OK, "operator": None}, "operator", "must be one of eq"),
        ({"type": "status_code", "operator": "eq"}, "value", "is required"),
        ({**OK, "value": None}, "value", "must be a number"),
        ({**OK, "value": True}, "value", "must be a number"),
        ({**OK, "value": "2xx"}, "value", "must be a number"),
        ({**OK, "value": "1e999"}, "value", "must be a number"),
        ({**OK, "value": float("inf")}, "value", "must be a number"),
        ({**OK, "target": "$.a"}, "target", "must be left out"),
        ({**OK, "degraded": "yes"}, "degraded", "must be true or false"),
        ({**OK, "colour": 1}, "colour", "unknown field"),
        ({"type": "body_contains", "operator": "contains", "value": 3}, "value", "must be a text"),
        ({"type": "body_contains", "operator": "contains", "value": ""}, "value", "must not be empty"),
        ({"type": "body_contains", "operator": "contains", "value": "x" * 1025}, "value", "at most 1024 characters"),
        (
            {"type": "body_regex", "operator": "matches", "value": "("},
            "value",
            "must be a regular expression: missing )",
        ),
        ({"type": "body_regex", "operator": "matches", "value": "(?=a)"}, "value", "look-around and backreferences"),
        ({"type": "body_regex", "operator": "matches", "value": 3}, "value", "must be a regular expression, as a text"),
        ({"type": "json_path", "operator": "exists"}, "target", "is required: JSON path, such as $.status"),
        ({"type": "json_path", "operator": "exists", "target": "a"}, "target", "must be a JSON path"),
        ({"type": "json_path", "operator": "exists", "target": "$.a", "value": 1}, "value", "must be left out"),
        ({"type": "json_path", "operator": "gt", "target": "$.a", "value": "much"}, "value", "must be a number"),
        ({"type": "json_path", "operator": "eq", "target": "$.a", "value": [0] * 101}, "value", "at most 100 parts"),
        (
            {"type": "json_path", "operator": "eq", "target": "$.a", "value": {"x": "y" * 1024}},
            "value",
            "1024 characters",
        ),
        ({"type": "header", "operator": "exists", "target": "a b"}, "target", "must be a header's name"),
        ({"type": "header", "operator": "exists", "target": "x" * 257}, "target", "at most 256 characters"),
        ({"type": "header", "operator": "eq", "target": "via", "value": 3}, "value", "must be a text"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_condition_that_can_not_be_evaluated_is_refused(condition: Any, name: str, problem: str) -> None:
    found = problems([OK, condition])
    assert list(found) == [f"assertions[1].{name}"]
    assert problem in found[f"assertions[1].{name}"]


def test_every_problem_is_told_at_once() -> None:
    found = problems([{"type": "header", "operator": "gt", "target": "", "value": "x", "degraded": 1}, {"type": "x"}])
    assert set(found) == {
        "assertions[0].target",
        "assertions[0].value",
        "assertions[0].degraded",
        "assertions[1].type",
    }


def test_a_type_that_does_not_suit_the_monitor_is_refused() -> None:
    found = problems([OK], allowed={AssertionType.RESPONSE_TIME})
    assert found == {"assertions[0].type": "must be one of response_time with a monitor of this type"}


@pytest.mark.parametrize("value", [200, 200.0, "200", " 200 ", "-1", "1.5e2", ".5", 10**30])
def test_a_number_may_be_written_as_text(value: Any) -> None:
    assert [each.value for each in parse([{**OK, "value": value}]).conditions()] == [value]


@pytest.mark.parametrize("value", [None, ""])
def test_a_form_may_send_an_empty_value_where_none_is_needed(value: Any) -> None:
    parse([{"type": "json_path", "target": "$.a", "operator": "exists", "value": value}])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "target", "operator", "value", "degraded", "groups", "conditions"]),
            inner | st.sampled_from([*AssertionType, *Operator, "and", "or", "$.a", "$["]).map(str),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_document_does_more_than_be_read_or_be_refused(document: Any) -> None:
    found: Tree | dict[str, str]
    try:
        found = parse(document)
    except InvalidDocument as exc:
        found = exc.fields
    if isinstance(found, Tree):
        assert len(list(found.conditions())) <= MAX_CONDITIONS
    else:
        assert found
        assert all(path.startswith("assertions") for path in found)


def test_a_type_with_nothing_to_assert_says_so() -> None:
    assert problems([OK], allowed=()) == {
        "assertions[0].type": "can't be asserted: a monitor of this type has nothing to look at"
    }
    assert parse([], allowed=()).groups == ()
