"""An HTTP/2 server on loopback that answers frame by frame as a test says."""

from collections.abc import Awaitable, Callable
from typing import cast

import trio
from hpack import Encoder
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

from tests.fakes.target import Behaviour, Stream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = SettingsFrame(0).serialize()


def head(status: str | None = "200", *lines: tuple[str, str], end: bool = False, stream: int = 1) -> bytes:
    """A HEADERS frame. Without a status it is that of trailers."""
    pseudo = [] if status is None else [(":status", status)]
    return block(Encoder().encode([*pseudo, *lines]), end=end, stream=stream)


def block(encoded: bytes, *, end: bool = False, stream: int = 1) -> bytes:
    """A HEADERS frame around a header that is encoded already."""
    frame = HeadersFrame(stream, encoded, flags=["END_HEADERS", *(["END_STREAM"] if end else [])])
    return cast("bytes", frame.serialize())


def body(data: bytes, *, end: bool = True, padding: int = 0) -> bytes:
    """One DATA frame."""
    frame = DataFrame(1, data, flags=["END_STREAM"] if end else [])
    if padding:
        frame.flags.add("PADDED")
        frame.pad_length = padding
    return cast("bytes", frame.serialize())


def reset(code: int) -> bytes:
    return cast("bytes", RstStreamFrame(1, error_code=code).serialize())


def go_away(code: int, *, last: int = 1, text: bytes = b"") -> bytes:
    return cast("bytes", GoAwayFrame(0, last_stream_id=last, error_code=code, additional_data=text).serialize())


async def read_frames(stream: Stream, until: Callable[[Frame], bool]) -> list[Frame]:
    """Read the preface and frames up to the one that `until` takes."""
    data = b""
    while piece := await stream.receive_some():
        data += piece
        frames = frames_in(data)
        for index, frame in enumerate(frames):
            if until(frame):
                return frames[: index + 1]
    return frames_in(data)


def frames_in(data: bytes) -> list[Frame]:
    """The whole frames of what a client sent."""
    data = data.removeprefix(PREFACE)
    frames: list[Frame] = []
    while len(data) >= 9:
        frame, size = Frame.parse_frame_header(memoryview(data[:9]))
        if len(data) < 9 + size:
            break
        frame.parse_body(memoryview(data[9 : 9 + size]))
        data = data[9 + size :]
        frames.append(frame)
    return frames


def is_end(frame: Frame) -> bool:
    """The last frame of a request."""
    return "END_STREAM" in frame.flags


def is_acknowledgement(frame: Frame) -> bool:
    return isinstance(frame, SettingsFrame) and "ACK" in frame.flags


def says(*pieces: bytes, settings: bytes = SETTINGS, linger: bool = False, reads: bool = True) -> Behaviour:
    """Read a request, then send settings and `pieces`, and close."""

    async def behave(stream: Stream) -> None:
        if reads:
            await read_frames(stream, is_end)
        await stream.send_all(settings)
        for piece in pieces:
            await stream.send_all(piece)
        if linger:
            await trio.sleep_forever()
        if settings == SETTINGS:  # what is unread at a close turns it into a reset
            await read_frames(stream, is_acknowledgement)

    return behave


def floods(beginning: bytes, piece: bytes) -> Callable[[Stream], Awaitable[None]]:
    """Settings, `beginning`, then `piece` for ever."""
    many = piece * (65_536 // len(piece) or 1)

    async def behave(stream: Stream) -> None:
        await read_frames(stream, is_end)
        await stream.send_all(SETTINGS + beginning)
        while True:
            await stream.send_all(many)

    return behave
