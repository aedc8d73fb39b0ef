"""Lists and counts across the aggregates."""

import itertools
import json
from functools import partial
from typing import Any

import attrs
import pytest

from asura.api.showing import Shown, shown
from asura.checks.heartbeat import HeartbeatSettings
from asura.incidents import ledger
from asura.model.heartbeat import HeartbeatStatus
from asura.model.monitor import MonitorStatus, Status
from asura.serde import dump
from asura.store import charts, checks, heartbeats, overview, states
from asura.store.database import Conn, Store
from asura.store.overview import SORT_KEYS, Filters
from tests import factories
from tests.factories import BASE_URL, MINUTE_MS, START_MS


def fill(conn: Conn) -> None:
    factories.create(conn, name="a", tags=("x", "y"), group="g", interval_s=30)
    factories.create(conn, name="B", tags=("x",), enabled=False)
    factories.create(conn, name="c", type="tcp", target="c.test:1")
    for each in range(3):
        seen = [
            factories.observation(1, Status.DOWN, at=START_MS + each * 30_000),
            factories.observation(3, at=START_MS + each * MINUTE_MS, response_ms=each + 1),
        ]
        ledger.record(conn, seen, now_ms=START_MS + each * MINUTE_MS, base_url=BASE_URL)


def names(conn: Conn, sort: str = "name", *, is_descending: bool = False, limit: int = 10, **filters: Any) -> list[str]:
    found, _ = overview.page(
        conn, Filters(**filters), sort=sort, is_descending=is_descending, limit=limit, offset=0, now_ms=START_MS
    )
    return [monitor.name for monitor, _ in found]


@pytest.mark.parametrize("sort", SORT_KEYS)
@pytest.mark.parametrize("is_descending", [False, True])
async def test_every_order_lists_every_monitor_once(store: Store, sort: str, is_descending: bool):
    await store.write(fill)
    found = await store.read(lambda conn: names(conn, sort, is_descending=is_descending))
    assert sorted(found) == ["B", "a", "c"]


async def test_by_status_what_is_wrong_comes_first(store: Store):
    await store.write(fill)
    assert await store.read(lambda conn: names(conn, "status")) == ["a", "c", "B"]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"status": ["down"]}, ["a"]),
        ({"status": ["paused", "up"]}, ["B", "c"]),
        ({"tag": ["x"]}, ["a", "B"]),
        ({"tag": ["y", "z"]}, ["a"]),
        ({"group": ["g"]}, ["a"]),
        ({"group": [""]}, ["B", "c"]),
        ({"type": ["tcp"]}, ["c"]),
        ({"text": "WEB.test"}, ["a", "B"]),
        ({"text": "b"}, ["a", "B"]),
        ({"text": "_"}, []),
        ({"status": ["down"], "tag": ["y"], "type": ["http"]}, ["a"]),
    ],
    ids=str,
)
async def test_filters_narrow_the_list(store: Store, filters: dict[str, Any], wanted: list[str]):
    await store.write(fill)
    assert await store.read(lambda conn: names(conn, **filters)) == wanted


async def test_counts_are_of_what_is_shown(store: Store):
    await store.write(fill)
    found = await store.read(partial(overview.counts, now_ms=START_MS))
    assert (found.total, found.by_status) == (3, {"down": 1, "paused": 1, "up": 1})
    assert (found.open_incidents, found.acknowledged_incidents, found.checks_per_minute) == (1, 0, 3)


async def test_a_group_is_as_bad_as_its_worst_member(store: Store):
    await store.write(fill)
    await store.write(lambda conn: factories.create(conn, name="d", group="g"))
    assert await store.read(partial(overview.groups, now_ms=START_MS)) == [("g", 2, "down")]
    assert await store.read(overview.tags) == [("x", 2), ("y", 1)]


async def test_a_chart_is_the_same_from_checks_and_from_rollups(store: Store):
    await store.write(fill)
    step_ms = 300_000
    raw = await store.read(
        lambda conn: charts.from_checks(conn, 3, since=START_MS, until=START_MS + step_ms, step_ms=step_ms)
    )
    rolled = await store.read(
        lambda conn: charts.from_rollups(conn, 3, since=START_MS, until=START_MS + step_ms, step_ms=step_ms, span_s=300)
    )
    assert raw == rolled
    assert [(each.start_at, each.up, each.avg_ms, each.min_ms, each.max_ms) for each in raw] == [(START_MS, 3, 2, 1, 3)]
    span = {"since": START_MS, "until": START_MS + step_ms}
    assert await store.read(lambda conn: charts.tally_checks(conn, 3, **span)) == await store.read(
        lambda conn: charts.tally_rollups(conn, 3, span_s=300, **span)
    )


def add_heartbeats(conn: Conn) -> dict[str, Shown]:
    """Heartbeats around their deadlines, by name, with what the rule says of each at START_MS."""
    wanted = {}
    cases = itertools.product(HeartbeatStatus, (None, START_MS - 1, START_MS, START_MS + 1), (True, False))
    for number, (status, deadline_at, enabled) in enumerate(cases):
        settings = dump(HeartbeatSettings())
        fields = {"type": "heartbeat", "target": "", "settings": settings, "enabled": enabled, "group": f"g{number}"}
        monitor = factories.create(conn, name=f"job {number:02}", **fields)
        state = attrs.evolve(states.get(conn, monitor.id), status=MonitorStatus(status))
        states.save(conn, state)
        beat = heartbeats.of_monitors(conn, [monitor.id])[monitor.id]
        beat = attrs.evolve(beat, status=status, deadline_at=deadline_at)
        heartbeats.update_heartbeat_ping(conn, [beat])
        wanted[monitor.name] = shown(monitor, state, beat, now_ms=START_MS)
    return wanted


def test_the_list_turns_a_heartbeat_at_its_deadline_as_the_rule_does(conn: Conn):
    wanted = add_heartbeats(conn)
    assert {each.status for each in wanted.values()} == {"pending", "up", "down", "paused"}
    assert sum(each.is_missed for each in wanted.values()) == 2
    for status in ("pending", "up", "down", "paused"):
        named = [name for name, each in wanted.items() if each.status == status]
        assert names(conn, status=[status], limit=100) == named
        assert overview.counts(conn, now_ms=START_MS).by_status[status] == len(named)
    ranks = [
        ("down", "pending", "up", "paused").index(wanted[name].status) for name in names(conn, "status", limit=100)
    ]
    assert ranks == sorted(ranks)
    groups = {name: status for name, _, status in overview.groups(conn, now_ms=START_MS)}
    assert {f"g{int(name[4:])}": each.status for name, each in wanted.items()} == groups


def test_what_is_overdue_is_found_by_the_index_of_deadlines(conn: Conn):
    plan = conn.execute(
        f"EXPLAIN QUERY PLAN SELECT {overview.SHOWN_STATUS} FROM monitor JOIN monitor_state ON monitor_id = monitor.id",
        {"now_ms": START_MS},
    ).fetchall()
    assert any("heartbeat USING INDEX heartbeat_deadline" in row[3] for row in plan), plan


def test_what_reports_by_itself_asks_for_no_checks(conn: Conn):
    add_heartbeats(conn)
    assert overview.counts(conn, now_ms=START_MS).checks_per_minute == 0
    factories.create(conn, interval_s=20)
    assert overview.counts(conn, now_ms=START_MS).checks_per_minute == 3


def test_the_last_checks_are_told_as_clients_read_them_the_oldest_first(conn: Conn):
    seen = [
        factories.observation(1, at=START_MS),
        factories.observation(1, Status.DOWN, at=START_MS + 1, response_ms=None),
        factories.observation(1, at=START_MS + 1, response_ms=3, region="eu"),
        factories.observation(1, Status.DEGRADED, at=START_MS + 60_000),
        factories.observation(2, at=START_MS + 59_999, response_ms=0),
    ]
    checks.insert(conn, seen, holds_s={})
    found = charts.recent_as_json(conn, [2, 1, 9], limit=3)
    assert {monitor_id: json.loads(text) for monitor_id, text in found.items()} == {
        1: [
            {"at": "2026-03-29T01:00:00.001Z", "status": "down", "response_ms": None},
            {"at": "2026-03-29T01:00:00.001Z", "status": "up", "response_ms": 3},
            {"at": "2026-03-29T01:01:00.000Z", "status": "degraded", "response_ms": 42},
        ],
        2: [{"at": "2026-03-29T01:00:59.999Z", "status": "up", "response_ms": 0}],
        9: [],
    }
