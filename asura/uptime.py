"""Uptime is time, not a count of checks: time that was not down / time that is known, over the status timeline.

Degraded counts as up. Pending, paused, maintenance and unknown leave the denominator. No known time is None, never
100, and a percentage is floored, so that one second of down never reads as 100.

This is the plain calculation, change by change. `store/uptimes.py` gives the same of any span in a few look-ups.
"""

from collections.abc import Iterable, Sequence

import attrs

from asura.model.monitor import MonitorStatus

HOUR_MS = 3_600_000
WINDOWS_MS = {"24h": 24 * HOUR_MS, "7d": 7 * 24 * HOUR_MS, "30d": 30 * 24 * HOUR_MS, "90d": 90 * 24 * HOUR_MS}
"""The windows that uptime is given for, each ending now."""

_GOOD = frozenset({MonitorStatus.UP, MonitorStatus.DEGRADED})


@attrs.frozen(kw_only=True)
class Interval:
    """A stretch of one status, half-open: at `end` the next one holds."""

    status: MonitorStatus
    start: int
    end: int


def intervals(changes: Sequence[tuple[int, MonitorStatus]], *, start: int, end: int) -> list[Interval]:
    """The timeline between `start` and `end`: contiguous, clipped, equal neighbours merged.

    `changes` are (instant, the status from then on) in ascending order; the first may lie before `start`. Time
    before the first change has no interval.
    """
    found: list[Interval] = []
    was: MonitorStatus | None = None
    ends = [*(at for at, _ in changes[1:]), end]
    for (since, status), until in zip(changes, ends, strict=False):  # without changes there is one end too many
        low = since if since > start else start  # max and min would take milliseconds of ten thousand
        high = until if until < end else end
        if low >= high:
            continue
        if status is was:
            found[-1] = attrs.evolve(found[-1], end=high)
        else:
            found.append(Interval(status=status, start=low, end=high))
            was = status
    return found


def with_tail(
    changes: Sequence[tuple[int, MonitorStatus]], tail: tuple[int, MonitorStatus] | None
) -> Sequence[tuple[int, MonitorStatus]]:
    """The changes, and what they don't say yet: the status from an instant on, but not before the last of them."""
    if tail is None or not changes:
        return changes
    return [*changes, (max(tail[0], changes[-1][0]), tail[1])]


def percent(timeline: Iterable[Interval]) -> float | None:
    """The percentage of known time that was not down, floored to thousandths; None when nothing is known."""
    good_ms = down_ms = 0
    for interval in timeline:
        if interval.status in _GOOD:
            good_ms += interval.end - interval.start
        elif interval.status is MonitorStatus.DOWN:
            down_ms += interval.end - interval.start
    return share(good_ms, down_ms)


def share(good_ms: int, down_ms: int) -> float | None:
    """The percentage that is good of what is known, floored to thousandths; None when nothing is known."""
    known_ms = good_ms + down_ms
    return good_ms * 100_000 // known_ms / 1000 if known_ms else None
