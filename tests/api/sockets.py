"""Bare connections to the interface, for what no HTTP client would send."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import attrs
import trio

SOON_S = 10.0
"""What should come at once must have come by then, on a busy machine too."""


@attrs.frozen
class Answer:
    """An answer: its status, its headers by lower-case name, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def goes_on(self) -> bool:
        """Whether the connection may be used again."""
        return self.headers.get("connection") != "close"


class Line:
    """One connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._read = b""

    async def send(self, *pieces: bytes, pause_s: float = 0.0) -> "Line":
        """Send, and pause after each piece; a server that has closed is no error, since it may have answered."""
        try:
            for piece in pieces:
                await self.stream.send_all(piece)
                await trio.sleep(pause_s)
        except trio.BrokenResourceError:
            pass
        return self

    async def answer(self, *, is_head: bool = False) -> Answer:
        """The next answer, which must come soon."""
        with trio.fail_after(SOON_S):
            while b"\r\n\r\n" not in self._read:
                await self._more()
            head, _, self._read = self._read.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            status = int(first.split()[1])
            if status == 100:
                return await self.answer(is_head=is_head)
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            size = 0 if is_head else int(headers.get("content-length", 0))
            while len(self._read) < size:
                await self._more()
        body, self._read = self._read[:size], self._read[size:]
        return Answer(status, headers, body)

    async def is_closed(self) -> bool:
        """Whether the server closes, and says nothing more."""
        with trio.move_on_after(SOON_S):
            try:
                return await self.stream.receive_some() == b""
            except trio.BrokenResourceError:
                return True
        return False

    async def _more(self) -> None:
        piece = await self.stream.receive_some()
        assert piece, f"closed after {self._read!r}"
        self._read += piece


async def connect(url: str) -> Line:
    """A fresh connection."""
    parts = urlsplit(url)
    stream = await trio.open_tcp_stream(parts.hostname or "", parts.port or 0)
    return Line(stream)


async def ask(url: str, *pieces: bytes, pause_s: float = 0.0, leaves: bool = False, is_head: bool = False) -> Answer:
    """Send the pieces over a fresh connection and read the answer; `leaves` says first that nothing more comes."""
    line = await connect(url)
    async with line.stream:
        await line.send(*pieces, pause_s=pause_s)
        if leaves:
            await line.stream.send_eof()
        return await line.answer(is_head=is_head)


def request(method: str, target: str, *fields: str, body: bytes = b"") -> bytes:
    """The bytes of a request; a body without its length among the fields is given one."""
    lines: Iterable[str] = (f"{method} {target} HTTP/1.1", "Host: a", *fields)
    if body and not any(field.lower().startswith(("content-length", "transfer-encoding")) for field in fields):
        lines = (*lines, f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
