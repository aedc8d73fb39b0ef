"""What came back from an HTTP request: status, the headers that matter, the body's facts, and its text if asked for."""

import codecs

import httptools
from trio.lowlevel import checkpoint

from asura.model.observation import Reply
from asura.protocols.attempt import NOTHING, Fault, Keep
from asura.protocols.body import Body, CorruptBodyError

_WANTED = {
    b"content-encoding": "content-encoding",
    b"content-length": "content-length",
    b"content-type": "content-type",
    b"location": "location",
    b"transfer-encoding": "transfer-encoding",
}
_EMPTY = Body(0)
CHARSETS = frozenset(
    ["big5", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "koi8-r", "koi8-u", "shift_jis", "utf-16be", "utf-16le"]
    + [f"iso-8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)]
    + [f"windows-{page}" for page in (874, *range(1250, 1259))]
)
"""Those that pages really use. A fixed list, because Python keeps every unknown name that it is asked for, for ever."""
DECODED_BYTES = 65_536
"""At a time, in up to 2 ms."""
_ENCODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Answer:
    """The answer to one request, filled by whoever speaks the protocol."""

    __slots__ = (
        "_keeps_body",
        "_kept_headers",
        "body",
        "has_header",
        "headers",
        "is_head",
        "limit",
        "needle",
        "status",
    )

    def __init__(self, *, is_head: bool, limit: int, needle: str = "", keep: Keep = NOTHING) -> None:
        self.is_head = is_head
        self.limit = limit
        self.needle = needle
        self.status = 0
        self.headers: dict[str, str] = {}
        """The few that matter here; of several with one name the last."""
        self.body = _EMPTY
        self.has_header = False
        self._keeps_body = keep.body
        self._kept_headers: list[tuple[str, str]] | None = [] if keep.headers else None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Another line of the header."""
        key = _WANTED.get(name.lower())
        if key is not None and not self.has_header:  # and no trailer
            self.headers[key] = value.decode("latin-1")
        if self._kept_headers is not None and not self.has_header:
            self._kept_headers.append((name.lower().decode("latin-1"), value.decode("latin-1")))

    def forget_header(self) -> None:
        """It was that of an interim answer."""
        self.headers.clear()
        if self._kept_headers is not None:
            self._kept_headers.clear()

    def end_header(self, status: int) -> None:
        """The header is complete, and the body begins."""
        self.status = status
        self.has_header = True
        if self.is_head:
            return
        encoding = _ENCODINGS.get(self.headers.get("content-encoding", "").strip().lower(), "")
        needle = self._needle_bytes() if self.needle else b""
        self.body = Body(self.limit, encoding=encoding, needle=needle, keeps=self._keeps_body)

    async def digest(self, pieces: list[bytes]) -> None:
        """Take pieces of the body.

        Raises Fault: they aren't what the header says.
        """
        body = self.body
        try:
            for piece in pieces:
                has_more = body.feed(piece)
                while has_more:
                    has_more = body.step()
                    if has_more:
                        await checkpoint()
        except CorruptBodyError as exc:
            raise _corrupt(exc) from None

    def check_end(self) -> None:
        """The body ends here.

        Raises Fault: it can't end here.
        """
        try:
            self.body.check_end()
        except CorruptBodyError as exc:
            raise _corrupt(exc) from None

    @property
    def unread_encoding(self) -> str:
        """The encoding of the body, where it is one that can't be taken off."""
        encoding = self.headers.get("content-encoding", "identity")
        return "" if self.body.is_encoded or encoding.strip().lower() in ("identity", "") else encoding

    @property
    def is_kept(self) -> bool:
        """Whether there is a reply to ask for."""
        return self._keeps_body or self._kept_headers is not None

    async def reply(self) -> Reply:
        """What was asked to be kept. Takes the body's bytes with it: call it once."""
        text = await self._text() if self._keeps_body and not self.unread_encoding else None
        return Reply(headers=tuple(self._kept_headers or ()), body=text, is_cut=self._is_cut)

    @property
    def _is_cut(self) -> bool:
        return self.body.is_full or self.body.is_kept_in_part

    async def _text(self) -> str:
        data = self.body.take_kept()
        charset = self._charset()
        for mark, named in _MARKS:
            if data.startswith(mark):
                charset = named
        try:
            if not charset:
                # The last character may be cut through.
                return codecs.getincrementaldecoder("utf-8")().decode(data, final=not self._is_cut)
        except UnicodeDecodeError:
            charset = "windows-1252"
        return await _decoded(data, charset)

    def _charset(self) -> str:
        """The charset that the header names, if it is a known one other than UTF-8."""
        _, _, charset = self.headers.get("content-type", "").lower().partition("charset=")
        charset = charset.split(";")[0].strip().strip("\"'")
        return charset if charset in CHARSETS else ""

    def _needle_bytes(self) -> bytes:
        """The keyword as the body would spell it."""
        try:
            return self.needle.encode(self._charset() or "utf-8")
        except UnicodeError:
            return self.needle.encode()


class Http1Answer(Answer):
    """An answer in HTTP/1.1, parsed by llhttp (by way of httptools): h11 took twice the time.

    What it leaves open is decided here: answers to HEAD, bodies that end with the connection, interim answers.
    """

    __slots__ = ("_bodies", "_parser", "is_complete")

    def __init__(self, *, is_head: bool, limit: int, needle: str = "", keep: Keep = NOTHING) -> None:
        super().__init__(is_head=is_head, limit=limit, needle=needle, keep=keep)
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
        # Joined, because a 64 KiB of 1-byte chunks would hold the event loop for 80 ms, one after the other.
        return bodies if len(bodies) < 2 else [b"".join(bodies)]

    def release(self) -> None:
        """Nothing more comes. Parser and answer know each other, and would wait for the garbage collector."""
        self._parser = None

    @property
    def ends_with_connection(self) -> bool:
        """Neither a length nor chunks say where the body ends (RFC 9112 §6.3)."""
        coding = self.headers.get("transfer-encoding")
        if coding is None:
            return "content-length" not in self.headers
        return coding.rpartition(",")[2].strip().lower() != "chunked"

    def on_headers_complete(self) -> None:
        """Called by the parser, like `on_header` and the two below. An interim answer is forgotten."""
        if self.is_complete:  # and this another answer, which nobody asked for
            return
        status = self._parser.get_status_code() if self._parser is not None else 0
        if 100 <= status < 200 and status != 101:
            self.forget_header()
            return
        self.end_header(status)
        if self.is_head:
            self.is_complete = True

    def on_body(self, data: bytes) -> None:
        """Keep a piece until `feed` returns it."""
        if not self.is_complete:
            self._bodies.append(data)

    def on_message_complete(self) -> None:
        """The end, unless the answer was an interim one."""
        self.is_complete = self.has_header


async def _decoded(data: bytes, charset: str) -> str:
    """Text whatever it takes, in pieces: 2 MiB of what is no text would hold the event loop for 70 ms."""
    decoder = codecs.getincrementaldecoder(charset)("replace")
    pieces = []
    for at in range(0, len(data), DECODED_BYTES):
        pieces.append(decoder.decode(data[at : at + DECODED_BYTES], final=at + DECODED_BYTES >= len(data)))
        await checkpoint()
    return "".join(pieces)


def _corrupt(exc: CorruptBodyError) -> Fault:
    return Fault(f"the body is not the {exc} that its header says")
