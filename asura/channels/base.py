"""What every channel type is made of. A channel renders a message for its medium and sends it once.

It sets no overall deadline and never tries again: its caller does both. What the provider answers is a `SendReport`
or a `SendError`; anything else that it raises is a bug, which costs this attempt and is logged.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import httpx

from asura.clock import Clock
from asura.model.notification import Message


@attrs.frozen(kw_only=True)
class Env:
    """What every channel is given. `open_client` makes a fresh client that reaches only permitted addresses."""

    clock: Clock
    open_client: Callable[[], httpx.AsyncClient]


@attrs.frozen(kw_only=True)
class SendReport:
    """The provider took the message. `message` is what it said, for a person."""

    message: str
    status_code: int | None = None


Send = Callable[[Any, Message, str, Env], Awaitable[SendReport]]
"""(settings, message, delivery key, env). The key is the same on each retry. Raises SendError."""


@attrs.frozen(kw_only=True)
class ChannelType:
    """A kind of channel. The settings class describes the form, the document and its validation."""

    name: str
    settings: type[Any]
    """An attrs class; its fields have validators and metadata (label, help, secret, secret_keys)."""
    hosts: Callable[[Any], dict[str, str]]
    """Settings → the hosts that they name, by field: `Guard.literal_refusal` says whether each may be reached."""
    send: Send
