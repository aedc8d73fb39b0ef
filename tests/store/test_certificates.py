from itertools import pairwise

from asura.store import certificates, judging, retention, states
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import certificate


def test_a_chain_is_kept_in_its_order_and_replaced_as_a_whole(conn: WriteConnection) -> None:
    web, other = factories.create(conn, name="web").id, factories.create(conn, name="other").id
    chain = [certificate(fingerprint="a", names=("web.test", "www.web.test")), certificate(fingerprint="b")]
    certificates.save_chain(conn, web, chain)
    certificates.save_chain(conn, other, chain[1:])
    assert certificates.chain_of(conn, web) == chain
    certificates.save_chain(conn, web, chain[1:])
    assert certificates.chain_of(conn, web) == chain[1:]
    assert certificates.chain_of(conn, 999) == []


def test_changes_are_kept_the_latest_first_and_not_without_end(conn: WriteConnection) -> None:
    web, other = factories.create(conn, name="web").id, factories.create(conn, name="other").id
    made = [certificate(fingerprint=f"{number}") for number in range(certificates.MAX_CHANGES + 6)]
    certificates.add_change(conn, other, old=made[0], new=made[1], at=1)
    for at, (old, new) in enumerate(pairwise(made)):
        certificates.add_change(conn, web, old=old, new=new, at=at)
    kept = certificates.changes_of(conn, web)
    assert len(kept) == certificates.MAX_CHANGES
    assert [each.at for each in kept] == list(range(104, 4, -1))
    assert (kept[0].old_fingerprint, kept[0].new_fingerprint) == ("104", "105")
    assert (kept[0].new_issuer, kept[0].new_expires_at) == (made[-1].issuer, made[-1].expires_at)
    assert len(certificates.changes_of(conn, other)) == 1
    assert certificates.was_seen(conn, web, "5")
    assert certificates.was_seen(conn, web, "105")
    assert not certificates.was_seen(conn, web, "4")
    assert certificates.count_new(conn, web, since=100) == 5


def test_what_was_told_is_kept_by_subject(conn: WriteConnection) -> None:
    web = factories.create(conn).id
    assert certificates.told(conn, web, "certificate") is None
    certificates.save_told(conn, web, "certificate", expires_at=5, days=None)
    certificates.save_told(conn, web, "domain", expires_at=9, days=30)
    certificates.save_told(conn, web, "certificate", expires_at=6, days=14)
    assert certificates.told(conn, web, "certificate") == (6, 14)
    assert certificates.told(conn, web, "domain") == (9, 30)


def test_what_a_check_is_compared_with_stands_in_the_situation(conn: WriteConnection) -> None:
    web = factories.create(conn).id
    found = judging.situations(conn, {web})[web]
    assert (found.chain_key, found.expiry_due_at) == ("", None)
    certificates.mark(conn, web, chain_key="ab cd", expiry_due_at=77)
    states.save(conn, states.get(conn, web))
    found = judging.situations(conn, {web})[web]
    assert (found.chain_key, found.expiry_due_at) == ("ab cd", 77)


def test_all_but_the_changes_is_forgotten_with_the_target(conn: WriteConnection) -> None:
    web = factories.create(conn).id
    certificates.save_chain(conn, web, [certificate()])
    certificates.save_told(conn, web, "certificate", expires_at=5, days=7)
    certificates.add_change(conn, web, old=certificate(), new=certificate(fingerprint="b"), at=1)
    certificates.mark(conn, web, chain_key="ab", expiry_due_at=1)
    certificates.forget(conn, web)
    assert (certificates.chain_of(conn, web), certificates.told(conn, web, "certificate")) == ([], None)
    assert judging.situations(conn, {web})[web].chain_key == ""
    assert len(certificates.changes_of(conn, web)) == 1


def test_old_changes_go_with_the_retention(conn: WriteConnection) -> None:
    web = factories.create(conn).id
    for at in (10, 20):
        certificates.add_change(conn, web, old=certificate(), new=certificate(fingerprint="b"), at=at)
    for delete in retention.by_age(raw_before=0, before=20, now_ms=20):
        while delete(conn) is not None:
            pass
    assert [each.at for each in certificates.changes_of(conn, web)] == [20]
