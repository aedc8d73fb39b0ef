from itertools import chain

import pytest

from asura.ids import MonitorId
from asura.model.heartbeat import Ping, PingKind
from asura.scheduler import changes
from asura.store import pings, retention
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import BASE_URL, MINUTE_MS, START_MS


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("KEPT_ALWAYS", 3), ("KEPT_PINGS", 8), ("LIGHT", 2), ("BULKY", 1)):
        monkeypatch.setattr(retention, name, count)


def make(conn: WriteConnection, name: str, *, count: int) -> int:
    """A monitor with a ping a minute from START_MS on, each with a body."""
    monitor_id = factories.create(conn, name=name).id
    stored = [
        Ping(
            id=number,
            monitor_id=MonitorId(monitor_id),
            kind=PingKind.SUCCESS,
            at=START_MS + number * MINUTE_MS,
            body=f"body {number}",
        )
        for number in range(1, count + 1)
    ]
    pings.insert(conn, stored)
    return monitor_id


def prune(conn: WriteConnection, *, raw_before: int) -> None:
    for delete in chain(retention.by_age(raw_before=raw_before, before=0, now_ms=raw_before), retention.orphans()):
        for _ in range(200):
            if delete(conn) is None:
                break
        else:
            pytest.fail("a slice never comes to its end")


def left(conn: WriteConnection, monitor_id: int) -> list[int]:
    """The numbers of the pings that are left, and all of their bodies with them."""
    numbers = [row[0] for row in conn.execute("SELECT number FROM ping WHERE monitor_id = ?", (monitor_id,))]
    bodies = [row[0] for row in conn.execute("SELECT number FROM ping_body WHERE monitor_id = ?", (monitor_id,))]
    assert sorted(numbers) == sorted(bodies)
    return sorted(numbers)


@pytest.mark.parametrize(
    ("minutes", "kept"),
    [(1, [1, 2, 3, 4, 5, 6]), (2, [2, 3, 4, 5, 6]), (3, [3, 4, 5, 6]), (4, [4, 5, 6]), (99, [4, 5, 6])],
)
def test_old_pings_go_with_their_bodies_but_the_last_stay(conn: WriteConnection, minutes: int, kept: list[int]) -> None:
    monitor_id, other = make(conn, "one", count=6), make(conn, "two", count=2)
    prune(conn, raw_before=START_MS + minutes * MINUTE_MS)
    assert left(conn, monitor_id) == kept
    assert left(conn, other) == [1, 2]


def test_more_pings_than_are_kept_go_whatever_their_age(conn: WriteConnection) -> None:
    monitor_id = make(conn, "one", count=20)
    prune(conn, raw_before=0)
    assert left(conn, monitor_id) == list(range(13, 21))


def test_the_pings_of_a_deleted_monitor_go_all(conn: WriteConnection) -> None:
    monitor_id, other = make(conn, "one", count=7), make(conn, "two", count=5)
    changes.delete(conn, monitor_id, by="test", now_ms=START_MS, base_url=BASE_URL)
    prune(conn, raw_before=0)
    assert left(conn, monitor_id) == []
    assert left(conn, other) == [1, 2, 3, 4, 5]
