"""Giving disk space back: the pages that deleted rows leave behind go from the end of the file, slice by slice.

SQLite can do that only in a file that knows for each page what refers to it (`auto_vacuum`), which is settled before
the first table. `VACUUM` brings an older file over, but writes all of it anew while nobody may use it; so that is
done where it takes a moment, and otherwise by `asura restore`. Keeping book of the pages costs 1 to 3 % of the CPU time
of recording checks of 2,000 monitors.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from asura.store import slices
from asura.store.connection import BUSY_TIMEOUT_MS, Conn
from asura.store.files import size_of
from asura.store.slices import Slice

INCREMENTAL = 2
"""PRAGMA auto_vacuum: pages are given back when asked for, not by every commit."""

BEGIN_SHARE, END_SHARE = 0.2, 0.1
"""Of the file's pages that may be free: giving back begins beyond the one and ends at the other. Some are left for what
is written next, and a file that is pruned every hour isn't cut back and made longer every hour."""
LEAST_PAGES = 4_096
"""16 MiB: fewer free pages are not worth the trouble."""

PAGES_A_STEP = 16
PAGES_A_SLICE = 256
"""1 MiB. Each page that moves is written to the log and later to the file: the commit and a checkpoint pay for it."""

REWRITE_LIMIT_BYTES = 64 * 1024 * 1024
"""The largest older database that is rewritten when it is opened: some tenths of a second, once."""


def prepare(conn: Conn) -> None:
    """Let a database that has no table yet be one that can give space back."""
    conn.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")


def can_shrink(conn: Conn) -> bool:
    """Whether the database is such a one."""
    return bool(conn.execute("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL)


def stuck_bytes(conn: Conn) -> int:
    """What is free in the file of an older database beyond what would be given back; 0 where it can be."""
    free, pages = _pages(conn)
    if can_shrink(conn) or free < LEAST_PAGES or free <= BEGIN_SHARE * pages:
        return 0
    return int(free * conn.execute("PRAGMA page_size").fetchone()[0])


def rewrite_small(path: Path) -> None:
    """Make a small older database one that can give space back. The caller holds the lock.

    It stays as it was if the disk has no room for a second one. Raises sqlite3.Error.
    """
    if size_of(path) <= REWRITE_LIMIT_BYTES:
        rewrite(path)


def rewrite(path: Path) -> None:
    """Make an older database, which nobody uses, one that can give space back, if there is room for a second one."""
    conn = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
    with closing(conn):
        if can_shrink(conn):
            return
        prepare(conn)
        if size_of(path) <= REWRITE_LIMIT_BYTES:  # there may be no folder for temporary files, as in a container
            conn.execute("PRAGMA temp_store = MEMORY")
        try:
            conn.execute("VACUUM")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise


def give_back() -> Slice:
    """A slice that gives free pages back, until few enough are left; answers how many pages it gave."""
    has_begun = False

    def step(conn: Conn) -> int | None:
        nonlocal has_begun
        free, pages = _pages(conn)
        share = END_SHARE if has_begun else BEGIN_SHARE
        if free < LEAST_PAGES or free <= share * pages or not can_shrink(conn):
            return None
        has_begun = True
        for _ in range(PAGES_A_STEP):  # the sqlite3 module ends this statement after one page, whatever it is asked for
            conn.execute("PRAGMA incremental_vacuum(1)")
        return free - _pages(conn)[0] or None

    return slices.held(step, limit=PAGES_A_SLICE)


def _pages(conn: Conn) -> tuple[int, int]:
    """How many pages of the file are free, and how many there are."""
    return (conn.execute("PRAGMA freelist_count").fetchone()[0], conn.execute("PRAGMA page_count").fetchone()[0])
