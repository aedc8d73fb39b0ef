"""From a verdict to what becomes of the incident. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from asura.model.monitor import MonitorStatus
from asura.model.observation import Outcome
from asura.model.vote import Vote
from asura.units import iso

CAUSE_LENGTH = 500
"""A cause is a headline; the whole message stands in the evidence."""


class Transition(StrEnum):
    """What happens to a monitor's incident."""

    NONE = "none"
    OPEN = "open"
    RESOLVE = "resolve"


def transition(*, is_announced: bool, status: MonitorStatus, is_suppressed: bool) -> Transition:
    """What a verdict means. `is_announced`: this spell of being down has had its incident already.

    One spell opens one incident, so that resolving by hand does not raise the same alarm again. Suppression delays
    the opening until it ends; it never delays the resolution.
    """
    if status is MonitorStatus.DOWN:
        return Transition.NONE if is_announced or is_suppressed else Transition.OPEN
    if is_announced and status in (MonitorStatus.UP, MonitorStatus.DEGRADED):
        return Transition.RESOLVE
    return Transition.NONE


LOOK_LIMIT_MS = 60_000
"""How long a failure waits for a first look at its dependencies. They are looked at within seconds, unless that is what
fails; then somebody is told all the same."""
DECISION_LIMIT_MS = 600_000
"""How long a failure waits for a dependency that fails too, but is not down. With rechecks the usual three failures are
confirmed within minutes, whatever the timeout; one that flaps for longer may hold back nobody's alarm for ever."""
_FRESH_WINDOWS = 2
"""For so long a failing vote of a dependency may be the beginning of something."""


class Bearing(StrEnum):
    """What a dependency says of the failure of a monitor that depends on it."""

    NONE = "none"
    AWAITED = "awaited"
    """It may turn out to be the reason within moments."""
    OVER = "over"
    """It may have been the reason and is well again; what reports by itself has had no time yet to do so."""
    EXPLAINS = "explains"
    """It is down itself."""


def bearing(
    status: MonitorStatus,
    *,
    since: int,
    votes: Sequence[Vote],
    last_check_at: int | None,
    window: int,
    failing: Vote,
    now_ms: int,
    is_passive: bool = False,
    patience_ms: int | None = None,
) -> Bearing:
    """What a dependency in this state `since` then says of a failure. `window` is its own, in milliseconds.

    `is_passive`: it reports by itself, so that nobody can look at it. `patience_ms` is of a failing monitor that does:
    for so long after the recovery of the dependency it may report again.

    Which of the two is checked first is chance, and so is whose threshold is reached first: what nobody has looked
    at since the failure began, or what fails too but not often enough yet, is waited for.
    """
    if status is MonitorStatus.DOWN:
        return Bearing.EXPLAINS
    is_undecided = any(vote.is_down and now_ms - vote.effective_at <= _FRESH_WINDOWS * window for vote in votes)
    if is_undecided and now_ms - max(since, failing.streak_since) < DECISION_LIMIT_MS:
        return Bearing.AWAITED
    is_unseen = not is_passive and (last_check_at is None or last_check_at < failing.streak_since)
    if is_unseen and 0 <= now_ms - failing.streak_since < LOOK_LIMIT_MS:
        return Bearing.AWAITED
    # It is well again, but that was not so yet when the failure was seen last: that wants another look.
    recoveries = [vote.streak_since for vote in votes if not vote.is_down and vote.streak_since <= now_ms]
    recovered_at = max(recoveries, default=failing.effective_at)
    is_new = recovered_at > failing.effective_at and (patience_ms is None or now_ms - recovered_at <= patience_ms)
    if not is_new:
        return Bearing.NONE
    return Bearing.AWAITED if patience_ms is None else Bearing.OVER


def opening_rule(outcome: Outcome, *, failure_threshold: int, is_passive: bool) -> str:
    """Why an incident was opened now and not with another failure."""
    if not is_passive:
        return f"{failure_threshold} failed checks in a row"
    is_missed = (outcome.detail or {}).get("kind") == "missed"
    return "one missed deadline" if is_missed else "one failure that the job reported"


def cause(votes: Sequence[Vote]) -> str:
    """The headline: what the failing region saw, and which regions they are when there are several."""
    failing = sorted((vote for vote in votes if vote.is_down), key=lambda vote: vote.region)
    if not failing:
        return "down"
    text = failing[0].message or "down"
    if len(votes) > 1:
        told = ", ".join(f"{vote.region} {vote.message or 'down'}" for vote in failing)
        text = f"down from {len(failing)} of {len(votes)}: {told}"
    return text[:CAUSE_LENGTH]


def evidence(votes: Sequence[Vote], *, latest: Outcome | None = None, now_ms: int) -> list[dict[str, Any]]:
    """The vote table as it was when the incident opened, as JSON values.

    `latest` is what the region saw that voted last: what it was answered, and which assertions didn't hold.
    """
    newest = max((vote.effective_at for vote in votes), default=0)
    return [
        {
            "region": vote.region,
            "status": vote.status.value,
            "message": vote.message,
            "checked_at": iso(vote.effective_at),
            "age_seconds": max(0, now_ms - vote.effective_at) // 1000,
            "streak": vote.streak,
            "streak_since": iso(vote.streak_since),
            **(_seen(latest) if latest is not None and vote.effective_at == newest else {}),
        }
        for vote in sorted(votes, key=lambda vote: vote.region)
    ]


def _seen(outcome: Outcome) -> dict[str, Any]:
    """What of an outcome helps to understand a failure, beyond its message; nothing that isn't there."""
    detail = outcome.detail or {}
    results = detail.get("assertions", ())
    found: dict[str, Any] = {
        **{name: detail[name] for name in _TOLD_OF_PINGS if "ping_id" in detail and name in detail},
        "status_code": outcome.status_code,
        "response_ms": outcome.response_ms,
        "assertions": [
            {name: each[name] for name in _TOLD_OF_ASSERTIONS if name in each} for each in results if not each["ok"]
        ],
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


_TOLD_OF_PINGS = ("ping_id", "exit_status", "output")
_TOLD_OF_ASSERTIONS = ("type", "target", "degraded", "expected", "seen")


def next_reminder_at(*, resend_interval_s: int, last_told_at: int) -> int | None:
    """When to remind of an open incident; None for never."""
    return last_told_at + resend_interval_s * 1000 if resend_interval_s else None


def overdue_reminder_at(due_at: int, *, resend_interval_s: int, now_ms: int) -> int | None:
    """When the next reminder is due after one that was due at `due_at` and is sent now: no burst for missed ones."""
    if not resend_interval_s:
        return None
    step = resend_interval_s * 1000
    return due_at + step * ((now_ms - due_at) // step + 1)
