"""Times in which nobody could be heard, and clocks that were set, are not held against a job."""

from typing import Any

import attrs
import pytest

from asura.heartbeats import rules
from asura.heartbeats.due import Plan
from asura.heartbeats.lulls import CORRECTION_MS, Clocks, Lull, excuse, lull
from asura.model.heartbeat import HeartbeatStatus, Run
from tests.heartbeats import (
    DAY_S,
    FAIL,
    HOURLY,
    NEW,
    NIGHTLY,
    PENDING,
    PERIOD,
    RUN_2H,
    START,
    SUCCESS,
    THREE,
    ms,
    play,
    signal,
)

HOUR_MS = 3_600_000


def clocks(wall: int, running: int, passing: int | None = None) -> Clocks:
    return Clocks(wall=wall, running=running, passing=running if passing is None else passing)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        pytest.param(clocks(101_000, 6_000), None, id="in time"),
        pytest.param(clocks(101_999, 6_999), None, id="a little late"),
        pytest.param(clocks(102_000, 7_000), (102_000, 0), id="late: the process stood still"),
        pytest.param(clocks(160_000, 5_500, 65_000), (160_000, 0), id="the machine slept"),
        pytest.param(clocks(101_499, 6_000), None, id="the clock is slewed"),
        pytest.param(clocks(101_500, 6_000), (101_500, 500), id="the clock was set forward"),
        pytest.param(clocks(100_500, 6_000), (100_500, -500), id="the clock was set back"),
        pytest.param(clocks(100_501, 6_000), None, id="back by too little to tell"),
        pytest.param(clocks(40_000, 65_000), (40_000, -120_000), id="back, while it stood still"),
        pytest.param(clocks(3_700_000, 6_000, 6_000), (3_700_000, 3_599_000), id="slept, and only the wall knows"),
    ],
)
def test_two_readings_of_the_clocks(now: Clocks, found: tuple[int, int] | None) -> None:
    expected = None if found is None else Lull(since=100_000, until=found[0], jump_ms=found[1])
    assert lull(clocks(100_000, 5_000), now, expected_ms=1000) == expected


def deaf(since_s: float, until_s: float, jump_s: float = 0) -> Lull:
    return Lull(since=ms(since_s), until=ms(until_s), jump_ms=round(jump_s * 1000))


EVERY_HOUR, SELDOM = attrs.evolve(PERIOD, interval_s=3600), attrs.evolve(PERIOD, interval_s=3601)


@pytest.mark.parametrize(
    ("plan", "pings", "lulls", "deadline_s"),
    [
        # The period's deadline is 360: due at 300, a minute of grace.
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 299.999)], 360, id="over before it is due"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 300)], 360, id="over when it is due"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 301)], 661, id="deaf when it was due: another period"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(291, 301)], 661, id="deaf for ten seconds"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(291.001, 301)], 361, id="deaf for less: one grace"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(300, 301)], 361, id="deaf from the moment it was due"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(300.001, 301)], 360, id="deaf after that, and heard again"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(310, 320)], 680, id="deaf while it may have come late"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(355, 359.999)], 360, id="over just before the deadline"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(355, 360)], 420, id="over at the deadline"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(360, 365)], 425, id="deaf from the deadline on"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(360.001, 400)], 360, id="deaf from later on: it was missed"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 3600)], 3960, id="off for an hour"),
        pytest.param(EVERY_HOUR, [(SUCCESS, 0)], [(10, 5000)], 8660, id="off when an hour was over"),
        pytest.param(SELDOM, [(SUCCESS, 0)], [(10, 5000)], 5060, id="off when a job was due that reports seldom"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 3600), (3610, 3899)], 3960, id="again, and heard in time"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 3600), (3890, 3910)], 3980, id="again when due: so much longer"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 3600), (3950, 3970)], 3980, id="again in its grace"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 3600), (3950, 3970), (3975, 3999)], 4004, id="and again"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 3600), (3600, 7200)], 7560, id="off again at once"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(10, 3600), (3960, 3999)], 3999, id="again at its end: nothing was left"),
        pytest.param(PERIOD, [(FAIL, 0)], [(10, 3600)], None, id="down already"),
        pytest.param(PERIOD, [], [(10, 3600)], None, id="never reported"),
        pytest.param(attrs.evolve(PERIOD, grace_s=0), [(SUCCESS, 0)], [(10, 3600)], 3900, id="no grace: none given"),
        pytest.param(NIGHTLY, [(SUCCESS, 0)], [(THREE - 60, THREE + 60)], THREE + 660, id="a scheduled time"),
        pytest.param(HOURLY, [(SUCCESS, 0)], [(3500, 3700)], 7800, id="a scheduled time, and the next comes soon"),
        pytest.param(HOURLY, [(SUCCESS, 0)], [(3500, 3600)], 4200, id="over when its time comes"),
        pytest.param(NIGHTLY, [(SUCCESS, 0)], [(0, THREE + 7200)], THREE + 7800, id="off the whole night"),
        pytest.param(RUN_2H, [(START, 0)], [(7000, 7199)], 7200, id="over before the end of a run"),
        pytest.param(RUN_2H, [(START, 0)], [(7000, 7205)], 7265, id="deaf at the end of a run"),
        pytest.param(RUN_2H, [(START, 0)], [(7000, 7205), (7250, 7300)], 7315, id="and again: what was left"),
        pytest.param(RUN_2H, [(START, 0)], [(7201, 7300)], 7200, id="deaf after the end of a run"),
        pytest.param(PERIOD, [(START, 0)], [(10, 301)], 661, id="a run with no longest time is due with the next"),
        pytest.param(PERIOD, [(START, 0, "a")], [(10, 20)], 360, id="silence still alarms"),
        # Clocks that were set.
        pytest.param(PERIOD, [(SUCCESS, 0)], [(100, 3701, 3600)], 3960, id="forward by an hour: as long as before"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(100, -3499, -3600)], -3240, id="back by an hour: as long as before"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(359, 3960, 3600)], 4020, id="forward at its deadline"),
        pytest.param(PERIOD, [(SUCCESS, 3700)], [(100, 3701, 3600)], 4060, id="forward, and a ping by the new clock"),
        pytest.param(PERIOD, [(SUCCESS, -3500)], [(100, -3499, -3600)], -3140, id="back, and a ping by the new clock"),
        pytest.param(RUN_2H, [(START, 0)], [(100, 3701, 3600)], 10_800, id="a run takes no longer by it"),
        pytest.param(NIGHTLY, [(SUCCESS, 0)], [(60, THREE - 7140, 3540)], THREE + 600, id="forward to before the time"),
        pytest.param(NIGHTLY, [(SUCCESS, THREE - 600)], [(THREE - 500, THREE + 600, 1099)], THREE + 1200, id="over it"),
        pytest.param(
            NIGHTLY, [(SUCCESS, THREE)], [(THREE + 9, THREE - 50, -60)], THREE + DAY_S + 600, id="back: it has been"
        ),
        pytest.param(
            NIGHTLY, [(SUCCESS, 0)], [(9, DAY_S, DAY_S - 9)], DAY_S + THREE + 600, id="forward by a day: it was wrong"
        ),
        pytest.param(
            NIGHTLY, [(SUCCESS, 9 * DAY_S)], [(9 * DAY_S, 5, 5 - 9 * DAY_S)], THREE + 600, id="back by days"
        ),
        # At start-up nobody knows how far the clock was set; a pulse in the future shows that it was.
        pytest.param(PERIOD, [(SUCCESS, 10 * DAY_S)], [(10 * DAY_S, 5)], 365, id="set back while off"),
        pytest.param(NIGHTLY, [(SUCCESS, 10 * DAY_S)], [(10 * DAY_S, 5)], THREE + 600, id="with a schedule"),
        pytest.param(RUN_2H, [(START, 10 * DAY_S)], [(10 * DAY_S, 5)], 7205, id="with a run"),
        pytest.param(PERIOD, [(SUCCESS, 0)], [(900, 600)], 960, id="set back a little: what passed is excused"),
    ],
)  # fmt: skip
def test_the_deadline_after_lulls(
    plan: Plan, pings: list[tuple[Any, ...]], lulls: list[tuple[float, ...]], deadline_s: float | None
) -> None:
    step = play(plan, pings)
    beat, runs = step.beat, step.runs
    for each in lulls:
        excused = excuse(beat, runs, plan, deaf(*each))
        if excused is not None:
            assert excused != (beat, runs), "None says that nothing changes"
            beat, runs = excused
    assert beat.deadline_at == (None if deadline_s is None else ms(deadline_s))
    assert beat.status is step.beat.status


def test_the_longest_wait_after_a_restart_that_is_repeated_for_ever() -> None:
    """Up for ten seconds, off for two, again and again: the alarm comes when a grace was listened to."""
    plan, beat, now_s = PERIOD, play(PERIOD, [(SUCCESS, 0)]).beat, 0.0
    heard_s = 0.0
    while rules.miss(beat, (), plan, now_ms=ms(now_s)) is None:
        excused = excuse(beat, (), plan, deaf(now_s, now_s + 2))
        beat = beat if excused is None else excused[0]
        now_s += 12
        heard_s += 10 if now_s > 300 else 0
        assert now_s < 600
    assert heard_s <= 2 * plan.grace_s


def test_a_job_of_which_a_time_was_swallowed_may_come_early_for_the_next() -> None:
    excused = excuse(play(HOURLY, [(SUCCESS, 0)]).beat, (), HOURLY, deaf(3500, 3700))
    assert excused is not None
    step = rules.take(excused[0], (), HOURLY, signal(SUCCESS, 7180), is_enabled=True)
    assert step.beat.due_at == ms(10_800)


def test_what_begins_anew_after_a_clock_was_set_is_not_moved_with_it() -> None:
    """Somebody ends a pause, or edits the plan, before the watcher has seen that the clock was set."""
    beat = play(PERIOD, [(SUCCESS, 0)]).beat
    for hours_s in (-DAY_S, DAY_S):
        now_s = 10 + hours_s
        begun = rules.begin(beat, PERIOD, now_ms=ms(now_s))
        edited, _ = rules.replan(beat, (), attrs.evolve(PERIOD, interval_s=600), now_ms=ms(now_s))
        for each, plan, latest_s in (
            (begun, PERIOD, now_s + 360),
            (edited, attrs.evolve(PERIOD, interval_s=600), now_s + 660),
        ):
            excused = excuse(each, (), plan, deaf(9.5, now_s + 0.1, hours_s))
            after = each if excused is None else excused[0]
            assert after.deadline_at is not None
            assert ms(latest_s - 20) <= after.deadline_at <= ms(latest_s), hours_s


def test_a_ping_makes_up_for_an_excuse() -> None:
    excused = excuse(play(PERIOD, [(SUCCESS, 0)]).beat, (), PERIOD, deaf(10, 3600))
    assert excused is not None
    step = rules.take(excused[0], (), PERIOD, signal(SUCCESS, 3605), is_enabled=True)
    assert (step.beat.excused_until, step.beat.deadline_at) == (None, ms(3605 + 360))


def test_an_early_ping_after_an_excuse_meets_what_was_due() -> None:
    excused = excuse(play(NIGHTLY, [(SUCCESS, 0)]).beat, (), NIGHTLY, deaf(THREE - 5, THREE + 900))
    assert excused is not None
    step = rules.take(excused[0], (), NIGHTLY, signal(SUCCESS, THREE + 1400), is_enabled=True)
    assert step.beat.due_at == ms(THREE + DAY_S)


def test_the_message_tells_that_silence_was_excused() -> None:
    for plan, at_s, expected in (
        (PERIOD, 3960, "expected by 2026-03-02 01:05:00 UTC, 1 min of grace"),
        (SELDOM, 5060, "expected every 1 h 1 s, 1 min of grace from 2026-03-02 01:23:20 UTC on"),
    ):
        excused = excuse(play(plan, [(SUCCESS, 0)]).beat, (), plan, deaf(10, 3600 if plan is PERIOD else 5000))
        assert excused is not None
        missed = rules.miss(*excused, plan, now_ms=ms(at_s + 0.001))
        assert missed is not None
        assert missed.at == ms(at_s)
        assert missed.message == f"no ping since 2026-03-02 00:00:00 UTC: {expected}"


def test_runs_are_excused_while_the_job_is_down() -> None:
    step = play(RUN_2H, [(START, 0, "a"), (FAIL, 5)])
    excused = excuse(step.beat, step.runs, RUN_2H, deaf(7100, 7300))
    assert excused is not None
    beat, runs = excused
    assert (beat.status, beat.deadline_at) == (HeartbeatStatus.DOWN, None)
    assert runs == (Run(rid="a", started_at=ms(0), deadline_at=ms(7360)),)


@pytest.mark.parametrize(
    ("plan", "lull", "deadline_s"),
    [
        pytest.param(PERIOD, (299, 301), 661, id="when it was due"),
        pytest.param(PERIOD, (299, 300), 360, id="over when it is due"),
        pytest.param(PERIOD, (310, 312), 672, id="while it may have come late"),
        pytest.param(PERIOD, (360.001, 362), 360, id="after its deadline: it was missed"),
        pytest.param(SELDOM, (3600, 3602), 3662, id="a job that reports seldom: one grace"),
        pytest.param(SELDOM, (3610, 3612), 3661, id="and nothing while it may have come late"),
    ],
)
def test_who_was_refused_for_a_moment_may_not_have_called_again(
    plan: Plan, lull: tuple[float, float], deadline_s: float
) -> None:
    beat = play(plan, [(SUCCESS, 0)]).beat
    excused = excuse(beat, (), plan, attrs.evolve(deaf(*lull), has_refused=True))
    assert (beat if excused is None else excused[0]).deadline_at == ms(deadline_s)


@pytest.mark.parametrize(
    ("plan", "started_s", "lull", "is_watched"),
    [
        pytest.param(PERIOD, 0, (10, 20), False, id="its end may have been lost"),
        pytest.param(PERIOD, 0, (10, 19.999), True, id="a lull so short that the end was sent again"),
        pytest.param(PERIOD, 19, (10, 20), False, id="begun after what a killed daemon noted last"),
        pytest.param(PERIOD, 20, (10, 20), True, id="begun after it"),
        pytest.param(PERIOD, 0, (360, 370), False, id="deaf at its deadline"),
        pytest.param(PERIOD, 0, (360.001, 371), True, id="deaf after its deadline: that was missed"),
        pytest.param(EVERY_HOUR, 0, (10, 20), False, id="the next ping comes within the hour"),
        pytest.param(SELDOM, 0, (10, 20), True, id="it comes later: to wait for it would hide a failure"),
        pytest.param(attrs.evolve(PERIOD, max_runtime_s=60), 0, (10, 20), False, id="with a longest time"),
        pytest.param(RUN_2H, 0, (10, 20), True, id="with one, and the next ping comes tomorrow"),
    ],
)
def test_a_run_whose_end_may_have_been_lost(
    plan: Plan, started_s: float, lull: tuple[float, float], is_watched: bool
) -> None:
    step = play(plan, [(START, started_s, "a")])
    beat, runs = excuse(step.beat, step.runs, plan, deaf(*lull)) or (step.beat, step.runs)
    assert [run.deadline_at is not None for run in runs] == [is_watched]
    assert beat.deadline_at is not None
    end = rules.take(beat, runs, plan, signal(SUCCESS, 500, "a"), is_enabled=True)
    assert end.duration_ms == ms(500) - ms(started_s), "its end is known all the same if it comes"


def test_what_was_told_of_a_run_stays_told() -> None:
    runs = (Run(rid="a", started_at=ms(0), deadline_at=None),)
    beat = play(PERIOD, [(SUCCESS, 5)]).beat
    assert excuse(beat, runs, PERIOD, deaf(100, 200)) is None
    excused = excuse(beat, runs, PERIOD, deaf(100, 3700.5, 3600))
    assert excused is not None
    assert excused[1] == (Run(rid="a", started_at=ms(3600), deadline_at=None),)


def test_a_schedule_is_kept_when_the_clock_is_corrected_by_less_than_three_hours() -> None:
    beat = play(HOURLY, [(SUCCESS, 0)]).beat
    edge_s = CORRECTION_MS / 1000
    kept = excuse(beat, (), HOURLY, deaf(9, 9 - edge_s, -edge_s))
    assert kept is not None
    assert (kept[0].due_at, kept[0].last_ping_at) == (ms(3600), ms(-edge_s))
    anew = excuse(beat, (), HOURLY, deaf(9, 8 - edge_s, -edge_s - 1))
    assert anew is not None
    assert anew[0].due_at == ms(3600 - edge_s)


def test_the_last_ping_is_dated_by_the_clock_as_it_is() -> None:
    beat = play(PERIOD, [(SUCCESS, 0)]).beat
    for each in (deaf(100, -3499, -3600), deaf(100, -3599)):
        excused = excuse(beat, (), PERIOD, each)
        assert excused is not None
        missed = rules.miss(*excused, PERIOD, now_ms=ms(0))
        assert missed is not None
        assert missed.message.startswith("no ping since 2026-03-01 23:00:0")
        assert missed.at == excused[0].deadline_at


def test_one_that_was_begun_again_is_excused_like_any_other() -> None:
    beat = rules.begin(play(PERIOD, [(SUCCESS, 0)]).beat, PERIOD, now_ms=ms(1000))
    excused = excuse(beat, (), PERIOD, deaf(1100, 1500))
    assert excused is not None
    assert (excused[0].status, excused[0].deadline_at) == (PENDING, ms(1860))
    assert NEW.excused_until is None
