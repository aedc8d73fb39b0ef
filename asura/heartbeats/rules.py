"""When a job is expected, what its pings mean and when its silence is too long. Pure.

Every instant is milliseconds by the server's clock. A deadline is half-open: at the deadline itself a job is not yet
down, a millisecond later it is, and the fall is dated to the deadline.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from asura.model.heartbeat import Heartbeat, HeartbeatStatus, PingKind, Run, Signal
from asura.model.monitor import Status

EARLY_MS = 60_000
"""How long before its scheduled time a ping may come and count for it: clocks differ."""
MAX_RUNS = 100
"""Open runs of one heartbeat that are watched."""


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
    raise NotImplementedError


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
    raise NotImplementedError


@attrs.frozen(kw_only=True)
class Miss:
    """Something expected did not come."""

    beat: Heartbeat
    runs: tuple[Run, ...]
    at: int
    """The deadline: when it began to be true."""
    message: str


def miss(beat: Heartbeat, runs: Sequence[Run], plan: Plan, *, now_ms: int) -> Miss | None:
    """What was missed by now; None when nothing was, or it is known to be down."""
    raise NotImplementedError


def is_missed(status: HeartbeatStatus, deadline_at: int | None, *, now_ms: int) -> bool:
    """Whether a heartbeat's deadline has passed, decided and written down or not: what is shown turns then."""
    return status is not HeartbeatStatus.DOWN and deadline_at is not None and now_ms > deadline_at


def begin(beat: Heartbeat, plan: Plan, *, now_ms: int) -> Heartbeat:
    """The heartbeat when watching begins (again): after a pause one that has reported before is expected anew."""
    raise NotImplementedError


def replan(beat: Heartbeat, runs: Sequence[Run], plan: Plan, *, now_ms: int) -> tuple[Heartbeat, tuple[Run, ...]]:
    """The heartbeat under another plan: deadlines anew from what is known, none sooner than one grace from now."""
    raise NotImplementedError


@attrs.frozen(kw_only=True)
class Lull:
    """A time in which no ping could reach us, or in which our clock was set."""

    since: int
    """Deaf from then, by the clock as it was."""
    until: int
    """… until now, by the clock as it is."""
    jump_ms: int = 0
    """By how much the wall clock was set meanwhile, forward or back."""


def excuse(beat: Heartbeat, runs: Sequence[Run], plan: Plan, lull: Lull) -> tuple[Heartbeat, tuple[Run, ...]] | None:
    """The heartbeat with what the lull made unfair mended; None when it changes nothing."""
    raise NotImplementedError


@attrs.frozen(kw_only=True)
class Clocks:
    """Three clocks read at once, in milliseconds."""

    wall: int
    """CLOCK_REALTIME."""
    running: int
    """CLOCK_MONOTONIC: stands still while the machine sleeps."""
    passing: int
    """CLOCK_BOOTTIME: goes on while the machine sleeps; the same as `running` where there is none."""


def lull(before: Clocks, now: Clocks, *, expected_ms: int) -> Lull | None:
    """What happened between two readings that should have been at most `expected_ms` apart; None for the usual."""
    raise NotImplementedError
