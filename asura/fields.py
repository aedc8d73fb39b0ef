"""Limits of a document's fields: attrs validators that say what is wanted and are told to OpenAPI by `schema`.

Each raises ValueError with a text that reads after a field's name: “must be between 1 and 300 seconds”.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Protocol

import attrs


class Limit(Protocol):
    """An attrs validator that also describes itself as JSON Schema."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The keywords that this limit adds to the field's JSON Schema."""
        ...

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value outside the limit."""
        ...


@attrs.frozen
class between:
    """A number from `low` to `high`, both included."""

    low: int
    high: int
    unit: str = ""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"minimum": self.low, "maximum": self.high}

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value outside the limit; None is left to the type."""
        if value is not None and not self.low <= value <= self.high:
            raise ValueError(f"must be between {self.low} and {self.high}{' ' if self.unit else ''}{self.unit}")


@attrs.frozen
class text:
    """A string of `at_least` to `at_most` characters; `blank` says whether white space alone will do."""

    at_most: int
    at_least: int = 0
    blank: bool = True

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        low = {"minLength": self.at_least} if self.at_least else {}
        return {**low, "maxLength": self.at_most}

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value outside the limit; None is left to the type."""
        if value is None:
            return
        if len(value) > self.at_most:
            raise ValueError(f"must be at most {self.at_most} characters, not {len(value)}")
        if not self.blank and not value.strip():
            raise ValueError("must not be empty")
        if len(value) < self.at_least:
            raise ValueError(f"must be at least {self.at_least} characters" if value else "must not be empty")


@attrs.frozen
class items:
    """At most so many entries in a list or an object; `each` limits every one of them (an object's values)."""

    at_most: int
    each: Limit | None = None
    at_least: int = 0

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords of a list; `items` is merged with those of its type."""
        low = {"minItems": self.at_least} if self.at_least else {}
        return {**low, "maxItems": self.at_most, **({"items": dict(self.each.schema)} if self.each else {})}

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value outside the limit; None is left to the type."""
        if value is None:
            return
        if len(value) > self.at_most:
            raise ValueError(f"must have at most {self.at_most} entries, not {len(value)}")
        if len(value) < self.at_least:
            raise ValueError(f"must have at least {self.at_least} entr{'y' if self.at_least == 1 else 'ies'}")
        if self.each is not None:
            for entry in value.values() if isinstance(value, Mapping) else value:
                try:
                    self.each(instance, attribute, entry)
                except ValueError as exc:
                    raise ValueError(f"each entry {exc}") from exc


@attrs.frozen
class one_of:
    """One of a fixed set of strings."""

    choices: Collection[str]

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"enum": list(self.choices)}

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value outside the set; None is left to the type."""
        if value is not None and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")


@attrs.frozen
class pattern:
    """A string that matches a regular expression as a whole; `wanted` says it in words."""

    regex: str
    wanted: str

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"pattern": f"^(?:{self.regex})$"}

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value that doesn't match; None is left to the type."""
        if value is not None and re.fullmatch(self.regex, value) is None:
            raise ValueError(f"must be {self.wanted}")


@attrs.frozen
class by_type:
    """One limit for some types of a document and another for all others; its field `type` says which it is of."""

    limits: Mapping[str, Limit]
    others: Limit

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords that hold whatever the type: the widest bounds."""
        told = [self.others.schema, *(each.schema for each in self.limits.values())]
        return {
            name: (min if name.startswith("min") else max)(each[name] for each in told)
            for name in told[0]
            if all(name in each for each in told)
        }

    def of(self, name: object) -> Limit:
        """The limit for the type of that name; what is no type has that of the others."""
        return self.limits.get(name, self.others) if isinstance(name, str) else self.others

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        """Raise ValueError for a value outside the limit of the document's type."""
        self.of(getattr(instance, "type", None))(instance, attribute, value)
