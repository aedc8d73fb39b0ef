"""How long the pages of a long history take to read, and the same with ten times as many checks.

    python -m bench.history [--times 1] [--requests 200] [--database PATH]

100 monitors, 90 days, a check a minute: 13 million single checks with their rollups, sketches and timelines, put in
with plain SQL; ten of the monitors change their status every five minutes. `--times 10` checks every six seconds. Each
page is asked for over HTTP, for another monitor each time; beside it stands what was spent in the reading threads of
the store, by the functions that the daemon itself uses. Every line should be under 10 ms, and the same with `--times
10`.
"""

import argparse
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TypeVar

import trio

from asura import sketch
from asura.ids import MonitorId
from asura.live import Hub
from asura.model.monitor import Monitor
from asura.scheduler import changes
from asura.store import readers, uptimes
from asura.store.connection import connect_reader
from asura.store.database import Conn, StoreOptions, open_store
from asura.units import iso
from bench.api import Client, show

T = TypeVar("T")

MONITORS, DAYS, CHECK_S = 100, 90, 60
FLAPPING = 10
"""The last so many monitors change their status every five minutes, the others every four days."""
DAY_MS = 86_400_000

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {})"
_CHECKS = (
    "INSERT INTO check_result (monitor_id, checked_at, region_id, status, response_ms, dns_ms, connect_ms, tls_ms,"
    f" first_byte_ms, transfer_ms, status_code, holds_s) {_NUMBERS.format(':count')} SELECT :id, :since + i * :step_ms"
    " + :id * 7, 0, 0, 30 + i * 7919 % 60, 1, 9, 21, 12, 1, 200, :step_ms / 1000 FROM n"
)
_ROLL_UP = (
    "INSERT INTO rollup (monitor_id, span_s, start_at, region_id, up, degraded, down, timed, sum_ms, min_ms, max_ms,"
    f" up_ms, degraded_ms, down_ms) {_NUMBERS.format(':spans')} SELECT :id, :span_s, :since + i * :span_s * 1000, 0,"
    " :each, 0, 0, :each, :each * 59, 30, 89, :span_s * 1000, 0, 0 FROM n"
)
_SKETCH = (
    "INSERT INTO latency (monitor_id, span_s, start_at, region_id, bucket, count)"
    f" {_NUMBERS.format(':spans')} SELECT :id, :span_s, :since + i * :span_s * 1000, 0, one.key,"
    " one.value * :span_s / 60 FROM n, json_each(:buckets) AS one"
)
_CHANGES = (
    "INSERT INTO status_change (monitor_id, at, status, up_ms, degraded_ms, down_ms)"
    f" {_NUMBERS.format(':count')} SELECT :id, :since + i * :each_ms, iif(i % 2, 'down', 'up'),"
    " (i + 1) / 2 * :each_ms, 0, i / 2 * :each_ms FROM n WHERE true"
    " ON CONFLICT DO UPDATE SET status = excluded.status"
)


def fill(conn: Conn, *, monitor_id: int, since: int, times: int) -> None:
    """Give a monitor its past."""
    step_ms = CHECK_S * 1000 // times
    values = {"id": monitor_id, "since": since, "step_ms": step_ms, "count": DAYS * DAY_MS // step_ms}
    conn.execute(_CHECKS, values)
    for span_s in (300, 3600, 86400):
        spans = {**values, "span_s": span_s, "spans": DAYS * 86_400 // span_s, "each": span_s * times // CHECK_S}
        conn.execute(_ROLL_UP, spans)
        if span_s > 300:
            counts: dict[str, int] = {}
            for response_ms in range(30, 90):
                bucket = str(sketch.bucket(response_ms))
                counts[bucket] = counts.get(bucket, 0) + times
            buckets = "{" + ",".join(f'"{bucket}":{count}' for bucket, count in counts.items()) + "}"
            conn.execute(_SKETCH, {**spans, "buckets": buckets})
    each_ms = 300_000 if monitor_id > MONITORS - FLAPPING else 4 * DAY_MS
    conn.execute(_CHANGES, {**values, "each_ms": each_ms, "count": DAYS * DAY_MS // each_ms})
    conn.execute(
        "UPDATE monitor_state SET status = 'up', status_since = ?1, last_check_at = ?2, last_response_ms = 42"
        " WHERE monitor_id = ?3",
        (since, since + DAYS * DAY_MS, monitor_id),
    )


async def create(path: Path, *, since: int) -> None:
    """A database with monitors that have no past. An hour between two checks, so that none gets stale meanwhile."""

    def write(conn: Conn) -> None:
        for number in range(MONITORS):
            target = f"https://host-{number}.example/"
            monitor = Monitor(id=MonitorId(0), name=f"m{number}", type="http", target=target, interval_s=3600)
            changes.create(conn, monitor, now_ms=since)

    async with open_store(StoreOptions(path=path), hub=Hub()) as store:
        await store.write(write)


def make(path: Path, *, times: int) -> None:
    """The database, unless it is there."""
    if path.exists():
        return
    since = int(time.time() * 1000) // DAY_MS * DAY_MS - (DAYS - 1) * DAY_MS
    began = time.monotonic()
    trio.run(partial(create, path, since=since))
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
            conn.execute(f"PRAGMA {pragma}").fetchall()
        conn.execute("BEGIN")
        for monitor_id in range(1, MONITORS + 1):
            fill(conn, monitor_id=monitor_id, since=since, times=times)
        conn.execute("COMMIT")
    print(f"made in {time.monotonic() - began:.0f} s")


def say_sizes(path: Path) -> None:
    """What a check costs on disk, by itself and with everything that follows from it."""
    with closing(sqlite3.connect(path)) as conn:
        checks = conn.execute("SELECT count(*) FROM check_result").fetchone()[0]
        found = conn.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC")
        sizes = {name: size for name, size in found.fetchall() if size > 1 << 20}
    size = path.stat().st_size
    print(f"{checks:,} checks in {size / 2**20:,.0f} MiB: {size / checks:.1f} bytes a check")
    print("   of these " + ", ".join(f"{name} {each / checks:.1f}" for name, each in sizes.items()))


async def serve(path: Path, spent_s: "Synchronized[float]", pipe: Connection) -> None:
    """The interface over the database; `spent_s` grows by what each read of the store takes."""
    once = readers.read_once

    def watched(conn: Conn, fn: Callable[[Conn], T], *, path: Path) -> T:
        began = time.perf_counter()
        try:
            return once(conn, fn, path=path)
        finally:
            spent_s.value += time.perf_counter() - began

    readers.read_once = watched
    hub = Hub()
    async with open_store(StoreOptions(path=path), hub=hub) as store:
        await show(store, hub, pipe)


def pages(now_ms: int) -> dict[str, str]:
    """What is asked for; `{}` is another monitor each time, `{flapping}` one of those that change all the time."""
    ago = {days: iso(now_ms - days * DAY_MS) for days in (1, 7, 90)}
    return {
        "monitor list, 200 with their last checks": "/api/v1/monitors?per_page=200&include=recent",
        "monitor list, 20": "/api/v1/monitors?per_page=20",
        "overview": "/api/v1/overview",
        "monitor page": "/api/v1/monitors/{}?include=recent",
        "its last 20 checks": "/api/v1/monitors/{}/checks?per_page=20",
        "chart of 24 h": "/api/v1/monitors/{}/chart?window=24h",
        "chart of 7 d": "/api/v1/monitors/{}/chart?window=7d",
        "chart of 90 d": "/api/v1/monitors/{}/chart?window=90d",
        "metrics of 24 h": "/api/v1/monitors/{}/metrics?from=" + ago[1],
        "metrics of 7 d": "/api/v1/monitors/{}/metrics?from=" + ago[7],
        "metrics of 90 d": "/api/v1/monitors/{}/metrics?from=" + ago[90],
        "timeline of 90 d": "/api/v1/monitors/{}/timeline?from=" + ago[90],
        "flapping: monitor page": "/api/v1/monitors/{flapping}?include=recent",
        "flapping: metrics of 90 d": "/api/v1/monitors/{flapping}/metrics?from=" + ago[90],
        "flapping: timeline of 7 d": "/api/v1/monitors/{flapping}/timeline?from=" + ago[7],
    }


def ask(client: Client, spent_s: "Synchronized[float]", path: str, *, requests: int) -> None:
    """Ask for one page of many monitors, and print the times."""
    waits, reads, size = [], [], 0
    for number in range(requests):
        ids = {"flapping": MONITORS - number % FLAPPING}
        before, began = spent_s.value, time.perf_counter()
        status, answer = client.ask("GET", path.format(1 + number % (MONITORS - FLAPPING), **ids))
        waits.append((time.perf_counter() - began) * 1000)
        reads.append((spent_s.value - before) * 1000)
        size = len(answer)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {answer[:200]!r}")
    print(f"{quantiles(reads)}{quantiles(waits)}{size:10,}", flush=True)


def quantiles(times_ms: list[float]) -> str:
    """Median and 99th percentile."""
    ascending = sorted(times_ms)
    return f"{ascending[len(ascending) // 2]:9.2f}{ascending[len(ascending) * 99 // 100]:9.2f}"


def uptimes_of_all(path: Path, now_ms: int, *, requests: int) -> None:
    """The uptime of every monitor, read as the daemon does, but without an interface around it."""
    ids = list(range(1, MONITORS + 1))
    days = [now_ms - day * DAY_MS for day in range(DAYS, -1, -1)]
    reads: dict[str, Callable[[Conn], object]] = {
        "90-day uptime of all": lambda conn: uptimes.windows(conn, ids, now_ms=now_ms, tails={}),
        "90 daily bars of all": lambda conn: uptimes.over(conn, ids, edges=days, tails={}),
    }
    with closing(connect_reader(path.absolute())) as conn:
        for what, read in reads.items():
            times = []
            for _ in range(requests):
                began = time.perf_counter()
                readers.read_once(conn, read, path=path)
                times.append((time.perf_counter() - began) * 1000)
            print(f"{what:42}{quantiles(times)}")


def measure(path: Path, *, requests: int) -> None:
    """Print a line for each page."""
    spent_s = multiprocessing.Value("d", 0.0)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=lambda: trio.run(serve, path, spent_s, theirs), daemon=True
    )
    process.start()
    if not ours.poll(60):
        raise RuntimeError("the server did not start")
    client, now_ms = Client(ours.recv()), int(time.time() * 1000)
    print(f"{'':42}{'read ms':>9}{'p99':>9}{'HTTP ms':>9}{'p99':>9}{'bytes':>10}")
    for what, asked in {"bare route of the same listener": "/bare", **pages(now_ms)}.items():
        print(f"{what:42}", end="")
        ask(client, spent_s, asked, requests=requests)
    uptimes_of_all(path, now_ms, requests=requests)
    ours.send("end")
    process.join(10)
    process.kill()


def main() -> None:
    """Make the database, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1, help="as many checks")
    parser.add_argument("--requests", type=int, default=200, help="for each page")
    parser.add_argument("--database", type=Path, help="make it there, or use what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = options.database or Path(folder) / "asura.db"
        make(path, times=options.times)
        say_sizes(path)
        measure(path, requests=options.requests)


if __name__ == "__main__":
    main()
