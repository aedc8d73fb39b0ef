"""How many descriptors this process holds, and when the last to some port is gone."""

import os
import socket
import stat
from pathlib import Path

import trio


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def drained(port: int) -> None:
    """Wait until no socket of this process is connected to `port` any longer."""
    with trio.fail_after(5):
        while any(_peer_port(fd) == port for fd in os.listdir("/proc/self/fd")):  # noqa: ASYNC110
            await trio.sleep(0.01)


def _peer_port(fd: str) -> int | None:
    try:
        if not stat.S_ISSOCK(os.fstat(int(fd)).st_mode):
            return None
        with socket.socket(fileno=os.dup(int(fd))) as sock:
            return int(sock.getpeername()[1])
    except (OSError, IndexError, TypeError):
        return None
