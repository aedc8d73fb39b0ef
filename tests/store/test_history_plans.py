"""No query of the history reads a table from end to end: its cost must not grow with what has been."""

import re
from collections.abc import Callable

import pytest

from asura.model.monitor import MonitorStatus, Status
from asura.store import charts, checks, region_times, rollups, timeline, uptimes
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import START_MS

HISTORY = ("check_result", "rollup", "latency", "status_change", "ping", "ping_body")
END_TO_END = re.compile(rf"SCAN ({'|'.join(HISTORY)})\b|SEARCH ({'|'.join(HISTORY)})( USING PRIMARY KEY)?$")
SPAN = {"since": START_MS, "until": START_MS + 9}

QUERIES: dict[str, Callable[[WriteConnection], object]] = {
    "results are stored": lambda conn: checks.insert(conn, [factories.observation(1)], holds_s={1: 180}),
    "checks are listed": lambda conn: checks.page(conn, 1, limit=9, before=99, status=Status.UP, region="local"),
    "checks are counted": lambda conn: checks.count(conn, 1, **SPAN),
    "all checks are counted": lambda conn: checks.count(conn, 1),
    "checks of a region are counted": lambda conn: checks.count(conn, 1, region="local", status=Status.DOWN),
    "response times of checks": lambda conn: checks.response_times(conn, 1, **SPAN, region="local"),
    "sketches": lambda conn: rollups.latencies(conn, 1, **SPAN, span_s=3600),
    "sketches of a region": lambda conn: rollups.latencies(conn, 1, **SPAN, span_s=86400, region="local"),
    "what is left of checks": lambda conn: rollups.finest_span_s(conn, 1, since=0, wanted_s=0),
    "what is left of sketches": lambda conn: rollups.finest_sketch_s(conn, 1, since=0),
    "tallies of checks": lambda conn: charts.tally_checks(conn, 1, **SPAN),
    "tallies of rollups": lambda conn: charts.tally_rollups(conn, 1, **SPAN, span_s=3600),
    "a chart of checks": lambda conn: charts.from_checks(conn, 1, **SPAN, step_ms=3),
    "a chart of rollups": lambda conn: charts.from_rollups(conn, 1, **SPAN, step_ms=3_600_000, span_s=3600),
    "times of a region by checks": lambda conn: region_times.from_checks(conn, 1, **SPAN),
    "times of a region by rollups": lambda conn: region_times.from_rollups(
        conn, 1, **SPAN, span_s=3600, now_ms=START_MS + 9
    ),
    "a status changes": lambda conn: timeline.change(conn, 1, at=START_MS, status=MonitorStatus.UP),
    "the timeline of one": lambda conn: timeline.of_monitor(conn, 1, **SPAN, limit=9),
    "the last change": lambda conn: timeline.last_at(conn, 1),
    "the timeline": lambda conn: timeline.of_monitors(conn, [1, 2], since=START_MS),
    "time by status": lambda conn: uptimes.over(
        conn, [1, 2], edges=[0, START_MS], tails={1: (9, MonitorStatus.UNKNOWN)}
    ),
    "uptime by windows": lambda conn: uptimes.windows(conn, [1, 2], now_ms=START_MS, tails={}),
    "the uptime of all": lambda conn: uptimes.together(conn, now_ms=START_MS, stale_windows=3, window_floor_s=60),
}


@pytest.mark.parametrize("ask", QUERIES.values(), ids=QUERIES)
def test_no_history_is_read_from_end_to_end(conn: WriteConnection, ask: Callable[[WriteConnection], object]) -> None:
    factories.create(conn)
    checks.insert(conn, [factories.observation(1)], holds_s={})
    asked: list[str] = []
    conn.set_trace_callback(asked.append)
    try:
        ask(conn)
    finally:
        conn.set_trace_callback(None)
    plans = {sql: plan(conn, sql) for sql in asked if re.search("SELECT", sql)}
    assert plans
    for sql, steps in plans.items():
        for step in steps:
            assert not END_TO_END.match(step), (sql, steps)


def plan(conn: WriteConnection, sql: str) -> list[str]:
    """What SQLite would do, with the table's own name where the query gives it another."""
    renamed = {alias: table for table, alias in re.findall(r"\b(?:FROM|JOIN) (\w+) AS (\w+)", sql)}
    return [
        re.sub(r"^(SCAN|SEARCH) (\w+)", lambda found: f"{found[1]} {renamed.get(found[2], found[2])}", row[3])
        for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]


@pytest.mark.parametrize("found", ["sum(up)", "max(up)", "min(start_at)"])
def test_a_query_that_does_would_be_noticed(conn: WriteConnection, found: str) -> None:
    with pytest.raises(AssertionError):
        test_no_history_is_read_from_end_to_end(
            conn, lambda conn: conn.execute(f"SELECT {found} FROM rollup AS each").fetchone()
        )


def test_keys_are_used_down_to_the_instant(conn: WriteConnection) -> None:
    """Not only for the monitor: ninety days of one are a hundred thousand rows, too."""
    asked: list[str] = []
    conn.set_trace_callback(asked.append)
    uptimes.windows(conn, [1], now_ms=START_MS, tails={})
    rollups.latencies(conn, 1, **SPAN, span_s=3600)
    charts.from_rollups(conn, 1, **SPAN, step_ms=3_600_000, span_s=3600)
    conn.set_trace_callback(None)
    assert [
        step for sql in asked for step in plan(conn, sql) if step.startswith("SEARCH") and "region" not in step
    ] == [
        "SEARCH status_change USING PRIMARY KEY (monitor_id=? AND at=?)",
        "SEARCH status_change USING PRIMARY KEY (monitor_id=? AND at<?)",
        "SEARCH status_change USING PRIMARY KEY (monitor_id=?)",
        "SEARCH latency USING PRIMARY KEY (monitor_id=? AND span_s=? AND start_at>? AND start_at<?)",
        "SEARCH rollup USING PRIMARY KEY (monitor_id=? AND span_s=? AND start_at>? AND start_at<?)",
    ]
