"""Whatever a proxy says, it is understood or told in words, in a bounded number of reads."""

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura.netguard import Guard
from asura.protocols import proxy as proxies
from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.proxy import MAX_ANSWER_BYTES, Proxy, connect_through

OFTEN = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 502 \r\n",
    b"HTTP/1.1 407 No\r\n",
    b"X: y\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\5\0",
    b"\5\2",
    b"\1\0",
    b"\5\0\0\1\0\0\0\0\0\0",
    b"\5\0\0\3\xff",
    b"\5\0\0\4",
    bytes(16),
]
ANSWERS = st.lists(st.sampled_from(PIECES) | st.binary(min_size=1, max_size=20), max_size=6)


class Line:
    """A connection to a proxy that says `pieces`, then for ever `last`; it may end instead."""

    def __init__(self, pieces: list[bytes], last: bytes) -> None:
        self.pieces, self.last = list(pieces), last
        self.reads = 0
        self.is_closed = False

    async def send(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()

    async def receive(self) -> bytes:
        await trio.lowlevel.checkpoint()
        self.reads += 1
        return self.pieces.pop(0) if self.pieces else self.last

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@OFTEN
@given(pieces=ANSWERS, last=st.sampled_from([b"", b"\0", b"\r\n", b"HTTP/", b"x" * 60_000]), auth=st.booleans())
def test_every_answer_ends_in_words_or_a_connection(
    scheme: str, pieces: list[bytes], last: bytes, auth: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(pieces, last)

    async def connect(*_: object, **__: object) -> Line:
        return line

    async def talk() -> str:
        targets = await Guard(allow_private=True).resolve("127.0.0.1", 443)
        proxy = Proxy(scheme=scheme, host="p.example", port=1, username="ann" if auth else "", password="s3cret")
        try:
            found = await connect_through(proxy, [], targets, shown="a.example", watch=Stopwatch())
        except Fault as fault:
            return str(fault)
        assert found is line  # type: ignore[comparison-overlap]
        return ""

    with monkeypatch.context() as patch:
        patch.setattr(proxies, "connect", connect)
        told = trio.run(talk)
    assert told == "" or told.startswith("proxy p.example:1 ")
    assert told.isprintable()
    assert "s3cret" not in told
    assert line.is_closed == bool(told)
    assert line.reads <= MAX_ANSWER_BYTES + 10
