"""The one transaction from an observation to the outbox, example by example. Random histories: test_histories.py."""

import pytest

from asura.errors import Conflict, NotFound
from asura.incidents import ledger, steps
from asura.model.incident import IncidentStatus
from asura.model.monitor import MonitorStatus, Status
from asura.store import checks, incidents, monitors
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import BASE_URL, MINUTE_MS, START_MS, told
from tests.watched import STATUSES, Watched, taken_events

UP, DEGRADED, DOWN = MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN
PENDING, PAUSED, UNKNOWN = MonitorStatus.PENDING, MonitorStatus.PAUSED, MonitorStatus.UNKNOWN


def test_the_third_failure_in_a_row_opens_one_incident_and_tells_of_it_once(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn, failure_threshold=3).sees("UUDD")
    assert (web.state.status, web.state.confirming, web.incidents, web.told) == (UP, True, [], [])
    web.sees("D")
    assert (web.state.status, web.state.confirming) == (DOWN, False)
    assert web.incident.status is IncidentStatus.OPEN
    web.sees("DDDD")
    assert web.told == ["incident.created"]
    assert web.lines() == ["opened", "notified"]


def test_an_incident_begins_when_the_failure_was_confirmed(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3).sees("UDDD")
    assert web.incident.started_at == web.state.status_since == web.minute(4)
    assert web.timeline == [(0, PENDING), (1, UP), (4, DOWN)]


def test_an_incident_keeps_what_was_seen(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=2).sees("U").sees("DD", message="connection refused")
    assert web.incident.cause == "connection refused"
    (vote,) = web.incident.evidence
    assert (vote["region"], vote["status"], vote["message"], vote["streak"]) == (
        "local",
        "down",
        "connection refused",
        2,
    )
    assert vote["streak_since"] == "2026-03-29T01:02:00.000Z"
    opened = incidents.events_of(conn, web.incident.id)[0]
    assert opened.detail == {"rule": "2 failed checks in a row"}


@pytest.mark.parametrize(
    ("failure", "success", "seen", "status", "opened", "resolved"),
    [
        pytest.param(1, 1, "D", DOWN, 1, 0, id="threshold 1 alarms with the first check"),
        pytest.param(1, 1, "DU", UP, 1, 1, id="and recovers with the next"),
        pytest.param(1, 1, "DUDU", UP, 2, 2, id="each spell has its incident"),
        pytest.param(3, 1, "UDDUDDU", UP, 0, 0, id="a success between ends the streak"),
        pytest.param(3, 1, "DDD", DOWN, 1, 0, id="pending to down needs the threshold too"),
        pytest.param(3, 1, "DDG", DEGRADED, 0, 0, id="degraded ends the streak"),
        pytest.param(3, 1, "UGGGGG", DEGRADED, 0, 0, id="degraded alone opens nothing"),
        pytest.param(1, 2, "DU", DOWN, 1, 0, id="success threshold 2: one is not enough"),
        pytest.param(1, 2, "DUDU", DOWN, 1, 0, id="success threshold 2: nor one and one"),
        pytest.param(1, 2, "DUU", UP, 1, 1, id="success threshold 2: two in a row"),
        pytest.param(1, 2, "DUG", DEGRADED, 1, 1, id="degraded is a recovery"),
        pytest.param(2, 1, "DDUDDU", UP, 2, 2, id="recovery arms the alarm again"),
    ],
)
def test_thresholds(
    conn: WriteConnection,
    failure: int,
    success: int,
    seen: str,
    status: MonitorStatus,
    opened: int,
    resolved: int,
) -> None:
    factories.add_channel(conn)
    web = Watched(conn, failure_threshold=failure, success_threshold=success).sees(seen)
    assert web.state.status is status
    assert web.told.count("incident.created") == len(web.incidents) == opened
    assert web.told.count("incident.resolved") == resolved
    assert sum(each.status is IncidentStatus.RESOLVED for each in web.incidents) == resolved


def test_recovery_resolves_the_incident_and_says_so(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn, failure_threshold=1, success_threshold=2).sees("UDDUU")
    assert web.incident.status is IncidentStatus.RESOLVED
    assert web.incident.resolved_by == steps.SYSTEM
    assert web.incident.resolved_at == web.minute(5)
    assert web.told == ["incident.created", "incident.resolved"]
    assert web.lines() == ["opened", "notified", "resolved", "notified"]
    assert web.timeline == [(0, PENDING), (1, UP), (2, DOWN), (5, UP)]


def test_an_incident_that_nobody_was_told_of_says_so(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=1).sees("D")
    assert web.lines() == ["opened", "not_notified"]


def test_doubt_is_told_as_it_comes_and_goes(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3)
    taken_events(conn)
    web.sees("UUDDUDDDDU")
    found = [(each.id, dict(each.detail)) for each in taken_events(conn, "monitor.status")]
    assert found == [
        (web.id, {"status": "up", "confirming": False}),
        (web.id, {"status": "up", "confirming": True}),
        (web.id, {"status": "up", "confirming": False}),
        (web.id, {"status": "up", "confirming": True}),
        (web.id, {"status": "down", "confirming": False}),
        (web.id, {"status": "up", "confirming": False}),
    ]


def test_every_check_is_told_with_what_it_saw(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3)
    web.sees("D", response_ms=77)
    (checked,) = taken_events(conn, "monitor.checked")
    assert checked.id == web.id
    assert dict(checked.detail) == {
        "status": "down",
        "confirming": True,
        "last_check_at": web.now_ms,
        "last_response_ms": 77,
    }


def test_an_incident_is_told_of_with_its_monitor(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=1).sees("DU")
    found = taken_events(conn, "incident.opened", "incident.resolved")
    assert [(each.kind, each.id, dict(each.detail)) for each in found] == [
        ("incident.opened", web.incident.id, {"monitor_id": web.id}),
        ("incident.resolved", web.incident.id, {"monitor_id": web.id}),
    ]


def test_the_state_tells_of_the_last_check(conn: WriteConnection) -> None:
    web = Watched(conn).sees("U", response_ms=31, cert_expires_at=5_000).sees("U", response_ms=None)
    state = web.state
    assert (state.last_check_at, state.last_response_ms, state.cert_expires_at) == (web.now_ms, None, 5_000)


def test_a_streak_starts_anew_after_a_gap(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3).sees("UDD")
    web.now_ms += 2 * MINUTE_MS
    web.sees("D")
    assert web.state.status is UP
    (vote,) = web.votes
    assert vote.streak == 1
    web.sees("DD")
    assert web.state.status is DOWN


def test_time_in_which_nobody_looked_is_unknown(conn: WriteConnection) -> None:
    web = Watched(conn).sees("UU")
    web.now_ms += 59 * MINUTE_MS
    web.sees("U")
    assert web.timeline == [(0, PENDING), (1, UP), (5, UNKNOWN), (62, UP)]
    assert web.state.status_since == web.minute(1)


def test_three_windows_without_a_check_are_still_known(conn: WriteConnection) -> None:
    web = Watched(conn).sees("UU")
    web.now_ms += 2 * MINUTE_MS
    web.sees("U")
    assert web.timeline == [(0, PENDING), (1, UP)]


def test_down_is_found_after_a_gap(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=1).sees("U")
    web.now_ms += 59 * MINUTE_MS
    web.sees("D")
    assert web.timeline == [(0, PENDING), (1, UP), (4, UNKNOWN), (61, UP), (61, DOWN)]
    assert web.incident.started_at == web.state.status_since == web.minute(61) + 1


def test_an_edit_of_the_interval_makes_no_gap_of_the_last_one(conn: WriteConnection) -> None:
    web = Watched(conn, interval_s=3600).sees("U")
    web.now_ms += 40 * MINUTE_MS
    web.edit(interval_s=60)
    web.sees("U", config_version=2)
    assert web.timeline == [(0, PENDING), (1, UP)]


def test_a_result_of_an_older_configuration_is_history_but_no_vote(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=1).sees("U")
    web.edit(target="http://elsewhere.test/")
    web.sees("D", config_version=1)
    assert web.state.status is UP
    assert web.state.last_check_at == web.now_ms
    assert web.votes == []
    assert len(checks.page(conn, web.id, limit=10)) == 2


def test_a_result_of_a_paused_monitor_is_history_but_no_vote(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=1).sees("U")
    web.edit(enabled=False)
    web.sees("D", config_version=2)
    assert web.state.status is UP
    assert web.incidents == []
    assert web.timeline[-1] == (1, PAUSED)
    assert len(checks.page(conn, web.id, limit=10)) == 2


def test_a_result_that_comes_late_is_history_but_no_vote(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=1).sees("UU", response_ms=10)
    web.record(Status.DOWN, at=web.now_ms - 1, response_ms=9_999, message="timed out")
    assert web.incidents == []
    assert (web.state.status, web.state.last_check_at, web.state.last_response_ms, web.state.last_message) == (
        UP,
        web.now_ms,
        10,
        "",
    )
    assert len(checks.page(conn, web.id, limit=10)) == 3


def test_a_late_result_does_not_even_apply_a_new_threshold(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3).sees("UDD")
    web.edit(failure_threshold=2)
    web.record(Status.UP, at=web.now_ms - 1, config_version=2)
    assert web.state.status is UP
    web.sees("D", config_version=2)
    assert web.state.status is DOWN


def test_a_clock_that_was_set_back_silences_nobody(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3)
    web.now_ms += 600 * MINUTE_MS
    web.sees("UU")
    web.now_ms = START_MS + MINUTE_MS
    web.sees("DDD")
    assert web.state.status is DOWN
    assert web.state.last_check_at == web.now_ms
    assert web.incident.started_at >= web.minute(601)
    web.sees("U")
    assert web.incident.status is IncidentStatus.RESOLVED
    assert web.incident.resolved_at is not None
    assert web.incident.resolved_at >= web.incident.started_at


def test_what_was_seen_of_a_monitor_that_is_gone_is_dropped_alone(conn: WriteConnection) -> None:
    web = Watched(conn)
    batch = [factories.observation(each, at=START_MS + 1) for each in (web.id, 999_999)]
    ledger.record(conn, batch, now_ms=START_MS + 2, base_url=BASE_URL)
    assert len(checks.page(conn, web.id, limit=10)) == 1
    assert checks.page(conn, 999_999, limit=10) == []


def test_nothing_at_all_is_recorded_without_a_word(conn: WriteConnection) -> None:
    ledger.record(conn, [], now_ms=START_MS, base_url=BASE_URL)


def test_several_results_of_one_monitor_in_a_batch_are_judged_one_after_the_other(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn, failure_threshold=2)
    seen = [
        factories.observation(web.id, STATUSES[letter], at=START_MS + (number + 1) * MINUTE_MS)
        for number, letter in enumerate("UDDUDD")
    ]
    ledger.record(conn, seen, now_ms=START_MS + 7 * MINUTE_MS, base_url=BASE_URL)
    assert web.told == ["incident.created", "incident.resolved", "incident.created"]
    assert web.timeline == [(0, PENDING), (1, UP), (3, DOWN), (4, UP), (6, DOWN)]
    assert [each.status for each in web.incidents] == [IncidentStatus.RESOLVED, IncidentStatus.OPEN]


def test_two_results_of_one_millisecond_are_both_kept(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=2).sees("U")
    twins = [factories.observation(web.id, Status.DOWN, at=web.now_ms) for _ in range(3)]
    ledger.record(conn, twins, now_ms=web.now_ms, base_url=BASE_URL)
    assert [each.checked_at - web.now_ms for each in checks.page(conn, web.id, limit=10)] == [3, 2, 1, 0]
    assert web.state.status is DOWN


def test_a_failure_that_is_not_confirmed_asks_for_another_look(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3)
    for seen, wanted in (("U", 0), ("D", 1), ("D", 1), ("D", 0), ("D", 0), ("U", 0), ("D", 1), ("G", 0)):
        taken_events(conn)
        web.sees(seen)
        assert [each.id for each in taken_events(conn, "recheck.wanted")] == [web.id] * wanted


class TestDependencies:
    """A dependency that is down explains a failure: nobody is told of it."""

    def test_no_incident_opens_while_a_dependency_is_down(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1).sees("D")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("DDD")
        assert web.state.status is DOWN
        assert web.timeline[-1] == (1, DOWN)
        assert web.incidents == []

    def test_what_is_still_down_when_the_dependency_is_back_is_announced_then(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1).sees("D")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("DD")
        router.sees("U")
        web.sees("D")
        assert web.incident.started_at == web.minute(1)
        web.sees("D")
        assert len(web.incidents) == 1

    def test_within_one_batch_too(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1)
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,))
        batch = [factories.observation(each.id, Status.DOWN, at=START_MS + 1) for each in (router, web)]
        ledger.record(conn, batch, now_ms=START_MS + 2, base_url=BASE_URL)
        assert len(router.incidents) == 1
        assert web.incidents == []

    def test_an_incident_that_is_open_is_resolved_all_the_same(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1).sees("U")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("D")
        router.sees("D")
        web.sees("U")
        assert web.incident.status is IncidentStatus.RESOLVED

    def test_what_recovers_behind_its_dependency_was_never_an_incident(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1).sees("D")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("DU")
        router.sees("U")
        web.sees("U")
        assert web.incidents == []

    def test_a_paused_dependency_explains_nothing(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1).sees("D")
        router.edit(enabled=False)
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("D")
        assert len(web.incidents) == 1

    def test_what_nobody_has_looked_at_since_is_awaited(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=3).sees("U")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("U")
        taken_events(conn)
        web.now_ms += 10_000
        web.record(Status.DOWN, at=web.now_ms)
        assert (web.state.status, web.incidents) == (DOWN, [])
        assert [each.id for each in taken_events(conn, "recheck.wanted")] == [web.id]
        router.sees("U")
        web.sees("D")
        assert len(web.incidents) == 1
        assert taken_events(conn, "recheck.wanted") == []

    def test_what_fails_too_is_awaited_until_it_is_decided(self, conn: WriteConnection) -> None:
        """The race: the monitor behind it reaches its threshold first."""
        factories.add_channel(conn)
        router = Watched(conn, name="router", failure_threshold=3).sees("UD")
        web = Watched(conn, failure_threshold=2, depends_on=(router.id,)).sees("UDD")
        router.sees("D")
        web.sees("D")
        assert (router.state.status, web.state.status, web.incidents) == (UP, DOWN, [])
        router.sees("D")
        web.sees("D")
        assert (router.state.status, web.incidents) == (DOWN, [])
        assert web.told == []

    def test_a_dependency_that_only_stumbled_explains_nothing(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=3).sees("UD")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("UD")
        assert web.incidents == []
        router.sees("U")
        web.sees("D")
        assert web.incident.started_at == web.minute(2)

    def test_nobody_waits_for_ever_for_a_look_at_a_dependency(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=3).sees("U")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("UDD")
        assert router.state.last_check_at == web.minute(1)
        assert web.incident.started_at == web.minute(2)

    def test_one_that_recovers_unannounced_is_not_announced_by_that(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1).sees("D")
        web = Watched(conn, failure_threshold=1, success_threshold=2, depends_on=(router.id,)).sees("D")
        router.sees("UU")
        web.sees("U")
        assert (web.state.status, web.incidents) == (DOWN, [])
        web.sees("U")
        assert (web.state.status, web.incidents) == (UP, [])

    def test_in_whatever_order_a_batch_brings_them(self, conn: WriteConnection) -> None:
        router = Watched(conn, name="router", failure_threshold=1)
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,))
        batch = [factories.observation(each.id, Status.DOWN, at=START_MS + 1) for each in (web, router)]
        ledger.record(conn, batch, now_ms=START_MS + 2, base_url=BASE_URL)
        assert len(router.incidents) == 1
        assert web.incidents == []

    def test_suppression_reaches_one_hop(self, conn: WriteConnection) -> None:
        core = Watched(conn, name="core", failure_threshold=1).sees("D")
        router = Watched(conn, name="router", failure_threshold=1, depends_on=(core.id,)).sees("U")
        web = Watched(conn, failure_threshold=1, depends_on=(router.id,)).sees("D")
        assert len(web.incidents) == 1


class TestPeople:
    """What people do to incidents."""

    def test_acknowledging_is_noted_and_told(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1, resend_interval_s=600).sees("D")
        found = steps.acknowledge(conn, web.incident.id, by="ada", now_ms=web.now_ms + 9, base_url=BASE_URL)
        assert found == web.incident
        assert (found.status, found.acknowledged_by, found.acknowledged_at, found.next_reminder_at) == (
            IncidentStatus.ACKNOWLEDGED,
            "ada",
            web.now_ms + 9,
            None,
        )
        assert web.told == ["incident.created", "incident.acknowledged"]
        assert web.lines() == ["opened", "notified", "acknowledged", "notified"]
        assert taken_events(conn, "incident.acknowledged")[0].id == found.id

    def test_acknowledging_twice_changes_nothing(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("D")
        first = steps.acknowledge(conn, web.incident.id, by="ada", now_ms=web.now_ms, base_url=BASE_URL)
        again = steps.acknowledge(conn, web.incident.id, by="bob", now_ms=web.now_ms + 9, base_url=BASE_URL)
        assert again == first
        assert web.told.count("incident.acknowledged") == 1

    def test_an_acknowledged_incident_is_resolved_by_recovery(self, conn: WriteConnection) -> None:
        web = Watched(conn, failure_threshold=1).sees("D")
        steps.acknowledge(conn, web.incident.id, by="ada", now_ms=web.now_ms, base_url=BASE_URL)
        web.sees("U")
        assert (web.incident.status, web.incident.acknowledged_by) == (IncidentStatus.RESOLVED, "ada")

    def test_resolving_by_hand_opens_no_second_incident_in_the_same_spell(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1, success_threshold=2).sees("DD")
        found = steps.resolve(conn, web.incident.id, by="ada", now_ms=web.now_ms + 9, base_url=BASE_URL)
        assert (found.status, found.resolved_by, found.resolved_at) == (
            IncidentStatus.RESOLVED,
            "ada",
            web.now_ms + 9,
        )
        web.sees("DDDUDD")
        assert len(web.incidents) == 1
        assert web.told == ["incident.created", "incident.resolved"]

    def test_after_the_recovery_the_next_spell_has_its_own(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("D")
        steps.resolve(conn, web.incident.id, by="ada", now_ms=web.now_ms, base_url=BASE_URL)
        web.sees("UD")
        assert web.told == ["incident.created", "incident.resolved", "incident.created"]

    def test_deleting_an_incident_opens_no_second_one_either(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("D")
        gone = web.incident
        steps.delete(conn, gone.id, now_ms=web.now_ms)
        web.sees("DD")
        assert web.incidents == []
        assert told(conn, status="queued") == []
        assert incidents.events_of(conn, gone.id) == []
        web.sees("UD")
        assert len(web.incidents) == 1

    def test_a_comment_is_a_line_of_the_timeline(self, conn: WriteConnection) -> None:
        web = Watched(conn, failure_threshold=1).sees("D")
        steps.comment(conn, web.incident.id, by="ada", message="looking at it", now_ms=web.now_ms)
        last = incidents.events_of(conn, web.incident.id)[-1]
        assert (last.type, last.actor, last.message, last.at) == ("comment", "ada", "looking at it", web.now_ms)
        assert taken_events(conn, "incident.commented")

    @pytest.mark.parametrize("deed", ["acknowledge", "resolve", "comment"])
    def test_a_resolved_incident_is_over(self, conn: WriteConnection, deed: str) -> None:
        web = Watched(conn, failure_threshold=1).sees("DU")
        with pytest.raises(Conflict, match="resolved"):
            do(conn, deed, web.incident.id)

    @pytest.mark.parametrize("deed", ["acknowledge", "resolve", "comment", "delete"])
    def test_what_is_not_there_is_not_found(self, conn: WriteConnection, deed: str) -> None:
        with pytest.raises(NotFound, match="there is no incident 77"):
            do(conn, deed, 77)

    def test_an_instant_before_the_beginning_is_moved_to_it(self, conn: WriteConnection) -> None:
        web = Watched(conn, failure_threshold=1).sees("D")
        early = web.incident.started_at - 5_000
        acknowledged = steps.acknowledge(conn, web.incident.id, by="ada", now_ms=early, base_url=BASE_URL)
        resolved = steps.resolve(conn, web.incident.id, by="ada", now_ms=early, base_url=BASE_URL)
        assert acknowledged.acknowledged_at == resolved.resolved_at == web.incident.started_at


def do(conn: WriteConnection, deed: str, incident_id: int) -> None:
    match deed:
        case "acknowledge":
            steps.acknowledge(conn, incident_id, by="ada", now_ms=START_MS, base_url=BASE_URL)
        case "resolve":
            steps.resolve(conn, incident_id, by="ada", now_ms=START_MS, base_url=BASE_URL)
        case "comment":
            steps.comment(conn, incident_id, by="ada", message="hm", now_ms=START_MS)
        case _:
            steps.delete(conn, incident_id, now_ms=START_MS)


class TestReminders:
    """Incidents that stay open are told of again."""

    def remind(self, conn: WriteConnection, web: Watched, *, minute: int) -> int | None:
        due_at = steps.remind(conn, now_ms=web.minute(minute) + 500, base_url=BASE_URL)
        return None if due_at is None else (due_at - START_MS) // MINUTE_MS

    def test_a_reminder_is_sent_when_it_is_due_and_not_before(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1, resend_interval_s=600).sees("D")
        assert self.remind(conn, web, minute=10) == 11
        assert web.told == ["incident.created"]
        assert self.remind(conn, web, minute=11) == 21
        assert web.told == ["incident.created", "incident.reminder"]
        assert web.lines()[-2:] == ["reminder", "notified"]

    def test_after_a_long_stop_one_comes_not_all_that_were_missed(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1, resend_interval_s=600).sees("D")
        assert self.remind(conn, web, minute=100) == 101
        assert web.told.count("incident.reminder") == 1

    @pytest.mark.parametrize("deed", ["acknowledge", "resolve", "delete"])
    def test_none_comes_once_somebody_has_it(self, conn: WriteConnection, deed: str) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1, resend_interval_s=600).sees("D")
        do(conn, deed, web.incident.id)
        assert self.remind(conn, web, minute=100) is None
        assert "incident.reminder" not in web.told

    def test_none_comes_of_a_paused_monitor_but_the_rhythm_goes_on(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1, resend_interval_s=600).sees("D")
        web.edit(enabled=False)
        assert self.remind(conn, web, minute=11) == 21
        assert web.told == ["incident.created"]

    def test_none_comes_where_none_is_wanted(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("D")
        assert self.remind(conn, web, minute=1000) is None
        assert web.told == ["incident.created"]

    def test_reminders_begin_when_an_edit_asks_for_them(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("D")
        web.edit(resend_interval_s=600)
        assert self.remind(conn, web, minute=2) == 11

    def test_reminders_end_when_an_edit_wants_no_more(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1, resend_interval_s=600).sees("D")
        web.edit(resend_interval_s=0)
        assert self.remind(conn, web, minute=100) is None
        assert web.told == ["incident.created"]

    def test_an_edit_does_not_remind_of_what_somebody_has(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        web = Watched(conn, failure_threshold=1).sees("D")
        do(conn, "acknowledge", web.incident.id)
        web.edit(resend_interval_s=600)
        assert self.remind(conn, web, minute=100) is None

    def test_no_more_than_the_limit_at_once(self, conn: WriteConnection) -> None:
        factories.add_channel(conn)
        many = [
            Watched(conn, name=f"m{number}", failure_threshold=1, resend_interval_s=600).sees("D")
            for number in range(5)
        ]
        now_ms = many[0].minute(11) + 500
        assert steps.remind(conn, now_ms=now_ms, base_url=BASE_URL, limit=3) == now_ms
        assert steps.remind(conn, now_ms=now_ms, base_url=BASE_URL, limit=3) == many[0].minute(21) + 500
        assert [each.told.count("incident.reminder") for each in many] == [1] * 5


def test_the_monitor_that_is_judged_is_the_one_that_is_stored(conn: WriteConnection) -> None:
    web = Watched(conn, failure_threshold=3).sees("UD")
    web.edit(failure_threshold=2)
    assert monitors.get(conn, web.id).config_version == 2
    web.sees("D", config_version=2)
    assert web.state.status is DOWN
