from collections.abc import Iterator
from itertools import chain

import pytest

from asura.incidents import ledger
from asura.model.incident import IncidentStatus
from asura.model.monitor import MonitorStatus, Status
from asura.scheduler import changes
from asura.store import checks, clearing, deliveries, incidents, region_times, retention, rollups, slices, timeline
from asura.store.connection import WriteConnection
from asura.store.uptimes import StatusTime
from tests import factories
from tests.factories import BASE_URL, START_MS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in (retention, clearing):
        monkeypatch.setattr(module, "HEAVY", 3)
    for name, rows in (("LIGHT", 5), ("BULKY", 2), ("LOOKED_AT", 2)):
        monkeypatch.setattr(retention, name, rows)
    monkeypatch.setattr(slices, "HELD_S", -1.0)  # a step a slice


def prune(conn: WriteConnection, *, raw_before: int = 0, before: int = 0, now_ms: int | None = None) -> list[int]:
    """Prune everything, a day after the later limit; answers the size of each slice that deleted anything."""
    sizes = []
    now_ms = max(raw_before, before) + DAY_MS if now_ms is None else now_ms
    for delete in chain(retention.by_age(raw_before=raw_before, before=before, now_ms=now_ms), retention.orphans()):
        for _ in range(1000):
            count = delete(conn)
            if count is None:
                break
            sizes.append(count)
        else:
            pytest.fail("a slice never comes to its end")
    return [size for size in sizes if size]


def see(conn: WriteConnection, monitor_id: int, *instants: int, status: Status = Status.UP) -> None:
    seen = [factories.observation(monitor_id, status, at=at) for at in instants]
    ledger.record(conn, seen, now_ms=max(instants), base_url=BASE_URL)


def rows(conn: WriteConnection, table: str) -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def starts(conn: WriteConnection, monitor_id: int, span_s: int) -> list[int]:
    return [(start_at - START_MS) // HOUR_MS for start_at in factories.rollups(conn, monitor_id, span_s=span_s)]


def test_raw_checks_go_at_their_age_and_not_before(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=f"m{number}").id for number in range(5)]
    for monitor_id in made:
        see(conn, monitor_id, *(START_MS + hour * HOUR_MS for hour in range(13)))
    prune(conn, raw_before=START_MS + 12 * HOUR_MS)
    for monitor_id in made:
        assert [row.checked_at for row in checks.page(conn, monitor_id, limit=99)] == [START_MS + 12 * HOUR_MS]


def test_a_check_that_still_holds_stays(conn: WriteConnection) -> None:
    """The next one of its region takes time from it, however long nobody looked."""
    daily, often = (factories.create(conn, name=str(each), interval_s=each).id for each in (86400, 60))
    for monitor_id in (daily, often):
        see(conn, monitor_id, START_MS - DAY_MS, START_MS, status=Status.DOWN)
    now_ms = START_MS + 30 * HOUR_MS
    prune(conn, raw_before=now_ms - DAY_MS, now_ms=now_ms)
    assert [row.checked_at for row in checks.page(conn, daily, limit=9)] == [START_MS, START_MS - DAY_MS]
    assert checks.page(conn, often, limit=9) == []
    see(conn, daily, now_ms)
    later_ms = now_ms + 30 * HOUR_MS
    times = region_times.from_rollups(conn, daily, since=START_MS, until=later_ms, span_s=3600, now_ms=later_ms)
    assert times == {"local": StatusTime(up=30 * HOUR_MS, down=30 * HOUR_MS)}
    prune(conn, raw_before=now_ms, now_ms=START_MS + 3 * DAY_MS)
    assert [row.checked_at for row in checks.page(conn, daily, limit=9)] == [now_ms]


def test_what_is_finer_goes_with_the_raw_checks_and_hours_and_days_stay(conn: WriteConnection) -> None:
    web = factories.create(conn)
    see(conn, web.id, *(START_MS + hour * HOUR_MS for hour in range(4)))
    prune(conn, raw_before=START_MS + 2 * HOUR_MS)
    assert starts(conn, web.id, 300) == [2, 3]
    assert starts(conn, web.id, 3600) == [0, 1, 2, 3]
    assert len(starts(conn, web.id, 86400)) == 1
    assert sum(rollups.latencies(conn, web.id, since=0, until=2 * START_MS, span_s=3600).values()) == 2
    assert sum(rollups.latencies(conn, web.id, since=0, until=2 * START_MS, span_s=86400).values()) == 4


def test_hours_days_and_sketches_go_at_the_longer_age(conn: WriteConnection) -> None:
    web = factories.create(conn)
    see(conn, web.id, *(START_MS + day * DAY_MS for day in range(12)))
    prune(conn, raw_before=START_MS + 20 * DAY_MS, before=START_MS + 10 * DAY_MS)
    assert starts(conn, web.id, 300) == []
    assert starts(conn, web.id, 3600) == [10 * 24, 11 * 24]
    assert starts(conn, web.id, 86400) == [11 * 24 - 1]  # a day begins an hour before the tests' clock does
    assert sum(rollups.latencies(conn, web.id, since=0, until=2 * START_MS, span_s=86400).values()) == 1
    assert rollups.latencies(conn, web.id, since=0, until=2 * START_MS, span_s=3600) == {}


def test_the_timeline_keeps_the_change_in_force(conn: WriteConnection) -> None:
    web = factories.create(conn)
    for day in range(1, 12):
        status = MonitorStatus.UP if day % 2 else MonitorStatus.DOWN
        timeline.change(conn, web.id, at=START_MS + day * DAY_MS, status=status)
    before = START_MS + 9 * DAY_MS + HOUR_MS
    in_force = timeline.of_monitor(conn, web.id, since=before)
    prune(conn, before=before)
    assert timeline.of_monitor(conn, web.id, since=0) == in_force
    assert [(at - START_MS) // DAY_MS for at, _ in in_force] == [9, 10, 11]


def test_what_ended_at_the_very_limit_goes(conn: WriteConnection) -> None:
    web = factories.create(conn)
    timeline.change(conn, web.id, at=START_MS + DAY_MS, status=MonitorStatus.UP)
    prune(conn, before=START_MS + DAY_MS)
    assert timeline.of_monitor(conn, web.id, since=0) == [(START_MS + DAY_MS, MonitorStatus.UP)]


def test_a_timeline_that_never_changed_stays_for_ever(conn: WriteConnection) -> None:
    web = factories.create(conn)
    prune(conn, before=START_MS + 4000 * DAY_MS)
    assert timeline.of_monitor(conn, web.id, since=0) == [(START_MS, MonitorStatus.PENDING)]


def test_what_a_deleted_monitor_left_behind_goes_and_nothing_else(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=f"m{number}").id for number in range(4)]
    for monitor_id in made:
        see(conn, monitor_id, *(START_MS + hour * HOUR_MS for hour in range(13)))
    for monitor_id in (made[0], made[2]):
        changes.delete(conn, monitor_id, by="ada", now_ms=START_MS + DAY_MS, base_url=BASE_URL)
    prune(conn)
    for table in ("check_result", "rollup", "latency", "status_change"):
        left = conn.execute(f"SELECT DISTINCT monitor_id FROM {table} ORDER BY 1").fetchall()
        assert left == [(made[1],), (made[3],)]
    assert rows(conn, "check_result") == 26


def test_resolved_incidents_go_with_their_timeline_and_open_ones_stay(conn: WriteConnection) -> None:
    old, new, still = (factories.create(conn, name=name, failure_threshold=1).id for name in ("old", "new", "still"))
    for monitor_id, ends_at in ((old, START_MS + HOUR_MS), (new, START_MS + DAY_MS), (still, None)):
        see(conn, monitor_id, START_MS + 1, status=Status.DOWN)
        if ends_at:
            see(conn, monitor_id, ends_at)
    prune(conn, before=START_MS + 2 * HOUR_MS)
    left = {each.monitor_id: each.status for each, _ in incidents.page(conn, limit=10)[0]}
    assert left == {new: IncidentStatus.RESOLVED, still: IncidentStatus.OPEN}
    orphans = "SELECT count(*) FROM incident_event WHERE incident_id NOT IN (SELECT id FROM incident)"
    assert conn.execute(orphans).fetchone() == (0,)


def test_finished_deliveries_go_and_queued_ones_stay(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = factories.create(conn, failure_threshold=1)
    see(conn, web.id, START_MS + 1, status=Status.DOWN)
    see(conn, web.id, START_MS + 2)
    first = deliveries.page(conn, deliveries.Wanted(event="incident.created"), limit=1)[0]
    deliveries.delivered(conn, first.id, status_code=200, now_ms=START_MS + 3)
    prune(conn, before=START_MS + DAY_MS)
    assert factories.told(conn) == ["incident.resolved"]


def test_old_audit_lines_and_expired_sessions_go(conn: WriteConnection) -> None:
    for at in (1, 9):
        conn.execute("INSERT INTO audit (at, actor, action, resource_type) VALUES (?, 'ada', 'x', 'x')", (at,))
    for expires_at in (5, 6, 7):
        conn.execute("INSERT INTO session VALUES (?, 'admin', 'x', 0, ?)", (str(expires_at), expires_at))
    prune(conn, before=9, now_ms=6)
    assert conn.execute("SELECT at FROM audit").fetchall() == [(9,)]
    assert conn.execute("SELECT expires_at FROM session").fetchall() == [(7,)]


def test_no_slice_is_large(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=f"m{number}").id for number in range(3)]
    for monitor_id in made:
        see(conn, monitor_id, *(START_MS + hour * HOUR_MS for hour in range(40)))
    changes.delete(conn, made[0], by="ada", now_ms=START_MS, base_url=BASE_URL)
    sizes = prune(conn, raw_before=START_MS + 50 * DAY_MS, before=START_MS + 50 * DAY_MS)
    assert rows(conn, "check_result") == rows(conn, "rollup") == rows(conn, "latency") == 0
    assert max(sizes) <= retention.LIGHT


def test_more_rows_of_one_instant_than_a_slice_are_deleted_all_the_same(conn: WriteConnection) -> None:
    web = factories.create(conn)
    seen = [factories.observation(web.id, at=START_MS + n, response_ms=2**n) for n in range(12)]
    ledger.record(conn, seen, now_ms=START_MS, base_url=BASE_URL)
    assert rows(conn, "latency") == 24
    prune(conn, raw_before=START_MS + DAY_MS, before=START_MS + DAY_MS)
    assert rows(conn, "latency") == 0


def test_where_nothing_is_old_nothing_is_deleted(conn: WriteConnection) -> None:
    web = factories.create(conn)
    see(conn, web.id, START_MS + 1)
    assert prune(conn, raw_before=START_MS, before=START_MS - HOUR_MS) == []


def test_where_much_is_not_old_no_slice_looks_at_all_of_it(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=f"m{number}", failure_threshold=1).id for number in range(30)]
    for hour in range(1, 21):
        status = Status.DOWN if hour % 2 else Status.UP
        seen = [factories.observation(each, status, at=START_MS + hour * HOUR_MS) for each in made]
        ledger.record(conn, seen, now_ms=START_MS + hour * HOUR_MS, base_url=BASE_URL)
    costs = [0]

    def count() -> int:
        costs[-1] += 1
        return 0

    conn.set_progress_handler(count, 1)
    for delete in chain(retention.by_age(raw_before=START_MS, before=START_MS, now_ms=START_MS), retention.orphans()):
        while delete(conn) is not None:
            costs.append(0)
        costs.append(0)
    conn.set_progress_handler(None, 0)
    assert rows(conn, "status_change") > 600
    assert max(costs) < 1500


def test_what_is_heavy_goes_in_smaller_slices(conn: WriteConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "LIGHT", 1)
    factories.add_channel(conn)
    web = factories.create(conn, failure_threshold=1)
    for minute in range(40):
        see(conn, web.id, START_MS + minute * 60_000, status=Status.UP if minute % 2 else Status.DOWN)
    for each in deliveries.page(conn, deliveries.Wanted(), limit=100)[::-1]:
        deliveries.delivered(conn, each.id, status_code=200, now_ms=START_MS)
    sizes = prune(conn, raw_before=0, before=START_MS + DAY_MS)
    assert rows(conn, "incident") == rows(conn, "incident_event") == rows(conn, "delivery") == 0
    assert max(sizes) <= retention.HEAVY + 1  # lines of a timeline, and the incident with the last of them
