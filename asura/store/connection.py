"""SQLite connections as Asura wants them, and the events that a write carries to its commit.

Every pragma is read back: SQLite ignores what it doesn't know or can't do. No mmap, because an I/O error would
then be a signal that ends the process. Python's own adapters and converters play no part: every table is STRICT,
and `detect_types` stays off.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asura.errors import StoreError
from asura.live import Event

Conn = sqlite3.Connection
"""What a store function takes; it neither begins nor ends a transaction on it."""

APPLICATION_ID = 0x41735552
"""Marks a file as Asura's ("AsUR", PRAGMA application_id), so that no other program's database is migrated."""

CACHED_STATEMENTS = 512
"""Prepared statements kept by a connection: more than the program has, so that none is parsed twice."""

WRITER_CACHE_KIB = 16 * 1024
"""Pages the writer keeps. The rest is one pread away in the kernel's cache."""

READER_CACHE_KIB = 4 * 1024
"""Pages one reader keeps; there are several of them."""

BUSY_TIMEOUT_MS = 5_000
"""How long to wait for another program that holds the file, such as somebody's sqlite3 shell."""

CHECKPOINT_PAGES = 1_000
"""Pages in the write-ahead log (4 MiB) after which a commit moves them into the database, which takes it 25 ms where
a ping is answered in 3; with 4,000 it took 60. The log pays only where a page is changed several times in it, and
then there are few pages: with thousands of monitors, each on pages of its own, the shorter log costs nothing."""

JOURNAL_LIMIT_BYTES = 8 * CHECKPOINT_PAGES * 4096
"""What a write-ahead log that a long read made grow is cut back to."""

_SYNCHRONOUS = {"normal": 1, "full": 2}
_TEMP_IN_MEMORY = 2

_INCOMING = """
CREATE TEMP TABLE incoming (
    monitor_id INTEGER, at INTEGER, region_id INTEGER, status INTEGER, response_ms INTEGER, dns_ms INTEGER,
    connect_ms INTEGER, tls_ms INTEGER, first_byte_ms INTEGER, transfer_ms INTEGER, status_code INTEGER, message TEXT,
    cert_expires_at INTEGER, detail TEXT, holds_s INTEGER, bucket INTEGER)
"""
"""Results on their way into the history; empty between two writes (`store/checks.py`)."""


class WriteConnection(sqlite3.Connection):
    """The one connection that writes. `events` are those emitted by the transaction that is under way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.events: list[Event] = []


def emit(conn: Conn, event: Event) -> None:
    """Have `event` published once this write is durable; it is dropped if the write is rolled back."""
    if not isinstance(conn, WriteConnection):
        raise TypeError("an event can only be emitted inside a write")
    conn.events.append(event)


def connect_writer(path: Path, *, synchronous: str) -> WriteConnection:
    """The read-write connection to an existing file, for the calling thread. Raises StoreError, sqlite3.Error."""
    conn = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
        timeout=BUSY_TIMEOUT_MS / 1000,
        factory=WriteConnection,
    )
    try:
        _set(
            conn,
            path,
            {
                "journal_mode": "wal",
                "synchronous": _SYNCHRONOUS[synchronous],
                "foreign_keys": 1,
                "wal_autocheckpoint": CHECKPOINT_PAGES,
                "journal_size_limit": JOURNAL_LIMIT_BYTES,
                "cache_size": -WRITER_CACHE_KIB,
                **_EVERYWHERE,
            },
        )
        # Debian's SQLite fills whatever is deleted with zeros, which writes a body of 100 kB once more to be rid of it.
        conn.execute("PRAGMA secure_delete = fast").fetchall()
        conn.execute(_INCOMING)
    except BaseException:
        conn.close()
        raise
    return conn


def connect_reader(path: Path) -> Conn:
    """A connection that can't write, usable from any one thread at a time. Raises StoreError, sqlite3.Error."""
    conn = sqlite3.connect(
        f"{path.as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
        timeout=BUSY_TIMEOUT_MS / 1000,
        check_same_thread=False,
    )
    try:
        _set(conn, path, {"query_only": 1, "cache_size": -READER_CACHE_KIB, **_EVERYWHERE})
    except BaseException:
        conn.close()
        raise
    return conn


_EVERYWHERE = {
    "busy_timeout": BUSY_TIMEOUT_MS,
    "mmap_size": 0,
    "temp_store": _TEMP_IN_MEMORY,
    "cell_size_check": 1,  # a damaged page is reported when it is read, not when it has spread
    "trusted_schema": 0,
}


def _set(conn: Conn, path: Path, pragmas: Mapping[str, int | str]) -> None:
    for name, value in pragmas.items():
        conn.execute(f"PRAGMA {name} = {value}").fetchall()
    for name, value in pragmas.items():
        row = conn.execute(f"PRAGMA {name}").fetchone()
        found = row[0] if row else 0  # a build without mmap has no mmap_size
        if found != value:
            raise StoreError(
                f"{path}: SQLite {sqlite3.sqlite_version} keeps {name} at {found} where {value} is needed; "
                "put the database on a local disk (not a network file system)"
            )
