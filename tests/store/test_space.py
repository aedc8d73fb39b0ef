"""Disk space that deleted rows leave behind, and files that can give it back."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from asura.live import Hub
from asura.store import slices, space
from asura.store.database import Conn, Store, StoreOptions, open_store
from asura.store.inspection import inspect
from asura.store.restore import restore


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "LEAST_PAGES", 20)
    monkeypatch.setattr(space, "PAGES_A_STEP", 5)
    monkeypatch.setattr(slices, "HELD_S", -1.0)  # a step a slice


def insert(conn: Conn, count: int) -> None:
    conn.executemany(
        "INSERT INTO audit (at, actor, action, resource_type) VALUES (?, ?, 'x', 'x')",
        [(number, "ada" * 1000) for number in range(count)],
    )


def pages(path: Path) -> tuple[int, int]:
    """How many pages are free, of how many."""
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return (conn.execute("PRAGMA freelist_count").fetchone()[0], conn.execute("PRAGMA page_count").fetchone()[0])


def auto_vacuum(path: Path) -> int:
    with closing(sqlite3.connect(path)) as conn:
        return int(conn.execute("PRAGMA auto_vacuum").fetchone()[0])


def make_old(path: Path) -> None:
    """A database as it was made before it could give space back."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA auto_vacuum = NONE")
        conn.execute("VACUUM")
    assert auto_vacuum(path) == 0


async def give_back(store: Store) -> list[int]:
    """What each slice gave."""
    one, given = space.give_back(), []
    while (count := await store.write(one)) is not None:
        given.append(count)
        assert len(given) < 1000, "giving back never comes to its end"
    return given


async def test_a_new_database_gives_the_pages_of_deleted_rows_back(tmp_path: Path) -> None:
    path = tmp_path / "asura.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(lambda conn: insert(conn, 400))
        await store.write(lambda conn: conn.execute("DELETE FROM audit WHERE at % 10 < 8") and None)
        given = await give_back(store)
        kept = await store.read(lambda conn: conn.execute("SELECT at, length(actor) FROM audit ORDER BY at").fetchall())
    assert kept == [(number, 3000) for number in range(400) if number % 10 >= 8]
    assert given
    assert max(given) == space.PAGES_A_STEP
    free, total = pages(path)
    assert free <= max(space.END_SHARE * (total + space.PAGES_A_STEP), space.LEAST_PAGES)
    assert path.stat().st_size == total * 4096


async def test_a_slice_gives_no_more_than_its_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "HELD_S", 3600.0)
    monkeypatch.setattr(space, "PAGES_A_SLICE", 15)
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub()) as store:
        await store.write(lambda conn: insert(conn, 200))
        await store.write(lambda conn: conn.execute("DELETE FROM audit") and None)
        assert max(await give_back(store)) == 15


@pytest.mark.parametrize(
    "deleted",
    [pytest.param("at < 30", id="a small share"), pytest.param("0", id="none")],
)
async def test_few_free_pages_stay_for_what_comes_next(tmp_path: Path, deleted: str) -> None:
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub()) as store:
        await store.write(lambda conn: insert(conn, 400))
        await store.write(lambda conn: conn.execute(f"DELETE FROM audit WHERE {deleted}") and None)
        assert await give_back(store) == []


async def test_a_small_file_is_not_worth_the_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "LEAST_PAGES", 10_000)
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub()) as store:
        await store.write(lambda conn: insert(conn, 400))
        await store.write(lambda conn: conn.execute("DELETE FROM audit") and None)
        assert await give_back(store) == []


async def test_a_small_old_database_is_brought_over_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "asura.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(lambda conn: insert(conn, 50))
    make_old(path)
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        assert await store.read(lambda conn: conn.execute("SELECT count(*) FROM audit").fetchone()) == (50,)
    assert auto_vacuum(path) == space.INCREMENTAL


async def test_a_large_old_database_is_opened_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "asura.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(lambda conn: insert(conn, 100))
    make_old(path)
    monkeypatch.setattr(space, "REWRITE_LIMIT_BYTES", 4096)
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(lambda conn: conn.execute("DELETE FROM audit") and None)
        assert await give_back(store) == []
    assert auto_vacuum(path) == 0


@pytest.mark.parametrize(
    ("deleted", "is_told"),
    [pytest.param("1", True, id="much is free"), pytest.param("at < 5", False, id="little is free")],
)
async def test_an_old_database_with_much_free_space_is_told_of_and_brought_over_by_a_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted: str, is_told: bool
) -> None:
    monkeypatch.setattr(space, "REWRITE_LIMIT_BYTES", 4096)
    path = tmp_path / "asura.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(lambda conn: insert(conn, 100))
    make_old(path)
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(lambda conn: conn.execute(f"DELETE FROM audit WHERE {deleted}") and None)
        await store.backup(tmp_path / "copy.db")
    assert (inspect(path).stuck_bytes > 0) == is_told

    restore(tmp_path / "copy.db", path)

    assert auto_vacuum(path) == space.INCREMENTAL
    assert auto_vacuum(tmp_path / "copy.db") == 0
    assert pages(path)[0] == 0
    assert inspect(path).stuck_bytes == 0


def test_where_there_is_no_room_for_a_second_one_it_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "asura.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE audit (at INTEGER, actor TEXT, action TEXT, resource_type TEXT)")
        insert(conn, 100)
        conn.commit()
    before = path.read_bytes()
    connect = sqlite3.connect

    def cramped(*args: object, **options: object) -> sqlite3.Connection:
        conn = connect(*args, **options)  # type: ignore[call-overload]
        conn.execute("PRAGMA max_page_count = 1")  # which SQLite takes as: no more than there are
        return conn  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", cramped)
    space.rewrite(path)
    monkeypatch.undo()
    assert path.read_bytes() == before


def test_a_small_one_is_rewritten_where_there_is_no_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[int] = []

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
            if sql == "VACUUM":
                places.append(super().execute("PRAGMA temp_store").fetchone()[0])
            return super().execute(sql, *values)  # type: ignore[arg-type]

    path = tmp_path / "asura.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE audit (at INTEGER)")
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
    space.rewrite_small(path)
    monkeypatch.undo()
    assert places == [2], "2 is the memory"
    assert auto_vacuum(path) == space.INCREMENTAL
