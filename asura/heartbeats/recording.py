"""The one transaction from pings, and from a missed deadline, to the outbox.

Every function here runs inside a write of the store, for a whole batch at once: the ping, what it makes of its
heartbeat and what the ledger makes of that become durable together. What pings mean is decided by `rules`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs

from asura import log
from asura.heartbeats import due, lulls, rules, words
from asura.heartbeats.due import Plan
from asura.heartbeats.lulls import Lull
from asura.heartbeats.rules import Miss, Step
from asura.ids import MonitorId
from asura.incidents import ledger
from asura.live import Event
from asura.model.heartbeat import Heartbeat, Ping, PingKind, Run, Signal
from asura.model.monitor import Status
from asura.model.observation import Observation, Outcome
from asura.store import heartbeats, pings
from asura.store.database import Conn, emit
from asura.store.heartbeats import Situation
from asura.store.rows import from_json

_log = log.get(__name__)

DEADLINE_SET = "heartbeat.deadline"
"""The kind of event that tells the earliest of the deadlines that were just set, `deadline_at`."""
KNOWN_PLANS = 4096
"""Plans that are kept read, some 500 bytes each."""
OUTPUT_LINES = 5
"""Lines from the end of a body that an incident shows: where a job says what went wrong."""
EXCUSED_AT_ONCE = 500
"""Heartbeats that are read together when all of them are gone through."""


@lru_cache(maxsize=KNOWN_PLANS)
def _plan(interval_s: int, settings: str) -> Plan:
    return due.plan(interval_s=interval_s, settings=from_json(settings))


def plan_of(situation: Situation) -> Plan:
    """What is expected of the heartbeat's job."""
    return _plan(situation.interval_s, situation.settings)


def record(conn: Conn, signals: Sequence[Signal], *, now_ms: int, base_url: str) -> list[PingKind | None]:
    """Store pings in the order of their arrival, with everything that follows from them.

    Answers what became of each: None for one whose monitor is no heartbeat any more.
    """
    known = heartbeats.situations(conn, {signal.monitor_id for signal in signals})
    before = {monitor_id: situation.runs for monitor_id, situation in known.items()}
    became: list[PingKind | None] = []
    stored: list[Ping] = []
    seen: list[Observation] = []
    for signal in signals:
        situation = known.get(signal.monitor_id)
        if situation is None:
            became.append(None)
            continue
        plan, is_enabled = plan_of(situation), situation.is_enabled
        step = rules.take(situation.beat, situation.runs, plan, signal, is_enabled=is_enabled)
        number = situation.beat.ping_count + 1
        situation.beat, situation.runs = attrs.evolve(step.beat, ping_count=number), step.runs
        became.append(step.kind)
        stored.append(_ping(signal, step, number=number))
        if step.status is not None:
            seen.append(_reported(signal, step, number=number, config_version=situation.config_version))
    pings.insert(conn, stored)
    _save(conn, known, before=before)
    if seen:
        ledger.record(conn, seen, now_ms=now_ms, base_url=base_url)
    for monitor_id in known:
        emit(conn, Event(kind="monitor.pinged", id=monitor_id))
    return became


def _save(conn: Conn, known: Mapping[int, Situation], *, before: Mapping[int, Sequence[Run]]) -> None:
    heartbeats.update_heartbeat_ping(conn, [situation.beat for situation in known.values()])
    runs = {each: situation.runs for each, situation in known.items() if situation.runs != before[each]}
    if runs:
        heartbeats.save_runs(conn, runs)
    tell_deadline(conn, [situation.beat for situation in known.values()])


def tell_deadline(conn: Conn, beats: Sequence[Heartbeat]) -> None:
    """Let the watcher know of deadlines that may come before the one that it sleeps for."""
    earliest = min((beat.deadline_at for beat in beats if beat.deadline_at is not None), default=None)
    if earliest is not None:
        emit(conn, Event(kind=DEADLINE_SET, detail={"deadline_at": earliest}))


def _ping(signal: Signal, step: Step, *, number: int) -> Ping:
    return Ping(
        id=number,
        monitor_id=signal.monitor_id,
        kind=step.kind,
        at=signal.at,
        exit_status=signal.exit_status,
        rid=signal.rid,
        duration_ms=step.duration_ms,
        method=signal.method,
        remote_addr=signal.remote_addr,
        user_agent=signal.user_agent,
        body=signal.body,
        is_cut=signal.is_cut,
    )


def _reported(signal: Signal, step: Step, *, number: int, config_version: int) -> Observation:
    """What a ping shows of its job. A success stands in the list of pings already; its result needs no detail."""
    assert step.status is not None
    detail: dict[str, Any] | None = None
    if step.status is Status.DOWN:
        detail = {"kind": step.kind.value, "ping_id": number}
        if signal.exit_status is not None:
            detail["exit_status"] = signal.exit_status
        lines = words.last_lines(signal.body or "", count=OUTPUT_LINES)
        if lines and not signal.is_cut:  # where a body was cut is not where the job ended
            detail["output"] = lines
    response_ms = None if step.duration_ms is None else max(1, step.duration_ms)
    outcome = Outcome(status=step.status, message=step.message, response_ms=response_ms, detail=detail)
    return Observation(
        monitor_id=signal.monitor_id, config_version=config_version, checked_at=signal.at, outcome=outcome
    )


@attrs.frozen(kw_only=True)
class Look:
    """What a look at the deadlines found."""

    expired: int
    """Heartbeats whose deadline had passed, at most as many as were asked for."""
    missed: Sequence[int]
    """Since when those of them are down that could be judged; of the others the log tells."""
    next_at: int | None
    """The earliest deadline that is still to come."""


def decide(conn: Conn, *, now_ms: int, base_url: str, limit: int, only: MonitorId | None = None) -> Look:
    """Decide on the deadlines that have passed, the oldest first, with everything that follows from each.

    `only`: on that of one monitor.
    """
    if only is None:
        found = heartbeats.list_expired_heartbeats(conn, now_ms=now_ms, limit=limit)
    else:
        found = list(heartbeats.of_monitors(conn, [only]).values())
    expired = [beat.monitor_id for beat in found if beat.deadline_at is not None and beat.deadline_at < now_ms]
    missed = _missed(conn, expired, now_ms=now_ms) if expired else []
    if missed:
        ledger.record(conn, missed, now_ms=now_ms, base_url=base_url)
    return Look(
        expired=len(expired),
        missed=[observation.checked_at for observation in missed],
        next_at=heartbeats.next_deadline_at(conn, since_ms=now_ms),
    )


def _missed(conn: Conn, monitor_ids: Sequence[MonitorId], *, now_ms: int) -> list[Observation]:
    known = heartbeats.situations(conn, monitor_ids)
    before = {monitor_id: situation.runs for monitor_id, situation in known.items()}
    fallen: dict[int, Situation] = {}
    seen: list[Observation] = []
    for monitor_id in monitor_ids:
        situation = known[monitor_id]
        try:
            miss = rules.miss(situation.beat, situation.runs, plan_of(situation), now_ms=now_ms)
            if miss is None:
                raise ValueError("its deadline has passed, and nothing was missed")
        except Exception:  # whatever is wrong with one, the others are decided
            _log.exception("heartbeat could not be judged", monitor_id=monitor_id)
            continue
        situation.beat, situation.runs = miss.beat, miss.runs
        fallen[monitor_id] = situation
        seen.append(_silence(monitor_id, miss, config_version=situation.config_version))
    if fallen:
        _save(conn, fallen, before=before)
    return seen


def _silence(monitor_id: MonitorId, miss: Miss, *, config_version: int) -> Observation:
    outcome = Outcome(status=Status.DOWN, message=miss.message, detail={"kind": "missed"})
    return Observation(monitor_id=monitor_id, config_version=config_version, checked_at=miss.at, outcome=outcome)


def excuse(conn: Conn, lulls: Sequence[Lull]) -> int:
    """Go through all heartbeats and mend what lulls made unfair; answers how many that were."""
    excused, last_id = 0, 0
    while known := heartbeats.enabled_after(conn, last_id, limit=EXCUSED_AT_ONCE):
        last_id = max(known)
        before = {monitor_id: situation.runs for monitor_id, situation in known.items()}
        mended: dict[int, Situation] = {}
        for monitor_id, situation in known.items():
            try:
                is_mended = _excuse(situation, lulls)
            except Exception:  # whatever is wrong with one, the others are excused
                _log.exception("heartbeat could not be excused", monitor_id=monitor_id)
                continue
            if is_mended:
                mended[monitor_id] = situation
        if mended:
            _save(conn, mended, before=before)
        excused += len(mended)
    return excused


def _excuse(situation: Situation, noted: Sequence[Lull]) -> bool:
    plan, is_mended = plan_of(situation), False
    for each in noted:
        mended = lulls.excuse(situation.beat, situation.runs, plan, each)
        if mended is not None:
            situation.beat, situation.runs = mended
            is_mended = True
    return is_mended
