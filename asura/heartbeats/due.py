"""What is expected of a job, and when. Pure; every instant is milliseconds by the server's clock."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from asura import cron
from asura.model.heartbeat import Heartbeat, HeartbeatStatus, Run

EARLY_MS = 60_000
"""How long before its scheduled time a ping may come and count for it: clocks differ."""


@attrs.frozen(kw_only=True)
class Plan:
    """What is expected of a job, from its monitor. `schedule` empty: once every `interval_s`."""

    interval_s: int
    grace_s: int
    schedule: str = ""
    timezone: str = "UTC"
    max_runtime_s: int | None = None
    min_runtime_s: int | None = None
    success_keywords: tuple[str, ...] = ()
    failure_keywords: tuple[str, ...] = ()
    start_keywords: tuple[str, ...] = ()


def plan(*, interval_s: int, settings: Mapping[str, Any]) -> Plan:
    """The plan of a heartbeat monitor: its interval, and the settings of its type as they are stored."""
    return Plan(
        interval_s=interval_s,
        grace_s=settings["grace"],
        schedule=settings["schedule"],
        timezone=settings["timezone"],
        max_runtime_s=settings["max_runtime"],
        min_runtime_s=settings["min_runtime"],
        success_keywords=tuple(settings["success_keywords"]),
        failure_keywords=tuple(settings["failure_keywords"]),
        start_keywords=tuple(settings["start_keywords"]),
    )


def anew(plan: Plan, *, now_ms: int) -> int | None:
    """When a ping is expected if nothing counts but what comes from now on; None for never."""
    if not plan.schedule:
        return now_ms + plan.interval_s * 1000
    return _scheduled(plan, after=now_ms)


def deadline(beat: Heartbeat, plan: Plan) -> int | None:
    """The last instant at which the ping that is due is in time."""
    if beat.due_at is None:
        return None
    return max(beat.due_at, beat.excused_until or 0) + plan.grace_s * 1000


def with_deadline(beat: Heartbeat, runs: Sequence[Run], plan: Plan) -> Heartbeat:
    """The heartbeat with the earliest of its deadlines. While it is known to be down, nothing can be missed."""
    if beat.status is HeartbeatStatus.DOWN:
        return attrs.evolve(beat, deadline_at=None)
    found = [deadline(beat, plan), *(run.deadline_at for run in runs)]
    return attrs.evolve(beat, deadline_at=min((each for each in found if each is not None), default=None))


def following(beat: Heartbeat, plan: Plan, *, at: int, may_be_early: bool) -> int | None:
    """When the next ping is expected after one at `at`, which came for `beat.due_at` if it did not come too early.

    A scheduled time is met a little before it as well: by the clock of the job it may have been reached. Beyond its
    deadline a ping comes too late for it; then it may be early for the next one.
    """
    if not plan.schedule:
        return at + plan.interval_s * 1000
    due_at, missed_at = beat.due_at, deadline(beat, plan)
    if due_at is not None and missed_at is not None and at <= missed_at:
        if at < due_at - (_tolerance_ms(plan, due_at) if may_be_early else 0):
            return due_at
        return _scheduled(plan, after=max(at, due_at))
    upcoming = _scheduled(plan, after=at - 1)
    if upcoming is not None and upcoming - at <= (_tolerance_ms(plan, upcoming) if may_be_early else 0):
        return _scheduled(plan, after=upcoming)
    return upcoming


def _tolerance_ms(plan: Plan, due_at: int) -> int:
    """How early a ping may come for a scheduled time: nearer to it than to the one before, for which it may be late.

    The time before is what counts, not the one that follows: of “0,1 3 * * *” a ping at 03:00:05 is late for 03:00.
    """
    near = cron.following(plan.schedule, plan.timezone, after=due_at - 2 * EARLY_MS - 1, count=3)
    before = [each for each in near if each < due_at]
    return min(EARLY_MS, (due_at - before[-1]) // 2) if before else EARLY_MS


def replanned(plan: Plan, *, due_at: int, last_ping_at: int, now_ms: int) -> int | None:
    """When a ping is expected under a new plan. What the new schedule would have had before now was never expected."""
    if not plan.schedule:
        return min(last_ping_at, now_ms) + plan.interval_s * 1000
    if due_at <= now_ms and _scheduled(plan, after=due_at - 1) == due_at:
        return due_at
    upcoming = _scheduled(plan, after=now_ms)
    if upcoming is not None and now_ms >= last_ping_at >= upcoming - _tolerance_ms(plan, upcoming):
        return _scheduled(plan, after=upcoming)
    return upcoming


def run_deadline(plan: Plan, *, started_at: int, schedule_deadline: int | None) -> int | None:
    """Until when a run may go on: its longest run time, else until the next ping would be overdue."""
    if plan.max_runtime_s is not None:
        return started_at + plan.max_runtime_s * 1000
    return schedule_deadline


def _scheduled(plan: Plan, *, after: int) -> int | None:
    times = cron.following(plan.schedule, plan.timezone, after=after)
    return times[0] if times else None
