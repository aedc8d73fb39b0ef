"""Query strings into attrs classes: as strict as bodies, and every wrong parameter at once."""

import re
import types
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import attrs
from werkzeug.datastructures import MultiDict

from asura.api.errors import bad_query
from asura.api.wire import Millis
from asura.serde import wire_name
from asura.units import parse_iso

T = TypeVar("T")

MAX_VALUE_CHARS = 2048
MAX_VALUES = 50
"""How often a parameter may be repeated."""

# `int()` alone would also accept `1_000`, ` 7` and `٣`.
_DIGITS = re.compile(r"-?[0-9]{1,30}", re.ASCII)


def load_query(cls: type[T], args: "MultiDict[str, str]") -> T:
    """The parameters as a `cls`. Unknown ones are left alone. Raises the 400 that names every wrong one."""
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in attrs.fields(cls):  # type: ignore[arg-type]
        name = wire_name(field)
        given = args.getlist(name)
        if not given:
            if field.default is attrs.NOTHING:
                problems[name] = "is required"
            continue
        try:
            found[field.name] = _read(field.type, given)
            if field.validator is not None:
                field.validator(None, field, found[field.name])
        except ValueError as exc:
            problems[name] = str(exc)
    if problems:
        raise bad_query(problems)
    return cls(**{(field.alias or field.name): found[field.name] for field in attrs.fields(cls) if field.name in found})  # type: ignore[arg-type]


def _read(wanted: Any, given: list[str]) -> Any:
    if any(len(value) > MAX_VALUE_CHARS for value in given):
        raise ValueError(f"must be at most {MAX_VALUE_CHARS} characters")
    if get_origin(wanted) is tuple:
        if len(given) > MAX_VALUES:
            raise ValueError(f"must not be given more than {MAX_VALUES} times")
        return tuple(_one(get_args(wanted)[0], value) for value in given)
    # A NewType makes the old kind of union: `Millis | None` is `Optional[Millis]`.
    if get_origin(wanted) in (types.UnionType, Union):
        wanted = next(each for each in get_args(wanted) if each is not types.NoneType)
    if len(given) > 1:
        raise ValueError("must be given once")
    return _one(wanted, given[0])


def _one(wanted: Any, value: str) -> Any:
    if wanted is str:
        return value
    if wanted is Millis:
        return parse_iso(value.replace(" ", "+"))  # an offset's plus that wasn't escaped
    if wanted is bool:
        if value not in ("true", "false"):
            raise ValueError("must be true or false")
        return value == "true"
    if wanted is not int:
        raise cast(Exception, TypeError(f"a query can't hold {wanted}"))
    if not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number")
    return int(value)
