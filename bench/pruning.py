"""How long a write waits while a large monitor is pruned, deleted, and its pages are given back.

    python -m bench.pruning [--rows 2000000] [--callers 64] [--seconds 15] [--cold] [--database PATH]

One monitor has `--rows` single checks, one a second, with their rollups, a thousand ping bodies of 100 kB and a
thousand incidents; they are put in with plain SQL, a hundred million in two minutes, and `--database` keeps the file.
The store is the real one. Callers record checks at random moments, some ten a second each, and what counts is the
longest wait of any of them in each phase: none may be longer than 50 ms. On a busy machine look at the longest hold
too: what one transaction took from its beginning until it was durable, and the CPU time in it. `--cold` drops the file
from the kernel's cache twice a second, as if it were larger than the memory.
"""

import argparse
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

import attrs
import trio

from asura.clock import SystemClock
from asura.ids import MonitorId
from asura.incidents import ledger
from asura.live import Event, Hub
from asura.model.monitor import Monitor, Status
from asura.model.observation import Observation, Outcome
from asura.retention import service
from asura.retention.service import Keep
from asura.scheduler import changes
from asura.store import clearing, space
from asura.store.commit import Committer, Job
from asura.store.database import Conn, Store, StoreOptions, open_store

BASE_URL = "http://asura.test"
PACE_S = 0.1
"""Between two writes of one caller, about. At random, else all would meet in one commit and wait for each other."""
LARGE = 1
"""The id of the monitor that is pruned and deleted; the callers' follow."""
BODIES, INCIDENTS, LINES = 1000, 1000, 20
"""Ping bodies, incidents, and lines of the timeline of each."""
FOREVER_DAYS = 36_500

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {})"
_FILL = (
    "INSERT INTO check_result (monitor_id, checked_at, region_id, status, response_ms, dns_ms, connect_ms, tls_ms,"
    f" first_byte_ms, transfer_ms, status_code) {_NUMBERS.format(':rows')}"
    " SELECT :id, :now - (:rows - i) * 1000, 0, 0, 20 + i % 50, 1, 2, 8, 9, 1, 200 FROM n",
    f"INSERT INTO ping (monitor_id, number, at, kind, method, remote_addr, user_agent) {_NUMBERS.format(100_000)}"
    " SELECT :id, i, :now - (100000 - i) * 1000, 0, 'GET', '192.0.2.1', 'curl/8.5.0' FROM n",
    f"INSERT INTO ping_body (monitor_id, number, body, is_cut) {_NUMBERS.format(BODIES)}"
    f" SELECT :id, 100000 - {BODIES} + i, hex(randomblob(50000)), 0 FROM n",
    f"INSERT INTO incident (monitor_id, status, cause, started_at, resolved_at, evidence) {_NUMBERS.format(INCIDENTS)}"
    " SELECT :id, 'resolved', 'down', :now - i * 60000, :now - i * 60000 + 30000, '[]' FROM n",
    f"INSERT INTO incident_event (incident_id, type, at, message) {_NUMBERS.format(LINES)}"
    " SELECT incident.id, 'reminded', 0, 'still down: connection refused after 2 ms' FROM incident, n",
)
_ROLL_UP = (
    "INSERT INTO rollup (monitor_id, span_s, start_at, region_id, up, degraded, down, timed, sum_ms, min_ms, max_ms)"
    f" {_NUMBERS.format(':rows / :span + 1')} SELECT :id, :span, (:now / (:span * 1000) - i) * :span * 1000, 0, :span,"
    " 0, 0, :span, 45 * :span, 20, 69 FROM n"
)


@attrs.define
class Meter:
    """The waits of the callers, and how long the writer was held: from a transaction's begin until it was durable."""

    waits_ms: list[float] = attrs.Factory(list)
    holds_ms: list[tuple[float, float]] = attrs.Factory(list)
    """By the clock, and in CPU time."""

    def watch(self) -> None:
        """Look at every transaction of every store from now on."""
        commit = Committer.commit

        def watched(committer: Committer, jobs: Iterable[Job]) -> tuple[list[Job], list[Event]]:
            began, cpu = time.perf_counter(), time.thread_time()
            answer = commit(committer, jobs)
            self.holds_ms.append(((time.perf_counter() - began) * 1000, (time.thread_time() - cpu) * 1000))
            return answer

        Committer.commit = watched  # type: ignore[method-assign]

    async def phase(self, name: str, work: Callable[[], Awaitable[str]]) -> None:
        """Do `work` and print what the callers waited meanwhile."""
        self.waits_ms.clear()
        self.holds_ms.clear()
        began = time.monotonic()
        done = await work()
        took_s = time.monotonic() - began
        await trio.sleep(0.2)  # a last write that it made wait
        waits = sorted(self.waits_ms)
        print(
            f"{name:28}{took_s:7.1f}{len(waits) / (took_s + 0.2):10,.0f}{waits[len(waits) // 2]:11.2f}"
            f"{waits[len(waits) * 99 // 100]:9.2f}{waits[-1]:9.2f}"
            f"{max(hold for hold, _ in self.holds_ms):10.2f}{max(cpu for _, cpu in self.holds_ms):9.2f}   {done}",
            flush=True,
        )


def fill(path: Path, *, rows: int) -> None:
    """Give the large monitor its past."""
    now = int(time.time() * 1000)
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
            conn.execute(f"PRAGMA {pragma}").fetchall()
        conn.execute("BEGIN")
        for statement in _FILL:
            conn.execute(statement, {"rows": rows, "id": LARGE, "now": now})
        for span in (300, 3600, 86400):
            conn.execute(_ROLL_UP, {"rows": rows, "id": LARGE, "now": now, "span": span})
        conn.execute("COMMIT")


async def create(path: Path, *, callers: int) -> None:
    """A database with the large monitor and one for each caller."""

    def write(conn: Conn) -> None:
        for number in range(callers + 1):
            monitor = Monitor(id=MonitorId(0), name=f"m{number}", type="http", target="http://host.example/")
            changes.create(conn, monitor, now_ms=int(time.time() * 1000))

    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(write)


def make(path: Path, *, rows: int, callers: int) -> None:
    """The database, unless it is there."""
    if path.exists():
        return
    trio.run(partial(create, path, callers=callers))
    began = time.monotonic()
    fill(path, rows=rows)
    os.sync()  # else the kernel would still be writing all this while others wait for the disk
    print(f"made {rows:,} checks in {time.monotonic() - began:.0f} s: {mib(path):,.0f} MiB")


def mib(path: Path) -> float:
    """The size of a file."""
    return path.stat().st_size / 2**20


async def call(store: Store, monitor_id: int, meter: Meter) -> None:
    """Record one check after another, each in a write of its own."""
    clock = SystemClock()

    def record(conn: Conn) -> None:
        now_ms = clock.now_ms()
        outcome = Outcome(status=Status.UP, response_ms=40)
        seen = Observation(monitor_id=MonitorId(monitor_id), config_version=1, checked_at=now_ms, outcome=outcome)
        ledger.record(conn, [seen], now_ms=now_ms, base_url=BASE_URL)

    while True:
        began = time.perf_counter()
        await store.write(record)
        meter.waits_ms.append((time.perf_counter() - began) * 1000)
        await trio.sleep(PACE_S * random.uniform(0.5, 1.5))


async def drop_from_cache(path: Path) -> None:
    """Take the file out of the kernel's cache, again and again."""
    fd = os.open(path, os.O_RDONLY)
    while True:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        await trio.sleep(0.5)


async def measure(path: Path, copy: Path, *, rows: int, callers: int, seconds: float, is_cold: bool) -> None:
    """Every phase, with the callers at work."""
    meter = Meter()
    meter.watch()
    async with open_store(StoreOptions(path=path), hub=Hub()) as store, trio.open_nursery() as nursery:
        for number in range(callers):
            nursery.start_soon(call, store, LARGE + 1 + number, meter)
        if is_cold:
            nursery.start_soon(drop_from_cache, path)
        await trio.sleep(1)
        half = Keep(raw_days=max(1, rows // 2 // 86_400), days=FOREVER_DAYS, period_s=60)
        whole = attrs.evolve(half, raw_days=FOREVER_DAYS)
        await meter.phase("nothing else", partial(_rest, seconds))
        await meter.phase("pruning half of its checks", partial(_prune, store, half, seconds))
        await meter.phase("a backup", partial(_back_up, path, copy))
        await meter.phase("deleting it", partial(_delete, store))
        await meter.phase("pruning what it left", partial(_prune, store, whole, seconds))
        await meter.phase("giving pages back", partial(_give_back, store, path, seconds))
        nursery.cancel_scope.cancel()


async def _rest(seconds: float) -> str:
    await trio.sleep(seconds)
    return ""


async def _prune(store: Store, keep: Keep, seconds: float) -> str:
    began, stopping = time.monotonic(), trio.Event()
    trio.lowlevel.spawn_system_task(_stop, stopping, seconds)
    deleted = await service.prune_once(store, SystemClock(), keep=keep, stopping=stopping)
    return f"{deleted:,} rows, {deleted / (time.monotonic() - began):,.0f} a second"


async def _stop(stopping: trio.Event, seconds: float) -> None:
    await trio.sleep(seconds)
    stopping.set()


async def _back_up(path: Path, copy: Path) -> str:
    began = time.monotonic()
    # As `asura backup` does it: in a process of its own.
    script = "import sys, pathlib; from asura.store.backup import back_up; back_up(*map(pathlib.Path, sys.argv[1:]))"
    await trio.run_process([sys.executable, "-c", script, str(path), str(copy)])
    size, took_s = mib(copy), time.monotonic() - began
    await trio.to_thread.run_sync(os.sync)
    return f"{size:,.0f} MiB, {size / took_s:,.0f} a second"


async def _delete(store: Store) -> str:
    now_ms = SystemClock().now_ms()
    await service.clear(store, clearing.of_monitors([LARGE]))
    await store.write(lambda conn: changes.delete(conn, LARGE, by="bench", now_ms=now_ms, base_url=BASE_URL))
    return f"with {INCIDENTS:,} incidents"


async def _give_back(store: Store, path: Path, seconds: float) -> str:
    before, one, until = mib(path), space.give_back(), time.monotonic() + seconds
    pages = 0
    while time.monotonic() < until and (count := await store.write(one)) is not None:
        pages += count
        await trio.sleep(service.PAUSE_S)
    return f"{pages * 4096 / 2**20:,.0f} of {before:,.0f} MiB"


def main() -> None:
    """Print a line for each phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase at most")
    parser.add_argument("--cold", action="store_true", help="as if the file were larger than the memory")
    parser.add_argument("--database", type=Path, help="make it there, or use what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = (options.database or Path(folder) / "asura.db").absolute()
        copy = path.with_name("copy.db")  # gone at the end: to unlink gigabytes holds up the disk, too
        copy.unlink(missing_ok=True)
        make(path, rows=options.rows, callers=options.callers)
        print(f"{'':28}{'s':>7}{'writes/s':>10}{'median ms':>11}{'p99 ms':>9}{'longest':>9}{'held':>10}{'its CPU':>9}")
        trio.run(
            partial(
                measure,
                path,
                copy,
                rows=options.rows,
                callers=options.callers,
                seconds=options.seconds,
                is_cold=options.cold,
            )
        )
        copy.unlink()


if __name__ == "__main__":
    main()
