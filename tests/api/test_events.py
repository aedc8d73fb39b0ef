"""Live events: what is committed is told, in order; a lost connection goes on; nothing waits for a reader."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

from asura.api import events
from asura.api.feed import RING_SIZE, Board, Feed
from asura.live import Event, Hub
from tests import factories
from tests.api.conftest import KEYS, Api
from tests.api.test_incidents import go_down
from tests.api.test_monitors import make


@attrs.define
class Stream:
    """A reader of the stream of events, on a bare socket: it can leave without a word, as browsers do."""

    stream: trio.SocketStream
    status: int = 0
    last_id: str = ""
    comments: int = 0
    _raw: bytes = b""
    _text: bytes = b""

    async def _more(self) -> None:
        data = await self.stream.receive_some()
        if not data:
            raise EOFError("the stream ended")
        self._raw += data

    async def begin(self) -> None:
        """Read the head."""
        while b"\r\n\r\n" not in self._raw:
            await self._more()
        head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        if self.status == 200:
            assert b"content-type: text/event-stream" in head.lower()
            assert (await self.block())["retry"] == "3000"

    async def block(self) -> dict[str, str]:
        """The fields up to the next empty line."""
        while b"\n\n" not in self._text:
            while b"\r\n" not in self._raw:
                await self._more()
            size, _, rest = self._raw.partition(b"\r\n")
            length = int(size, 16)
            if length == 0:
                raise EOFError("the stream ended")
            while len(rest) < length + 2:
                await self._more()
                rest = self._raw.partition(b"\r\n")[2]
            self._text += rest[:length]
            self._raw = rest[length + 2 :]
        block, _, self._text = self._text.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
        self.comments += "" in fields or block.startswith(b":")
        self.last_id = fields.get("id", self.last_id)
        return fields

    async def next(self, wanted: str = "") -> tuple[str, Any]:
        """The next event, or the next of a name."""
        with trio.fail_after(10):
            while True:
                fields = await self.block()
                if "event" in fields and wanted in ("", fields["event"]):
                    return fields["event"], json.loads(fields["data"])

    async def rest(self) -> None:
        """Read until the stream ends."""
        with trio.fail_after(10):
            try:
                while True:
                    await self.block()
            except EOFError:
                return


@asynccontextmanager
async def listening(api: Api, *, after: str = "", key: str = "reader") -> AsyncIterator[Stream]:
    port = int(api.url.rpartition(":")[2])
    async with await trio.open_tcp_stream("127.0.0.1", port) as socket:
        last_id = f"Last-Event-ID: {after}\r\n" if after else ""
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEYS[key]}\r\n{last_id}\r\n"
        await socket.send_all(head.encode())
        stream = Stream(socket)
        with trio.fail_after(10):
            await stream.begin()
        yield stream


async def test_changes_are_told_as_they_are_committed(api: Api):
    async with listening(api) as stream:
        await make(api)
        assert await stream.next() == ("monitor", {"id": 1, "kind": "monitor.changed"})
        await go_down(api)
        name, document = await stream.next("incident")
        assert (name, document["kind"], document["monitor_id"]) == ("incident", "incident.opened", 1)
        await api.bot.post("/api/v1/incidents/1/ack")
        assert (await stream.next("incident"))[1]["kind"] == "incident.acknowledged"
        document = {"name": "x", "type": "webhook", "settings": {"url": "https://x.example/"}}
        await api.admin.post("/api/v1/notifications", json=document)
        assert await stream.next("channel") == ("channel", {"id": 1, "kind": "channel.changed"})


async def test_a_confirmed_status_is_told_with_its_detail(api: Api):
    await make(api)
    async with listening(api) as stream:
        await api.services.record([factories.observation(1, at=api.services.clock.now_ms())])
        assert await stream.next("monitor") == (
            "monitor",
            {"id": 1, "kind": "monitor.status", "status": "up", "confirming": False},
        )


async def test_checks_come_together_at_most_once_a_second(api: Api):
    await make(api, name="a")
    await make(api, name="b")
    now_ms = api.services.clock.now_ms()
    async with listening(api) as stream:
        for each in range(5):
            seen = [factories.observation(monitor_id, at=now_ms + each, response_ms=each) for monitor_id in (1, 2)]
            await api.services.record(seen)
        _, told = await stream.next("checks")
        while told[0]["last_response_ms"] != 4:
            _, told = await stream.next("checks")
        assert sorted(check["id"] for check in told) == [1, 2]
        assert set(told[0]) == {"id", "status", "last_check_at", "last_response_ms", "confirming"}
        assert told[0]["last_check_at"].endswith("Z")


async def test_pings_come_together_at_most_once_a_second_and_push_nothing_else_out(api: Api):
    hub = api.services.hub
    async with listening(api) as stream:
        for each in range(5 * RING_SIZE):
            hub.publish(Event(kind="monitor.pinged", id=1 + each % 2))
        assert await stream.next() == ("pings", [{"id": 2}, {"id": 1}])
        hub.publish(Event(kind="monitor.changed", id=3))
        assert await stream.next() == ("monitor", {"id": 3, "kind": "monitor.changed"})


async def test_a_lost_connection_goes_on_where_it_ended(api: Api):
    async with listening(api) as stream:
        await make(api, name="a")
        await stream.next()
        last = stream.last_id
    await make(api, name="b")
    await make(api, name="c")
    async with listening(api, after=last) as stream:
        assert [(await stream.next())[1]["id"] for _ in range(2)] == [2, 3]


@pytest.mark.parametrize("after", ["nonsense", "00000000-1", "x-٣", "-", "{boot}-999", "{boot}-" + "9" * 30])
async def test_what_cannot_be_gone_on_from_begins_with_a_reset(api: Api, after: str):
    async with listening(api) as stream:
        await make(api)
        await stream.next()
        boot = stream.last_id.partition("-")[0]
    async with listening(api, after=after.replace("{boot}", boot)) as stream:
        assert await stream.next() == ("reset", None)
        await make(api, name="b")
        assert (await stream.next())[0] == "monitor"


async def test_a_stream_ends_at_once_when_the_daemon_stops(api: Api):
    async with listening(api) as stream:
        api.services.stopping.set()
        with trio.fail_after(2):
            await stream.rest()


async def test_a_stream_is_kept_alive_and_ends_with_its_key(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    async with listening(api) as stream:
        with trio.fail_after(10):
            while stream.comments < 2:
                await stream.block()
        config = api.services.config.current
        keys = tuple(key for key in config.auth.api_keys if key.name != "reader")
        api.services.config.reload(attrs.evolve(config, auth=attrs.evolve(config.auth, api_keys=keys)))
        await stream.rest()


async def test_readers_are_counted_and_limited(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "MAX_STREAMS", 1)
    async with listening(api):
        refused = await api.reader.get("/api/v1/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
    with trio.fail_after(5):
        while True:  # until the server has seen that the reader has left
            async with listening(api) as stream:
                if stream.status == 200:
                    break


async def test_only_who_may_read_monitors_may_listen(api: Api):
    assert (await api.bot.get("/api/v1/events")).status_code == 403
    assert (await api.stranger.get("/api/v1/events")).status_code == 401


def test_the_ring_knows_what_it_has_forgotten():
    hub = Hub()
    feed = Feed(hub)
    for number in range(RING_SIZE + 5):
        hub.publish(Event(kind="monitor.changed", id=number))
    assert feed.ring.after(4) is None
    kept = feed.ring.after(5)
    assert kept is not None
    assert [each.event.id for each in kept] == list(range(5, RING_SIZE + 5))
    assert feed.ring.after(RING_SIZE + 5) == []
    assert feed.ring.after(RING_SIZE + 6) is None


def test_the_board_keeps_the_last_check_of_each_monitor():
    board = Board("monitor.checked")
    for monitor_id in (1, 2, 1):
        board.put(Event(kind="monitor.checked", id=monitor_id, detail={"at": board.last}))
    assert board.after(0) == [(1, {"at": 2}), (2, {"at": 1})]
    assert board.after(2) == [(1, {"at": 2})]
    assert board.after(3) == []
