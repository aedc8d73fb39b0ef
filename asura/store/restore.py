"""A backup put back in the place of the database. What was there is kept under another name."""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from asura.errors import StoreError
from asura.store import space
from asura.store.backup import copy_pages, partial_file
from asura.store.files import size_of, sync_file, wal_of
from asura.store.lock import Lock
from asura.store.refusal import check_header, check_pages, check_place, check_schema, connect_to_look
from asura.store.trouble import explain


def restore(src: Path, dest: Path) -> Path | None:
    """Replace the database at `dest` by a copy of the one at `src`, once that was checked from end to end.

    Gives where the old database was moved to, or None if there was none. An older schema is migrated when Asura
    next starts; a file that couldn't give space back can from now on (`store/space.py`). Raises StoreLocked while a
    process uses `dest`, and StoreError; `dest` is unchanged then.
    """
    src, dest = src.absolute().resolve(), dest.absolute().resolve()
    if src == dest:
        raise StoreError(f"{src} is the database itself: give the path of a backup")
    if not src.is_file():
        raise StoreError(f"{src} is not there, or not a file: give the path of a backup")
    check_place(dest)
    try:
        lock = Lock(dest)
        try:
            with partial_file(dest) as part:
                _copy_checked(src, part)
                return _exchange(part, dest)
        finally:
            lock.release()
    except OSError as exc:
        raise explain(exc, dest) from exc


def _copy_checked(src: Path, part: Path) -> None:
    check_header(src)
    try:
        with closing(connect_to_look(src)) as source:
            if check_schema(source, src) == 0:
                raise StoreError(f"{src} holds nothing: give the path of a backup that Asura has made")
            check_pages(source, src)
            copy_pages(source, part)
        space.rewrite(part)
    except sqlite3.Error as exc:
        raise explain(exc, src) from exc
    sync_file(part)


def _exchange(part: Path, dest: Path) -> Path | None:
    """Put `part` in the place of `dest`, without a moment at which neither is there."""
    kept = None
    if dest.exists():
        kept = dest.with_name(f"{dest.name}.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
        os.link(dest, kept)
        # The old log belongs to the old file; SQLite would take it for the new one's.
        if size_of(wal_of(dest)):
            wal_of(dest).rename(wal_of(kept))
    for leftover in (wal_of(dest), dest.with_name(dest.name + "-shm")):
        with suppress(FileNotFoundError):
            leftover.unlink()
    part.replace(dest)
    sync_file(dest.parent)
    return kept
