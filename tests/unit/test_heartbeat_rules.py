"""What pings mean and when silence is too long: every boundary just before, at and just after it."""

from typing import Any

import attrs
import pytest

from asura.heartbeats import rules
from asura.heartbeats.due import Plan
from asura.heartbeats.due import plan as plan_of
from asura.heartbeats.rules import MAX_RUNS, Step
from asura.model.heartbeat import HeartbeatStatus, PingKind, Run
from asura.model.monitor import Status
from tests.heartbeats import (
    DAY_S,
    DOWN,
    FAIL,
    HOURLY,
    IGNORED,
    LOG,
    MINUTELY,
    NEW,
    NIGHTLY,
    PAIR,
    PENDING,
    PERIOD,
    RUN_2H,
    START,
    SUCCESS,
    THREE,
    UP,
    ms,
    play,
    signal,
)


@pytest.mark.parametrize(
    ("plan", "pings", "deadline_s"),
    [
        pytest.param(PERIOD, [(SUCCESS, 0)], 360, id="a period and its grace after a success"),
        pytest.param(PERIOD, [(START, 0)], 360, id="after a start"),
        pytest.param(PERIOD, [(FAIL, 0), (SUCCESS, 10)], 370, id="after a recovery"),
        pytest.param(PERIOD, [(SUCCESS, 0), (LOG, 100)], 360, id="a log changes nothing"),
        pytest.param(PERIOD, [(SUCCESS, 0), (SUCCESS, 0.1), (SUCCESS, 0.2)], 360.2, id="rapid pings: the last counts"),
        pytest.param(PERIOD, [(SUCCESS, 0), (SUCCESS, 1000)], 1360, id="after a miss"),
        pytest.param(attrs.evolve(PERIOD, grace_s=0), [(SUCCESS, 0)], 300, id="no grace"),
        pytest.param(attrs.evolve(PERIOD, interval_s=1), [(SUCCESS, 0)], 61, id="the shortest period"),
        pytest.param(NIGHTLY, [(SUCCESS, THREE)], THREE + DAY_S + 600, id="at its scheduled time"),
        pytest.param(NIGHTLY, [(SUCCESS, THREE - 60)], THREE + DAY_S + 600, id="first ping a minute early"),
        pytest.param(NIGHTLY, [(SUCCESS, THREE - 60.001)], THREE + 600, id="first ping too early"),
        pytest.param(NIGHTLY, [(SUCCESS, 0), (SUCCESS, THREE - 60)], THREE + DAY_S + 600, id="a minute early"),
        pytest.param(NIGHTLY, [(SUCCESS, 0), (SUCCESS, THREE - 60.001)], THREE + 600, id="too early: an extra one"),
        pytest.param(NIGHTLY, [(SUCCESS, 0), (SUCCESS, THREE + 600)], THREE + DAY_S + 600, id="within its grace"),
        pytest.param(NIGHTLY, [(SUCCESS, 0), (SUCCESS, THREE + 7200)], THREE + DAY_S + 600, id="after a miss, late"),
        pytest.param(
            NIGHTLY,
            [(SUCCESS, 0), (SUCCESS, THREE + DAY_S - 60)],
            THREE + 2 * DAY_S + 600,
            id="a day after a miss, early for the next",
        ),
        pytest.param(
            NIGHTLY,
            [(SUCCESS, 0), (SUCCESS, THREE + DAY_S - 60.001)],
            THREE + DAY_S + 600,
            id="a day after a miss, too early for the next",
        ),
        pytest.param(
            NIGHTLY, [(SUCCESS, 0), (SUCCESS, THREE + DAY_S)], THREE + 2 * DAY_S + 600, id="a day after a miss, on time"
        ),
        pytest.param(NIGHTLY, [(SUCCESS, 0), (START, THREE)], THREE + DAY_S + 600, id="a start comes for the time"),
        pytest.param(MINUTELY, [(SUCCESS, 0), (SUCCESS, 30)], 140, id="half a minute early for every minute"),
        pytest.param(MINUTELY, [(SUCCESS, 0), (SUCCESS, 29.999)], 80, id="late rather than early"),
        pytest.param(PAIR, [(SUCCESS, THREE), (SUCCESS, THREE + 5)], THREE + 80, id="twice for the first of a pair"),
        pytest.param(
            PAIR, [(SUCCESS, THREE), (SUCCESS, THREE + 30)], THREE + DAY_S + 20, id="early for the second of a pair"
        ),
        pytest.param(RUN_2H, [(START, 0)], 7200, id="the longest run time"),
        pytest.param(RUN_2H, [(SUCCESS, 0), (START, 100), (START, 200)], 7300, id="another start is no end of the run"),
        pytest.param(RUN_2H, [(START, 0, "a"), (START, 50, "a"), (START, 99, "a")], 7200, id="nor of one with a name"),
        pytest.param(RUN_2H, [(START, 0), (SUCCESS, 50), (START, 100)], 7300, id="a run after one that ended"),
        pytest.param(PERIOD, [(START, 0), (START, 300)], 360, id="a job that dies each time before its end"),
        pytest.param(RUN_2H, [(START, 0, "a"), (START, 100, "b")], 7200, id="runs overlap: the first"),
        pytest.param(RUN_2H, [(START, 0, "a"), (START, 100, "b"), (SUCCESS, 200, "a")], 7300, id="then the second"),
        pytest.param(RUN_2H, [(START, 0, "a"), (SUCCESS, 200)], 7200, id="a success of no run ends none"),
        pytest.param(RUN_2H, [(START, 0, "a"), (FAIL, 50, "b"), (SUCCESS, 60)], 7200, id="nor does another's failure"),
        pytest.param(RUN_2H, [(START, 0, "a"), (SUCCESS, 9)], 7200, id="watched from before the recovery"),
        pytest.param(PERIOD, [(START, 0, "a"), (SUCCESS, 100)], 360, id="without one: when the next would be overdue"),
        pytest.param(PERIOD, [(START, 0), (SUCCESS, 100)], 460, id="and it ends with its run"),
        pytest.param(attrs.evolve(RUN_2H, interval_s=10), [(START, 0)], 70, id="a run is no excuse for silence"),
    ],
)
def test_at_its_deadline_a_job_is_not_yet_down(plan: Plan, pings: list[tuple[Any, ...]], deadline_s: float) -> None:
    step = play(plan, pings)
    deadline_at = ms(deadline_s)
    assert step.beat.deadline_at == deadline_at
    for now_ms in (step.beat.last_ping_at or 0, deadline_at - 1, deadline_at):
        assert rules.miss(step.beat, step.runs, plan, now_ms=now_ms) is None
        assert not rules.is_missed(step.beat.status, deadline_at, now_ms=now_ms)
    for now_ms in (deadline_at + 1, deadline_at + 10**9):
        missed = rules.miss(step.beat, step.runs, plan, now_ms=now_ms)
        assert missed is not None
        assert missed.at == deadline_at
        assert missed.beat == attrs.evolve(step.beat, status=DOWN, deadline_at=None)
        assert rules.is_missed(step.beat.status, deadline_at, now_ms=now_ms)
        assert rules.miss(missed.beat, missed.runs, plan, now_ms=now_ms + 1) is None


@pytest.mark.parametrize(
    ("pings", "status", "seen"),
    [
        pytest.param([(START, 0)], PENDING, None, id="a first start: pending"),
        pytest.param([(LOG, 0)], PENDING, None, id="a first log: pending"),
        pytest.param([(SUCCESS, 0)], UP, Status.UP, id="a first success"),
        pytest.param([(FAIL, 0)], DOWN, Status.DOWN, id="a first failure"),
        pytest.param([(SUCCESS, 0), (FAIL, 1)], DOWN, Status.DOWN, id="a failure is down at once"),
        pytest.param([(FAIL, 0), (START, 1)], DOWN, None, id="a start makes nothing well"),
        pytest.param([(FAIL, 0), (LOG, 1)], DOWN, None, id="nor does a log"),
        pytest.param([(FAIL, 0), (SUCCESS, 1)], UP, Status.UP, id="a success does"),
        pytest.param([(SUCCESS, 0), (START, 361)], DOWN, None, id="a start after a miss: still down"),
        pytest.param([(SUCCESS, 0), (SUCCESS, 361)], UP, Status.UP, id="a success after a miss: up at once"),
        pytest.param([(SUCCESS, 0), (SUCCESS, 1)], UP, Status.UP, id="well, and well again"),
    ],
)
def test_what_a_ping_makes_of_the_status(
    pings: list[tuple[Any, ...]], status: HeartbeatStatus, seen: Status | None
) -> None:
    step = play(PERIOD, pings)
    assert (step.beat.status, step.status) == (status, seen)
    if status is DOWN:
        assert step.beat.deadline_at is None


def test_while_it_is_down_it_is_still_told_what_is_expected() -> None:
    step = play(PERIOD, [(FAIL, 0)])
    assert (step.beat.due_at, step.beat.deadline_at) == (ms(300), None)
    assert rules.miss(step.beat, step.runs, PERIOD, now_ms=ms(10**6)) is None


KEYED = attrs.evolve(PERIOD, success_keywords=("OK",), failure_keywords=("ERROR", "panic"), start_keywords=("begin",))


@pytest.mark.parametrize(
    ("plan", "kind", "exit_status", "body", "counts_as", "message"),
    [
        pytest.param(PERIOD, SUCCESS, None, "ERROR", SUCCESS, "", id="no rules: the path says it"),
        pytest.param(PERIOD, SUCCESS, 0, None, SUCCESS, "", id="exit status 0"),
        pytest.param(PERIOD, FAIL, None, None, FAIL, "the job reported a failure", id="a failure without a word"),
        pytest.param(PERIOD, FAIL, None, "a\nno disk\n\n", FAIL, "the job reported a failure: no disk", id="last line"),
        pytest.param(PERIOD, FAIL, 3, "disk full", FAIL, "the job reported exit status 3: disk full", id="exit status"),
        pytest.param(PERIOD, FAIL, 255, None, FAIL, "the job reported exit status 255", id="without a body"),
        pytest.param(KEYED, SUCCESS, None, "all OK", SUCCESS, "", id="a success keyword"),
        pytest.param(KEYED, SUCCESS, None, "all ok", IGNORED, "", id="case matters"),
        pytest.param(KEYED, SUCCESS, None, "", IGNORED, "", id="an empty body has no keyword"),
        pytest.param(KEYED, SUCCESS, None, None, IGNORED, "", id="nor has none at all"),
        pytest.param(KEYED, SUCCESS, 0, "nothing", IGNORED, "", id="an exit status of 0 needs it, too"),
        pytest.param(
            KEYED,
            SUCCESS,
            None,
            "OK\nthe ERROR is here\nOK",
            FAIL,
            "the job reported success, but its text has “ERROR”: the ERROR is here",
            id="failure goes before success",
        ),
        pytest.param(
            KEYED,
            SUCCESS,
            0,
            "begin panic",
            FAIL,
            "the job reported success, but its text has “panic”: begin panic",
            id="and before start",
        ),
        pytest.param(KEYED, SUCCESS, None, "begin OK", START, "", id="start goes before success"),
        pytest.param(KEYED, SUCCESS, 0, "begin OK", SUCCESS, "", id="but not with an exit status"),
        pytest.param(KEYED, SUCCESS, 0, "begin", IGNORED, "", id="which then lacks a success keyword"),
        pytest.param(KEYED, FAIL, None, "OK", FAIL, "the job reported a failure: OK", id="a failure stays one"),
        pytest.param(KEYED, START, None, "ERROR", START, "", id="a start stays one"),
        pytest.param(KEYED, LOG, None, "ERROR", LOG, "", id="a log stays one"),
    ],
)
def test_what_a_ping_counts_as(
    plan: Plan, kind: PingKind, exit_status: int | None, body: str | None, counts_as: PingKind, message: str
) -> None:
    ping = signal(kind, 0, exit_status=exit_status, body=body)
    step = rules.take(NEW, (), plan, ping, is_enabled=True)
    assert (step.kind, step.message) == (counts_as, message)
    if counts_as in (IGNORED, LOG):
        assert (step.beat, step.runs, step.status) == (NEW, (), None)


@pytest.mark.parametrize("kind", [SUCCESS, FAIL, START, LOG])
def test_a_ping_of_a_paused_job_changes_nothing(kind: PingKind) -> None:
    before = play(PERIOD, [(SUCCESS, 0), (START, 5, "a")])
    step = rules.take(before.beat, before.runs, PERIOD, signal(kind, 10, "a"), is_enabled=False)
    assert step == Step(beat=before.beat, runs=before.runs, kind=IGNORED)


@pytest.mark.parametrize(
    ("took_ms", "counts_as", "message"),
    [
        pytest.param(0, FAIL, "the run took 0 ms; the shortest is 1 min", id="at once"),
        pytest.param(999, FAIL, "the run took 999 ms; the shortest is 1 min", id="less than a second"),
        pytest.param(2_400, FAIL, "the run took 2 s; the shortest is 1 min", id="seconds"),
        pytest.param(59_999, FAIL, "the run took 59 s; the shortest is 1 min", id="just too short"),
        pytest.param(60_000, SUCCESS, "", id="just long enough"),
        pytest.param(60_001, SUCCESS, "", id="longer"),
    ],
)
def test_a_run_that_is_too_short_has_failed(took_ms: int, counts_as: PingKind, message: str) -> None:
    plan = attrs.evolve(RUN_2H, min_runtime_s=60)
    step = play(plan, [(START, 0, "a"), (SUCCESS, took_ms / 1000, "a")])
    assert (step.kind, step.message, step.duration_ms) == (counts_as, message, took_ms)
    assert step.status is (Status.UP if counts_as is SUCCESS else Status.DOWN)
    assert play(plan, [(SUCCESS, 0.5)]).kind is SUCCESS, "without a start nobody knows how long it took"
    assert play(plan, [(START, 0), (FAIL, 1)]).message == "the job reported a failure"


@pytest.mark.parametrize(
    ("pings", "duration_ms", "last_duration_ms", "open_runs"),
    [
        pytest.param([(START, 0), (SUCCESS, 7)], 7000, 7000, [], id="start and end"),
        pytest.param([(START, 0), (FAIL, 7)], 7000, 7000, [], id="a failure ends it, too"),
        pytest.param([(START, 0, "a"), (SUCCESS, 7, "a")], 7000, 7000, [], id="of one run"),
        pytest.param([(START, 0, "a"), (SUCCESS, 7, "b")], None, None, ["a"], id="of another run"),
        pytest.param([(START, 0), (SUCCESS, 7, "a")], None, None, [""], id="the nameless is a run of its own"),
        pytest.param([(START, 0, "a"), (START, 1, "b"), (SUCCESS, 9, "a")], 9000, 9000, ["b"], id="overlapping"),
        pytest.param([(START, 0, "a"), (START, 1, "b"), (SUCCESS, 9, "b")], 8000, 8000, ["a"], id="out of order"),
        pytest.param([(START, 0, "a"), (SUCCESS, 5, "a"), (SUCCESS, 6, "a")], None, 5000, [], id="told twice"),
        pytest.param([(SUCCESS, 5, "a"), (START, 6, "a")], None, None, ["a"], id="the end before the beginning"),
        pytest.param([(START, 0), (LOG, 3), (SUCCESS, 7)], 7000, 7000, [], id="a log in between"),
        pytest.param([(START, 0), (START, 4), (SUCCESS, 7)], 3000, 3000, [], id="a second start"),
    ],
)
def test_a_run_and_its_end(
    pings: list[tuple[Any, ...]], duration_ms: int | None, last_duration_ms: int | None, open_runs: list[str]
) -> None:
    step = play(RUN_2H, pings)
    assert (step.duration_ms, step.beat.last_duration_ms) == (duration_ms, last_duration_ms)
    assert [run.rid for run in step.runs] == open_runs


def test_a_run_that_takes_too_long_is_told_once_and_can_still_end() -> None:
    step = play(RUN_2H, [(SUCCESS, 0), (START, 10, "a")])
    missed = rules.miss(step.beat, step.runs, RUN_2H, now_ms=ms(8000))
    assert missed is not None
    assert missed.at == ms(7210)
    assert missed.runs == (Run(rid="a", started_at=ms(10), deadline_at=None),)
    other = rules.take(missed.beat, missed.runs, RUN_2H, signal(SUCCESS, 8001, "b"), is_enabled=True)
    assert (other.beat.status, other.beat.deadline_at) == (UP, ms(8001 + DAY_S + 60))
    own = rules.take(other.beat, other.runs, RUN_2H, signal(SUCCESS, 9000, "a"), is_enabled=True)
    assert (own.duration_ms, own.runs) == (8_990_000, ())


@pytest.mark.parametrize(("recovers_s", "deadline_s"), [(7200, 7200), (7200.001, 7200.001 + DAY_S + 60)])
def test_a_run_that_grew_too_long_while_the_job_was_down_is_not_told_after_the_recovery(
    recovers_s: float, deadline_s: float
) -> None:
    step = play(RUN_2H, [(START, 0, "a"), (FAIL, 10, "b"), (SUCCESS, recovers_s, "c")])
    assert (step.beat.status, step.beat.deadline_at) == (UP, ms(deadline_s))
    own = rules.take(step.beat, step.runs, RUN_2H, signal(SUCCESS, 9000, "a"), is_enabled=True)
    assert own.duration_ms == 9_000_000, "it can still end"


def test_a_miss_is_never_dated_before_what_was_heard_since() -> None:
    """Of a run that grew too long, and a ping of another that came before that was decided."""
    step = play(RUN_2H, [(START, 0, "a")])
    step = rules.take(step.beat, step.runs, RUN_2H, signal(SUCCESS, 7300, "b"), is_enabled=True)
    assert (step.beat.status, step.beat.deadline_at) == (UP, ms(7200))
    missed = rules.miss(step.beat, step.runs, RUN_2H, now_ms=ms(7301))
    assert missed is not None
    assert missed.at == ms(7300)


def test_only_so_many_runs_are_watched_and_the_newest_always_is() -> None:
    told = Run(rid="told", started_at=ms(50), deadline_at=None)
    runs = [told, *(Run(rid=f"r{each}", started_at=ms(each), deadline_at=ms(9000)) for each in range(MAX_RUNS - 1))]
    step = rules.take(NEW, runs, RUN_2H, signal(START, 100, "new"), is_enabled=True)
    assert {run.rid for run in step.runs} == {"new", *(f"r{each}" for each in range(MAX_RUNS - 1))}
    step = rules.take(NEW, step.runs, RUN_2H, signal(START, 101, "newer"), is_enabled=True)
    assert {run.rid for run in step.runs} == {"new", "newer", *(f"r{each}" for each in range(1, MAX_RUNS - 1))}


@pytest.mark.parametrize(
    ("pings", "last_ping_s", "due_s"),
    [
        pytest.param([(SUCCESS, 100), (SUCCESS, 99)], 100, 400, id="a slow body: as if it came last"),
        pytest.param([(SUCCESS, 100), (SUCCESS, 40)], 100, 400, id="by a minute"),
        pytest.param([(SUCCESS, 100), (SUCCESS, 39.999)], 39.999, 339.999, id="by more: the clock was set back"),
        pytest.param([(SUCCESS, 10_000), (SUCCESS, 5)], 5, 305, id="by hours"),
    ],
)
def test_a_ping_that_is_recorded_after_a_later_one(
    pings: list[tuple[Any, ...]], last_ping_s: float, due_s: float
) -> None:
    beat = play(PERIOD, pings).beat
    assert (beat.last_ping_at, beat.due_at) == (ms(last_ping_s), ms(due_s))


def test_the_end_of_a_run_does_not_count_early_for_the_next_one() -> None:
    hourly = Plan(interval_s=60, grace_s=300, schedule="0 * * * *")
    assert play(hourly, [(START, 0), (SUCCESS, 3590)]).beat.due_at == ms(3600)
    assert play(hourly, [(SUCCESS, 0), (SUCCESS, 3590)]).beat.due_at == ms(7200)
    assert play(hourly, [(START, 0), (SUCCESS, 3600)]).beat.due_at == ms(7200)


@pytest.mark.parametrize(
    ("plan", "pings", "message"),
    [
        pytest.param(
            PERIOD,
            [(SUCCESS, 3600)],
            "no ping since 2026-03-02 01:00:00 UTC: expected every 5 min, 1 min of grace",
            id="a period",
        ),
        pytest.param(
            attrs.evolve(PERIOD, interval_s=5400, grace_s=0),
            [(SUCCESS, 0)],
            "no ping since 2026-03-02 00:00:00 UTC: expected every 1 h 30 min, no grace",
            id="no grace",
        ),
        pytest.param(
            attrs.evolve(NIGHTLY, timezone="Europe/Berlin", schedule="0  3 * * *"),
            [(SUCCESS, 0)],
            "no ping since 2026-03-02 00:00:00 UTC: expected at 2026-03-02 02:00:00 UTC (“0 3 * * *” in Europe/Berlin),"
            " 10 min of grace",
            id="a schedule",
        ),
        pytest.param(
            RUN_2H, [(START, 0)], "the run that began at 2026-03-02 00:00:00 UTC has not ended within 2 h", id="a run"
        ),
        pytest.param(
            RUN_2H,
            [(START, 1, "n-7")],
            "the run n-7 that began at 2026-03-02 00:00:01 UTC has not ended within 2 h",
            id="a run with a name",
        ),
        pytest.param(
            PERIOD,
            [(START, 0)],
            "the run that began at 2026-03-02 00:00:00 UTC has not ended, and the next was expected at"
            " 2026-03-02 00:05:00 UTC",
            id="a run without a longest time",
        ),
        pytest.param(
            PERIOD,
            [(START, 0, "a"), (SUCCESS, 200, "b")],
            "the run a that began at 2026-03-02 00:00:00 UTC has not ended, and the next was expected at"
            " 2026-03-02 00:05:00 UTC",
            id="a run beside others",
        ),
        pytest.param(
            PERIOD,
            [(START, 0), (START, 303)],
            "the run before the one that began at 2026-03-02 00:05:03 UTC has not ended, and the next was expected at"
            " 2026-03-02 00:05:00 UTC",
            id="a run that died",
        ),
        pytest.param(
            RUN_2H,
            [(START, 0), (START, 60)],
            "the run before the one that began at 2026-03-02 00:01:00 UTC has not ended within 2 h",
            id="a run that began again",
        ),
    ],
)
def test_what_is_told_of_a_miss(plan: Plan, pings: list[tuple[Any, ...]], message: str) -> None:
    step = play(plan, pings)
    missed = rules.miss(step.beat, step.runs, plan, now_ms=ms(10 * DAY_S))
    assert missed is not None
    assert missed.message == message


@pytest.mark.parametrize(
    ("body", "line"),
    [
        pytest.param("a\r\nb\r\n", "b", id="the last line"),
        pytest.param("done\n \n\t\n", "done", id="that says something"),
        pytest.param("a \t b", "a b", id="in one line"),
        pytest.param("x" * 500, "x" * 199 + "…", id="bounded"),
        pytest.param("\x1b[31mred\x00\x07", "�[31mred��", id="nothing that a terminal obeys"),
        pytest.param("\ud800", "�", id="a lone surrogate"),
        pytest.param("50\N{RIGHT-TO-LEFT OVERRIDE}%", "50�%", id="nothing that turns a line around"),
    ],
)
def test_the_line_of_a_body_in_a_message(body: str, line: str) -> None:
    step = rules.take(NEW, (), PERIOD, signal(FAIL, 0, body=body), is_enabled=True)
    assert step.message == f"the job reported a failure: {line}"


def test_the_end_of_a_body_that_was_cut_is_not_told_as_its_last_line() -> None:
    step = rules.take(NEW, (), PERIOD, signal(FAIL, 0, body="x\ny", is_cut=True), is_enabled=True)
    assert step.message == "the job reported a failure"


@pytest.mark.parametrize(
    ("plan", "pings", "due_s"),
    [
        pytest.param(PERIOD, [], None, id="never reported: waits"),
        pytest.param(PERIOD, [(LOG, 0)], None, id="nor does a log count"),
        pytest.param(PERIOD, [(SUCCESS, 0)], 10_300, id="a period from now"),
        pytest.param(PERIOD, [(FAIL, 0)], 10_300, id="after a failure"),
        pytest.param(PERIOD, [(START, 0)], 10_300, id="a run that was open is forgotten"),
        pytest.param(NIGHTLY, [(SUCCESS, 0)], THREE, id="the next scheduled time"),
    ],
)
def test_after_a_pause_it_is_expected_anew(plan: Plan, pings: list[tuple[Any, ...]], due_s: float | None) -> None:
    beat = rules.begin(play(plan, pings).beat, plan, now_ms=ms(10_000))
    assert beat.status is PENDING
    assert beat.due_at == (None if due_s is None else ms(due_s))
    assert beat.deadline_at == (None if due_s is None else ms(due_s + plan.grace_s))
    missed = rules.miss(beat, (), plan, now_ms=ms(10 * DAY_S))
    assert (missed is None) == (due_s is None)
    if missed is not None and not plan.schedule:
        assert ": expected by 2026-03-02 02:51:40 UTC, 1 min of grace" in missed.message


@pytest.mark.parametrize(
    ("before", "after", "pings", "now_s", "due_s", "deadline_s"),
    [
        pytest.param(PERIOD, attrs.evolve(PERIOD, interval_s=600), [(SUCCESS, 0)], 50, 600, 660, id="a longer period"),
        pytest.param(PERIOD, attrs.evolve(PERIOD, interval_s=60), [(SUCCESS, 0)], 50, 60, 120, id="a shorter period"),
        pytest.param(
            PERIOD,
            attrs.evolve(PERIOD, interval_s=60),
            [(SUCCESS, 0)],
            200,
            60,
            260,
            id="over already: a grace from now",
        ),
        pytest.param(PERIOD, attrs.evolve(PERIOD, grace_s=5), [(SUCCESS, 0)], 304, 300, 309, id="a shorter grace"),
        pytest.param(PERIOD, attrs.evolve(PERIOD, grace_s=900), [(SUCCESS, 0)], 350, 300, 1250, id="a longer grace"),
        pytest.param(PERIOD, PERIOD, [], 50, None, None, id="never reported"),
        pytest.param(PERIOD, NIGHTLY, [(SUCCESS, 0)], 50, THREE, THREE + 600, id="from a period to a schedule"),
        pytest.param(NIGHTLY, PERIOD, [(SUCCESS, 0)], 50, 300, 360, id="from a schedule to a period"),
        pytest.param(
            NIGHTLY,
            attrs.evolve(NIGHTLY, schedule="0 2 * * *"),
            [(SUCCESS, 0)],
            THREE - 60,
            THREE - 3600 + DAY_S,
            THREE - 3600 + DAY_S + 600,
            id="what the new schedule had before was never expected",
        ),
        pytest.param(
            NIGHTLY,
            attrs.evolve(NIGHTLY, grace_s=1200),
            [(SUCCESS, 0)],
            THREE + 500,
            THREE,
            THREE + 1700,
            id="what is due already stays due",
        ),
        pytest.param(
            NIGHTLY,
            attrs.evolve(NIGHTLY, grace_s=5),
            [(SUCCESS, THREE - 20)],
            THREE - 10,
            THREE + DAY_S,
            THREE + DAY_S + 5,
            id="what was met early stays met",
        ),
        pytest.param(NIGHTLY, HOURLY, [(SUCCESS, THREE)], THREE + 60, THREE + 3600, THREE + 4200, id="more often"),
    ],
)
def test_another_plan(
    before: Plan,
    after: Plan,
    pings: list[tuple[Any, ...]],
    now_s: float,
    due_s: float | None,
    deadline_s: float | None,
) -> None:
    step = play(before, pings)
    beat, _ = rules.replan(step.beat, step.runs, after, now_ms=ms(now_s))
    assert beat.due_at == (None if due_s is None else ms(due_s))
    assert beat.deadline_at == (None if deadline_s is None else ms(deadline_s))
    assert beat.status is step.beat.status


def test_another_plan_after_a_pause_counts_from_now() -> None:
    resumed = rules.begin(play(PERIOD, [(SUCCESS, 0)]).beat, PERIOD, now_ms=ms(DAY_S))
    beat, _ = rules.replan(resumed, (), attrs.evolve(PERIOD, interval_s=600), now_ms=ms(DAY_S + 5))
    assert beat.deadline_at == ms(DAY_S + 5 + 660)


def test_another_plan_after_a_ping_that_a_wrong_clock_dated_ahead() -> None:
    beat, _ = rules.replan(play(NIGHTLY, [(SUCCESS, 9 * DAY_S)]).beat, (), NIGHTLY, now_ms=ms(50))
    assert beat.due_at == ms(THREE)
    beat, _ = rules.replan(play(PERIOD, [(SUCCESS, 9 * DAY_S)]).beat, (), PERIOD, now_ms=ms(50))
    assert beat.due_at == ms(350)


def test_another_plan_for_runs() -> None:
    step = play(RUN_2H, [(START, 0, "a"), (START, 6000, "b")])
    runs = (*step.runs, Run(rid="told", started_at=ms(0), deadline_at=None))
    beat, moved = rules.replan(step.beat, runs, attrs.evolve(RUN_2H, max_runtime_s=300), now_ms=ms(6100))
    assert {run.rid: run.deadline_at for run in moved} == {"a": ms(6160), "b": ms(6300), "told": None}
    assert beat.deadline_at == ms(6160)


def test_another_plan_makes_nothing_well() -> None:
    step = play(PERIOD, [(FAIL, 0)])
    beat, _ = rules.replan(step.beat, step.runs, attrs.evolve(PERIOD, interval_s=600), now_ms=ms(5))
    assert (beat.status, beat.deadline_at, beat.due_at) == (DOWN, None, ms(600))


def test_a_plan_is_read_from_the_settings_as_they_are_stored() -> None:
    settings = {
        "grace": 5,
        "schedule": "@daily",
        "timezone": "Asia/Tokyo",
        "max_runtime": 9,
        "min_runtime": None,
        "success_keywords": ["a"],
        "failure_keywords": [],
        "start_keywords": ["b", "c"],
    }
    assert plan_of(interval_s=60, settings=settings) == Plan(
        interval_s=60,
        grace_s=5,
        schedule="@daily",
        timezone="Asia/Tokyo",
        max_runtime_s=9,
        success_keywords=("a",),
        start_keywords=("b", "c"),
    )
