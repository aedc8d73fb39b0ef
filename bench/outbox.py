"""Deliveries a second to a receiver that answers, while other channels hang; and how late each of them is.

    python -m bench.outbox [--deliveries 1000] [--hanging 10] [--paced 300]

The receivers run in another process. Beside it the bare cost in the same run: the same POSTs with the same client and
concurrency, without outbox and store.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import trio

from asura.channels.webhook import WebhookSettings, send
from asura.clock import SystemClock
from asura.ids import ChannelId
from asura.live import Hub
from asura.model.notification import Channel, Message
from asura.netguard import Guard
from asura.notifications import rules, service
from asura.store import channels, deliveries
from asura.store.database import Conn, Store, StoreOptions, open_store

SECRET = "bench"
PACE_S = 0.02
MESSAGE = Message(
    event="incident.created",
    at=1_774_746_000_000,
    monitor={"id": 1, "name": "shop", "type": "http", "target": "https://shop.example/", "status": "down"},
    incident={"id": 1, "status": "open", "cause": "connection refused"},
    evidence=[{"region": "local", "status": "down", "message": "connection refused"}],
)


async def _answer(stream: trio.SocketStream) -> None:
    async with stream:
        found = b""
        while b"\r\n\r\n" not in found or not found.endswith(b"}"):
            found += await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _hang(stream: trio.SocketStream) -> None:
    async with stream:
        await trio.sleep_forever()


def _receivers(pipe: Connection) -> None:
    async def main() -> None:
        fast = await trio.open_tcp_listeners(0, host="127.0.0.1")
        slow = await trio.open_tcp_listeners(0, host="127.0.0.1")
        pipe.send([each[0].socket.getsockname()[1] for each in (fast, slow)])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, _answer, fast)
            nursery.start_soon(trio.serve_listeners, _hang, slow)

    trio.run(main)


async def _bare(outbox: service.Outbox, url: str, count: int) -> float:
    """POSTs a second."""
    settings = WebhookSettings(url=url, secret=SECRET)
    left = iter(range(count))

    async def work() -> None:
        for number in left:
            await send(settings, MESSAGE, f"bare{number}", outbox.sender.env)

    start = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(rules.LANES):
            nursery.start_soon(work)
    return count / (time.perf_counter() - start)


async def _add(store: Store, name: str, port: int) -> Channel:
    settings = {"url": f"http://127.0.0.1:{port}/", "secret": SECRET}
    channel = Channel(id=ChannelId(0), name=name, type="webhook", settings=settings)
    return await store.write(lambda c: channels.insert(c, channel, now_ms=0))


def _put(conn: Conn, channel: Channel, incident_id: int) -> int:
    now_ms = SystemClock().now_ms()
    return deliveries.enqueue(conn, channel.id, MESSAGE, incident_id=incident_id, monitor_id=1, now_ms=now_ms).id


async def _await_finished(store: Store, count: int, at: dict[int, float]) -> None:
    with store.hub.subscribe("delivery.finished") as news:
        while len(at) < count:
            for event in await news.wait():
                at[event.id or 0] = time.perf_counter()


async def _burst(store: Store, channel: Channel, count: int) -> float:
    """Deliveries a second when all are queued at once."""
    at: dict[int, float] = {}
    start = time.perf_counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_await_finished, store, count, at)
        await store.write(lambda c: [_put(c, channel, incident) for incident in range(count)])
    return count / (time.perf_counter() - start)


async def _paced(store: Store, channel: Channel, count: int) -> list[float]:
    """Milliseconds from each decision to its recorded success."""
    at: dict[int, float] = {}
    begun: dict[int, float] = {}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_await_finished, store, count, at)
        for incident in range(count):
            start = time.perf_counter()
            delivery_id = await store.write(lambda c, incident=incident: _put(c, channel, 10**6 + incident))
            begun[delivery_id] = start
            await trio.sleep(PACE_S)
    return [(at[each] - begun[each]) * 1000 for each in begun]


async def main(args: argparse.Namespace, fast: int, slow: int) -> None:
    """Measure and print."""
    guard = Guard(allow_private=True)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        options = StoreOptions(path=Path(folder) / "outbox.db")
        async with open_store(options, hub=Hub()) as store, trio.open_nursery() as nursery:
            outbox = service.new_outbox(store, SystemClock(), guard=lambda: guard)
            bare = await _bare(outbox, f"http://127.0.0.1:{fast}/", args.deliveries)
            print(f"bare POSTs, {rules.LANES} at once           {bare:8.0f} /s")

            async def run(task_status: trio.TaskStatus[None]) -> None:
                await service.dispatch(outbox, stopping=trio.Event(), task_status=task_status)

            await nursery.start(run)
            ops = await _add(store, "ops", fast)
            for number in range(args.hanging):
                hanging = await _add(store, f"hanging {number}", slow)
                await store.write(lambda c, channel=hanging: [_put(c, channel, each) for each in range(100)])
            cpu = time.process_time()
            burst = await _burst(store, ops, args.deliveries)
            cpu_ms = (time.process_time() - cpu) * 1000 / args.deliveries
            print(f"deliveries, {args.hanging} channels hanging    {burst:8.0f} /s   {cpu_ms:.2f} ms CPU each")
            late = sorted(await _paced(store, ops, args.paced))
            p99 = late[int(len(late) * 0.99)]
            print(
                f"one every {PACE_S * 1000:.0f} ms: decided → recorded   median {statistics.median(late):.1f} ms,"
                f" p99 {p99:.1f} ms, max {late[-1]:.1f} ms"
            )
            print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--deliveries", type=int, default=1000)
    parser.add_argument("--hanging", type=int, default=10)
    parser.add_argument("--paced", type=int, default=300)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_receivers, args=(theirs,), daemon=True)
    process.start()
    trio.run(main, parser.parse_args(), *ours.recv())
    process.terminate()
