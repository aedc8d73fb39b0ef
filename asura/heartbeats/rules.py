"""What a job's pings mean and when its silence is too long. Pure.

Every instant is milliseconds by the server's clock. A deadline is half-open: at the deadline itself a job is not yet
down, a millisecond later it is, and the fall is dated to the deadline.
"""

from collections.abc import Sequence

import attrs

from asura.heartbeats import due, words
from asura.heartbeats.due import Plan
from asura.model.heartbeat import Heartbeat, HeartbeatStatus, PingKind, Run, Signal
from asura.model.monitor import Status

MAX_RUNS = 100
"""Open runs of one heartbeat that are watched."""
REORDERED_MS = 60_000
"""A ping whose body was slow may be recorded after one that came later, and then counts as the later one. What differs
by more was dated by a clock that has been set."""


@attrs.frozen(kw_only=True)
class Step:
    """What a ping makes of a heartbeat."""

    beat: Heartbeat
    runs: tuple[Run, ...]
    kind: PingKind
    """What it counts as."""
    duration_ms: int | None = None
    status: Status | None = None
    """What it shows of the job, as an observation; None when it shows nothing (start, log, ignored)."""
    message: str = ""
    """Of a failure, for a person at 3 in the morning."""


def take(beat: Heartbeat, runs: Sequence[Run], plan: Plan, signal: Signal, *, is_enabled: bool) -> Step:
    """What becomes of a heartbeat by a ping. `beat.ping_count` is left alone; the store counts."""
    kind, message = _meaning(plan, signal) if is_enabled else (PingKind.IGNORED, "")
    if kind in (PingKind.LOG, PingKind.IGNORED):
        return Step(beat=beat, runs=tuple(runs), kind=kind)
    last_at = beat.last_ping_at
    is_reordered = last_at is not None and 0 < last_at - signal.at <= REORDERED_MS
    at = last_at if is_reordered and last_at is not None else signal.at
    others = tuple(run for run in runs if run.rid != signal.rid)
    run = next((run for run in runs if run.rid == signal.rid), None)
    if kind is PingKind.START:
        beat = _expect_next(beat, plan, at=at, may_be_early=True)
        until = due.run_deadline(plan, started_at=at, schedule_deadline=due.deadline(beat, plan))
        if run is not None and run.deadline_at is not None and run.deadline_at >= at:
            # Another start is no end: a job that dies each time before its end must not look well for ever.
            until = run.deadline_at if until is None else min(until, run.deadline_at)
        runs = _watched(others, Run(rid=signal.rid, started_at=at, deadline_at=until))
        return Step(beat=due.with_deadline(beat, runs, plan), runs=runs, kind=kind)
    duration_ms = None if run is None else max(0, at - run.started_at)
    if kind is PingKind.SUCCESS and duration_ms is not None and duration_ms < (plan.min_runtime_s or 0) * 1000:
        kind, message = PingKind.FAIL, words.too_short(duration_ms, plan)
    is_up = kind is PingKind.SUCCESS
    if is_up and beat.status is HeartbeatStatus.DOWN:
        others = tuple(_told_before(run, at=at) for run in others)
    # The end of a run never counts early for the next one: that has its own beginning.
    beat = _expect_next(beat, plan, at=at, may_be_early=run is None)
    beat = attrs.evolve(
        beat,
        status=HeartbeatStatus.UP if is_up else HeartbeatStatus.DOWN,
        last_duration_ms=beat.last_duration_ms if duration_ms is None else duration_ms,
    )
    return Step(
        beat=due.with_deadline(beat, others, plan),
        runs=others,
        kind=kind,
        duration_ms=duration_ms,
        status=Status.UP if is_up else Status.DOWN,
        message=message,
    )


def _meaning(plan: Plan, signal: Signal) -> tuple[PingKind, str]:
    """What a ping counts as by its path and its body, and what is told of a failure."""
    body = signal.body or ""
    if signal.kind is PingKind.FAIL or (signal.kind is PingKind.SUCCESS and signal.exit_status):
        last = None if signal.is_cut else body  # where a body was cut is not where the job ended
        return PingKind.FAIL, words.failure(exit_status=signal.exit_status, body=last)
    if signal.kind is not PingKind.SUCCESS:
        return signal.kind, ""
    for word in plan.failure_keywords:
        if word in body:
            return PingKind.FAIL, words.keyword(word, body)
    if signal.exit_status is None and any(word in body for word in plan.start_keywords):
        return PingKind.START, ""
    if plan.success_keywords and not any(word in body for word in plan.success_keywords):
        return PingKind.IGNORED, ""
    return PingKind.SUCCESS, ""


def _expect_next(beat: Heartbeat, plan: Plan, *, at: int, may_be_early: bool) -> Heartbeat:
    """The job came at `at`: what is expected of it then."""
    due_at = due.following(beat, plan, at=at, may_be_early=may_be_early)
    return attrs.evolve(beat, last_ping_at=at, due_at=due_at, excused_until=None)


def _told_before(run: Run, *, at: int) -> Run:
    """A run when the job recovers at `at`: what grew too long while it was down needs no page of its own after that."""
    is_over = run.deadline_at is not None and run.deadline_at < at
    return attrs.evolve(run, deadline_at=None) if is_over else run


def _watched(runs: Sequence[Run], new: Run) -> tuple[Run, ...]:
    """The runs that are watched when one more begins; what was told already goes first, then the oldest."""
    kept = sorted(runs, key=lambda run: (run.deadline_at is not None, run.started_at))[-(MAX_RUNS - 1) :]
    return tuple(sorted([*kept, new], key=lambda run: (run.started_at, run.rid)))


@attrs.frozen(kw_only=True)
class Miss:
    """Something expected did not come."""

    beat: Heartbeat
    runs: tuple[Run, ...]
    at: int
    """The deadline: when it began to be true. Never before what was heard of the job since."""
    message: str


def miss(beat: Heartbeat, runs: Sequence[Run], plan: Plan, *, now_ms: int) -> Miss | None:
    """What was missed by now; None when nothing was, or it is known to be down."""
    if not is_missed(beat.status, beat.deadline_at, now_ms=now_ms) or beat.deadline_at is None:
        return None
    late = [run for run in runs if run.deadline_at is not None and run.deadline_at < now_ms]
    first = min(late, key=lambda run: (run.deadline_at or 0, run.started_at), default=None)
    if first is not None and first.deadline_at == beat.deadline_at:
        message = words.overdue(first, plan)
    else:
        message = words.silence(beat, plan)
    heard_at = beat.last_ping_at or 0
    return Miss(
        beat=attrs.evolve(beat, status=HeartbeatStatus.DOWN, deadline_at=None),
        runs=tuple(attrs.evolve(run, deadline_at=None) if run in late else run for run in runs),
        at=max(beat.deadline_at, heard_at if heard_at <= now_ms else 0),
        message=message,
    )


def is_missed(status: HeartbeatStatus, deadline_at: int | None, *, now_ms: int) -> bool:
    """Whether a heartbeat's deadline has passed, decided and written down or not: what is shown turns then."""
    return status is not HeartbeatStatus.DOWN and deadline_at is not None and now_ms > deadline_at


def begin(beat: Heartbeat, plan: Plan, *, now_ms: int) -> Heartbeat:
    """The heartbeat when watching begins (again): after a pause one that has reported before is expected anew.

    Its open runs are forgotten: their ends were not heard.
    """
    due_at = None if beat.last_ping_at is None else due.anew(plan, now_ms=now_ms)
    beat = attrs.evolve(beat, status=HeartbeatStatus.PENDING, due_at=due_at, excused_until=None)
    return due.with_deadline(beat, (), plan)


def replan(beat: Heartbeat, runs: Sequence[Run], plan: Plan, *, now_ms: int) -> tuple[Heartbeat, tuple[Run, ...]]:
    """The heartbeat under another plan: deadlines anew from what is known, none sooner than one grace from now."""
    if beat.due_at is None or beat.last_ping_at is None:
        due_at = None if beat.last_ping_at is None else due.anew(plan, now_ms=now_ms)
    elif beat.status is HeartbeatStatus.PENDING:  # begun again after a pause, before which the last ping may lie far
        due_at = due.anew(plan, now_ms=now_ms)
    else:
        due_at = due.replanned(plan, due_at=beat.due_at, last_ping_at=beat.last_ping_at, now_ms=now_ms)
    beat = attrs.evolve(beat, due_at=due_at, excused_until=None if due_at is None else now_ms)
    until = due.deadline(beat, plan)
    moved: list[Run] = []
    for run in runs:
        latest = due.run_deadline(plan, started_at=run.started_at, schedule_deadline=until)
        if run.deadline_at is not None and latest is not None:
            run = attrs.evolve(run, deadline_at=max(latest, now_ms + plan.grace_s * 1000))
        moved.append(run)
    return due.with_deadline(beat, moved, plan), tuple(moved)
