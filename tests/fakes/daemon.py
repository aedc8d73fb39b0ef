"""The real daemon in a process of its own, on free loopback ports, with a configuration made for a test."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

KEY = "ak_" + "t" * 40
READONLY_KEY = "ak_" + "r" * 40
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0

_CONFIG = """\
server: {{listen: "127.0.0.1:{port}", rate_limit_per_sec: 0, shutdown_timeout: 5s, {server}}}
database: {{path: "asura.db", {database}}}
auth:
  api_keys:
    - {{name: admin, hash: "{admin}", role: admin}}
    - {{name: reader, hash: "{reader}", role: readonly}}
monitor: {{allow_private_targets: true, {monitor}}}
"""


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Daemon:
    """Starts, kills and starts again `asura serve` in `folder`. Leaves no process behind when used with `with`."""

    def __init__(self, folder: Path, *, server: str = "", database: str = "", monitor: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "asura.yaml"
        self.log = folder / "asura.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.config.write_text(
            _CONFIG.format(
                port=self.port,
                server=server,
                database=database,
                monitor=monitor,
                admin=hashlib.sha256(KEY.encode()).hexdigest(),
                reader=hashlib.sha256(READONLY_KEY.encode()).hexdigest(),
            )
        )

    def start(self, *, env: dict[str, str] | None = None) -> "Daemon":
        """Start the process and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "asura", "serve", "--config", str(self.config)],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                if httpx.get(f"{self.url}/api/v1/health", timeout=1, trust_env=False).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the daemon did not answer in time:\n{self.log.read_text()}")

    def client(self, key: str = KEY, **options: Any) -> httpx.Client:
        """A client that carries a key."""
        headers = {"X-API-Key": key}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10, trust_env=False, **options)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; answers its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the daemon did not stop in time:\n{self.log.read_text()}") from None

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
