"""Reads: one snapshot each, no writing, and a query that ends when its caller does."""

import sqlite3
from pathlib import Path

import pytest
import trio

from asura.live import Hub
from asura.store.database import Conn, Store, StoreOptions, open_store

ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await store.read(lambda c: c.execute("INSERT INTO region (id, name) VALUES (1, 'a')"))


async def test_a_read_sees_one_snapshot_while_writes_go_on(store: Store) -> None:
    def count(conn: Conn) -> int:
        return int(conn.execute("SELECT count(*) FROM region").fetchone()[0])

    token = trio.lowlevel.current_trio_token()

    def twice(conn: Conn) -> tuple[int, int]:
        before = count(conn)
        trio.from_thread.run(
            store.write, lambda c: c.execute("INSERT INTO region (id, name) VALUES (1, 'a')") and None, trio_token=token
        )
        return before, count(conn)

    assert await store.read(twice) == (1, 1)
    assert await store.read(count) == 2


async def test_cancelling_ends_a_query_and_its_connection_is_used_again(tmp_path: Path) -> None:
    used: list[int] = []
    async with open_store(StoreOptions(path=tmp_path / "asura.db", max_read_conns=1), hub=Hub()) as store:
        for _ in range(3):
            started = trio.Event()

            def endless(conn: Conn, started: trio.Event = started) -> None:
                used.append(id(conn))
                trio.from_thread.run_sync(started.set)
                conn.execute(ENDLESS).fetchone()

            with trio.fail_after(10):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(store.read, endless)
                    await started.wait()
                    nursery.cancel_scope.cancel()
            assert await store.read(lambda c: c.execute("SELECT 1").fetchone()) == (1,)

    assert len(set(used)) == 1


async def test_a_deadline_ends_a_query(store: Store) -> None:
    with trio.fail_after(10), trio.move_on_after(0.05) as scope:
        await store.read(lambda c: c.execute(ENDLESS).fetchone())
    assert scope.cancelled_caught


async def test_slow_reads_hold_up_neither_writes_nor_other_threads(tmp_path: Path) -> None:
    async with open_store(StoreOptions(path=tmp_path / "asura.db", max_read_conns=2), hub=Hub()) as store:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for _ in range(60):  # more than trio's own forty threads
                    nursery.start_soon(store.read, lambda c: c.execute(ENDLESS).fetchone())
                await trio.to_thread.run_sync(lambda: None)
                await store.write(lambda c: c.execute("INSERT INTO region (id, name) VALUES (1, 'a')"))
                nursery.cancel_scope.cancel()


async def test_a_read_that_raises_leaves_its_connection_usable(tmp_path: Path) -> None:
    async with open_store(StoreOptions(path=tmp_path / "asura.db", max_read_conns=1), hub=Hub()) as store:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await store.read(lambda c: 1 / 0)
            with pytest.raises(sqlite3.OperationalError, match="no such table"):
                await store.read(lambda c: c.execute("SELECT a FROM nowhere"))
        assert await store.read(lambda c: c.execute("SELECT 1").fetchone()) == (1,)
