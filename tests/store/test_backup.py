"""Copies of a database in use, and putting one back."""

import functools
import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from asura.errors import StoreError, StoreLocked
from asura.live import Hub
from asura.store import backup
from asura.store.backup import back_up
from asura.store.database import Conn, Store, StoreOptions, open_store
from asura.store.migrate import latest_version
from asura.store.restore import restore


def insert(conn: Conn, number: int) -> None:
    conn.execute(
        "INSERT INTO audit (at, actor, action, resource_type) VALUES (?, hex(randomblob(500)), '', '')", (number,)
    )


def numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in conn.execute("SELECT at FROM audit ORDER BY id")]


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if "copy" in name]


async def fill(store: Store, count: int) -> None:
    await store.write(lambda c: [insert(c, number) for number in range(count)] and None)


async def test_a_copy_is_whole_private_and_one_file(store: Store, tmp_path: Path) -> None:
    await fill(store, 50)
    folder = tmp_path / "copies"
    folder.mkdir()

    await store.backup(folder / "copy.db")

    assert os.listdir(folder) == ["copy.db"]
    assert stat.S_IMODE((folder / "copy.db").stat().st_mode) == 0o600
    assert numbers(folder / "copy.db") == list(range(50))
    with closing(sqlite3.connect(folder / "copy.db")) as conn:
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("delete",)


async def test_an_inline_store_makes_copies_too(inline_store: Store, tmp_path: Path) -> None:
    await fill(inline_store, 5)
    await inline_store.backup(tmp_path / "copy.db")
    assert numbers(tmp_path / "copy.db") == list(range(5))


async def test_writes_go_on_during_a_copy_which_shows_the_state_at_its_start(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "STEP_PAGES", 4)
    await fill(store, 200)
    begun, written = trio.Event(), threading.Event()
    poll = trio.from_thread.check_cancelled
    token = trio.lowlevel.current_trio_token()

    def step() -> None:
        poll()
        trio.from_thread.run_sync(begun.set, trio_token=token)
        assert written.wait(10)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            trio.to_thread.run_sync, lambda: back_up(store.facts().path, tmp_path / "copy.db", poll=step)
        )
        await begun.wait()
        for number in range(200, 220):
            await store.write(lambda c, n=number: insert(c, n))
        written.set()

    assert numbers(tmp_path / "copy.db") == list(range(200))


async def test_a_cancelled_copy_ends_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    await fill(store, 50)
    begun = trio.Event()

    def step() -> None:
        trio.from_thread.run_sync(begun.set)
        while True:  # a copy that would take forever
            trio.from_thread.check_cancelled()
            time.sleep(0.001)

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            copy = functools.partial(back_up, store.facts().path, tmp_path / "copy.db", poll=step)
            nursery.start_soon(trio.to_thread.run_sync, copy)
            await begun.wait()
            nursery.cancel_scope.cancel()

    assert leftovers(tmp_path) == []


async def test_a_copy_whose_caller_is_gone_is_not_begun(store: Store, tmp_path: Path) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.backup(tmp_path / "copy.db")

    assert leftovers(tmp_path) == []


def test_a_copy_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    trio.run(_make, tmp_path / "asura.db", 50)

    def give_up() -> None:
        raise InterruptedError

    with pytest.raises(StoreError):
        back_up(tmp_path / "asura.db", tmp_path / "copy.db", poll=give_up)
    assert leftovers(tmp_path) == []


async def _make(path: Path, count: int) -> None:
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await fill(store, count)


async def test_a_file_that_exists_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StoreError, match="exists and is not overwritten"):
        await store.backup(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


async def test_a_folder_that_is_missing_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        await store.backup(tmp_path / "nowhere" / "copy.db")


async def test_a_restored_database_is_the_copy_and_the_old_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "asura.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await fill(store, 3)
        await store.backup(tmp_path / "copy.db")
        await store.write(lambda c: insert(c, 99))

    kept = restore(tmp_path / "copy.db", path)

    assert kept is not None
    assert numbers(kept) == [0, 1, 2, 99]
    assert numbers(tmp_path / "copy.db") == [0, 1, 2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        assert await store.read(lambda c: c.execute("SELECT at FROM audit ORDER BY id").fetchall()) == [
            (0,),
            (1,),
            (2,),
        ]


async def test_the_log_of_a_killed_process_goes_with_the_old_database(tmp_path: Path) -> None:
    path, copy = tmp_path / "asura.db", tmp_path / "copy.db"
    killed = tmp_path / "killed.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await fill(store, 3)
        await store.backup(copy)
        await store.write(lambda c: insert(c, 99))
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{killed}{suffix}")

    kept = restore(copy, killed)

    assert "killed.db-wal" not in os.listdir(tmp_path)
    assert numbers(killed) == [0, 1, 2]
    assert kept is not None
    assert numbers(kept) == [0, 1, 2, 99]


async def test_a_restore_needs_no_old_database(store: Store, tmp_path: Path) -> None:
    await fill(store, 3)
    await store.backup(tmp_path / "copy.db")

    assert restore(tmp_path / "copy.db", tmp_path / "new.db") is None

    assert numbers(tmp_path / "new.db") == [0, 1, 2]


async def test_nothing_is_restored_while_the_database_is_in_use(store: Store, tmp_path: Path) -> None:
    await store.backup(tmp_path / "copy.db")
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        restore(tmp_path / "copy.db", store.facts().path)


def _text(path: Path) -> None:
    path.write_text("not a database at all" * 10)


def _damaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4096 // 2 * 4096)
        file.write(b"\xff" * 4096)


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"PRAGMA user_version = {latest_version() + 1}")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE monitor (id INTEGER)")


def _missing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_text, "not an SQLite database"),
        (_damaged, "damaged"),
        (_newer, "install the newer Asura"),
        (_empty, "not an SQLite database"),
        (_foreign, "another program"),
        (_missing, "is not there"),
    ],
)
async def test_a_bad_copy_is_refused_before_anything_is_replaced(tmp_path: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    path, copy = tmp_path / "asura.db", tmp_path / "copy.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await fill(store, 200)
        await store.backup(copy)
    spoil(copy)
    before, names = path.read_bytes(), sorted(os.listdir(tmp_path))

    with pytest.raises(StoreError, match=words):
        restore(copy, path)

    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == names


def disk(monkeypatch: pytest.MonkeyPatch, *, total_mib: int, free_mib: int) -> None:
    usage = SimpleNamespace(total=total_mib << 20, free=free_mib << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


SIZES = [pytest.param(1 << 20, 250, id="a large disk"), pytest.param(100, 5, id="a small volume")]


@pytest.mark.parametrize(("total_mib", "free_mib"), SIZES)
async def test_a_copy_that_would_fill_the_disk_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total_mib: int, free_mib: int
) -> None:
    await fill(store, 5)
    disk(monkeypatch, total_mib=total_mib, free_mib=free_mib)
    with pytest.raises(StoreError, match="make room, or choose another disk"):
        await store.backup(tmp_path / "copy.db")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("total_mib", "free_mib"), SIZES)
async def test_a_copy_for_which_there_is_room_is_made(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total_mib: int, free_mib: int
) -> None:
    await fill(store, 5)
    disk(monkeypatch, total_mib=total_mib, free_mib=free_mib + 10)
    await store.backup(tmp_path / "copy.db")
    assert numbers(tmp_path / "copy.db") == list(range(5))


async def test_a_copy_ends_when_the_disk_gets_full_meanwhile(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "STEP_PAGES", 4)
    monkeypatch.setattr(backup, "SYNC_BYTES", 4096)
    await fill(store, 200)
    free = [1 << 40, 1 << 40, 0]

    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(total=1 << 40, free=free.pop(0) if len(free) > 1 else free[0])

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(StoreError, match="0 MiB free"):
        await store.backup(tmp_path / "copy.db")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("log_bytes", "rests"), [pytest.param(1 << 40, True, id="short log"), pytest.param(0, False, id="long log")]
)
async def test_a_copy_rests_between_its_steps_while_the_log_is_short(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_bytes: int, rests: bool
) -> None:
    monkeypatch.setattr(backup, "STEP_PAGES", 4)
    monkeypatch.setattr(backup, "LONG_LOG_BYTES", log_bytes)
    await fill(store, 200)
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    back_up(store.facts().path, tmp_path / "copy.db")
    assert bool(slept) == rests
    assert all(0 <= each <= backup.LONGEST_REST_S for each in slept)
    assert numbers(tmp_path / "copy.db") == list(range(200))


async def test_before_a_migration_nobody_is_waited_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, 50)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("a rest, though nobody uses the database"))
    back_up(store.facts().path, tmp_path / "copy.db", is_in_use=False)
    assert numbers(tmp_path / "copy.db") == list(range(50))
