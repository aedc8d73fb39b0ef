"""Whose token is whose, in memory: what is pinged a thousand times a second must not ask the database each time.

Only a memory of what stands there, told by its commits in their order: a new token is known from the commit that made
it, and one that was rotated away or deleted is not.
"""

from asura.ids import MonitorId
from asura.live import Event, Subscription
from asura.store import heartbeats
from asura.store.database import Store


class Tokens(Subscription):
    """Every token that is good, each with its monitor. Attach it to the hub, then `load`. Some 250 bytes a token."""

    def __init__(self) -> None:
        super().__init__(frozenset({heartbeats.TOKENS_CHANGED}))
        self._found: dict[str, tuple[MonitorId, int | None]] = {}
        self._by_monitor: dict[int, tuple[str, ...]] = {}
        self._meanwhile: list[Event] | None = None

    def put(self, event: Event) -> None:
        """Remember what a monitor's tokens are now; from the trio thread only."""
        if self._meanwhile is not None:
            self._meanwhile.append(event)
        assert event.id is not None
        for token in self._by_monitor.pop(event.id, ()):
            del self._found[token]
        for token, until in event.detail["tokens"]:
            self._add(token, event.id, until)

    def _add(self, token: str, monitor_id: int, until: int | None) -> None:
        self._found[token] = (MonitorId(monitor_id), until)
        self._by_monitor[monitor_id] = (*self._by_monitor.get(monitor_id, ()), token)

    async def load(self, store: Store) -> None:
        """Read all that are stored; what is committed meanwhile counts, too. Raises StoreError."""
        later = self._meanwhile = list[Event]()
        try:
            stored = await store.read(heartbeats.tokens)
        finally:
            self._meanwhile = None
        self._found.clear()
        self._by_monitor.clear()
        for token, monitor_id, until in stored:
            self._add(token, monitor_id, until)
        for event in later:
            self.put(event)

    def find(self, token: str, *, now_ms: int) -> MonitorId | None:
        """Whose token this is; None if nobody's, or no longer."""
        monitor_id, until = self._found.get(token, (None, None))
        return monitor_id if until is None or now_ms < until else None
