"""Where pings come in: who they are from, and how they become durable, many to a transaction."""

from asura.clock import Clock
from asura.ids import MonitorId
from asura.model.heartbeat import Signal
from asura.store.database import Store


class Intake:
    """Takes pings; one for the daemon."""

    def __init__(self, store: Store, clock: Clock) -> None:
        raise NotImplementedError

    def find(self, token: str) -> MonitorId | None:
        """Whose token this is: a look into memory, right from the commit that made or rotated it."""
        raise NotImplementedError

    async def record(self, signal: Signal) -> None:
        """Make a ping durable with everything that follows from it.

        It happens even if the caller is cancelled meanwhile. Raises StoreError when the disk doesn't take it.
        """
        raise NotImplementedError

    async def settle(self) -> None:
        """Return when every ping that came before this call is decided, durable or refused."""
        raise NotImplementedError
