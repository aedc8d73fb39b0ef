"""The pings of heartbeats, numbered by monitor, and their bodies."""

from collections.abc import Sequence

from asura.model.heartbeat import Ping, PingKind
from asura.store.database import Conn

KEPT_BODIES = 1000
"""Bodies that are kept of one monitor: the last ones, at most 100 MB. An older ping keeps its row."""
KEPT_PINGS = 100_000
"""Pings that are kept of one monitor, whatever their age: some 10 MB. Retention takes the older ones."""


def insert(conn: Conn, pings: Sequence[Ping]) -> None:
    """Store pings, which carry their numbers in `id`; of each monitor bodies beyond KEPT_BODIES go."""
    raise NotImplementedError


def page(
    conn: Conn,
    monitor_id: int,
    *,
    limit: int,
    offset: int = 0,
    before: int | None = None,
    kinds: Sequence[PingKind] = (),
    body_chars: int,
) -> list[Ping]:
    """Pings, newest first, from below the id `before`; bodies only to so many characters (then `is_cut`)."""
    raise NotImplementedError


def count(conn: Conn, monitor_id: int, *, kinds: Sequence[PingKind] = ()) -> int:
    """How many pings there are."""
    raise NotImplementedError


def get(conn: Conn, monitor_id: int, ping_id: int) -> Ping:
    """One ping with its whole body. Raises NotFound."""
    raise NotImplementedError
