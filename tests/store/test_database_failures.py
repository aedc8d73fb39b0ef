"""Commits that fail: everybody is told, nothing is published, and the writer lives on."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import trio
import trio.testing

from asura.errors import StoreError
from asura.live import Event
from asura.store.database import Conn, Store, emit
from asura.store.files import size_of, wal_of


def spoil(conn: Conn) -> None:
    """Make the commit itself fail, by a reference to nothing that is only looked at then."""
    conn.execute("PRAGMA defer_foreign_keys = ON")
    conn.execute(
        "INSERT INTO vote (monitor_id, region, status, effective_at, message, streak, streak_since) "
        "VALUES (99, 'local', 'up', 0, '', 1, 0)"
    )


def insert(conn: Conn, number: int, size: int = 1) -> None:
    conn.execute("INSERT INTO region (id, name) VALUES (?, ?)", (number, f"{number} {'x' * size}"))
    emit(conn, Event(kind="region.made", id=number))


def count(conn: Conn) -> int:
    return int(conn.execute("SELECT count(*) FROM region WHERE id > 0").fetchone()[0])


@contextmanager
def disk_full(store: Store) -> Iterator[None]:
    """No file of this process grows beyond the write-ahead log's size now: the real system call fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(size_of(wal_of(store.facts().path)), 1), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_failing_commit_fails_every_caller_and_publishes_nothing(store: Store) -> None:
    failed: list[int] = []

    async def write(number: int) -> None:
        try:
            await store.write(lambda c: spoil(c) if number == 5 else insert(c, number))
        except StoreError:
            failed.append(number)

    with store.hub.subscribe("region.made") as events:
        async with trio.open_nursery() as nursery:
            for number in range(1, 11):
                nursery.start_soon(write, number)
        published = [event.id for event in events.take()]

    kept = await store.read(count)
    assert 5 in failed
    assert kept == len(published) == 10 - len(failed)


async def test_the_store_is_unhealthy_until_a_commit_succeeds(inline_store: Store) -> None:
    with pytest.raises(StoreError, match="nothing was written"):
        await inline_store.write(spoil)
    facts = inline_store.facts()
    assert not facts.healthy
    assert "FOREIGN KEY" in str(facts.last_error)

    await inline_store.write(lambda c: insert(c, 1))
    assert inline_store.facts().healthy


async def test_a_full_disk_fails_the_writes_with_a_remedy_and_ends_with_the_disks(store: Store) -> None:
    await store.write(lambda c: insert(c, 1))
    with store.hub.subscribe("region.made") as events:
        with disk_full(store):
            for _ in range(3):
                with pytest.raises(StoreError, match="free some space"):
                    await store.write(lambda c: insert(c, 2, size=20_000))
            assert not store.facts().healthy
        assert events.take() == []
    assert await store.read(count) == 1

    await store.write(lambda c: insert(c, 2, size=20_000))

    assert store.facts().healthy
    assert await store.read(count) == 2


async def test_a_full_disk_in_the_middle_of_a_batch_loses_all_of_it(store: Store) -> None:
    failed: list[int] = []

    async def write(number: int, size: int) -> None:
        try:
            await store.write(lambda c: insert(c, number, size))
        except StoreError:
            failed.append(number)

    await store.write(lambda c: insert(c, 1))
    with disk_full(store):
        async with trio.open_nursery() as nursery:
            for number in range(2, 30):
                nursery.start_soon(write, number, 2_000_000)  # more than the writer's cache holds: it spills

    kept = await store.read(count)
    assert kept == 1 + 28 - len(failed)
    assert len(failed) == 28
    assert await store.write(lambda c: insert(c, 2)) is None


async def test_a_function_that_ends_the_transaction_itself_does_not_end_the_writer(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.write(lambda c: c.execute("COMMIT") and None)
    await store.write(lambda c: insert(c, 1))
    assert await store.read(count) == 1


async def test_another_program_that_holds_the_file_fails_the_write_and_not_the_store(store: Store) -> None:
    await store.write(lambda c: c.execute("PRAGMA busy_timeout = 20") and None)
    with closing(sqlite3.connect(store.facts().path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds the database"):
            await store.write(lambda c: insert(c, 1))
        other.execute("ROLLBACK")

    await store.write(lambda c: insert(c, 2))
    assert await store.read(count) == 1
