"""From a heartbeat's deadline until it is down, and until the webhook has been told.

    python -m bench.deadlines [--heartbeats 100] [--others 1000]

On the real daemon with its own database: heartbeats whose deadlines are spread over some seconds, among others that
are not due. `down`: from the deadline until the incident was durable, by the time that its opening was noted with.
`shown`: until a client that asks all the time is told so. `webhook`: until a receiver in another process has the whole
request. The bare cost of the same run: one small durable row, and one POST to the same receiver.
"""

import argparse
import json
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import trio

from asura.units import parse_iso
from tests.fakes.daemon import Daemon

SPREAD_S = 10.0
"""The deadlines lie this far apart in all, so that each is decided for itself."""


def _receiver(pipe: Connection) -> None:
    """Answers every POST with 204 and notes when it had all of it."""
    seen: list[tuple[int, int, str]] = []

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            found = b""
            while True:
                head, _, body = found.partition(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), -1
                )
                if 0 <= length <= len(body):
                    break
                piece = await stream.receive_some()
                if not piece:
                    return
                found += piece
            at = time.time_ns() // 1000
            document = json.loads(body)
            if "monitor" in document:
                seen.append((at, document["monitor"]["id"], document["event"]))
            await stream.send_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    async def main() -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        pipe.send(listeners[0].socket.getsockname()[1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, answer, listeners)
            await trio.to_thread.run_sync(pipe.recv)
            pipe.send(seen)
            nursery.cancel_scope.cancel()

    trio.run(main)


def told(name: str, values_ms: Sequence[float]) -> str:
    ordered = sorted(values_ms)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{name:<10} {len(ordered):>5} {statistics.median(ordered):>9.1f} {p99:>9.1f} {ordered[-1]:>9.1f}"


def bare(port: int, folder: Path) -> tuple[list[float], list[float]]:
    rows, posts = [], []
    with sqlite3.connect(folder / "bare.db", isolation_level=None) as conn:
        conn.executescript("PRAGMA journal_mode = wal; PRAGMA synchronous = full; CREATE TABLE t (a INTEGER)")
        for n in range(100):
            began = time.perf_counter()
            conn.execute("INSERT INTO t VALUES (?)", (n,))
            rows.append((time.perf_counter() - began) * 1000)
    with httpx.Client(trust_env=False) as client:
        for _ in range(50):
            began = time.perf_counter()
            client.post(f"http://127.0.0.1:{port}/", json={"a": 1}, headers={"Connection": "close"})
            posts.append((time.perf_counter() - began) * 1000)
    return rows, posts


def watch(client: httpx.Client, wanted: set[int], *, until_s: float) -> dict[int, int]:
    """When a client that asks all the time first saw each monitor down, in microseconds."""
    found: dict[int, int] = {}
    while len(found) < len(wanted) and time.time() < until_s:
        page = client.get("/api/v1/monitors", params={"status": "down", "per_page": 500}).json()
        now = time.time_ns() // 1000
        for each in page["data"]:
            found.setdefault(each["id"], now)
        time.sleep(0.005)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heartbeats", type=int, default=100)
    parser.add_argument("--others", type=int, default=1000)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_receiver, args=(theirs,), daemon=True)
    process.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory() as name, Daemon(Path(name), server="heartbeat_rate_limit_per_sec: 0") as daemon:
        rows, posts = bare(port, Path(name))
        daemon.start()
        with daemon.client() as client:
            hook = {"name": "hook", "type": "webhook", "settings": {"url": f"http://127.0.0.1:{port}/"}}
            client.post("/api/v1/notifications", json=hook).raise_for_status()
            due = [make(client, f"due {n}", interval=5) for n in range(options.heartbeats)]
            for n in range(options.others):
                ping(client, make(client, f"other {n}", interval=3600)[1])
            for _, token in due:
                ping(client, token)
                time.sleep(SPREAD_S / options.heartbeats)
            shown = watch(client, {each for each, _ in due}, until_s=time.time() + SPREAD_S + 30)
            time.sleep(2)
            deadlines = {
                each: parse_iso(client.get(f"/api/v1/monitors/{each}").json()["status_since"]) for each, _ in due
            }
        daemon.stop()
        with sqlite3.connect(f"file:{Path(name) / 'asura.db'}?mode=ro", uri=True) as conn:
            opened = dict(
                conn.execute(
                    "SELECT monitor_id, min(at) FROM incident_event JOIN incident ON incident.id = incident_id"
                    " WHERE type = 'opened' GROUP BY monitor_id"
                ).fetchall()
            )
    ours.send("enough")
    events = ours.recv()
    process.join(5)
    hooks = {monitor_id: at for at, monitor_id, event in events if event == "incident.created"}
    assert len(hooks) == len([each for each in events if each[2] == "incident.created"]) == len(due), "once each"
    print(f"{options.heartbeats} heartbeats due one by one, {options.others} others\n")
    print(f"{'':<10} {'':>5} {'median ms':>9} {'p99':>9} {'max':>9}")
    print(told("down", [opened[each] - at for each, at in deadlines.items()]))
    print(told("shown", [shown[each] / 1000 - at for each, at in deadlines.items()]))
    print(told("webhook", [hooks[each] / 1000 - at for each, at in deadlines.items()]))
    print(told("bare row", rows))
    print(told("bare POST", posts))


def make(client: httpx.Client, name: str, *, interval: int) -> tuple[int, str]:
    document = {"name": name, "type": "heartbeat", "interval": interval, "settings": {"grace": 5}}
    monitor = client.post("/api/v1/monitors", json=document).raise_for_status().json()
    return monitor["id"], monitor["heartbeat"]["token"]


def ping(client: httpx.Client, token: str) -> None:
    client.get(f"/api/v1/heartbeat/{token}").raise_for_status()


if __name__ == "__main__":
    main()
