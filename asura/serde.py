"""Documents from outside into attrs classes and back: the one cattrs converter, with errors a person can read.

cattrs chooses by type; what is done with a value is ours, because its own hooks coerce (`"3"` becomes 3, true
becomes 1), stop at the first validator and lose its text. Here nothing is coerced, every wrong field is named at
once with its path, and what can't be stored (NUL, unpaired surrogates, integers over 64 bits) is refused.
"""

import types
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import attrs
import cattrs
import msgspec

from asura.errors import InvalidDocument

T = TypeVar("T")

INT64 = 2**63
MAX_TEXT_CHARS = 100_000
"""No string of any document is longer, whatever its field says; fields set their own, lower limits."""
MAX_ITEMS = 10_000
WHOLE = "(document)"
"""The path of a problem that is nobody's field."""


class _Problems(ValueError):
    """What is wrong with a value: the path below it, and what it must be."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = dict(fields)


def load(cls: type[T], value: object, *, path: str = "") -> T:
    """`value`, plain data, as a `cls`. Raises InvalidDocument with every wrong field, each under `path`."""
    try:
        return _converter.structure(value, cls)
    except _Problems as exc:
        fields = {_join(path, below) or WHOLE: text for below, text in exc.fields.items()}
    raise InvalidDocument(fields)


def dump(value: object) -> Any:
    """`value` as plain data: attrs objects become objects, tuples lists, enums their value."""
    return msgspec.json.decode(msgspec.json.encode(value))  # `to_builtins` leaves tuples as they are


def wire_name(field: "attrs.Attribute[Any]") -> str:
    """What a field is called in documents: its name, or `from` for `from_`."""
    return field.name.removesuffix("_")


def _join(path: str, below: str) -> str:
    if not path or not below:
        return path or below
    return f"{path}{below}" if below.startswith("[") else f"{path}.{below}"


def _wrong(text: str) -> _Problems:
    return _Problems({"": text})


def _string(value: object, cls: type) -> Any:
    if issubclass(cls, Enum):  # cattrs finds the hook of a StrEnum's base class first
        return _enumeration(value, cls)
    if not isinstance(value, str):
        raise _wrong("must be a string")
    if len(value) > MAX_TEXT_CHARS:
        raise _wrong(f"must be at most {MAX_TEXT_CHARS} characters")
    if "\0" in value or not _is_text(value):
        raise _wrong("must not contain NUL or unpaired surrogates")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(value: object, _: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON Schema: 1.0 is an integer
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("must be a whole number")
    if not -INT64 <= value < INT64:
        raise _wrong("must be a number of at most 64 bits")
    return value


def _number(value: object, _: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong("must be a number")
    if not -1e300 < value < 1e300:  # NaN is in no range
        raise _wrong("must be a finite number")
    return float(value)


def _boolean(value: object, _: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong("must be true or false")
    return value


def _enumeration(value: object, cls: type[Enum]) -> Enum:
    try:
        return cls(value)
    except ValueError:
        raise _wrong(f"must be one of {', '.join(str(each.value) for each in cls)}") from None


def _literal(value: object, cls: Any) -> Any:
    choices = get_args(cls)
    if isinstance(value, bool | int | float | str | None) and any(
        value == each and type(value) is type(each) for each in choices
    ):
        return value
    wanted = ", ".join(map(str, choices))
    raise _wrong(f"must be one of {wanted}" if len(choices) > 1 else f"must be {wanted}")


def _sequence(value: object, cls: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise _wrong("must be a list")
    if len(value) > MAX_ITEMS:
        raise _wrong(f"must have at most {MAX_ITEMS} entries")
    each_type = get_args(cls)[0]
    found: list[Any] = []
    problems: dict[str, str] = {}
    for index, each in enumerate(value):
        try:
            found.append(_converter.structure(each, each_type))
        except _Problems as exc:
            problems |= {_join(f"[{index}]", below): text for below, text in exc.fields.items()}
    if problems:
        raise _Problems(problems)
    return found if get_origin(cls) is list else tuple(found)


def _mapping(value: object, cls: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong("must be an object")
    if len(value) > MAX_ITEMS:
        raise _wrong(f"must have at most {MAX_ITEMS} entries")
    each_type = get_args(cls)[1]
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, each in value.items():
        try:
            found[_string(key, str)] = _converter.structure(each, each_type)
        except _Problems as exc:
            problems |= {_join(_shown(key), below): text for below, text in exc.fields.items()}
    if problems:
        raise _Problems(problems)
    return found


def _shown(key: object) -> str:
    """A key of the sender's choosing as part of an answer: encodable, and not a page long."""
    return str(key).encode(errors="replace").decode()[:100]


def _plain(value: object, _: object) -> Any:
    """A free-form JSON value: any shape, but only what can be stored."""
    if isinstance(value, str):
        return _string(value, str)
    if isinstance(value, Mapping):
        return _mapping(value, dict[str, Any])
    if isinstance(value, list | tuple):
        return _sequence(value, list[Any])
    if value is None or isinstance(value, bool):
        return value
    return _number(value, float) if isinstance(value, float) else _integer(value, int)


def _union(value: object, cls: Any) -> Any:
    choices = [each for each in get_args(cls) if each is not types.NoneType]
    if value is None:
        if len(choices) < len(get_args(cls)):
            return None
        raise _wrong("must not be null")
    if len(choices) == 1:
        return _converter.structure(value, choices[0])
    if all(attrs.has(each) for each in choices):
        return _converter.structure(value, _tagged(value, choices))
    texts: list[str] = []
    for each in choices:
        try:
            return _converter.structure(value, each)
        except _Problems as exc:
            texts += exc.fields.values()
    raise _wrong(" or ".join(dict.fromkeys(texts)))


def _tagged(value: object, choices: list[Any]) -> Any:
    """Which of several classes `value` is meant to be, by the Literal of each one's `type` field."""
    if not isinstance(value, Mapping):
        raise _wrong("must be an object")
    by_tag = {get_args(attrs.fields_dict(each)["type"].type)[0]: each for each in choices}
    tag = value.get("type")
    if not isinstance(tag, str) or tag not in by_tag:
        raise _Problems({"type": f"must be one of {', '.join(by_tag)}"})
    return by_tag[tag]


def _document(cls: type[Any]) -> Callable[[object, object], Any]:
    """The hook of an attrs class, made once for each."""
    attrs.resolve_types(cls)
    fields = {wire_name(field): field for field in attrs.fields(cls) if field.init}
    by_name = {field.name: field for field in fields.values()}

    def structure(value: object, _: object) -> Any:
        if not isinstance(value, Mapping):
            raise _wrong("must be an object")
        found: dict[str, Any] = {}
        problems = {_shown(key): "unknown field" for key in list(value)[:MAX_ITEMS] if key not in fields}
        for name, field in fields.items():
            if name in value:
                try:
                    found[field.name] = _converter.structure(value[name], field.type)
                except _Problems as exc:
                    problems |= {_join(name, below): text for below, text in exc.fields.items()}
            elif field.default is attrs.NOTHING:
                problems[name] = "is required"
        problems |= _refused(cls, found)
        if problems:
            raise _Problems(problems)
        try:
            return cls(**{field.alias or name: found[name] for name, field in by_name.items() if name in found})
        except ValueError as exc:
            raise _wrong(str(exc)) from exc

    return structure


def _refused(cls: type[Any], found: Mapping[str, Any]) -> dict[str, str]:
    """What the fields' own validators say of the values found, each field on its own."""
    instance: Any = object.__new__(cls)
    for field in attrs.fields(cls):
        if field.name in found or field.default is not attrs.NOTHING:
            object.__setattr__(instance, field.name, found[field.name] if field.name in found else _default(field))
    problems: dict[str, str] = {}
    for field in attrs.fields(cls):
        if field.name in found and field.validator:
            try:
                field.validator(instance, field, found[field.name])
            except _Problems as exc:
                problems |= {_join(wire_name(field), below): text for below, text in exc.fields.items()}
            except ValueError as exc:
                problems[wire_name(field)] = str(exc)
            except AttributeError:  # it looks at another field, and that one is missing or wrong itself
                continue
    return problems


def _default(field: "attrs.Attribute[Any]") -> Any:
    default: Any = field.default
    return default.factory() if isinstance(default, attrs.Factory) and not default.takes_self else default  # type: ignore[arg-type]


def _is_sequence(cls: Any) -> bool:
    return cast(Any, get_origin(cls)) in (list, tuple)


def _is_mapping(cls: Any) -> bool:
    origin = get_origin(cls)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_union(cls: Any) -> bool:
    return cast(Any, get_origin(cls)) in (Union, types.UnionType)


def _is_literal(cls: Any) -> bool:
    return cast(Any, get_origin(cls)) is Literal


def _new_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook_func(lambda cls: cls is Any, _plain)
    converter.register_structure_hook_func(_is_union, _union)
    converter.register_structure_hook_func(_is_sequence, _sequence)
    converter.register_structure_hook_func(_is_mapping, _mapping)
    converter.register_structure_hook_func(_is_literal, _literal)
    converter.register_structure_hook_func(lambda cls: isinstance(cls, type) and issubclass(cls, Enum), _enumeration)
    converter.register_structure_hook_factory(lambda cls: isinstance(cls, type) and attrs.has(cls), _document)
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(bool, _boolean)
    return converter


_converter = _new_converter()
