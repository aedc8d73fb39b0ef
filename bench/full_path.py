"""Full-path plain-HTTP checks: schedule → fresh connection → judged → durable, in the real daemon.

    python -m bench.full_path [--rates 500,1000,2000,3000] [--seconds 12] [--minute 1000,10000]

For each rate: as many one-second monitors as the rate, on the real daemon with its own database; counted are the rows
that are durable, the daemon's CPU time (all threads), the lateness of each check against its own phase, and the
memory. `--minute` does the same with one-minute monitors and adds how long a restart takes until every monitor has
been checked. Beside it the bare cost, measured in the same run: the same check without schedule, judgement and store.
"""

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import trio

from asura.checks import CHECK_TYPES
from asura.live import Hub
from asura.model.monitor import Monitor
from asura.netguard import Guard
from asura.protocols.attempt import NOTHING, Env, Stopwatch
from asura.protocols.contexts import TlsContexts
from asura.scheduler import changes
from asura.scheduler.rules import CATCH_UP_S, phase_s
from asura.serde import load
from asura.store.database import StoreOptions, open_store
from tests.fakes.daemon import Daemon, free_port

TICKS = os.sysconf("SC_CLK_TCK")
WARM_UP_S = 4.0


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def populate(path: Path, *, count: int, interval_s: int, target: str) -> None:
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:

        def fill(conn: object) -> None:
            for n in range(count):
                monitor = Monitor(
                    id=0, name=f"m{n}", type="http", target=target, interval_s=interval_s, timeout_s=min(10, interval_s)
                )
                changes.create(conn, monitor, now_ms=int(time.time() * 1000))

        await store.write(fill)


async def bare(target: str, *, seconds: float) -> float:
    """CPU microseconds of this process for one check and nothing else."""
    check = CHECK_TYPES["http"]
    env = Env(guard=Guard(allow_private=True), tls=TlsContexts())
    attempt = check.prepare(target, load(check.settings, {}), env, NOTHING)
    done = 0
    began_s, began_cpu_s = time.monotonic(), time.process_time()

    async def worker() -> None:
        nonlocal done
        while time.monotonic() - began_s < seconds:
            assert (await attempt(Stopwatch())).status == "up"
            done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(16):
            nursery.start_soon(worker)
    return (time.process_time() - began_cpu_s) / done * 1e6


def measure(daemon: Daemon, *, interval_s: int, seconds: float) -> dict[str, float]:
    assert daemon.process is not None
    pid = daemon.process.pid
    # What is overdue at the start gets a check out of its phase; those are no measure of lateness.
    time.sleep(WARM_UP_S if interval_s < CATCH_UP_S else CATCH_UP_S + WARM_UP_S)
    cpu, began_ms = cpu_s(pid), int(time.time() * 1000)
    time.sleep(seconds)
    cpu, ended_ms = cpu_s(pid) - cpu, int(time.time() * 1000)
    time.sleep(0.5)
    with sqlite3.connect(f"file:{daemon.folder / 'asura.db'}?mode=ro", uri=True) as conn:
        rows = conn.execute(
            "SELECT monitor_id, checked_at, status FROM check_result WHERE checked_at >= ? AND checked_at < ?",
            (began_ms, ended_ms),
        ).fetchall()
    if not rows:
        raise SystemExit("no checks were made")
    assert all(row[2] == 0 for row in rows), "a check failed"
    late_ms = sorted(
        ((at / 1000 - phase_s(monitor, interval_s=interval_s)) % interval_s) * 1000 for monitor, at, _ in rows
    )
    # Rounding to milliseconds can make a check look early by part of one.
    late_ms = sorted(each if each < interval_s * 999 else 0.0 for each in late_ms)
    return {
        "rate": len(rows) / seconds,
        "cpu_pct": cpu / seconds * 100,
        "us": cpu / len(rows) * 1e6,
        "per_core": len(rows) / cpu,
        "median_ms": statistics.median(late_ms),
        "p99_ms": late_ms[int(len(late_ms) * 0.99)],
        "peak_mib": peak_mib(pid),
        "rss_mib": rss_mib(pid),
    }


HEAD = (
    f"{'monitors':>9} {'every':>6} {'checks/s':>9} {'CPU %':>6} {'us/check':>9} {'per core':>9} {'late p50':>9}"
    f" {'p99 ms':>8} {'RSS MiB':>8} {'peak':>7}"
)


def row(count: int, interval_s: int, got: dict[str, float]) -> str:
    return (
        f"{count:>9} {interval_s:>5}s {got['rate']:>9.0f} {got['cpu_pct']:>6.0f} {got['us']:>9.0f}"
        f" {got['per_core']:>9.0f} {got['median_ms']:>9.1f} {got['p99_ms']:>8.1f}"
        f" {got['rss_mib']:>8.0f} {got['peak_mib']:>7.0f}"
    )


def until_all_checked(daemon: Daemon, count: int, since_ms: int) -> float:
    began = time.monotonic()
    with sqlite3.connect(f"file:{daemon.folder / 'asura.db'}?mode=ro", uri=True) as conn:
        while time.monotonic() - began < 120:
            checked = conn.execute(
                "SELECT count(*) FROM monitor_state WHERE last_check_at >= ?", (since_ms,)
            ).fetchone()
            if checked[0] == count:
                return time.time() - since_ms / 1000
            time.sleep(0.25)
    raise SystemExit("not every monitor was checked in time")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rates", default="500,1000,2000,2500,3000")
    parser.add_argument("--minute", default="1000,10000")
    parser.add_argument("--seconds", type=float, default=12)
    options = parser.parse_args()
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.target", str(port)], stdout=subprocess.PIPE) as target:
        try:
            assert target.stdout is not None
            target.stdout.readline()
            url = f"http://127.0.0.1:{port}/"
            print(
                f"bare check (no schedule, no judgement, no store): {trio.run(lambda: bare(url, seconds=3)):.0f} us CPU"
            )
            print(HEAD)
            for count in [int(each) for each in options.rates.split(",") if each]:
                run(count, 1, url, seconds=options.seconds)
            for count in [int(each) for each in options.minute.split(",") if each]:
                run(count, 60, url, seconds=60, restart=True)
        finally:
            target.kill()


def run(count: int, interval_s: int, url: str, *, seconds: float, restart: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder, Daemon(Path(folder)) as daemon:
        trio.run(lambda: populate(Path(folder) / "asura.db", count=count, interval_s=interval_s, target=url))
        since_ms = int(time.time() * 1000)
        daemon.start()
        started_s = time.time() - since_ms / 1000
        print(row(count, interval_s, measure(daemon, interval_s=interval_s, seconds=seconds)), flush=True)
        if restart:
            daemon.kill()
            since_ms = int(time.time() * 1000)
            daemon.start()
            again_s = time.time() - since_ms / 1000
            took = until_all_checked(daemon, count, since_ms)
            print(
                f"{'':>9} first start {started_s:.1f} s; after a kill: ready in {again_s:.1f} s,"
                f" all checked in {took:.1f} s"
            )
        daemon.stop()


if __name__ == "__main__":
    main()
