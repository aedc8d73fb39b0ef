"""A look at a database from outside, whether or not a daemon uses it: for `asura doctor`. Changes nothing."""

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import attrs

from asura.store import space
from asura.store.connection import BUSY_TIMEOUT_MS
from asura.store.lock import LONGEST_PID
from asura.store.migrate import latest_version
from asura.store.refusal import check_header, check_pages, check_place, check_schema, connect_to_look
from asura.store.trouble import explain


@attrs.frozen(kw_only=True)
class Inspection:
    """What was found. `holder` is the process that uses the database; `is_new`: there is none yet."""

    is_new: bool
    holder: str | None = None
    schema_version: int = 0
    latest_version: int = attrs.field(factory=latest_version)
    size_bytes: int = 0
    stuck_bytes: int = 0
    """Free pages in a file that can't give them back, where those are more than such a file would keep."""


def inspect(path: Path) -> Inspection:
    """Check place, header, schema and every page. Raises StoreError with a remedy."""
    check_place(path)
    if not path.exists() or path.stat().st_size == 0:
        return Inspection(is_new=True)
    check_header(path)
    holder = holder_of(path)
    try:
        # Without a daemon nothing may be created beside the file, with one its log must be read.
        with closing(_connect_beside(path) if holder else connect_to_look(path)) as conn:
            version = check_schema(conn, path)
            check_pages(conn, path)
            stuck_bytes = space.stuck_bytes(conn)
    except sqlite3.Error as exc:
        raise explain(exc, path) from exc
    return Inspection(
        is_new=False,
        holder=holder,
        schema_version=version,
        size_bytes=path.stat().st_size,
        stuck_bytes=stuck_bytes,
    )


def holder_of(path: Path) -> str | None:
    """The id of the process that has the database open, or None."""
    try:
        fd = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(fd, LONGEST_PID, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(fd)
    return None


def _connect_beside(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
