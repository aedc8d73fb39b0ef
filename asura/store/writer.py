"""The one writer: a thread of its own with the only read-write connection, which does every write and checkpoint.

What is queued commits together (`commit`). A caller is answered when its transaction is durable; the answers of a
batch cross over to the trio thread in one go, because a hop for each would cost more than the writes themselves.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import trio

from asura.errors import StoreError
from asura.live import Event, Hub
from asura.store.commit import Committer, Job
from asura.store.connection import Conn
from asura.store.opening import Database
from asura.store.trouble import explain

T = TypeVar("T")

MAX_QUEUED = 8_192
"""Writes that may wait for the writer, about a quarter of a second of them. Beyond that callers wait for room, so
that a disk that stalls makes the program slow and not large."""

MAX_BATCH = 1_000
"""Writes that share one transaction; more would gain nothing and answer the first of them late."""

MAX_BATCH_S = 0.02
"""How long a transaction takes in more work, for the same reason."""

CLOSE_LIMIT_S = 30.0
"""How long closing waits for the last commit and checkpoint; a disk that is stuck must not keep the process."""

CLOSED = "the store is closed"


class Writer(Protocol):
    """What the store needs of a writer, be it a thread or, in tests, the caller."""

    @property
    def trouble(self) -> str | None:
        """Why the last commit failed; None if it didn't."""
        ...

    async def write(self, fn: Callable[[Conn], T]) -> T:
        """Run `fn` in a transaction; see `Store.write`."""
        ...

    async def close(self) -> None:
        """Finish what is queued, move the log into the database, and close the connection."""
        ...


class ThreadWriter:
    """The writer as a thread. `opener` opens the database, in that thread."""

    def __init__(self, opener: Callable[[], Database], *, path: Path, hub: Hub) -> None:
        self._opener = opener
        self._path = path
        self._hub = hub
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._queued = 0  # only the trio thread counts
        self._room = trio.lowlevel.ParkingLot()
        self._token = trio.lowlevel.current_trio_token()
        self._committer: Committer | None = None
        self._opened = trio.Event()
        self._ended = trio.Event()
        self._closing = False
        self._failure: BaseException | None = None
        # A daemon thread, so that a disk that is stuck can't keep the process from ending. SQLite survives that.
        self._thread = threading.Thread(target=self._main, name="asura-writer", daemon=True)

    @property
    def trouble(self) -> str | None:
        """Why the last commit failed; None if it didn't."""
        return self._committer.trouble if self._committer is not None else None

    async def start(self) -> None:
        """Start the thread and wait until its connection is open. Raises what `opener` raises."""
        self._thread.start()
        with trio.CancelScope(shield=True):  # a migration can't be left half way
            await self._opened.wait()
        if self._failure is not None:
            raise self._failure

    async def write(self, fn: Callable[[Conn], T]) -> T:
        """Run `fn` in the next transaction; see `Store.write`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while self._queued >= MAX_QUEUED and not self._closing:
            await self._room.park()
        if self._closing:
            raise StoreError(CLOSED)
        job = Job(fn, trio.lowlevel.current_task())
        self._queued += 1
        self._queue.put(job)
        await trio.lowlevel.wait_task_rescheduled(job.abandon)
        value: T = job.answer()
        return value

    async def close(self) -> None:
        """Finish what is queued, checkpoint and end the thread. Raises StoreError if the disk doesn't let it."""
        self._closing = True
        self._room.unpark_all()
        self._queue.put(None)
        with trio.move_on_after(CLOSE_LIMIT_S, shield=True):
            await self._ended.wait()
        if not self._ended.is_set():
            raise StoreError(f"{self._path}: the disk did not finish the last write within {CLOSE_LIMIT_S:.0f} s")
        if self._failure is not None:
            raise explain(self._failure, self._path) from self._failure

    def _main(self) -> None:
        """The thread: open, commit batches until told to stop, close."""
        try:
            committer = self._committer = Committer(self._opener())
        except BaseException as exc:
            self._failure = exc
            self._tell(self._opened.set)
            return
        self._tell(self._opened.set)
        while (first := self._queue.get()) is not None:
            jobs, events = committer.commit(self._batch(first))
            self._tell(self._answer, jobs, events)
            del jobs, events, first  # the callers' values are theirs; don't hold them while waiting
        try:
            committer.close()
        except BaseException as exc:
            self._failure = exc
        self._tell(self._ended.set)

    def _batch(self, first: Job) -> Iterator[Job]:
        """`first`, and what else is queued by the time it is asked for, up to the limits."""
        yield first
        deadline = time.monotonic() + MAX_BATCH_S
        get = self._queue.get_nowait
        try:
            for _ in range(MAX_BATCH - 1):
                if time.monotonic() >= deadline:
                    return
                job = get()
                if job is None:
                    self._queue.put(None)  # closing; nothing is queued behind it
                    return
                yield job
        except queue.Empty:
            return

    def _answer(self, jobs: list[Job], events: list[Event]) -> None:
        """Publish what was committed, then wake the callers; in the trio thread."""
        for event in events:
            self._hub.publish(event)
        self._queued -= len(jobs)
        for job in jobs:
            if job.task is not None:
                trio.lowlevel.reschedule(job.task)
                job.task = None
        if self._room:
            self._room.unpark(count=max(0, MAX_QUEUED - self._queued))

    def _tell(self, fn: Callable[..., object], *args: object) -> None:
        try:
            self._token.run_sync_soon(fn, *args)
        except trio.RunFinishedError:  # trio itself has crashed: nobody is left to be told
            return


class InlineWriter:
    """The writer without a thread: each write runs and commits in its caller. For tests whose clock is not real."""

    def __init__(self, database: Database, *, hub: Hub) -> None:
        self._committer = Committer(database)
        self._hub = hub
        self._closed = False

    @property
    def trouble(self) -> str | None:
        """Why the last commit failed; None if it didn't."""
        return self._committer.trouble

    async def write(self, fn: Callable[[Conn], T]) -> T:
        """Run `fn` in a transaction of its own; see `Store.write`."""
        await trio.lowlevel.checkpoint()
        if self._closed:
            raise StoreError(CLOSED)
        job = Job(fn, None)
        _jobs, events = self._committer.commit((job,))
        for event in events:
            self._hub.publish(event)
        value: T = job.answer()
        return value

    async def close(self) -> None:
        """Checkpoint and close the connection."""
        self._closed = True
        self._committer.close()
