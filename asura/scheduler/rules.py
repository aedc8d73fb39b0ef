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


SOONEST_RECHECK_S = 5.0
"""Sooner would ask the same moment twice: what restarts is back after that, and a target in trouble is not pushed."""
LATEST_RECHECK_S = 20.0
"""With the usual three failures a target that is down is confirmed so within a minute, however long its interval."""
MAX_RECHECKS = 10
"""Rechecks in a row; each check in its own moment that finds the target well allows one more. What flaps for hours is
not worth three times the checks, and a threshold of a hundred failures is meant to take its time."""


def recheck_s(interval_s: float) -> float:
    """How soon to look again at what has failed and may be down; never later than the interval."""
    return min(interval_s, max(SOONEST_RECHECK_S, min(LATEST_RECHECK_S, interval_s / 3)))


def recheck_at(now_s: float, *, due_s: float, interval_s: float) -> float:
    """When to look again after a failure that is known at `now_s`; `due_s` is when the monitor's own moment comes.

    No recheck right before that moment: two results of one second are one observation.
    """
    wait_s = recheck_s(interval_s)
    return now_s + wait_s if due_s - now_s >= 1.5 * wait_s else due_s


def recheck_delay_s(monitor_id: int, *, interval_s: float) -> float:
    """Seconds from the start to the recheck of what was in doubt before it; spread, as there may be many."""
    return (monitor_id * _GOLDEN % 1.0) * recheck_s(interval_s)


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
