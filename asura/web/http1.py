"""HTTP/1.1 over one connection: hypercorn's H11Protocol, turned from pushing to pulling.

hypercorn reads in one task and feeds the app in another through a queue. Here the connection's own task parses a
head, runs the app and goes on to the next, and the app's `receive()` reads the socket itself. So a request costs
no task of ours, a body that nobody wants is never read, and head and body leave in one write. There is no HTTP/2
(neither by prior knowledge nor by upgrade) and no WebSocket: with hypercorn 0.18 both have ways to end the process.
Pings are answered here, without the app: the plain ones (`plain.py`) even without h11.
"""

from time import monotonic
from typing import TYPE_CHECKING, Any

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Event, RawData
from hypercorn.protocol.events import Body, EndBody, Response
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import AppWrapper, ConnectionState, HTTPScope

from asura import metrics
from asura.web import edge, plain
from asura.web.exchange import Exchange, seconds
from asura.web.ping_exchange import PingExchange, read_without_framing
from asura.web.pings import Pings
from asura.web.plain import Plain

if TYPE_CHECKING:
    from asura.web.connection import Connection

FLUSH_BYTES = 64 * 1024
"""A longer answer leaves in pieces of this size; a shorter one in one."""
_CLOSE = (b"connection", b"close")
_requests = metrics.counter("asura_http_requests_total", "Requests answered, by class of status.", ("status",))


class Http1(H11Protocol):
    """The requests of one connection, one after the other."""

    def __init__(self, link: "Connection", *, is_tls: bool) -> None:
        state = ConnectionState(link.state)
        super().__init__(
            link.app,
            link.config,
            link.context,
            self,  # type: ignore[arg-type]
            state,
            is_tls,
            link.client,
            link.server,
            self._keep,
        )
        self.connection: h11.Connection
        self.link = link
        self.options = link.options
        self._exchange: Exchange | PingExchange | None = None
        self._is_first = True
        self._has_odd_framing = False
        """What the request's head says of its body was passed over."""
        self._out = bytearray()
        self._writing = trio.Lock()
        self._is_broken = False
        self.must_linger = False

    async def serve(self) -> None:
        """Answer requests until the connection has come to its end. Closing it is the caller's."""
        while (request := await self._head()) is not None:
            if isinstance(request, Plain):
                if not await self._answer_plain(request):
                    break
                continue
            self._exchange = self._exchange_for(request)
            await self._exchange.answer(request)
            if not self._can_go_on():
                break
            self.connection.start_next_cycle()
        if self.must_linger and not self._is_broken:
            if isinstance(self._exchange, PingExchange):
                await self._exchange.drain()
            await self.link.linger()

    async def spawn_app(self, app: AppWrapper, _config: Config, scope: HTTPScope, send: Any) -> None:
        """Run the app for the exchange, in this task: what HTTPStream asks of a task group."""
        assert isinstance(self._exchange, Exchange)
        await self._exchange.run(app, scope, send)

    async def stream_send(self, event: StreamEvent) -> None:
        """Turn what an exchange says into bytes, and send them once they are worth a write."""
        exchange = self._exchange
        assert isinstance(exchange, Exchange)
        if isinstance(event, Response):
            event = self._opening(event, exchange)
        await super().stream_send(event)
        is_due = exchange.is_stream and isinstance(event, Response | Body)
        if is_due or isinstance(event, EndBody) or len(self._out) >= FLUSH_BYTES:
            await self.flush()

    async def refuse(self, refusal: edge.Refusal) -> None:
        """Answer for the app, if no answer has begun, and let the connection end."""
        self.must_linger = True
        if self._exchange is not None:
            self._exchange.close()
        if self.connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        await self.reply(refusal.status, refusal.all_headers(), refusal.body())

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer, whose length `headers` say; the body is left out for HEAD."""
        _requests.inc(status=f"{status // 100}xx")
        headers = headers + self.config.response_headers("h11")
        await self._send_h11_event(h11.Response(status_code=status, headers=headers))
        if body and (self._exchange is None or not self._exchange.is_head):
            await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())
        await self.flush()

    async def proceed(self) -> None:
        """Tell a client that waits for it (`Expect: 100-continue`) to send its body."""
        if self.connection.they_are_waiting_for_100_continue and self.connection.our_state is h11.SEND_RESPONSE:
            await self._send_h11_event(h11.InformationalResponse(status_code=100, headers=[]))
            await self.flush()

    async def flush(self) -> None:
        """Send what has been kept. A client that doesn't take it has left."""
        try:
            self._writing.acquire_nowait()
        except trio.WouldBlock:
            await self._writing.acquire()
        try:
            data, self._out = self._out, bytearray()
            if data and not self._is_broken:
                # Broken until proved whole: a write that is cancelled has sent nobody knows how much.
                self._is_broken = True
                self._is_broken = not await self.link.write(data)
        finally:
            self._writing.release()
        if self._is_broken:
            self.leave()

    def leave(self) -> None:
        """The client has gone: nothing more can be read from it or told it."""
        self._is_broken = True
        if self._exchange is not None:
            self._exchange.close()

    def buffered(self) -> int:
        """How many bytes wait in the parser."""
        return len(self.connection.trailing_data[0])

    async def _head(self) -> h11.Request | Plain | None:
        """The next request's head, or all of a plain ping; None when there will be none, or it was refused."""
        size = self.buffered()
        is_first, self._is_first = self._is_first, False
        head = self.connection.trailing_data[0] if size else b""
        self._exchange = None
        patience_s = self.options.header_timeout_s if is_first or size else self.options.idle_timeout_s
        deadline_s = trio.current_time() + patience_s
        self.link.idle_since_s = trio.current_time()
        while True:
            try:
                event = self.connection.next_event()
            except h11.RemoteProtocolError as error:
                request = self._without_framing(head)
                if request is not None:
                    return request
                await self.refuse(edge.HEADERS_TOO_LARGE if error.error_status_hint == 431 else edge.BAD_REQUEST)
                return None
            if isinstance(event, h11.Request):
                self.link.idle_since_s = None
                return event
            if event is not h11.NEED_DATA:
                return None
            if size >= self.options.max_header_bytes:
                has_line = b"\n" in self.connection.trailing_data[0]
                await self.refuse(edge.HEADERS_TOO_LARGE if has_line else edge.TARGET_TOO_LONG)
                return None
            data = await self.link.read_in_time(self.options.max_header_bytes - size, deadline_s=deadline_s)
            if data is None:
                if size and not self.link.is_stopping:
                    await self.refuse(edge.TIMED_OUT)
                return None
            if not size and not is_first:
                deadline_s = trio.current_time() + self.options.header_timeout_s
            if not size and self.link.pings is not None:
                ping = plain.read(data, prefix=self.link.pings.prefix, peer=self.link.client[0])
                if ping is not None:
                    self.link.idle_since_s = None
                    return ping
            size += len(data)
            head += data
            self.connection.receive_data(data)

    async def _answer_plain(self, ping: Plain) -> bool:
        """Answer a plain ping; whether the connection goes on. h11, which has not seen it, is not needed."""
        assert self.link.pings is not None
        started_s = monotonic()
        reply = await self.link.pings.answer(ping.head, ping.read_body)
        _requests.inc(status=f"{reply.status // 100}xx")
        goes_on = ping.keeps_alive and not self.link.is_stopping
        fields = [*self.config.response_headers("h11"), *([] if goes_on else [_CLOSE])]
        more = b"".join([b"%s: %s\r\n" % pair for pair in fields])
        self._out += b"%s%s\r\n%s" % (reply.head, more, b"" if ping.head.method == "HEAD" else reply.body)
        await self.flush()
        seconds.observe(monotonic() - started_s)
        return goes_on and not self._is_broken

    def _exchange_for(self, request: h11.Request) -> Exchange | PingExchange:
        pings = self._pings_of(request)
        return Exchange(self) if pings is None else PingExchange(self, pings, has_odd_framing=self._has_odd_framing)

    def _pings_of(self, request: h11.Request) -> Pings | None:
        """What answers the request, if it is one of pings."""
        target = edge.origin_form(request.target)
        is_one = self.link.pings is not None and target is not None and target.startswith(self.link.pings.prefix)
        return self.link.pings if is_one else None

    def _without_framing(self, head: bytes) -> h11.Request | None:
        """The ping in a head that h11 refuses for what it says of its body; None for anything else."""
        found = read_without_framing(head, max_bytes=self.options.max_header_bytes)
        if found is None or self._pings_of(found[1]) is None:
            return None
        self.connection, request = found
        self._has_odd_framing = True
        self.link.idle_since_s = None
        return request

    def _opening(self, event: Response, exchange: Exchange) -> Response:
        exchange.take_buffered()
        has_length = any(name.lower() == b"content-length" for name, _ in event.headers)
        exchange.is_stream = not has_length and event.status_code not in (204, 304)
        _requests.inc(status=f"{event.status_code // 100}xx")
        if exchange.has_whole_body and not self.link.is_stopping:
            return event
        self.must_linger = not exchange.has_whole_body
        headers = [*event.headers, _CLOSE]
        return Response(stream_id=event.stream_id, headers=headers, status_code=event.status_code)

    def _can_go_on(self) -> bool:
        states = (self.connection.our_state, self.connection.their_state)
        return states == (h11.DONE, h11.DONE) and not self._is_broken and not self.link.is_stopping

    async def _maybe_recycle(self) -> None:
        if self._exchange is not None:
            self._exchange.close()

    async def _keep(self, event: Event) -> None:
        if isinstance(event, RawData):
            self._out += event.data
