"""Real servers on loopback that answer well or misbehave, each in one function of a stream."""

import gzip
import ssl
import zlib
from collections.abc import Awaitable, Callable, Iterator

import attrs
import trio

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]
Behaviour = Callable[[Stream], Awaitable[None]]


@attrs.define
class Target:
    """A listening server. Set `behaviour` to change what the next connection meets."""

    port: int
    behaviour: Behaviour
    scheme: str = "http"
    connections: int = 0
    requests: list[bytes] = attrs.field(factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}/"


async def start_target(nursery: trio.Nursery, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> Target:
    """Listen on a free port of loopback until the nursery ends."""
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=4096)
    target = Target(listener.socket.getsockname()[1], behaviour, "https" if tls else "http")

    async def meet(plain: trio.SocketStream) -> None:
        target.connections += 1
        stream: Stream = plain if tls is None else trio.SSLStream(plain, tls, server_side=True, https_compatible=True)
        try:
            await target.behaviour(_Recorded(stream, target))  # type: ignore[arg-type]
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            pass
        finally:
            await trio.aclose_forcefully(plain)

    await nursery.start(trio.serve_listeners, meet, [listener])
    return target


class _Recorded:
    """A stream that remembers for the test what it was asked."""

    def __init__(self, stream: Stream, target: Target) -> None:
        self.send_all = stream.send_all
        self.socket = getattr(stream, "socket", None)
        self._stream = stream
        self._target = target
        self._index = len(target.requests)
        target.requests.append(b"")

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))
        self._target.requests[self._index] += data
        return data


async def read_request(stream: Stream) -> bytes:
    """The head of a request, and its body if it says how long it is."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = await stream.receive_some()
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += await stream.receive_some()
    return head + b"\r\n\r\n" + body


def raw(*pieces: bytes, pause_s: float = 0.0, reads: bool = True) -> Behaviour:
    """Read a request, send `pieces`, close."""

    async def behave(stream: Stream) -> None:
        if reads:
            await read_request(stream)
        for index, piece in enumerate(pieces):
            if index and pause_s:
                await trio.sleep(pause_s)
            await stream.send_all(piece)

    return behave


def answer(status: int = 200, body: bytes = b"hello", **headers: str) -> Behaviour:
    """A proper answer. `content_type="text/plain"` makes a header."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def routes(table: dict[str, Behaviour]) -> Behaviour:
    """Another behaviour for each path; behaviours see the request only as one already read."""

    async def behave(stream: Stream) -> None:
        request = await read_request(stream)
        path = request.split(b" ", 2)[1].decode()
        await table[path](_Replay(stream, request))  # type: ignore[arg-type]

    return behave


class _Replay:
    """A stream that gives a request that was read already once more."""

    def __init__(self, stream: Stream, request: bytes) -> None:
        self.send_all = stream.send_all
        self._request = request

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        request, self._request = self._request, b""
        return request


def redirect(location: str, status: int = 302) -> Behaviour:
    return answer(status, b"", location=location)


async def silent(stream: Stream) -> None:
    """Accept, and never say a word."""
    await trio.sleep_forever()


async def reset(stream: Stream) -> None:
    """Break off with RST as soon as something was asked."""
    await stream.receive_some()
    break_off(stream)


def break_off(stream: Stream) -> None:
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    stream.socket.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, linger)  # type: ignore[union-attr]


async def slow_trickle(stream: Stream) -> None:
    """A byte at a time, for ever."""
    await read_request(stream)
    await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await trio.sleep(0.02)
        await stream.send_all(b".")


def endless(beginning: bytes, piece: bytes) -> Behaviour:
    """`beginning`, then `piece` again and again as fast as it goes."""
    many = piece * (65_536 // len(piece) or 1)

    async def behave(stream: Stream) -> None:
        await read_request(stream)
        await stream.send_all(beginning)
        while True:
            await stream.send_all(many)

    return behave


def bomb(mebibytes: int = 1024) -> bytes:
    """The beginning of a gzip file of so many MiB of zeros, a thousandth of that in size.

    After a full flush each MiB compresses to the same bytes, so one is made and repeated.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, other = (compressor.compress(bytes(2**20)) + compressor.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + other * (mebibytes - 1)


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def chunked(body: bytes, size: int) -> Iterator[bytes]:
    """`body` as chunks (RFC 9112 §7.1)."""
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"
