"""A monitor and its minutes: what is seen of it goes through the ledger as it does in the daemon."""

from typing import Any

import attrs

from asura.incidents import ledger
from asura.live import Event
from asura.model.incident import Incident
from asura.model.monitor import Monitor, MonitorState, MonitorStatus, Status
from asura.model.vote import Vote
from asura.scheduler import changes
from asura.store import incidents, judging, states, timeline
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import BASE_URL, MINUTE_MS, START_MS

STATUSES = {"U": Status.UP, "G": Status.DEGRADED, "D": Status.DOWN}


class Watched:
    """A monitor and its minutes: `sees("UUD")` records an observation a minute."""

    def __init__(self, conn: WriteConnection, **fields: Any) -> None:
        self.conn = conn
        self.monitor: Monitor = factories.create(conn, **fields)
        self.id = self.monitor.id
        self.now_ms = START_MS

    def sees(self, statuses: str, **fields: Any) -> "Watched":
        for letter in statuses:
            self.now_ms += MINUTE_MS
            self.record(STATUSES[letter], at=self.now_ms, **fields)
        return self

    def record(self, status: Status, *, at: int, **fields: Any) -> None:
        seen = factories.observation(self.id, status, at=at, **fields)
        ledger.record(self.conn, [seen], now_ms=self.now_ms + 500, base_url=BASE_URL)

    @property
    def state(self) -> MonitorState:
        return states.get(self.conn, self.id)

    @property
    def incidents(self) -> list[Incident]:
        """Oldest first."""
        return [each for each, _ in incidents.page(self.conn, limit=100, monitor_id=self.id)[0]][::-1]

    @property
    def incident(self) -> Incident:
        (only,) = self.incidents
        return only

    @property
    def timeline(self) -> list[tuple[int, MonitorStatus]]:
        """(minutes after the start, status)"""
        found = timeline.of_monitor(self.conn, self.id, since=START_MS)
        return [((at - START_MS) // MINUTE_MS, status) for at, status in found]

    @property
    def votes(self) -> list[Vote]:
        """One of each region."""
        return list(judging.situations(self.conn, {self.id})[self.id].votes.values())

    @property
    def told(self) -> list[str]:
        return factories.told(self.conn, monitor_id=self.id)

    def lines(self, incident: Incident | None = None) -> list[str]:
        """The types of the lines of an incident's timeline."""
        return [event.type for event in incidents.events_of(self.conn, (incident or self.incident).id)]

    def edit(self, **fields: Any) -> None:
        """Put another configuration in place."""
        self.monitor = changes.replace(self.conn, attrs.evolve(self.monitor, **fields), now_ms=self.now_ms)

    def minute(self, number: int) -> int:
        """The instant so many minutes after the start."""
        return START_MS + number * MINUTE_MS


def taken_events(conn: WriteConnection, *kinds: str) -> list[Event]:
    """The events emitted since the last call, of some kinds."""
    events, conn.events = conn.events, []
    return [event for event in events if event.kind in kinds]
