"""Live events for browsers: numbered, kept for a while so that a lost connection can go on, never waited for.

One subscription to the hub serves all streams, and what it holds is taken over into a ring whenever a stream looks;
so there is no task of its own, and nothing to do while nobody listens. Checks are too many to keep: each stream has
its own subscription to them and tells the last of each monitor, at most once a second.
"""

import secrets
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs
import msgspec

from asura.live import Event, Hub, Subscription

RING_SIZE = 1000
"""Events that a reader may have missed and still get: some minutes of a bad day."""

_KEPT = ("monitor.changed", "monitor.status", "incident.*", "delivery.*", "channel.*")
_NAMES = {"monitor": "monitor", "incident": "incident", "delivery": "delivery", "channel": "channel"}


@attrs.frozen
class Numbered:
    """An event with its place in the order of this run."""

    number: int
    event: Event


class Feed:
    """The events of this run of the daemon. `boot` tells one run from the next."""

    def __init__(self, hub: Hub) -> None:
        self.boot = secrets.token_hex(4)
        self._hub = hub
        self._open = ExitStack()
        self._news = self._open.enter_context(hub.subscribe(*_KEPT))
        self._ring: deque[Numbered] = deque(maxlen=RING_SIZE)
        self._last = 0

    @property
    def last_number(self) -> int:
        """The number of the newest event."""
        self._take_over()
        return self._last

    def _take_over(self) -> None:
        events = self._news.take() if self._news.pending else []
        if self._news.overflowed:
            # What was lost can't be resumed over: numbers before this are answered with a reset.
            self._news.overflowed = False
            self._ring.clear()
            self._last += 1
        for event in events:
            self._last += 1
            self._ring.append(Numbered(self._last, event))

    def after(self, number: int) -> list[Numbered] | None:
        """The events after `number`; None when some of them are no longer known."""
        self._take_over()
        if number == self._last:
            return []
        if number > self._last or not self._ring or self._ring[0].number > number + 1:
            return None
        return [each for each in self._ring if each.number > number]

    async def wait(self) -> None:
        """Wait until there is something new; may return early."""
        await self._news.wait_pending()
