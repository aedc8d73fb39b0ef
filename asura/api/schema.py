"""JSON Schema from the very types that documents are read into and written from."""

import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import attrs
import msgspec

from asura.api.wire import Instant, Millis
from asura.fields import by_type
from asura.serde import dump, wire_name

Schema = dict[str, Any]

_SIMPLE: dict[Any, Schema] = {
    Any: {},
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
    None: {"type": "null"},
    Instant: {"type": "string", "format": "date-time"},
    Millis: {"type": "string", "format": "date-time"},
}


class Schemas:
    """Collects the named schemas that others refer to. An input says what may be sent, an output what is given."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}

    def of(self, wanted: Any, *, is_input: bool) -> Schema:
        """The schema of a type; classes become references to `named`."""
        origin, arguments = cast(Any, get_origin(wanted)), get_args(wanted)
        if wanted in _SIMPLE:
            return dict(_SIMPLE[wanted])
        if origin in (Union, types.UnionType):
            return self._union(arguments, is_input=is_input)
        if origin is Literal:
            return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
        if isinstance(wanted, type) and issubclass(wanted, Enum):
            return {"type": "string", "enum": [each.value for each in wanted]}
        if is_typeddict(wanted):
            return self._reference(wanted.__name__, lambda: self._typed_dict(wanted))
        if isinstance(origin or wanted, type) and attrs.has(origin or wanted):
            return self._class(wanted, is_input=is_input)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1], is_input=is_input)}
        if isinstance(origin, type) and issubclass(origin, Sequence):
            return {"type": "array", "items": self.of(arguments[0], is_input=is_input)}
        raise TypeError(f"there is no schema for {wanted}")

    def _reference(self, name: str, make: Any) -> Schema:
        if name not in self.named:
            self.named[name] = {}  # a class may hold itself
            self.named[name] = make()
        return {"$ref": f"#/components/schemas/{name}"}

    def _union(self, options: Sequence[Any], *, is_input: bool) -> Schema:
        schemas = [self.of(each, is_input=is_input) for each in options]
        if all(set(each) == {"type"} for each in schemas):
            return {"type": [each["type"] for each in schemas]}
        return {"anyOf": schemas}

    def _typed_dict(self, wanted: Any) -> Schema:
        hints = get_type_hints(wanted)
        return {
            "type": "object",
            "properties": {name: self.of(each, is_input=False) for name, each in hints.items()},
            "required": list(hints),
        }

    def _class(self, wanted: Any, *, is_input: bool) -> Schema:
        cls = get_origin(wanted) or wanted
        arguments = get_args(wanted)
        name = cls.__name__.removesuffix("View")
        if arguments:  # Page[MonitorView] is MonitorPage
            name = arguments[0].__name__.removesuffix("View") + name
        attrs.resolve_types(cls)
        settings = next((f.metadata["by_type"] for f in attrs.fields(cls) if "by_type" in f.metadata), None)
        if settings is not None:
            return self._reference(name, lambda: self._by_type(cls, name, settings, is_input=is_input))
        return self._reference(name, lambda: self._object(cls, arguments, is_input=is_input))

    def _by_type(self, cls: type, name: str, by_tag: Mapping[str, type], *, is_input: bool) -> Schema:
        """A document whose `settings` depend on its `type`, and some limits too: one variant for each."""
        variants = {}
        for tag, settings in by_tag.items():
            schema = self._object(cls, (), is_input=is_input, tag=tag)
            schema["properties"]["type"] = {"const": tag}
            schema["properties"]["settings"] = self.of(settings, is_input=True)
            variants[tag] = self._reference(f"{name}_{tag}", lambda schema=schema: schema)
        mapping = {tag: reference["$ref"] for tag, reference in variants.items()}
        return {
            "description": (cls.__doc__ or "").strip(),
            "oneOf": list(variants.values()),
            "discriminator": {"propertyName": "type", "mapping": mapping},
        }

    def _object(self, cls: type, arguments: Sequence[Any], *, is_input: bool, tag: str | None = None) -> Schema:
        parameters = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
        fields = {wire_name(field): field for field in attrs.fields(cls) if field.init}
        schema: Schema = {
            "type": "object",
            "description": (cls.__doc__ or "").strip(),
            "properties": {
                name: self.field(field, is_input=is_input, parameters=parameters, tag=tag)
                for name, field in fields.items()
            },
        }
        required = [
            name
            for name, field in fields.items()
            if (_is_required(field, tag) if is_input else field.default is not msgspec.UNSET)
        ]
        if required:
            schema["required"] = required
        if is_input:
            schema["additionalProperties"] = False
        return schema

    def field(
        self,
        field: "attrs.Attribute[Any]",
        *,
        is_input: bool,
        parameters: Mapping[Any, Any] | None = None,
        tag: str | None = None,
    ) -> Schema:
        """The schema of one field, with its limits, default and explanation; in the variant `tag` of its document."""
        wanted: Any = field.type
        for parameter, argument in (parameters or {}).items():
            if get_args(wanted) == (parameter,):
                wanted = cast(Any, get_origin(wanted))[argument]
        if "schema" in field.metadata:  # a document of its own, told by what reads it: (name, how to make it)
            schema = self._reference(*field.metadata["schema"])
        else:
            schema = self.of(wanted, is_input=is_input)
        for limit in _limits(field.validator, tag):
            for keyword, value in limit.items():
                if keyword == "items":
                    schema["items"] = {**schema.get("items", {}), **value}
                else:
                    schema[keyword] = value
        told = field.metadata
        if "choices" in told:
            choices: Schema = {"enum": list(told["choices"])}
            if schema.get("type") == "array":
                schema["items"] = {**schema["items"], **choices}
            else:
                schema |= choices
        text = " ".join(filter(None, (told.get("help", ""), f"({told['unit']})" if "unit" in told else "")))
        if text:
            schema["description"] = text
        if is_input and field.default is not msgspec.UNSET and not _is_required(field, tag):
            default: Any = field.default
            schema["default"] = dump(default.factory() if isinstance(default, attrs.Factory) else default)  # type: ignore[arg-type]
        return schema

    def patch(self, cls: type) -> Schema:
        """A JSON merge patch of a document: nothing required, null puts back the default."""
        name = f"{cls.__name__.removesuffix('Document')}Patch"

        def make() -> Schema:
            schema = self._object(cls, (), is_input=True)
            schema.pop("required", None)
            schema["properties"] = {
                field: {"anyOf": [_without_default(each), {"type": "null"}]}
                for field, each in schema["properties"].items()
            }
            schema["description"] = "A JSON merge patch (RFC 7396): null puts a field back to its default."
            return schema

        return self._reference(name, make)


def _without_default(schema: Schema) -> Schema:
    return {keyword: value for keyword, value in schema.items() if keyword != "default"}


def _is_required(field: "attrs.Attribute[Any]", tag: str | None) -> bool:
    """Whether a document must have the field; some types may do without it."""
    return field.default is attrs.NOTHING or tag in field.metadata.get("required_for", ())


def _limits(validator: Any, tag: str | None) -> list[Mapping[str, Any]]:
    """The JSON Schema keywords of a field's validators, of those that tell them."""
    if validator is None:
        return []
    several = getattr(validator, "_validators", None)
    if several is not None:
        return [limit for each in several for limit in _limits(each, tag)]
    if isinstance(validator, by_type) and tag is not None:
        return [validator.of(tag).schema]
    told = getattr(validator, "schema", None)
    return [told] if isinstance(told, Mapping) else []
