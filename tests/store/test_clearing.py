"""What is taken away before what it hangs on."""

import pytest

from asura.incidents import ledger
from asura.model.monitor import Status
from asura.store import clearing, deliveries, slices
from asura.store.connection import WriteConnection
from asura.store.slices import Slice
from tests import factories
from tests.factories import BASE_URL, START_MS


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clearing, "HEAVY", 3)
    monkeypatch.setattr(slices, "HELD_S", -1.0)  # a step a slice


def clear(conn: WriteConnection, part: Slice) -> list[int]:
    """Work it off; answers the size of each slice."""
    sizes = []
    while (count := part(conn)) is not None:
        sizes.append(count)
        assert len(sizes) < 1000, "it never comes to its end"
    return sizes


def flap(conn: WriteConnection, monitor_id: int, *, times: int) -> None:
    """So many incidents, the last of them unresolved."""
    for minute in range(2 * times - 1):
        status = Status.UP if minute % 2 else Status.DOWN
        seen = factories.observation(monitor_id, status, at=START_MS + minute * 60_000)
        ledger.record(conn, [seen], now_ms=seen.checked_at, base_url=BASE_URL)


def rows(conn: WriteConnection, table: str, where: str = "1") -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])


def test_of_a_monitor_only_the_open_incident_stays_without_its_timeline(conn: WriteConnection) -> None:
    web, other = (factories.create(conn, name=name, failure_threshold=1).id for name in ("web", "other"))
    flap(conn, web, times=4)
    flap(conn, other, times=2)
    for table, columns in (
        ("content_change", "monitor_id, region, at, added, removed, is_cut, diff, is_told"),
        (
            "certificate_change",
            "monitor_id, at, old_fingerprint, old_issuer, old_expires_at, new_fingerprint, new_issuer, new_expires_at",
        ),
    ):
        for monitor_id in (web, web, web, web, other):
            values = ", ".join("?" * (columns.count(",") + 1))
            conn.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})", (monitor_id, *[1] * columns.count(",")))
    sizes = clear(conn, clearing.of_monitors([web, 4711]))
    assert max(sizes) <= clearing.HEAVY + 1
    assert rows(conn, "incident", f"monitor_id = {web}") == 1
    assert rows(conn, "incident", f"monitor_id = {web} AND resolved_at IS NULL") == 1
    assert rows(conn, "incident", f"monitor_id = {other}") == 2
    lines = "incident_id IN (SELECT id FROM incident WHERE monitor_id = {})"
    assert rows(conn, "incident_event", lines.format(web)) == 0
    assert rows(conn, "incident_event") == rows(conn, "incident_event", lines.format(other)) > 0
    for table in ("content_change", "certificate_change"):
        assert rows(conn, table, f"monitor_id = {web}") == 0
        assert rows(conn, table, f"monitor_id = {other}") == 1


def test_of_a_channel_what_is_queued_stays(conn: WriteConnection) -> None:
    ops, other = (factories.add_channel(conn, name=name).id for name in ("ops", "other"))
    web = factories.create(conn, failure_threshold=1)
    flap(conn, web.id, times=5)
    queued = deliveries.page(conn, deliveries.Wanted(channel_id=ops), limit=100)
    for each in queued[::-1][1:]:  # the oldest is still on its way
        conn.execute("UPDATE delivery SET status = 'delivered', finished_at = 1 WHERE id = ?", (each.id,))
    sizes = clear(conn, clearing.of_channel(ops))
    assert max(sizes) <= clearing.HEAVY
    assert [each.id for each in deliveries.page(conn, deliveries.Wanted(channel_id=ops), limit=9)] == [queued[-1].id]
    assert deliveries.count(conn, deliveries.Wanted(channel_id=other)) == len(queued)


def test_of_an_incident_the_lines_of_its_timeline_go(conn: WriteConnection) -> None:
    web = factories.create(conn, failure_threshold=1)
    flap(conn, web.id, times=2)
    first, second = (row[0] for row in conn.execute("SELECT id FROM incident ORDER BY id"))
    for _ in range(7):
        conn.execute("INSERT INTO incident_event (incident_id, type, at, message) VALUES (?, 'x', 0, '')", (first,))
    lines = rows(conn, "incident_event", f"incident_id = {second}")
    sizes = clear(conn, clearing.of_incident(first))
    assert max(sizes) <= clearing.HEAVY
    assert rows(conn, "incident_event", f"incident_id = {first}") == 0
    assert rows(conn, "incident_event", f"incident_id = {second}") == lines
    assert rows(conn, "incident") == 2
