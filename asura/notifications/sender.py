"""One attempt to deliver one message. Whatever a channel type does, what comes out is a report or a `SendError`."""

from collections.abc import Callable, Mapping
from functools import partial

import attrs
import httpx
import trio

from asura import log, serde
from asura.channels import CHANNEL_TYPES
from asura.channels.base import ChannelType, Env, SendReport
from asura.clock import Clock
from asura.errors import InvalidDocument, SendError
from asura.model.notification import Channel, Message
from asura.netguard import Guard
from asura.outbound import guarded_client

ATTEMPT_LIMIT_S = 10.0
"""For name, connection, message and answer together. A receiver that needs longer gets the message again."""

_log = log.get(__name__)


@attrs.frozen(kw_only=True)
class Sender:
    """Sends through any channel. `types` is a parameter for tests only."""

    env: Env
    types: Mapping[str, ChannelType] = attrs.field(factory=lambda: CHANNEL_TYPES)

    async def send(self, channel: Channel, message: Message, key: str) -> SendReport:
        """Send once, within `ATTEMPT_LIMIT_S`. Raises SendError, and nothing else."""
        kind = self.types.get(channel.type)
        if kind is None:
            raise SendError(f"this version has no channels of the type {channel.type}", permanent=True)
        try:
            settings = serde.load(kind.settings, channel.settings, path="settings")
        except InvalidDocument as exc:
            raise SendError(f"the channel must be edited: {exc}", permanent=True) from exc
        try:
            with trio.fail_after(ATTEMPT_LIMIT_S):
                return await kind.send(settings, message, key, self.env)
        except SendError:
            raise
        except trio.TooSlowError as exc:
            raise SendError(f"no answer within {ATTEMPT_LIMIT_S:g} s") from exc
        except Exception as exc:
            raise _bug(channel, exc) from exc
        except BaseExceptionGroup as group:
            # A crash during cancelled cleanup: the bug is reported, the cancellation goes on.
            bugs, rest = group.split(Exception)
            if bugs is not None:
                _bug(channel, bugs)
            if rest is not None:
                raise rest from None
            raise


def new_sender(*, guard: Callable[[], Guard], clock: Clock) -> Sender:
    """A sender whose connections are judged by the guard in force at the time."""
    return Sender(env=Env(clock=clock, open_client=partial(_open_client, guard)))


def _open_client(guard: Callable[[], Guard]) -> httpx.AsyncClient:
    return guarded_client(guard(), timeout_s=ATTEMPT_LIMIT_S)


def _bug(channel: Channel, exc: Exception) -> SendError:
    _log.error("channel type crashed", channel_id=channel.id, channel_type=channel.type, exc_info=exc)
    return SendError(f"the channel type {channel.type} failed with {type(exc).__name__}; the log has the details")
