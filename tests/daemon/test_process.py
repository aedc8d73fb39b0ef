"""The real daemon, a real target, a real receiver, and kills at random moments in between."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio

from tests.fakes.daemon import KEY, Daemon
from tests.fakes.receiver import Received, open_receiver

SECRET = "a secret that signs"
KILLS = 20
MONITORS = 4
SPELLS = 3
"""How often each target goes down and comes back while the daemon is being killed."""


class Switch:
    """A target that a test turns off and on: it answers 200 or 503."""

    def __init__(self) -> None:
        self.is_up = True

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await stream.receive_some(65536)
                line = b"200 OK" if self.is_up else b"503 Service Unavailable"
                await stream.send_all(b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except trio.BrokenResourceError:
                return


@asynccontextmanager
async def open_switch() -> AsyncIterator[tuple[Switch, str]]:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    switch = Switch()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, switch.serve, listeners)
        yield switch, f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"
        nursery.cancel_scope.cancel()


class Client:
    """Speaks to a daemon that may be dead at any moment: what has no answer is asked again."""

    def __init__(self, daemon: Daemon) -> None:
        self._http = httpx.Client(
            base_url=f"{daemon.url}/api/v1", headers={"X-API-Key": KEY}, timeout=5, trust_env=False
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._http.close()

    async def once(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        try:
            # In a thread: httpx's asynchronous streams are left to the garbage collector when a daemon dies mid-answer.
            answer = await trio.to_thread.run_sync(lambda: self._http.request(method, path, **options))
        except httpx.TransportError:
            return None
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        return answer if answer.status_code != 503 else None

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        while True:
            answer = await self.once(method, path, **options)
            if answer is not None:
                assert answer.is_success, answer.text
                return answer.json()
            await trio.sleep(0.05)

    async def until(self, path: str, holds: Any) -> Any:
        while True:
            document = await self.ask("GET", path)
            if holds(document):
                return document
            await trio.sleep(0.05)


async def make_webhook(client: Client, url: str) -> int:
    settings = {"url": url, "secret": SECRET}
    channel = await client.ask("POST", "/notifications", json={"name": "hook", "type": "webhook", "settings": settings})
    return int(channel["id"])


async def make_monitor(client: Client, target: str, *, name: str, **fields: Any) -> int:
    document = {"name": name, "type": "http", "target": target, "interval": 1, "failure_threshold": 2, **fields}
    monitor = await client.ask("POST", "/monitors", json=document)
    return int(monitor["id"])


async def test_one_incident_and_one_webhook_when_the_target_stops_and_one_when_it_is_back(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        await trio.to_thread.run_sync(daemon.start)
        async with (
            Client(daemon) as client,
            open_receiver(secret=SECRET) as receiver,
            open_switch() as (switch, target),
        ):
            await make_webhook(client, receiver.url)
            monitor_id = await make_monitor(client, target, name="shop", failure_threshold=3)
            await client.until(f"/monitors/{monitor_id}", lambda each: each["status"] == "up")
            switch.is_up = False
            (created,) = await receiver.wait_for(1)
            switch.is_up = True
            _, resolved = await receiver.wait_for(2)
            incidents = await client.ask("GET", f"/incidents?monitor_id={monitor_id}")
            status = await trio.to_thread.run_sync(daemon.stop)
    assert status == 0
    assert [created.event, resolved.event] == ["incident.created", "incident.resolved"]
    assert not receiver.wrongly_signed
    assert created.document["incident"]["id"] == resolved.document["incident"]["id"]
    assert created.document["delivery"] == created.key != resolved.key
    assert "503" in created.document["incident"]["cause"]
    assert incidents["total"] == 1
    assert incidents["data"][0]["status"] == "resolved"
    checks_before = [each for each in created.document["evidence"] if each["status"] == "down"]
    assert checks_before[0]["streak"] == 3


async def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    chance = random.Random(seed)
    with Daemon(tmp_path) as daemon:
        await trio.to_thread.run_sync(daemon.start)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(Client(daemon))
            receiver = await stack.enter_async_context(open_receiver(secret=SECRET))
            switches = [await stack.enter_async_context(open_switch()) for _ in range(MONITORS)]
            await make_webhook(client, receiver.url)
            answered: list[int] = []
            done = trio.Event()
            monitor_ids: list[int] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(kill_again_and_again, daemon, chance, done)
                nursery.start_soon(write_again_and_again, client, answered, done)
                async with trio.open_nursery() as flipping:
                    for n, (switch, target) in enumerate(switches):
                        flipping.start_soon(flip, client, f"target {n}", switch, target, monitor_ids)
                await done.wait()
            assert daemon.process is not None
            assert daemon.process.poll() is None
            stored = await written(client)
            assert stored >= set(answered), f"an answered write is gone (seed {seed})"
            await client.until("/notifications/history?status=queued", lambda found: not found["data"])
            incidents = (await client.ask("GET", "/incidents?per_page=500"))["data"]
            assert await trio.to_thread.run_sync(daemon.stop) == 0
        for monitor_id in monitor_ids:
            own = [each for each in incidents if each["monitor_id"] == monitor_id]
            assert len(own) == SPELLS, f"{len(own)} incidents for {SPELLS} spells (seed {seed})"
        assert all(each["resolved_at"] >= each["started_at"] for each in incidents)
        assert len(answered) > KILLS
        check_deliveries(receiver.received, incidents, seed=seed)


async def kill_again_and_again(daemon: Daemon, chance: random.Random, done: trio.Event) -> None:
    for _ in range(KILLS):
        await trio.sleep(chance.uniform(0.05, 1.2))
        await trio.to_thread.run_sync(daemon.kill)
        await trio.to_thread.run_sync(daemon.start)
    done.set()


async def written(client: Client) -> set[int]:
    """The ids of what was written, page by page: on a slow machine there is time for more than one holds."""
    found: set[int] = set()
    number, pages = 0, 1
    while number < pages:
        number += 1
        page = await client.ask("GET", f"/monitors?tag=written&sort=id&per_page=500&page={number}")
        found |= {each["id"] for each in page["data"]}
        pages = page["total_pages"]
    return found


async def write_again_and_again(client: Client, answered: list[int], done: trio.Event) -> None:
    """Write all the time, and remember what was answered: that must be there at the end."""
    n = 0
    while not done.is_set():
        n += 1
        document = {
            "name": f"written {n}",
            "type": "tcp",
            "target": "127.0.0.1:9",
            "enabled": False,
            "tags": ["written"],
        }
        answer = await client.once("POST", "/monitors", json=document)
        if answer is not None and answer.status_code == 201:
            answered.append(answer.json()["id"])
        await trio.sleep(0.02)


async def flip(client: Client, name: str, switch: Switch, target: str, monitor_ids: list[int]) -> None:
    """Turn a target off and on, each time only when the daemon has drawn its conclusion."""
    # A kill can swallow the answer to a creation that happened, so look before creating again.
    while not (found := (await client.ask("GET", f"/monitors?q={name}"))["data"]):
        document = {"name": name, "type": "http", "target": target, "interval": 1, "failure_threshold": 2}
        await client.once("POST", "/monitors", json=document)
    monitor_id = int(found[0]["id"])
    monitor_ids.append(monitor_id)
    for _ in range(SPELLS):
        await client.until(f"/monitors/{monitor_id}", lambda each: each["status"] == "up")
        switch.is_up = False
        await client.until(f"/incidents?monitor_id={monitor_id}&status=open", lambda open_: open_["total"] == 1)
        switch.is_up = True
        await client.until(f"/incidents?monitor_id={monitor_id}&status=open", lambda open_: open_["total"] == 0)


def check_deliveries(received: list[Received], incidents: list[dict[str, Any]], *, seed: int) -> None:
    """Each incident was told once under one key for each event, repeats only under the same key, and in order."""
    first: dict[str, Received] = {}
    for each in received:
        first.setdefault(each.key, each)
    told = Counter((each.document["incident"]["id"], each.event) for each in first.values())
    wanted = Counter((each["id"], event) for each in incidents for event in ("incident.created", "incident.resolved"))
    assert told == wanted, f"seed {seed}"
    order: dict[int, list[str]] = {}
    for each in first.values():
        order.setdefault(each.document["incident"]["id"], []).append(each.event)
    assert all(events == ["incident.created", "incident.resolved"] for events in order.values()), f"seed {seed}"
