"""Readers: a few connections that can't write, each in a thread while it reads.

They have a limiter of their own, so that slow reads and slow name lookups don't wait for each other's threads. A
read whose caller is cancelled is interrupted inside SQLite and its connection is used again; abandoning the
thread instead would keep its slot, and the log from being emptied, for as long as the query takes.
"""

import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import trio

from asura.errors import StoreError
from asura.store.backup import back_up
from asura.store.connection import Conn, connect_reader
from asura.store.trouble import explain, is_grave
from asura.store.writer import CLOSED

T = TypeVar("T")

POLL_EVERY = 10_000
"""Steps of SQLite's machine (about a millisecond) between two looks at whether the caller is still there."""

CLOSE_LIMIT_S = 10.0
"""How long closing waits for reads that are under way."""


class Readers(Protocol):
    """What the store needs of its readers."""

    async def read(self, fn: Callable[[Conn], T]) -> T:
        """Run `fn` in one snapshot; see `Store.read`."""
        ...

    async def backup(self, dest: Path) -> None:
        """Copy the database; see `Store.backup`."""
        ...

    async def close(self) -> None:
        """Close the connections once nobody reads."""
        ...


class ThreadReaders:
    """At most `limit` connections, opened when they are first needed."""

    def __init__(self, path: Path, *, limit: int) -> None:
        self._path = path
        self._limiter = trio.CapacityLimiter(limit)
        self._backup_limiter = trio.CapacityLimiter(1)  # two copies at once would only be slower
        self._idle: list[Conn] = []
        self._closed = False

    async def read(self, fn: Callable[[Conn], T]) -> T:
        """Run `fn` in one snapshot, in a thread; see `Store.read`."""
        if self._closed:
            raise StoreError(CLOSED)
        return await trio.to_thread.run_sync(self._run, fn, limiter=self._limiter, thread_name="asura-reader")

    async def backup(self, dest: Path) -> None:
        """Copy the database, on a connection of its own in a thread; see `Store.backup`."""
        if self._closed:
            raise StoreError(CLOSED)
        copy = functools.partial(back_up, self._path, dest, poll=trio.from_thread.check_cancelled)
        await trio.to_thread.run_sync(copy, limiter=self._backup_limiter, thread_name="asura-backup")

    async def close(self) -> None:
        """Let the reads that are under way end, then close the connections."""
        self._closed = True
        with trio.move_on_after(CLOSE_LIMIT_S, shield=True):
            for _ in range(int(self._limiter.total_tokens)):
                await self._limiter.acquire_on_behalf_of(object())
        for conn in self._idle:
            conn.close()
        self._idle.clear()

    def _run(self, fn: Callable[[Conn], T]) -> T:
        try:
            conn = self._idle.pop()
        except IndexError:
            conn = self._connect()
        try:
            value = read_once(conn, fn, path=self._path)
        except BaseException as exc:
            self._give_back(conn)
            if isinstance(exc, sqlite3.Error) and getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                trio.from_thread.check_cancelled()  # this is why: raises Cancelled
            raise
        self._give_back(conn)
        return value

    def _connect(self) -> Conn:
        try:
            conn = connect_reader(self._path)
        except sqlite3.Error as exc:
            raise explain(exc, self._path) from exc
        conn.set_progress_handler(_is_cancelled, POLL_EVERY)
        return conn

    def _give_back(self, conn: Conn) -> None:
        if conn.in_transaction or self._closed:
            conn.close()
        else:
            self._idle.append(conn)


class InlineReaders:
    """One connection, used in the caller's thread. For tests whose clock is not real."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._conn: Conn | None = None
        self._closed = False

    async def read(self, fn: Callable[[Conn], T]) -> T:
        """Run `fn` in one snapshot; see `Store.read`."""
        await trio.lowlevel.checkpoint()
        if self._closed:
            raise StoreError(CLOSED)
        if self._conn is None:
            self._conn = connect_reader(self._path)
        return read_once(self._conn, fn, path=self._path)

    async def backup(self, dest: Path) -> None:
        """Copy the database; see `Store.backup`."""
        await trio.lowlevel.checkpoint()
        back_up(self._path, dest)

    async def close(self) -> None:
        """Close the connection."""
        self._closed = True
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def read_once(conn: Conn, fn: Callable[[Conn], T], *, path: Path) -> T:
    """What `fn` gives, all of it read from one snapshot. Raises what `fn` raises; StoreError for trouble below."""
    try:
        conn.execute("BEGIN")
        return fn(conn)
    except sqlite3.DatabaseError as exc:
        if is_grave(exc) and exc.sqlite_errorcode != sqlite3.SQLITE_READONLY:  # that would be a write: a bug of ours
            raise explain(exc, path) from exc
        raise
    finally:
        _end(conn)


def _end(conn: Conn) -> None:
    try:
        conn.execute("ROLLBACK")
    except sqlite3.Error:
        return  # still in a transaction, or never in one; the caller looks


def _is_cancelled() -> int:
    """SQLite's progress handler: not 0 ends the query."""
    try:
        trio.from_thread.check_cancelled()
    except trio.Cancelled:
        return 1
    return 0
