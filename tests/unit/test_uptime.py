from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura import uptime
from asura.model.monitor import MonitorStatus
from asura.uptime import Interval, intervals, percent, percentages

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


def test_each_window_ends_now_and_sees_only_its_own_time() -> None:
    now_ms = 100 * DAY_MS
    changes = [(now_ms - 100 * DAY_MS, UP), (now_ms - 8 * DAY_MS, DOWN), (now_ms - 7 * DAY_MS, UP)]
    found = percentages(changes, now_ms=now_ms)
    assert list(found) == list(uptime.WINDOWS_MS)
    assert found["24h"] == found["7d"] == 100
    assert found["30d"] == 96.666
    assert found["90d"] == 98.888


def test_a_window_older_than_the_monitor_knows_only_its_life() -> None:
    now_ms = 100 * DAY_MS
    found = percentages([(now_ms - 1000, UP), (now_ms - 500, DOWN)], now_ms=now_ms)
    assert set(found.values()) == {50.0}
    assert set(percentages([], now_ms=now_ms).values()) == {None}


@given(
    st.lists(
        st.tuples(st.integers(-2 * DAY_MS, 100 * DAY_MS), st.sampled_from(list(MonitorStatus))),
        max_size=12,
        unique_by=lambda change: change[0],
    )
)
def test_the_windows_in_one_walk_are_the_windows_one_by_one(changes: Changes) -> None:
    changes.sort()
    now_ms = 95 * DAY_MS
    assert percentages(changes, now_ms=now_ms) == {
        name: percent(intervals(changes, start=now_ms - span_ms, end=now_ms))
        for name, span_ms in uptime.WINDOWS_MS.items()
    }
