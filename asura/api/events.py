"""Server-sent events: what changes, as it is committed."""

from collections.abc import AsyncIterator
from typing import Any

import attrs
import msgspec
import trio
from quart import Response

from asura import metrics
from asura.api.endpoint import Call, Media, Routes
from asura.api.errors import ApiError
from asura.api.feed import Feed
from asura.api.wire import instant
from asura.waiting import until_any

routes = Routes("events", tag="Overview")

MAX_STREAMS = 200
"""Each holds a connection, of which the listener has a thousand."""
HEARTBEAT_S = 15.0
NEWS_EVERY_S = 1.0
"""Checks and pings are told together so often."""
RETRY_MS = 3000
NAMES = ("monitor", "checks", "pings", "incident", "delivery", "channel", "reset")

_STREAMS = metrics.gauge("asura_event_streams", "Readers of live events at this moment.")


@routes.add(
    "GET",
    "/events",
    needs="monitors.read",
    summary="Live events",
    gives=Media(content_type="text/event-stream", description="Server-sent events"),
    also={503: "too many readers"},
)
async def events(call: Call) -> Response:
    """Each event is a hint to look, with a JSON document as its data.

    - `monitor`: `{"id", "kind": "monitor.changed" | "monitor.status" | "monitor.content", …}`; a change of status
      has `status` and `confirming`, one of the content has `change`, its id.
    - `checks`: at most once a second, `[{"id", "status", "last_check_at", "last_response_ms", "confirming"}]`: what
      the last check of each of these monitors saw, or what its job reported.
    - `pings`: at most once a second, `[{"id"}]`: these monitors were pinged, whatever became of it.
    - `incident`, `delivery`, `channel`: `{"id", "kind", …}`.
    - `reset`: events were missed; read everything again.

    A comment every 15 seconds keeps the connection. `Last-Event-ID` goes on where a lost connection ended. The
    stream ends with the key or session that opened it.
    """
    feed = call.gate.feed
    if feed.streams >= MAX_STREAMS:
        raise ApiError(503, "too_many_streams", "too many readers of live events", headers={"Retry-After": "30"})
    number: int | None = feed.ring.last
    resumed = call.request.headers.get("Last-Event-ID", "")
    if resumed:
        number = feed.number_of(resumed)
    body = b"" if call.request.method == "HEAD" else _stream(call, feed, number)
    response = Response(body, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.timeout = None
    return response


@attrs.define
class _Reader:
    """How far one stream has read. `number` None means that it missed something."""

    feed: Feed
    number: int | None
    checks_seen: int
    pings_seen: int

    def news(self) -> list[bytes]:
        """What to send now, in order."""
        found = None if self.number is None else self.feed.ring.after(self.number)
        self.number = self.feed.ring.last
        if found is None:
            return [_message("reset", b"null", event_id=self.feed.id_of(self.number))]
        return [
            _message(
                each.event.kind.partition(".")[0],
                msgspec.json.encode({"id": each.event.id, "kind": each.event.kind, **each.event.detail}),
                event_id=self.feed.id_of(each.number),
            )
            for each in found
        ]

    def seen(self) -> list[bytes]:
        """The checks and pings since the last time, as one message each; none where there are none."""
        checks = self.feed.checks.after(self.checks_seen)
        pings = self.feed.pings.after(self.pings_seen)
        self.checks_seen, self.pings_seen = self.feed.checks.last, self.feed.pings.last
        messages = []
        if checks:
            messages.append(_message("checks", msgspec.json.encode([_check(*each) for each in checks])))
        if pings:
            messages.append(_message("pings", msgspec.json.encode([{"id": monitor_id} for monitor_id, _ in pings])))
        return messages


async def _stream(call: Call, feed: Feed, number: int | None) -> AsyncIterator[bytes]:
    reader = _Reader(feed, number, feed.checks.last, feed.pings.last)
    stopping = call.services.stopping
    feed.streams += 1
    _STREAMS.set(feed.streams)
    try:
        # The first bytes tell the browser that the stream stands, and where it goes on if it breaks at once.
        begin = b"" if number is None else f"id: {feed.id_of(number)}\n".encode()
        yield f"retry: {RETRY_MS}\n".encode() + begin + b"\n"
        seen_at = heartbeat_at = trio.current_time()
        heartbeat_at += HEARTBEAT_S
        while not stopping.is_set():
            changed = feed.ring.news
            for message in reader.news():
                yield message
            now = trio.current_time()
            if now >= seen_at:
                seen_at = now + NEWS_EVERY_S
                for message in reader.seen():
                    yield message
            if now >= heartbeat_at:
                heartbeat_at = now + HEARTBEAT_S
                if not await _may_go_on(call):
                    return
                yield b": still here\n\n"
            await until_any(changed.wait, stopping.wait, timeout_s=max(0.0, min(seen_at, heartbeat_at) - now))
    finally:
        feed.streams -= 1
        _STREAMS.set(feed.streams)


async def _may_go_on(call: Call) -> bool:
    """Whether the key or session that opened the stream still stands, with the permission for it."""
    try:
        actor = await call.gate.identify(call.request)
    except ApiError:
        return False
    return actor is not None and "monitors.read" in actor.permissions


def _check(monitor_id: int, detail: Any) -> dict[str, Any]:
    at = detail.get("last_check_at")
    return {"id": monitor_id, **detail, "last_check_at": None if at is None else instant(at)}


def _message(name: str, document: bytes, *, event_id: str | None = None) -> bytes:
    number = b"" if event_id is None else f"id: {event_id}\n".encode()
    return number + f"event: {name}\ndata: ".encode() + document + b"\n\n"
