"""What checks tell of certificates and domains, through the ledger: kept, and told once."""

from typing import Any

import pytest

from asura.incidents.expiry import DAY_MS
from asura.model.observation import Certificate
from asura.store import certificates, deliveries
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import START_MS, certificate
from tests.watched import Watched

ROOT = certificate(fingerprint="f" * 64, subject="Root", names=("Root",), expires_at=START_MS + 3650 * DAY_MS)


def leaf(fingerprint: str = "a" * 64, *, days: float = 90) -> Certificate:
    return certificate(
        fingerprint=fingerprint, names=("web.test", "www.web.test"), expires_at=START_MS + int(days * DAY_MS)
    )


def shows(web: Watched, *chain: Certificate, seen: str = "U") -> None:
    web.sees(seen, chain=chain, cert_expires_at=min(each.expires_at for each in chain))


def details(conn: WriteConnection, event: str) -> list[dict[str, Any]]:
    page = deliveries.page(conn, deliveries.Wanted(), limit=1000)
    return [dict(each.message.detail) for each in reversed(page) if each.message.event == event]


def test_the_end_of_a_certificate_is_told_at_each_threshold(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn, interval_s=86_400)
    for _ in range(95):
        shows(web, leaf(), ROOT)
        web.now_ms += DAY_MS
    told = details(conn, "cert.expiring")
    assert [(each["threshold_days"], each["days_left"]) for each in told] == [(30, 29), (14, 13), (7, 6), (1, 0)]
    assert told[0] == {
        "subject": "certificate",
        "name": "web.test",
        "expires_at": "2026-06-27T01:00:00.000Z",
        "days_left": 29,
        "threshold_days": 30,
        "fingerprint": "a" * 64,
    }


def test_a_certificate_first_seen_near_its_end_is_told_once(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn)
    for _ in range(3):
        shows(web, leaf(days=5))
    assert [each["threshold_days"] for each in details(conn, "cert.expiring")] == [7]


def test_it_is_the_certificate_that_ends_first_whose_name_is_told(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    shows(Watched(conn), leaf(), certificate(fingerprint="b", names=("Middle",), expires_at=START_MS + 6 * DAY_MS))
    [told] = details(conn, "cert.expiring")
    assert (told["name"], told["fingerprint"]) == ("Middle", "b")


def test_an_end_without_a_chain_is_told_by_the_target(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    Watched(conn, target="https://ann:pw@web.test/").sees("UU", cert_expires_at=START_MS + 5 * DAY_MS)
    [told] = details(conn, "cert.expiring")
    assert (told["name"], told["fingerprint"]) == ("https://web.test/", None)


def test_the_end_of_a_domain_is_told_too(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    Watched(conn, target="web.test").sees("UUU", domain_expires_at=START_MS + 10 * DAY_MS)
    [told] = details(conn, "cert.expiring")
    assert (told["subject"], told["name"], told["threshold_days"]) == ("domain", "web.test", 14)


def test_what_ended_is_down_and_no_news(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    Watched(conn, failure_threshold=1).sees("DD", cert_expires_at=START_MS - DAY_MS)
    assert details(conn, "cert.expiring") == []
    assert factories.told(conn) == ["incident.created"]


def test_another_target_begins_anew(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn)
    shows(web, leaf(days=5))
    web.edit(name="renamed")
    shows(web, leaf(days=5))
    web.edit(target="https://elsewhere.test/")
    assert (web.state.cert_expires_at, certificates.chain_of(conn, web.id)) == (None, [])
    web.sees("U", chain=(leaf("b" * 64, days=4),), cert_expires_at=START_MS + 4 * DAY_MS, config_version=3)
    assert [each["name"] for each in details(conn, "cert.expiring")] == ["web.test", "web.test"]
    assert certificates.changes_of(conn, web.id) == []


def test_what_is_no_vote_tells_nothing_of_certificates(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn)
    web.edit(enabled=False)
    shows(web, leaf(days=5))
    assert (details(conn, "cert.expiring"), certificates.chain_of(conn, web.id)) == ([], [])


def test_a_renewal_is_kept_with_what_was_before(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn)
    shows(web, leaf(days=20), ROOT)
    shows(web, leaf("b" * 64), ROOT)
    shows(web, leaf("b" * 64), ROOT)
    assert certificates.chain_of(conn, web.id) == [leaf("b" * 64), ROOT]
    [change] = certificates.changes_of(conn, web.id)
    assert (change.at, change.old_fingerprint, change.new_fingerprint) == (web.minute(2), "a" * 64, "b" * 64)
    assert (change.old_expires_at, change.new_expires_at) == (leaf(days=20).expires_at, leaf().expires_at)
    assert details(conn, "content.changed") == []


def test_a_certificate_in_between_that_changes_is_kept_and_no_change_of_the_targets_own(conn: WriteConnection) -> None:
    web = Watched(conn)
    shows(web, leaf(), ROOT)
    shows(web, leaf(), certificate(fingerprint="e" * 64))
    assert [each.fingerprint[0] for each in certificates.chain_of(conn, web.id)] == ["a", "e"]
    assert certificates.changes_of(conn, web.id) == []


def test_where_changes_are_tracked_a_new_certificate_is_told_once(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn, track_changes=True)
    for fingerprint in "abababcb":
        shows(web, leaf(fingerprint * 64))
    told = details(conn, "content.changed")
    assert [(each["kind"], each["new"]["fingerprint"][0]) for each in told] == [
        ("certificate", "b"),
        ("certificate", "c"),
    ]
    assert len(certificates.changes_of(conn, web.id)) == 7


def test_a_target_that_makes_a_certificate_for_each_caller_is_told_of_a_few_times(conn: WriteConnection) -> None:
    factories.add_channel(conn)
    web = Watched(conn, track_changes=True)
    for number in range(30):
        shows(web, leaf(f"{number:064}"[::-1]))
    assert len(details(conn, "content.changed")) == 5


def test_an_unchanged_chain_costs_no_statement(conn: WriteConnection) -> None:
    web = Watched(conn)
    shows(web, leaf(), ROOT)
    shows(web, leaf(), ROOT)
    ran: list[str] = []
    conn.set_trace_callback(ran.append)
    shows(web, leaf(), ROOT)
    conn.set_trace_callback(None)
    assert ran
    assert [each for each in ran if "certificate" in each or "expiry" in each.replace("expiry_due_at", "")] == []


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param("UGGU", ["degraded", "up"], id="into it and out of it"),
        pytest.param("GG", ["degraded"], id="from the beginning"),
        pytest.param("UGDDD", ["degraded"], id="that it is down is an incident"),
        pytest.param("DDDG", ["degraded"], id="down, and better"),
        pytest.param("UUDDD", [], id="never degraded"),
    ],
)
def test_degraded_is_told_to_those_who_ask_for_it(conn: WriteConnection, seen: str, told: list[str]) -> None:
    factories.add_channel(conn, name="everything")
    factories.add_channel(conn, name="asking", events=("monitor.degraded",))
    web = Watched(conn, failure_threshold=3).sees(seen)
    assert [each["status"] for each in details(conn, "monitor.degraded")] == told
    assert web.told.count("monitor.degraded") == len(told)
