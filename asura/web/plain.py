"""The plain ping: a whole request that arrives in one piece, read by httptools instead of h11.

Nearly every ping is one, and h11 takes ten times as long for it as everything else together. Only what leaves no
question is taken here. Whatever is odd, refused, split or followed by something is left to h11, which knows what to
say to it; so there is one place that decides what odd bytes mean.
"""

import attrs
import httptools

from asura.web import edge
from asura.web.pings import Body, Head

METHODS = (b"GET", b"POST", b"HEAD")
_CONNECTION = {b"": True, b"keep-alive": True, b"close": False}
_UNDECIDED = frozenset({b"transfer-encoding", b"expect", b"upgrade"})


@attrs.frozen(kw_only=True)
class Plain:
    """A whole request."""

    head: Head
    body: bytes
    keeps_alive: bool
    """Whether the client wants to go on."""

    async def read_body(self) -> Body:
        """All of it is here."""
        return Body(kept=self.body)


class _Seen:
    """What the parser tells."""

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.begun = self.complete = 0

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


def read(data: bytes, *, prefix: bytes, peer: str) -> Plain | None:
    """The request that `data` is, if it is a plain one below `prefix`; None for anything else."""
    method, _, rest = data.partition(b" ")
    if method not in METHODS or not rest.startswith(prefix):
        return None
    seen = _Seen()
    parser = httptools.HttpRequestParser(seen)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    if (seen.begun, seen.complete, parser.get_http_version()) != (1, 1, "1.1"):
        return None
    headers = dict(seen.fields)
    keeps_alive = _CONNECTION.get(headers.get(b"connection", b"").lower())
    if keeps_alive is None or headers.keys() & _UNDECIDED or not seen.target.isascii():
        return None
    names = [name for name, _ in seen.fields]
    if names.count(b"host") != 1 or names.count(b"connection") > 1:
        return None
    refusal = edge.objection(
        method=method, target=seen.target, version=b"1.1", headers=seen.fields, max_body_bytes=None
    )
    if refusal is not None:
        return None
    head = Head(
        method=method.decode(),
        target=seen.target,
        headers=headers,
        peer=peer,
        forwarded=tuple(pair for pair in seen.fields if pair[0] == b"x-forwarded-for"),
    )
    return Plain(head=head, body=seen.body, keeps_alive=keeps_alive)
