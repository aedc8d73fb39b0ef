"""Files that hold secrets: made private, put in place in one step, and owned by whoever owns the folder."""

import os
from pathlib import Path

PRIVATE = 0o600
"""The mode of every file that the store makes: channel secrets are in them."""


def create_private(path: Path) -> None:
    """Make an empty file that only its owner may read. Raises FileExistsError, OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        give_to_owner_of_folder(fd, path.parent)
    finally:
        os.close(fd)


def give_to_owner_of_folder(fd: int, folder: Path) -> None:
    """When root makes a file in another user's folder, make it that user's.

    Otherwise one `sudo asura restore` would leave a file that the service can't open.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(fd, owner.st_uid, owner.st_gid)


def sync_file(path: Path) -> None:
    """Make what was written to `path` durable; for a folder, the names in it."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def wal_of(path: Path) -> Path:
    """The write-ahead log that belongs to the database at `path`."""
    return path.with_name(path.name + "-wal")


def size_of(path: Path) -> int:
    """The size in bytes; 0 if there is no such file, or it can't be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
