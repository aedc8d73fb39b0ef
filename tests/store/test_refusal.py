"""What is not opened, in words that help, and unchanged down to the last byte."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from asura.errors import StoreError
from asura.live import Hub
from asura.store.database import StoreOptions, open_store
from asura.store.migrate import latest_version

ROOT = Path(__file__).parents[2]
NOBODY = 65534


async def make(path: Path) -> None:
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(
            lambda c: c.executemany(
                "INSERT INTO region (id, name) VALUES (?, hex(randomblob(200)))", [(n,) for n in range(1, 800)]
            )
        )


async def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as caught:
        async with open_store(StoreOptions(path=path), hub=Hub()):
            pass
    return str(caught.value)


def read_both(path: Path) -> tuple[bytes, bytes]:
    """The file and its log."""
    return path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()


def empty_page(path: Path) -> None:
    """Overwrite a page in the middle."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4096 // 2 * 4096)
        file.write(b"\xff" * 4096)


def zero_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace_by_text(path: Path) -> None:
    path.write_text("server:\n  listen: 127.0.0.1:8090\n" * 10)


def shorten_to_ten_bytes(path: Path) -> None:
    os.truncate(path, 10)


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"PRAGMA user_version = {latest_version() + 1}")


def replace_by_another_programs(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE monitor (id INTEGER)")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (zero_header, "not an SQLite database"),
        (truncate, "damaged: restore a backup"),
        (replace_by_text, "not an SQLite database"),
        (shorten_to_ten_bytes, "not an SQLite database"),
        (make_newer, f"knows versions up to {latest_version()}: install the newer Asura"),
        (replace_by_another_programs, "database of another program"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "asura.db"
    await make(path)
    spoil(path)
    before = path.read_bytes()

    assert words in await refusal(path)

    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["asura.db", "asura.db.lock"]


async def test_damage_is_found_after_an_unclean_stop(tmp_path: Path) -> None:
    path, copy = tmp_path / "asura.db", tmp_path / "killed" / "asura.db"
    copy.parent.mkdir()
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(
            lambda c: c.executemany(
                "INSERT INTO region (id, name) VALUES (?, hex(randomblob(200)))", [(n,) for n in range(1, 800)]
            )
        )
        await store.write(lambda c: None)
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint").fetchall()
        await store.write(
            lambda c: c.execute("INSERT INTO audit (at, actor, action, resource_type) VALUES (1, '', '', '')")
        )
        for suffix in ("", "-wal"):  # what a killed process leaves
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    empty_page(copy)
    before = read_both(copy)

    assert "damaged: restore a backup" in await refusal(copy)

    assert read_both(copy) == before


async def test_a_log_left_by_a_killed_process_is_taken_in(tmp_path: Path) -> None:
    path, copy = tmp_path / "asura.db", tmp_path / "killed.db"
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(lambda c: c.execute("INSERT INTO region (id, name) VALUES (1, 'a')"))
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")

    async with open_store(StoreOptions(path=copy), hub=Hub()) as store:
        assert await store.read(lambda c: c.execute("SELECT name FROM region WHERE id = 1").fetchone()) == ("a",)


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "asura.db"
    path.touch()
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        assert await store.read(lambda c: c.execute("SELECT count(*) FROM monitor").fetchone()) == (0,)


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    words = await refusal(tmp_path / "nowhere" / "asura.db")
    assert f"the folder {tmp_path / 'nowhere'} does not exist: create it" in words


async def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    assert "is a folder: set database.path to a file in it" in await refusal(tmp_path)


async def test_a_pipe_is_not_a_database(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "asura.db")
    assert "not a regular file" in await refusal(tmp_path / "asura.db")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


AS_NOBODY = f"""
import os, sys
from pathlib import Path
import trio
from asura.errors import StoreError
from asura.live import Hub
from asura.store.database import StoreOptions, open_store
from asura.store.migrate import migrations

migrations()  # read before the program's own folder is out of reach

async def main():
    async with open_store(StoreOptions(path=Path(sys.argv[1])), hub=Hub()):
        print("opened")

if os.geteuid() == 0:
    os.setuid({NOBODY})
try:
    trio.run(main)
except StoreError as exc:
    print(exc)
"""


def opened_by_an_ordinary_user(path: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


async def test_a_file_that_cannot_be_written_is_refused(open_folder: Path) -> None:
    path = open_folder / "asura.db"
    await make(path)
    path.chmod(0o444)
    before = path.read_bytes()

    assert "can't be read and written: make it so for the user" in opened_by_an_ordinary_user(path)

    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_refused(open_folder: Path) -> None:
    trio.run(make, open_folder / "asura.db")
    open_folder.chmod(0o555)

    words = opened_by_an_ordinary_user(open_folder / "asura.db")

    assert f"the folder {open_folder} can't be written: make it writable" in words


def test_a_new_database_without_space_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    script = """
import resource, sys, trio
from pathlib import Path
from asura.errors import StoreError
from asura.live import Hub
from asura.store.database import StoreOptions, open_store

async def main():
    async with open_store(StoreOptions(path=Path(sys.argv[1])), hub=Hub()):
        print("opened")

resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
try:
    trio.run(main)
except StoreError as exc:
    print(exc)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "asura.db")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "free some space" in run.stdout
    assert os.listdir(tmp_path) == ["asura.db.lock"]
