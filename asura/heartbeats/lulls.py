"""Times in which we were deaf, or in which our clock was set, are not held against a job. Pure.

A job that goes on as before reports again soon: what a lull swallowed has until then and its grace. One that reports
seldom has one grace, because to wait for its next time would hide a failure for a day. The end of a run may have been
lost as well: where the next ping comes soon, that one is waited for instead. A daemon that is restarted more often than
that would never alarm: a lull that begins before an excuse is over gives only the time that it took.
"""

from collections.abc import Sequence

import attrs

from asura.heartbeats import due
from asura.heartbeats.due import Plan
from asura.model.heartbeat import Heartbeat, Run

PAUSE_MS = 1000
"""A look at the clocks that comes so much too late is a pause. A busy machine is late by less."""
JUMP_MS = 500
"""What the wall clock moves by more than the others was set. Two clocks are never read in the same moment, and time
daemons step by so much when they step at all."""
HELD_MS = 10_000
"""For so long a client waits for its answer: what it sent in a shorter lull is heard right after it, unless it was
refused."""
SOON_MS = 3_600_000
"""How long the next ping of a job that goes on as before is waited for after a lull."""
CORRECTION_MS = 3 * 3_600_000
"""A clock that is set by more was wrong, and its schedules begin anew; by less, what was skipped is due at once and
what comes again has been done (cron(8))."""


@attrs.frozen(kw_only=True)
class Clocks:
    """Three clocks read at once, in milliseconds."""

    wall: int
    """CLOCK_REALTIME."""
    running: int
    """CLOCK_MONOTONIC: stands still while the machine sleeps."""
    passing: int
    """CLOCK_BOOTTIME: goes on while the machine sleeps; the same as `running` where there is none."""


@attrs.frozen(kw_only=True)
class Lull:
    """A time in which no ping could reach us, or in which our clock was set."""

    since: int
    """Deaf from then, by the clock as it was."""
    until: int
    """… until now, by the clock as it is."""
    jump_ms: int = 0
    """By how much the wall clock was set meanwhile, forward or back."""
    has_refused: bool = False
    """Who called was sent away, and may not call again: the daemon was off, or its disk took nothing."""

    @property
    def began_at(self) -> int:
        """`since` by the clock as it is. Where the clock was set back unseen, nobody knows: from ever."""
        began_at = self.since + self.jump_ms
        return began_at if began_at <= self.until else 0


def lull(before: Clocks, now: Clocks, *, expected_ms: int) -> Lull | None:
    """What happened between two readings that should have been at most `expected_ms` apart; None for the usual."""
    passed = max(now.passing - before.passing, now.running - before.running)
    jump_ms = now.wall - before.wall - passed
    if abs(jump_ms) < JUMP_MS:
        jump_ms = 0
    if passed - expected_ms < PAUSE_MS and not jump_ms:
        return None
    return Lull(since=before.wall, until=now.wall, jump_ms=jump_ms)


def excuse(beat: Heartbeat, runs: Sequence[Run], plan: Plan, lull: Lull) -> tuple[Heartbeat, tuple[Run, ...]] | None:
    """The heartbeat with what the lull made unfair mended; None when it changes nothing."""
    mended, moved = _shifted(beat, runs, plan, lull) if lull.jump_ms else (beat, tuple(runs))
    if lull.since > lull.until and not lull.jump_ms:
        mended, moved = _brought_near(mended, moved, plan, now_ms=lull.until)
    mended, moved = _given_time(mended, moved, plan, lull)
    mended = due.with_deadline(mended, moved, plan)
    return None if (mended, moved) == (beat, tuple(runs)) else (mended, moved)


def _shifted(beat: Heartbeat, runs: Sequence[Run], plan: Plan, lull: Lull) -> tuple[Heartbeat, tuple[Run, ...]]:
    """The heartbeat by the clock as it was set. A scheduled time is one of the wall clock, and stays."""
    jump_ms = lull.jump_ms

    def moved(at: int | None, *, after_ms: int = 0) -> int | None:
        """An instant so long after another; that one may be dated by the clock as it is already."""
        if at is None or lull.began_at <= at - after_ms <= lull.until:
            return at
        return at + jump_ms

    runs = tuple(
        attrs.evolve(
            run,
            started_at=moved(run.started_at) or 0,
            deadline_at=run.deadline_at
            if moved(run.started_at) == run.started_at
            else moved(run.deadline_at, after_ms=plan.grace_s * 1000),
        )
        for run in runs
    )
    beat = attrs.evolve(beat, last_ping_at=moved(beat.last_ping_at), excused_until=moved(beat.excused_until))
    if not plan.schedule:
        beat = attrs.evolve(beat, due_at=moved(beat.due_at, after_ms=plan.interval_s * 1000))
    elif beat.due_at is not None and abs(jump_ms) > CORRECTION_MS:
        beat = attrs.evolve(beat, due_at=due.anew(plan, now_ms=lull.until), excused_until=None)
    return beat, runs


def _brought_near(
    beat: Heartbeat, runs: Sequence[Run], plan: Plan, *, now_ms: int
) -> tuple[Heartbeat, tuple[Run, ...]]:
    """The heartbeat with nothing in it that lies too far ahead because the clock has been set back unseen."""
    latest = due.anew(plan, now_ms=now_ms)
    if beat.due_at is not None and latest is not None:
        excused_until = None if beat.excused_until is None else min(beat.excused_until, now_ms)
        beat = attrs.evolve(beat, due_at=min(beat.due_at, latest), excused_until=excused_until)
    if beat.last_ping_at is not None:
        beat = attrs.evolve(beat, last_ping_at=min(beat.last_ping_at, now_ms))
    until = due.deadline(beat, plan)
    near: list[Run] = []
    for run in runs:
        started_at = min(run.started_at, now_ms)
        at_most = due.run_deadline(plan, started_at=started_at, schedule_deadline=until)
        if run.deadline_at is not None and at_most is not None:
            run = attrs.evolve(run, deadline_at=min(run.deadline_at, at_most))
        near.append(attrs.evolve(run, started_at=started_at))
    return beat, tuple(near)


def _given_time(beat: Heartbeat, runs: Sequence[Run], plan: Plan, lull: Lull) -> tuple[Heartbeat, tuple[Run, ...]]:
    """The heartbeat with time from now for what the lull swallowed, or with what is left of such time."""
    since, grace_ms, patience_ms = lull.began_at, plan.grace_s * 1000, _patience_ms(plan, lull)
    if plan.schedule and lull.jump_ms > 0:
        since = min(since, lull.since)  # the times of the wall clock that were skipped
    excused_until = beat.excused_until
    is_again = excused_until is not None and since <= excused_until + grace_ms

    def fair(deadline_at: int) -> int:
        return lull.until + (max(0, deadline_at - since) if is_again else patience_ms + grace_ms)

    def is_swallowed(due_at: int, deadline_at: int) -> bool:
        if patience_ms and since <= deadline_at and due_at < lull.until:  # it may have come late, and was lost
            return True
        return since <= due_at < lull.until or since <= deadline_at <= lull.until

    given: list[int] = []
    latest = due.deadline(beat, plan)
    if beat.due_at is not None and latest is not None and is_swallowed(beat.due_at, latest):
        given.append(fair(latest))
        if patience_ms and not is_again:
            beat = attrs.evolve(beat, due_at=lull.until + patience_ms)
    lead_ms = grace_ms if plan.max_runtime_s is None else 0  # such a run is due with the next ping, and has its grace
    moved: list[Run] = []
    for run in runs:
        until = run.deadline_at
        if until is not None and patience_ms and run.started_at < lull.until and since <= until:
            run = attrs.evolve(run, deadline_at=None)  # its end may have been lost; the next ping is waited for
        elif until is not None and is_swallowed(until - lead_ms, until):
            given.append(fair(until))
            run = attrs.evolve(run, deadline_at=given[-1])
        moved.append(run)
    if given:
        beat = attrs.evolve(beat, excused_until=max(excused_until or 0, max(given) - grace_ms))
    return beat, tuple(moved)


def _patience_ms(plan: Plan, lull: Lull) -> int:
    """How long after a lull a job that goes on as before may take to report, if it reports often."""
    if not lull.has_refused and lull.until - lull.began_at < HELD_MS:
        return 0
    next_at = due.anew(plan, now_ms=lull.until)
    return next_at - lull.until if next_at is not None and next_at - lull.until <= SOON_MS else 0
