"""Assertions as clients meet them: the schema of what they send, the table that their forms come from, the results."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from asura.api.schema import Schema
from asura.assertions.parsing import MAX_CONDITIONS, MAX_GROUPS, MAX_VALUE_CHARS, parse
from asura.assertions.table import OPERATOR_LABELS, SUBJECTS, Subject, ValueKind
from asura.checks.base import CheckType
from asura.errors import InvalidDocument
from asura.model.assertion import BODY_ASSERTIONS, AssertionType, Junction, Operator


@attrs.frozen(kw_only=True, slots=False)
class AssertionTarget:
    """Which of several things is looked at, such as a header's name."""

    label: str
    help: str
    placeholder: str


@attrs.frozen(kw_only=True, slots=False)
class AssertionOperator:
    """How what is seen can be judged, and what kind of value that needs; `any` is any JSON value."""

    name: Operator
    label: str
    value: ValueKind


@attrs.frozen(kw_only=True, slots=False)
class AssertionSpec:
    """What can be asserted of one thing."""

    type: AssertionType
    label: str
    help: str
    target: AssertionTarget | None
    operators: Sequence[AssertionOperator]
    unit: str
    value_placeholder: str


@attrs.frozen(kw_only=True, slots=False)
class AssertionResult:
    """What became of one condition: what was expected and what was seen."""

    type: AssertionType
    target: str | None
    operator: Operator
    value: Any
    degraded: bool
    ok: bool
    expected: str
    seen: str


def specs() -> list[AssertionSpec]:
    """The whole table."""
    return [_spec(kind, subject) for kind, subject in SUBJECTS.items()]


def _spec(kind: AssertionType, subject: Subject) -> AssertionSpec:
    target = subject.target
    return AssertionSpec(
        type=kind,
        label=subject.label,
        help=subject.help,
        target=None
        if target is None
        else AssertionTarget(label=target.label, help=target.help, placeholder=target.placeholder),
        operators=[
            AssertionOperator(name=operator, label=OPERATOR_LABELS[operator], value=value)
            for operator, value in subject.operators.items()
        ],
        unit=subject.unit,
        value_placeholder=subject.value_placeholder,
    )


def problems(document: Any, kind: CheckType | None, settings: Any) -> dict[str, str]:
    """What is wrong with the assertions of a monitor, by path; what can't be evaluated is wrong."""
    try:
        tree = parse(document, allowed=tuple(AssertionType) if kind is None else kind.asserts)
    except InvalidDocument as exc:
        return exc.fields
    method = settings.get("method") if isinstance(settings, Mapping) else None
    if method == "HEAD" and any(each.type in BODY_ASSERTIONS for each in tree.conditions()):
        return {"assertions": "must not look at the body with the method HEAD, whose answers have none"}
    return {}


def results(stored: Sequence[Mapping[str, Any]]) -> list[AssertionResult]:
    """The results of a check's assertions from its detail."""
    return [
        AssertionResult(
            type=AssertionType(each["type"]),
            target=each.get("target"),
            operator=Operator(each["operator"]),
            value=each.get("value"),
            degraded=each.get("degraded", False),
            ok=each["ok"],
            expected=each["expected"],
            seen=each["seen"],
        )
        for each in stored
    ]


def schema() -> Schema:
    """What may stand in `assertions`: a list of conditions, or groups of them."""
    conditions = {"type": "array", "items": _condition(), "minItems": 1, "maxItems": MAX_CONDITIONS}
    junction = {"type": "string", "enum": [each.value for each in Junction]}
    return {
        "description": f"A list, of which everything must hold, or groups. At most {MAX_CONDITIONS} conditions in all.",
        "anyOf": [
            {**conditions, "minItems": 0},
            {
                "type": "object",
                "properties": {
                    "operator": junction,
                    "groups": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MAX_GROUPS,
                        "items": {
                            "type": "object",
                            "properties": {"operator": junction, "conditions": conditions},
                            "required": ["operator", "conditions"],
                            "additionalProperties": False,
                        },
                    },
                },
                "required": ["operator", "groups"],
                "additionalProperties": False,
            },
        ],
    }


_NUMBER_OR_TEXT: Schema = {"type": ["number", "string"], "description": "a number, perhaps as text"}
_VALUES: Mapping[ValueKind, Schema] = {
    ValueKind.NUMBER: _NUMBER_OR_TEXT,
    ValueKind.TEXT: {"type": "string", "maxLength": MAX_VALUE_CHARS},
    ValueKind.REGEX: {"type": "string", "minLength": 1, "maxLength": MAX_VALUE_CHARS, "description": "RE2's syntax"},
    ValueKind.ANY: {"description": "any JSON value"},
    ValueKind.NONE: {"enum": [None, ""], "description": "left out"},
}


def _condition() -> Schema:
    """One alternative for each type and each kind of value."""
    return {
        "anyOf": [
            _alternative(kind, subject, value)
            for kind, subject in SUBJECTS.items()
            for value in dict.fromkeys(subject.operators.values())
        ]
    }


def _alternative(kind: AssertionType, subject: Subject, value: ValueKind) -> Schema:
    properties: Schema = {
        "type": {"const": kind.value},
        "operator": {
            "type": "string",
            "enum": [name.value for name, each in subject.operators.items() if each is value],
        },
        "value": _VALUES[value],
        "degraded": {"type": "boolean", "default": False, "description": "degraded, not down, when it fails"},
    }
    required = ["type", "operator"] + ([] if value is ValueKind.NONE else ["value"])
    if subject.target is not None:
        properties["target"] = {
            "type": "string",
            "minLength": 1,
            "maxLength": subject.target.max_chars,
            "description": f"{subject.target.label}: {subject.target.help}",
        }
        required.append("target")
    else:
        properties["target"] = {"enum": [None, ""]}
    return {
        "type": "object",
        "description": f"{subject.label}: {subject.help}",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
