"""What a registration means, and when a registry is asked again."""

import pytest

from asura.checks.domain_memory import (
    BAD_S,
    FAULT_S,
    GOOD_S,
    KNOWN_S,
    MAX_KNOWN,
    TOO_OFTEN_S,
    WARNING_S,
    Known,
    Memory,
)
from asura.model.monitor import Status
from asura.protocols.registration import DAY_MS, Registration, judge, status_name

NOW_MS = 1_780_000_000_000  # 2026-05-28 20:26:40 UTC


def registration(days: float | None, *statuses: str) -> Registration:
    expires_at = None if days is None else NOW_MS + int(days * DAY_MS)
    return Registration(source="rdap.example", expires_at=expires_at, statuses=statuses)


VERDICTS: dict[str, tuple[Registration, Status, str]] = {
    "a year": (registration(365, "ok"), Status.UP, ""),
    "as many days as wanted": (registration(30), Status.UP, ""),
    "a moment less": (
        registration(29.99),
        Status.DEGRADED,
        "the registration ends on 2026-06-27, in 29 days",
    ),
    "as many as are critical": (registration(7), Status.DEGRADED, "the registration ends on 2026-06-04, in 7 days"),
    "less than critical": (registration(6.5), Status.DOWN, "the registration ends on 2026-06-04, in 6 days"),
    "a day": (registration(1), Status.DOWN, "the registration ends on 2026-05-29, in 1 day"),
    "hours": (registration(0.2), Status.DOWN, "the registration ends on 2026-05-29, in less than a day"),
    "none": (registration(0), Status.DOWN, "the registration ended on 2026-05-28"),
    "over": (registration(-3), Status.DOWN, "the registration ended on 2026-05-25"),
    "no date": (registration(None), Status.UP, "example.org is registered, but nobody says until when"),
    "held by the registrar": (
        registration(365, "ok", "clientHold"),
        Status.DOWN,
        "clientHold: its registrar has taken it out of the DNS",
    ),
    "held by the registry": (
        registration(None, "serverHold"),
        Status.DOWN,
        "serverHold: its registry has taken it out of the DNS",
    ),
    "deleted": (
        registration(300, "redemptionPeriod"),
        Status.DOWN,
        "redemptionPeriod: it is deleted, and only its registrar can still restore it",
    ),
    "the worst first": (
        registration(20, "inactive", "pendingDelete"),
        Status.DOWN,
        "pendingDelete: it is about to be deleted for good; inactive: it has no name servers; "
        "the registration ends on 2026-06-17, in 20 days",
    ),
    "being moved": (
        registration(365, "pendingTransfer"),
        Status.DEGRADED,
        "pendingTransfer: it is being moved to another registrar: make sure that you wanted that",
    ),
    "locked": (registration(365, "clientTransferProhibited", "autoRenewPeriod"), Status.UP, ""),
}


@pytest.mark.parametrize(("found", "status", "message"), VERDICTS.values(), ids=VERDICTS)
def test_a_registration_is_judged(found: Registration, status: Status, message: str) -> None:
    assert judge(found, "example.org", now_ms=NOW_MS, warn_days=30, critical_days=7) == (status, message)


def test_a_registration_is_down_when_it_has_ended_even_without_critical_days() -> None:
    status, _ = judge(registration(0.1), "example.org", now_ms=NOW_MS, warn_days=0, critical_days=0)
    assert status is Status.UP
    status, _ = judge(registration(-0.1), "example.org", now_ms=NOW_MS, warn_days=0, critical_days=0)
    assert status is Status.DOWN


def test_a_domain_that_is_not_registered_is_down() -> None:
    absent = Registration(source="rdap.example", is_registered=False)
    status, message = judge(absent, "example.org", now_ms=NOW_MS, warn_days=30, critical_days=0)
    assert (status, message) == (Status.DOWN, "example.org is not registered, says rdap.example")
    _, message = judge(absent, "www.example.org", now_ms=NOW_MS, warn_days=30, critical_days=0)
    assert message.endswith("; ask for the registered domain itself, not for a name below it")


SPELLINGS = {
    "client transfer prohibited": "clientTransferProhibited",
    "clientHold https://icann.org/epp#clientHold": "clientHold",
    "CLIENT HOLD": "clientHold",
    "redemption period": "redemptionPeriod",
    "pendingDelete (https://icann.org/epp)": "pendingDelete",
    "connect": "connect",
    "x" * 100: "x" * 40,
}


@pytest.mark.parametrize(("text", "name"), SPELLINGS.items(), ids=SPELLINGS)
def test_a_status_has_one_spelling(text: str, name: str) -> None:
    assert status_name(text) == name


FOUND = registration(365)
PAUSES = {Status.UP: GOOD_S, Status.DEGRADED: WARNING_S, Status.DOWN: 0.0}


@pytest.mark.parametrize(("status", "pause_s"), PAUSES.items())
def test_an_answer_holds_by_what_it_means(status: Status, pause_s: float) -> None:
    assert Known().after_answer(FOUND, now_s=100.0, status=status).ask_again_at == 100.0 + pause_s


def test_bad_news_is_asked_for_anew_until_it_was_given_three_times() -> None:
    known = Known()
    pauses = []
    for _ in range(4):
        known = known.after_answer(FOUND, now_s=0.0, status=Status.DOWN)
        pauses.append(known.ask_again_at)
    assert pauses == [0.0, 0.0, BAD_S, BAD_S]
    other = known.after_answer(registration(1), now_s=0.0, status=Status.DOWN)
    assert other.ask_again_at == 0.0


def test_a_registry_that_cannot_be_asked_is_left_alone() -> None:
    known = Known()
    pauses = []
    for _ in range(4):
        known = known.after_fault("refused", now_s=0.0)
        pauses.append(known.ask_again_at)
    assert pauses == [0.0, 0.0, FAULT_S, FAULT_S]
    good = Known().after_answer(FOUND, now_s=0.0, status=Status.UP)
    assert good.after_fault("refused", now_s=0.0).ask_again_at == FAULT_S
    assert Known().after_fault("429", now_s=0.0, is_too_often=True).ask_again_at == TOO_OFTEN_S
    assert Known().after_fault("429", now_s=0.0, is_too_often=True, pause_s=7200).ask_again_at == 7200


def test_the_last_answer_stands_in_for_a_week() -> None:
    known = Known().after_answer(FOUND, now_s=0.0, status=Status.UP).after_fault("refused", now_s=3600.0)
    assert known.registration == FOUND
    assert known.doubted(Status.UP, "", now_s=3600.0) == (
        Status.UP,
        "the registry could not be asked again, its last answer is 60 minutes old: refused",
    )
    status, message = known.doubted(Status.UP, "well", now_s=KNOWN_S + 1)
    assert (status, message) == (
        Status.DEGRADED,
        "well; the registry could not be asked again, its last answer is 7 days old: refused",
    )
    assert known.doubted(Status.DOWN, "", now_s=KNOWN_S + 1)[0] is Status.DOWN


def test_an_answer_after_a_fault_forgets_it() -> None:
    known = Known().after_fault("refused", now_s=0.0).after_answer(FOUND, now_s=5.0, status=Status.UP)
    assert (known.fault, known.seen_at, known.repeats) == ("", 5.0, 1)


def test_the_memory_is_bounded() -> None:
    memory = Memory()
    for index in range(MAX_KNOWN + 10):
        memory.put(index, Known(fault=str(index)))
        memory.get(0)
    assert memory.get(0).fault == "0"
    assert memory.get(1) == Known()
    assert memory.get(MAX_KNOWN).fault == str(MAX_KNOWN)
