"""Targets that fail in each way, in a process of their own, so that a test can count what its own process holds.

`python -m tests.fakes.misbehaving` prints a JSON object of ports on one line, then misbehaves until it is ended.
"""

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import trio

GARBAGE = bytes(range(256)) * 4
BACKLOG = 4096


@contextmanager
def misbehaving() -> Iterator[dict[str, int]]:
    """The ports: `silent`, `reset`, `garbage`, `closed`, `trickle`, `refused`, and `udp_silent`, `udp_garbage`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.misbehaving"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


async def _silent(stream: trio.SocketStream) -> None:
    while await stream.receive_some():
        pass


async def _reset(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _garbage(stream: trio.SocketStream) -> None:
    await stream.send_all(GARBAGE)
    with trio.move_on_after(1):
        await stream.receive_some()


async def _closed(stream: trio.SocketStream) -> None:
    with trio.move_on_after(1):
        await stream.receive_some()


async def _trickle(stream: trio.SocketStream) -> None:
    while True:
        await stream.send_all(b"\x05")
        await trio.sleep(0.01)


BEHAVIOURS = {"silent": _silent, "reset": _reset, "garbage": _garbage, "closed": _closed, "trickle": _trickle}


async def _udp(sock: trio.socket.SocketType, *, answers: bool) -> None:
    while True:
        data, peer = await sock.recvfrom(4096)
        if answers:
            await sock.sendto(data[:2] + GARBAGE[:100], peer)


async def _end_with_parent() -> None:
    """The other end of standard input goes away with the test, however that ends."""
    await trio.lowlevel.wait_readable(sys.stdin)
    os._exit(0)


async def main() -> None:
    """Listen on free ports, tell them, misbehave."""
    ports: dict[str, int] = {}
    async with trio.open_nursery() as nursery:
        for name, behaviour in BEHAVIOURS.items():
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=BACKLOG)
            ports[name] = listener.socket.getsockname()[1]

            async def meet(stream: trio.SocketStream, behaviour=behaviour) -> None:  # type: ignore[no-untyped-def]
                try:
                    await behaviour(stream)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    pass
                finally:
                    stream.socket.close()

            nursery.start_soon(trio.serve_listeners, meet, [listener])
        for name in ("udp_silent", "udp_garbage"):
            sock = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
            await sock.bind(("127.0.0.1", 0))
            ports[name] = sock.getsockname()[1]
            nursery.start_soon(lambda sock=sock, name=name: _udp(sock, answers=name == "udp_garbage"))
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and it refuses
            ports["refused"] = nobody.getsockname()[1]
            nursery.start_soon(_end_with_parent)
            sys.stdout.write(json.dumps(ports) + "\n")
            sys.stdout.flush()
            await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main)
