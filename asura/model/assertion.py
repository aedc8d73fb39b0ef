"""An assertion: what an answer must be like, beyond what its type already demands."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import attrs


class AssertionType(StrEnum):
    """What of an answer is looked at."""

    STATUS_CODE = "status_code"
    BODY_CONTAINS = "body_contains"
    BODY_REGEX = "body_regex"
    JSON_PATH = "json_path"
    HEADER = "header"
    RESPONSE_TIME = "response_time"
    CERT_EXPIRY = "cert_expiry"
    DNS_RECORD = "dns_record"


class Operator(StrEnum):
    """How what is seen is held against the value."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    LT = "lt"
    GTE = "gte"
    LTE = "lte"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    MATCHES = "matches"
    NOT_MATCHES = "not_matches"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"


class Junction(StrEnum):
    """How several conditions or groups of them become one."""

    AND = "and"
    OR = "or"


BODY_ASSERTIONS = frozenset({AssertionType.BODY_CONTAINS, AssertionType.BODY_REGEX, AssertionType.JSON_PATH})
"""Those that need the body to be kept."""


@attrs.frozen(kw_only=True)
class Condition:
    """One thing that must be so."""

    type: AssertionType
    operator: Operator
    target: str | None = None
    """A header's name or a JSON path, of the types that look at one of several things."""
    value: Any = None
    """Plain JSON; None for the operators that need none, and for null."""
    degraded: bool = False
    """When it isn't so, the answer is degraded, not down."""


@attrs.frozen(kw_only=True)
class Group:
    """Conditions that stand together."""

    operator: Junction = Junction.AND
    conditions: Sequence[Condition]


@attrs.frozen(kw_only=True)
class Tree:
    """Everything that is asserted of a monitor's answers; a plain list is one group."""

    operator: Junction = Junction.AND
    groups: Sequence[Group] = ()

    def conditions(self) -> Iterator[Condition]:
        """All of them, in the order in which they were written."""
        for group in self.groups:
            yield from group.conditions


@attrs.frozen(kw_only=True)
class Result:
    """What became of one condition: what was expected and what was seen, in short texts that can be stored."""

    condition: Condition
    ok: bool
    expected: str
    seen: str
