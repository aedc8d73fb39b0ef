from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura import uptime
from asura.model.monitor import MonitorStatus
from asura.uptime import Interval, intervals, percent

UP, DEGRADED, DOWN = MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN
PENDING, PAUSED, UNKNOWN = MonitorStatus.PENDING, MonitorStatus.PAUSED, MonitorStatus.UNKNOWN
DAY_MS = 86_400_000

Changes = list[tuple[int, MonitorStatus]]


@st.composite
def timelines(draw: st.DrawFn) -> Changes:
    instants = sorted(draw(st.sets(st.integers(0, 500), max_size=12)))
    return [(at, draw(st.sampled_from(list(MonitorStatus)))) for at in instants]


def status_at(changes: Changes, instant: int) -> MonitorStatus | None:
    return next((status for at, status in reversed(changes) if at <= instant), None)


@given(timelines(), st.integers(0, 500), st.integers(0, 200))
def test_intervals_tell_the_status_of_every_moment(changes: Changes, start: int, length: int) -> None:
    end = start + length
    found = intervals(changes, start=start, end=end)
    for moment in range(start, end):
        holding = [each.status for each in found if each.start <= moment < each.end]
        expected = status_at(changes, moment)
        assert holding == ([] if expected is None else [expected])


@given(timelines(), st.integers(0, 500), st.integers(0, 200))
def test_intervals_are_contiguous_and_neighbours_differ(changes: Changes, start: int, length: int) -> None:
    found = intervals(changes, start=start, end=start + length)
    for one, other in pairwise(found):
        assert one.end == other.start
        assert one.status is not other.status


@given(timelines())
def test_uptime_is_the_share_of_known_moments_that_were_not_down_floored(changes: Changes) -> None:
    statuses = [status_at(changes, moment) for moment in range(520)]
    good = sum(status in (UP, DEGRADED) for status in statuses)
    down = sum(status is DOWN for status in statuses)
    found = percent(intervals(changes, start=0, end=520))
    if good + down == 0:
        assert found is None
    else:
        assert found == good * 100_000 // (good + down) / 1000


@given(st.integers(1, 400 * DAY_MS), st.integers(1, 400 * DAY_MS))
def test_any_time_down_is_never_a_hundred_and_any_time_up_without_it_is(good_ms: int, down_ms: int) -> None:
    up = Interval(status=UP, start=0, end=good_ms)
    down = Interval(status=DOWN, start=good_ms, end=good_ms + down_ms)
    assert percent([up]) == 100
    with_down = percent([up, down])
    assert with_down is not None
    assert with_down < 100


def test_one_second_down_in_ninety_days_is_not_a_hundred() -> None:
    second = [Interval(status=UP, start=0, end=90 * DAY_MS - 1000)]
    second.append(Interval(status=DOWN, start=90 * DAY_MS - 1000, end=90 * DAY_MS))
    assert percent(second) == 99.999


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        pytest.param([], None, id="no timeline"),
        pytest.param([PENDING, PAUSED, UNKNOWN, MonitorStatus.MAINTENANCE], None, id="nothing known"),
        pytest.param([DOWN], 0.0, id="only down"),
        pytest.param([UP, DEGRADED], 100.0, id="degraded counts as up"),
        pytest.param([UP, PAUSED, DOWN], 50.0, id="paused leaves the denominator"),
        pytest.param([UP, MonitorStatus.MAINTENANCE, DOWN, UNKNOWN], 50.0, id="so do maintenance and unknown"),
        pytest.param([UP, UP, DOWN], 66.666, id="floored, not rounded"),
    ],
)
def test_what_counts_as_known(statuses: list[MonitorStatus], expected: float | None) -> None:
    changes = [(at * 1000, status) for at, status in enumerate(statuses)]
    assert percent(intervals(changes, start=0, end=len(statuses) * 1000)) == expected


def test_what_is_not_written_down_yet_comes_last() -> None:
    changes = [(100, UP), (200, PENDING)]
    assert uptime.with_tail(changes, None) == changes
    assert uptime.with_tail(changes, (300, DOWN)) == [*changes, (300, DOWN)]
    assert uptime.with_tail([], (300, DOWN)) == []


def test_what_is_not_written_down_yet_begins_no_sooner_than_the_last_change() -> None:
    changes = uptime.with_tail([(100, UP), (200, PENDING)], (150, DOWN))
    assert intervals(changes, start=0, end=300) == [
        Interval(status=UP, start=100, end=200),
        Interval(status=DOWN, start=200, end=300),
    ]
