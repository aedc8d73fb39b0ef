import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.incidents import rules
from asura.incidents.rules import DECISION_LIMIT_MS, LOOK_LIMIT_MS, Bearing, Transition
from asura.model.monitor import MonitorStatus, Status
from asura.model.observation import Outcome
from asura.model.vote import Vote

UP, DEGRADED, DOWN, PENDING = MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN, MonitorStatus.PENDING


@pytest.mark.parametrize(
    ("is_announced", "status", "is_suppressed", "expected"),
    [
        pytest.param(False, DOWN, False, Transition.OPEN, id="down: open"),
        pytest.param(True, DOWN, False, Transition.NONE, id="down and told already: nothing"),
        pytest.param(False, DOWN, True, Transition.NONE, id="down behind a dependency: wait"),
        pytest.param(True, DOWN, True, Transition.NONE, id="told before the dependency went down: nothing"),
        pytest.param(True, UP, False, Transition.RESOLVE, id="up again: resolve"),
        pytest.param(True, DEGRADED, False, Transition.RESOLVE, id="degraded is up: resolve"),
        pytest.param(True, UP, True, Transition.RESOLVE, id="suppression never holds a resolution"),
        pytest.param(False, UP, False, Transition.NONE, id="up and nothing told: nothing"),
        pytest.param(False, DEGRADED, False, Transition.NONE, id="degraded alone opens nothing"),
        pytest.param(False, PENDING, False, Transition.NONE, id="pending: nothing"),
        pytest.param(True, PENDING, False, Transition.NONE, id="nobody knows yet: the incident stays"),
    ],
)
def test_what_becomes_of_the_incident(
    is_announced: bool, status: MonitorStatus, is_suppressed: bool, expected: Transition
) -> None:
    assert rules.transition(is_announced=is_announced, status=status, is_suppressed=is_suppressed) is expected


def vote(region: str, status: Status, message: str = "", *, at: int = 0) -> Vote:
    return Vote(region=region, status=status, message=message, effective_at=at, streak=3, streak_since=at)


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        pytest.param([vote("local", Status.DOWN, "refused")], "refused", id="one region: what it saw"),
        pytest.param([vote("local", Status.DOWN)], "down", id="it saw nothing to tell"),
        pytest.param([], "down", id="no votes"),
        pytest.param(
            [vote("us", Status.DOWN, "503"), vote("eu", Status.DOWN, "timeout"), vote("ap", Status.UP)],
            "down from 2 of 3: eu timeout, us 503",
            id="several regions: who fails, in order",
        ),
    ],
)
def test_the_cause(votes: list[Vote], expected: str) -> None:
    assert rules.cause(votes) == expected


def test_a_cause_is_no_longer_than_a_headline() -> None:
    assert len(rules.cause([vote("local", Status.DOWN, "x" * 5000)])) == rules.CAUSE_LENGTH


def test_evidence_is_the_whole_vote_table_by_region() -> None:
    votes = [vote("us", Status.DOWN, "503", at=5_000), vote("eu", Status.UP, at=9_000)]
    found = rules.evidence(votes, now_ms=15_500)
    assert [(row["region"], row["status"], row["message"], row["age_seconds"]) for row in found] == [
        ("eu", "up", "", 6),
        ("us", "down", "503", 10),
    ]
    assert found[1]["checked_at"] == found[1]["streak_since"] == "1970-01-01T00:00:05.000Z"
    assert found[1]["streak"] == 3


def test_evidence_tells_what_was_seen_last_and_which_assertions_did_not_hold() -> None:
    kept = {"type": "json_path", "target": "$.status", "operator": "eq", "value": "ok"}
    results = [
        kept | {"ok": False, "expected": "“ok”", "seen": "“failing”"},
        {"type": "status_code", "operator": "eq", "value": 200, "ok": True, "expected": "200", "seen": "200"},
    ]
    latest = Outcome(status=Status.DOWN, status_code=200, response_ms=31, detail={"assertions": results})
    votes = [vote("us", Status.DOWN, at=5_000), vote("eu", Status.UP, at=9_000)]
    eu, us = rules.evidence(votes, latest=latest, now_ms=15_500)
    assert (eu["status_code"], eu["response_ms"]) == (200, 31)
    assert eu["assertions"] == [{"type": "json_path", "target": "$.status", "expected": "“ok”", "seen": "“failing”"}]
    assert "assertions" not in us


def test_evidence_has_no_empty_fields() -> None:
    [found] = rules.evidence([vote("local", Status.DOWN)], latest=Outcome(status=Status.DOWN), now_ms=0)
    assert not {"status_code", "response_ms", "assertions"} & found.keys()


def test_evidence_from_a_clock_that_was_set_back_is_not_negative() -> None:
    assert rules.evidence([vote("local", Status.DOWN, at=9_000)], now_ms=1_000)[0]["age_seconds"] == 0


def test_reminders_are_only_for_monitors_that_want_them() -> None:
    assert rules.next_reminder_at(resend_interval_s=0, last_told_at=1_000) is None
    assert rules.next_reminder_at(resend_interval_s=60, last_told_at=1_000) == 61_000


@pytest.mark.parametrize(
    ("now_ms", "expected"),
    [
        pytest.param(100_000, 160_000, id="sent when it is due"),
        pytest.param(110_000, 160_000, id="sent late: the rhythm stays"),
        pytest.param(159_999, 160_000, id="sent very late"),
        pytest.param(1_000_000, 1_060_000, id="after a long stop: one, not sixteen"),
    ],
)
def test_a_reminder_that_is_overdue_comes_once(now_ms: int, expected: int) -> None:
    assert rules.overdue_reminder_at(100_000, resend_interval_s=60, now_ms=now_ms) == expected


@given(st.integers(0, 10**9), st.integers(1, 86_400), st.integers(0, 10**9))
def test_the_reminder_after_is_ahead_by_at_most_one_interval(due_at: int, resend_s: int, late_ms: int) -> None:
    following = rules.overdue_reminder_at(due_at, resend_interval_s=resend_s, now_ms=due_at + late_ms)
    assert following is not None
    assert due_at + late_ms < following <= due_at + late_ms + resend_s * 1000
    assert (following - due_at) % (resend_s * 1000) == 0


def test_a_monitor_that_wants_no_more_reminders_gets_none() -> None:
    assert rules.overdue_reminder_at(100_000, resend_interval_s=0, now_ms=100_000) is None


WINDOW_MS = 60_000
FAILED_AT = 1_000_000
SEEN_AT = FAILED_AT + 30_000
"""When the failure was seen last."""


@pytest.mark.parametrize(
    ("status", "seen", "last_check_at", "now_ms", "expected"),
    [
        pytest.param(UP, (Status.UP, 0), SEEN_AT, SEEN_AT, Bearing.NONE, id="well before and since: no reason"),
        pytest.param(DEGRADED, (Status.DEGRADED, 0), SEEN_AT, SEEN_AT, Bearing.NONE, id="degraded is well enough"),
        pytest.param(UP, (Status.UP, 0), FAILED_AT, SEEN_AT, Bearing.NONE, id="seen well as the failure began"),
        pytest.param(UP, (Status.UP, 0), FAILED_AT - 1, SEEN_AT, Bearing.AWAITED, id="nobody has looked since"),
        pytest.param(PENDING, None, None, SEEN_AT, Bearing.AWAITED, id="nobody has ever looked"),
        pytest.param(
            UP, (Status.UP, 0), FAILED_AT - 1, FAILED_AT + LOOK_LIMIT_MS, Bearing.NONE, id="nobody came to look"
        ),
        pytest.param(UP, (Status.UP, 0), 500, FAILED_AT - 1, Bearing.NONE, id="a failure from the future"),
        pytest.param(UP, (Status.DOWN, FAILED_AT), FAILED_AT, SEEN_AT, Bearing.AWAITED, id="it fails too"),
        pytest.param(
            UP,
            (Status.DOWN, FAILED_AT - 2 * WINDOW_MS),
            FAILED_AT - 2 * WINDOW_MS,
            FAILED_AT + LOOK_LIMIT_MS,
            Bearing.NONE,
            id="it failed long ago and was not looked at again",
        ),
        pytest.param(DOWN, (Status.DOWN, FAILED_AT), FAILED_AT, SEEN_AT, Bearing.EXPLAINS, id="down"),
        pytest.param(
            DOWN, (Status.UP, SEEN_AT), SEEN_AT, SEEN_AT, Bearing.EXPLAINS, id="down until it is up often enough"
        ),
        pytest.param(DOWN, None, None, SEEN_AT, Bearing.EXPLAINS, id="down before an edit"),
        pytest.param(
            UP, (Status.UP, SEEN_AT + 1), SEEN_AT + 1, SEEN_AT + 2, Bearing.AWAITED, id="well only after the last look"
        ),
        pytest.param(
            UP, (Status.UP, SEEN_AT), SEEN_AT, SEEN_AT, Bearing.NONE, id="well again by then, the failure goes on"
        ),
        pytest.param(
            UP, (Status.UP, SEEN_AT + 99_999), SEEN_AT + 99_999, SEEN_AT, Bearing.NONE, id="a clock was set back"
        ),
        pytest.param(
            UP,
            (Status.DOWN, FAILED_AT + DECISION_LIMIT_MS - 2),
            FAILED_AT + DECISION_LIMIT_MS - 2,
            FAILED_AT + DECISION_LIMIT_MS - 1,
            Bearing.AWAITED,
            id="it still fails now and then",
        ),
        pytest.param(
            UP,
            (Status.DOWN, FAILED_AT + DECISION_LIMIT_MS - 2),
            FAILED_AT + DECISION_LIMIT_MS - 2,
            FAILED_AT + DECISION_LIMIT_MS,
            Bearing.NONE,
            id="it has failed now and then for too long to be waited for",
        ),
    ],
)
def test_what_a_dependency_says_of_a_failure(
    status: MonitorStatus, seen: tuple[Status, int] | None, last_check_at: int | None, now_ms: int, expected: Bearing
) -> None:
    votes = [] if seen is None else [vote("local", seen[0], at=seen[1])]
    failing = Vote(region="local", status=Status.DOWN, effective_at=SEEN_AT, streak=2, streak_since=FAILED_AT)
    found = rules.bearing(
        status, since=0, votes=votes, last_check_at=last_check_at, window=WINDOW_MS, failing=failing, now_ms=now_ms
    )
    assert found is expected


def test_a_dependency_that_was_down_a_moment_ago_and_fails_again_is_waited_for() -> None:
    """However long the monitor behind it has been failing: most of that was explained."""
    now_ms = FAILED_AT + 10 * DECISION_LIMIT_MS
    votes = [vote("local", Status.DOWN, at=now_ms - 1)]
    failing = Vote(region="local", status=Status.DOWN, effective_at=now_ms, streak=99, streak_since=FAILED_AT)
    found = rules.bearing(
        UP,
        since=now_ms - DECISION_LIMIT_MS + 1,
        votes=votes,
        last_check_at=now_ms - 1,
        window=WINDOW_MS,
        failing=failing,
        now_ms=now_ms,
    )
    assert found is Bearing.AWAITED


@pytest.mark.parametrize(
    ("status", "last_check_at", "expected"),
    [
        pytest.param(UP, SEEN_AT - 1_000_000, Bearing.NONE, id="well when it reported last: nobody can look again"),
        pytest.param(PENDING, None, Bearing.NONE, id="it has never reported"),
        pytest.param(DOWN, SEEN_AT, Bearing.EXPLAINS, id="down"),
    ],
)
def test_what_a_dependency_that_reports_by_itself_says_of_a_failure(
    status: MonitorStatus, last_check_at: int | None, expected: Bearing
) -> None:
    failing = Vote(region="local", status=Status.DOWN, effective_at=SEEN_AT, streak=2, streak_since=FAILED_AT)
    found = rules.bearing(
        status,
        since=0,
        votes=[],
        last_check_at=last_check_at,
        window=WINDOW_MS,
        failing=failing,
        now_ms=SEEN_AT,
        is_passive=True,
    )
    assert found is expected


@pytest.mark.parametrize(
    ("patience_ms", "after_ms", "expected"),
    [
        pytest.param(None, 10_000_000, Bearing.AWAITED, id="what is checked is looked at again"),
        pytest.param(5000, 0, Bearing.OVER, id="a job may report now"),
        pytest.param(5000, 5000, Bearing.OVER, id="for so long"),
        pytest.param(5000, 5001, Bearing.NONE, id="and no longer"),
        pytest.param(0, 1, Bearing.NONE, id="not at all without grace"),
    ],
)
def test_a_job_may_report_for_so_long_after_the_recovery_of_what_it_depends_on(
    patience_ms: int | None, after_ms: int, expected: Bearing
) -> None:
    recovered_at = SEEN_AT + 50
    failing = Vote(region="local", status=Status.DOWN, effective_at=SEEN_AT, streak=2, streak_since=FAILED_AT)
    found = rules.bearing(
        UP,
        since=0,
        votes=[vote("local", Status.UP, at=recovered_at)],
        last_check_at=recovered_at,
        window=WINDOW_MS,
        failing=failing,
        now_ms=recovered_at + after_ms,
        patience_ms=patience_ms,
    )
    assert found is expected


@pytest.mark.parametrize(
    ("detail", "is_passive", "expected"),
    [
        pytest.param(None, False, "3 failed checks in a row", id="checks"),
        pytest.param({"kind": "missed"}, True, "one missed deadline", id="a deadline"),
        pytest.param({"kind": "fail"}, True, "one failure that the job reported", id="a report"),
        pytest.param({"kind": "missed"}, False, "3 failed checks in a row", id="a detail of another type"),
    ],
)
def test_why_an_incident_is_opened(detail: dict[str, str] | None, is_passive: bool, expected: str) -> None:
    outcome = Outcome(status=Status.DOWN, detail=detail)
    assert rules.opening_rule(outcome, failure_threshold=3, is_passive=is_passive) == expected


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        pytest.param(
            {"kind": "fail", "ping_id": 7, "exit_status": 0, "output": ["a", "b"]},
            {"ping_id": 7, "exit_status": 0, "output": ["a", "b"]},
            id="a ping: what the job said",
        ),
        pytest.param({"kind": "missed"}, {}, id="a missed deadline: nothing more"),
        pytest.param({"exit_status": 3, "output": ["x"]}, {}, id="a command: its message says it"),
    ],
)
def test_what_a_job_said_is_evidence(detail: dict[str, object], expected: dict[str, object]) -> None:
    outcome = Outcome(status=Status.DOWN, detail=detail)
    (found,) = rules.evidence([vote("local", Status.DOWN, at=SEEN_AT)], latest=outcome, now_ms=SEEN_AT)
    assert {name: found[name] for name in ("ping_id", "exit_status", "output") if name in found} == expected
