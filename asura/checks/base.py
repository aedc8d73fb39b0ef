"""What a type of monitor is: its description, its settings, and how one attempt is made."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from asura.model.assertion import AssertionType
from asura.protocols.attempt import Attempt, Env, Keep


@attrs.frozen(kw_only=True)
class TargetField:
    """How the form asks for the target."""

    label: str
    help: str
    placeholder: str


def _no_problem(target: str, settings: Any, env: Env) -> Mapping[str, str]:
    return {}


@attrs.frozen(kw_only=True)
class CheckType:
    """A kind of monitor. Its form, validation, OpenAPI schema and page in the docs all come from this definition."""

    name: str
    label: str
    """As a person calls it."""
    about: str
    """Markdown for the docs: what is checked, what counts as up, degraded and down, what it needs."""
    target: TargetField
    settings: type[Any]
    """An attrs class; each field has a default, validators and metadata (label, help, unit, secret, choices)."""
    target_problem: Callable[[str], str | None]
    """What is wrong with a target, as "must …", or None."""
    hosts: Callable[[str, Any], Mapping[str, str]]
    """(target, settings) → every host that a check connects to, by the field that names it (`target`,
    `settings.proxy`): `Guard.literal_refusal` says whether each may be reached. Both are free of problems."""
    prepare: Callable[[str, Any, Env, Keep], Attempt]
    """Do once what doesn't change from check to check. (target, settings, env, keep) → attempt."""
    problems: Callable[[str, Any, Env], Mapping[str, str]] = _no_problem
    """What is wrong with target and settings together, or under this configuration, by field."""
    asserts: frozenset[AssertionType] = frozenset({AssertionType.RESPONSE_TIME})
    """What assertions can be made about its answers. One with a body can track changes, too."""
    example: Mapping[str, Any] = attrs.field(factory=dict)
    """Settings for the example in the docs, where the defaults alone would be refused or say little."""
    is_local: bool = False
    """Only this machine can check it; probes elsewhere can't."""
    is_passive: bool = False
    """Nothing is checked: what is watched reports by itself. Needs no target, and the scheduler leaves it alone."""

    @property
    def tracks_changes(self) -> bool:
        """Whether there is a text that change detection could compare."""
        return bool(self.asserts & {AssertionType.BODY_CONTAINS, AssertionType.DNS_RECORD})
