"""Real servers from packages, each a child process on a free loopback port for one test."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where servers stand, which an ordinary user's PATH may not name."""


def need(name: str) -> str:
    """The path of a program; without it the test is skipped, or fails where every peer is wanted (as in CI)."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_FOLDERS))
    if found is None:
        reason = f"{name} is not installed; ./install.sh --test brings it where there is apt-get"
        if os.environ.get("ASURA_NEED_PEERS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A loopback port that nobody uses at this moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(
    argv: Sequence[str],
    *,
    folder: Path,
    port: int | None = None,
    host: str = "127.0.0.1",
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `argv` in `folder` until the block ends, begun once `port` takes connections; it writes to peer.log."""
    log = folder / "peer.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **(env or {})}
        )
    try:
        if port is not None:
            _wait(process, host, port, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"{process.args!r} ended with {process.returncode}:\n{log.read_text()}")
        try:
            with socket.create_connection((host, port), timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"{process.args!r} did not answer in time:\n{log.read_text()}")
