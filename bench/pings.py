"""Durable pings a second, across a minute and an hour boundary, while a thousand monitors are checked.

    python -m bench.pings [--connections 64] [--seconds 70] [--monitors 1000] [--interval 60]

The real daemon with its own database; the client is another process that keeps its connections, each pinging a
heartbeat of its own as fast as it is answered, and each ping names itself by its `rid`. The daemon's wall clock is set
so that midnight comes 5 s after the beginning: an hour, and a minute another 60 s later. Afterwards the database is
asked for every ping that was answered 200. Then the same over fresh connections, as curl makes them.

The bare costs, in the same run: the same client against httptools on bare trio sockets that answers at once, and bare
SQLite that writes a row for each ping, as many to a commit as there are connections.
"""

import argparse
import multiprocessing
import os
import selectors
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import httptools
import httpx
import trio

from bench.full_path import cpu_s, peak_mib, populate
from tests.fakes.daemon import Daemon, free_port

ANSWER = b'HTTP/1.1 200 \r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{"status":"ok"}'
BEFORE_MIDNIGHT_S = 5.0
DAY_S = 86_400
BOUNDARY_S = 1.0
"""What belongs to a boundary: a second before it and one after."""
START_S = 20
_OFFSET = """\
import os, time
_ahead_ns = int(os.environ["BENCH_AHEAD_NS"])
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _ahead_ns / 1e9
time.time_ns = lambda: _time_ns() + _ahead_ns
"""
"""A sitecustomize that sets the wall clock of one process, and of nothing else."""


@attrs.frozen(kw_only=True)
class Load:
    """What a client does."""

    port: int
    targets: tuple[str, ...]
    seconds: float
    is_fresh: bool = False
    """A connection for each ping."""


@attrs.frozen(kw_only=True)
class Told:
    """What came of it: when each answer came (seconds since 1970, by the real clock), and after how many ms."""

    answers: list[tuple[float, float]]
    others: Counter[str]
    """Answers that were no 200, by status."""
    took_s: float


@attrs.define
class _Caller:
    target: str
    client: socket.socket
    number: int = 0
    since: float = 0.0
    read: bytes = b""


def run_load(load: Load) -> Told:
    """Ping as fast as the answers come; what is under way at the end is waited for."""
    chooser = selectors.DefaultSelector()
    answers: list[tuple[float, float]] = []
    others, began = Counter[str](), time.time()

    def call(caller: _Caller) -> None:
        if load.is_fresh:
            caller.client = socket.create_connection(("127.0.0.1", load.port))
            chooser.register(caller.client, selectors.EVENT_READ, caller)
        caller.number += 1
        text = f"GET {caller.target}-{caller.number} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\n"
        caller.client.sendall(f"{text}User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n".encode())

    for target in load.targets:
        caller = _Caller(target=target, client=socket.socket())
        if not load.is_fresh:
            caller.client = socket.create_connection(("127.0.0.1", load.port))
            caller.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            chooser.register(caller.client, selectors.EVENT_READ, caller)
        caller.since = time.time()
        call(caller)
    left = len(load.targets)
    while left:
        for key, _ in chooser.select(1):
            caller = key.data
            caller.read += caller.client.recv(65_536)
            if not caller.read.endswith(b"}"):
                continue
            now = time.time()
            if caller.read.startswith(b"HTTP/1.1 200"):
                answers.append((now, (now - caller.since) * 1000))
            else:
                others[caller.read[9:12].decode()] += 1
            caller.read, caller.since = b"", now
            is_over = now - began >= load.seconds
            if load.is_fresh or is_over:
                chooser.unregister(caller.client)
                caller.client.close()
            if not is_over:
                call(caller)
            else:
                left -= 1
    return Told(answers=answers, others=others, took_s=time.time() - began)


def _work(pipe: Connection) -> None:
    while (load := pipe.recv()) is not None:
        pipe.send(run_load(load))


async def _serve_bare(stream: trio.SocketStream) -> None:
    class Seen:
        is_whole = False

        def on_message_complete(self) -> None:
            self.is_whole = True

    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    async with stream:
        while data := await stream.receive_some(65_536):
            parser.feed_data(data)
            if seen.is_whole:
                seen.is_whole = False
                await stream.send_all(ANSWER)


def _bare_server(pipe: Connection) -> None:
    async def main() -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        pipe.send(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(_serve_bare, listeners)

    trio.run(main)


def bare_rows(folder: Path, *, rows: int, seconds: float) -> float:
    """Rows a second that bare SQLite makes durable, so many to a commit."""
    written, began = 0, time.perf_counter()
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as conn:
        conn.executescript("PRAGMA journal_mode = wal; PRAGMA synchronous = full; CREATE TABLE t (a, b, c, d)")
        while time.perf_counter() - began < seconds:
            conn.execute("BEGIN IMMEDIATE")
            for _ in range(rows):
                conn.execute("INSERT INTO t VALUES (?, ?, ?, ?)", (written, "2b1c1a0e", "127.0.0.1", "curl/7.88.1"))
                written += 1
            conn.execute("COMMIT")
    return written / (time.perf_counter() - began)


HEAD = f"{'':<34} {'pings':>8} {'/s':>7} {'p50 ms':>7} {'p99':>7} {'max':>7} {'us CPU':>7}"


def line(name: str, told: Told, *, cpu: float | None = None) -> str:
    waits = sorted(wait for _, wait in told.answers)
    p99 = waits[min(len(waits) - 1, len(waits) * 99 // 100)]
    shown = "" if cpu is None else f"{cpu / len(waits) * 1e6:.0f}"
    return (
        f"{name:<34} {len(waits):>8} {len(waits) / told.took_s:>7.0f} {waits[len(waits) // 2]:>7.1f} {p99:>7.1f}"
        f" {waits[-1]:>7.1f} {shown:>7}"
    )


def near(told: Told, at: float, name: str) -> str:
    """The same for the two seconds around an instant of the daemon's clock."""
    answers = [each for each in told.answers if abs(each[0] - at) < BOUNDARY_S]
    if not answers:
        return f"{name:<34} not in the window: give more --seconds"
    return line(name, Told(answers=answers, others=Counter(), took_s=2 * BOUNDARY_S))


def make_heartbeats(daemon: Daemon, count: int) -> list[str]:
    with daemon.client() as client:
        made = []
        for n in range(count):
            document = {"name": f"job {n}", "type": "heartbeat", "interval": 3600, "settings": {"grace": 60}}
            view = client.post("/api/v1/monitors", json=document).raise_for_status().json()
            made.append(urlsplit(view["heartbeat"]["ping_url"]).path)
    return made


def check(folder: Path, tolds: Sequence[Told], *, monitors: int) -> str:
    """What the database says afterwards: lost and doubled pings, false alarms, checks."""
    answered = sum(len(told.answers) for told in tolds)
    with closing(sqlite3.connect(f"file:{folder / 'asura.db'}?mode=ro", uri=True)) as conn:
        one = lambda sql: conn.execute(sql).fetchone()[0]  # noqa: E731
        stored = one("SELECT count(*) FROM ping")
        different = one("SELECT count(DISTINCT rid) FROM ping")
        alarms = one("SELECT count(*) FROM incident JOIN monitor ON monitor.id = monitor_id WHERE type = 'heartbeat'")
        checks = one("SELECT count(*) FROM check_result JOIN monitor ON monitor.id = monitor_id WHERE type = 'http'")
        failed = one(
            "SELECT count(*) FROM check_result JOIN monitor ON monitor.id = monitor_id"
            " WHERE type = 'http' AND check_result.status <> 0"
        )
    return (
        f"{answered} answered 200, otherwise {dict(sum((told.others for told in tolds), Counter()))}; {stored} stored,"
        f" {answered - different} lost, {stored - different} twice; {alarms} false alarms;"
        f" {checks} checks of {monitors} monitors, {failed} failed"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=70)
    parser.add_argument("--fresh-seconds", type=float, default=10)
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=60, help="of the monitors, in seconds")
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    client = spawn.Process(target=_work, args=(theirs,), daemon=True)
    client.start()
    print(HEAD)
    with tempfile.TemporaryDirectory() as name:
        bare_echo(ours, options)
        rows = bare_rows(Path(name), rows=options.connections, seconds=2)
        print(f"{f'bare SQLite, {options.connections} rows to a commit':<34} {'':>8} {rows:>7.0f}", flush=True)
        measure(ours, Path(name), options)
    ours.send(None)
    client.join(5)


def bare_echo(client: Connection, options: argparse.Namespace) -> None:
    """The same client, and nothing behind its requests."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=_bare_server, args=(theirs,), daemon=True)
    server.start()
    assert ours.poll(START_S)
    port = ours.recv()
    assert server.pid is not None
    cpu = cpu_s(server.pid)
    client.send(Load(port=port, targets=("/bare?rid=x",) * options.connections, seconds=3))
    print(line("bare httptools on trio sockets", client.recv(), cpu=cpu_s(server.pid) - cpu), flush=True)
    server.kill()
    server.join(5)


def measure(client: Connection, folder: Path, options: argparse.Namespace) -> None:
    port, count = free_port(), options.monitors
    ahead = folder / "ahead"
    ahead.mkdir()
    (ahead / "sitecustomize.py").write_text(_OFFSET)
    with (
        subprocess.Popen([sys.executable, "-m", "bench.target", str(port)], stdout=subprocess.PIPE) as target,
        Daemon(folder, server="heartbeat_rate_limit_per_sec: 0") as daemon,
    ):
        try:
            assert target.stdout is not None
            target.stdout.readline()
            url = f"http://127.0.0.1:{port}/"
            trio.run(lambda: populate(folder / "asura.db", count=count, interval_s=options.interval, target=url))
            # The daemon starts, warms up and has its heartbeats made well before the window begins.
            begins = time.time() + 12
            until_midnight_s = DAY_S - (begins + BEFORE_MIDNIGHT_S) % DAY_S
            daemon.start(env={"PYTHONPATH": str(ahead), "BENCH_AHEAD_NS": str(int(until_midnight_s * 1e9))})
            paths = make_heartbeats(daemon, options.connections)
            time.sleep(max(0.0, begins - time.time()))
            print(*ping(client, daemon, paths, options, midnight=begins + BEFORE_MIDNIGHT_S), sep="\n")
        finally:
            target.kill()


def ping(
    client: Connection, daemon: Daemon, paths: Sequence[str], options: argparse.Namespace, *, midnight: float
) -> list[str]:
    assert daemon.process is not None
    pid, lines, tolds = daemon.process.pid, [], []
    for kind, seconds in (("kept", options.seconds), ("fresh", options.fresh_seconds)):
        targets = tuple(f"{path}?rid={kind}-{n}" for n, path in enumerate(paths))
        cpu = cpu_s(pid)
        client.send(Load(port=daemon.port, targets=targets, seconds=seconds, is_fresh=kind == "fresh"))
        told = client.recv()
        tolds.append(told)
        name = f"{len(paths)} {'kept' if kind == 'kept' else 'fresh'} connections"
        lines.append(line(name, told, cpu=cpu_s(pid) - cpu))
        if kind == "kept":
            lines.append(near(told, midnight, "  around the hour"))
            lines.append(near(told, midnight + 60, "  around the minute"))
    lines.append(f"peak memory {peak_mib(pid):.0f} MiB")
    with httpx.Client(base_url=daemon.url, trust_env=False) as plain:
        plain.get("/api/v1/health").raise_for_status()
    assert daemon.stop() == 0
    lines.append(check(daemon.folder, tolds, monitors=options.monitors))
    return lines


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
