"""What the handlers need of the running daemon, and no more. The daemon's own `Services` fits."""

from collections.abc import Sequence
from typing import Any, Protocol

import trio

from asura.clock import Clock
from asura.config.live import Live
from asura.live import Hub
from asura.model.monitor import Monitor
from asura.model.observation import Observation
from asura.netguard import Guard
from asura.store.database import Store


class Checker(Protocol):
    """Runs checks by hand."""

    async def check_now(self, monitor_id: int) -> Observation:
        """One check now, recorded as any other."""
        ...

    async def try_out(self, monitor: Monitor) -> Observation:
        """One check now; nothing is stored."""
        ...


class Services(Protocol):
    """The running daemon, seen from the interface."""

    @property
    def store(self) -> Store:
        """The database."""
        ...

    @property
    def hub(self) -> Hub:
        """What has just been committed."""
        ...

    @property
    def clock(self) -> Clock:
        """The wall clock."""
        ...

    @property
    def config(self) -> Live:
        """The configuration in force."""
        ...

    @property
    def checker(self) -> Checker:
        """Runs checks by hand."""
        ...

    @property
    def guard(self) -> Guard:
        """Which addresses may be reached."""
        ...
