"""Secrets within settings: read back as a mask, and kept when the mask is sent back.

What is secret stands in the metadata of the settings class: `secret` for a field, `secret_keys` for some entries of
an object (header names, whatever their case).
"""

import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, get_args

import attrs

from asura.model.secret import is_secret_name
from asura.serde import wire_name

MASK = "********"
"""What a secret reads as."""

_NOTHING_STORED = "is the mask of a secret, but none is stored; give the secret itself"


def masked(cls: type, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings as they are read back; the same object when nothing in them is secret."""
    return (
        _map_secrets(cls, settings, lambda _path, value: MASK if value else value) if _secret_fields(cls) else settings
    )


def unmasked(
    cls: type, settings: Mapping[str, Any], *, stored: Mapping[str, Any]
) -> tuple[Mapping[str, Any], dict[str, str]]:
    """Settings with each mask exchanged for what is stored in its place, and the masks that stand for nothing."""
    problems: dict[str, str] = {}

    def restore(path: tuple[str, ...], value: Any) -> Any:
        if value != MASK:
            return value
        kept = _at(stored, path)
        if not isinstance(kept, str) or not kept:
            problems[".".join(path)] = _NOTHING_STORED
        return kept

    return (_map_secrets(cls, settings, restore) if _secret_fields(cls) else settings), problems


def _at(settings: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(settings, Mapping):
            return None
        by_name = {key.lower(): value for key, value in settings.items()}  # headers know no case
        settings = by_name.get(name.lower())
    return settings


def _map_secrets(
    cls: type, settings: Mapping[str, Any], change: Callable[[tuple[str, ...], Any], Any], path: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """A copy of `settings`, plain data that need not be valid, with `change` applied to each secret."""
    found = dict(settings)
    for name, field in _secret_fields(cls):
        value = found.get(name)
        if field.metadata.get("secret"):
            if name in found:
                found[name] = change((*path, name), value)
        elif not isinstance(value, Mapping):
            continue
        elif "secret_keys" in field.metadata:
            keys = field.metadata["secret_keys"]
            found[name] = {
                key: change((*path, name, key), each) if is_secret_name(str(key), keys) else each
                for key, each in value.items()
            }
        elif inner := _inner(field, value):
            found[name] = _map_secrets(inner, value, change, (*path, name))
    return found


@cache
def _secret_fields(cls: type) -> "Sequence[tuple[str, attrs.Attribute[Any]]]":
    """The fields that are secret or hold something that is."""
    attrs.resolve_types(cls)
    return [
        (wire_name(field), field)
        for field in attrs.fields(cls)
        if field.metadata.get("secret")
        or "secret_keys" in field.metadata
        or any(_secret_fields(each) for each in _classes(field.type))
    ]


def _inner(field: "attrs.Attribute[Any]", value: Mapping[str, Any]) -> type | None:
    """The settings class that a field's value belongs to, if its type holds one; of several, the one tagged so."""
    choices = _classes(field.type)
    if len(choices) < 2:
        return choices[0] if choices else None
    return next(
        (each for each in choices if get_args(attrs.fields_dict(each)["type"].type)[0] == value.get("type")), None
    )


def _classes(wanted: Any) -> list[type]:
    options = get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    return [each for each in options if isinstance(each, type) and attrs.has(each)]
