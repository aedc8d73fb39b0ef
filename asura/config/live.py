"""The configuration in force, for those who must see a reload; and which changes a reload can make.

Read `.current` at each use, never keep a part of it. What needs a restart stays as it was until then.
"""

from collections.abc import Iterator
from typing import Any

import attrs

from asura.config.schema import Config


class Live:
    """Holds the configuration in force."""

    def __init__(self, config: Config) -> None:
        self._current = config

    @property
    def current(self) -> Config:
        """What is in force now."""
        return self._current

    def reload(self, new: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Put in force what of `new` can be; the answer is that of `what_can_change`."""
        changes = what_can_change(self._current, new)
        self._current = with_live_parts(self._current, new)
        return changes


def what_can_change(old: Config, new: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys that differ, such as `logging.level`: those that change at once, and those that need a restart."""
    differing = [
        (path, is_live)
        for (path, before, is_live), (_, after, _) in zip(_leaves(old, ""), _leaves(new, ""), strict=True)
        if before != after
    ]
    return tuple(path for path, is_live in differing if is_live), tuple(
        path for path, is_live in differing if not is_live
    )


def with_live_parts(old: Config, new: Config) -> Config:
    """`old` with every value of `new` that can change at once."""
    merged: Config = _merged(old, new)
    return merged


def _leaves(part: Any, path: str) -> Iterator[tuple[str, Any, bool]]:
    for field in attrs.fields(type(part)):
        value = getattr(part, field.name)
        if "section" in field.metadata:
            yield from _leaves(value, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", value, field.metadata["live"]


def _merged(old: Any, new: Any) -> Any:
    changes: dict[str, Any] = {}
    for field in attrs.fields(type(old)):
        if "section" in field.metadata:
            changes[field.name] = _merged(getattr(old, field.name), getattr(new, field.name))
        elif field.metadata["live"]:
            changes[field.name] = getattr(new, field.name)
    return attrs.evolve(old, **changes)
