"""A WebSocket on an open connection, by wsproto: every part of what arrives has a limit, time excepted.

No extension is offered, so nothing that arrives is compressed.
"""

import re
from collections.abc import Iterator
from typing import Any

import trio
from trio.lowlevel import checkpoint
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, CloseConnection, Event, Message, Ping, RejectConnection, Request
from wsproto.frame_protocol import ParseFailed
from wsproto.utilities import ProtocolError, RemoteProtocolError

from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.connection import Connection, broken_words
from asura.protocols.words import shown, status_words

MAX_READ_BYTES = 2**20
"""Of all that comes after the handshake: what is expected must be within it."""
MAX_FRAMES = 4096
"""And of frames: a MiB has room for half a million, at 15 µs each."""
FRAMES_AT_ONCE = 64
"""Before others have their turn: some 1 ms."""
CLOSE_S = 0.25
"""How long the target may take to say goodbye: with a close on both sides it notes no failure in its log."""
CLOSE_RESERVE_S = 0.05
"""And it must end this long before the check's deadline, or what is known already would be lost."""
MAX_CLOSE_READS = 8
SLICE_BYTES = 1024
"""Of an answer to the handshake, parsed before others have their turn: a 64 KiB of tiny chunks takes 0.1 s."""
HEARD_BYTES = 64
"""Of the answer, to say what it is if it isn't HTTP."""
_BROKEN = (ProtocolError, ParseFailed, ValueError, LookupError, AssertionError, AttributeError, TypeError)
"""What wsproto raises on malformed input: mostly its own errors, and now and then what a line of it didn't expect."""


class Session:
    """A WebSocket on an open connection: shake hands, send, wait, say goodbye."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._events: Iterator[Event] = iter(())
        self._answers = bytearray()
        self._frames = 0
        self._read_bytes = 0

    async def shake_hands(self, request: Request) -> AcceptConnection | RejectConnection:
        """Ask for a WebSocket and give the answer.

        Raises Fault: there is none, or a broken one.
        """
        try:
            await self._connection.send(self._ws.send(request))
        except OSError as exc:
            raise Fault(f"the connection was {broken_words(exc)} while the handshake was sent") from None
        heard = b""
        while True:
            data = await self._receive("it answered the handshake")
            heard += data[: HEARD_BYTES - len(heard)]
            if not heard.startswith(b"HTTP/"[: len(heard)]):  # h11 would wait for the end of a header
                raise Fault(f"the answer is not HTTP: {shown(heard)}")
            for at in range(0, len(data), SLICE_BYTES):
                event = self._hear(data[at : at + SLICE_BYTES])
                if isinstance(event, AcceptConnection):
                    self._ws.receive_data(data[at + SLICE_BYTES :])
                if isinstance(event, AcceptConnection | RejectConnection):
                    return event
                await checkpoint()

    def _hear(self, data: bytes) -> Event | None:
        try:
            self._ws.receive_data(data)
            self._events = self._ws.events()
            return next(self._events, None)
        except _BROKEN as exc:
            raise Fault(_handshake_words(exc)) from None

    async def send(self, message: Message[Any]) -> None:
        """Send a message."""
        try:
            await self._connection.send(bytes(self._ws.send(message)))
        except OSError as exc:
            raise Fault(f"the connection was {broken_words(exc)} while the message was sent") from None

    async def wait_for(self, needle: bytes, *, wanted: str, watch: Stopwatch) -> bytes:
        """The first message that contains `needle`. `wanted` says so in words.

        Raises Fault: none came.
        """
        pieces: list[bytes] = []
        last = b""
        watch.note = f"no {wanted.removeprefix('a ')}"
        while True:
            event = await self._next(wanted)
            if isinstance(event, CloseConnection):
                raise Fault(f"{self._end_words(event)} before {wanted}{_got(last)}")
            if isinstance(event, Message):
                pieces.append(event.data.encode() if isinstance(event.data, str) else bytes(event.data))
                if event.message_finished:
                    last = b"".join(pieces)
                    pieces.clear()
                    if needle in last:
                        return last
                    watch.note = f"no {wanted.removeprefix('a ')}{_got(last)}"
            if self._frames > MAX_FRAMES or self._read_bytes > MAX_READ_BYTES:
                limit = f"{MAX_FRAMES} frames" if self._frames > MAX_FRAMES else "MiB"
                raise Fault(f"no {wanted.removeprefix('a ')} in the first {limit}{_got(last or b''.join(pieces))}")

    async def say_goodbye(self) -> None:
        """Close, and give the target a moment to do so, too. What it does then makes no difference."""
        until = min(trio.current_time() + CLOSE_S, trio.current_effective_deadline() - CLOSE_RESERVE_S)
        if until <= trio.current_time() or self._ws.state is not ConnectionState.OPEN:
            return
        with trio.move_on_at(until):
            try:
                await self._connection.send(bytes(self._answers) + self._ws.send(CloseConnection(code=1000)))
                for _ in range(MAX_CLOSE_READS):
                    if not await self._connection.receive():
                        return
            except OSError:
                return

    async def _next(self, wanted: str) -> Event:
        """The next frame. Pings are answered."""
        while True:
            try:
                event = next(self._events, None)
            except _BROKEN:
                raise Fault("the target sent a broken WebSocket frame") from None
            if event is None:
                await self._read(wanted)
                continue
            self._frames += 1
            if self._frames % FRAMES_AT_ONCE == 0:
                await checkpoint()
            if isinstance(event, Ping):
                self._answers += self._ws.send(event.response())
            return event

    async def _read(self, wanted: str) -> None:
        answers, self._answers = bytes(self._answers), bytearray()
        try:
            await self._connection.send(answers)
        except OSError:
            answers = b""  # what it said before it went away still counts: read on
        data = await self._receive(wanted)
        self._read_bytes += len(data)
        try:
            self._ws.receive_data(data)
        except _BROKEN:
            raise Fault("the target sent a broken WebSocket frame") from None
        self._events = self._ws.events()

    async def _receive(self, wanted: str) -> bytes:
        try:
            data = await self._connection.receive()
        except OSError as exc:
            raise Fault(f"the connection was {broken_words(exc)} before {wanted}") from None
        if not data:
            raise Fault(f"the target closed the connection before {wanted}")
        return data

    def _end_words(self, event: CloseConnection) -> str:
        if self._ws.state is ConnectionState.OPEN:  # wsproto's own: the target sent no such frame
            return f"the target broke the WebSocket protocol ({event.reason})"
        code = int(event.code)
        meaning = f" ({_CLOSE_WORDS[code]})" if code in _CLOSE_WORDS else ""
        said = f", saying {shown(event.reason.encode())}," if event.reason else ""
        return f"the target closed the WebSocket with {code}{meaning}{said}"


_CLOSE_WORDS = {
    1000: "normal",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no reason",
    1007: "invalid data",
    1008: "policy violation",
    1009: "message too big",
    1011: "internal error",
    1012: "restart",
    1013: "try again later",
}
"""RFC 6455 §7.4.1 and its registry."""


def _got(last: bytes) -> str:
    return f"; the last was {shown(last)}" if last else ""


_SECRETS = re.compile(rb"(?<=//)[^/?#]*@|[?#].*")
"""What of a URL may be secret: credentials, query and fragment."""


def rejection_words(event: RejectConnection) -> str:
    """An answer to the handshake that is no WebSocket."""
    status, words = event.status_code, status_words(event.status_code)
    location = next((value for name, value in event.headers if name.lower() == b"location"), None)
    if 300 <= status < 400 and location is not None:
        return f"the handshake was answered {words}, to {shown(_SECRETS.sub(b'', location))}: not followed"
    return f"the handshake was answered {words}, expected 101 Switching Protocols"


def _handshake_words(exc: Exception) -> str:
    reason = str(exc) if isinstance(exc, RemoteProtocolError) else ""
    if reason == "Bad accept token":
        return "the handshake failed: Sec-WebSocket-Accept is missing or wrong"
    if reason.startswith("Missing header"):
        header = "Upgrade" if "Upgrade: " in reason else "Connection"
        return f"the handshake failed: the answer has no header {header} that says so"
    if reason.startswith("unrecognized subprotocol"):
        return "the handshake failed: the target chose a subprotocol that was not offered"
    if reason.startswith("unrecognized extension"):
        return "the handshake failed: the target chose an extension that was not offered"
    return "the handshake failed: the answer is broken HTTP, or its header is over 16 KiB"
