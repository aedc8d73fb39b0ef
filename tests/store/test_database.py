"""Writes that share commits: what each caller gets, what is published, and what closing leaves behind."""

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from asura.errors import Conflict, StoreError
from asura.live import Event, Hub
from asura.store import writer
from asura.store.database import Conn, Store, StoreOptions, emit, open_store


def insert(conn: Conn, number: int) -> int:
    conn.execute("INSERT INTO region (id, name) VALUES (?, ?)", (number, f"r{number}"))
    return number


def insert_and_emit(conn: Conn, number: int) -> None:
    insert(conn, number)
    emit(conn, Event(kind="region.made", id=number))


def insert_then(error: BaseException) -> Callable[[Conn], None]:
    def fn(conn: Conn) -> None:
        insert_and_emit(conn, 900)
        raise error

    return fn


async def regions(store: Store) -> list[int]:
    return await store.read(lambda c: [row[0] for row in c.execute("SELECT id FROM region WHERE id > 0 ORDER BY id")])


class Held:
    """Holds the writer in the middle of a transaction, so that what follows shares the next one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._go = threading.Event()
        self._is_held = trio.Event()

    def _hold(self, _conn: Conn) -> None:
        trio.from_thread.run_sync(self._is_held.set, trio_token=self._token)
        assert self._go.wait(10)

    async def hold(self, nursery: trio.Nursery) -> None:
        self._token = trio.lowlevel.current_trio_token()
        nursery.start_soon(self._store.write, self._hold)
        await self._is_held.wait()

    def release(self) -> None:
        self._go.set()


@pytest.fixture(params=["threaded", "inline"])
async def either(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    options = StoreOptions(path=tmp_path / "asura.db")
    async with open_store(options, hub=Hub(), inline=request.param == "inline") as store:
        yield store


async def test_a_write_gives_what_its_function_gave(either: Store) -> None:
    assert await either.write(lambda c: insert(c, 7)) == 7
    assert await regions(either) == [7]


async def test_a_write_that_raises_leaves_nothing_and_raises_in_its_caller(either: Store) -> None:
    with pytest.raises(Conflict, match="taken"):
        await either.write(insert_then(Conflict("taken")))

    await either.write(lambda c: insert(c, 1))
    assert await regions(either) == [1]


async def test_a_failing_write_takes_nothing_from_those_that_share_its_commit(store: Store) -> None:
    outcomes: dict[int, str] = {}

    async def write(number: int) -> None:
        def fn(conn: Conn) -> None:
            insert(conn, number)
            if number % 3 == 0:
                raise ValueError(number)

        try:
            await store.write(fn)
            outcomes[number] = "kept"
        except ValueError as exc:
            outcomes[number] = f"lost {exc}"

    async with trio.open_nursery() as nursery:
        held = Held(store)
        await held.hold(nursery)
        for number in range(1, 31):
            nursery.start_soon(write, number)
        await trio.testing.wait_all_tasks_blocked()
        held.release()

    kept = [number for number in range(1, 31) if number % 3]
    assert await regions(store) == kept
    assert outcomes == {n: "kept" if n in kept else f"lost {n}" for n in range(1, 31)}


async def test_a_write_that_fails_with_an_open_cursor_does_not_block_the_commit(store: Store) -> None:
    def fail(conn: Conn) -> None:
        cursor = conn.execute("INSERT INTO region (id, name) VALUES (800, 'a'), (801, 'b') RETURNING id")
        cursor.fetchone()
        raise ValueError

    async def failing() -> None:
        with pytest.raises(ValueError):  # noqa: PT011
            await store.write(fail)

    async with trio.open_nursery() as nursery:
        held = Held(store)
        await held.hold(nursery)
        nursery.start_soon(store.write, lambda c: insert(c, 1))
        nursery.start_soon(failing)
        nursery.start_soon(store.write, lambda c: insert(c, 2))
        await trio.testing.wait_all_tasks_blocked()
        held.release()

    assert await regions(store) == [1, 2]


@pytest.mark.parametrize(
    ("value", "error"),
    [(1 << 63, OverflowError), (-(1 << 63) - 1, OverflowError), ("\ud800", UnicodeEncodeError), ({}, sqlite3.Error)],
    ids=["too large", "too small", "lone surrogate", "not a value"],
)
async def test_a_value_that_sqlite_cannot_hold_is_its_own_callers_error(
    store: Store, value: object, error: type[Exception]
) -> None:
    async def failing() -> None:
        with pytest.raises(error):
            await store.write(lambda c: c.execute("INSERT INTO region (id, name) VALUES (?, ?)", (5, value)))

    async with trio.open_nursery() as nursery:
        for number in range(1, 4):
            nursery.start_soon(store.write, lambda c, n=number: insert(c, n))
            nursery.start_soon(failing)

    assert await regions(store) == [1, 2, 3]


async def test_a_hundred_callers_share_commits_and_lose_nothing(store: Store) -> None:
    async def caller(first: int) -> None:
        for number in range(first, first + 9):
            await store.write(lambda c, n=number: insert(c, n))

    async with trio.open_nursery() as nursery:
        for first in range(1, 901, 9):
            nursery.start_soon(caller, first)

    assert await regions(store) == list(range(1, 901))


async def test_a_write_is_seen_by_every_read_that_begins_after_its_answer(store: Store) -> None:
    for number in range(1, 50):
        await store.write(lambda c, n=number: insert(c, n))
        assert (await regions(store))[-1] == number


async def test_foreign_keys_are_enforced(either: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await either.write(
            lambda c: c.execute(
                "INSERT INTO vote (monitor_id, region, status, effective_at, message, streak, streak_since) "
                "VALUES (99, 'local', 'up', 0, '', 1, 0)"
            )
        )


async def test_events_are_published_once_their_write_can_be_read(either: Store) -> None:
    with either.hub.subscribe("region.made") as events:
        await either.write(lambda c: insert_and_emit(c, 4))
        assert [event.id for event in events.take()] == [4]


async def test_events_of_a_write_that_failed_are_not_published(either: Store) -> None:
    with either.hub.subscribe("region.made") as events:
        with pytest.raises(ValueError, match="no"):
            await either.write(insert_then(ValueError("no")))
        await either.write(lambda c: insert_and_emit(c, 2))
        assert [event.id for event in events.take()] == [2]


async def test_events_come_in_the_order_of_the_writes(store: Store) -> None:
    with store.hub.subscribe("region.made") as events:
        async with trio.open_nursery() as nursery:
            for number in range(1, 200):
                nursery.start_soon(store.write, lambda c, n=number: insert_and_emit(c, n))
        published = [event.id for event in events.take()]

    order = await store.read(lambda c: [row[0] for row in c.execute("SELECT id FROM region WHERE id > 0")])
    assert sorted(published) == order == list(range(1, 200))  # type: ignore[type-var]


async def test_an_event_outside_a_write_is_a_mistake(either: Store) -> None:
    with pytest.raises(TypeError):
        await either.read(lambda c: emit(c, Event(kind="region.made")))


async def test_a_cancelled_caller_goes_at_once_but_its_write_and_its_event_happen(store: Store) -> None:
    with store.hub.subscribe("region.made") as events:
        async with trio.open_nursery() as nursery:
            held = Held(store)
            await held.hold(nursery)
            with trio.CancelScope() as scope:
                nursery.start_soon(_cancel_when_blocked, scope)
                await store.write(lambda c: insert_and_emit(c, 3))
            assert scope.cancelled_caught
            held.release()
        await store.write(lambda c: None)
        assert [event.id for event in events.take()] == [3]
    assert await regions(store) == [3]


async def _cancel_when_blocked(scope: trio.CancelScope) -> None:
    await trio.testing.wait_all_tasks_blocked()
    scope.cancel()


async def test_a_caller_that_is_cancelled_already_writes_nothing(either: Store) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await either.write(lambda c: insert(c, 3))

    assert scope.cancelled_caught
    assert await regions(either) == []


async def test_callers_wait_for_room_when_the_queue_is_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_QUEUED", 4)
    monkeypatch.setattr(writer, "MAX_BATCH", 2)
    async with trio.open_nursery() as nursery:
        held = Held(store)
        await held.hold(nursery)
        for number in range(1, 41):
            nursery.start_soon(store.write, lambda c, n=number: insert(c, n))
        await trio.testing.wait_all_tasks_blocked()
        assert store._writer._queued == 4  # type: ignore[attr-defined]
        held.release()

    assert await regions(store) == list(range(1, 41))


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    options = StoreOptions(path=tmp_path / "asura.db")
    async with trio.open_nursery() as nursery, open_store(options, hub=Hub()) as store:
        held = Held(store)
        await held.hold(nursery)
        for number in range(1, 21):
            nursery.start_soon(store.write, lambda c, n=number: insert(c, n))
        await trio.testing.wait_all_tasks_blocked()
        held.release()

    async with open_store(options, hub=Hub()) as store:
        assert await regions(store) == list(range(1, 21))


async def test_closing_under_cancellation_finishes_what_is_queued(tmp_path: Path) -> None:
    options = StoreOptions(path=tmp_path / "asura.db")
    with trio.CancelScope() as scope:
        async with open_store(options, hub=Hub()) as store, trio.open_nursery() as nursery:
            for number in range(1, 21):
                nursery.start_soon(store.write, lambda c, n=number: insert(c, n))
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            scope.cancel()

    async with open_store(options, hub=Hub()) as store:
        assert await regions(store) == list(range(1, 21))


async def test_a_closed_store_refuses_and_leaves_one_file(tmp_path: Path) -> None:
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub()) as store:
        await store.write(lambda c: insert(c, 1))
        await store.read(lambda c: None)

    for call in (store.write, store.read):
        with pytest.raises(StoreError, match="closed"):
            await call(lambda c: None)
    assert sorted(os.listdir(tmp_path)) == ["asura.db", "asura.db.lock"]


async def test_a_new_database_is_private(tmp_path: Path) -> None:
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub()) as store:
        await store.write(lambda c: insert(c, 1))
        for name in ("asura.db", "asura.db-wal", "asura.db-shm", "asura.db.lock"):
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name


@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
async def test_the_pragmas_are_in_force(tmp_path: Path, synchronous: str, level: int) -> None:
    options = StoreOptions(path=tmp_path / "asura.db", synchronous=synchronous)  # type: ignore[arg-type]
    async with open_store(options, hub=Hub()) as store:

        def pragma(conn: Conn, name: str) -> object:
            return conn.execute(f"PRAGMA {name}").fetchone()[0]

        names = ("journal_mode", "synchronous", "foreign_keys", "mmap_size")
        assert await store.write(lambda c: [_outside(c, name) for name in names]) == ["wal", level, 1, 0]
        assert await store.read(lambda c: pragma(c, "query_only")) == 1


def _outside(conn: Conn, name: str) -> object:
    return conn.execute(f"PRAGMA {name}").fetchone()[0]


async def test_facts_tell_size_and_version(either: Store) -> None:
    await either.write(lambda c: insert(c, 1))
    facts = either.facts()

    assert facts.healthy
    assert facts.last_error is None
    assert facts.size_bytes > 0
    assert facts.wal_bytes > 0
    assert facts.schema_version >= 1


async def test_facts_say_when_the_file_was_taken_away(store: Store) -> None:
    path = store.facts().path
    path.rename(path.with_name("elsewhere.db"))

    facts = store.facts()

    assert not facts.healthy
    assert facts.last_error is not None
    assert "moved, deleted or replaced" in facts.last_error


async def test_an_inline_store_keeps_pace_with_a_mock_clock(
    inline_store: Store, autojump_clock: trio.testing.MockClock
) -> None:
    for number in range(1, 25):
        await trio.sleep(3600)
        await inline_store.write(lambda c, n=number: insert(c, n))
        assert (await regions(inline_store))[-1] == number
    assert trio.current_time() == pytest.approx(24 * 3600)
