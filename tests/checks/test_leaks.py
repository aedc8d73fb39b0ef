"""Failing checks of every type, ten thousand each, leave nothing behind: task, thread, process, descriptor, memory."""

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from asura.checks import CHECK_TYPES, command
from asura.model.monitor import Status
from asura.netguard import Guard
from asura.protocols.attempt import Env, Keep, Stopwatch
from asura.protocols.contexts import TlsContexts
from tests.fakes.misbehaving import misbehaving

CHECKS = int(os.environ.get("ASURA_LEAK_CHECKS", "10000"))
"""Of each type."""
AT_ONCE = 100
TIMEOUT_S = 0.1
"""Many of these targets never answer."""
WARM_UP = 300
"""Checks before the first count: caches fill, modules are imported."""
SPARE_BLOCKS = 5000
"""Of Python's memory: what caches and the interpreter itself may take meanwhile. One object left behind by each check
would be twice as many."""
SPARE_MIB = 24
"""Of memory in all, OpenSSL's included: the allocator keeps some of what was free again."""

Way = tuple[str, dict[str, Any]]
"""A target and settings that make a check fail."""


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with misbehaving() as found:
        yield found


def _tcp(ports: dict[str, int], form: str = "127.0.0.1:{}", **settings: Any) -> list[Way]:
    names = ("refused", "silent", "reset", "garbage", "closed", "trickle")
    return [(form.format(ports[name]), settings) for name in names]


WAYS: dict[str, Callable[[dict[str, int]], list[Way]]] = {
    "http": lambda ports: [*_tcp(ports, "http://127.0.0.1:{}/"), *_tcp(ports, "https://127.0.0.1:{}/")],
    "tcp": lambda ports: [*_tcp(ports, expect="welcome"), *_tcp(ports, tls=True)],
    "tls": lambda ports: _tcp(ports),
    "websocket": lambda ports: [*_tcp(ports, "ws://127.0.0.1:{}/"), *_tcp(ports, "wss://127.0.0.1:{}/")],
    "grpc": lambda ports: [*_tcp(ports, tls=False), *_tcp(ports, tls=True)],
    "mqtt": lambda ports: [*_tcp(ports, tls=False), *_tcp(ports, tls=True)],
    "dns": lambda ports: [
        ("example.test", {"server": f"127.0.0.1:{ports[name]}"}) for name in ("udp_silent", "udp_garbage", "refused")
    ],
    "icmp": lambda ports: [
        ("0.0.0.0", {"count": 2}),  # 127.0.0.1 answers, which is not whom we asked
        ("127.0.0.1", {"ip_version": "6"}),
        ("255.255.255.255", {}),
    ],
    "command": lambda ports: [
        ("fails", {"command": "/bin/false"}),
        ("hangs", {"command": "/bin/sleep", "args": ("60",)}),
    ],
    "domain": lambda ports: [
        (
            "example.test",
            {"rdap_server": f"http://127.0.0.1:{ports[name]}/", "whois_server": f"127.0.0.1:{ports[name]}"},
        )
        for name in ("refused", "silent", "reset", "garbage", "closed")
    ],
    "docker": lambda ports: [
        ("web", {"host": "unix:///run/podman/podman.sock"}),  # there is none, or none with such a container
        *(
            ("web", {"host": target, "tls": tls})
            for target, _ in _tcp(ports, "tcp://127.0.0.1:{}")
            for tls in (False, True)
        ),
    ],
}
"""How checks of each type are made to fail."""


CHECKED = [name for name, kind in CHECK_TYPES.items() if not kind.is_passive]
"""The types that are checked at all."""


def test_every_type_is_made_to_fail() -> None:
    assert WAYS.keys() == set(CHECKED)


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@attrs.frozen(kw_only=True)
class Held:
    """What this process holds."""

    descriptors: int
    threads: int
    processes: int
    tasks: int


def held() -> Held:
    gc.collect()
    own = Path("/proc/self/task")
    children = [(each / "children").read_text().split() for each in own.iterdir()]
    return Held(
        descriptors=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        processes=sum(map(len, children)),
        tasks=trio.lowlevel.current_statistics().tasks_living,
    )


@pytest.mark.parametrize("kind", CHECKED)
async def test_failing_checks_leave_nothing_behind(kind: str, ports: dict[str, int]) -> None:
    check_type = CHECK_TYPES[kind]
    env = Env(guard=Guard(allow_private=True), tls=TlsContexts(), command_allowlist=("/bin/false", "/bin/sleep"))
    attempts = [
        check_type.prepare(target, check_type.settings(**settings), env, Keep(headers=True, body=True))
        for target, settings in WAYS[kind](ports)
    ]
    # Programs wait for one another, and who waits for long is told so in place of an outcome.
    at_once = command.MAX_AT_ONCE if kind == "command" else AT_ONCE
    seen: dict[Status | None, int] = {}

    async def look_at(attempts: Iterator[Any]) -> None:
        for attempt in attempts:
            await trio.lowlevel.checkpoint()
            outcome = None
            with trio.move_on_after(TIMEOUT_S):
                outcome = await attempt(Stopwatch())
            status = None if outcome is None else outcome.status
            seen[status] = seen.get(status, 0) + 1

    async def run(checks: int) -> None:
        # Few tasks, for thousands that wait for their turn would be counted as memory that was left behind.
        left = islice(cycle(attempts), checks)
        async with trio.open_nursery() as nursery:
            for _ in range(at_once):
                nursery.start_soon(look_at, left)

    await run(WARM_UP)
    before, blocks, mib = held(), sys.getallocatedblocks(), resident_mib()
    await run(CHECKS)
    after = held()
    assert sys.getallocatedblocks() - blocks < SPARE_BLOCKS
    assert resident_mib() - mib < SPARE_MIB
    assert after.descriptors <= before.descriptors
    assert after.tasks == before.tasks
    assert after.processes == before.processes
    assert after.threads <= max(before.threads, AT_ONCE)
    assert sum(seen.values()) == WARM_UP + CHECKS
    assert Status.UP not in seen
