"""What the handlers are given of the running daemon, and no more."""

from collections.abc import Callable, Sequence

import attrs
import trio

from asura.checker.service import Checker
from asura.clock import Clock
from asura.config.live import Live
from asura.consensus.service import Record
from asura.heartbeats.intake import Intake
from asura.live import Hub
from asura.model.part import Part
from asura.netguard import Guard
from asura.protocols.attempt import Env
from asura.store.database import Store


@attrs.frozen(kw_only=True)
class Services:
    """The running daemon, seen from the interface."""

    store: Store
    hub: Hub
    clock: Clock
    config: Live
    checker: Checker
    intake: Intake
    """Where pings come in."""
    record: Record
    """Makes observations durable with everything that follows from them."""
    guard: Callable[[], Guard]
    """Which addresses may be reached, by the configuration in force."""
    env: Callable[[], Env]
    """What checks share, by the configuration in force."""
    health: Callable[[], Sequence[Part]]
    """How each part of the daemon is."""
    stopping: trio.Event
    started_at_ms: int
    base_url: Callable[[], str]
    """The dashboard's address, for links in messages."""
