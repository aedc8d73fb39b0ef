"""Consistent copies of a database in use, and their way back.

A copy is one file without a log, complete by itself. It appears under its name only when it is whole and on disk.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from asura.errors import StoreError
from asura.store.connection import BUSY_TIMEOUT_MS, Conn
from asura.store.files import create_private, size_of, sync_file, wal_of
from asura.store.trouble import explain

STEP_PAGES = 256
"""Pages (1 MiB) that are copied between two looks at whether to go on, in a millisecond or two."""

SYNC_BYTES = 1024 * 1024
"""What is written between two syncs. A whole copy that is synced at its end holds up all commits on that disk; synced
every 8 MiB their 99th percentile was 36 ms, every one 21, and the copy took no longer."""

LONGEST_REST_S = 0.05
"""Between two steps. The rest is as long as the step and its sync took, so half of the disk's time is for others."""

LONG_LOG_BYTES = 128 * 1024 * 1024
"""Of the write-ahead log, which can't be emptied while the copy goes on. Beyond that there is no more rest: emptying
it afterwards is one commit's work, 10 ms for each such part."""

LEAST_FREE_BYTES, LEAST_FREE_SHARE = 256 * 1024 * 1024, 0.05
"""What must stay free on either disk, the share where that is less, because a volume may be made for Asura alone: a
copy that fills the disk would stop the very daemon whose data it saves."""


def back_up(src: Path, dest: Path, *, poll: Callable[[], object] = lambda: None, is_in_use: bool = True) -> None:
    """Copy the database at `src`, in use or not, to the new file `dest`; its state is that at the start.

    Reads one snapshot, so the writer goes on undisturbed; only its log grows meanwhile, by all that is written. `poll`
    is called between steps and may raise to give up. Raises StoreError; nothing is left at `dest` then.
    """
    if dest.exists():
        raise StoreError(f"{dest} exists and is not overwritten: choose another name")
    with _explained(dest), partial_file(dest) as part:
        _check_room(part, needed_bytes=size_of(src) + size_of(wal_of(src)))
        rest = _rests(src, part) if is_in_use else lambda: None
        with _explained(src), closing(_connect(src)) as source:
            copy_pages(source, part, poll=lambda: (poll(), rest()))
        sync_file(part)
        _put_in_place(part, dest)


def _rests(src: Path, part: Path) -> Callable[[], None]:
    """What to do after each step, so that those who use the database hardly notice; raises when the disk gets full."""
    worked_since, synced_bytes, log = time.monotonic(), 0, wal_of(src)

    def rest() -> None:
        nonlocal worked_since, synced_bytes
        size_bytes = size_of(part)
        if size_bytes >= synced_bytes + SYNC_BYTES:
            sync_file(part)
            synced_bytes = size_bytes
            for path in (part, src):
                _check_room(path, needed_bytes=0)
        if size_of(log) < LONG_LOG_BYTES:
            time.sleep(min(time.monotonic() - worked_since, LONGEST_REST_S))
        worked_since = time.monotonic()

    return rest


def _check_room(path: Path, *, needed_bytes: int) -> None:
    disk = shutil.disk_usage(path.parent)
    spare_bytes = min(LEAST_FREE_BYTES, int(disk.total * LEAST_FREE_SHARE))
    if disk.free < needed_bytes + spare_bytes:
        raise StoreError(
            f"{path.parent} has {disk.free >> 20} MiB free, and a copy needs {needed_bytes >> 20} MiB more and leaves"
            f" {spare_bytes >> 20} MiB for others: make room, or choose another disk"
        )


@contextmanager
def partial_file(dest: Path) -> Iterator[Path]:
    """A private file beside `dest` to be filled and put in its place; gone afterwards, whatever happens."""
    part = dest.with_name(f".{dest.name}.{os.getpid()}-{time.monotonic_ns()}.part")
    create_private(part)
    try:
        yield part
    finally:
        for leftover in (part, part.with_name(part.name + "-journal")):
            with suppress(FileNotFoundError):
                leftover.unlink()


def copy_pages(source: Conn, part: Path, *, poll: Callable[[], object] = lambda: None) -> None:
    """Copy what `source` sees now into the empty file `part`."""
    # With the snapshot held open the steps all see the same; without, each commit would start the copy afresh.
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    with closing(sqlite3.connect(part, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = OFF")  # synced once, by the caller
        source.backup(target, pages=STEP_PAGES, progress=lambda _status, _remaining, _total: poll())
        target.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, and no log that it could be parted from
    source.execute("ROLLBACK")


def _put_in_place(part: Path, dest: Path) -> None:
    try:
        os.link(part, dest)  # unlike a rename it never replaces what came there meanwhile
    except FileExistsError:
        raise StoreError(f"{dest} exists and is not overwritten: choose another name") from None
    except OSError:  # a file system without hard links
        part.rename(dest)
    sync_file(dest.parent)


def _connect(path: Path) -> Conn:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        raise explain(exc, path) from exc
