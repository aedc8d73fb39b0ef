"""What was expected and what was seen, in texts of a bounded length that can be stored and read at 3 in the morning."""

from typing import Any

import msgspec

from asura.assertions.table import SUBJECTS, ValueKind
from asura.model.assertion import AssertionType, Condition, Operator

MAX_CHARS = 200
QUOTED_CHARS = 120
"""Of a body or a value; the rest of `MAX_CHARS` is for what is said about it."""
NAME_CHARS = 80
_EXPECTED = {
    Operator.EQ: "{}",
    Operator.NEQ: "not {}",
    Operator.GT: "more than {}",
    Operator.LT: "less than {}",
    Operator.GTE: "at least {}",
    Operator.LTE: "at most {}",
    Operator.CONTAINS: "to contain {}",
    Operator.NOT_CONTAINS: "not to contain {}",
    Operator.MATCHES: "to match {}",
    Operator.NOT_MATCHES: "not to match {}",
    Operator.EXISTS: "to exist",
    Operator.NOT_EXISTS: "not to exist",
}
_NAMES = {
    AssertionType.STATUS_CODE: "status code",
    AssertionType.BODY_CONTAINS: "body",
    AssertionType.BODY_REGEX: "body",
    AssertionType.RESPONSE_TIME: "response time",
    AssertionType.CERT_EXPIRY: "certificate",
    AssertionType.DNS_RECORD: "DNS records",
}


def name(condition: Condition) -> str:
    """What a condition looks at: "status code", "header content-type", "$.items[0].state"."""
    if condition.type is AssertionType.HEADER:
        return clipped(f"header {(condition.target or '').lower()}", NAME_CHARS)
    return _NAMES.get(condition.type) or clipped(storable(condition.target or ""), NAME_CHARS)


def expected(condition: Condition) -> str:
    """What a condition wants: "at least 14 days", "to contain "ok""."""
    subject, value = SUBJECTS[condition.type], condition.value
    if subject.operators[condition.operator] is ValueKind.REGEX:
        shown = storable(str(value))
    elif subject.operators[condition.operator] is ValueKind.NUMBER:
        shown = f"{value} {subject.unit}".rstrip()
    else:
        shown = quoted(value)
    return clipped(_EXPECTED[condition.operator].format(shown))


def quoted(value: Any, at_most: int = QUOTED_CHARS) -> str:
    """A JSON value as JSON, a long one cut; line breaks and the like are escaped."""
    if isinstance(value, str):
        short = clipped(storable(value), at_most)
        return msgspec.json.encode(short).decode()
    if isinstance(value, list | dict) and len(value) > MAX_CHARS:
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)} entries"
    try:
        text = msgspec.json.encode(value).decode(errors="replace")
    except (RecursionError, UnicodeEncodeError):
        return "a value that can't be shown"
    return clipped(storable(text), at_most)


def clipped(text: str, at_most: int = MAX_CHARS) -> str:
    """At most so many characters."""
    return text if len(text) <= at_most else f"{text[: at_most - 1]}…"


def storable(text: str) -> str:
    """Without unpaired surrogates and NUL, which neither SQLite nor JSON would take. Long texts are cut first."""
    return text[: 2 * MAX_CHARS].encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
