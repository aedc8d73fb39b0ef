"""Documents into trees of conditions. What can't be evaluated is refused here, every problem at its path."""

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from asura.assertions import json_path, regex
from asura.assertions.numbers import number_in
from asura.assertions.table import SUBJECTS, Subject, ValueKind
from asura.errors import InvalidDocument
from asura.model.assertion import AssertionType, Condition, Group, Junction, Operator, Tree

FIELD = "assertions"
"""Of the monitor's document."""
MAX_CONDITIONS = 50
"""Of one monitor, in all groups: each result is stored with each check."""
MAX_GROUPS = 20
MAX_VALUE_CHARS = 1024
MAX_VALUE_PARTS = 100
"""Members and elements of a JSON value that something is compared with."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONDITION_FIELDS = ("type", "target", "operator", "value", "degraded")

Problems = dict[str, str]


def parse(document: Any, *, allowed: Collection[AssertionType] = tuple(AssertionType)) -> Tree:
    """The tree that `document` describes: a list of conditions, or an object with groups of them.

    `allowed` are the types that suit the monitor.

    Raises InvalidDocument: every problem by its path, such as `assertions[2].value`.
    """
    problems: Problems = {}
    tree = _tree(document, allowed, problems)
    if problems:
        raise InvalidDocument({_whole_path(path): text for path, text in problems.items()})
    return tree


def _whole_path(path: str) -> str:
    return f"{FIELD}{path}" if not path or path.startswith("[") else f"{FIELD}.{path}"


def _tree(document: Any, allowed: Collection[AssertionType], problems: Problems) -> Tree:
    if isinstance(document, list | tuple):
        if len(document) > MAX_CONDITIONS:
            problems[""] = f"must have at most {MAX_CONDITIONS} conditions, not {len(document)}"
            return Tree()
        found = [_condition(each, f"[{index}]", allowed, problems) for index, each in enumerate(document)]
        return Tree(groups=(Group(conditions=tuple(filter(None, found))),) if document else ())
    if not isinstance(document, Mapping):
        problems[""] = "must be a list of conditions, or an object with an operator and groups"
        return Tree()
    _unknown(document, ("operator", "groups"), "", problems)
    operator = _junction(document, "", problems)
    groups = document.get("groups")
    if not isinstance(groups, list | tuple) or not 1 <= len(groups) <= MAX_GROUPS:
        problems["groups"] = f"must be a list of 1 to {MAX_GROUPS} groups"
        return Tree()
    tree = Tree(
        operator=operator,
        groups=tuple(_group(each, f"groups[{index}]", allowed, problems) for index, each in enumerate(groups)),
    )
    if sum(1 for _ in tree.conditions()) > MAX_CONDITIONS:
        problems["groups"] = f"must have at most {MAX_CONDITIONS} conditions in all"
    return tree


def _group(raw: Any, path: str, allowed: Collection[AssertionType], problems: Problems) -> Group:
    if not isinstance(raw, Mapping):
        problems[path] = "must be an object with an operator and conditions"
        return Group(conditions=())
    _unknown(raw, ("operator", "conditions"), path, problems)
    operator = _junction(raw, path, problems)
    conditions = raw.get("conditions")
    if not isinstance(conditions, list | tuple) or not 1 <= len(conditions) <= MAX_CONDITIONS:
        # An empty group would be true as “and” and false as “or”, which nobody expects.
        problems[f"{path}.conditions"] = f"must be a list of 1 to {MAX_CONDITIONS} conditions"
        return Group(conditions=())
    found = [
        _condition(each, f"{path}.conditions[{index}]", allowed, problems) for index, each in enumerate(conditions)
    ]
    return Group(operator=operator, conditions=tuple(filter(None, found)))


def _junction(raw: Mapping[str, Any], path: str, problems: Problems) -> Junction:
    operator = raw.get("operator")
    if operator in tuple(Junction):
        return Junction(operator)
    problems[_join(path, "operator")] = "must be one of and, or" if "operator" in raw else "is required: and, or"
    return Junction.AND


def _condition(raw: Any, path: str, allowed: Collection[AssertionType], problems: Problems) -> Condition | None:
    """One condition, None when it has problems."""
    if not isinstance(raw, Mapping):
        problems[path] = "must be an object with a type, an operator and a value"
        return None
    found: Problems = {}
    _unknown(raw, _CONDITION_FIELDS, "", found)
    kind = _type(raw, allowed, found)
    if kind is not None:
        subject = SUBJECTS[kind]
        _check_target(raw, subject, found)
        _check_value(raw, subject, found)
    degraded = raw.get("degraded", False)
    if not isinstance(degraded, bool):
        found["degraded"] = "must be true or false"
    if found or kind is None:
        problems |= {_join(path, name): text for name, text in found.items()}
        return None
    target = raw.get("target")
    return Condition(
        type=kind,
        operator=Operator(raw["operator"]),
        target=target,
        value=raw.get("value"),
        degraded=degraded,
    )


def _type(raw: Mapping[str, Any], allowed: Collection[AssertionType], problems: Problems) -> AssertionType | None:
    name = raw.get("type")
    if not allowed:
        problems["type"] = "can't be asserted: a monitor of this type has nothing to look at"
        return None
    suiting = ", ".join(each for each in AssertionType if each in allowed)
    if not isinstance(name, str) or name not in tuple(AssertionType):
        problems["type"] = f"must be one of {suiting}" if "type" in raw else f"is required: one of {suiting}"
        return None
    if name not in allowed:
        problems["type"] = f"must be one of {suiting} with a monitor of this type"
        return None
    return AssertionType(name)


def _check_target(raw: Mapping[str, Any], subject: Subject, problems: Problems) -> None:
    target, wanted = raw.get("target"), subject.target
    if wanted is None:
        if target not in (None, ""):
            problems["target"] = "must be left out: there is only one thing to look at"
        return
    if not isinstance(target, str) or not target:
        problems["target"] = f"is required: {wanted.label}, such as {wanted.placeholder}"
    elif len(target) > wanted.max_chars:
        problems["target"] = f"must be at most {wanted.max_chars} characters, not {len(target)}"
    elif subject is SUBJECTS[AssertionType.JSON_PATH]:
        _attempt(json_path.check, target, "target", problems)
    elif _HEADER_NAME.fullmatch(target) is None:
        problems["target"] = "must be a header's name, of letters, digits and hyphens"


def _check_value(raw: Mapping[str, Any], subject: Subject, problems: Problems) -> None:
    name, value = raw.get("operator"), raw.get("value")
    if not isinstance(name, str) or name not in subject.operators:
        wanted = ", ".join(subject.operators)
        problems["operator"] = f"must be one of {wanted}" if "operator" in raw else f"is required: one of {wanted}"
        return
    kind = subject.operators[Operator(name)]
    if kind is ValueKind.NONE:
        if value not in (None, ""):
            problems["value"] = f"must be left out: {name} needs none"
    elif "value" not in raw:
        problems["value"] = "is required"
    elif kind is ValueKind.ANY:
        if not _is_small(value):
            problems["value"] = (
                f"must be at most {MAX_VALUE_CHARS} characters, and have at most {MAX_VALUE_PARTS} parts"
            )
    elif kind is ValueKind.NUMBER:
        number = number_in(value)
        if number is None or (isinstance(number, float) and not math.isfinite(number)):
            problems["value"] = "must be a number"
    elif not isinstance(value, str):
        problems["value"] = "must be a text" if kind is ValueKind.TEXT else "must be a regular expression, as a text"
    elif len(value) > MAX_VALUE_CHARS:
        problems["value"] = f"must be at most {MAX_VALUE_CHARS} characters, not {len(value)}"
    elif not value and name not in (Operator.EQ, Operator.NEQ):
        problems["value"] = "must not be empty: everything contains nothing"
    elif kind is ValueKind.REGEX:
        _attempt(regex.compiled, value, "value", problems)


def _attempt(make: Any, text: str, name: str, problems: Problems) -> None:
    try:
        make(text)
    except ValueError as exc:
        problems[name] = str(exc)


def _is_small(value: Any) -> bool:
    """Whether a JSON value is short enough to be compared with and told."""
    stack, parts, chars = [value], 0, 0
    while stack:
        each = stack.pop()
        parts += 1
        if isinstance(each, Mapping):
            chars += sum(map(len, each))
            stack.extend(each.values())
        elif isinstance(each, list | tuple):
            stack.extend(each)
        elif isinstance(each, str):
            chars += len(each)
        if parts > MAX_VALUE_PARTS or chars > MAX_VALUE_CHARS:
            return False
    return True


def _unknown(raw: Mapping[str, Any], known: Collection[str], path: str, problems: Problems) -> None:
    for name in [each for each in raw if each not in known][:MAX_CONDITIONS]:
        problems[_join(path, str(name)[:100])] = "unknown field"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
