"""Consistent copies of a database in use, and their way back.

A copy is one file without a log, complete by itself. It appears under its name only when it is whole and on disk.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from asura.errors import StoreError
from asura.store.connection import BUSY_TIMEOUT_MS, Conn
from asura.store.files import create_private, sync_file
from asura.store.trouble import explain

STEP_PAGES = 1_024
"""Pages (4 MiB) that are copied between two looks at whether to go on."""


def back_up(src: Path, dest: Path, *, poll: Callable[[], object] = lambda: None) -> None:
    """Copy the database at `src`, in use or not, to the new file `dest`; its state is that at the start.

    Reads one snapshot, so the writer goes on undisturbed (only its log grows meanwhile). `poll` is called between
    steps and may raise to give up. Raises StoreError; nothing is left at `dest` then.
    """
    if dest.exists():
        raise StoreError(f"{dest} exists and is not overwritten: choose another name")
    with _explained(dest), partial_file(dest) as part:
        with _explained(src), closing(_connect(src)) as source:
            copy_pages(source, part, poll=poll)
        sync_file(part)
        _put_in_place(part, dest)


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
