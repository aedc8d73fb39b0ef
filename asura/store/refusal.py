"""What is not opened, found out without changing anything: each refusal says what is wrong and what to do.

The full check of a large database takes seconds, so it isn't run at each start: after a clean stop the header,
the schema and the file's length are looked at; after an unclean one a small database is also checked page by page
(PRAGMA quick_check), and before a migration any database is.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from asura.errors import StoreError
from asura.store.connection import APPLICATION_ID, BUSY_TIMEOUT_MS, Conn
from asura.store.files import size_of, wal_of
from asura.store.migrate import latest_version
from asura.store.trouble import RESTORE, explain

MAGIC = b"SQLite format 3\0"

CHECK_LIMIT_BYTES = 64 * 1024 * 1024
"""The largest database that is checked page by page after an unclean stop; it takes a quarter of a second."""

SHOWN_PROBLEMS = 3
"""How many of quick_check's findings a message quotes."""


def check_place(path: Path) -> None:
    """Raise StoreError unless a database can be, or be made, at `path`."""
    folder = path.parent
    if not folder.is_dir():
        raise StoreError(f"{path}: the folder {folder} does not exist: create it, or set database.path to another")
    if path.is_dir():
        raise StoreError(f"{path} is a folder: set database.path to a file in it, such as {path / 'asura.db'}")
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} is not a regular file: set database.path to a file on a local disk")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(
            f"{path}: the folder {folder} can't be written: make it writable by the user that Asura runs as, "
            "or set database.path to another folder"
        )
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(
            f"{path} can't be read and written: make it so for the user that Asura runs as, "
            "or set database.path to another file"
        )


def check_content(path: Path) -> None:
    """Raise StoreError unless the file at `path` is absent, empty, or an Asura database that can be used."""
    if size_of(path) == 0:
        return
    check_header(path)
    try:
        with closing(connect_to_look(path)) as conn:
            version = check_schema(conn, path)
            is_unclean = size_of(wal_of(path)) > 0
            if version < latest_version() or (is_unclean and size_of(path) <= CHECK_LIMIT_BYTES):
                check_pages(conn, path)
    except sqlite3.Error as exc:
        raise explain(exc, path) from exc


def check_header(path: Path) -> None:
    """Raise StoreError unless the file at `path` begins as an SQLite database does."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise StoreError(
                f"{path} is not an SQLite database: give the path of another file, or if it was one, {RESTORE}"
            )


def check_schema(conn: Conn, path: Path) -> int:
    """The schema's version. Raises StoreError unless it is Asura's and no newer than this program knows."""
    conn.execute("PRAGMA schema_version").fetchone()  # reads the first page, and compares its size with the file's
    tables: int = conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    owner: int = conn.execute("PRAGMA application_id").fetchone()[0]
    if tables and owner != APPLICATION_ID:
        raise StoreError(f"{path} is the database of another program: give the path of another file")
    version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    if version > latest_version():
        raise StoreError(
            f"{path} has schema version {version}, and this Asura knows versions up to {latest_version()}: "
            "install the newer Asura again, or restore the backup made before the upgrade "
            f"({path.name}.backup-v…)"
        )
    return version


def check_pages(conn: Conn, path: Path) -> None:
    """Raise StoreError if PRAGMA quick_check finds damage; reads the whole file."""
    problems = [str(row[0]) for row in conn.execute(f"PRAGMA quick_check({SHOWN_PROBLEMS})")]
    if problems != ["ok"]:
        raise StoreError(f"{path}: the database is damaged: {RESTORE} ({'; '.join(problems)})")


def connect_to_look(path: Path) -> Conn:
    """A connection to the database at `path`, which nobody writes; it changes nothing. Raises sqlite3.Error."""
    # Without a log the file is whole by itself, and `immutable` reads it without making files beside it.
    mode = "mode=ro" if size_of(wal_of(path)) else "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
