"""Requests a second that the listener answers, beside what they cost through plain hypercorn in the same run.

Each server runs in a process of its own; the client is another, so cheap that the server is what is measured.
Every figure is the best of the rounds: on a shared machine the others measure the neighbours.
"""

import argparse
import multiprocessing
import re
import resource
import selectors
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart_trio import QuartTrio

from asura.web.asgi import AsuraApp
from asura.web.listener import ListenOptions, listen

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
START_S = 20
BODY = b'{"status":"ok"}'


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that does nothing."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY, "more_body": False})


def with_route(app: QuartTrio) -> QuartTrio:
    """The same answer as a Quart route."""

    @app.get("/")
    async def root() -> tuple[bytes, dict[str, str]]:
        return BODY, {"Content-Type": "application/json"}

    return app


async def plain_hypercorn(make_app: Callable[[], Any], pipe: Connection) -> None:
    """hypercorn as it comes."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    async with trio.open_nursery() as nursery:
        run = partial(serve, make_app(), config, shutdown_trigger=trio.sleep_forever, mode="asgi")
        urls = await nursery.start(run)
        await _until_told(pipe, urls[0])
        nursery.cancel_scope.cancel()


async def our_listener(make_app: Callable[[], Any], pipe: Connection) -> None:
    """What the daemon runs."""
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        options = ListenOptions(host="127.0.0.1", port=0)
        urls = await nursery.start(partial(listen, make_app(), options, stopping=stopping))
        await _until_told(pipe, urls[0])
        stopping.set()


async def _until_told(pipe: Connection, url: str) -> None:
    pipe.send(int(url.rpartition(":")[2]))
    while await trio.to_thread.run_sync(pipe.recv):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send(usage.ru_utime + usage.ru_stime)


def _run(server: Any, make_app: Callable[[], Any], pipe: Connection) -> None:
    trio.run(server, make_app, pipe)


SERVERS: dict[str, tuple[Any, Callable[[], Any]]] = {
    "bare ASGI, hypercorn": (plain_hypercorn, lambda: bare),
    "bare ASGI, our listener": (our_listener, lambda: bare),
    "Quart, hypercorn": (plain_hypercorn, lambda: with_route(QuartTrio("bench"))),
    "Quart, our listener": (
        our_listener,
        lambda: with_route(AsuraApp("bench", max_body_bytes=2**20, body_timeout_s=30)),
    ),
}


def load(port: int, *, connections: int, depth: int, seconds: float) -> int:
    """Answers counted in `seconds`, with `depth` requests under way on each connection."""
    chooser = selectors.DefaultSelector()
    waiting: dict[socket.socket, int] = {}
    for _ in range(connections):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(REQUEST * depth)
        waiting[client] = depth
        chooser.register(client, selectors.EVENT_READ)
    answered = 0
    deadline = time.perf_counter() + seconds
    ok = re.compile(rb"HTTP/1\.1 200")
    while time.perf_counter() < deadline:
        for key, _events in chooser.select(0.1):
            client = key.fileobj  # type: ignore[assignment]
            data = client.recv(65_536)
            if not data:
                raise RuntimeError("the server closed a connection")
            got = len(ok.findall(data))
            answered += got
            waiting[client] -= got
            if not waiting[client]:
                client.sendall(REQUEST * depth)
                waiting[client] = depth
    for client in waiting:
        client.close()
    return answered


def measure(name: str, *, connections: int, depth: int, seconds: float) -> tuple[float, float]:
    """Requests a second of the wall clock, and for each second of the server's own CPU."""
    server, make_app = SERVERS[name]
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_run, args=(server, make_app, theirs), daemon=True)
    process.start()
    if not ours.poll(START_S):
        raise RuntimeError(f"{name} did not start")
    port = ours.recv()
    load(port, connections=connections, depth=depth, seconds=seconds / 4)
    ours.send(True)
    before = ours.recv()
    answered = load(port, connections=connections, depth=depth, seconds=seconds)
    ours.send(True)
    cpu_s = ours.recv() - before
    ours.send(False)
    process.join(10)
    process.kill()
    return answered / seconds, answered / cpu_s


def main() -> None:
    """Measure each server, in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--depth", type=int, default=1, help="requests under way on each connection")
    options = parser.parse_args()
    best: dict[str, tuple[float, float]] = {}
    for _ in range(options.rounds):
        for name in SERVERS:
            found = measure(name, connections=options.connections, depth=options.depth, seconds=options.seconds)
            best[name] = max(best.get(name, (0.0, 0.0)), found, key=lambda pair: pair[1])
    print(f"{'':28}{'requests/s':>12}{'per CPU s':>12}{'ratio':>8}")
    for name, (rate, per_cpu_s) in best.items():
        base = best[name.partition(",")[0] + ", hypercorn"][1]
        print(f"{name:28}{rate:12.0f}{per_cpu_s:12.0f}{per_cpu_s / base:8.2f}")


if __name__ == "__main__":
    sys.exit(main())
