"""What has just been committed, told to whoever in this process waits for it.

An event is emitted inside a transaction (`store.database.emit`) and published only after that transaction is
durable, whatever became of the task that asked for it. It is a hint to look, never the truth itself: the truth
is in the database, and a subscriber that missed events reads it again. Must not do I/O.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import trio

BACKLOG = 4096
"""Events a slow subscriber may fall behind before it is told to read everything again."""


@attrs.frozen(kw_only=True)
class Event:
    """Something that was committed. `kind` is `noun.verb`; `id` is the row that it is about."""

    kind: str
    id: int | None = None
    detail: Mapping[str, Any] = attrs.field(factory=dict)


class Subscription:
    """The events of some kinds, in commit order. `overflowed` is true once some were lost."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        self.overflowed = False
        self._events: deque[Event] = deque()
        self._wake = trio.Event()

    def put(self, event: Event) -> None:
        """Add an event; from the trio thread only."""
        if len(self._events) >= BACKLOG:
            self._events.clear()
            self.overflowed = True
        self._events.append(event)
        self._wake.set()

    async def wait(self) -> list[Event]:
        """Wait until something is there, then take all of it. Never empty."""
        await self._wake.wait()
        return self.take()

    def take(self) -> list[Event]:
        """Take what is there now, perhaps nothing."""
        events = list(self._events)
        self._events.clear()
        self._wake = trio.Event()
        return events


class Hub:
    """Passes committed events on. Kinds match exactly; a subscription to `monitor.*` takes every `monitor.` kind."""

    def __init__(self) -> None:
        self._by_kind: dict[str, list[Subscription]] = {}

    @contextmanager
    def subscribe(self, *kinds: str) -> Iterator[Subscription]:
        """A subscription to `kinds`, ended on leaving."""
        subscription = Subscription(frozenset(kinds))
        self.attach(subscription)
        try:
            yield subscription
        finally:
            for kind in kinds:
                self._by_kind[kind].remove(subscription)

    def attach(self, subscription: Subscription) -> None:
        """Publish to a subscription of the caller's making for as long as the hub lives."""
        for kind in subscription.kinds:
            self._by_kind.setdefault(kind, []).append(subscription)

    def publish(self, event: Event) -> None:
        """Hand `event` to every subscription of its kind; from the trio thread only, never waits."""
        for subscription in self._by_kind.get(event.kind, ()):
            subscription.put(event)
        for subscription in self._by_kind.get(event.kind.partition(".")[0] + ".*", ()):
            subscription.put(event)
