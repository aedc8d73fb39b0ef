"""The notification channel's document: what clients send, what they are given, and the way between the two."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from asura.api.masking import masked, unmasked
from asura.api.wire import Instant, instant
from asura.channels import CHANNEL_TYPES
from asura.errors import InvalidDocument
from asura.fields import items, one_of, text
from asura.ids import ChannelId
from asura.model.notification import Channel, EventName
from asura.netguard import Guard
from asura.serde import dump, load

SETTINGS: Mapping[str, type] = {name: kind.settings for name, kind in CHANNEL_TYPES.items()}


@attrs.frozen(kw_only=True)
class ChannelDocument:
    """A channel as clients send it."""

    name: str = attrs.field(validator=text(255, at_least=1, blank=False))
    type: str = attrs.field(validator=one_of(tuple(CHANNEL_TYPES)))
    enabled: bool = True
    settings: Mapping[str, Any] = attrs.field(factory=dict, metadata={"by_type": SETTINGS})
    events: tuple[EventName, ...] = attrs.field(
        default=(),
        validator=items(20),
        metadata={"help": "what it is told of; empty: all but monitor.degraded"},
    )


@attrs.frozen(kw_only=True, slots=False)
class ChannelView:
    """A channel as clients read it; secrets are masked."""

    id: int
    name: str
    type: str
    enabled: bool
    settings: Mapping[str, Any] = attrs.field(metadata={"by_type": SETTINGS})
    events: Sequence[EventName]
    created_at: Instant
    updated_at: Instant


READ_ONLY = frozenset(f.name for f in attrs.fields(ChannelView)) - frozenset(
    f.name for f in attrs.fields(ChannelDocument)
)


def read(raw: Mapping[str, Any], *, guard: Guard, stored: Channel | None = None) -> Channel:
    """The channel that a sent document describes, without its id. Raises InvalidDocument with every wrong field.

    `stored` is the channel whose secrets a mask stands for.
    """
    raw = {name: value for name, value in raw.items() if name not in READ_ONLY}
    kind = CHANNEL_TYPES.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    given = raw.get("settings", {})
    problems: dict[str, str] = {}
    if kind is not None and isinstance(given, Mapping):
        kept = stored.settings if stored is not None and stored.type == kind.name else {}
        given, missing = unmasked(kind.settings, given, stored=kept)
        problems |= {f"settings.{path}": problem for path, problem in missing.items()}
        try:
            settings = load(kind.settings, given, path="settings")
            for name, host in kind.hosts(settings).items():
                problem = guard.literal_refusal(host)
                if problem:
                    problems[f"settings.{name}"] = problem
            given = dump(settings)
        except InvalidDocument as exc:
            problems |= exc.fields
            given = {}
    document: ChannelDocument | None = None
    try:
        document = load(ChannelDocument, {**raw, "settings": given})
    except InvalidDocument as exc:
        problems |= exc.fields
    if document is None or problems:
        raise InvalidDocument(problems)
    return Channel(
        id=ChannelId(0),
        name=document.name,
        type=document.type,
        enabled=document.enabled,
        settings=document.settings,
        events=tuple(dict.fromkeys(event.value for event in document.events)),
    )


def to_document(channel: Channel) -> dict[str, Any]:
    """A channel's document as plain data, secrets masked."""
    kind = CHANNEL_TYPES.get(channel.type)
    return {
        "name": channel.name,
        "type": channel.type,
        "enabled": channel.enabled,
        "settings": masked(kind.settings, channel.settings) if kind else {},
        "events": list(channel.events),
    }


def view(channel: Channel) -> ChannelView:
    """A channel as clients read it."""
    return ChannelView(
        id=channel.id,
        **to_document(channel),
        created_at=instant(channel.created_at),
        updated_at=instant(channel.updated_at),
    )
