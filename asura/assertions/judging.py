"""One condition held against an answer."""

import math
from collections.abc import Callable, Sequence
from time import thread_time
from typing import Any

import msgspec

from asura.assertions import json_path, regex
from asura.assertions.answer import Answer, UnseenError
from asura.assertions.budget import Budget, TooMuchWorkError
from asura.assertions.numbers import number_in
from asura.assertions.table import SUBJECTS
from asura.assertions.values import CHARS_PER_STEP, equal, is_number
from asura.assertions.words import clipped, expected, quoted
from asura.model.assertion import AssertionType, Condition, Operator, Result

HIDDEN_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"})
"""What stands in them is not shown: they log somebody in."""

ENCODED_PER_STEP = 100
"""Characters of a value that is searched as JSON."""

Verdict = tuple[bool, str]
"""Whether it is so, and what was seen."""

_NEGATIONS = {
    Operator.NEQ: Operator.EQ,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.NOT_MATCHES: Operator.MATCHES,
}


def judge(condition: Condition, answer: Answer) -> Result:
    """What becomes of a condition. What can't be evaluated has failed, and says why."""
    try:
        ok, seen = _JUDGES[condition.type](condition, answer)
    except UnseenError as exc:
        ok, seen = False, str(exc)
    except TooMuchWorkError as exc:
        ok, seen = False, f"no result, for looking took too long: {exc}"
    except RecursionError:
        ok, seen = False, "JSON that is nested too deeply"
    return Result(condition=condition, ok=ok, expected=expected(condition), seen=clipped(seen))


def _number(condition: Condition, seen: float) -> Verdict:
    unit = SUBJECTS[condition.type].unit
    return _ordered(condition.operator, seen, condition.value), f"{seen} {unit}".rstrip()


def _status_code(condition: Condition, answer: Answer) -> Verdict:
    return _number(condition, answer.status_code())


def _response_time(condition: Condition, answer: Answer) -> Verdict:
    return _number(condition, answer.response_ms())


def _cert_expiry(condition: Condition, answer: Answer) -> Verdict:
    days = answer.days_left()
    # Cut, not rounded: 13.96 days are less than 14, and must not be shown as 14.0.
    return _ordered(condition.operator, days, condition.value), f"{math.floor(days * 10) / 10} days"


def _body_contains(condition: Condition, answer: Answer) -> Verdict:
    body = answer.body
    is_there = condition.value in body
    shown = f"{quoted(body)}{_extent(answer)}"
    return is_there is (condition.operator is Operator.CONTAINS), shown


def _body_regex(condition: Condition, answer: Answer) -> Verdict:
    body, wanted = answer.body, condition.operator is Operator.MATCHES
    found = _search(condition.value, body, answer.budget)
    if found.text is not None:
        return wanted, quoted(found.text)
    if not found.is_whole:
        return False, f"{quoted(body)}, of which only a part was searched: the pattern is too complex for more"
    return not wanted, f"{quoted(body)}{_extent(answer)}"


def _extent(answer: Answer) -> str:
    return f" (the first {len(answer.body)} characters, and no more is read)" if answer.is_cut else ""


def _header(condition: Condition, answer: Answer) -> Verdict:
    name = (condition.target or "").lower()
    value = answer.header(name)
    if value is None:
        return condition.operator is Operator.NOT_EXISTS, "no such header"
    shown = f"a value of {len(value)} characters, not shown" if name in HIDDEN_HEADERS else quoted(value)
    if condition.operator in (Operator.EXISTS, Operator.NOT_EXISTS):
        return condition.operator is Operator.EXISTS, shown
    return _text_is_so(condition.operator, value, condition.value, answer.budget), shown


def _dns_record(condition: Condition, answer: Answer) -> Verdict:
    records, operator = answer.records(), condition.operator
    shown = quoted(records) if records else "no records"
    if operator in (Operator.EXISTS, Operator.NOT_EXISTS):
        return bool(records) is (operator is Operator.EXISTS), shown
    value = condition.value
    if operator in (Operator.EQ, Operator.NEQ):
        records, value = [_plain(each) for each in records], _plain(value)
    positive = _NEGATIONS.get(operator, operator)
    is_there = any(_text_is_so(positive, each, value, answer.budget) for each in records)
    return is_there is (positive is operator), shown


def _plain(record: str) -> str:
    """A record without what makes no difference."""
    return record.lower().removesuffix(".")


def _json_path(condition: Condition, answer: Answer) -> Verdict:
    nodes = json_path.select(condition.target or "", answer.json(), answer.budget)
    operator = condition.operator
    if not nodes:
        return operator is Operator.NOT_EXISTS, "no such value"
    if operator in (Operator.EXISTS, Operator.NOT_EXISTS):
        return operator is Operator.EXISTS, _values(nodes)
    for index, node in enumerate(nodes):
        if not _node_is_so(operator, node, condition.value, answer.budget):
            place = f" (value {index + 1} of {len(nodes)})" if len(nodes) > 1 else ""
            return False, f"{quoted(node)}{place}"
    return True, _values(nodes)


def _values(nodes: Sequence[Any]) -> str:
    return quoted(nodes[0]) if len(nodes) == 1 else f"{len(nodes)} values, the first {quoted(nodes[0])}"


def _node_is_so(operator: Operator, node: Any, value: Any, budget: Budget) -> bool:
    positive = _NEGATIONS.get(operator, operator)
    match positive:
        case Operator.EQ:
            is_so = _alike(node, value, budget)
        case Operator.CONTAINS:
            is_so = _holds(node, value, budget)
        case Operator.MATCHES:
            is_so = _searched(value, _as_text(node, budget), budget)
        case _:
            number = number_in(node)
            is_so = number is not None and _ordered(operator, number, value)
    return is_so is (positive is operator)


def _alike(node: Any, value: Any, budget: Budget) -> bool:
    """The same value; a number and a text that reads as one are compared as numbers."""
    budget.spend()
    if is_number(node) is not is_number(value):
        one, other = number_in(node), number_in(value)
        if one is not None and other is not None:
            return one == other
    return equal(node, value, budget)


def _holds(node: Any, value: Any, budget: Budget) -> bool:
    """A text has the part, a list the element, an object the member of that name."""
    if isinstance(node, list):
        return any(_alike(each, value, budget) for each in node)
    if isinstance(node, dict):
        return isinstance(value, str) and value in node
    text, part = _as_text(node, budget), _as_text(value, budget)
    budget.spend(1 + len(text) // CHARS_PER_STEP)
    return part in text


def _as_text(node: Any, budget: Budget) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(node, str):
        return node
    text = msgspec.json.encode(node).decode()
    budget.spend(1 + len(text) // ENCODED_PER_STEP)
    return text


def _text_is_so(operator: Operator, text: str, value: Any, budget: Budget) -> bool:
    match operator:
        case Operator.EQ:
            return bool(text == value)
        case Operator.NEQ:
            return bool(text != value)
        case Operator.CONTAINS:
            return value in text
        case Operator.NOT_CONTAINS:
            return value not in text
        case Operator.MATCHES:
            return _searched(value, text, budget)
        case Operator.NOT_MATCHES:
            return not _searched(value, text, budget)
    number = number_in(text)
    return number is not None and _ordered(operator, number, value)


def _searched(pattern: str, text: str, budget: Budget) -> bool:
    found = _search(pattern, text, budget)
    if found.text is None and not found.is_whole:
        raise TooMuchWorkError("the pattern is too complex for so long a text")
    return found.text is not None


def _search(pattern: str, text: str, budget: Budget) -> regex.Found:
    budget.spend(1 + len(pattern) // 16)
    began_s = thread_time()
    found = regex.find(pattern, text)
    budget.measure(began_s)
    return found


def _ordered(operator: Operator, seen: float, value: Any) -> bool:
    wanted = number_in(value)
    if wanted is None:
        return False
    match operator:
        case Operator.EQ:
            return seen == wanted
        case Operator.NEQ:
            return seen != wanted
        case Operator.GT:
            return seen > wanted
        case Operator.LT:
            return seen < wanted
        case Operator.GTE:
            return seen >= wanted
        case _:
            return seen <= wanted


_JUDGES: dict[AssertionType, Callable[[Condition, Answer], Verdict]] = {
    AssertionType.STATUS_CODE: _status_code,
    AssertionType.BODY_CONTAINS: _body_contains,
    AssertionType.BODY_REGEX: _body_regex,
    AssertionType.JSON_PATH: _json_path,
    AssertionType.HEADER: _header,
    AssertionType.RESPONSE_TIME: _response_time,
    AssertionType.CERT_EXPIRY: _cert_expiry,
    AssertionType.DNS_RECORD: _dns_record,
}
