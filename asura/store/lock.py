"""The lock that keeps a second daemon off a database file.

An flock on a file beside the database: the kernel releases it however the process ends, so a stale lock can't
exist and nothing has to be cleaned up. The lock file is never deleted; a process that waited for the old one
would hold a lock on nothing.
"""

import fcntl
import os
from pathlib import Path

from asura.errors import StoreLocked
from asura.store.files import PRIVATE, give_to_owner_of_folder

LONGEST_PID = 20
"""Bytes of the lock file that are read for the holder's process id."""


class Lock:
    """The lock on the database at `path`, held from construction to `release`. Raises StoreLocked, OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".lock")
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE)
        try:
            self._take(path)
        except BaseException:
            os.close(self._fd)
            raise

    def release(self) -> None:
        """Let the lock go."""
        os.close(self._fd)

    def _take(self, path: Path) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, LONGEST_PID, 0).decode("ascii", "replace").strip() or "unknown"
            raise StoreLocked(
                f"{path} is in use by process {holder}: stop that process first, or set database.path to another file"
            ) from None
        give_to_owner_of_folder(self._fd, self.path.parent)
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
