"""Group commit: many writes in one transaction, each of which can fail alone.

A hundred callers share one sync to disk. Each write has a savepoint: one that fails takes back its own changes
and events only. Must not know about threads and queues; `writer` does.
"""

import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import trio

from asura import metrics
from asura.errors import StoreError
from asura.live import Event
from asura.store.connection import Conn
from asura.store.opening import Database
from asura.store.trouble import explain, is_grave

_WRITES = metrics.counter("asura_store_writes_total", "Writes answered; many share a commit.")
_LOST = metrics.counter("asura_store_failed_commits_total", "Transactions that could not be committed.")
_COMMIT = metrics.histogram("asura_store_commit_seconds", "From the begin of a transaction until it was durable.")


class Job:
    """One write, from its call to its answer. `task` is who waits for it; None if nobody does (any more)."""

    __slots__ = ("error", "fn", "task", "value")

    def __init__(self, fn: Callable[[Conn], Any], task: trio.lowlevel.Task | None) -> None:
        self.fn = fn
        self.task = task
        self.value: Any = None
        self.error: BaseException | None = None

    def abandon(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        """Let the caller go; the write happens all the same."""
        self.task = None
        return trio.lowlevel.Abort.SUCCEEDED

    def answer(self) -> Any:
        """What the write gave. Raises what it raised, or StoreError."""
        if self.error is None:
            return self.value
        error = self.error
        try:
            raise error
        finally:
            self.error = None
            del error, self  # a traceback that leads back to its own exception is a cycle


class Committer:
    """Runs batches of jobs on the write connection, in the thread that owns it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._conn = database.conn
        self._run = database.conn.cursor().execute  # one cursor for all: `Connection.execute` makes one each time
        self._path = database.path
        self.trouble: str | None = None

    def commit(self, jobs: Iterable[Job]) -> tuple[list[Job], list[Event]]:
        """Run `jobs` in one transaction. Gives those that were run, each with its answer, and what they emitted.

        Never raises: whatever happens becomes the answer of one job, or of all of them. The first job needs no
        savepoint, because rolling back the transaction undoes nobody else's work; for the collector's large
        batches, which mostly come alone, that saves SQLite a copy of each page.
        """
        conn, run = self._conn, self._run
        jobs = iter(jobs)
        done: list[Job] = []
        was_grave = False
        start = time.monotonic()
        try:
            run("BEGIN IMMEDIATE")
            for job in jobs:
                mark = len(conn.events)
                if done:
                    run("SAVEPOINT job")
                done.append(job)
                try:
                    job.value = job.fn(conn)
                    if len(done) > 1:
                        run("RELEASE job")
                except BaseException as exc:  # as a thread's call: whatever it is, it is its caller's
                    was_grave |= self._undo(job, exc, mark=mark, is_first=len(done) == 1)
            run("COMMIT")
        except BaseException as exc:
            done.extend(jobs)
            self._lose(done, exc)
            return done, []
        _WRITES.inc(len(done))
        _COMMIT.observe(time.monotonic() - start)
        if not was_grave:
            self.trouble = None
        events, conn.events = conn.events, []
        return done, events

    def close(self) -> None:
        """Move what is in the log into the database file, and close. Raises sqlite3.Error."""
        self._database.close()

    def _undo(self, job: Job, exc: BaseException, *, mark: int, is_first: bool) -> bool:
        """Take back what `job` did. Gives whether the database itself is in trouble; raises if all is lost."""
        del self._conn.events[mark:]
        job.value = None
        job.error = exc
        grave = is_grave(exc)
        if grave:
            job.error = explain(exc, self._path)
            job.error.__cause__ = exc
            self.trouble = str(job.error)
        # A cursor in the frames that failed would keep its statement open, and an open one blocks the commit.
        traceback.clear_frames(exc.__traceback__)
        if is_first:
            if self._conn.in_transaction:
                self._run("ROLLBACK")
            self._run("BEGIN IMMEDIATE")
        else:
            self._run("ROLLBACK TO job")  # fails if SQLite has given up the whole transaction
            self._run("RELEASE job")
        return grave

    def _lose(self, jobs: list[Job], exc: BaseException) -> None:
        """Nothing of this transaction was kept: every caller must know, even one whose own write had failed."""
        _LOST.inc()
        self._conn.events.clear()
        grave = [job.error.__cause__ for job in jobs if job.error is not None and is_grave(job.error.__cause__)]
        cause = (grave[0] if grave else None) or exc
        self.trouble = str(explain(cause, self._path))
        for job in jobs:
            job.value = None
            job.error = StoreError(f"nothing was written: {self.trouble}")
            job.error.__cause__ = cause
        try:
            if self._conn.in_transaction:
                self._run("ROLLBACK")
        except BaseException as rollback:
            self.trouble = str(explain(rollback, self._path))
