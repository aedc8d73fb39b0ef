"""From a reply to the content that change detection compares, so that no body is kept longer than its check."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, TypeVarTuple

import trio

from asura.checker.known import Known
from asura.content.normal import normalise
from asura.model.content import Content
from asura.model.monitor import LOCAL, Monitor, Status
from asura.model.observation import Outcome, Reply

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

HASH_AT_ONCE = 65_536
"""Characters that are hashed in the event loop: a tenth of a millisecond. More go to a thread."""

See = Callable[[Outcome, float], Awaitable[Content | None]]
"""(outcome, until when on trio's clock) → what its reply says; None when nothing is to be compared, or all is as it
was, or there was no time to look: then the next check does."""


class Contents:
    """Makes contents, one at a time and off the event loop. One for the whole daemon."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._limiter = trio.CapacityLimiter(1)

    def of(self, monitor: Monitor, settings: Any) -> See:
        """How the replies to a monitor's checks are seen. `settings` are those of its type, loaded."""
        patterns: tuple[str, ...] = getattr(settings, "ignore_patterns", ())
        paths: tuple[str, ...] = getattr(settings, "ignore_paths", ())
        monitor_id, version = monitor.id, monitor.config_version

        def read(reply: Reply, raw_hash: bytes) -> Content:
            text = normalise(reply.body or "", is_cut=reply.is_cut, ignore_patterns=patterns, ignore_paths=paths)
            return Content(raw_hash=raw_hash, hash=_hash(text), text=text)

        async def look(reply: Reply, body: str) -> Content | None:
            raw_hash = _hash(body) if len(body) <= HASH_AT_ONCE else await self._in_thread(_hash, body)
            if self._known.is_raw(monitor_id, LOCAL, config_version=version, raw_hash=raw_hash):
                return None
            content = await self._in_thread(read, reply, raw_hash)
            if self._known.is_text(monitor_id, LOCAL, config_version=version, hash=content.hash):
                return None
            return content

        async def see(outcome: Outcome, until_s: float) -> Content | None:
            reply = outcome.reply
            # The page of an error is no content, and what counts as down is none either.
            if reply is None or reply.body is None or outcome.status is Status.DOWN:
                return None
            with trio.move_on_at(until_s):
                return await look(reply, reply.body)
            return None

        return see

    async def _in_thread(self, make: Callable[[*Ts], T], *given: *Ts) -> T:
        return await trio.to_thread.run_sync(make, *given, limiter=self._limiter, abandon_on_cancel=True)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
