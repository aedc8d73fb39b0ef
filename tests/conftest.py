"""What many tests need: a real store on a real file, and a clock that a test can move."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from asura.clock import TrioClock
from asura.live import Hub
from asura.store.connection import WriteConnection
from asura.store.database import Store, StoreOptions, open_store
from asura.store.opening import Database, open_database

# No deadline for an example: a busy machine is no failure.
settings.register_profile("asura", deadline=None)
settings.load_profile("asura")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """The store as it really runs: a writer thread, readers, a file."""
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub()) as opened:
        yield opened


@pytest.fixture
async def inline_store(tmp_path: Path) -> AsyncIterator[Store]:
    """The store without threads, because a mock clock does not wait for threads."""
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub(), inline=True) as opened:
        yield opened


@pytest.fixture
async def clock() -> TrioClock:
    """A wall clock that moves with trio's."""
    return TrioClock()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database that a module's tests share; use `conn`."""
    opened = open_database(tmp_path_factory.mktemp("database") / "asura.db", synchronous="normal")
    yield opened
    opened.close()


@pytest.fixture
def conn(database: Database) -> Iterator[WriteConnection]:
    """The writer's connection inside a transaction that is rolled back at the end: for what runs inside a write."""
    database.conn.execute("BEGIN IMMEDIATE")
    yield database.conn
    database.conn.execute("ROLLBACK")
    database.conn.events.clear()
