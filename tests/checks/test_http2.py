import struct
from collections.abc import Sequence
from contextlib import suppress

import attrs
import pytest
import trio
from hpack import Decoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura.netguard import Guard
from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.connection import Connection, connect
from asura.protocols.http2 import request
from tests.fakes.http2 import SETTINGS, block, body, floods, go_away, head, is_end, read_frames, reset, says
from tests.fakes.target import Behaviour, Stream, break_off, silent, start_target

ASKED = [(":method", "GET"), (":scheme", "http"), (":authority", "a.example"), (":path", "/"), ("User-Agent", "x")]


@attrs.define
class Kept:
    """A sink that keeps all, up to `limit`."""

    limit: int = 2**24
    wants_body: bool = True
    status: int = 0
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    trailers: Sequence[tuple[str, str]] = ()

    def on_headers(self, status: int, headers: Sequence[tuple[str, str]]) -> bool:
        self.status, self.headers = status, headers
        return self.wants_body

    async def on_data(self, data: bytes) -> bool:
        assert data
        self.body += data
        return len(self.body) < self.limit

    def on_trailers(self, headers: Sequence[tuple[str, str]]) -> None:
        self.trailers = headers


async def ask(port: int, sink: Kept, *, payload: bytes = b"", watch: Stopwatch | None = None) -> Stopwatch:
    watch = watch or Stopwatch()
    addresses = await Guard(allowed_networks=["127.0.0.1"]).resolve("127.0.0.1", port)
    connection = await connect(addresses, shown="it", watch=watch)
    try:
        with trio.fail_after(5):
            await request(connection, headers=ASKED, body=payload, sink=sink, watch=watch)
    finally:
        connection.close()
    return watch


UP: dict[str, tuple[Behaviour, bytes]] = {
    "a body": (says(head("200", ("x", "y")), body(b"hello")), b"hello"),
    "a body in pieces": (says(head(), body(b"hel", end=False), body(b"lo", end=False), body(b"")), b"hello"),
    "a padded body": (says(head(), body(b"hello", padding=200)), b"hello"),
    "no body": (says(head("204", end=True)), b""),
    "interim answers": (says(head("100"), head("103", ("link", "x")), head(), body(b"hello")), b"hello"),
    "trailers": (says(head(), body(b"hello", end=False), head(None, ("grpc-status", "0"), end=True)), b"hello"),
    "pings and settings": (says(PingFrame(0, b"12345678").serialize(), SETTINGS, head(), body(b"hello")), b"hello"),
    "a graceful end": (says(go_away(0, last=2**31 - 1), go_away(0), head(), body(b"hello")), b"hello"),
    "frames that nobody knows": (says(b"\0\0\1\x77\0\0\0\0\1x", head(), body(b"hello")), b"hello"),
}


@pytest.mark.parametrize(("behaviour", "expected"), UP.values(), ids=UP)
async def test_an_answer_is_read_with(behaviour: Behaviour, expected: bytes, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, behaviour)
    sink = Kept()
    watch = await ask(target.port, sink)
    assert (sink.status // 100, sink.body) == (2, expected)
    assert all(not name.startswith(":") for name, _ in sink.headers)
    assert watch.phase_ms("first_byte") is not None
    assert watch.phase_ms("transfer") is not None


async def test_trailers_and_headers_come_apart(nursery: trio.Nursery) -> None:
    behaviour = says(head("200", ("a", "1"), ("a", "2")), head(None, ("b", "3"), end=True))
    target = await start_target(nursery, behaviour)
    sink = Kept()
    await ask(target.port, sink)
    assert (sink.headers, sink.trailers) == ([("a", "1"), ("a", "2")], [("b", "3")])


async def test_a_large_body_passes_the_window(nursery: trio.Nursery) -> None:
    big = bytes(range(256)) * 64
    room = [2**20]

    async def behave(stream: Stream) -> None:
        await read_frames(stream, is_end)
        await stream.send_all(SETTINGS + head())
        for index in range(300):
            while room[0] < len(big):
                await read_frames(stream, grants)
            room[0] -= len(big)
            await stream.send_all(body(big, end=index == 299))

    def grants(frame: Frame) -> bool:
        if isinstance(frame, WindowUpdateFrame) and frame.stream_id == 1:
            room[0] += frame.window_increment
            return True
        return False

    target = await start_target(nursery, behave)
    sink = Kept()
    await ask(target.port, sink)
    assert sink.body == big * 300


async def test_reading_ends_where_the_sink_has_enough(nursery: trio.Nursery) -> None:
    target = await start_target(nursery, floods(head(), body(b"x" * 1000, end=False)))
    sink = Kept(limit=100_000)
    await ask(target.port, sink)
    assert 100_000 <= len(sink.body) < 102_000
    sink = Kept(wants_body=False)
    await ask(target.port, sink)
    assert (sink.status, sink.body) == (200, b"")


async def test_a_request_has_a_body_as_the_target_grants_it(nursery: trio.Nursery) -> None:
    got: list[Frame] = []

    async def behave(stream: Stream) -> None:
        tight = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 10}).serialize()
        await stream.send_all(tight)
        got.extend(await read_frames(stream, lambda frame: isinstance(frame, SettingsFrame) and bool(frame.flags)))
        await stream.send_all(WindowUpdateFrame(1, window_increment=100_000).serialize())
        await stream.send_all(WindowUpdateFrame(0, window_increment=100_000).serialize())
        got.extend(await read_frames(stream, is_end))
        await stream.send_all(head(end=True))

    target = await start_target(nursery, behave)
    payload = bytes(100_000)
    await ask(target.port, Kept(), payload=payload)
    assert b"".join(frame.data for frame in got if isinstance(frame, DataFrame)) == payload


async def test_the_story_tells_of_a_window_that_never_opens(nursery: trio.Nursery) -> None:
    shut = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}).serialize()
    target = await start_target(nursery, says(settings=shut, linger=True, reads=False))
    watch = Stopwatch()
    with trio.move_on_after(0.3):
        await ask(target.port, Kept(), payload=bytes(70_000), watch=watch)
    assert watch.story(0.3).endswith("no leave to send more than 65535 of 70000 bytes of the body")


async def test_an_early_answer_counts_though_the_body_was_not_read(nursery: trio.Nursery) -> None:
    shut = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}).serialize()
    target = await start_target(nursery, says(head("413", end=True), settings=shut, reads=False))
    sink = Kept()
    await ask(target.port, sink, payload=bytes(200_000))
    assert sink.status == 413


def continued(pieces: int, piece: bytes) -> bytes:
    frames = [HeadersFrame(1, piece)] + [ContinuationFrame(1, piece) for _ in range(pieces)]
    return b"".join(frame.serialize() for frame in frames)


LONG = struct.pack(">B", 0x00) + b"\x01a\x7f\x81\x7d" + b"x" * 16_128
"""A header line of 16 kB."""

BROKEN: dict[str, tuple[Behaviour, str]] = {
    "a silent close": (says(settings=b""), "the target closed the connection without an answer"),
    "settings only": (says(), "the target closed the connection without an answer"),
    "HTTP/1.1": (
        says(settings=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        'the answer is not HTTP/2: "HTTP/1.1 400 Bad Request\\r\\n\\r\\n"',
    ),
    "three bytes": (says(settings=b"no\n"), 'the answer is not HTTP/2: "no\\n"'),
    "garbage": (says(bytes(range(9, 100))), "the answer is broken HTTP/2: a frame of 592395 bytes, and 16384 are"),
    "a reset stream": (says(reset(7)), "the target reset the stream before it answered: REFUSED_STREAM"),
    "an unknown reason": (says(reset(99)), "the target reset the stream before it answered: error 99"),
    "a reset within the body": (
        says(head(), body(b"abc", end=False), reset(2)),
        "the target reset the stream after 3 bytes of the body: INTERNAL_ERROR",
    ),
    "the end of the connection": (
        says(go_away(11, text=b"too_many_pings")),
        'the target ended the HTTP/2 connection before it answered: ENHANCE_YOUR_CALM ("too_many_pings")',
    ),
    "a graceful end before the request": (
        says(go_away(0, last=0)),
        "the target ended the HTTP/2 connection before it answered: NO_ERROR",
    ),
    "a short GOAWAY": (says(b"\0\0\1\7\0\0\0\0\0x"), "the answer is broken HTTP/2: a GOAWAY frame that is too short"),
    "a closed connection": (
        says(head(), body(b"abc", end=False)),
        "the target closed the connection after 3 bytes of the body",
    ),
    "a body without a header": (says(body(b"abc")), "the answer is broken HTTP/2: cannot receive data before headers"),
    "no status": (says(head(None, ("a", "b"))), "the answer is broken HTTP/2: header block missing mandatory"),
    "an odd status": (says(head("abc")), 'the answer is broken HTTP/2: the status "abc"'),
    "a capital in a name": (
        says(head("200", ("X", "y"))),
        "the answer is broken HTTP/2: received uppercase header name",
    ),
    "a wrong length": (
        says(head("200", ("content-length", "5")), body(b"abc")),
        "the answer is broken HTTP/2: a body of 3 bytes, where the header says 5",
    ),
    "broken compression": (says(block(b"\xff\xff\xff\xff\xff\xff")), "the answer is broken HTTP/2: "),
    "a push": (
        says(PushPromiseFrame(1, promised_stream_id=2, data=b"\x88", flags=["END_HEADERS"]).serialize()),
        "the answer is broken HTTP/2: ",
    ),
    "another stream": (says(head(stream=2)), "the answer is broken HTTP/2: an answer to what was never asked"),
    "padding": (
        floods(head(), body(b"x", end=False, padding=255)),
        "the target sends HTTP/2 frames without end after 24",
    ),
    "a header without end": (
        floods(HeadersFrame(1, b"\x00\x01a\x01b").serialize(), ContinuationFrame(1, b"\x00\x01a\x01b").serialize()),
        "the answer is broken HTTP/2: too many continuation frames received",
    ),
    "a header in huge pieces": (
        floods(HeadersFrame(1, LONG).serialize(), ContinuationFrame(1, LONG).serialize()),
        "the header of the answer is over 32 KiB as it is sent",
    ),
    "a header that grows": (
        says(block(b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 10_000)),
        "the answer is broken HTTP/2: a header of over 64 KiB",
    ),
    "interim answers without end": (floods(b"", head("103")), "the target sends HTTP/2 frames without end before it"),
    "pings": (floods(b"", PingFrame(0, b"12345678").serialize()), "the target sends HTTP/2 frames without end before"),
    "settings again and again": (
        floods(b"", SETTINGS),
        "the target sends HTTP/2 frames without end before it answered",
    ),
    "priorities": (
        floods(b"", PriorityFrame(3, depends_on=1).serialize()),
        "the target sends HTTP/2 frames without end before it answered",
    ),
    "empty pieces": (
        floods(head(), body(b"", end=False)),
        "the target sends HTTP/2 frames without end after 0 bytes of the body",
    ),
    "tiny pieces": (floods(head(), body(b"x", end=False)), "the target sends HTTP/2 frames without end after 74"),
    "windows": (
        floods(b"", WindowUpdateFrame(0, window_increment=2**20).serialize()),
        "the answer is broken HTTP/2: the target sends more than it was allowed to",
    ),
}


@pytest.mark.parametrize(("behaviour", "message"), BROKEN.values(), ids=BROKEN)
async def test_an_answer_is_a_fault_by(behaviour: Behaviour, message: str, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, behaviour)
    with pytest.raises(Fault) as raised:
        await ask(target.port, Kept())
    assert str(raised.value).startswith(message)
    assert "b'" not in str(raised.value)


async def test_a_reset_connection_is_a_fault(nursery: trio.Nursery) -> None:
    async def behave(stream: Stream) -> None:
        await read_frames(stream, is_end)
        break_off(stream)

    target = await start_target(nursery, behave)
    with pytest.raises(Fault, match="the connection was reset before it answered"):
        await ask(target.port, Kept())


async def test_silence_can_be_cancelled(nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    with trio.move_on_after(0.1) as scope:
        await ask(target.port, Kept())
    assert scope.cancelled_caught


FRAMES = st.builds(
    lambda kind, flags, stream, payload: (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    ),
    st.integers(0, 12),
    st.integers(0, 255),
    st.integers(0, 3),
    st.binary(max_size=40),
)


class _Fed(Connection):
    """A connection that has received some bytes, and then ends."""

    __slots__ = ("_left",)

    def __init__(self, data: bytes) -> None:
        self._left = [data, b""]

    async def send(self, data: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        return self._left.pop(0)


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(beginning=st.sampled_from([b"", head(), head() + body(b"x", end=False)]), frames=st.lists(FRAMES, max_size=6))
def test_no_frames_crash_it(beginning: bytes, frames: list[bytes]) -> None:
    async def once() -> None:
        connection = _Fed(SETTINGS + beginning + b"".join(frames))
        with suppress(Fault):
            await request(connection, headers=ASKED, sink=Kept(), watch=Stopwatch())

    trio.run(once)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200), is_begun=st.booleans())
def test_no_bytes_crash_it(data: bytes, is_begun: bool) -> None:
    async def once() -> None:
        with pytest.raises(Fault):
            await request(_Fed((SETTINGS if is_begun else b"") + data), headers=ASKED, sink=Kept(), watch=Stopwatch())

    trio.run(once)


@pytest.mark.parametrize("size", [0, 126, 127, 128, 8192])
async def test_headers_of_any_length_arrive(size: int, nursery: trio.Nursery) -> None:
    heard: list[tuple[str, str]] = []

    async def behave(stream: Stream) -> None:
        for frame in await read_frames(stream, is_end):
            if isinstance(frame, HeadersFrame):
                heard.extend(Decoder().decode(frame.data))
        await stream.send_all(SETTINGS + head("204", end=True))

    target = await start_target(nursery, behave)
    addresses = await Guard(allowed_networks=["127.0.0.1"]).resolve("127.0.0.1", target.port)
    connection = await connect(addresses, shown="it", watch=Stopwatch())
    try:
        await request(connection, headers=[*ASKED, ("X-Long", "a" * size)], sink=Kept(), watch=Stopwatch())
    finally:
        connection.close()
    assert heard == [*ASKED[:4], ("user-agent", "x"), ("x-long", "a" * size)]
