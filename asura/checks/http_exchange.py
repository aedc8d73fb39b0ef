"""One request and its answer on an open connection: every part of the answer has a limit, time excepted.

llhttp (by way of httptools) parses: h11 took twice the time. What it leaves open is decided here: answers to HEAD,
bodies that end with the connection, interim answers, headers without end.
"""

from contextlib import suppress

import httptools
from trio.lowlevel import checkpoint

from asura.checks.base import Fault, Stopwatch
from asura.checks.body import Body, CorruptBodyError
from asura.checks.connection import Connection, broken_words

MAX_HEADER_BYTES = 65_536
"""Of all interim answers and the header together, and of anything between pieces of a body that is no body."""
SHOWN_BYTES = 40

_WANTED = {
    b"content-encoding": "content-encoding",
    b"content-length": "content-length",
    b"content-type": "content-type",
    b"location": "location",
    b"transfer-encoding": "transfer-encoding",
}


class Answer:
    """What came back: status, the few headers that matter here, and the body's facts."""

    __slots__ = (
        "_bodies",
        "_parser",
        "body",
        "has_header",
        "headers",
        "is_complete",
        "is_head",
        "limit",
        "needle",
        "status",
    )

    def __init__(self, *, is_head: bool, limit: int, needle: str = "") -> None:
        self.is_head = is_head
        self.limit = limit
        self.needle = needle
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = _EMPTY
        self.has_header = False
        self.is_complete = False
        self._bodies: list[bytes] = []
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> list[bytes]:
        """Parse what arrived and give the pieces of body in it.

        Raises httptools.HttpParserError: it isn't HTTP.
        """
        if self._parser is None:
            return []
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_complete = True
        except httptools.HttpParserError:
            # What follows a complete answer is nobody's business: the connection ends here.
            if not self.is_complete:
                raise
        bodies, self._bodies = self._bodies, []
        return bodies

    def release(self) -> None:
        """Nothing more comes. Parser and answer know each other, and would wait for the garbage collector."""
        self._parser = None

    @property
    def ends_with_connection(self) -> bool:
        """Neither a length nor chunks say where the body ends (RFC 9112 §6.3)."""
        return "content-length" not in self.headers and "transfer-encoding" not in self.headers

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, like the three below."""
        key = _WANTED.get(name.lower())
        if key is not None and not self.has_header:
            self.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Judge the header: an interim answer is forgotten."""
        status = self._parser.get_status_code() if self._parser is not None else 0
        if 100 <= status < 200 and status != 101:
            self.headers.clear()
            return
        self.status = status
        self.has_header = True
        if self.is_head:
            self.is_complete = True
            return
        encoding = _ENCODINGS.get(self.headers.get("content-encoding", "").strip().lower(), "")
        self.body = Body(self.limit, encoding=encoding, needle=self._needle_bytes() if self.needle else b"")

    def on_body(self, data: bytes) -> None:
        """Keep a piece until `feed` returns it."""
        self._bodies.append(data)

    def on_message_complete(self) -> None:
        """The end, unless the answer was an interim one."""
        self.is_complete = self.has_header

    def _needle_bytes(self) -> bytes:
        """The keyword as the body would spell it."""
        _, _, charset = self.headers.get("content-type", "").lower().partition("charset=")
        charset = charset.split(";")[0].strip().strip("\"'")
        try:
            return self.needle.encode(charset if charset in _CHARSETS else "utf-8")
        except UnicodeError:
            return self.needle.encode()


_EMPTY = Body(0)
_CHARSETS = frozenset(
    ["big5", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "koi8-r", "koi8-u", "shift_jis", "utf-16be", "utf-16le"]
    + [f"iso-8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)]
    + [f"windows-{page}" for page in (874, *range(1250, 1259))]
)
"""Those that pages really use. A fixed list, because Python keeps every unknown name that it is asked for, for ever."""
_ENCODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


async def exchange(connection: Connection, request: bytes, answer: Answer, *, watch: Stopwatch) -> None:
    """Send `request` and read `answer` until it is complete or its body's limit is reached.

    Raises Fault: what came was broken, too large, or not HTTP.
    """
    with suppress(OSError):  # it may have answered before it read everything, that it is too large for one: read on
        await connection.send(request)
    try:
        await _read(connection, answer, watch)
    finally:
        answer.release()
    watch.done("transfer")


async def _read(connection: Connection, answer: Answer, watch: Stopwatch) -> None:
    unaccounted = 0
    is_first = True
    while not answer.is_complete:
        data = await _receive(connection, answer, is_first=is_first, watch=watch)
        if is_first:
            watch.done("first_byte", then="transfer")
            is_first = False
        if not data:
            _end_of_connection(answer)
            break
        pieces = _parse(answer, data, is_beginning=unaccounted == 0 and not answer.has_header)
        unaccounted = 0 if pieces else unaccounted + len(data)
        if unaccounted > MAX_HEADER_BYTES and not answer.is_complete:
            raise Fault("the header of the answer is over 64 KiB" if not answer.has_header else "the answer has no end")
        await _digest(answer.body, pieces)
        if answer.body.is_full and answer.has_header:
            break
    _check_body(answer.body)


async def _receive(connection: Connection, answer: Answer, *, is_first: bool, watch: Stopwatch) -> bytes:
    try:
        data = await connection.receive()
    except OSError as exc:
        after = "before it answered" if is_first else f"after {answer.body.raw_size} bytes of the body"
        raise Fault(f"the connection was {broken_words(exc)} {after}") from None
    if not data and is_first:
        raise Fault("the target closed the connection without an answer")
    return data


def _parse(answer: Answer, data: bytes, *, is_beginning: bool) -> list[bytes]:
    try:
        return answer.feed(data)
    except httptools.HttpParserError as exc:
        if is_beginning and not data.startswith(b"HTTP/"):
            raise Fault(f"the answer is not HTTP: {shown(data)}") from None
        raise Fault(f"the answer is broken HTTP: {str(exc).lower()}") from None


def _end_of_connection(answer: Answer) -> None:
    if not answer.has_header:
        raise Fault("the target closed the connection in the middle of the header")
    if not answer.ends_with_connection:
        length = answer.headers.get("content-length")
        of = f" of {length}" if length is not None else ""
        raise Fault(f"the target closed the connection after {answer.body.raw_size}{of} bytes of the body")


async def _digest(body: Body, pieces: list[bytes]) -> None:
    try:
        for piece in pieces:
            has_more = body.feed(piece)
            while has_more:
                has_more = body.step()
                if has_more:
                    await checkpoint()
    except CorruptBodyError as exc:
        raise Fault(f"the body is not the {exc} that its header says") from None


def _check_body(body: Body) -> None:
    try:
        body.check_end()
    except CorruptBodyError as exc:
        raise Fault(f"the body is not the {exc} that its header says") from None


def shown(data: bytes) -> str:
    """The beginning of what a target sent, in quotes, with nothing in it that a terminal or page would obey."""
    text = data[:SHOWN_BYTES].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f'"{text}{"…" if len(data) > SHOWN_BYTES else ""}"'
