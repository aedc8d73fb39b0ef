"""What is rolled up with the results equals what the results give when all of them are added up anew."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura import sketch
from asura.model.monitor import Status
from asura.model.observation import Observation
from asura.store import checks, rollups
from asura.store.connection import WriteConnection
from tests import factories

HOUR_MS, DAY_MS = rollups.HOUR_MS, rollups.DAY_MS
MIDNIGHT_MS = 1_774_746_000_000 // DAY_MS * DAY_MS

Spans = dict[tuple[int, int, int, str], tuple[object, ...]]


@contextmanager
def afresh(conn: WriteConnection) -> Iterator[None]:
    """Each example on an empty history."""
    conn.execute("SAVEPOINT example")
    try:
        yield
    finally:
        conn.execute("ROLLBACK TO example")
        conn.execute("RELEASE example")


instants = st.builds(
    lambda edge_ms, by_ms: MIDNIGHT_MS + edge_ms + by_ms,
    st.sampled_from([0, HOUR_MS, 90 * 60_000, DAY_MS, DAY_MS + HOUR_MS, 3 * DAY_MS, 5 * DAY_MS]),
    st.integers(-3, 3) | st.integers(-400_000, 400_000),
)
"""On and around the edges of hours and days."""
seen = st.builds(
    factories.observation,
    st.sampled_from([1, 1, 2]),
    st.sampled_from(list(Status)),
    at=instants,
    response_ms=st.none() | st.integers(0, 9),
    region=st.sampled_from(["local", "local", "eu"]),
)
holds = st.fixed_dictionaries({}, optional={1: st.sampled_from([1, 180, 3600, 259_200]), 2: st.sampled_from([180, 9])})
"""By monitor; they change from batch to batch, and may be missing."""
batches = st.lists(st.tuples(st.lists(seen, max_size=5), holds), max_size=7)


def naive(conn: WriteConnection) -> tuple[Spans, Counter[tuple[int, int, int, str, int]]]:
    """Every rollup and every sketch, from single checks."""
    rows = conn.execute(
        "SELECT monitor_id, region.name, checked_at, status, response_ms, holds_s FROM check_result"
        " JOIN region ON region.id = region_id ORDER BY 1, 2, 3"
    ).fetchall()
    counts: dict[tuple[int, int, int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    held: dict[tuple[int, int, int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    times: dict[tuple[int, int, int, str], list[int]] = defaultdict(list)
    sketches: Counter[tuple[int, int, int, str, int]] = Counter()
    for row, following in pairwise([*rows, (None,) * 6]):
        monitor_id, region, at, status, response_ms, holds_s = row
        for span_ms in (300_000, HOUR_MS, DAY_MS):
            key = (monitor_id, span_ms // 1000, at - at % span_ms, region)
            counts[key][status] += 1
            if response_ms is not None:
                times[key].append(response_ms)
                if span_ms > 300_000:
                    sketches[*key, sketch.bucket(response_ms)] += 1
        until = at + (holds_s or 0) * 1000
        if following[:2] == row[:2]:
            until = min(until, following[2])
        for span_ms in (HOUR_MS, DAY_MS):
            start = at
            while start < until:
                end = min(until, start - start % span_ms + span_ms)
                held[monitor_id, span_ms // 1000, start - start % span_ms, region][status] += end - start
                start = end
    return {
        key: (
            *counts[key],
            len(times[key]),
            sum(times[key]),
            min(times[key], default=None),
            max(times[key], default=None),
            *held[key],
        )
        for key in counts.keys() | held.keys()
    }, sketches


def stored(conn: WriteConnection) -> tuple[Spans, Counter[tuple[int, int, int, str, int]]]:
    """The same as it is stored; a span that a result reached into until another came is empty, and left out."""
    spans = conn.execute(
        "SELECT monitor_id, span_s, start_at, region.name, up, degraded, down, timed, sum_ms, min_ms, max_ms,"
        " up_ms, degraded_ms, down_ms FROM rollup JOIN region ON region.id = region_id"
    )
    sketches = conn.execute(
        "SELECT monitor_id, span_s, start_at, region.name, bucket, count FROM latency"
        " JOIN region ON region.id = region_id"
    )
    return {row[:4]: row[4:] for row in spans if any(row[4:])}, Counter({row[:5]: row[5] for row in sketches})


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_rollups_are_what_all_results_add_up_to(
    conn: WriteConnection, batches: list[tuple[list[Observation], dict[int, int]]]
) -> None:
    with afresh(conn):
        for batch, holds_s in batches:
            checks.insert(conn, batch, holds_s=holds_s)
            assert stored(conn) == naive(conn)
