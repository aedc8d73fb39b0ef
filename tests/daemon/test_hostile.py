"""The real daemon among strangers: ten thousand broken requests, and clients that won't let go when it should end."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trio

from tests.daemon.hostile.bombard import bombard
from tests.daemon.hostile.corpus import cases, request
from tests.fakes.daemon import KEY, Daemon

COUNT = 10_000
GOOD = {"X-API-Key": KEY}
SHUTDOWN_S = 5
"""What the test's configuration allows."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as daemon:
        yield daemon.start()


def troubles(daemon: Daemon) -> list[str]:
    """The lines of its log that tell of an error of its own."""
    lines = daemon.log.read_text().splitlines()
    return [line for line in lines if " error " in line or " critical " in line or "Traceback" in line]


async def test_ten_thousand_broken_requests_bring_no_5xx_and_no_crash(daemon: Daemon) -> None:
    """Every one is answered or its connection closed, nothing is logged as an error, and all works as before."""
    report = await bombard("127.0.0.1", daemon.port, cases(seed=2, count=COUNT, good_headers=GOOD))

    assert report.sent == COUNT
    assert report.server_errors == []
    assert report.unanswered == []
    assert report.unreachable == []
    assert troubles(daemon) == []
    async with httpx.AsyncClient(base_url=daemon.url, headers=GOOD, trust_env=False) as client:
        assert (await client.get("/api/v1/health")).json()["status"] == "ok"
        monitor = {"name": "after the storm", "type": "http", "target": "http://127.0.0.1:1/"}
        assert (await client.post("/api/v1/monitors", json=monitor)).status_code == 201
    assert daemon.process is not None
    assert daemon.process.poll() is None
    assert await trio.to_thread.run_sync(daemon.stop) == 0


async def test_it_ends_in_time_whatever_its_clients_do(daemon: Daemon) -> None:
    """Idle ones, ones that read nothing, heads and bodies that never end, event streams."""
    events = request("GET", "/api/v1/events", headers=GOOD)
    large = request("GET", "/api/v1/openapi.json", headers=GOOD) * 400
    body = request("POST", "/api/v1/monitors", headers={**GOOD, "Content-Length": "1000"}) + b"{"
    streams = []
    for opening in (b"", b"GET / HT", events, large, body):
        for _ in range(8):
            stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
            with trio.move_on_after(0.2):
                await stream.send_all(opening)
            streams.append(stream)
    await trio.sleep(0.5)
    began_s = time.monotonic()
    assert await trio.to_thread.run_sync(daemon.stop) == 0
    assert time.monotonic() - began_s < SHUTDOWN_S + 2
    for stream in streams:
        await stream.aclose()
