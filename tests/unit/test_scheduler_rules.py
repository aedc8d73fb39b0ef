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
