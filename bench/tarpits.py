"""Healthy monitors beside thousands whose target takes the connection and then says nothing, in the real daemon.

    python -m bench.tarpits [--tarpits 10000] [--healthy 100] [--seconds 60] [--interval 60] [--max-concurrent 4000]

Tarpits and target are two other processes on loopback. Printed are the lateness of each healthy check against its
monitor's own moment (without the first one after the start, which makes up for what was missed), how many results were
false, and memory. The first half minute, in which everything is checked for the first time, is part of the measure: it
is the worst one, because nothing is known of any target yet.
"""

import argparse
import contextlib
import resource
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import trio

from asura.live import Hub
from asura.model.monitor import Monitor
from asura.scheduler import changes
from asura.scheduler.rules import phase_s
from asura.store.database import Conn, StoreOptions, open_store
from bench.full_path import cpu_s, peak_mib, rss_mib
from tests.fakes.daemon import Daemon, free_port

HEALTHY_INTERVAL_S = 5
HOSTS = 8
"""Addresses of loopback that the tarpits spread over, so that ports for connections to them don't run out."""


async def silent(port: int) -> None:
    """Take every connection, and say nothing until the other side has gone."""

    async def serve(listener: trio.SocketListener, nursery: trio.Nursery) -> None:
        while True:
            try:
                stream = await listener.accept()
            except OSError:
                await trio.sleep(0.05)
                continue
            nursery.start_soon(hold, stream)

    async def hold(stream: trio.SocketStream) -> None:
        async with stream:
            with contextlib.suppress(trio.BrokenResourceError):
                while await stream.receive_some(4096):
                    pass

    async with trio.open_nursery() as nursery:
        for number in range(HOSTS):
            sock = trio.socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            await sock.bind((f"127.0.0.{number + 2}", port))
            sock.listen(4096)
            nursery.start_soon(serve, trio.SocketListener(sock), nursery)
        print("ready", flush=True)


async def populate(path: Path, *, tarpits: int, healthy: int, interval_s: int, pit: int, url: str) -> None:
    async with open_store(StoreOptions(path=path), hub=Hub()) as store:

        def fill(conn: Conn) -> None:
            for number in range(tarpits + healthy):
                # Mixed, so that neither kind has the earlier ids and with them its moments before the other's.
                is_healthy = (
                    number % ((tarpits + healthy) // healthy) == 0
                    and number // ((tarpits + healthy) // healthy) < healthy
                )
                target = url if is_healthy else f"http://127.0.0.{number % HOSTS + 2}:{pit}/"
                every_s = HEALTHY_INTERVAL_S if is_healthy else interval_s
                kind = "healthy" if is_healthy else "tarpit"
                monitor = Monitor(
                    id=0,  # type: ignore[arg-type]
                    name=f"{kind} {number}",
                    type="http",
                    target=target,
                    interval_s=every_s,
                    timeout_s=min(10, every_s),
                )
                changes.create(conn, monitor, now_ms=int(time.time() * 1000))

        await store.write(fill)


def waits_for_cpu(pid: int, *, seconds: float) -> list[float]:
    """How long the event loop's thread was ready to run and got no CPU, in each quarter of a second.

    On a machine that others use too this is most of what makes a check late.
    """

    def so_far_s() -> float:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9

    samples = [so_far_s()]
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        time.sleep(0.25)
        samples.append(so_far_s())
    return [later - earlier for earlier, later in pairwise(samples)]


def report(path: Path, *, since_ms: int) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        healthy = {row[0] for row in conn.execute("SELECT id FROM monitor WHERE name LIKE 'healthy%'")}
        rows = conn.execute(
            "SELECT monitor_id, checked_at, status, message FROM check_result WHERE checked_at >= ?"
            " ORDER BY checked_at",
            (since_ms,),
        ).fetchall()
        opened = Counter(row[0] in healthy for row in conn.execute("SELECT monitor_id FROM incident"))
    seen: set[int] = set()
    late_ms: list[float] = []
    false = Counter[str]()
    checks = Counter[str]()
    for monitor_id, checked_at, status, message in rows:
        kind = "healthy" if monitor_id in healthy else "tarpit"
        checks[kind] += 1
        if kind == "healthy":
            false[f"healthy: {message}"] += status != 0
            if monitor_id in seen:
                off_s = (checked_at / 1000 - phase_s(monitor_id, interval_s=HEALTHY_INTERVAL_S)) % HEALTHY_INTERVAL_S
                # Rounding to milliseconds can make a check look early by part of one.
                late_ms.append(off_s * 1000 if off_s < HEALTHY_INTERVAL_S * 0.999 else 0.0)
        elif status != 2 or "then silence" not in (message or ""):
            false[f"tarpit: {message}"] += 1
        seen.add(monitor_id)
    late_ms.sort()
    print(f"checks: {checks['healthy']} healthy, {checks['tarpit']} tarpits of {len(seen - healthy)} monitors")
    print(f"incidents: {opened[True]} healthy, {opened[False]} tarpits")
    print(
        f"healthy late: p50 {statistics.median(late_ms):.0f} ms, p99 {late_ms[int(len(late_ms) * 0.99)]:.0f} ms,"
        f" max {late_ms[-1]:.0f} ms"
    )
    wrong = {text: count for text, count in false.items() if count}
    print(f"false results: {sum(wrong.values())}")
    for text, count in list(wrong.items())[:10]:
        print(f"  {count} x {text}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tarpits", type=int, default=10_000)
    parser.add_argument("--healthy", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--interval", type=int, default=60, help="of the tarpits; the healthy are checked every 5 s")
    parser.add_argument("--max-concurrent", type=int, default=4000)
    parser.add_argument("--silent", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.silent:
        trio.run(silent, options.silent)
        return
    port, pit = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        for argv in (["bench.target", str(port)], ["bench.tarpits", "--silent", str(pit)]):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-m", *argv], stdout=subprocess.PIPE))
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        daemon = stack.enter_context(Daemon(folder, monitor=f"max_concurrent: {options.max_concurrent}"))
        url = f"http://127.0.0.1:{port}/"
        trio.run(
            lambda: populate(
                folder / "asura.db",
                tarpits=options.tarpits,
                healthy=options.healthy,
                interval_s=options.interval,
                pit=pit,
                url=url,
            )
        )
        since_ms = int(time.time() * 1000)
        daemon.start()
        assert daemon.process is not None
        pid = daemon.process.pid
        began_cpu_s = cpu_s(pid)
        waits_s = waits_for_cpu(pid, seconds=options.seconds)
        used = (cpu_s(pid) - began_cpu_s) / options.seconds
        time.sleep(0.5)
        report(folder / "asura.db", since_ms=since_ms)
        print(f"waited for a CPU: {sum(waits_s):.1f} s in all, {max(waits_s):.2f} s within one quarter second's sample")
        print(f"CPU {used * 100:.0f} %, memory {rss_mib(pid):.0f} MiB, at most {peak_mib(pid):.0f}")


if __name__ == "__main__":
    main()
