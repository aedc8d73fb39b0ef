"""SIGKILL in the middle of writing: every write that was answered is there afterwards."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from asura.live import Hub
from asura.store.database import StoreOptions, open_store

CYCLES = 5
LONGEST_RUN_S = 0.4
ROOT = Path(__file__).parents[2]

WRITER = """
import itertools, os, sys
from pathlib import Path
import trio
from asura.live import Hub
from asura.store.database import StoreOptions, open_store

numbers = itertools.count()

async def caller(store):
    insert = "INSERT INTO audit (at, actor, action, resource_type) VALUES (?, ?, 'test', 'test')"
    for number in numbers:
        await store.write(lambda conn: conn.execute(insert, (number, sys.argv[2])) and None)
        os.write(1, b"%d\\n" % number)

async def main():
    async with open_store(StoreOptions(path=Path(sys.argv[1])), hub=Hub()) as store, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(caller, store)

trio.run(main)
"""


async def test_no_answered_write_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "asura.db"
    answered: dict[str, set[int]] = {}
    for cycle in range(CYCLES):
        answered[f"run {cycle}"] = _write_until_killed(path, f"run {cycle}")

    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        rows = await store.read(lambda c: c.execute("SELECT actor, at FROM audit").fetchall())

    assert len(rows) == len(set(rows))
    for actor, numbers in answered.items():
        assert numbers <= {at for found, at in rows if found == actor}, actor
    assert sum(map(len, answered.values())) > CYCLES * 100
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _write_until_killed(path: Path, actor: str) -> set[int]:
    """The numbers whose writes were answered. Kills by process id at a random moment after the first answer."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path), actor], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    output = process.stdout.readline()
    end = time.monotonic() + random.uniform(0.05, LONGEST_RUN_S)
    while time.monotonic() < end:
        output += process.stdout.read1(1 << 16)  # type: ignore[attr-defined]
    process.send_signal(signal.SIGKILL)
    output += process.stdout.read()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return {int(line) for line in output.split(b"\n")[:-1]}
