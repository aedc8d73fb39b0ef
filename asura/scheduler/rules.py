"""When a monitor is due, and what may depend on what. Pure."""

from collections.abc import Mapping, Sequence

_GOLDEN = 0.6180339887498949
"""Multiples of it spread over a circle more evenly than chance would."""


def phase_s(monitor_id: int, *, interval_s: int) -> float:
    """The monitor's own moment within its interval, fixed for good.

    A fixed phase, not fresh jitter: after a restart a thousand checks would meet at second zero, and the time
    between two checks of one monitor would differ from its interval.
    """
    return (monitor_id * _GOLDEN % 1.0) * interval_s


def first_delay_s(monitor_id: int, *, interval_s: int, now_ms: int) -> float:
    """Seconds from the wall clock's now to the monitor's next moment: less than one interval."""
    return (phase_s(monitor_id, interval_s=interval_s) - now_ms / 1000) % interval_s


CATCH_UP_S = 30.0
"""Monitors that missed their moment while nobody was looking are checked within this time, spread over it."""


def catch_up_delay_s(monitor_id: int) -> float:
    """Seconds from the start to the check that stands in for a missed one."""
    return (monitor_id * _GOLDEN % 1.0) * CATCH_UP_S


def following(due_s: float, *, interval_s: int, now_s: float) -> tuple[float, int]:
    """The next moment after one at `due_s` whose check has ended at `now_s`, and how many moments passed unused."""
    skipped = max(0, int((now_s - due_s) // interval_s))
    return due_s + (skipped + 1) * interval_s, skipped


def cycle(depends_on: Mapping[int, Sequence[int]], *, start: int) -> list[int]:
    """A way from `start` back to it along the dependencies, both ends included; empty when there is none."""
    came_from: dict[int, int] = {}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        for there in depends_on.get(here, ()):
            if there == start:
                return _way(came_from, start=start, end=here)
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return []


def _way(came_from: Mapping[int, int], *, start: int, end: int) -> list[int]:
    way = [end]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return [*reversed(way), start]
