"""Durable writes a second through the store, beside what bare SQLite takes on the same disk in the same run.

`python -m bench.durable_writes [seconds for each line]`. A write is one small row, answered after a synced commit.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import attrs
import trio

from asura.live import Hub
from asura.store.database import Conn, Store, StoreOptions, open_store

CALLERS = (1, 10, 100)
INSERT = "INSERT INTO audit (at, actor, action, resource_type) VALUES (?, 'bench', 'bench.write', 'bench')"
TABLE = (
    "CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, "
    "resource_type TEXT NOT NULL) STRICT; CREATE INDEX audit_by_time ON audit (at)"
)


@attrs.frozen(kw_only=True)
class Line:
    """One measurement: writes a second, the wait for an answer in milliseconds, CPU microseconds a write."""

    what: str
    per_s: float
    median_ms: float
    p99_ms: float
    cpu_us: float


def measure(seconds: float) -> list[Line]:
    """Every line of the table, in order."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        bare = [_bare(folder / f"bare-{rows}.db", rows=rows, seconds=seconds) for rows in CALLERS]
        return bare + [trio.run(_store, folder / f"store-{callers}.db", callers, seconds) for callers in CALLERS]


def _bare(path: Path, *, rows: int, seconds: float) -> Line:
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.executescript(TABLE)
        waits: list[float] = []
        cpu, start = time.process_time(), time.perf_counter()
        while (begun := time.perf_counter()) < start + seconds:
            conn.execute("BEGIN IMMEDIATE")
            for _ in range(rows):
                conn.execute(INSERT, (len(waits),))
            conn.execute("COMMIT")
            waits.extend([time.perf_counter() - begun] * rows)
        return _line(f"bare SQLite, {rows} to a commit", waits, start, cpu)


async def _store(path: Path, callers: int, seconds: float) -> Line:
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        waits: list[float] = []
        cpu, start = time.process_time(), time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(callers):
                nursery.start_soon(_caller, store, start + seconds, waits)
        return _line(f"store, {callers} caller{'s' * (callers > 1)}", waits, start, cpu)


async def _caller(store: Store, end: float, waits: list[float]) -> None:
    write: Callable[[Conn], object] = lambda conn: conn.execute(INSERT, (1,)) and None  # noqa: E731
    while (begun := time.perf_counter()) < end:
        await store.write(write)
        waits.append(time.perf_counter() - begun)


def _line(what: str, waits: list[float], start: float, cpu: float) -> Line:
    took, used = time.perf_counter() - start, time.process_time() - cpu
    waits.sort()
    return Line(
        what=what,
        per_s=len(waits) / took,
        median_ms=waits[len(waits) // 2] * 1000,
        p99_ms=waits[len(waits) * 99 // 100] * 1000,
        cpu_us=used / len(waits) * 1e6,
    )


def main() -> None:
    """Print the table."""
    lines = measure(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
    print(f"{'durable writes (synchronous=FULL)':36}{'a second':>10}{'median ms':>11}{'p99 ms':>9}{'CPU µs':>9}")
    for line in lines:
        print(f"{line.what:36}{line.per_s:10,.0f}{line.median_ms:11.2f}{line.p99_ms:9.2f}{line.cpu_us:9.1f}")


if __name__ == "__main__":
    main()
