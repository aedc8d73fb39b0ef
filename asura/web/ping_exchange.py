"""One ping and its answer on a connection: no ASGI, no app, no task.

The body never costs the signal. What came of it within the limits is kept; a body that is too long, broken, cut off
or stuck only costs the connection, which then goes on taking what the client sends for a while, so that a client
which sends everything before it reads (most do) still finds its answer instead of a reset.
"""

from time import monotonic
from typing import TYPE_CHECKING

import h11
import trio

from asura.web import edge
from asura.web.exchange import seconds
from asura.web.pings import KEPT_BYTES, Body, Head, Pings, Reply

if TYPE_CHECKING:
    from asura.web.http1 import Http1

READ_BYTES = 64 * 1024
DRAIN_BYTES = 1024 * 1024 * 1024
"""What a client may go on sending after its answer: a day's log that somebody pipes into curl. Dropping it costs some
half a second."""

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class PingExchange:
    """A request under the pings' address, and its answer."""

    def __init__(self, http1: "Http1", pings: Pings, *, has_odd_framing: bool) -> None:
        self.http1 = http1
        self.is_head = False
        self.has_whole_body = False
        self._pings = pings
        self._kept = bytearray()
        self._is_cut = False
        self._is_broken = has_odd_framing
        """The body's framing is wrong, or the client has gone: nothing more can be understood."""
        self._has_odd_framing = has_odd_framing
        """Nobody can say where the next request would begin."""
        self._is_taken = False

    async def answer(self, request: h11.Request) -> None:
        """Refuse the request or record the ping."""
        started_s = monotonic()
        self.is_head = request.method == b"HEAD"
        fields = list(request.headers)
        refusal = edge.objection(
            method=request.method,
            target=request.target,
            version=request.http_version,
            headers=fields,
            max_body_bytes=None,
        )
        if refusal is not None:
            await self.http1.refuse(refusal)
            return
        head = Head(
            method=request.method.decode(),
            target=edge.origin_form(request.target) or b"/",
            headers=dict(fields),
            peer=self.http1.link.client[0],
            forwarded=tuple(pair for pair in fields if pair[0] == b"x-forwarded-for"),
        )
        if not self._is_broken:
            self._take_buffered()
        # Both say how long the body is, and a proxy in between may have believed the other. RFC 9112 §6.1.
        self._has_odd_framing |= head.headers.keys() >= _FRAMING
        await self._send(await self._pings.answer(head, self._read_body))
        seconds.observe(monotonic() - started_s)

    def close(self) -> None:
        """Nothing more is read."""
        self._is_broken = True

    async def drain(self) -> None:
        """Take what the client of a durable ping goes on sending after its answer."""
        if self._is_taken:
            await self.http1.link.drain(max_bytes=DRAIN_BYTES, longest_s=self.http1.options.body_timeout_s)

    async def _send(self, reply: Reply) -> None:
        goes_on = self.has_whole_body and not self._has_odd_framing and not self.http1.link.is_stopping
        closing = [] if goes_on else [(b"connection", b"close")]
        self.http1.must_linger = not self.has_whole_body
        self._is_taken = reply.status == 200
        await self.http1.reply(reply.status, [*reply.headers, *closing], reply.body)

    async def _read_body(self) -> Body:
        """Take the body until its end, the limits, or the client's leaving."""
        options, link = self.http1.options, self.http1.link
        left = KEPT_BYTES + options.max_body_bytes
        end_s = trio.current_time() + options.body_timeout_s
        while not self.has_whole_body and not self._is_broken and left > 0:
            await self.http1.proceed()
            deadline_s = min(end_s, trio.current_time() + options.ping_silence_s)
            data = await link.read_in_time(min(left, READ_BYTES), deadline_s=deadline_s)
            if not data:
                self._is_broken = data is not None
                break
            left -= len(data)
            self.http1.connection.receive_data(data)
            self._take_buffered()
        return Body(kept=bytes(self._kept), is_cut=self._is_cut or not self.has_whole_body)

    def _take_buffered(self) -> None:
        """Take what has arrived of the body, without waiting."""
        try:
            while not self.has_whole_body:
                event = self.http1.connection.next_event()
                if isinstance(event, h11.Data):
                    room = KEPT_BYTES - len(self._kept)
                    self._kept += event.data[:room]
                    self._is_cut = self._is_cut or len(event.data) > room
                elif isinstance(event, h11.EndOfMessage):
                    self.has_whole_body = True
                else:
                    break
        except h11.RemoteProtocolError:
            self._is_broken = True


def read_without_framing(head: bytes, *, max_bytes: int) -> tuple[h11.Connection, h11.Request] | None:
    """A head without its fields that say how long the body is, and the parser that read it; None if it is wrong still.

    For a ping nothing is lost by that but its body, and the connection: what follows can't be understood.
    """
    lines, blank, _ = head.partition(b"\r\n\r\n")
    kept = [line for line in lines.split(b"\r\n") if line.partition(b":")[0].lower() not in _FRAMING]
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=max_bytes)
    parser.receive_data(b"\r\n".join(kept) + blank)
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError:
        return None
    return (parser, event) if isinstance(event, h11.Request) else None
