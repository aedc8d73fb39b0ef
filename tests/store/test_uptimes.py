"""Uptime from running totals equals uptime computed naively, by walking over every change."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura import uptime
from asura.api import showing
from asura.consensus import rules as consensus
from asura.model.heartbeat import Heartbeat, HeartbeatStatus
from asura.model.monitor import Monitor, MonitorState, MonitorStatus
from asura.store import heartbeats, migrate, monitors, retention, states, timeline, uptimes
from asura.store.connection import WriteConnection
from asura.store.uptimes import StatusTime, Tail
from tests import factories
from tests.sqlite_steps import steps_of

UP, DEGRADED, DOWN = MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN
PENDING, PAUSED, UNKNOWN = MonitorStatus.PENDING, MonitorStatus.PAUSED, MonitorStatus.UNKNOWN
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_774_746_000_000 // DAY_MS * DAY_MS
"""A midnight, so that drawn days and hours are edges."""

Changes = list[tuple[int, MonitorStatus]]

instants = st.builds(
    lambda unit_ms, count, by_ms: NOW_MS + unit_ms * count + by_ms,
    st.sampled_from([1, HOUR_MS, DAY_MS]),
    st.integers(-120, 1),
    st.sampled_from([0, 0, -1, 1, 977, -HOUR_MS // 2]),
)
"""On and around the edges of hours, days and windows, a few in the future."""
statuses = st.sampled_from(list(MonitorStatus))
histories = st.lists(st.tuples(instants, statuses), max_size=14)
"""As they are told: not always in order, and not always news."""
tails = st.none() | st.tuples(instants, st.sampled_from([UNKNOWN, DOWN]))
edges = st.lists(instants, max_size=8).map(sorted)

many = settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def afresh(conn: WriteConnection) -> Iterator[None]:
    """Each example on an empty timeline."""
    conn.execute("SAVEPOINT example")
    try:
        yield
    finally:
        conn.execute("ROLLBACK TO example")
        conn.execute("RELEASE example")


def tell(conn: WriteConnection, monitor_id: int, history: Changes) -> None:
    for at, status in history:
        timeline.change(conn, monitor_id, at=at, status=status)


def walk(changes: uptimes.Sequence[tuple[int, MonitorStatus]], *, since: int, until: int) -> StatusTime:
    """The naive way."""
    time = dict.fromkeys((UP, DEGRADED, DOWN), 0)
    for each in uptime.intervals(changes, start=since, end=until):
        if each.status in time:
            time[each.status] += each.end - each.start
    return StatusTime(up=time[UP], degraded=time[DEGRADED], down=time[DOWN])


@many
@given(histories, histories, tails, edges, st.none() | instants)
def test_time_by_status_is_that_of_a_walk_over_every_change(
    conn: WriteConnection, history: Changes, other: Changes, tail: Tail | None, edges: list[int], before: int | None
) -> None:
    with afresh(conn):
        tell(conn, 1, history)
        tell(conn, 2, other)
        if before is not None:
            prune(conn, before)
        found = uptimes.over(conn, [1, 2, 3], edges=edges, tails={} if tail is None else {1: tail})
        for monitor_id, its_tail in ((1, tail), (2, None), (3, None)):
            changes = uptime.with_tail(timeline.of_monitor(conn, monitor_id, since=0), its_tail)
            assert found[monitor_id] == [walk(changes, since=since, until=until) for since, until in pairwise(edges)]


@many
@given(histories, histories, tails, st.none() | instants)
def test_the_windows_are_those_of_a_walk_over_every_change(
    conn: WriteConnection, history: Changes, other: Changes, tail: Tail | None, before: int | None
) -> None:
    with afresh(conn):
        tell(conn, 1, history)
        tell(conn, 2, other)
        if before is not None:
            prune(conn, before)
        found = uptimes.windows(conn, [1, 2, 3], now_ms=NOW_MS, tails={} if tail is None else {1: tail})
        for monitor_id, its_tail in ((1, tail), (2, None), (3, None)):
            changes = uptime.with_tail(timeline.of_monitor(conn, monitor_id, since=0), its_tail)
            assert found[monitor_id] == {
                name: uptime.percent(uptime.intervals(changes, start=NOW_MS - span_ms, end=NOW_MS))
                for name, span_ms in uptime.WINDOWS_MS.items()
            }


def prune(conn: WriteConnection, before: int) -> None:
    """As retention does it: the change in force then is the first that stays."""
    for monitor_id in (1, 2):
        kept = timeline.of_monitor(conn, monitor_id, since=before)
        if kept:
            conn.execute("DELETE FROM status_change WHERE monitor_id = ? AND at < ?", (monitor_id, kept[0][0]))


def test_what_retention_has_deleted_changes_no_time_after_it(conn: WriteConnection) -> None:
    web = monitors.insert(conn, factories.monitor())
    history = [(NOW_MS - day * DAY_MS, DOWN if day % 3 else UP) for day in range(120, 0, -1)]
    tell(conn, web.id, history)
    wanted = [NOW_MS - day * DAY_MS for day in range(90, -1, -1)]
    before = uptimes.over(conn, [web.id], edges=wanted, tails={})
    for delete in retention.by_age(raw_before=NOW_MS, before=NOW_MS - 95 * DAY_MS, now_ms=NOW_MS):
        while delete(conn) is not None:
            pass
    assert len(timeline.of_monitor(conn, web.id, since=0)) < len(history) - 10
    assert uptimes.over(conn, [web.id], edges=wanted, tails={}) == before


@pytest.mark.parametrize(
    ("history", "tail", "expected"),
    [
        pytest.param([], None, None, id="no timeline"),
        pytest.param([], (NOW_MS - 1, DOWN), None, id="a tail of no timeline"),
        pytest.param([(NOW_MS - DAY_MS, PENDING)], None, None, id="nothing known"),
        pytest.param([(NOW_MS - DAY_MS, UP)], None, 100.0, id="only up"),
        pytest.param([(NOW_MS - DAY_MS, DEGRADED)], None, 100.0, id="degraded counts as up"),
        pytest.param([(NOW_MS - DAY_MS, DOWN)], None, 0.0, id="only down"),
        pytest.param([(NOW_MS - DAY_MS, UP), (NOW_MS - 1, DOWN)], None, 99.999, id="a millisecond is not a hundred"),
        pytest.param([(NOW_MS - DAY_MS, UP)], (NOW_MS - DAY_MS // 4, DOWN), 75.0, id="a deadline has passed"),
        pytest.param([(NOW_MS - DAY_MS, UP)], (NOW_MS - DAY_MS // 4, UNKNOWN), 100.0, id="nobody knows since"),
        pytest.param([(NOW_MS - DAY_MS, UP), (NOW_MS - 3, PAUSED)], None, 100.0, id="paused leaves the denominator"),
        pytest.param([(NOW_MS + 1, DOWN)], None, None, id="dated by a clock that was set back since"),
        pytest.param([(NOW_MS - 9, UP), (NOW_MS - 3, UP), (NOW_MS - 3, DOWN)], None, 66.666, id="floored"),
    ],
)
def test_the_uptime_of_a_day(
    conn: WriteConnection, history: Changes, tail: Tail | None, expected: float | None
) -> None:
    tell(conn, 1, history)
    found = uptimes.windows(conn, [1], now_ms=NOW_MS, tails={} if tail is None else {1: tail})
    assert found[1]["24h"] == expected


def test_an_unknown_monitor_has_no_time_and_no_uptime(conn: WriteConnection) -> None:
    assert uptimes.over(conn, [7], edges=[0, NOW_MS], tails={}) == {7: [StatusTime()]}
    assert uptimes.windows(conn, [7], now_ms=NOW_MS, tails={}) == {7: dict.fromkeys(uptime.WINDOWS_MS)}
    assert uptimes.windows(conn, [], now_ms=NOW_MS, tails={}) == {}
    assert uptimes.over(conn, [7], edges=[], tails={}) == {7: []}


past = st.integers(NOW_MS - 100 * DAY_MS, NOW_MS + HOUR_MS)
beats = st.none() | st.fixed_dictionaries(
    {
        "status": st.sampled_from(
            [HeartbeatStatus.UP, HeartbeatStatus.UP, HeartbeatStatus.PENDING, HeartbeatStatus.DOWN]
        ),
        "deadline_at": st.none() | past | past,
        "last_ping_at": past,
    }
)
monitors_found = st.lists(
    st.fixed_dictionaries(
        {
            "history": st.lists(st.tuples(past, statuses), max_size=6),
            "enabled": st.sampled_from([True, True, True, False]),
            "interval_s": st.sampled_from([1, 60, 86_400]),
            "status": st.sampled_from([UP, UP, DEGRADED, PENDING, DOWN]),
            "status_since": past,
            "last_check_at": st.none() | instants,
            "beat": beats,
        }
    ),
    max_size=3,
)


@many
@given(monitors_found)
def test_the_uptime_of_all_is_that_of_each_as_it_is_shown_added_up(
    conn: WriteConnection, drawn: list[dict[str, Any]]
) -> None:
    with afresh(conn):
        conn.execute("DELETE FROM monitor")
        tails: dict[int, Tail] = {}
        for number, each in enumerate(drawn):
            monitor, state, beat = add(conn, number, **each)
            if tail := showing.shown(monitor, state, beat, now_ms=NOW_MS).tail:
                tails[monitor.id] = tail
        ids = [row[0] for row in conn.execute("SELECT id FROM monitor")]
        expected: dict[str, float | None] = {}
        for name, span_ms in uptime.WINDOWS_MS.items():
            times = [one for (one,) in uptimes.over(conn, ids, edges=[NOW_MS - span_ms, NOW_MS], tails=tails).values()]
            expected[name] = uptime.share(
                sum(time.up + time.degraded for time in times), sum(time.down for time in times)
            )
        found = uptimes.together(
            conn, now_ms=NOW_MS, stale_windows=consensus.STALE_WINDOWS, window_floor_s=consensus.WINDOW_FLOOR_S
        )
        assert found == expected


def add(
    conn: WriteConnection,
    number: int,
    *,
    history: Changes,
    enabled: bool,
    interval_s: int,
    beat: dict[str, Any] | None,
    **state: Any,
) -> tuple[Monitor, MonitorState, Heartbeat | None]:
    named = factories.monitor(name=f"m{number}", enabled=enabled, interval_s=interval_s)
    monitor = monitors.insert(conn, named)
    tell(conn, monitor.id, history)
    found = MonitorState(monitor_id=monitor.id, **state)
    states.save(conn, found)
    if beat is None:
        return monitor, found, None
    made = heartbeats.create_heartbeat(conn, monitor.id, grace=60, new_token=lambda: f"token-{number}")
    made = attrs.evolve(made, **beat)
    heartbeats.update_heartbeat_ping(conn, [made])
    return monitor, found, made


@pytest.mark.parametrize(
    ("beat", "expected"),
    [
        pytest.param({"deadline_at": NOW_MS - DAY_MS // 4}, 75.0, id="missed since"),
        pytest.param(
            {"deadline_at": NOW_MS - DAY_MS // 4, "last_ping_at": NOW_MS - DAY_MS // 8}, 87.5, id="a run since"
        ),
        pytest.param({"deadline_at": NOW_MS - DAY_MS // 4, "status": HeartbeatStatus.DOWN}, 100.0, id="told already"),
        pytest.param({"deadline_at": NOW_MS}, 100.0, id="at the deadline"),
        pytest.param({}, 100.0, id="without a deadline"),
    ],
)
def test_a_heartbeat_falls_at_its_deadline_in_the_uptime_of_all(
    conn: WriteConnection, beat: dict[str, Any], expected: float
) -> None:
    add(
        conn,
        1,
        history=[(NOW_MS - 2 * DAY_MS, UP)],
        enabled=True,
        interval_s=60,
        beat={"status": HeartbeatStatus.UP, **beat},
        status=UP,
        status_since=NOW_MS - 2 * DAY_MS,
        last_check_at=NOW_MS - 2 * DAY_MS,
    )
    found = uptimes.together(conn, now_ms=NOW_MS, stale_windows=3, window_floor_s=60)
    assert found["24h"] == expected


def test_no_monitors_have_no_uptime_together(conn: WriteConnection) -> None:
    conn.execute("DELETE FROM monitor")
    found = uptimes.together(conn, now_ms=NOW_MS, stale_windows=3, window_floor_s=60)
    assert found == dict.fromkeys(uptime.WINDOWS_MS)


def test_one_change_or_many_thousand_cost_the_same_look_ups(conn: WriteConnection) -> None:
    tell(conn, 1, [(NOW_MS - 100 * DAY_MS, UP)])
    tell(conn, 2, [(NOW_MS - 100 * DAY_MS + minute * 60_000, UP if minute % 2 else DOWN) for minute in range(20_000)])

    def steps(monitor_id: int) -> int:
        return steps_of(conn, lambda: uptimes.windows(conn, [monitor_id], now_ms=NOW_MS, tails={}))

    assert steps(2) < 1.5 * steps(1)


@given(histories)
@settings(max_examples=60)
def test_a_timeline_from_before_has_the_totals_that_it_would_have_been_given(history: Changes) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as old:
        migrate.apply(old, migrate.migrations()[:4])
        told: Changes = []
        for at, status in sorted(history, key=lambda change: change[0]):
            if not told or (at > told[-1][0] and status is not told[-1][1]):
                told.append((at, status))
        old.executemany("INSERT INTO status_change (monitor_id, at, status) VALUES (1, ?, ?), (2, ?1, ?2)", told)
        migrate.apply(old, migrate.migrations()[4:5])
        totals = old.execute("SELECT up_ms, degraded_ms, down_ms FROM status_change WHERE monitor_id = 2").fetchall()
        assert totals == [
            (time.up, time.degraded, time.down) for time in (walk(told, since=told[0][0], until=at) for at, _ in told)
        ]


def test_totals_go_on_where_the_migration_left_them(conn: WriteConnection) -> None:
    tell(conn, 1, [(100, UP), (150, DOWN), (170, DEGRADED), (175, PAUSED), (300, UP)])
    query = "SELECT at, up_ms, degraded_ms, down_ms FROM status_change WHERE monitor_id = 1"
    assert conn.execute(query).fetchall() == [
        (100, 0, 0, 0),
        (150, 50, 0, 0),
        (170, 50, 0, 20),
        (175, 50, 5, 20),
        (300, 50, 5, 20),
    ]
