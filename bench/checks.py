"""What one check of each type costs this process in CPU, beside the bare cost of the same work in the same run.

Run it: `python -m bench.checks [--seconds 3] [--only dns]`. The targets run in other processes; each check makes a
fresh connection. `aim` is a number of checks a second and core that the project set itself.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import attrs
import trio

from asura.checks import CHECK_TYPES
from asura.model.monitor import Status
from asura.netguard import Guard
from asura.protocols.attempt import NOTHING, Env, Stopwatch
from asura.protocols.contexts import TlsContexts
from bench import bare
from bench.bare import Work
from bench.check_targets import Places, serving

CONCURRENCY = 20
ROUNDS = 7


@attrs.frozen(kw_only=True)
class Row:
    """A check, the bare work that it amounts to, and how many a second and core are aimed at."""

    name: str
    check: Work
    bare: Work
    aim: int | None = None


def checked(kind: str, target: str, env: Env, **settings: object) -> Work:
    check_type = CHECK_TYPES[kind]
    attempt = check_type.prepare(target, check_type.settings(**settings), env, NOTHING)

    async def work() -> None:
        outcome = await attempt(Stopwatch())
        if outcome.status is not Status.UP:
            raise SystemExit(f"{kind}: the target failed: {outcome.message}")

    return work


def rows(places: Places, env: Env, only: str) -> Iterator[Row]:
    """Every type, http in its variants; those whose name contains `only`."""
    context = env.tls.client()
    plain, tls = f"127.0.0.1:{places.plain}", f"127.0.0.1:{places.tls}"
    http, https = partial(bare.http, places.plain), partial(bare.https, places.tls, context)
    table: dict[str, tuple[Callable[[], Work], Work, int | None]] = {
        "tcp": (lambda: checked("tcp", plain, env), partial(bare.tcp, places.plain), 4000),
        "http": (lambda: checked("http", f"http://{plain}/", env), http, None),
        "http, keyword": (lambda: checked("http", f"http://{plain}/", env, keyword="\0\0"), http, None),
        "http, by name": (lambda: checked("http", f"http://localhost:{places.plain}/", env), http, None),
        "https, full handshake": (lambda: checked("http", f"https://{tls}/", env), https, 700),
        "tls": (lambda: checked("tls", tls, env, warn_days=1), partial(bare.tls, places.tls, context), None),
        "dns": (
            lambda: checked("dns", "example.test", env, server=f"127.0.0.1:{places.dns}"),
            partial(bare.dns, places.dns),
            3000,
        ),
        "websocket": (
            lambda: checked("websocket", f"ws://127.0.0.1:{places.websocket}/", env, expect="hello"),
            partial(bare.websocket, places.websocket),
            None,
        ),
        "grpc": (lambda: checked("grpc", f"127.0.0.1:{places.grpc}", env), bare.grpc(places.grpc), None),
        "mqtt": (lambda: checked("mqtt", f"127.0.0.1:{places.mqtt}", env), partial(bare.mqtt, places.mqtt), None),
        "icmp": (lambda: checked("icmp", "127.0.0.1", env, count=1), bare.icmp, None),
        "docker": (
            lambda: checked("docker", "web", env, host=f"unix://{places.docker}"),
            partial(bare.docker, places.docker),
            None,
        ),
        "command": (lambda: checked("command", "true", env, command="/bin/true"), bare.command, None),
    }
    if places.http2 is not None:
        # Beside the bare cost of HTTP/1.1: what a second version costs.
        https2 = partial(checked, "http", f"https://127.0.0.1:{places.http2}/", env, http_version="2")
        table["https, HTTP/2"] = (https2, https, 700)
    for name, (check, work, aim) in table.items():
        if only in name:
            yield Row(name=name, check=check(), bare=work, aim=aim)


async def cost_us(work: Work, seconds: float) -> tuple[float, float]:
    """CPU microseconds of this process for each call, and calls a second."""
    count = 0
    for _ in range(10):
        await work()

    async def repeat() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await work()
            count += 1

    cpu, wall = time.process_time(), time.perf_counter()
    until = wall + seconds
    async with trio.open_nursery() as nursery:
        for _ in range(CONCURRENCY):
            nursery.start_soon(repeat)
    return (time.process_time() - cpu) / count * 1e6, count / (time.perf_counter() - wall)


async def measure(places: Places, *, seconds: float, only: str) -> None:
    env = Env(
        guard=Guard(allow_private=True),
        tls=TlsContexts(cafile=places.ca_file),
        command_allowlist=("/bin/true",),
        docker_sockets=(places.docker,),
    )
    print(f"{'check':24}{'CPU µs':>10}{'a second':>10}{'a core':>10}{'aim':>7}{'bare µs':>10}{'ratio':>8}")
    for row in rows(places, env, only):
        # In turn and in short rounds, because the machine is shared: the median ratio is of what ran side by side.
        rounds = [
            (await cost_us(row.check, seconds / ROUNDS), await cost_us(row.bare, seconds / ROUNDS))
            for _ in range(ROUNDS)
        ]
        ours_us, bare_us = (statistics.median(each[side][0] for each in rounds) for side in (0, 1))
        a_second = statistics.median(each[0][1] for each in rounds)
        ratio = statistics.median(each[0][0] / each[1][0] for each in rounds)
        figures = f"{ours_us:10.0f}{a_second:10.0f}{1e6 / ours_us:10.0f}{row.aim or '':>7}{bare_us:10.0f}{ratio:8.2f}"
        print(f"{row.name:24}{figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as places:
        trio.run(partial(measure, places, seconds=asked.seconds, only=asked.only))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory {peak_mib} MiB, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
