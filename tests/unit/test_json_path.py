"""JSON paths: the compliance suite of RFC 9535, and documents and paths that were made to hurt."""

import json
import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asura.assertions import iregexp, json_path
from asura.assertions.budget import STEPS, Budget, TooMuchWorkError
from asura.assertions.values import equal

SUITE = (
    Path(__file__).parents[2]
    / "frontend/node_modules/jsonpath-rfc9535/src/__tests__/jsonpath-compliance-test-suite/cts.json"
)
"""It comes as part of a package for Node that the dashboard's tools bring along; it is only read."""


@cache
def suite() -> list[dict[str, Any]]:
    if not SUITE.exists():
        reason = "the compliance suite is not installed; ./install.sh --test brings it"
        if os.environ.get("ASURA_NEED_PEERS"):
            pytest.fail(reason)
        pytest.skip(reason)
    found: list[dict[str, Any]] = json.loads(SUITE.read_text())["tests"]
    return found


def select(path: str, document: Any) -> list[Any]:
    return json_path.select(path, document, Budget())


def test_the_compliance_suite_is_whole() -> None:
    assert len(suite()) >= 687


def test_every_path_of_the_compliance_suite_selects_what_it_should() -> None:
    wrong = {}
    for case in suite():
        if case.get("invalid_selector"):
            continue
        found = select(case["selector"], case["document"])
        if found not in (case.get("results") or [case["result"]]):
            wrong[case["name"]] = found
    assert wrong == {}


def test_every_invalid_path_of_the_compliance_suite_is_refused() -> None:
    for case in suite():
        if case.get("invalid_selector"):
            with pytest.raises(ValueError, match=r"^must "):
                json_path.check(case["selector"])


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("", "expected '$', found '', at character 1"),
        ("status", "expected '$', found 's', at character 1"),
        ("$.", "at character 3"),
        ("$[?@.a ==", "at character"),
        ("$[?length(@.a)]", "must be compared"),
        ("$[?nonsense(@)]", "'nonsense' is not defined"),
        ("$[?match(@.a, 'x(')]", "must have an I-Regexp (RFC 9485)"),
        ("$[?@ == 1e99999]", "numbers of a usual size"),
        ("$" + ".a" * 600, "at most 1024 characters"),
        ("$" + "[?@" * 100 + "]" * 100, "nested deeper"),
        ("$[?" + "!" * 900 + "@]", "must "),
        ("$[?" + "(" * 101 + "@" + ")" * 101 + "]", "must not have more than 100 parentheses"),
    ],
    ids=lambda value: value[:24],
)
def test_a_path_that_can_not_be_evaluated_is_refused_with_the_reason(path: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refused:
        json_path.check(path)
    assert wanted in str(refused.value)


DEEP: Any = []
for _ in range(900):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("path", "document"),
    [
        pytest.param("$..[?@..[?@..[?@..*]]]", [[[i]] for i in range(3000)], id="filters within filters"),
        pytest.param("$..*..*..*..*", [[i, [i, [i]]] for i in range(2000)], id="descents behind descents"),
        pytest.param("$[?count($..*) > 1]", list(range(5000)), id="the whole document for each element"),
        pytest.param("$..[?@.a == $.b]", {"b": "x" * 500_000, "c": [{"a": "x" * 500_000}] * 50_000}, id="long texts"),
        pytest.param("$[?@ == $[0]]", [[list(range(50))] * 50] * 1000, id="large values compared"),
        pytest.param("$[" + ",".join(["*"] * 300) + "]", list(range(5000)), id="many selectors"),
        pytest.param("$[" + ",".join(["::"] * 300) + "]", list(range(5000)), id="many slices"),
        pytest.param(
            "$[?search(@.t, @.p)]", [{"t": "a" * 2000, "p": f"(a|b)*{i}"} for i in range(5000)], id="patterns"
        ),
        pytest.param("$..*", DEEP, id="deep"),
        pytest.param("$[?@ == $[0]]", [DEEP, DEEP], id="deep ones compared"),
    ],
)
def test_no_document_makes_a_path_take_long(path: str, document: Any) -> None:
    budget = Budget()
    began = time.thread_time()
    with suppress(TooMuchWorkError):
        assert len(json_path.select(path, document, budget)) <= STEPS
    assert time.thread_time() - began < 2, "a step is meant to take two microseconds"


def test_an_evaluation_stops_where_its_steps_end() -> None:
    with pytest.raises(TooMuchWorkError):
        json_path.select("$[*]", list(range(100)), Budget(99))
    assert json_path.select("$[*]", list(range(100)), Budget(100)) == list(range(100))
    names = ",".join(f"'n{each}'" for each in range(100))
    with pytest.raises(TooMuchWorkError):  # to look for what isn't there is work, too
        json_path.select(f"$..[{names}]", [{} for _ in range(20_000)], Budget())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, width=16) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_descending_finds_every_value_below(document: Any) -> None:
    def below(node: Any) -> int:
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return sum(1 + below(each) for each in children)

    assert len(select("$..*", document)) == below(document)


@settings(max_examples=200)
@given(VALUES, VALUES)
def test_values_are_equal_exactly_when_their_json_is(one: Any, other: Any) -> None:
    def plain(value: Any) -> Any:
        """As JSON sees it: 1 and 1.0 are one, true and 1 are two."""
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return (type(value).__name__, value)
        if isinstance(value, int | float):
            return ("number", float(value))
        if isinstance(value, list):
            return [plain(each) for each in value]
        return {key: plain(each) for key, each in value.items()}

    assert equal(one, one, Budget())
    assert equal(one, other, Budget()) is (plain(one) == plain(other))
    assert equal(other, one, Budget()) is equal(one, other, Budget())


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("a.c", "abc", True),
        ("a.c", "a\nc", False),
        ("a.c", "a\rc", False),
        ("a.c", "a\u2028c", True),
        ("[0-9]{2,3}", "123", True),
        ("[0-9]{2,3}", "1234", False),
        (r"\p{Lu}\p{Ll}*", "Äther", True),
        (r"\P{L}+", "123", True),
        ("[^a-c]", "d", True),
        ("[-a]", "-", True),
        (r"[\-\]]", "]", True),
        ("a|b|", "", True),
        ("(a|b)*c", "ababc", True),
        (r"\.\*\(", ".*(", True),
        ("^a$", "a", True),
    ],
)
def test_an_i_regexp_matches_as_rfc_9485_has_it(pattern: str, text: str, is_match: bool) -> None:
    assert iregexp.matches(pattern, text, whole=True) is is_match


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d",
        r"\w+",
        r"\b",
        r"\1",
        "(?:a)",
        "(?=a)",
        "a**",
        "*",
        "a{",
        "a{,3}",
        "a{2,1}",
        "[",
        "[]",
        "[a",
        "(",
        ")",
        "a)",
        r"\p{Greek}",
        "[[:alpha:]]",
        "[a&&[b]]",
        "a" * 300,
        "[a-z]{1000}{1000}",
        "a|*",
        "(*a)",
    ],
)
def test_what_is_no_i_regexp_matches_nothing(pattern: str) -> None:
    assert iregexp.translated(pattern) is None
    assert not iregexp.matches(pattern, pattern, whole=False)
