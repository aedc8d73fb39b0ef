"""One HTTP/2 request on an open connection, TLS or plain: every part of the answer has a limit, time excepted.

h2 parses, frame by frame: whole buffers would hold the event loop (7,000 frames fit in 64 KiB), and h2 refuses what
rightly follows a graceful GOAWAY. What it leaves open is decided here: how many frames may bring nothing, how large a
header may be, whose turn it is.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import DenialOfServiceError, FlowControlError, H2Error, InvalidBodyLengthError, ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import Encoder
from hpack.exceptions import HPACKError
from hpack.hpack import encode_integer
from hyperframe.exceptions import HyperframeError
from trio.lowlevel import checkpoint

from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.connection import Connection, broken_words
from asura.protocols.words import shown

ALPN = "h2"
STREAM = 1
"""The only one: the first that a client may open (RFC 9113 §5.1.1)."""

MAX_HEADER_BYTES = 65_536
"""Of the decoded header, each line counted with 32 bytes more (RFC 9113 §10.5.1): at most 2,000 lines."""
MAX_BLOCK_BYTES = 32_768
"""Of a header as it is sent: HPACK is decoded in one go, and twice that would hold the event loop for 0.1 s."""
MAX_IDLE_BYTES = 65_536
"""Of everything that is no body: headers, pings, settings, padding, the frames' own heads."""
IDLE_SHARE = 4
"""And a quarter of the body more, for a body in small frames: 1-byte frames would cost 20 µs a byte."""
WINDOW_BYTES = 2**20
"""How much body the target may send ahead: as much as is read by default, so that it never waits for leave."""
FRAMES_AT_ONCE = 32
"""Before others have their turn: some 2 ms when each is a header, the dearest."""

_HEAD_BYTES = 9
_MAX_FRAME_BYTES = 16_384
_HEADERS, _SETTINGS, _PUSH_PROMISE, _GOAWAY, _CONTINUATION = 1, 4, 5, 7, 9
_UNFIT = frozenset({"connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
"""Of HTTP/1.1 only (RFC 9113 §8.2.2); `:authority` stands for Host."""
_BROKEN = (H2Error, HPACKError, HyperframeError, ValueError, LookupError, AssertionError, AttributeError, TypeError)
"""What h2 raises on malformed input: mostly its own errors, and now and then what a line of it didn't expect."""

Headers = Sequence[tuple[str, str]]


class Sink(Protocol):
    """Who takes the answer. Interim answers (1xx) are not shown to it."""

    def on_headers(self, status: int, headers: Headers) -> bool:
        """The header, names in lower case, without pseudo-headers. True when the body is wanted."""
        ...

    async def on_data(self, data: bytes) -> bool:
        """A piece of the body, never empty. True when more is wanted."""
        ...

    def on_trailers(self, headers: Headers) -> None:
        """What came behind the body."""
        ...


async def request(connection: Connection, *, headers: Headers, body: bytes = b"", sink: Sink, watch: Stopwatch) -> None:
    """Send a request and give its answer to `sink`, until it is complete or the sink has enough.

    `headers` begin with the pseudo-headers; names may have capitals, and what only HTTP/1.1 knows is left out.
    Times `first_byte` (the answer's header, as settings come unasked) and `transfer`. The connection is used up.

    Raises Fault: what came was broken, too large, or not HTTP/2.
    """
    exchange = _Exchange(connection, body, sink, watch)
    exchange.begin(headers)
    await exchange.run()
    watch.done("transfer")


class _Exchange:
    """The state of one request."""

    def __init__(self, connection: Connection, body: bytes, sink: Sink, watch: Stopwatch) -> None:
        self._connection = connection
        self._unsent = memoryview(body)
        self._body_bytes = len(body)
        self._sink = sink
        self._watch = watch
        self._h2 = _client()
        self._buffer = bytearray()
        self._frames = 0
        self._block_bytes = 0
        self._idle_bytes = 0
        self._received_bytes = 0
        self._has_header = False
        self._can_send = True
        self._is_over = False

    def begin(self, headers: Headers) -> None:
        """Prepare the preface, the settings and the header, to be sent together."""
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW_BYTES)
        lines = [
            (name.lower().encode("latin-1"), value.strip(" \t").encode("latin-1"))
            for name, value in headers
            if name.lower() not in _UNFIT
        ]
        self._h2.send_headers(STREAM, lines, end_stream=not self._unsent)

    async def run(self) -> None:
        """Send and read until the end."""
        await self._send()
        while not self._is_over:
            try:
                data = await self._connection.receive()
            except OSError as exc:
                raise Fault(f"the connection was {broken_words(exc)} {self._how_far()}") from None
            if not data:
                raise self._closed()
            self._buffer += data
            await self._take_frames()
            await self._send()

    async def _send(self) -> None:
        """Send what is due: settings, acknowledgements, and as much of the body as the target grants."""
        if self._is_over or not self._can_send:
            return
        while self._unsent:
            room = min(self._h2.local_flow_control_window(STREAM), self._h2.max_outbound_frame_size)
            if room <= 0:
                sent = self._body_bytes - len(self._unsent)
                self._watch.note = f"no leave to send more than {sent} of {self._body_bytes} bytes of the body"
                break
            piece, self._unsent = self._unsent[:room], self._unsent[room:]
            self._h2.send_data(STREAM, bytes(piece), end_stream=not self._unsent)
            self._watch.note = ""
        due = self._h2.data_to_send()
        if due:
            try:
                await self._connection.send(due)
            except OSError:  # it may have answered before it read everything: read on
                self._can_send = False

    async def _take_frames(self) -> None:
        buffer = self._buffer
        at = 0
        while len(buffer) - at >= _HEAD_BYTES and not self._is_over:
            size = int.from_bytes(buffer[at : at + 3], "big")
            if not self._frames and buffer[at + 3] != _SETTINGS:
                raise Fault(f"the answer is not HTTP/2: {shown(bytes(buffer))}")
            if size > _MAX_FRAME_BYTES:
                raise _broken(f"a frame of {size} bytes, and {_MAX_FRAME_BYTES} are allowed")
            end = at + _HEAD_BYTES + size
            if end > len(buffer):
                break
            await self._take(bytes(buffer[at:end]))
            at = end
            self._frames += 1
            if self._frames % FRAMES_AT_ONCE == 0:
                await checkpoint()
        del buffer[:at]

    async def _take(self, frame: bytes) -> None:
        kind = frame[3]
        if kind == _GOAWAY:
            self._go_away(frame)
        self._idle_bytes += len(frame)
        self._block_bytes = (self._block_bytes if kind == _CONTINUATION else 0) + len(frame)
        if kind in (_HEADERS, _PUSH_PROMISE, _CONTINUATION) and self._block_bytes > MAX_BLOCK_BYTES:
            raise Fault("the header of the answer is over 32 KiB as it is sent")
        if self._idle_bytes > MAX_IDLE_BYTES + self._received_bytes // IDLE_SHARE:
            raise Fault(f"the target sends HTTP/2 frames without end {self._how_far()}")
        if kind == _HEADERS and int.from_bytes(frame[5:9], "big") & 0x7FFF_FFFF != STREAM:
            raise _broken("an answer to what was never asked")
        # h2 would take nothing more after a graceful end, but the answer may still come (RFC 9113 §6.8).
        if kind == _GOAWAY:
            return
        try:
            events = self._h2.receive_data(frame)
        except _BROKEN as exc:
            raise _broken(_words(exc)) from None
        for event in events:
            if not self._is_over:
                await self._on(event)

    def _go_away(self, frame: bytes) -> None:
        last, code = (int.from_bytes(frame[at : at + 4], "big") for at in (9, 13))
        if len(frame) < _HEAD_BYTES + 8:
            raise _broken("a GOAWAY frame that is too short")
        if code != ErrorCodes.NO_ERROR or last & 0x7FFF_FFFF < STREAM:
            reason = f" ({shown(frame[17:])})" if len(frame) > 17 else ""
            raise Fault(f"the target ended the HTTP/2 connection {self._how_far()}: {_code_name(code)}{reason}")

    async def _on(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            await self._on_data(event)
        elif isinstance(event, ResponseReceived):
            self._has_header = True
            self._watch.done("first_byte", then="transfer")
            status = dict(event.headers).get(b":status", b"")
            if len(status) != 3 or not status.isdigit():
                raise _broken(f"the status {shown(status)}")
            self._is_over = not self._sink.on_headers(int(status), _plain(event.headers))
        elif isinstance(event, TrailersReceived):
            self._sink.on_trailers(_plain(event.headers))
        elif isinstance(event, StreamEnded):
            self._is_over = True
        elif isinstance(event, StreamReset):
            if not event.remote_reset:
                raise _broken(_FLOW)
            raise Fault(f"the target reset the stream {self._how_far()}: {_code_name(event.error_code)}")

    async def _on_data(self, event: DataReceived) -> None:
        if not self._has_header:
            raise _broken("a body without a header")
        data = event.data
        self._idle_bytes -= len(data)
        self._received_bytes += len(data)
        if data and not await self._sink.on_data(data):
            self._is_over = True
        elif event.flow_controlled_length and event.stream_ended is None:
            self._h2.acknowledge_received_data(event.flow_controlled_length, STREAM)

    def _closed(self) -> Fault:
        if self._buffer and not self._frames:
            return Fault(f"the answer is not HTTP/2: {shown(bytes(self._buffer))}")
        if not self._has_header:
            return Fault("the target closed the connection without an answer")
        return Fault(f"the target closed the connection {self._how_far()}")

    def _how_far(self) -> str:
        return f"after {self._received_bytes} bytes of the body" if self._has_header else "before it answered"


class _Literal(Encoder):
    """Spells a header out (RFC 7541 §6.2.2): hpack takes 50 µs to save 100 bytes, and there is one header to send."""

    def encode(self, headers: Iterable[Any], huffman: bool = False) -> bytes:
        return b"".join([b"\0" + _string(name) + _string(value) for name, value in headers])


def _string(data: bytes) -> bytes:
    return bytes((len(data),)) + data if len(data) < 127 else bytes(encode_integer(len(data), 7)) + data


def _client() -> H2Connection:
    # Headers are made fit in `begin`; what a person set goes out as it is.
    config = H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    client = H2Connection(config)
    client.encoder = _Literal()
    client.local_settings = Settings(
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
            SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES,
        }
    )
    return client


def _plain(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if not name.startswith(b":")]


def _broken(words: str) -> Fault:
    return Fault(f"the answer is broken HTTP/2: {words}")


_FLOW = "the target sends more than it was allowed to"


def _words(exc: Exception) -> str:
    if isinstance(exc, DenialOfServiceError):
        return "a header of over 64 KiB"
    if isinstance(exc, InvalidBodyLengthError):
        return f"a body of {exc.actual_length} bytes, where the header says {exc.expected_length}"
    if isinstance(exc, FlowControlError):
        return _FLOW
    # Those that h2 words for people, not those that name its states.
    if type(exc) is ProtocolError and str(exc) and "Inputs." not in str(exc):
        text = str(exc).partition(" b'")[0].rstrip(".: ")
        return text[0].lower() + text[1:]
    return "a frame that is malformed or out of place"


def _code_name(code: int) -> str:
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"error {code}"
