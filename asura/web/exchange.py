"""One request and its answer, between the connection and the app: hypercorn's HTTPStream with `receive()` pulling.

The app runs in the connection's own task. What it does wrong is logged and answered with a 500; what the client
does wrong is refused for it; what either still says after the end is dropped.
"""

from time import monotonic
from typing import TYPE_CHECKING, Any

import h11
import trio
from hypercorn.protocol.events import Request
from hypercorn.protocol.h11 import STREAM_ID
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, HTTPScope

from asura import log, metrics
from asura.web import edge

if TYPE_CHECKING:
    from asura.web.http1 import Http1

MAX_FRAMING = 2
"""Bytes on the wire for each byte of the largest body: chunks of one byte cost a hundred times their worth."""
FRAMING_BYTES = 64 * 1024
"""What the framing of a small body may cost all the same."""

seconds = metrics.histogram("asura_http_request_seconds", "From a request's head to its answer's end; no streams.")
_log = log.get("asura.web")
_crashes = metrics.counter("asura_http_request_crashes_total", "Requests whose handler crashed.")


class Exchange(HTTPStream):
    """One request and its answer. `closed` once the answer is sent or nobody waits for it any more."""

    def __init__(self, http1: "Http1") -> None:
        super().__init__(
            http1.app,
            http1.config,
            http1.context,
            http1,  # type: ignore[arg-type]
            http1.ssl,
            http1.client,
            http1.server,
            http1.stream_send,
            STREAM_ID,
        )
        self.http1 = http1
        self.is_head = False
        self.is_stream = False
        """Whether the answer's length is unknown at its start: what it says must then leave at once."""
        self.has_whole_body = False
        self._started_s = monotonic()
        self._deadline_s = trio.current_time() + http1.options.body_timeout_s
        self._body = bytearray()
        self._body_size = 0
        self._wire_size = 0
        self._end_told = False
        self._reading: trio.CancelScope | None = None

    async def answer(self, request: h11.Request) -> None:
        """Refuse the request or have the app answer it."""
        options = self.http1.options
        self.is_head = request.method == b"HEAD"
        headers = list(request.headers)
        refusal = edge.objection(
            method=request.method,
            target=request.target,
            version=request.http_version,
            headers=headers,
            max_body_bytes=options.max_body_bytes,
        )
        refusal = refusal or self.take_buffered()
        if refusal is not None:
            await self.http1.refuse(refusal)
            return
        await self.handle(
            Request(
                stream_id=STREAM_ID,
                headers=headers,
                http_version=request.http_version.decode(),
                method=request.method.decode(),
                raw_path=edge.origin_form(request.target) or b"/",
                state=self.http1.connection_state,
            )
        )
        if not self.is_stream:
            seconds.observe(monotonic() - self._started_s)

    async def run(self, app: AppWrapper, scope: HTTPScope, send: Any) -> None:
        """Run the app, here and to its end."""
        try:
            await app(scope, self.receive, send, trio.to_thread.run_sync, trio.from_thread.run)
        except* Exception as crash:
            _crashes.inc()
            _log.error("request crashed", method=scope["method"], path=scope["path"], exc_info=crash)
        await send(None)

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """Take a message from the app; None means that the app has returned."""
        if self.closed:
            # A checkpoint, so that an app that streams to nobody can still be cancelled.
            await trio.lowlevel.checkpoint()
        elif message is None and self.state is ASGIHTTPState.REQUEST:
            await self.http1.refuse(edge.CRASHED)
        else:
            await super().app_send(message)

    async def receive(self) -> ASGIReceiveEvent:
        """The next piece of the body; after its end, that the client has left or has its answer."""
        while not self.closed:
            if self._body or (self.has_whole_body and not self._end_told):
                body, self._body = bytes(self._body), bytearray()
                self._end_told = self.has_whole_body
                return {"type": "http.request", "body": body, "more_body": not self.has_whole_body}
            if self.has_whole_body:
                await self._watch()
            else:
                await self._read_body()
        return {"type": "http.disconnect"}

    def close(self) -> None:
        """Nothing more is read or sent."""
        self.closed = True
        if self._reading is not None:
            self._reading.cancel()

    def take_buffered(self) -> edge.Refusal | None:
        """Take what has arrived of the body, without waiting; what is wrong with it, if something is."""
        connection = self.http1.connection
        try:
            while not self.has_whole_body:
                event = connection.next_event()
                if isinstance(event, h11.Data):
                    self._body += event.data
                    self._body_size += len(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    self.has_whole_body = True
                else:
                    break
        except h11.RemoteProtocolError:
            return edge.BAD_REQUEST
        return edge.BODY_TOO_LARGE if self._body_size > self.http1.options.max_body_bytes else None

    async def _read_body(self) -> None:
        await self.http1.proceed()
        options = self.http1.options
        data = await self._read(options.max_header_bytes, deadline_s=self._deadline_s)
        if self.closed:
            return
        if data is None:
            await self.http1.refuse(edge.TIMED_OUT)
            return
        self._wire_size += len(data)
        self.http1.connection.receive_data(data)
        refusal = self.take_buffered()
        if self._wire_size > MAX_FRAMING * options.max_body_bytes + FRAMING_BYTES:
            refusal = edge.BODY_TOO_LARGE
        if refusal is not None:
            self._body.clear()
            await self.http1.refuse(refusal)

    async def _watch(self) -> None:
        """Wait for the client's leaving, and meanwhile keep a little of what it sends ahead of its turn."""
        room = self.http1.options.max_header_bytes - self.http1.buffered()
        if room <= 0:
            with trio.CancelScope() as self._reading:
                await trio.sleep_forever()
            return
        data = await self._read(room, deadline_s=float("inf"))
        if data:
            self.http1.connection.receive_data(data)
        elif not self.closed:
            self.http1.leave()

    async def _read(self, size: int, *, deadline_s: float) -> bytes | None:
        with trio.CancelScope(deadline=deadline_s) as self._reading:
            return await self.http1.link.read(size)
        return None
