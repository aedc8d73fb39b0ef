"""Heartbeats: tokens, deadlines, runs. What is decided about them stands in `heartbeats/`."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from asura.model.heartbeat import Heartbeat, Run
from asura.store.database import Conn


def create_heartbeat(conn: Conn, monitor_id: int, *, grace: int, new_token: Callable[[], str]) -> Heartbeat:
    """A pending heartbeat with a token of its own: `new_token` is asked again while its answer is taken."""
    raise NotImplementedError


def get_heartbeat_by_token(conn: Conn, token: str, *, now_ms: int) -> Heartbeat | None:
    """The heartbeat of a token, or of one that was rotated away and is still good; None for any other."""
    raise NotImplementedError


def update_heartbeat_ping(conn: Conn, beats: Iterable[Heartbeat]) -> None:
    """Write down what pings made of heartbeats, a whole batch at once: everything but their tokens."""
    raise NotImplementedError


def list_expired_heartbeats(conn: Conn, *, now_ms: int, limit: int) -> list[Heartbeat]:
    """Enabled heartbeats whose deadline lies before `now_ms`, the oldest first. Costs what it finds."""
    raise NotImplementedError


def next_deadline_at(conn: Conn) -> int | None:
    """The earliest deadline of all."""
    raise NotImplementedError


def of_monitors(conn: Conn, monitor_ids: Iterable[int]) -> dict[int, Heartbeat]:
    """The heartbeats of those of the monitors that have one, by monitor."""
    raise NotImplementedError


def runs_of(conn: Conn, monitor_ids: Iterable[int]) -> Mapping[int, Sequence[Run]]:
    """The open runs of several monitors, each list in the order of their start."""
    raise NotImplementedError


def save_runs(conn: Conn, runs: Mapping[int, Sequence[Run]]) -> None:
    """Replace the open runs of these monitors."""
    raise NotImplementedError


def rotate(conn: Conn, monitor_id: int, *, new_token: Callable[[], str], old_until: int | None) -> Heartbeat:
    """Another token; the old one stays good until `old_until`, or not at all. Raises NotFound."""
    raise NotImplementedError


def delete(conn: Conn, monitor_id: int) -> None:
    """The monitor is no heartbeat any more."""
    raise NotImplementedError


def tokens(conn: Conn) -> list[tuple[str, int, int | None]]:
    """Every token that is or was good: (token, monitor, until when; None for ever)."""
    raise NotImplementedError


def beat_at(conn: Conn) -> int | None:
    """When the daemon last noted that it could be reached; None for never."""
    raise NotImplementedError


def note_beat(conn: Conn, *, at: int) -> None:
    """Note that the daemon can be reached at this instant."""
    raise NotImplementedError
