"""A heartbeat from its monitor's creation to its end. Every function runs inside a write of the store."""

from asura.model.heartbeat import Heartbeat
from asura.model.monitor import Monitor
from asura.store.database import Conn

OLD_TOKEN_MS = 86_400_000
"""For how long a rotated token stays good, if that was asked for."""


def create(conn: Conn, monitor: Monitor, *, now_ms: int) -> None:
    """Give a new monitor its heartbeat, if it is of that type."""
    raise NotImplementedError


def replace(conn: Conn, before: Monitor, after: Monitor, *, now_ms: int) -> None:
    """Follow an edit: of the plan, of the type, a pause or its end."""
    raise NotImplementedError


def rotate(conn: Conn, monitor_id: int, *, keep_old: bool, now_ms: int) -> Heartbeat:
    """Another token at once; the old one stays good for a day if asked. Raises NotFound."""
    raise NotImplementedError
