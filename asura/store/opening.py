"""Opening the database: lock it, look at it, and only then create, migrate and connect.

The order is the point. What is refused has not been touched: until it is clear that the file is Asura's, whole
and of a known version, it is only read.
"""

import os
import sqlite3
from pathlib import Path

import attrs

from asura.store import space
from asura.store.connection import WriteConnection, connect_writer
from asura.store.files import create_private, size_of, sync_file, wal_of
from asura.store.lock import Lock
from asura.store.migrate import upgrade
from asura.store.refusal import check_content, check_place
from asura.store.trouble import explain


@attrs.frozen(kw_only=True)
class Database:
    """An open database and the lock on it. Both belong to the thread that opened it."""

    path: Path
    conn: WriteConnection
    lock: Lock

    def close(self) -> None:
        """Move the write-ahead log into the file, close it, and let the lock go. Raises sqlite3.Error."""
        try:
            self.conn.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self.conn.close()
            self.lock.release()


def open_database(path: Path, *, synchronous: str) -> Database:
    """Lock the database at `path` and open it for writing. Raises StoreLocked, StoreError, each with a remedy."""
    try:
        check_place(path)
        lock = Lock(path)
        try:
            check_content(path)
            return Database(path=path, conn=_open(path, synchronous=synchronous), lock=lock)
        except BaseException:
            lock.release()
            raise
    except (sqlite3.Error, OSError) as exc:
        raise explain(exc, path) from exc


def _open(path: Path, *, synchronous: str) -> WriteConnection:
    is_new = not path.exists()
    if is_new:
        create_private(path)
        sync_file(path.parent)
    try:
        upgrade(path)
        space.rewrite_small(path)
        return connect_writer(path, synchronous=synchronous)
    except BaseException:
        if is_new:  # an empty file left behind would only puzzle
            _remove(path)
        raise


def _remove(path: Path) -> None:
    for leftover in (wal_of(path), path.with_name(path.name + "-shm"), path):
        if size_of(leftover) or leftover.exists():
            os.unlink(leftover)
