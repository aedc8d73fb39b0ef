"""SQLite's and the system's errors in words that say what to do. Must not log or decide what happens next."""

import errno
import sqlite3
from pathlib import Path

from asura.errors import StoreError

RESTORE = "restore a backup (asura restore), or move the file away to start with an empty one"

_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, or move the database to a larger disk",
    sqlite3.SQLITE_IOERR: "the disk failed while it was read or written: look at the system's log, and free some "
    "space if the disk is full or a size limit is set",
    sqlite3.SQLITE_CORRUPT: f"the database is damaged: {RESTORE}",
    sqlite3.SQLITE_NOTADB: f"this is not an SQLite database: {RESTORE}",
    sqlite3.SQLITE_READONLY: "the database can't be written: make the file and its folder writable by the user that "
    "Asura runs as",
    sqlite3.SQLITE_CANTOPEN: "the database can't be opened: its file and its folder must be readable and writable by "
    "the user that Asura runs as",
    sqlite3.SQLITE_PERM: "the file may not be opened: make it readable and writable by the user that Asura runs as",
    sqlite3.SQLITE_BUSY: "another program holds the database: close it (an sqlite3 shell, a copy that is under way)",
    sqlite3.SQLITE_LOCKED: "another program holds the database: close it (an sqlite3 shell, a copy that is under way)",
    sqlite3.SQLITE_PROTOCOL: "the file system's locks don't work: put the database on a local disk",
    sqlite3.SQLITE_NOMEM: "there isn't enough memory",
}
_SYSTEM_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the user's disk quota is used up: free some space",
    errno.EROFS: "the file system is read-only: mount it writable, or set database.path to another folder",
    errno.EACCES: "permission denied: make the file and its folder writable by the user that Asura runs as",
    errno.EPERM: "permission denied: make the file and its folder writable by the user that Asura runs as",
    errno.ENOENT: "there is no such file or folder",
}


def is_grave(exc: BaseException | None) -> bool:
    """Whether `exc` is about the database itself (disk, damage, another program), not about one statement."""
    return isinstance(exc, sqlite3.DatabaseError) and _primary_code(exc) in _REMEDIES


def explain(exc: BaseException, path: Path) -> StoreError:
    """A StoreError that says what `exc` means for the file at `path`, with a remedy."""
    if isinstance(exc, StoreError):
        return exc
    remedy: str | None = None
    if isinstance(exc, sqlite3.Error):
        remedy = _REMEDIES.get(_primary_code(exc))
    elif isinstance(exc, OSError) and exc.errno is not None:
        remedy = _SYSTEM_REMEDIES.get(exc.errno)
    text = str(exc) or type(exc).__name__
    return StoreError(f"{path}: {remedy} ({text})" if remedy else f"{path}: {text}")


def _primary_code(exc: sqlite3.Error) -> int:
    code = getattr(exc, "sqlite_errorcode", None)  # absent from errors that Python's own module raises
    return -1 if code is None else code & 0xFF
