"""Heartbeats without a store: plans, pings at seconds of one day, and what the rules alone make of them."""

from collections.abc import Sequence
from typing import Any

import attrs

from asura.heartbeats import rules
from asura.heartbeats.due import Plan
from asura.heartbeats.rules import Step
from asura.ids import MonitorId
from asura.model.heartbeat import Heartbeat, HeartbeatStatus, PingKind, Run, Signal
from asura.units import parse_iso

SUCCESS, START, FAIL, LOG, IGNORED = PingKind.SUCCESS, PingKind.START, PingKind.FAIL, PingKind.LOG, PingKind.IGNORED
PENDING, UP, DOWN = HeartbeatStatus.PENDING, HeartbeatStatus.UP, HeartbeatStatus.DOWN

START_MS = parse_iso("2026-03-02T00:00:00Z")
NEW = Heartbeat(id=1, monitor_id=MonitorId(1), token="t" * 32, grace=60)
PERIOD = Plan(interval_s=300, grace_s=60)
"""Every five minutes, with a minute of grace."""
DAY_S = 86_400
THREE = 10_800
"""Three o'clock on the first day, when the nightly job is due."""
RUN_2H = attrs.evolve(PERIOD, interval_s=DAY_S, max_runtime_s=7200)
HOURLY = Plan(interval_s=60, grace_s=600, schedule="0 * * * *")
NIGHTLY = Plan(interval_s=60, grace_s=600, schedule="0 3 * * *")
MINUTELY = Plan(interval_s=60, grace_s=20, schedule="* * * * *")
PAIR = Plan(interval_s=60, grace_s=20, schedule="0,1 3 * * *")


def ms(seconds: float) -> int:
    return START_MS + round(seconds * 1000)


def signal(kind: PingKind, at_s: float, rid: str = "", **other: Any) -> Signal:
    return Signal(monitor_id=MonitorId(1), kind=kind, at=ms(at_s), rid=rid, **other)


def play(plan: Plan, pings: Sequence[tuple[Any, ...]], *, beat: Heartbeat = NEW, runs: Sequence[Run] = ()) -> Step:
    """The last of several pings, each (kind, seconds, rid); whatever is missed before one of them is decided."""
    step = Step(beat=beat, runs=tuple(runs), kind=IGNORED)
    for kind, at_s, *rid in pings:
        missed = rules.miss(step.beat, step.runs, plan, now_ms=ms(at_s))
        if missed is not None:
            step = attrs.evolve(step, beat=missed.beat, runs=missed.runs)
        step = rules.take(step.beat, step.runs, plan, signal(kind, at_s, *rid), is_enabled=True)
    return step
