"""One condition and one answer: what holds, what fails, and what is said of it."""

import json
import time
from typing import Any

import pytest

from asura.assertions.answer import decoded
from asura.assertions.evaluating import Judgement, evaluate
from asura.assertions.parsing import parse
from asura.assertions.table import OPERATOR_LABELS, SUBJECTS
from asura.model.assertion import AssertionType, Operator
from asura.model.monitor import Status
from asura.model.observation import Outcome, Reply

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
DOCUMENT = {
    "status": "ok",
    "count": 200,
    "text": "200",
    "ratio": 0.5,
    "on": True,
    "off": False,
    "none": None,
    "tags": ["a", "b", 3],
    "nested": {"a": [1, {"b": 2}]},
    "checks": [{"up": True, "ms": 10}, {"up": False, "ms": 20}],
}


def answer(**changes: Any) -> Outcome:
    headers = [("content-type", "text/html"), ("x-depth", "12"), ("via", "a"), ("via", "b"), ("set-cookie", "id=hush")]
    fields: dict[str, Any] = {
        "status": Status.UP,
        "status_code": 200,
        "response_ms": 250,
        "cert_expires_at": NOW_MS + 14 * DAY_MS,
        "reply": Reply(headers=headers, body="Hello, World\nversion: 12"),
        "detail": {"dns_records": ["192.0.2.1", "10 Mail.example.org."]},
    }
    return Outcome(**{**fields, **changes})


def judged(document: Any, **changes: Any) -> Judgement:
    return evaluate(parse(document), answer(**changes), now_ms=NOW_MS)


def condition(kind: str, operator: str, value: Any = None, target: str | None = None) -> dict[str, Any]:
    found = {"type": kind, "operator": operator}
    if value is not None or operator in ("eq", "neq"):
        found["value"] = value
    return found if target is None else {**found, "target": target}


_SIMPLE = [
    # type, operator, a value for which it holds, one for which it doesn't
    ("status_code", "eq", 200, 201),
    ("status_code", "neq", 201, 200),
    ("status_code", "gt", 199, 200),
    ("status_code", "lt", 201, 200),
    ("status_code", "gte", 200, 201),
    ("status_code", "lte", 200, 199),
    ("body_contains", "contains", "World", "world"),
    ("body_contains", "not_contains", "world", "World"),
    ("body_regex", "matches", r"version: \d+$", r"^version"),
    ("body_regex", "matches", r"(?m)^version", r"(?m)^Version"),
    ("body_regex", "not_matches", r"(?i)error", r"(?i)hello"),
    ("response_time", "gt", 249, 250),
    ("response_time", "lt", 251, 250),
    ("response_time", "gte", 250, 251),
    ("response_time", "lte", 250, 249),
    ("cert_expiry", "gt", 13.9, 14),
    ("cert_expiry", "gte", 14, 15),
    ("cert_expiry", "lt", 15, 14),
    ("cert_expiry", "lte", 14, 13.9),
    ("dns_record", "eq", "192.0.2.1", "192.0.2.2"),
    ("dns_record", "eq", "10 mail.example.org", "mail.example.org"),
    ("dns_record", "neq", "192.0.2.2", "192.0.2.1"),
    ("dns_record", "contains", "192.0", "192.1"),
    ("dns_record", "not_contains", "192.1", "Mail"),
    ("dns_record", "matches", r"^192\.", r"^193\."),
    ("dns_record", "not_matches", r"^193\.", r"^192\."),
]
_HEADERS = [
    ("content-type", "eq", "text/html", "text/HTML"),
    ("Content-Type", "neq", "text/plain", "text/html"),
    ("via", "eq", "a, b", "a"),
    ("via", "contains", "b", "c"),
    ("via", "not_contains", "c", "a"),
    ("via", "matches", "^a, b$", "^b"),
    ("via", "not_matches", "^b", "^a"),
    ("x-depth", "gt", 11, 12),
    ("x-depth", "lt", "12.5", 12),
    ("x-depth", "gte", 12, 13),
    ("x-depth", "lte", 12, 11),
]
_PATHS = [
    ("$.status", "eq", "ok", "OK"),
    ("$.status", "neq", "bad", "ok"),
    ("$.count", "eq", 200, 201),
    ("$.count", "eq", 200.0, True),
    ("$.count", "eq", "200", "2e3"),
    ("$.count", "neq", "201", "200"),
    ("$.text", "eq", 200, 201),
    ("$.text", "eq", "200", "200.0"),
    ("$.on", "eq", True, 1),
    ("$.off", "eq", False, 0),
    ("$.none", "eq", None, "null"),
    ("$.none", "neq", 0, None),
    ("$.nested", "eq", {"a": [1.0, {"b": 2}]}, {"a": [1, {"b": 3}]}),
    ("$.tags", "eq", ["a", "b", 3], ["b", "a", 3]),
    ("$.count", "gt", 199.5, 200),
    ("$.ratio", "lt", 1, 0.5),
    ("$.text", "gte", 200, 200.5),
    ("$.count", "lte", "200", 1),
    ("$.status", "contains", "o", "x"),
    ("$.tags", "contains", "b", "c"),
    ("$.tags", "contains", "3", 4),
    ("$.nested", "contains", "a", "b"),
    ("$.status", "not_contains", "x", "o"),
    ("$.tags", "not_contains", "c", "a"),
    ("$.status", "matches", "^o", "^k"),
    ("$.count", "matches", "^20", "^21"),
    ("$.nested", "matches", r"\[1,", r"\[2,"),
    ("$.status", "not_matches", "^k", "^o"),
    ("$.checks[*].ms", "gte", 10, 11),
    ("$.checks[*].ms", "neq", 30, 20),
    ("$.checks[*].up", "neq", 1, False),
]
TABLE = (
    [(kind, operator, None, right, wrong) for kind, operator, right, wrong in _SIMPLE]
    + [("header", operator, name, right, wrong) for name, operator, right, wrong in _HEADERS]
    + [("json_path", operator, path, right, wrong) for path, operator, right, wrong in _PATHS]
)


@pytest.mark.parametrize(
    ("kind", "operator", "target", "right", "wrong"),
    TABLE,
    ids=[f"{kind} {target or ''} {operator} {right!r}" for kind, operator, target, right, _ in TABLE],
)
def test_a_condition_holds_for_the_right_value_only(
    kind: str, operator: str, target: str | None, right: Any, wrong: Any
) -> None:
    changes = {"reply": Reply(body=json.dumps(DOCUMENT))} if kind == "json_path" else {}
    if kind == "dns_record":
        changes = {"reply": None}
    held = judged([condition(kind, operator, right, target)], **changes)
    assert (held.status, held.message, held.results[0].ok) == (Status.UP, "", True)
    failed = judged([condition(kind, operator, wrong, target)], **changes)
    assert (failed.status, failed.results[0].ok) == (Status.DOWN, False)
    assert failed.message == (
        f"{failed.message.split(': expected ')[0]}: expected {failed.results[0].expected}, got {failed.results[0].seen}"
    )
    assert failed.results[0].expected
    assert failed.results[0].seen


def test_every_operator_of_every_type_is_in_the_table() -> None:
    tested = {(kind, operator) for kind, operator, *_ in TABLE}
    presence = {"exists", "not_exists"}
    wanted = {(kind, operator) for kind, each in SUBJECTS.items() for operator in each.operators}
    assert {(str(kind), str(operator)) for kind, operator in wanted if operator not in presence} == tested
    assert set(SUBJECTS) == set(AssertionType)
    assert set(OPERATOR_LABELS) == set(Operator)


@pytest.mark.parametrize(
    ("kind", "there", "missing"),
    [("header", "via", "x-none"), ("json_path", "$.none", "$.nothing"), ("json_path", "$.tags[2]", "$.tags[3]")],
)
def test_what_is_missing_fails_everything_but_that_it_does_not_exist(kind: str, there: str, missing: str) -> None:
    changes = {"reply": Reply(body=json.dumps(DOCUMENT))} if kind == "json_path" else {}
    assert judged([condition(kind, "exists", target=there)], **changes).status is Status.UP
    assert judged([condition(kind, "not_exists", target=there)], **changes).status is Status.DOWN
    for operator in SUBJECTS[AssertionType(kind)].operators:
        value = None if operator in ("exists", "not_exists") else 1 if operator in ("gt", "lt", "gte", "lte") else "x"
        found = judged([condition(kind, operator, value, missing)], **changes)
        assert (found.status is Status.UP) is (operator == "not_exists"), operator
        assert found.results[0].seen in ("no such header", "no such value")


def test_no_dns_record_exists_where_there_is_none() -> None:
    for reply, detail in ((None, {"dns_records": []}), (None, None), (Reply(body=""), None)):
        found = judged([condition("dns_record", "exists")], reply=reply, detail=detail)
        assert (found.status, found.results[0].seen) == (Status.DOWN, "no records")
        assert judged([condition("dns_record", "not_exists")], reply=reply, detail=detail).status is Status.UP
    assert judged([condition("dns_record", "exists")]).status is Status.UP


def test_of_several_values_each_must_be_so() -> None:
    reply = Reply(body=json.dumps(DOCUMENT))
    found = judged([condition("json_path", "eq", True, "$.checks[*].up")], reply=reply)
    assert found.message == "$.checks[*].up: expected true, got false (value 2 of 2)"


@pytest.mark.parametrize(
    ("document", "changes", "message"),
    [
        ([condition("status_code", "eq", 201)], {}, "status code: expected 201, got 200"),
        (
            [condition("status_code", "neq", 3)],
            {"status_code": None, "detail": {"exit_status": 3}},
            "status code: expected not 3, got 3",
        ),
        ([condition("status_code", "eq", 200)], {"status_code": None}, "status code: expected 200, got no status"),
        ([condition("response_time", "lt", 200)], {}, "response time: expected less than 200 ms, got 250 ms"),
        (
            [condition("response_time", "lt", 200)],
            {"response_ms": None},
            "response time: expected less than 200 ms, got no response time",
        ),
        (
            [condition("cert_expiry", "gte", 14)],
            {"cert_expires_at": NOW_MS + 14 * DAY_MS - 1},
            "certificate: expected at least 14 days, got 13.9 days",
        ),
        (
            [condition("cert_expiry", "gte", 0)],
            {"cert_expires_at": NOW_MS - 1},
            "certificate: expected at least 0 days, got -0.1 days",
        ),
        (
            [condition("cert_expiry", "gte", 14)],
            {"cert_expires_at": None},
            "certificate: expected at least 14 days, got no certificate",
        ),
        (
            [condition("body_contains", "contains", "ok")],
            {},
            'body: expected to contain "ok", got "Hello, World\\nversion: 12"',
        ),
        (
            [condition("body_contains", "contains", "ok")],
            {"reply": Reply(body="abc", is_cut=True)},
            'body: expected to contain "ok", got "abc" (the first 3 characters, and no more is read)',
        ),
        (
            [condition("body_contains", "not_contains", "x")],
            {"reply": Reply()},
            'body: expected not to contain "x", got no body that is text',
        ),
        ([condition("body_regex", "not_matches", r"v\w+")], {}, r'body: expected not to match v\w+, got "version"'),
        ([condition("json_path", "eq", 1, "$.a")], {}, "$.a: expected 1, got a body that is not JSON"),
        (
            [condition("json_path", "not_exists", None, "$.a")],
            {},
            "$.a: expected not to exist, got a body that is not JSON",
        ),
        ([condition("json_path", "eq", 1, "$.a")], {"reply": Reply(body=" ")}, "$.a: expected 1, got an empty body"),
        (
            [condition("json_path", "eq", 1, "$.a")],
            {"reply": Reply(body="[1", is_cut=True)},
            "$.a: expected 1, got a body that is not JSON, for it is longer than what is read of it",
        ),
        ([condition("json_path", "eq", 1, "$.a")], {"reply": None}, "$.a: expected 1, got no body that is text"),
        ([condition("header", "eq", "x", "Via")], {}, 'header via: expected "x", got "a, b"'),
        ([condition("header", "gt", 1, "via")], {}, 'header via: expected more than 1, got "a, b"'),
        (
            [condition("header", "eq", "x", "Set-Cookie")],
            {},
            'header set-cookie: expected "x", got a value of 7 characters, not shown',
        ),
        (
            [condition("status_code", "eq", 1), condition("status_code", "eq", 2), condition("status_code", "eq", 200)],
            {},
            "status code: expected 1, got 200; 1 more assertion failed",
        ),
        (
            [
                {**condition("status_code", "eq", 1), "degraded": True},
                condition("status_code", "eq", 2),
                condition("status_code", "eq", 3),
            ],
            {},
            "status code: expected 2, got 200; 2 more assertions failed",
        ),
    ],
)
def test_a_message_says_what_was_expected_and_what_was_seen(
    document: Any, changes: dict[str, Any], message: str
) -> None:
    assert judged(document, **changes).message == message


def test_the_branch_of_an_or_that_was_saved_is_not_to_blame() -> None:
    wrong, right = condition("status_code", "eq", 1), condition("status_code", "eq", 200)
    other = condition("response_time", "lt", 1)
    found = judged(
        {
            "operator": "and",
            "groups": [
                {"operator": "or", "conditions": [wrong, right]},
                {"operator": "and", "conditions": [other]},
            ],
        }
    )
    assert found.message == "response time: expected less than 1 ms, got 250 ms"
    assert [each.ok for each in found.results] == [False, True, False]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "an empty body"),
        ("<html>", "not JSON"),
        ("[NaN]", "not JSON"),
        ("[Infinity]", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("[1,]", "not JSON"),
        ("[1] [2]", "not JSON"),
        ('["\\ud800"]', "not JSON"),
        ("[1e999]", "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 99_000 + "]" * 99_000, "nested too deeply"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
        ("[" + ",".join(["{}"] * 200_000) + "]", "objects and lists"),
        ('"' + "x" * 5_000_000 + '"', "too long"),
    ],
    ids=lambda value: value[:20],
)
def test_hostile_json_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        decoded(text)


def test_what_json_leaves_open_is_decided() -> None:
    assert decoded('{"a": 1, "a": 2}') == {"a": 2}, "of the same name the last counts"
    assert decoded("\ufeff[1]") == [1]
    assert decoded("123456789012345678901234567890") == 123456789012345678901234567890
    reply = Reply(body='{"n": 12345678901234567890123, "m": 9007199254740993}')
    assert judged([condition("json_path", "gt", 1, "$.n")], reply=reply).status is Status.UP
    assert judged([condition("json_path", "neq", 9007199254740992, "$.m")], reply=reply).status is Status.UP


@pytest.mark.parametrize(
    ("body", "document"),
    [
        pytest.param("a" * 1_000_000, [condition("body_regex", "matches", "(a+)+b")] * 50, id="patterns"),
        pytest.param(
            "a" * 1_000_000, [condition("body_regex", "not_matches", "[a-z]{1,900}0")] * 50, id="the worst patterns"
        ),
        pytest.param("a" * 1_000_000, [condition("body_contains", "contains", "a" * 500 + "b")] * 50, id="texts"),
        pytest.param(
            json.dumps([[i] for i in range(90_000)]),
            [condition("json_path", "eq", 1, "$..[?@ == $[0]]")] * 50,
            id="paths",
        ),
        pytest.param(json.dumps(["1"] * 200_000), [condition("json_path", "contains", 2, "$")] * 50, id="elements"),
        pytest.param("[" * 900 + "]" * 900, [condition("json_path", "matches", "x", "$..*")] * 50, id="deep"),
        pytest.param(
            "[" + ("[" * 400 + "]" * 400 + ",") * 100 + "1]",
            [condition("json_path", "matches", "x", "$..*")] * 50,
            id="wide and deep",
        ),
    ],
)
def test_no_answer_keeps_its_assertions_busy_for_long(body: str, document: Any) -> None:
    tree = parse(document)
    began = time.thread_time()
    evaluate(tree, answer(reply=Reply(body=body)), now_ms=NOW_MS)
    assert time.thread_time() - began < 4


@pytest.mark.parametrize("text", ["\ud800" * 5000, "\0" * 5000, "\n" * 5000, "😀" * 5000, '"' * 5000, "\\" * 5000])
def test_what_was_seen_is_short_and_can_be_stored(text: str) -> None:
    reply = Reply(body=text, headers=[("x-a", text)])
    found = judged([condition("body_contains", "contains", "zz"), condition("header", "eq", "zz", "x-a")], reply=reply)
    in_json = judged(
        [condition("json_path", "eq", "zz", "$.a")], reply=Reply(body=json.dumps({"a": text}, ensure_ascii=False))
    )
    for each in (*found.results, *in_json.results):
        assert max(len(each.seen), len(each.expected)) <= 200
        assert "\0" not in each.seen
        each.seen.encode()
