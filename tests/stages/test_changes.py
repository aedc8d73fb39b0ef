import attrs
import pytest

from asura.errors import Conflict, InvalidDocument, NotFound
from asura.incidents import steps
from asura.model.incident import IncidentStatus
from asura.model.monitor import MonitorState, MonitorStatus
from asura.scheduler import changes
from asura.store import checks, deliveries, monitors, states, timeline
from asura.store.connection import WriteConnection
from asura.store.database import Store
from tests import factories
from tests.factories import BASE_URL, START_MS, told
from tests.watched import Watched, taken_events

UP, DOWN = MonitorStatus.UP, MonitorStatus.DOWN
PENDING, PAUSED = MonitorStatus.PENDING, MonitorStatus.PAUSED


def delete(web: Watched) -> None:
    changes.delete(web.conn, web.id, by="ada", now_ms=web.now_ms, base_url=BASE_URL)


class TestCreate:
    def test_a_new_monitor_waits_for_its_first_check(self, conn: WriteConnection) -> None:
        web = changes.create(conn, factories.monitor(config_version=7, created_at=5), now_ms=START_MS)
        assert monitors.get(conn, web.id) == web
        assert (web.config_version, web.created_at, web.updated_at) == (1, START_MS, START_MS)
        assert states.get(conn, web.id) == MonitorState(monitor_id=web.id, status_since=START_MS)
        assert timeline.of_monitor(conn, web.id, since=0) == [(START_MS, PENDING)]
        assert [each.id for each in taken_events(conn, "monitor.changed")] == [web.id]

    def test_a_monitor_made_paused_is_paused_from_the_start(self, conn: WriteConnection) -> None:
        web = factories.create(conn, enabled=False)
        assert timeline.of_monitor(conn, web.id, since=0) == [(START_MS, PAUSED)]

    def test_a_name_is_taken_once(self, conn: WriteConnection) -> None:
        factories.create(conn, name="web")
        with pytest.raises(Conflict, match="“web” exists already"):
            factories.create(conn, name="web")

    def test_it_may_depend_on_what_is_there(self, conn: WriteConnection) -> None:
        router = factories.create(conn, name="router")
        assert factories.create(conn, depends_on=(router.id,)).depends_on == (router.id,)

    def test_it_can_not_depend_on_what_is_not(self, conn: WriteConnection) -> None:
        with pytest.raises(InvalidDocument) as caught:
            factories.create(conn, depends_on=(88, 77))
        assert caught.value.fields == {"depends_on": "there is no monitor 77"}


class TestReplace:
    def test_every_edit_counts_and_keeps_the_birth(self, conn: WriteConnection) -> None:
        web = Watched(conn)
        web.now_ms += 5
        web.edit(name="shop", created_at=1, config_version=99)
        assert (web.monitor.config_version, web.monitor.created_at, web.monitor.updated_at) == (
            2,
            START_MS,
            START_MS + 5,
        )
        web.edit(tags=("prod",))
        assert monitors.get(conn, web.id).config_version == 3

    def test_an_edit_is_told(self, conn: WriteConnection) -> None:
        web = Watched(conn)
        taken_events(conn)
        web.edit(name="shop")
        assert [(each.kind, each.id) for each in conn.events] == [("monitor.changed", web.id)]

    @pytest.mark.parametrize(
        "edit",
        [
            {"target": "http://elsewhere.test/"},
            {"type": "tcp", "target": "web.test:80"},
            {"settings": {"method": "HEAD"}},
            {"upside_down": True},
            {"interval_s": 30},
            {"timeout_s": 5},
        ],
        ids=lambda edit: next(iter(edit)),
    )
    def test_what_judged_something_else_is_no_vote_any_more(
        self, conn: WriteConnection, edit: dict[str, object]
    ) -> None:
        web = Watched(conn, failure_threshold=3).sees("UDD")
        web.edit(**edit)
        assert web.votes == []
        assert web.state.status is UP

    @pytest.mark.parametrize(
        "edit",
        [
            {"name": "shop"},
            {"description": "the shop"},
            {"group": "shops"},
            {"tags": ("prod",)},
            {"failure_threshold": 5},
            {"success_threshold": 2},
            {"resend_interval_s": 60},
            {"public": True},
        ],
        ids=lambda edit: next(iter(edit)),
    )
    def test_what_is_told_of_it_changes_no_vote(self, conn: WriteConnection, edit: dict[str, object]) -> None:
        web = Watched(conn, failure_threshold=3).sees("UDD")
        before = web.votes
        web.edit(**edit)
        assert web.votes == before

    def test_a_renamed_monitor_goes_on_counting(self, conn: WriteConnection) -> None:
        web = Watched(conn, failure_threshold=3).sees("UDD")
        web.edit(name="shop")
        web.sees("D", config_version=2)
        assert web.state.status is DOWN

    def test_an_edit_keeps_the_incident_until_the_monitor_is_judged_anew(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=2).sees("DD")
        web.edit(target="http://elsewhere.test/")
        assert web.state.status is DOWN
        assert web.incident.status is IncidentStatus.OPEN
        web.sees("D", config_version=2)
        assert web.incident.status is IncidentStatus.OPEN
        web.sees("U", config_version=2)
        assert web.incident.status is IncidentStatus.RESOLVED
        assert web.told == ["incident.created", "incident.resolved"]

    def test_an_edit_of_what_is_not_there_is_refused(self, conn: WriteConnection) -> None:
        with pytest.raises(NotFound, match="there is no monitor 77"):
            changes.replace(conn, factories.monitor(id=77), now_ms=START_MS)

    def test_a_name_that_is_taken_is_refused(self, conn: WriteConnection) -> None:
        factories.create(conn, name="web")
        other = Watched(conn, name="other")
        with pytest.raises(Conflict):
            other.edit(name="web")

    def test_an_edit_can_not_close_a_ring_of_dependencies(self, conn: WriteConnection) -> None:
        a, b, c = (Watched(conn, name=name) for name in "abc")
        b.edit(depends_on=(a.id,))
        c.edit(depends_on=(b.id,))
        with pytest.raises(InvalidDocument) as caught:
            a.edit(depends_on=(c.id,))
        assert caught.value.fields == {"depends_on": f"would make a circle: {a.id} → {c.id} → {b.id} → {a.id}"}

    def test_a_monitor_can_not_depend_on_itself(self, conn: WriteConnection) -> None:
        web = Watched(conn)
        with pytest.raises(InvalidDocument, match="circle"):
            web.edit(depends_on=(web.id,))


class TestPause:
    def test_pausing_is_a_change_of_the_timeline_not_of_the_state(self, conn: WriteConnection) -> None:
        web = Watched(conn).sees("U")
        web.now_ms = web.minute(3)
        paused = changes.set_enabled(conn, web.id, enabled=False, now_ms=web.now_ms)
        assert not paused.enabled
        assert web.timeline == [(0, PENDING), (1, UP), (3, PAUSED)]
        assert web.state.status is UP
        assert web.votes == []

    def test_what_is_so_already_changes_nothing(self, conn: WriteConnection) -> None:
        web = Watched(conn).sees("U")
        taken_events(conn)
        assert changes.set_enabled(conn, web.id, enabled=True, now_ms=web.now_ms) == web.monitor
        assert conn.events == []

    def test_resuming_waits_for_the_next_check(self, conn: WriteConnection) -> None:
        web = Watched(conn, failure_threshold=3).sees("UD")
        for enabled in (False, True):
            web.now_ms += 60_000
            changes.set_enabled(conn, web.id, enabled=enabled, now_ms=web.now_ms)
        assert web.timeline == [(0, PENDING), (1, UP), (3, PAUSED), (4, PENDING)]
        assert (web.state.status, web.state.confirming, web.state.last_check_at) == (PENDING, False, None)

    def test_the_pause_itself_is_no_gap_of_the_record(self, conn: WriteConnection) -> None:
        web = Watched(conn).sees("U")
        changes.set_enabled(conn, web.id, enabled=False, now_ms=web.minute(2))
        changes.set_enabled(conn, web.id, enabled=True, now_ms=web.minute(500))
        web.now_ms = web.minute(500)
        web.sees("U", config_version=3)
        assert web.timeline == [(0, PENDING), (1, UP), (2, PAUSED), (500, PENDING), (501, UP)]

    def test_an_incident_outlives_a_pause(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("UD")
        changes.set_enabled(conn, web.id, enabled=False, now_ms=web.minute(3))
        assert web.incident.status is IncidentStatus.OPEN
        changes.set_enabled(conn, web.id, enabled=True, now_ms=web.minute(4))
        assert web.timeline == [(0, PENDING), (1, UP), (2, DOWN), (3, PAUSED), (4, DOWN)]
        web.now_ms = web.minute(4)
        web.sees("DD", config_version=3)
        assert web.told == ["incident.created"]
        web.sees("U", config_version=3)
        assert web.told == ["incident.created", "incident.resolved"]

    def test_what_was_resolved_during_a_pause_may_alarm_again(self, conn: WriteConnection) -> None:
        web = Watched(conn, failure_threshold=1).sees("D")
        changes.set_enabled(conn, web.id, enabled=False, now_ms=web.minute(2))
        steps.resolve(conn, web.incident.id, by="ada", now_ms=web.minute(2), base_url=BASE_URL)
        changes.set_enabled(conn, web.id, enabled=True, now_ms=web.minute(3))
        assert web.state.status is PENDING
        web.now_ms = web.minute(3)
        web.sees("D", config_version=3)
        assert [each.status for each in web.incidents] == [IncidentStatus.RESOLVED, IncidentStatus.OPEN]

    def test_pausing_what_is_not_there_is_refused(self, conn: WriteConnection) -> None:
        with pytest.raises(NotFound):
            changes.set_enabled(conn, 77, enabled=False, now_ms=START_MS)


class TestDelete:
    def test_a_monitor_goes_with_what_is_known_of_it(self, conn: WriteConnection) -> None:
        web = Watched(conn, failure_threshold=1).sees("UD")
        taken_events(conn)
        delete(web)
        assert monitors.find(conn, web.id) is None
        assert web.incidents == []
        for table in ("monitor_state", "vote"):
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert [each.id for each in taken_events(conn, "monitor.changed")] == [web.id]

    def test_its_history_stays_for_the_retention(self, conn: WriteConnection) -> None:
        web = Watched(conn).sees("UU")
        delete(web)
        assert len(checks.page(conn, web.id, limit=10)) == 2

    def test_who_was_told_of_its_incident_is_told_once_that_it_is_over(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("D")
        delete(web)
        assert told(conn) == ["incident.created", "incident.resolved"]
        last = deliveries.page(conn, deliveries.Wanted(), limit=1)[0]
        assert last.message.incident is not None
        assert last.message.incident["status"] == "resolved"

    def test_without_an_open_incident_nobody_is_told(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("DU")
        delete(web)
        assert told(conn) == ["incident.created", "incident.resolved"]

    def test_what_depended_on_it_depends_on_it_no_more(self, conn: WriteConnection) -> None:
        router, switch = Watched(conn, name="router"), Watched(conn, name="switch")
        web = Watched(conn, depends_on=(router.id, switch.id))
        delete(router)
        assert monitors.get(conn, web.id).depends_on == (switch.id,)
        changes.replace(conn, attrs.evolve(monitors.get(conn, web.id), name="still editable"), now_ms=START_MS)

    def test_a_result_that_comes_after_is_dropped(self, conn: WriteConnection) -> None:
        web = Watched(conn).sees("U")
        delete(web)
        web.sees("D")
        assert len(checks.page(conn, web.id, limit=10)) == 1

    def test_deleting_what_is_not_there_is_refused(self, conn: WriteConnection) -> None:
        with pytest.raises(NotFound):
            changes.delete(conn, 77, by="ada", now_ms=START_MS, base_url=BASE_URL)

    def test_an_id_is_never_given_again(self, conn: WriteConnection) -> None:
        web = Watched(conn)
        delete(web)
        assert factories.create(conn).id > web.id


async def test_what_is_refused_leaves_nothing_behind(inline_store: Store) -> None:
    with pytest.raises(InvalidDocument):
        await inline_store.write(lambda conn: factories.create(conn, depends_on=(77,)))
    assert await inline_store.read(monitors.all_enabled) == []
