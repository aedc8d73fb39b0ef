"""Limits of settings: attrs validators that say what is wanted, and describe themselves as JSON Schema.

Types are the converter's business. Each raises ValueError with a text that reads after a field's name.
"""

from collections.abc import Collection, Mapping
from typing import Any

import attrs


@attrs.frozen
class Limit:
    """An attrs validator that describes itself."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {}

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value outside the limit."""
        raise NotImplementedError


@attrs.frozen
class Between(Limit):
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    unit: str = ""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"minimum": self.low, "maximum": self.high}

    def __call__(self, instance: object, attribute: object, value: int) -> None:
        """Raise ValueError for a number outside."""
        if not self.low <= value <= self.high:
            raise ValueError(f"must be between {self.low} and {self.high} {self.unit}".rstrip())


@attrs.frozen
class Text(Limit):
    """A text of `at_least` to `at_most` characters."""

    at_most: int
    at_least: int = 0

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"minLength": self.at_least, "maxLength": self.at_most}

    def __call__(self, instance: object, attribute: object, value: str) -> None:
        """Raise ValueError for a text that is too short or too long."""
        if len(value) > self.at_most:
            raise ValueError(f"must be at most {self.at_most} characters, not {len(value)}")
        if len(value) < self.at_least:
            raise ValueError(f"must be at least {self.at_least} characters" if value else "must not be empty")


@attrs.frozen
class OneOf(Limit):
    """One of a few words."""

    choices: Collection[str]

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"enum": list(self.choices)}

    def __call__(self, instance: object, attribute: object, value: str) -> None:
        """Raise ValueError for any other."""
        if value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")


@attrs.frozen
class OneLine(Limit):
    """No line breaks and control characters."""

    def __call__(self, instance: object, attribute: object, value: str) -> None:
        """Raise ValueError for one."""
        if any(c < " " or c == "\x7f" for c in value):
            raise ValueError("must not have line breaks or control characters")
