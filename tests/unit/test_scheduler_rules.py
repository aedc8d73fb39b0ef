from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.scheduler import rules

INTERVALS_S = st.sampled_from([5, 20, 60, 300, 3600, 86_400])
NOW_MS = st.integers(min_value=0, max_value=4_000_000_000_000)


@pytest.mark.parametrize("interval_s", [60, 300])
@pytest.mark.parametrize("first_id", [1, 10**6])
def test_ten_thousand_monitors_spread_evenly_over_their_interval(interval_s: int, first_id: int) -> None:
    per_second = Counter(
        int(rules.phase_s(monitor_id, interval_s=interval_s)) for monitor_id in range(first_id, first_id + 10_000)
    )
    assert len(per_second) == interval_s
    assert max(per_second.values()) <= 1.2 * 10_000 / interval_s


def test_every_other_monitor_is_spread_as_evenly() -> None:
    per_second = Counter(int(rules.phase_s(2 * number, interval_s=60)) for number in range(1, 10_001))
    assert max(per_second.values()) <= 1.2 * 10_000 / 60


@given(st.integers(1, 10**9), INTERVALS_S)
def test_a_phase_lies_within_the_interval(monitor_id: int, interval_s: int) -> None:
    assert 0 <= rules.phase_s(monitor_id, interval_s=interval_s) < interval_s


@given(st.integers(1, 10**6), INTERVALS_S, NOW_MS)
def test_the_first_check_after_a_start_comes_within_one_interval(monitor_id: int, interval_s: int, now_ms: int) -> None:
    assert 0 <= rules.first_delay_s(monitor_id, interval_s=interval_s, now_ms=now_ms) < interval_s


@given(st.integers(1, 10**6), INTERVALS_S, NOW_MS, NOW_MS)
def test_a_restart_does_not_shift_a_monitor(monitor_id: int, interval_s: int, one_ms: int, other_ms: int) -> None:
    def moment(now_ms: int) -> float:
        """The due instant, as a distance from the phase on the circle of the interval."""
        due_s = now_ms / 1000 + rules.first_delay_s(monitor_id, interval_s=interval_s, now_ms=now_ms)
        off = (due_s - rules.phase_s(monitor_id, interval_s=interval_s)) % interval_s
        return min(off, interval_s - off)

    assert moment(one_ms) == pytest.approx(0, abs=1e-4)
    assert moment(other_ms) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("ended_s", "expected"),
    [
        pytest.param(100.0, (160.0, 0), id="ended at once"),
        pytest.param(159.9, (160.0, 0), id="ended just in time"),
        pytest.param(161.0, (220.0, 1), id="one moment passed"),
        pytest.param(300.0, (340.0, 3), id="several moments passed"),
        pytest.param(99.0, (160.0, 0), id="ended before it was due"),
    ],
)
def test_the_next_moment_and_how_many_were_skipped(ended_s: float, expected: tuple[float, int]) -> None:
    assert rules.following(100.0, interval_s=60, now_s=ended_s) == expected


@given(st.floats(0, 1e6), st.integers(1, 3600), st.floats(0, 1e5))
def test_the_next_moment_is_ahead_and_in_phase(due_s: float, interval_s: int, took_s: float) -> None:
    next_s, skipped = rules.following(due_s, interval_s=interval_s, now_s=due_s + took_s)
    assert next_s >= due_s + took_s
    assert next_s - (due_s + took_s) <= interval_s + 1e-6
    assert next_s == due_s + (skipped + 1) * interval_s


Graph = dict[int, tuple[int, ...]]
GRAPHS = st.dictionaries(st.integers(0, 6), st.lists(st.integers(0, 6), max_size=4).map(tuple), max_size=7)


def reaches(graph: Graph, start: int) -> set[int]:
    """Everything that can be reached from `start` by one step or more, by brute force."""
    found: set[int] = set()
    for _ in range(len(graph) + 1):
        found |= {there for here in found | {start} for there in graph.get(here, ())}
    return found


@given(GRAPHS, st.integers(0, 6))
def test_a_ring_is_found_exactly_when_there_is_one(graph: Graph, start: int) -> None:
    assert bool(rules.cycle(graph, start=start)) == (start in reaches(graph, start))


@given(GRAPHS, st.integers(0, 6))
def test_the_ring_that_is_told_is_a_way_along_the_dependencies(graph: Graph, start: int) -> None:
    ring = rules.cycle(graph, start=start)
    if ring:
        assert ring[0] == ring[-1] == start
        assert all(there in graph[here] for here, there in pairwise(ring))
        assert len(set(ring)) == len(ring) - 1


def test_a_monitor_that_depends_on_itself_is_a_ring() -> None:
    assert rules.cycle({4: (4,)}, start=4) == [4, 4]


def test_a_ring_elsewhere_is_not_told_of_this_monitor() -> None:
    assert rules.cycle({1: (2,), 2: (3,), 3: (2,)}, start=1) == []


@pytest.mark.parametrize(
    ("interval_s", "expected"),
    [
        pytest.param(1, 1, id="never later than the interval"),
        pytest.param(5, 5, id="nor sooner than 5 s"),
        pytest.param(10, 5, id="half of 10 s is soon enough"),
        pytest.param(30, 10, id="a third"),
        pytest.param(60, 20, id="a third of a minute"),
        pytest.param(3600, 20, id="at most 20 s"),
    ],
)
def test_a_failure_is_looked_at_again_soon(interval_s: int, expected: float) -> None:
    assert rules.recheck_s(interval_s) == expected


@pytest.mark.parametrize(
    ("now_s", "expected"),
    [
        pytest.param(0.0, 20.0, id="a third of the interval later"),
        pytest.param(30.0, 50.0, id="well before the monitor's own moment"),
        pytest.param(31.0, 60.0, id="not right before it"),
        pytest.param(59.0, 60.0, id="nor after it"),
        pytest.param(61.0, 60.0, id="its own moment has come already"),
    ],
)
def test_a_recheck_keeps_away_from_the_monitors_own_moment(now_s: float, expected: float) -> None:
    assert rules.recheck_at(now_s, due_s=60.0, interval_s=60) == expected


@given(st.floats(0, 1e6), st.floats(0, 1e5), st.integers(1, 86_400))
def test_a_recheck_comes_neither_at_once_nor_late(now_s: float, left_s: float, interval_s: int) -> None:
    at_s = rules.recheck_at(now_s, due_s=now_s + left_s, interval_s=interval_s)
    assert at_s <= now_s + left_s
    assert at_s == now_s + left_s or at_s >= now_s + min(5, interval_s)


@given(st.integers(1, 10**9), INTERVALS_S)
def test_rechecks_after_a_start_are_spread(monitor_id: int, interval_s: int) -> None:
    assert 0 <= rules.recheck_delay_s(monitor_id, interval_s=interval_s) < rules.recheck_s(interval_s)
