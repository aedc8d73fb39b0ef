"""From results to a verdict. Pure: votes, thresholds and the clock in, a verdict out.

With no probes there is one region, `local`, whose quorum is 1; nothing here depends on that.
"""

from collections.abc import Sequence

import attrs

from asura.model.monitor import MonitorStatus, Status
from asura.model.vote import Vote

WINDOW_FLOOR_S = 60
"""The shortest time for which a vote counts."""
STALE_WINDOWS = 3
"""Windows without anything fresh after which nobody knows."""
_STREAK_WINDOWS = 2
"""Windows of silence after which a streak starts anew."""
LATE_MS = 1000
"""How late a check may begin. When one was missed (a restart, no socket left) the next comes after two windows to the
millisecond; whether that is a gap must not be left to chance."""


def window_ms(interval_s: int) -> int:
    """For how long a vote counts, inclusive."""
    return max(WINDOW_FLOOR_S, interval_s) * 1000


def holds_s(interval_s: int) -> int:
    """For how long a result says how things are, when no other comes."""
    return STALE_WINDOWS * window_ms(interval_s) // 1000


def stale_at(last_check_at: int, *, interval_s: int) -> int:
    """From when on a monitor that was last checked at `last_check_at` is unknown."""
    return last_check_at + holds_s(interval_s) * 1000


def cast(
    previous: Vote | None,
    *,
    region: str,
    status: Status,
    at: int,
    message: str,
    window: int,
    silent_ms: int | None = None,
) -> Vote:
    """The region's vote after one more result at `at`; `window` is in milliseconds.

    `silent_ms` is for how long nobody was looking before it, where that is known. A check that took its whole
    interval, or waited minutes for its place because everything hangs at once, is no gap: with one a streak would
    never grow when it matters most.
    """
    continues = (
        previous is not None
        and previous.is_down == (status is Status.DOWN)
        and min(gap for gap in (at - previous.effective_at, silent_ms) if gap is not None)
        <= _STREAK_WINDOWS * window + LATE_MS
    )
    if previous is None or not continues:
        return Vote(region=region, status=status, effective_at=at, message=message, streak=1, streak_since=at)
    return Vote(
        region=region,
        status=status,
        effective_at=at,
        message=message,
        streak=previous.streak + 1,
        streak_since=previous.streak_since,
    )


@attrs.frozen(kw_only=True)
class Thresholds:
    """How many results in a row confirm a failure, and a recovery, in one region."""

    failure: int
    success: int


@attrs.frozen(kw_only=True)
class Verdict:
    """What the votes amount to. A status equal to the one before may be agreement or silence."""

    status: MonitorStatus
    confirming: bool
    """The votes contradict the status, but not often enough yet."""
    partial: bool
    """Some region has confirmed a failure, but fewer than the quorum."""


def decide(
    votes: Sequence[Vote],
    *,
    current: MonitorStatus,
    eligible: int,
    quorum: int,
    thresholds: Thresholds,
    now_ms: int,
    window: int,
) -> Verdict:
    """The verdict of the votes that are no older than `window` milliseconds.

    Down when `quorum` regions have confirmed it; not down when so many say otherwise that a quorum can't be
    reached; else the status stays: silence neither alarms nor recovers.
    """
    is_down = current is MonitorStatus.DOWN
    needed = thresholds.success if is_down else 1
    failing = confirmed = others = recovered = degraded = 0
    for vote in votes:
        if now_ms - vote.effective_at > window:
            continue
        if vote.status is Status.DOWN:
            failing += 1
            confirmed += vote.streak >= thresholds.failure
        else:
            others += 1
            recovered += vote.streak >= needed
            degraded += vote.status is Status.DEGRADED
    if confirmed >= quorum:
        status = MonitorStatus.DOWN
    elif recovered >= max(1, eligible - quorum + 1):
        is_worse = failing + degraded >= max(1, min(quorum, eligible))
        status = MonitorStatus.DEGRADED if is_worse else MonitorStatus.UP
    else:
        status = current
    doubts = others if status is MonitorStatus.DOWN else failing
    return Verdict(
        status=status,
        confirming=doubts > 0 and status is current,
        partial=status is not MonitorStatus.DOWN and 0 < confirmed < quorum,
    )
