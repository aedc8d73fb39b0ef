"""Time by status over any span, from the timeline's running totals: exact, and a few look-ups whatever the span."""

from collections.abc import Mapping, Sequence

import attrs

from asura.model.monitor import MonitorStatus
from asura.store.database import Conn

Tail = tuple[int, MonitorStatus]
"""What the timeline doesn't say yet: the status from an instant on."""


@attrs.frozen(kw_only=True)
class StatusTime:
    """Milliseconds by status; what is in none of them (pending, paused, unknown …) is not known."""

    up: int = 0
    degraded: int = 0
    down: int = 0


def over(
    conn: Conn, monitor_ids: Sequence[int], *, edges: Sequence[int], tails: Mapping[int, Tail]
) -> dict[int, list[StatusTime]]:
    """The time by status between each two neighbours of `edges` (ascending), for each monitor."""
    raise NotImplementedError


def windows(
    conn: Conn, monitor_ids: Sequence[int], *, now_ms: int, tails: Mapping[int, Tail]
) -> dict[int, dict[str, float | None]]:
    """The uptime of each monitor over each of `uptime.WINDOWS_MS`, in percent, floored; None where nothing is known."""
    raise NotImplementedError
