"""Heartbeats on the real daemon: killed under load, stopped and woken, and off while a deadline passes."""

import os
import random
import signal
import sqlite3
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.daemon.test_process import Client, make_webhook
from tests.fakes.daemon import Daemon
from tests.fakes.receiver import open_receiver

KILLS = 20
PINGERS = 50
HEARTBEATS = 10
"""Fewer than pingers, so that several ping one heartbeat at once."""


async def make_heartbeat(client: Client, name: str, *, interval: int = 3600, **settings: Any) -> tuple[int, str]:
    document = {"name": name, "type": "heartbeat", "interval": interval, "settings": settings}
    monitor = await client.ask("POST", "/monitors", json=document)
    return int(monitor["id"]), str(monitor["heartbeat"]["token"])


async def _ping(stream: trio.SocketStream, target: str) -> bytes:
    """Send one ping; the answer's first line. Raises BrokenResourceError when there is none."""
    await stream.send_all(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping".encode())
    found = b""
    while b"\r\n\r\n" not in found or not found.endswith(b"}"):
        piece = await stream.receive_some()
        if not piece:
            raise trio.BrokenResourceError
        found += piece
    return found.partition(b"\r\n")[0]


async def _ping_on(port: int, token: str, answered: list[str], *, done: trio.Event) -> None:
    """Ping again and again, each ping with a run of its own; `answered` gets those that were answered 200."""
    while not done.is_set():
        try:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                while not done.is_set():
                    rid = str(uuid.uuid4())
                    line = await _ping(stream, f"/api/v1/heartbeat/{token}?rid={rid}")
                    if line == b"HTTP/1.1 200 ":
                        answered.append(rid)
                    else:
                        assert line.startswith(b"HTTP/1.1 503"), line
                    await trio.sleep(0.01)  # so that the kills come under load, and not long after each other
        except (OSError, trio.BrokenResourceError):
            await trio.sleep(0.1)


async def _until_longer(answered: list[str]) -> None:
    before = len(answered)
    while True:
        if len(answered) > before:
            return
        await trio.sleep(0.01)


async def test_twenty_kills_under_fifty_pingers_keep_each_answered_ping_once(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    chance = random.Random(seed)
    answered: list[str] = []
    with Daemon(tmp_path, server="heartbeat_rate_limit_per_sec: 0") as daemon:
        await trio.to_thread.run_sync(daemon.start)
        async with Client(daemon) as client:
            tokens = [(await make_heartbeat(client, f"job {n}"))[1] for n in range(HEARTBEATS)]
            done = trio.Event()
            async with trio.open_nursery() as nursery:
                for n in range(PINGERS):
                    token = tokens[n % HEARTBEATS]
                    nursery.start_soon(lambda token=token: _ping_on(daemon.port, token, answered, done=done))
                for _ in range(KILLS):
                    await _until_longer(answered)
                    await trio.sleep(chance.uniform(0.0, 0.4))
                    daemon.kill()
                    await trio.to_thread.run_sync(daemon.start)
                await trio.sleep(0.2)
                done.set()
            states = await client.ask("GET", "/monitors?per_page=100")
        assert daemon.stop() == 0
    with sqlite3.connect(f"file:{tmp_path / 'asura.db'}?mode=ro", uri=True) as conn:
        stored = Counter(row[0] for row in conn.execute("SELECT rid FROM ping"))
        counts = conn.execute("SELECT sum(ping_count) FROM heartbeat").fetchone()[0]
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(answered) > KILLS, f"seed {seed}"
    assert set(answered) <= stored.keys(), f"seed {seed}: a ping that was answered is lost"
    assert max(stored.values()) == 1, f"seed {seed}: a ping is there twice"
    assert sum(stored.values()) == counts
    assert {each["status"] for each in states["data"]} == {"up"}


async def test_a_process_that_was_stopped_holds_no_silence_against_a_job(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        await trio.to_thread.run_sync(daemon.start)
        async with Client(daemon) as client:
            monitor_id, token = await make_heartbeat(client, "worker", interval=2, grace=3)
            await client.ask("POST", f"/heartbeat/{token}")
            assert daemon.process is not None
            os.kill(daemon.process.pid, signal.SIGSTOP)
            await trio.sleep(7)  # longer than period and grace together
            os.kill(daemon.process.pid, signal.SIGCONT)
            await trio.sleep(1)
            await client.ask("POST", f"/heartbeat/{token}")
            monitor = await client.ask("GET", f"/monitors/{monitor_id}")
            incidents = await client.ask("GET", "/incidents")
    assert monitor["status"] == "up"
    assert incidents["total"] == 0
    assert "no ping could come" in daemon.log.read_text()


@pytest.mark.parametrize("pings_again", [True, False], ids=["the job goes on", "the job is gone"])
async def test_a_deadline_that_passed_while_we_were_off_counts_from_one_grace_after_the_start(
    tmp_path: Path, pings_again: bool
) -> None:
    with Daemon(tmp_path) as daemon:
        await trio.to_thread.run_sync(daemon.start)
        async with Client(daemon) as client, open_receiver(secret="") as receiver:
            await make_webhook(client, receiver.url)
            monitor_id, token = await make_heartbeat(client, "backup", interval=1, grace=4)
            await client.ask("POST", f"/heartbeat/{token}")
            daemon.kill()
            await trio.sleep(6)  # the deadline passes
            await trio.to_thread.run_sync(daemon.start)
            monitor = await client.ask("GET", f"/monitors/{monitor_id}")
            assert monitor["status"] == "up"
            if pings_again:
                await client.ask("POST", f"/heartbeat/{token}")
                await trio.sleep(3)
                assert (await client.ask("GET", "/incidents"))["total"] == 0
                return
            await client.until(f"/monitors/{monitor_id}", lambda each: each["status"] == "down")
            (created,) = await receiver.wait_for(1)
            incidents = await client.ask("GET", "/incidents")
    assert created.event == "incident.created"
    assert incidents["total"] == 1
    assert httpx.URL(created.document["incident"]["url"]).path.endswith(str(incidents["data"][0]["id"]))
