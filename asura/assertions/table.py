"""What can be asserted of what: the one table behind validation, the API's schema, the form and the docs."""

from collections.abc import Mapping
from enum import StrEnum

import attrs

from asura.model.assertion import AssertionType, Operator


class ValueKind(StrEnum):
    """What an operator is given."""

    NUMBER = "number"
    TEXT = "text"
    REGEX = "regex"
    ANY = "any"
    """Any JSON value."""
    NONE = "none"


@attrs.frozen(kw_only=True)
class Target:
    """Which of several things is looked at."""

    label: str
    help: str
    placeholder: str
    max_chars: int


@attrs.frozen(kw_only=True)
class Subject:
    """What one type of assertion looks at, and how that can be judged."""

    label: str
    help: str
    operators: Mapping[Operator, ValueKind]
    target: Target | None = None
    unit: str = ""
    value_placeholder: str = ""


OPERATOR_LABELS: Mapping[Operator, str] = {
    Operator.EQ: "is",
    Operator.NEQ: "is not",
    Operator.GT: "is more than",
    Operator.LT: "is less than",
    Operator.GTE: "is at least",
    Operator.LTE: "is at most",
    Operator.CONTAINS: "contains",
    Operator.NOT_CONTAINS: "does not contain",
    Operator.MATCHES: "matches",
    Operator.NOT_MATCHES: "does not match",
    Operator.EXISTS: "exists",
    Operator.NOT_EXISTS: "does not exist",
}

_ORDER = (Operator.GT, Operator.LT, Operator.GTE, Operator.LTE)
_NUMBERS = dict.fromkeys((Operator.EQ, Operator.NEQ, *_ORDER), ValueKind.NUMBER)
_LIMITS = dict.fromkeys((Operator.LT, Operator.LTE, Operator.GT, Operator.GTE), ValueKind.NUMBER)
_PARTS = dict.fromkeys((Operator.CONTAINS, Operator.NOT_CONTAINS), ValueKind.TEXT)
_PATTERNS = dict.fromkeys((Operator.MATCHES, Operator.NOT_MATCHES), ValueKind.REGEX)
_PRESENCE = dict.fromkeys((Operator.EXISTS, Operator.NOT_EXISTS), ValueKind.NONE)
_TEXTS = {Operator.EQ: ValueKind.TEXT, Operator.NEQ: ValueKind.TEXT, **_PARTS, **_PATTERNS}

SUBJECTS: Mapping[AssertionType, Subject] = {
    AssertionType.STATUS_CODE: Subject(
        label="Status code",
        help="The number that the answer came with: the HTTP status, or the exit status of a command.",
        operators=_NUMBERS,
        value_placeholder="200",
    ),
    AssertionType.BODY_CONTAINS: Subject(
        label="Body text",
        help="A text to be found, or not, in the body, capital letters and all; of a body that is longer than its "
        "limit, in what is read of it.",
        operators=_PARTS,
        value_placeholder="All systems operational",
    ),
    AssertionType.BODY_REGEX: Subject(
        label="Body pattern",
        help="A regular expression (RE2's syntax: no look-around, no backreferences) to be found, or not, anywhere in "
        "the body.",
        operators=_PATTERNS,
        value_placeholder=r"version: \d+",
    ),
    AssertionType.JSON_PATH: Subject(
        label="JSON value",
        help="What a JSON path leads to; of several values each must be so. A missing value fails everything but "
        "“does not exist”. Numbers compare as numbers, also when they are written as text.",
        operators={
            Operator.EQ: ValueKind.ANY,
            Operator.NEQ: ValueKind.ANY,
            **dict.fromkeys(_ORDER, ValueKind.NUMBER),
            Operator.CONTAINS: ValueKind.ANY,
            Operator.NOT_CONTAINS: ValueKind.ANY,
            **_PATTERNS,
            **_PRESENCE,
        },
        target=Target(
            label="JSON path", help="As in RFC 9535, beginning with $.", placeholder="$.status", max_chars=1024
        ),
        value_placeholder="ok",
    ),
    AssertionType.HEADER: Subject(
        label="Header",
        help="A header of the answer; lines of the same name are taken together, with commas between them. A missing "
        "header fails everything but “does not exist”.",
        operators={**_TEXTS, **dict.fromkeys(_ORDER, ValueKind.NUMBER), **_PRESENCE},
        target=Target(
            label="Header name",
            help="Capital letters make no difference.",
            placeholder="Content-Type",
            max_chars=256,
        ),
        value_placeholder="application/json",
    ),
    AssertionType.RESPONSE_TIME: Subject(
        label="Response time",
        help="How long the whole check took.",
        operators=_LIMITS,
        unit="ms",
        value_placeholder="500",
    ),
    AssertionType.CERT_EXPIRY: Subject(
        label="Certificate",
        help="How long all certificates of the chain are still valid, in days and parts of days.",
        operators={Operator.GT: ValueKind.NUMBER, Operator.GTE: ValueKind.NUMBER, **_LIMITS},
        unit="days",
        value_placeholder="14",
    ),
    AssertionType.DNS_RECORD: Subject(
        label="DNS records",
        help="What the name server answered: one record at least must be so, and with “not” none may be. Capital "
        "letters and a dot at the end make no difference to “is”.",
        operators={**_TEXTS, **_PRESENCE},
        value_placeholder="192.0.2.10",
    ),
}
