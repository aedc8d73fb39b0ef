"""From results to a verdict. Pure: votes, thresholds and the clock in, a verdict out.

With no probes there is one region, `local`, whose quorum is 1; nothing here depends on that.
"""

from collections.abc import Iterable, Sequence

import attrs

from asura.model.monitor import MonitorStatus, Status
from asura.model.vote import Vote

WINDOW_FLOOR_S = 60
"""The shortest time for which a vote counts."""
STALE_WINDOWS = 3
"""Windows without anything fresh after which nobody knows."""
_STREAK_WINDOWS = 2
"""Windows of silence after which a streak starts anew."""


def window_ms(interval_s: int) -> int:
    """For how long a vote counts, inclusive."""
    return max(WINDOW_FLOOR_S, interval_s) * 1000


def stale_at(last_check_at: int, *, interval_s: int) -> int:
    """From when on a monitor that was last checked at `last_check_at` is unknown."""
    return last_check_at + STALE_WINDOWS * window_ms(interval_s)


def cast(previous: Vote | None, *, region: str, status: Status, at: int, message: str, window: int) -> Vote:
    """The region's vote after one more result at `at`; `window` is in milliseconds."""
    continues = (
        previous is not None
        and previous.is_down == (status is Status.DOWN)
        and at - previous.effective_at <= _STREAK_WINDOWS * window
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
    fresh = [vote for vote in votes if now_ms - vote.effective_at <= window]
    is_down = current is MonitorStatus.DOWN
    needed = thresholds.success if is_down else 1
    failing = sum(vote.is_down for vote in fresh)
    confirmed = sum(vote.is_down and vote.streak >= thresholds.failure for vote in fresh)
    recovered = sum(not vote.is_down and vote.streak >= needed for vote in fresh)
    others_for_up = max(1, eligible - quorum + 1)
    if confirmed >= quorum:
        status = MonitorStatus.DOWN
    elif recovered >= others_for_up:
        status = _not_down(fresh, least=max(1, min(quorum, eligible)))
    else:
        status = current
    doubts = failing > 0 if status is not MonitorStatus.DOWN else len(fresh) - failing > 0
    return Verdict(
        status=status,
        confirming=doubts and status is current,
        partial=status is not MonitorStatus.DOWN and 0 < confirmed < quorum,
    )


def _not_down(fresh: Iterable[Vote], *, least: int) -> MonitorStatus:
    worse = sum(vote.status is not Status.UP for vote in fresh)
    return MonitorStatus.DEGRADED if worse >= least else MonitorStatus.UP
