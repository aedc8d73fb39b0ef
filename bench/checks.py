"""What one check costs this process in CPU, beside the bare cost of the same work in the same run.

Run it: `python bench/checks.py [--seconds 3]`. The targets run in another process; each check makes a fresh connection.
"""

import argparse
import errno
import multiprocessing
import os
import resource
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httptools
import trio
import trustme

sys.path.insert(0, str(Path(__file__).parent.parent))

from asura.checks import CHECK_TYPES
from asura.checks.base import NOTHING, Env, Stopwatch, TlsContexts
from asura.model.monitor import Status
from asura.netguard import Guard

CONCURRENCY = 20
ROUNDS = 7
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nContent-Length: 1024\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nConnection: close\r\nCache-Control: no-store\r\n"
    b"X-Frame-Options: DENY\r\n\r\n"
) + bytes(1024)
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
Work = Callable[[], Awaitable[None]]


def serve(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    """Answer every connection on `listener`, one at a time: a target that costs as little as it can."""
    while True:
        sock, _ = listener.accept()
        try:
            if context is not None:
                sock = context.wrap_socket(sock, server_side=True)
            if sock.recv(65_536):
                sock.sendall(ANSWER)
        except OSError:
            pass
        finally:
            sock.close()


def targets(plain: socket.socket, tls: socket.socket, pem: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    for _ in range(4):
        threading.Thread(target=serve, args=(tls, context), daemon=True).start()
    serve(plain, None)


class Done:
    def __init__(self) -> None:
        self.complete = False

    def on_message_complete(self) -> None:
        self.complete = True


async def bare_http(port: int) -> None:
    sock = trio.socket.socket()
    await sock.connect(("127.0.0.1", port))
    await sock.send(REQUEST)
    done = Done()
    parser = httptools.HttpResponseParser(done)
    while not done.complete:
        parser.feed_data(await sock.recv(65_536))
    sock.close()


async def bare_https(port: int, context: ssl.SSLContext) -> None:
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if plain.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS:
        await trio.lowlevel.wait_writable(plain)
    sock = context.wrap_socket(plain, server_hostname="127.0.0.1", do_handshake_on_connect=False)
    while True:
        try:
            sock.do_handshake()
            break
        except ssl.SSLWantReadError:
            await trio.lowlevel.wait_readable(sock)
    sock.send(REQUEST)
    done = Done()
    parser = httptools.HttpResponseParser(done)
    while not done.complete:
        try:
            parser.feed_data(sock.recv(65_536))
        except ssl.SSLWantReadError:
            await trio.lowlevel.wait_readable(sock)
    sock.close()


async def bare_tcp(port: int) -> None:
    sock = trio.socket.socket()
    await sock.connect(("127.0.0.1", port))
    sock.close()


def checked(kind: str, target: str, settings: dict[str, object], env: Env) -> Work:
    check_type = CHECK_TYPES[kind]
    attempt = check_type.prepare(target, check_type.settings(**settings), env, NOTHING)

    async def work() -> None:
        outcome = await attempt(Stopwatch())
        if outcome.status is not Status.UP:
            raise SystemExit(f"the target failed: {outcome.message}")

    return work


async def cost_us(work: Work, seconds: float) -> tuple[float, float]:
    """CPU microseconds of this process for each call, and calls a second."""
    count = 0
    until = time.perf_counter() + seconds

    async def repeat() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await work()
            count += 1

    for _ in range(10):
        await work()
    cpu, wall = time.process_time(), time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(CONCURRENCY):
            nursery.start_soon(repeat)
    return (time.process_time() - cpu) / count * 1e6, count / (time.perf_counter() - wall)


async def measure(seconds: float, plain_port: int, tls_port: int, ca_file: str) -> None:
    env = Env(guard=Guard(allow_private=True), tls=TlsContexts(cafile=ca_file))
    context = env.tls.client()
    rows: list[tuple[str, Work, Work]] = [
        (
            "TCP connect",
            checked("tcp", f"127.0.0.1:{plain_port}", {}, env),
            lambda: bare_tcp(plain_port),
        ),
        (
            "plain HTTP",
            checked("http", f"http://127.0.0.1:{plain_port}/", {}, env),
            lambda: bare_http(plain_port),
        ),
        (
            "plain HTTP, keyword",
            checked("http", f"http://127.0.0.1:{plain_port}/", {"keyword": "\0\0"}, env),
            lambda: bare_http(plain_port),
        ),
        (
            "plain HTTP by name",
            checked("http", f"http://localhost:{plain_port}/", {}, env),
            lambda: bare_http(plain_port),
        ),
        (
            "HTTPS, full handshake",
            checked("http", f"https://127.0.0.1:{tls_port}/", {}, env),
            lambda: bare_https(tls_port, context),
        ),
    ]
    print(f"{'check':24}{'CPU µs':>10}{'a second':>10}{'a CPU s':>10}{'bare µs':>10}{'ratio':>8}")
    for name, ours, bare in rows:
        # In turn and in short rounds, because the machine is shared: the median ratio is of what ran side by side.
        rounds = [(await cost_us(ours, seconds / ROUNDS), await cost_us(bare, seconds / ROUNDS)) for _ in range(ROUNDS)]
        ours_us, bare_us = (statistics.median(each[side][0] for each in rounds) for side in (0, 1))
        a_second = statistics.median(each[0][1] for each in rounds)
        ratio = statistics.median(each[0][0] / each[1][0] for each in rounds)
        print(f"{name:24}{ours_us:10.0f}{a_second:10.0f}{1e6 / ours_us:10.0f}{bare_us:10.0f}{ratio:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        pem, ca_file = os.path.join(folder, "target.pem"), os.path.join(folder, "ca.pem")
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
        authority.cert_pem.write_to_path(ca_file)
        plain, tls = (socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2))
        process = multiprocessing.get_context("fork").Process(target=targets, args=(plain, tls, pem), daemon=True)
        process.start()
        try:
            trio.run(measure, seconds, plain.getsockname()[1], tls.getsockname()[1], ca_file)
        finally:
            process.terminate()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory {peak_mib} MiB, Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}")


if __name__ == "__main__":
    main()
