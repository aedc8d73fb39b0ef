"""The store: one SQLite file behind two calls, `write` and `read`.

Both take a plain function `fn(conn, …)` and own the transaction around it. Nothing else in the program opens a
connection, begins or ends a transaction, or knows about threads. `inline=True` does everything in the caller's
thread, for tests with a mock clock, which waits for no thread.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeVar

import attrs

from asura.live import Hub
from asura.store.connection import Conn, emit
from asura.store.files import size_of, wal_of
from asura.store.migrate import latest_version
from asura.store.opening import open_database
from asura.store.readers import InlineReaders, Readers, ThreadReaders
from asura.store.writer import InlineWriter, ThreadWriter, Writer

__all__ = ["Conn", "Store", "StoreFacts", "StoreOptions", "emit", "open_store"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class StoreOptions:
    """Where the database is, and how it is used."""

    path: Path
    max_read_conns: int = attrs.field(default=4, validator=attrs.validators.ge(1))
    synchronous: Literal["full", "normal"] = "full"


@attrs.frozen(kw_only=True)
class StoreFacts:
    """How the store is. `wal_bytes` is the write-ahead log, whose content is part of the database."""

    path: Path
    size_bytes: int
    wal_bytes: int
    schema_version: int
    healthy: bool
    last_error: str | None


class Store:
    """An open database. Made by `open_store`."""

    def __init__(self, path: Path, *, hub: Hub, writer: Writer, readers: Readers) -> None:
        self.hub = hub
        self._path = path
        self._writer = writer
        self._readers = readers
        self._file = path.stat()

    async def write(self, fn: Callable[[Conn], T]) -> T:
        """Give what `fn(conn)` gives, once all that it wrote is durable.

        `fn` runs in a thread, in a transaction shared with other writes; what it raises takes back what it alone
        did, and is raised here. If the caller is cancelled while it waits, the write happens all the same and its
        events are published. Raises StoreError when the transaction can't commit: nothing was written then.
        """
        return await self._writer.write(fn)

    async def read(self, fn: Callable[[Conn], T]) -> T:
        """Give what `fn(conn)` gives; it runs in a thread and sees one consistent snapshot.

        Cancelling interrupts the query that is running. Raises what `fn` raises, StoreError for trouble below.
        """
        return await self._readers.read(fn)

    async def backup(self, dest: Path) -> None:
        """Write a consistent copy to `dest`, which must not exist; writing goes on meanwhile. Raises StoreError."""
        await self._readers.backup(dest)

    def facts(self) -> StoreFacts:
        """How the store is now; looks at the files' sizes, no more."""
        trouble = self._writer.trouble
        if trouble is None and not self._is_in_place():
            trouble = f"{self._path} was moved, deleted or replaced while it was in use: stop Asura and put it back"
        return StoreFacts(
            path=self._path,
            size_bytes=size_of(self._path),
            wal_bytes=size_of(wal_of(self._path)),
            schema_version=latest_version(),
            healthy=trouble is None,
            last_error=trouble,
        )

    def _is_in_place(self) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (self._file.st_dev, self._file.st_ino)


@asynccontextmanager
async def open_store(options: StoreOptions, *, hub: Hub, inline: bool = False) -> AsyncIterator[Store]:
    """The database at `options.path`, made if it is new, migrated if it is old; closed on leaving.

    Raises StoreLocked if another process has it, and StoreError, with a remedy and without having changed the
    file, if it is damaged, not Asura's, newer than this program, or can't be written.
    """
    path = options.path.absolute().resolve()
    writer, readers = await (_start_inline if inline else _start_threads)(path, options, hub)
    try:
        yield Store(path, hub=hub, writer=writer, readers=readers)
    finally:
        await readers.close()
        await writer.close()


async def _start_threads(path: Path, options: StoreOptions, hub: Hub) -> tuple[Writer, Readers]:
    writer = ThreadWriter(lambda: open_database(path, synchronous=options.synchronous), path=path, hub=hub)
    await writer.start()
    return writer, ThreadReaders(path, limit=options.max_read_conns)


async def _start_inline(path: Path, options: StoreOptions, hub: Hub) -> tuple[Writer, Readers]:
    writer = InlineWriter(open_database(path, synchronous=options.synchronous), hub=hub)
    return writer, InlineReaders(path)
