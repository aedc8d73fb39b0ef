"""What a request to the interface costs, beside a trivial route of the same listener in the same run.

    python -m bench.api [--monitors 1000] [--seconds 3] [--rounds 3]

The server runs in a process of its own, with a real database of monitors that have states, a past and checks; the
client is one cheap keep-alive connection, so that times are a request's own. The bare cost is an answer of the same
listener that touches neither authentication nor database.
"""

import argparse
import gc
import hashlib
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import trio
from quart import Response

from asura.api.services import Services
from asura.checker.service import Checker
from asura.clock import SystemClock
from asura.config.access import Role
from asura.config.live import Live
from asura.config.schema import ApiKey, Auth, Config, Server
from asura.daemon import pipeline
from asura.heartbeats.intake import Intake
from asura.ids import MonitorId
from asura.live import Hub
from asura.model.monitor import Monitor, MonitorStatus, Status
from asura.model.observation import Observation, Outcome
from asura.netguard import Guard
from asura.protocols.attempt import Env
from asura.protocols.contexts import TlsContexts
from asura.scheduler import changes
from asura.store import timeline
from asura.store.database import Conn, Store, StoreOptions, open_store
from asura.web.app import build_app
from asura.web.listener import listen
from asura.web.options import ListenOptions

KEY = "ak_" + "b" * 40
TICKS = os.sysconf("SC_CLK_TCK")
PAST_CHECKS = 35
PAST_CHANGES = 20
DAY_MS = 86_400_000


def fill(conn: Conn, *, monitors: int, now_ms: int) -> list[Observation]:
    """Monitors with a past; answers the checks that are yet to be recorded."""
    seen = []
    for number in range(monitors):
        monitor = Monitor(
            id=MonitorId(0),
            name=f"Monitor {number}",
            type="http",
            target=f"https://host-{number}.example/health",
            tags=("web", f"team-{number % 7}"),
            group=f"group {number % 20}",
            settings={"method": "GET", "headers": {"Authorization": "Bearer secret"}},
        )
        made = changes.create(conn, monitor, now_ms=now_ms - 90 * DAY_MS)
        for each in range(PAST_CHANGES):
            status = MonitorStatus.DOWN if each % 2 else MonitorStatus.UP
            timeline.change(conn, made.id, at=now_ms - (80 - each * 4) * DAY_MS + number, status=status)
        seen += [
            Observation(
                monitor_id=made.id,
                config_version=1,
                checked_at=now_ms - (PAST_CHECKS - each) * 60_000,
                outcome=Outcome(status=Status.UP, response_ms=40 + each),
            )
            for each in range(PAST_CHECKS)
        ]
    return seen


async def serve(folder: Path, monitors: int, pipe: Connection) -> None:
    """The interface over a database that is filled first, until told to end."""
    hub, clock = Hub(), SystemClock()
    async with open_store(StoreOptions(path=folder / "bench.db"), hub=hub) as store:
        record = pipeline.recorder(store, clock, base_url=lambda: "http://asura.test")
        seen = await store.write(lambda conn: fill(conn, monitors=monitors, now_ms=clock.now_ms()))
        for at in range(0, len(seen), 1000):
            await record(seen[at : at + 1000])
        await show(store, hub, pipe)


async def show(store: Store, hub: Hub, pipe: Connection) -> None:
    """The interface over a store, until told to end; tells its port."""
    hashed = hashlib.sha256(KEY.encode()).hexdigest()
    live = Live(
        Config(
            server=Server(rate_limit_per_sec=0),
            auth=Auth(api_keys=(ApiKey(name="bench", hash=hashed, role=Role.ADMIN),)),
        )
    )
    clock, stopping, guard = SystemClock(), trio.Event(), Guard()
    async with trio.open_nursery() as nursery:
        env = partial(Env, guard=guard, tls=TlsContexts())
        checker = Checker(env=env, clock=clock, max_concurrent=10)
        services = Services(
            store=store,
            hub=hub,
            clock=clock,
            config=live,
            checker=checker,
            intake=Intake(store, clock, base_url=lambda: "http://asura.test"),
            record=pipeline.recorder(store, clock, base_url=lambda: "http://asura.test"),
            guard=lambda: guard,
            env=env,
            health=list,
            stopping=stopping,
            started_at_ms=clock.now_ms(),
            base_url=lambda: "http://asura.test",
        )
        app = build_app(services)

        async def bare() -> Response:
            return Response(b'{"status":"ok"}', content_type="application/json")

        app.add_url_rule("/bare", view_func=bare)
        [url] = await nursery.start(partial(listen, app, ListenOptions(host="127.0.0.1", port=0), stopping=stopping))
        gc.collect()  # as the daemon does before it is ready; else one request in a hundred is a full collection
        gc.freeze()
        pipe.send(int(url.rpartition(":")[2]))
        await trio.to_thread.run_sync(pipe.recv)
        stopping.set()


class Client:
    """One keep-alive connection that does as little as it can."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of one request."""
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {KEY}\r\nContent-Length: {len(body)}\r\n"
        kind = "Content-Type: application/json\r\n" if body else ""
        self._socket.sendall(f"{head}{kind}\r\n".encode() + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._socket.recv(1 << 20)
        head_bytes, _, found = data.partition(b"\r\n\r\n")
        length = int(head_bytes.lower().partition(b"content-length:")[2].split()[0])
        while len(found) < length:
            found += self._socket.recv(1 << 20)
        return int(head_bytes.split()[1]), found


def cpu_s(pid: int) -> float:
    """The process's CPU time, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(client: Client, pid: int, method: str, path: str, *, seconds: float) -> tuple[float, float, int]:
    """Median time in milliseconds, server CPU in milliseconds a request, size of the answer in bytes."""
    times, size, number = [], 0, time.monotonic_ns()
    before, until = cpu_s(pid), time.perf_counter() + seconds
    while time.perf_counter() < until:
        number += 1
        document = {"name": f"New {number}", "type": "tcp", "target": "host.example:5432"}
        body = json.dumps(document).encode() if method == "POST" else b""
        started = time.perf_counter()
        status, answer = client.ask(method, path, body)
        times.append(time.perf_counter() - started)
        size = len(answer)
        if status >= 300:
            raise RuntimeError(f"{method} {path} answered {status}: {answer[:200]!r}")
    return statistics.median(times) * 1000, (cpu_s(pid) - before) * 1000 / len(times), size


REQUESTS = {
    "bare route of the same listener": ("GET", "/bare"),
    "GET health": ("GET", "/api/v1/health"),
    "GET overview": ("GET", "/api/v1/overview"),
    "GET one monitor": ("GET", "/api/v1/monitors/17"),
    "GET 20 monitors": ("GET", "/api/v1/monitors"),
    "GET 100 monitors": ("GET", "/api/v1/monitors?per_page=100"),
    "GET 200 monitors": ("GET", "/api/v1/monitors?per_page=200"),
    "GET 100 monitors with their checks": ("GET", "/api/v1/monitors?per_page=100&include=recent"),
    "GET 100 checks": ("GET", "/api/v1/monitors/17/checks?per_page=100"),
    "GET chart of 24 h": ("GET", "/api/v1/monitors/17/chart?window=24h"),
    "POST monitor (durable)": ("POST", "/api/v1/monitors"),
}


def main() -> None:
    """Measure every request in turns, best of the rounds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    best: dict[str, tuple[float, float, int]] = {}
    with tempfile.TemporaryDirectory(dir=".") as name:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(
            target=lambda: trio.run(serve, Path(name), options.monitors, theirs), daemon=True
        )
        process.start()
        if not ours.poll(120) or process.pid is None:
            raise RuntimeError("the server did not start")
        client = Client(ours.recv())
        for _ in range(options.rounds):
            for what, (method, path) in REQUESTS.items():
                found = measure(client, process.pid, method, path, seconds=options.seconds)
                best[what] = min(best.get(what, found), found)
        ours.send("end")
        process.join(10)
        process.kill()
    base = best["bare route of the same listener"]
    print(f"{options.monitors} monitors; one connection, one request at a time")
    print(f"{'':36}{'median ms':>10}{'CPU ms':>8}{'beyond bare':>13}{'bytes':>9}")
    for what, (median_ms, cpu_ms, size) in best.items():
        print(f"{what:36}{median_ms:10.2f}{cpu_ms:8.2f}{median_ms - base[0]:13.2f}{size:9}")


if __name__ == "__main__":
    main()
