"""From a reply to the content that change detection compares, so that no body is kept longer than its check."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from asura.checker.known import Known
from asura.content.normal import normalise
from asura.model.content import Content
from asura.model.monitor import LOCAL, Monitor, Status
from asura.model.observation import Outcome, Reply

HASH_AT_ONCE = 65_536
"""Characters that are hashed in the event loop: a tenth of a millisecond. More go to a thread."""

See = Callable[[Outcome], Awaitable[Content | None]]
"""What an outcome's reply says; None when nothing is to be compared, or all is as it was."""


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

        async def see(outcome: Outcome) -> Content | None:
            reply = outcome.reply
            # The page of an error is no content, and what counts as down is none either.
            if reply is None or reply.body is None or outcome.status is Status.DOWN:
                return None
            if len(reply.body) <= HASH_AT_ONCE:
                raw_hash = _hash(reply.body)
            else:
                raw_hash = await trio.to_thread.run_sync(_hash, reply.body, limiter=self._limiter)
            if self._known.is_raw(monitor_id, LOCAL, config_version=version, raw_hash=raw_hash):
                return None
            content = await trio.to_thread.run_sync(read, reply, raw_hash, limiter=self._limiter)
            if self._known.is_text(monitor_id, LOCAL, config_version=version, hash=content.hash):
                return None
            return content

        return see


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
