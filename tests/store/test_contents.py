from typing import Any

import pytest

from asura.content import normal
from asura.ids import MonitorId
from asura.model.content import Content, ContentChange
from asura.store import contents, monitors, retention
from asura.store.connection import WriteConnection
from tests import factories


def content(text: str) -> Content:
    return Content(raw_hash=b"raw", hash=text.encode()[:16], text=text)


def save(conn: WriteConnection, monitor_id: int, text: str, *, region: str = "local", seen_at: int = 5) -> None:
    contents.save(conn, monitor_id, region, content(text), packed=contents.pack(text), seen_at=seen_at)


def change(monitor_id: int, **fields: Any) -> ContentChange:
    defaults: dict[str, Any] = {"region": "local", "at": 5, "added": 1, "removed": 2, "is_cut": False, "diff": "@@ é"}
    return ContentChange(id=0, monitor_id=MonitorId(monitor_id), **{**defaults, **fields})


def ids(conn: WriteConnection, monitor_id: int, **wanted: Any) -> list[int]:
    return [each.id for each in contents.page(conn, monitor_id, **{"limit": 99, **wanted})]


@pytest.fixture
def web(conn: WriteConnection) -> int:
    return factories.create(conn).id


def test_what_was_said_last_is_kept_of_each_monitor_and_region(conn: WriteConnection, web: int) -> None:
    other = factories.create(conn, name="other").id
    save(conn, web, "old", seen_at=1)
    save(conn, web, "new", seen_at=2)
    save(conn, web, "elsewhere", region="eu")
    save(conn, other, "other's")
    found = contents.of_monitors(conn, [web, web, 99])
    assert {key: (each.text, each.hash, each.seen_at) for key, each in found.items()} == {
        (web, "local"): ("new", b"new", 2),
        (web, "eu"): ("elsewhere", b"elsewhere", 5),
    }
    assert contents.find(conn, web, "local") == (b"new", 2)
    assert contents.find(conn, web, "us") is None


def test_a_text_comes_back_as_it_was_and_takes_less_room(conn: WriteConnection, web: int) -> None:
    text = "zwölf Zeilen\n" * 10_000
    save(conn, web, text)
    stored = contents.of_monitors(conn, [web])[web, "local"]
    assert stored.text == text
    assert len(stored.packed) < len(text) / 10


def test_what_other_rules_made_is_not_there(conn: WriteConnection, web: int, monkeypatch: pytest.MonkeyPatch) -> None:
    save(conn, web, "old")
    monkeypatch.setattr(contents, "VERSION", normal.VERSION + 1)
    assert (contents.of_monitors(conn, [web]), contents.find(conn, web, "local")) == ({}, None)
    save(conn, web, "new")
    assert contents.of_monitors(conn, [web])[web, "local"].text == "new"


def test_forgetting_is_of_one_monitor_and_leaves_the_changes(conn: WriteConnection, web: int) -> None:
    other = factories.create(conn, name="other").id
    save(conn, web, "a")
    save(conn, other, "b")
    contents.add_change(conn, change(web))
    contents.forget(conn, web)
    assert list(contents.of_monitors(conn, [web, other])) == [(other, "local")]
    assert contents.count(conn, web) == 1


def test_a_change_comes_back_as_it_was(conn: WriteConnection, web: int) -> None:
    for told in (True, False):
        made = change(web, at=7, is_cut=not told, is_told=told, region="eu")
        change_id = contents.add_change(conn, made)
        found = contents.page(conn, web, limit=1)[0]
        assert found.id == change_id
        assert (found.monitor_id, found.region, found.at, found.added, found.removed) == (web, "eu", 7, 1, 2)
        assert (found.diff, found.is_cut, found.is_told) == ("@@ é", not told, told)


def test_changes_are_paged_newest_first(conn: WriteConnection, web: int) -> None:
    other = factories.create(conn, name="other").id
    made = [contents.add_change(conn, change(web)) for _ in range(5)]
    contents.add_change(conn, change(other))
    newest = made[::-1]
    assert ids(conn, web) == newest
    assert ids(conn, web, limit=2) == newest[:2]
    assert ids(conn, web, limit=2, offset=2) == newest[2:4]
    assert ids(conn, web, before=newest[1]) == newest[2:]
    assert (contents.count(conn, web), contents.count(conn, 99)) == (5, 0)


def test_only_the_newest_changes_of_a_monitor_are_kept(
    conn: WriteConnection, web: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MAX_CHANGES", 3)
    other = contents.add_change(conn, change(factories.create(conn, name="other").id))
    made = [contents.add_change(conn, change(web)) for _ in range(6)]
    assert ids(conn, web) == made[:2:-1]
    assert conn.execute("SELECT 1 FROM content_change WHERE id = ?", (other,)).fetchone()


def test_what_was_told_and_what_was_not_is_counted(conn: WriteConnection, web: int) -> None:
    assert contents.untold(conn, web) == 0
    for at, told in ((10, True), (20, True), (30, False), (40, False), (50, True), (60, False)):
        contents.add_change(conn, change(web, at=at, is_told=told))
    assert contents.untold(conn, web) == 1
    assert contents.told_between(conn, web, since=10, until=50) == 2
    assert contents.told_between(conn, web, since=0, until=49) == 2
    assert contents.untold(conn, factories.create(conn, name="other").id) == 0


def test_what_was_said_and_how_it_changed_go_with_their_monitor(conn: WriteConnection, web: int) -> None:
    save(conn, web, "a")
    contents.add_change(conn, change(web))
    monitors.delete(conn, web)
    assert (contents.of_monitors(conn, [web]), contents.count(conn, web)) == ({}, 0)


def test_changes_go_at_their_age_and_not_before(conn: WriteConnection, web: int) -> None:
    for at in (1000, 1999, 2000):
        contents.add_change(conn, change(web, at=at))
    for prune in retention.by_age(raw_before=0, before=2000, now_ms=0):
        while prune(conn) is not None:
            pass
    assert [each.at for each in contents.page(conn, web, limit=9)] == [2000]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM content_change WHERE monitor_id = 1 AND id < 9 ORDER BY id DESC LIMIT 20",
        "SELECT id FROM content_change WHERE at < 9 LIMIT 20",
        "SELECT hash FROM content WHERE version = 1 AND monitor_id = 1 AND region = 'local'",
    ],
)
def test_no_query_reads_a_whole_table(conn: WriteConnection, query: str) -> None:
    plan = " ".join(row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
