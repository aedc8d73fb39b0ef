"""What monitor and channel types there are, described well enough to draw their forms."""

import types
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, get_args, get_origin

import attrs

from asura.api.assertion_documents import AssertionSpec, specs
from asura.api.endpoint import Call, Routes
from asura.api.gate import ANY_KEY
from asura.channels import CHANNEL_TYPES
from asura.checks import CHECK_TYPES
from asura.model.assertion import AssertionType
from asura.serde import dump, wire_name

routes = Routes("types", tag="Types")


@attrs.frozen(kw_only=True, slots=False)
class Choice:
    """One of the values that a field may have."""

    value: str
    label: str


@attrs.frozen(kw_only=True, slots=False)
class Variant:
    """One of the kinds that an object may be of; its `type` is the name."""

    name: str
    label: str
    fields: "Sequence[Field]"


@attrs.frozen(kw_only=True, slots=False)
class Field:
    """One setting.

    `type` is `string`, `text` (several lines), `integer`, `number`, `boolean`, `choice`, `list` (of strings or
    numbers), `map` (of strings by name) or `variant` (null or an object of one of `variants`).
    """

    name: str
    type: str
    label: str
    help: str
    unit: str | None
    default: Any
    secret: bool
    secret_keys: Sequence[str] = attrs.field(metadata={"help": "of a map: entries that read back masked"})
    required: bool
    placeholder: str
    group: str = attrs.field(metadata={"help": "fields that belong together and are seldom set; empty: always shown"})
    choices: Sequence[Choice] | None
    variants: Sequence[Variant] | None


@attrs.frozen(kw_only=True, slots=False)
class TypeView:
    """A monitor or channel type with the fields of its settings."""

    name: str
    label: str
    about: str = attrs.field(metadata={"help": "Markdown: what is checked, and what counts as up and down"})
    target_label: str
    target_help: str
    target_placeholder: str
    target_required: bool
    is_passive: bool = attrs.field(metadata={"help": "nothing is checked: what is watched reports by itself"})
    fields: Sequence[Field]
    assertions: Sequence[AssertionType] = attrs.field(metadata={"help": "what assertions can be about"})
    tracks_changes: bool


@attrs.frozen(kw_only=True, slots=False)
class Defaults:
    """What a new monitor gets where it says nothing, as configured; durations are seconds."""

    interval: int
    timeout: int
    failure_threshold: int
    success_threshold: int


@attrs.frozen(kw_only=True, slots=False)
class Types:
    """Every type of this version."""

    monitors: Sequence[TypeView]
    channels: Sequence[TypeView]
    assertions: Sequence[AssertionSpec]
    defaults: Defaults


_LABELS = {"webhook": "Webhook", "pem": "Certificate and key", "basic": "User name and password", "bearer": "Token"}


@routes.add("GET", "/types", needs=ANY_KEY, summary="Monitor and channel types", gives=Types)
async def list_types(call: Call) -> Types:
    """Their settings with label, help, unit, default and choices: forms come from here."""
    monitor = call.services.config.current.monitor
    return Types(
        monitors=monitor_types(),
        channels=channel_types(),
        assertions=specs(),
        defaults=Defaults(
            interval=monitor.default_interval,
            timeout=min(monitor.default_timeout, monitor.default_interval),
            failure_threshold=monitor.failure_threshold,
            success_threshold=monitor.success_threshold,
        ),
    )


@cache
def monitor_types() -> list[TypeView]:
    """Every type of monitor: for the forms, and for the docs."""
    return [
        TypeView(
            name=kind.name,
            label=kind.label,
            about=kind.about,
            target_label=kind.target.label,
            target_help=kind.target.help,
            target_placeholder=kind.target.placeholder,
            target_required=not kind.is_passive,
            is_passive=kind.is_passive,
            fields=_fields(kind.settings),
            assertions=[each for each in AssertionType if each in kind.asserts],
            tracks_changes=kind.tracks_changes,
        )
        for kind in CHECK_TYPES.values()
    ]


@cache
def channel_types() -> list[TypeView]:
    """Every type of channel."""
    return [
        TypeView(
            name=kind.name,
            label=_LABELS.get(kind.name, kind.name),
            about="",
            target_label="",
            target_help="",
            target_placeholder="",
            target_required=False,
            is_passive=False,
            fields=_fields(kind.settings),
            assertions=[],
            tracks_changes=False,
        )
        for kind in CHANNEL_TYPES.values()
    ]


def _fields(settings: type) -> list[Field]:
    attrs.resolve_types(settings)
    return [_field(each) for each in attrs.fields(settings) if get_origin(each.type) is not Literal]


def _field(field: "attrs.Attribute[Any]") -> Field:
    told = field.metadata
    variants = _variants(field.type)
    return Field(
        name=wire_name(field),
        type=told.get("type") or ("variant" if variants else _kind(field)),
        label=told.get("label", field.name.replace("_", " ").capitalize()),
        help=told.get("help", ""),
        unit=told.get("unit"),
        default=_default(field),
        secret=bool(told.get("secret")),
        secret_keys=sorted(told.get("secret_keys", ())),
        required=field.default is attrs.NOTHING,
        placeholder=told.get("placeholder", ""),
        group=told.get("group", ""),
        choices=_choices(told["choices"]) if "choices" in told else None,
        variants=variants or None,
    )


def _choices(values: Iterable[Any]) -> list[Choice]:
    """Words of their own where the metadata is a mapping, the values themselves where it is a sequence."""
    labels = values if isinstance(values, Mapping) else {}
    return [Choice(value=str(each), label=labels.get(each, str(each))) for each in values]


def _default(field: "attrs.Attribute[Any]") -> Any:
    default: Any = field.default
    if default is attrs.NOTHING:
        return None
    return dump(default.factory() if isinstance(default, attrs.Factory) else default)  # type: ignore[arg-type]


def _kind(field: "attrs.Attribute[Any]") -> str:
    if "choices" in field.metadata:
        return "choice"
    wanted: Any = field.type
    if wanted is str:
        return "text" if field.metadata.get("multiline") else "string"
    simple = {int: "integer", float: "number", bool: "boolean"}.get(wanted)
    return simple or ("list" if get_origin(wanted) is tuple else "map")


def _variants(wanted: Any) -> list[Variant]:
    options: Iterable[Any] = get_args(wanted) if isinstance(wanted, types.UnionType) else ()
    classes = [each for each in options if isinstance(each, type) and attrs.has(each)]
    return [
        Variant(name=_tag(each), label=_LABELS.get(_tag(each), _tag(each)), fields=_fields(each)) for each in classes
    ]


def _tag(cls: type) -> str:
    attrs.resolve_types(cls)
    return str(get_args(attrs.fields_dict(cls)["type"].type)[0])
