"""The one transaction from an observation to the outbox.

Every function here runs inside a write of the store: result, state, votes, timeline, incident, its events and the
deliveries become durable together or not at all. The decisions are the pure rules of `consensus` and of this
package; here they meet the rows.
"""

from collections.abc import Collection, Mapping, Sequence

import attrs

from asura.consensus import rules as consensus
from asura.consensus.rules import Verdict
from asura.incidents import certificates, rules, steps
from asura.incidents.rules import Bearing, Transition
from asura.live import Event
from asura.model.monitor import Monitor, MonitorState, MonitorStatus, Status
from asura.model.notification import EventName
from asura.model.observation import Observation, Outcome
from asura.model.vote import Vote
from asura.notifications import routing
from asura.store import checks, incidents, judging, monitors, states, timeline, votes
from asura.store.database import Conn, emit
from asura.store.judging import Situation

HELD = "heartbeat.held"
"""The kind of event that tells that a heartbeat is down and nobody is told, because of what it depends on."""


def record(conn: Conn, observations: Sequence[Observation], *, now_ms: int, base_url: str) -> None:
    """Store what was seen and everything that follows from it. Observations of monitors that are gone are dropped."""
    known = judging.situations(conn, {observation.monitor_id for observation in observations})
    observations = [observation for observation in observations if observation.monitor_id in known]
    checks.insert(conn, observations, holds_s=_holds_s(known))
    ballots: dict[tuple[int, str], Vote] = {}
    for observation in observations:
        situation = known[observation.monitor_id]
        vote = _vote(situation, observation, now_ms=now_ms)
        if vote is not None:
            ballots[observation.monitor_id, vote.region] = vote
            _judge(conn, known, observation, vote, now_ms=now_ms, base_url=base_url)
        elif not situation.is_passive:  # else it was a check, from before the monitor became a heartbeat
            situation.state = _seen(situation, observation, now_ms=now_ms)
        _emit_check(conn, situation.state, observation)
    states.touch(conn, [situation.state for situation in known.values()])
    votes.save(conn, [(monitor_id, vote) for (monitor_id, _), vote in ballots.items()])


def _holds_s(known: Mapping[int, Situation]) -> dict[int, int]:
    """What a heartbeat says holds until it says otherwise, however long: the timeline alone tells its times."""
    return {
        monitor_id: consensus.holds_s(situation.interval_s)
        for monitor_id, situation in known.items()
        if not situation.is_passive
    }


def _vote(situation: Situation, observation: Observation, *, now_ms: int) -> Vote | None:
    """Count the observation as its region's vote; None if it is history, but no vote.

    So it is while the monitor is paused, of an older configuration, and out of order. What a heartbeat shows is put in
    order where it is observed: a deadline lies in the past when it is found to be missed.
    """
    if not situation.is_enabled or observation.config_version != situation.config_version:
        return None
    previous = situation.votes.get(observation.region)
    is_past = previous is not None and _is_past(observation.checked_at, previous.effective_at, now_ms=now_ms)
    if is_past and not situation.is_passive:
        return None
    return consensus.cast(
        previous,
        region=observation.region,
        status=observation.outcome.status,
        at=observation.checked_at,
        message=observation.outcome.message,
        window=consensus.window_ms(situation.interval_s),
        # What a job said holds until its next word, however late by its interval: a schedule may have set that aside.
        silent_ms=0 if situation.is_passive else observation.silent_ms,
    )


def _is_past(at: int, known_at: int | None, *, now_ms: int) -> bool:
    """Whether `at` lies before what is known already.

    What is known from the future was dated by a clock that has been set back since: it may not silence everything
    that is seen until then.
    """
    return known_at is not None and at < known_at <= now_ms


def _seen(
    situation: Situation, observation: Observation, *, now_ms: int, verdict: Verdict | None = None
) -> MonitorState:
    """The state with the last check noted, unless a later one is, and with the verdict where there is one."""
    state, outcome = situation.state, observation.outcome
    is_past = _is_past(observation.checked_at, state.last_check_at, now_ms=now_ms) and not situation.is_passive
    if is_past and verdict is None:
        return state
    return MonitorState(
        monitor_id=state.monitor_id,
        status=verdict.status if verdict else state.status,
        status_since=state.status_since,
        confirming=verdict.confirming if verdict else state.confirming,
        partial=verdict.partial if verdict else state.partial,
        announced=state.announced,
        last_check_at=state.last_check_at if is_past else observation.checked_at,
        last_response_ms=state.last_response_ms if is_past else outcome.response_ms,
        last_message=state.last_message if is_past else outcome.message,
        cert_expires_at=outcome.cert_expires_at or state.cert_expires_at,
    )


def _judge(
    conn: Conn, known: Mapping[int, Situation], observation: Observation, vote: Vote, *, now_ms: int, base_url: str
) -> None:
    """Ask the rules what the votes amount to now, and write what changes by it."""
    situation = known[observation.monitor_id]
    before, at = situation.state, observation.checked_at
    is_first = not situation.votes
    situation.votes[vote.region] = vote
    window = consensus.window_ms(situation.interval_s)
    ballot = list(situation.votes.values())
    verdict = consensus.decide(
        ballot,
        current=before.status,
        eligible=1,
        quorum=1,
        thresholds=_thresholds(situation),
        now_ms=max(now_ms, at),
        window=max(window, now_ms - at),
    )
    # After an edit nothing is known of the interval that the last check belonged to.
    if not is_first and not situation.is_passive:
        _note_gap(conn, before, until=at, interval_s=situation.interval_s)
    after = _seen(situation, observation, now_ms=now_ms, verdict=verdict)
    if after.status is not before.status:
        since = timeline.change(conn, after.monitor_id, at=max(at, before.status_since), status=after.status)
        after = attrs.evolve(after, status_since=since)
    if (after.status is MonitorStatus.DOWN) != after.announced:
        after = _turn(conn, known, after, ballot, observation.outcome, at=at, now_ms=now_ms, base_url=base_url)
    is_news = after.status is not before.status or after.confirming != before.confirming
    if is_news or after.announced != before.announced or after.partial != before.partial:
        states.save(conn, after)
    if is_news:
        detail = {"status": after.status.value, "confirming": after.confirming}
        emit(conn, Event(kind="monitor.status", id=after.monitor_id, detail=detail))
    if vote.is_down and after.confirming and after.status is not MonitorStatus.DOWN:
        emit(conn, Event(kind="recheck.wanted", id=after.monitor_id))
    if certificates.is_news(situation, observation.outcome, at=at):
        certificates.record(conn, situation, after, observation, now_ms=now_ms, base_url=base_url)
    if MonitorStatus.DEGRADED in (before.status, after.status):
        _tell_degraded(conn, before, after, now_ms=now_ms, base_url=base_url)
    situation.state = after


def _thresholds(situation: Situation) -> consensus.Thresholds:
    if situation.is_passive:  # a second missed day would only be waited for
        return consensus.Thresholds(failure=1, success=1)
    return consensus.Thresholds(failure=situation.failure_threshold, success=situation.success_threshold)


def _tell_degraded(conn: Conn, before: MonitorState, after: MonitorState, *, now_ms: int, base_url: str) -> None:
    """Tell those who ask for it that a monitor is degraded, or no longer; that it is down is told as an incident."""
    if before.status is after.status or after.status is MonitorStatus.DOWN:
        return
    routing.announce_news(
        conn,
        event=EventName.DEGRADED,
        monitor=monitors.get(conn, after.monitor_id),
        state=after,
        now_ms=now_ms,
        base_url=base_url,
        detail={"status": after.status.value, "was": before.status.value, "message": after.last_message},
    )


def _note_gap(conn: Conn, before: MonitorState, *, until: int, interval_s: int) -> None:
    """Nobody looked for so long that the time in between is unknown."""
    if before.last_check_at is None:
        return
    stale_at = consensus.stale_at(before.last_check_at, interval_s=interval_s)
    if stale_at < until:
        timeline.change(conn, before.monitor_id, at=stale_at, status=MonitorStatus.UNKNOWN)
        timeline.change(conn, before.monitor_id, at=until, status=before.status)


def _emit_check(conn: Conn, state: MonitorState, observation: Observation) -> None:
    outcome = observation.outcome
    detail = {
        "status": outcome.status.value,
        "last_check_at": state.last_check_at,
        "last_response_ms": outcome.response_ms,
        "confirming": state.confirming,
    }
    emit(conn, Event(kind="monitor.checked", id=state.monitor_id, detail=detail))


def _turn(
    conn: Conn,
    known: Mapping[int, Situation],
    state: MonitorState,
    ballot: list[Vote],
    outcome: Outcome,
    *,
    at: int,
    now_ms: int,
    base_url: str,
) -> MonitorState:
    """A spell of being down that nobody was told of, or one that is over: the incident's turn."""
    monitor = monitors.get(conn, state.monitor_id)
    bearings = _bearings(conn, known, monitor, ballot, now_ms=now_ms) if state.status is MonitorStatus.DOWN else set()
    if Bearing.AWAITED in bearings and Bearing.EXPLAINS not in bearings:
        detail = {"is_held": any(vote.is_down for vote in ballot), "depends_on": monitor.depends_on}
        emit(conn, Event(kind="recheck.wanted", id=monitor.id, detail=detail))
    if bearings and known[monitor.id].is_passive:
        emit(conn, Event(kind=HELD, id=monitor.id))
    step = rules.transition(is_announced=state.announced, status=state.status, is_suppressed=bool(bearings))
    if step is Transition.OPEN:
        state = attrs.evolve(state, announced=True)
        is_passive = known[monitor.id].is_passive
        rule = rules.opening_rule(outcome, failure_threshold=monitor.failure_threshold, is_passive=is_passive)
        steps.open_one(conn, monitor, state, ballot, outcome, rule=rule, now_ms=now_ms, base_url=base_url)
    elif step is Transition.RESOLVE:
        state = attrs.evolve(state, announced=False)
        incident = incidents.unresolved_of(conn, monitor.id)
        if incident is not None:
            text = f"{monitor.name} is {state.status.value} again"
            steps.close(
                conn, incident, monitor, state, by=steps.SYSTEM, text=text, at=at, now_ms=now_ms, base_url=base_url
            )
    return state


def _bearings(
    conn: Conn, known: Mapping[int, Situation], monitor: Monitor, ballot: Sequence[Vote], *, now_ms: int
) -> set[Bearing]:
    """What those that the monitor depends on say of its failure; empty when nothing holds it back."""
    failing = max((vote for vote in ballot if vote.is_down), key=lambda vote: vote.effective_at, default=None)
    if failing is None:  # on its way up, and nobody was told that it was down
        return {Bearing.AWAITED}
    grace_s = known[monitor.id].grace_s
    missing = set(monitor.depends_on) - known.keys()
    dependencies = {**known, **(judging.situations(conn, missing) if missing else {})}
    found = {
        rules.bearing(
            each.state.status,
            since=each.state.status_since,
            votes=list(each.votes.values()),
            last_check_at=each.state.last_check_at,
            window=consensus.window_ms(each.interval_s),
            failing=failing,
            now_ms=now_ms,
            is_passive=each.is_passive,
            patience_ms=None if grace_s is None else grace_s * 1000,
        )
        for dependency_id in monitor.depends_on
        if (each := dependencies.get(dependency_id)) is not None and each.is_enabled
    }
    return found - {Bearing.NONE}


def reconsider(conn: Conn, monitor_ids: Collection[int], *, now_ms: int, base_url: str) -> None:
    """Ask again what holds back the alarms of heartbeats that are down; those that still are emit HELD again.

    What is checked asks with its next check. A heartbeat that is silent has no next word.
    """
    known = judging.situations(conn, monitor_ids)
    for monitor_id in sorted(known):
        situation = known[monitor_id]
        state, ballot = situation.state, list(situation.votes.values())
        is_held = state.status is MonitorStatus.DOWN and not state.announced and situation.is_passive
        if not is_held or not situation.is_enabled:
            continue
        last = checks.page(conn, monitor_id, limit=1, status=Status.DOWN)
        outcome = last[0].outcome if last else Outcome(status=Status.DOWN, message=state.last_message)
        after = _turn(conn, known, state, ballot, outcome, at=now_ms, now_ms=now_ms, base_url=base_url)
        if after.announced:
            states.save(conn, after)
