"""What is rolled up with the results equals what the results give when all of them are added up anew."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura import sketch
from asura.model.monitor import Status
from asura.model.observation import Observation
from asura.store import checks, migrate, retention, rollups
from asura.store.connection import WriteConnection
from asura.store.opening import open_database
from tests import factories
from tests.sqlite_steps import steps_of

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


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_rollups_are_what_all_results_add_up_to(
    conn: WriteConnection, batches: list[tuple[list[Observation], dict[int, int]]]
) -> None:
    with afresh(conn):
        for batch, holds_s in batches:
            checks.insert(conn, batch, holds_s=holds_s)
            assert stored(conn) == naive(conn)


def test_rollups_go_on_where_a_restart_left_them(tmp_path: Path) -> None:
    """Whatever comes when: across a midnight, late, and of the same millisecond as before."""
    for by_ms in (-600_000, -60_000, -1000, 100, -30_000, -60_000, 200_000, -HOUR_MS):
        database = open_database(tmp_path / "asura.db", synchronous="normal")
        database.conn.execute("BEGIN IMMEDIATE")
        seen = factories.observation(1, Status.DOWN if by_ms % 1000 else Status.UP, at=MIDNIGHT_MS + by_ms)
        checks.insert(database.conn, [seen], holds_s={1: 180})
        database.conn.execute("COMMIT")
        assert stored(database.conn) == naive(database.conn)
        database.close()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches,
    st.none() | instants,
    st.none() | instants,
    st.none() | st.sampled_from(list(Status)),
    st.none() | st.sampled_from(["local", "eu", "mars"]),
)
def test_results_are_counted_right_whatever_part_of_an_hour_is_asked_for(
    conn: WriteConnection,
    batches: list[tuple[list[Observation], dict[int, int]]],
    since: int | None,
    until: int | None,
    status: Status | None,
    region: str | None,
) -> None:
    with afresh(conn):
        for batch, holds_s in batches:
            checks.insert(conn, batch, holds_s=holds_s)
        wanted = {"since": since, "until": until, "status": status, "region": region}
        listed = checks.page(conn, 1, limit=1000, **wanted)  # type: ignore[arg-type]
        assert checks.count(conn, 1, **wanted) == len(listed)  # type: ignore[arg-type]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches,
    st.none() | instants,
    st.none() | instants,
    st.none() | instants,
    st.none() | st.sampled_from(list(Status)),
    st.none() | st.sampled_from(["local", "eu", "mars"]),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_a_page_of_one_status_or_region_is_what_a_look_at_every_result_finds(
    conn: WriteConnection,
    batches: list[tuple[list[Observation], dict[int, int]]],
    since: int | None,
    until: int | None,
    before: int | None,
    status: Status | None,
    region: str | None,
    limit: int,
    offset: int,
) -> None:
    with afresh(conn):
        for batch, holds_s in batches:
            checks.insert(conn, batch, holds_s=holds_s)
        expected = [
            row
            for row in checks.page(conn, 1, limit=1000)
            if (since is None or row.checked_at >= since)
            and (until is None or row.checked_at < until)
            and (before is None or row.id < before * 1000 + 1)
            and status in (None, row.outcome.status)
            and region in (None, row.region)
        ]
        found = checks.page(
            conn,
            1,
            limit=limit,
            offset=offset,
            since=since,
            until=until,
            before=None if before is None else before * 1000 + 1,
            status=status,
            region=region,
        )
        assert found == expected[offset : offset + limit]


def test_what_is_later_in_the_same_hour_does_not_fill_a_page(conn: WriteConnection) -> None:
    minutes = (-130, -70, 5, 40, 50)
    checks.insert(
        conn, [factories.observation(1, Status.DOWN, at=MIDNIGHT_MS + each * 60_000) for each in minutes], holds_s={}
    )
    until = MIDNIGHT_MS + 30 * 60_000
    found = checks.page(conn, 1, limit=3, until=until, status=Status.DOWN)
    assert [(row.checked_at - MIDNIGHT_MS) // 60_000 for row in found] == [5, -70, -130]


def test_one_failure_in_a_month_is_found_without_reading_the_month(conn: WriteConnection) -> None:
    seen = [factories.observation(1, at=MIDNIGHT_MS + minute * 60_000) for minute in range(20_000)]
    seen[77] = factories.observation(1, Status.DOWN, at=MIDNIGHT_MS + 77 * 60_000)
    checks.insert(conn, seen, holds_s={1: 180})
    [found] = checks.page(conn, 1, limit=20, status=Status.DOWN)
    assert found.checked_at == MIDNIGHT_MS + 77 * 60_000
    assert steps_of(conn, lambda: checks.page(conn, 1, limit=20, status=Status.DOWN)) < 20_000


def test_counting_a_million_results_is_counting_hours(conn: WriteConnection) -> None:
    seen = [factories.observation(1, at=MIDNIGHT_MS + second * 1000) for second in range(20_000)]
    checks.insert(conn, seen, holds_s={1: 180})
    assert checks.count(conn, 1) == 20_000
    assert steps_of(conn, lambda: checks.count(conn, 1)) < 20_000


def prune(conn: WriteConnection, *, raw_before: int, before: int = 0) -> None:
    factories.create(conn)
    for delete in retention.by_age(raw_before=raw_before, before=before, now_ms=0):
        while delete(conn) is not None:
            pass


def hourly(hours: int, **fields: object) -> list[Observation]:
    return [factories.observation(1, at=MIDNIGHT_MS + hour * HOUR_MS, **fields) for hour in range(hours)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("since_h", "wanted_s", "expected_s"),
    [
        pytest.param(30, 0, 0, id="single checks, which are all there"),
        pytest.param(30, 300, 300, id="five minutes, which are all there"),
        pytest.param(24, 0, 0, id="from the first that is kept"),
        pytest.param(23.5, 0, 3600, id="from within the last hour that is pruned"),
        pytest.param(0, 0, 3600, id="single checks that are pruned"),
        pytest.param(0, 300, 3600, id="five minutes that are pruned"),
        pytest.param(0, 3600, 3600, id="hours"),
        pytest.param(0, 86400, 86400, id="days"),
        pytest.param(-1000, 0, 3600, id="before the first check"),
        pytest.param(99, 0, 0, id="after the last one"),
    ],
)
def test_the_finest_span_that_has_all(conn: WriteConnection, since_h: float, wanted_s: int, expected_s: int) -> None:
    checks.insert(conn, hourly(48), holds_s={})
    prune(conn, raw_before=MIDNIGHT_MS + 24 * HOUR_MS)
    since = MIDNIGHT_MS + int(since_h * HOUR_MS)
    assert rollups.finest_span_s(conn, 1, since=since, wanted_s=wanted_s) == expected_s
    sketch_s = 86400 if since < MIDNIGHT_MS + 24 * HOUR_MS else 3600
    assert rollups.finest_sketch_s(conn, 1, since=since) == sketch_s


def test_nothing_is_missing_of_a_monitor_that_was_never_checked(conn: WriteConnection) -> None:
    assert rollups.finest_span_s(conn, 1, since=0, wanted_s=0) == 0
    assert rollups.finest_sketch_s(conn, 1, since=0) == 3600


def test_nothing_is_missing_before_a_monitor_was_made(conn: WriteConnection) -> None:
    checks.insert(conn, hourly(3), holds_s={})
    assert rollups.finest_span_s(conn, 1, since=0, wanted_s=0) == 0
    assert rollups.finest_span_s(conn, 1, since=0, wanted_s=300) == 300
    assert rollups.finest_sketch_s(conn, 1, since=0) == 3600


def test_hours_without_any_answer_lack_no_sketch(conn: WriteConnection) -> None:
    checks.insert(conn, [*hourly(3, response_ms=None), factories.observation(1, at=MIDNIGHT_MS + DAY_MS)], holds_s={})
    assert rollups.finest_sketch_s(conn, 1, since=0) == 3600


def test_where_every_single_check_is_pruned_hours_are_what_is_left(conn: WriteConnection) -> None:
    checks.insert(conn, hourly(3), holds_s={})
    prune(conn, raw_before=MIDNIGHT_MS + 5 * DAY_MS)
    assert rollups.finest_span_s(conn, 1, since=0, wanted_s=0) == 3600
    assert rollups.finest_sketch_s(conn, 1, since=0) == 86400


def test_sketches_by_hour_of_before_are_added_up_by_day() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as old:
        migrate.apply(old, migrate.migrations()[:4])
        rows = [(1, MIDNIGHT_MS + hour * HOUR_MS, region, 7 + hour % 2, 3) for hour in range(30) for region in (0, 1)]
        old.executemany("INSERT INTO latency (monitor_id, hour_at, region_id, bucket, count) VALUES (?,?,?,?,?)", rows)
        migrate.apply(old, migrate.migrations()[4:5])
        query = "SELECT start_at, region_id, bucket, count FROM latency WHERE span_s = ? ORDER BY 1, 2, 3"
        assert old.execute(query, (3600,)).fetchall() == [row[1:] for row in rows]
        assert old.execute(query, (86400,)).fetchall() == [
            (MIDNIGHT_MS + day * DAY_MS, region, bucket, 36 if day == 0 else 9)
            for day in (0, 1)
            for region in (0, 1)
            for bucket in (7, 8)
        ]


def test_results_from_before_take_part_in_no_time_and_are_counted_on(conn: WriteConnection) -> None:
    """A late one between two of them takes nothing away that was never added."""
    checks.insert(conn, hourly(3), holds_s={})
    checks.insert(conn, [factories.observation(1, at=MIDNIGHT_MS + 90 * 60_000)], holds_s={1: 180})
    assert stored(conn) == naive(conn)
    times = conn.execute("SELECT start_at, up_ms FROM rollup WHERE span_s = 3600 AND up_ms != 0").fetchall()
    assert times == [(MIDNIGHT_MS + HOUR_MS, 180_000)]
