import sqlite3

import attrs
import pytest

from asura.errors import NotFound
from asura.model.incident import Incident, IncidentEvent, IncidentStatus
from asura.store import incidents
from asura.store.connection import WriteConnection
from tests import factories

OPEN, RESOLVED = IncidentStatus.OPEN, IncidentStatus.RESOLVED


def opened(conn: WriteConnection, monitor_id: int, *, at: int = 100, remind_at: int | None = None) -> Incident:
    return incidents.insert(
        conn, monitor_id=monitor_id, cause="refused", started_at=at, evidence=[{"x": 1}], next_reminder_at=remind_at
    )


def resolved(conn: WriteConnection, incident: Incident, *, at: int) -> Incident:
    incident = attrs.evolve(incident, status=RESOLVED, resolved_at=at, resolved_by="ada")
    incidents.update(conn, incident)
    return incident


def test_an_incident_comes_back_as_it_was_opened(conn: WriteConnection) -> None:
    web = factories.create(conn)
    found = opened(conn, web.id, remind_at=900)
    assert incidents.get(conn, found.id) == found
    assert (found.status, found.cause, found.started_at, found.next_reminder_at, found.evidence) == (
        OPEN,
        "refused",
        100,
        900,
        [{"x": 1}],
    )


def test_an_update_writes_what_can_change(conn: WriteConnection) -> None:
    incident = attrs.evolve(
        opened(conn, factories.create(conn).id),
        status=RESOLVED,
        acknowledged_at=110,
        acknowledged_by="ada",
        resolved_at=120,
        resolved_by="bob",
        next_reminder_at=None,
    )
    incidents.update(conn, incident)
    assert incidents.get(conn, incident.id) == incident


def test_a_monitor_has_one_unresolved_incident_at_most(conn: WriteConnection) -> None:
    web = factories.create(conn)
    first = opened(conn, web.id)
    with pytest.raises(sqlite3.IntegrityError):
        opened(conn, web.id)
    resolved(conn, first, at=200)
    assert opened(conn, web.id).id > first.id


def test_the_unresolved_one_of_a_monitor(conn: WriteConnection) -> None:
    web, other = (factories.create(conn, name=name).id for name in "ab")
    assert incidents.unresolved_of(conn, web) is None
    incident = opened(conn, web)
    opened(conn, other)
    assert incidents.unresolved_of(conn, web) == incident
    acknowledged = attrs.evolve(incident, status=IncidentStatus.ACKNOWLEDGED, acknowledged_at=1)
    incidents.update(conn, acknowledged)
    assert incidents.unresolved_of(conn, web) == acknowledged
    resolved(conn, incident, at=200)
    assert incidents.unresolved_of(conn, web) is None


def test_deleting_takes_the_timeline_along(conn: WriteConnection) -> None:
    incident = opened(conn, factories.create(conn).id)
    incidents.add_event(conn, incident.id, IncidentEvent(type="comment", at=1, message="hm"))
    incidents.delete(conn, incident.id)
    assert incidents.events_of(conn, incident.id) == []
    for call in (incidents.get, incidents.delete):
        with pytest.raises(NotFound, match=f"there is no incident {incident.id}"):
            call(conn, incident.id)


def test_a_timeline_is_told_in_the_order_in_which_it_was_written(conn: WriteConnection) -> None:
    incident = opened(conn, factories.create(conn).id)
    lines = [
        IncidentEvent(type="opened", at=5, message="refused", detail={"rule": ["x"]}),
        IncidentEvent(type="comment", at=5, message="hm", actor="ada"),
        IncidentEvent(type="resolved", at=4, message="over", actor="asura", detail=[]),
    ]
    for line in lines:
        incidents.add_event(conn, incident.id, line)
    assert incidents.events_of(conn, incident.id) == lines


class TestPage:
    @pytest.fixture
    def made(self, conn: WriteConnection) -> list[int]:
        web, other = (factories.create(conn, name=name).id for name in ("web", "other"))
        first = resolved(conn, opened(conn, web, at=100), at=150)
        second = opened(conn, other, at=200)
        third = opened(conn, web, at=200)
        return [first.id, second.id, third.id]

    def test_the_latest_come_first_with_the_names_of_their_monitors(
        self, conn: WriteConnection, made: list[int]
    ) -> None:
        found, total = incidents.page(conn, limit=9)
        assert [(each.id, name) for each, name in found] == [(made[2], "web"), (made[1], "other"), (made[0], "web")]
        assert total == 3

    def test_a_page_tells_how_many_there_are_in_all(self, conn: WriteConnection, made: list[int]) -> None:
        found, total = incidents.page(conn, limit=1, offset=1)
        assert ([each.id for each, _ in found], total) == ([made[1]], 3)

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"status": OPEN}, [2, 1]),
            ({"status": RESOLVED}, [0]),
            ({"since": 200}, [2, 1]),
            ({"until": 200}, [0]),
            ({"since": 100, "until": 101}, [0]),
            ({"status": OPEN, "until": 200}, []),
        ],
        ids=str,
    )
    def test_filters(
        self, conn: WriteConnection, made: list[int], wanted: dict[str, object], expected: list[int]
    ) -> None:
        found, total = incidents.page(conn, limit=9, **wanted)  # type: ignore[arg-type]
        assert [made.index(each.id) for each, _ in found] == expected
        assert total == len(expected)

    def test_those_of_one_monitor(self, conn: WriteConnection, made: list[int]) -> None:
        web = incidents.get(conn, made[0]).monitor_id
        found, _ = incidents.page(conn, limit=9, monitor_id=web)
        assert [each.id for each, _ in found] == [made[2], made[0]]


def test_reminders_that_are_due_the_longest_overdue_first(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=f"m{number}").id for number in range(4)]
    times = [300, 100, 200, None]
    found = [opened(conn, each, remind_at=at) for each, at in zip(made, times, strict=True)]
    assert incidents.next_reminder_at(conn) == 100
    assert incidents.reminders_due(conn, now_ms=99, limit=9) == []
    assert incidents.reminders_due(conn, now_ms=200, limit=9) == [found[1], found[2]]
    assert incidents.reminders_due(conn, now_ms=900, limit=1) == [found[1]]


def test_without_any_reminder_there_is_no_next_one(conn: WriteConnection) -> None:
    opened(conn, factories.create(conn).id)
    assert incidents.next_reminder_at(conn) is None
