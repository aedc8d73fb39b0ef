"""One process at a time has the database."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from asura.errors import StoreLocked
from asura.live import Hub
from asura.store.database import StoreOptions, open_store
from asura.store.lock import Lock

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
import trio
from asura.live import Hub
from asura.store.database import StoreOptions, open_store

async def main():
    async with open_store(StoreOptions(path=Path(sys.argv[1])), hub=Hub()):
        print("open", flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


def hold_in_another_process(path: Path) -> "subprocess.Popen[bytes]":
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"open\n"
    return holder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "asura.db"


async def test_a_second_process_is_told_who_has_the_database_until_that_is_killed(path: Path) -> None:
    holder = hold_in_another_process(path)
    try:
        with pytest.raises(StoreLocked, match=f"in use by process {holder.pid}: stop that process"):
            async with open_store(StoreOptions(path=path), hub=Hub()):
                pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()

    async with open_store(StoreOptions(path=path), hub=Hub()):
        assert (path.parent / "asura.db.lock").read_text() == f"{os.getpid()}\n"


async def test_the_same_file_by_another_name_is_locked_too(path: Path) -> None:
    (path.parent / "alias.db").symlink_to(path)
    async with open_store(StoreOptions(path=path), hub=Hub()):
        with pytest.raises(StoreLocked):
            async with open_store(StoreOptions(path=path.parent / "alias.db"), hub=Hub()):
                pass


async def test_a_failed_opening_lets_the_lock_go(path: Path) -> None:
    shutil.copyfile(__file__, path)
    for _ in range(2):
        with pytest.raises(Exception, match="not an SQLite database"):
            async with open_store(StoreOptions(path=path), hub=Hub()):
                pass
    Lock(path).release()


def test_a_lock_file_left_behind_locks_nothing(path: Path) -> None:
    path.with_name("asura.db.lock").write_text("1\n")
    Lock(path).release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
async def test_what_root_makes_in_a_users_folder_is_that_users(path: Path) -> None:
    os.chown(path.parent, 65534, 65534)
    async with open_store(StoreOptions(path=path), hub=Hub()):
        for name in os.listdir(path.parent):
            assert os.stat(path.with_name(name)).st_uid == 65534, name
