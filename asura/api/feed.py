"""Live events for browsers: numbered, kept for a while so that a lost connection can go on, never waited for.

What is published goes straight into a ring that all streams read; there is no task of its own. Checks and pings are too
many to keep: of those only the last of each monitor is known, and a stream tells what is new among them once a second.
"""

import secrets
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

import attrs
import trio

from asura.live import Event, Hub, Subscription

RING_SIZE = 1000
"""Events that a reader may have missed and still get: some minutes of a bad day."""

MAX_KNOWN = 50_000
"""Monitors whose last check or ping is known: more than there can sensibly be, and deleted ones leave in the end."""

KEPT = frozenset({"monitor.changed", "monitor.status", "monitor.content", "incident.*", "delivery.*", "channel.*"})
CHECKED = "monitor.checked"
PINGED = "monitor.pinged"


@attrs.frozen
class Numbered:
    """An event with its place in the order of this run."""

    number: int
    event: Event


class Ring(Subscription):
    """The latest events that a reader must not miss."""

    def __init__(self) -> None:
        super().__init__(KEPT)
        self.last = 0
        """The number of the newest event."""
        self.news = trio.Event()
        """Set with the next event. Take it before reading, so that none slips through in between."""
        self._kept: deque[Numbered] = deque(maxlen=RING_SIZE)

    def put(self, event: Event) -> None:
        """Add an event; from the trio thread only."""
        self.last += 1
        self._kept.append(Numbered(self.last, event))
        news, self.news = self.news, trio.Event()
        news.set()

    def after(self, number: int) -> list[Numbered] | None:
        """The events after `number`, oldest first; None when some of them are no longer known, or never were."""
        if number > self.last or number < self.last - len(self._kept):
            return None
        return [each for each in self._kept if each.number > number]


class Board(Subscription):
    """The last event of one kind of each monitor, the latest at the end."""

    def __init__(self, kind: str) -> None:
        super().__init__(frozenset({kind}))
        self.last = 0
        self._latest: OrderedDict[int, tuple[int, Mapping[str, Any]]] = OrderedDict()

    def put(self, event: Event) -> None:
        """Take the place of the monitor's last one; from the trio thread only."""
        if event.id is not None:
            self.last += 1
            self._latest[event.id] = (self.last, event.detail)
            self._latest.move_to_end(event.id)
            if len(self._latest) > MAX_KNOWN:
                self._latest.popitem(last=False)

    def after(self, number: int) -> list[tuple[int, Mapping[str, Any]]]:
        """Monitor and detail for each monitor that has one after `number`, the latest first."""
        found = []
        for monitor_id in reversed(self._latest):
            at, detail = self._latest[monitor_id]
            if at <= number:
                break
            found.append((monitor_id, detail))
        return found


class Feed:
    """The events of this run of the daemon. `boot` tells one run from the next."""

    def __init__(self, hub: Hub) -> None:
        self.boot = secrets.token_hex(4)
        self.ring = Ring()
        self.checks = Board(CHECKED)
        self.pings = Board(PINGED)
        self.streams = 0
        """How many readers there are."""
        hub.attach(self.ring)
        hub.attach(self.checks)
        hub.attach(self.pings)

    def id_of(self, number: int) -> str:
        """What a reader is told, and sends back as Last-Event-ID."""
        return f"{self.boot}-{number}"

    def number_of(self, event_id: str) -> int | None:
        """The number in a Last-Event-ID of this run; None for anything else."""
        boot, _, digits = event_id.partition("-")
        if boot != self.boot or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            return None
        return int(digits)
