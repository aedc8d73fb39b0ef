"""The HTTP check over HTTP/2: the same judgement, whatever the target does in frames."""

import re
import ssl
import tracemalloc

import pytest
import trio
import trustme
from hpack import Decoder
from hyperframe.frame import DataFrame, Frame, HeadersFrame

from asura.checks.http_settings import BearerAuth
from asura.model.monitor import Status
from asura.protocols.attempt import Keep
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import drained
from tests.fakes.http2 import body, floods, go_away, head, is_end, read_frames, reset, says
from tests.fakes.proxy import http_proxy, socks5_proxy
from tests.fakes.target import Behaviour, Stream, answer, bomb, gzipped, start_target


@pytest.fixture(scope="session")
def http2_context(authority: trustme.CA) -> ssl.SSLContext:
    """Of a server that speaks HTTP/2 and nothing else."""
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.set_alpn_protocols(["h2"])
    return context


def frames(data: bytes, size: int = 16_000) -> list[bytes]:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return [body(piece, end=index == len(pieces)) for index, piece in enumerate(pieces, start=1)]


GZIP = ("content-encoding", "gzip")
UP: dict[str, tuple[Behaviour, dict[str, object]]] = {
    "a body": (says(head(), body(b"hello")), {"keyword": "hello"}),
    "no body": (says(head("204", end=True)), {}),
    "an expected code": (says(head("404"), body(b"")), {"expected_status": (404,)}),
    "interim answers": (says(head("100"), head("103", ("link", "x")), head(), body(b"hello")), {"keyword": "hello"}),
    "a keyword across two frames": (says(head(), body(b"hel", end=False), body(b"lo")), {"keyword": "hello"}),
    "gzip": (says(head("200", GZIP), *frames(gzipped(b"hello" * 9999))), {"keyword": "hellohello"}),
    "trailers": (says(head(), body(b"hello", end=False), head(None, ("x", "y"), end=True)), {"keyword": "hello"}),
    "HEAD": (says(head("200", ("content-length", "99"), end=True)), {"method": "HEAD"}),
    "HEAD without an end": (says(head("200", ("content-length", "99"))), {"method": "HEAD"}),
    "not modified, without an end": (says(head("304", ("content-length", "99")), body(b"")), {}),
    "an endless body": (floods(head(), body(b"x" * 1000, end=False)), {}),
    "a redirect that isn't followed": (says(head("302", ("location", "/b"), end=True)), {"follow_redirects": False}),
    "a graceful end": (says(go_away(0), head(), body(b"hello")), {"keyword": "hello"}),
}
WAYS: dict[str, Behaviour | None] = {"directly": None, "by HTTP proxy": http_proxy(), "by SOCKS5 proxy": socks5_proxy()}


async def by(way: str, nursery: trio.Nursery) -> dict[str, object]:
    behaviour = WAYS[way]
    if behaviour is None:
        return {}
    proxy = await start_target(nursery, behaviour)
    return {"proxy": f"{'http' if 'HTTP' in way else 'socks5'}://{proxy.address}"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("behaviour", "settings"), UP.values(), ids=UP)
async def test_a_target_is_up_with(
    behaviour: Behaviour,
    settings: dict[str, object],
    way: str,
    http2_context: ssl.SSLContext,
    check: Check,
    nursery: trio.Nursery,
) -> None:
    target = await start_target(nursery, behaviour, tls=http2_context)
    outcome = await check("http", target.url, **settings, **await by(way, nursery))
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.cert_expires_at is not None
    phases = outcome.timings
    assert min(phases.connect_ms or 0, phases.tls_ms or 0, phases.first_byte_ms or 0, phases.transfer_ms or 0) >= 1


DOWN: dict[str, tuple[Behaviour, dict[str, object], str]] = {
    "wrong status": (says(head("503", end=True)), {}, "answered 503 Service Unavailable, expected 2xx, 3xx"),
    "no keyword": (says(head(), body(b"hello")), {"keyword": "Hello"}, '"Hello" is not in the body (5 bytes)'),
    "no keyword within the limit": (
        floods(head(), body(b"x" * 1000, end=False)),
        {"keyword": "hello", "max_body_bytes": 1500},
        '"hello" is not in the first 1500 bytes of the body, and no more is read',
    ),
    "a stream that is reset": (says(reset(2)), {}, "the target reset the stream before it answered: INTERNAL_ERROR"),
    "a stream that is refused": (says(reset(7)), {}, "the target reset the stream before it answered: REFUSED_STREAM"),
    "an end with a reason": (
        says(go_away(11, text=b"calm down")),
        {},
        'the target ended the HTTP/2 connection before it answered: ENHANCE_YOUR_CALM ("calm down")',
    ),
    "a close": (says(), {}, "the target closed the connection without an answer"),
    "half a body": (
        says(head(), body(b"hello", end=False)),
        {},
        "the target closed the connection after 5 bytes of the body",
    ),
    "a body shorter than it should be": (
        says(head("200", ("content-length", "10")), body(b"hello")),
        {},
        "the answer is broken HTTP/2: a body of 5 bytes, where the header says 10",
    ),
    "no body where there should be one": (
        says(head("200", ("content-length", "10"), end=True)),
        {},
        "the answer is broken HTTP/2: a body of 0 bytes, where the header says 10",
    ),
    "garbage": (says(b"garbage garbage garbage", settings=b""), {}, 'the answer is not HTTP/2: "garbage garbage'),
    "HTTP/1.1 all the same": (
        says(b"HTTP/1.1 400 Bad Request\r\n\r\n", settings=b""),
        {},
        'the answer is not HTTP/2: "HTTP/1.1 400 Bad Request',
    ),
    "a body that isn't gzip": (
        says(head("200", GZIP), body(b"hello")),
        {},
        "the body is not the gzip that its header says",
    ),
    "a gzip cut short": (
        says(head("200", GZIP), body(gzipped(b"hello")[:-3])),
        {},
        "the body is not the gzip that its header says",
    ),
    "frames without end": (
        floods(b"", b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)),
        {},
        "the target sends HTTP/2 frames without end before it answered",
    ),
    "a redirect in a circle": (says(head("302", ("location", "/"), end=True)), {}, "redirects in a circle: https://"),
    "a redirect to a private address": (
        says(head("302", ("location", "https://10.0.0.1/"), end=True)),
        {},
        "10.0.0.1 is a private address; set ",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("behaviour", "settings", "message"), DOWN.values(), ids=DOWN)
async def test_a_target_is_down_by(
    behaviour: Behaviour,
    settings: dict[str, object],
    message: str,
    way: str,
    http2_context: ssl.SSLContext,
    check: Check,
    nursery: trio.Nursery,
) -> None:
    target = await start_target(nursery, behaviour, tls=http2_context)
    outcome = await check("http", target.url, **settings, **await by(way, nursery))
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith(message)


async def trickle(stream: Stream) -> None:
    await says(head(), linger=False, reads=True)(stream)
    while True:
        await trio.sleep(0.02)
        await stream.send_all(body(b".", end=False))


async def quiet(stream: Stream) -> None:
    """Nothing at all, after the handshake."""
    await stream.receive_some()
    await trio.sleep_forever()


SLOW: dict[str, tuple[Behaviour, str]] = {
    "silence": (quiet, "no answer in 0.5 s: connected in N ms, TLS in N ms, then silence"),
    "settings and silence": (says(linger=True), "no answer in 0.5 s: connected in N ms, TLS in N ms, then silence"),
    "a slow trickle": (
        trickle,
        "no complete answer in 0.5 s: connected in N ms, TLS in N ms, first byte after N ms, then no end of the answer",
    ),
}


@pytest.mark.parametrize(("behaviour", "story"), SLOW.values(), ids=SLOW)
async def test_the_story_of_a_timeout_tells(
    behaviour: Behaviour, story: str, http2_context: ssl.SSLContext, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour, tls=http2_context)
    started = trio.current_time()
    outcome = await check("http", target.url, timeout_s=0.5)
    assert trio.current_time() - started < 1
    assert re.sub(r"\d+ ms", "N ms", outcome.message) == story
    await drained(target.port)


@pytest.mark.parametrize("keep", [Keep(), Keep(body=True)], ids=["dropped", "kept"])
async def test_a_bomb_of_1_gib_costs_less_than_16_mib(
    keep: Keep, http2_context: ssl.SSLContext, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, says(head("200", GZIP), *frames(bomb())), tls=http2_context)
    limit = 16 * 2**20
    tracemalloc.start()
    try:
        outcome = await check("http", target.url, keyword="needle", max_body_bytes=limit, keep=keep)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.message == f'"needle" is not in the first {limit} bytes of the body, and no more is read'
    assert peak_bytes < limit


async def test_the_request_is_as_http_2_wants_it(
    http2_context: ssl.SSLContext, check: Check, nursery: trio.Nursery
) -> None:
    got: list[Frame] = []

    async def behave(stream: Stream) -> None:
        got.extend(await read_frames(stream, is_end))
        await says(head(), body(b"hello"), reads=False)(stream)

    target = await start_target(nursery, behave, tls=http2_context)
    settings = {
        "method": "POST",
        "headers": {"X-One": "1", "Host": "a.example"},
        "body": '{"a": 1}',
        "body_encoding": "json",
        "auth": BearerAuth(token="abc"),
        "cache_buster": True,
    }
    assert (await check("http", f"{target.url}b?c", **settings)).status is Status.UP
    block = b"".join(frame.data for frame in got if isinstance(frame, HeadersFrame))
    lines = Decoder().decode(block)
    assert [name for name, _ in lines[:4]] == [":method", ":scheme", ":authority", ":path"]
    given = dict(lines)
    assert re.fullmatch(r"/b\?c&_asura=[0-9a-f]{16}", given.pop(":path"))
    assert given.pop("user-agent").startswith("Asura/")
    assert given == {
        ":method": "POST",
        ":scheme": "https",
        ":authority": "a.example",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "content-type": "application/json",
        "content-length": "8",
        "x-one": "1",
        "authorization": "Bearer abc",
    }
    assert b"".join(frame.data for frame in got if isinstance(frame, DataFrame)) == b'{"a": 1}'


async def test_headers_and_body_are_kept(http2_context: ssl.SSLContext, check: Check, nursery: trio.Nursery) -> None:
    lines = (("set-cookie", "a=1"), ("set-cookie", "b=2"), ("content-type", "text/plain; charset=iso-8859-1"))
    target = await start_target(nursery, says(head("200", *lines), body("größe".encode("latin-1"))), tls=http2_context)
    reply = (await check("http", target.url, keep=Keep(headers=True, body=True))).reply
    assert reply is not None
    assert (reply.headers, reply.body, reply.is_cut) == (lines, "größe", False)


async def test_credentials_stay_with_their_origin_over_http_2(
    http2_context: ssl.SSLContext, check: Check, nursery: trio.Nursery
) -> None:
    other = await start_target(nursery, answer())
    target = await start_target(nursery, says(head("302", ("location", other.url), end=True)), tls=http2_context)
    outcome = await check("http", target.url, headers={"X-Token": "s3cret"}, auth=BearerAuth(token="s3cret"))
    assert outcome.status is Status.UP
    assert b"s3cret" not in other.requests[0]


async def test_a_target_that_offers_both_is_asked_over_http_1_when_it_is_chosen(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    target = await start_target(nursery, answer(), tls=context)
    assert (await check("http", target.url, http_version="1.1")).status is Status.UP
    assert target.requests[0].startswith(b"GET / HTTP/1.1\r\n")


async def test_a_target_without_alpn_is_asked_over_http_1(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, answer(), tls=server_context(authority.issue_cert("127.0.0.1")))
    assert (await check("http", target.url)).status is Status.UP
    outcome = await check("http", target.url, http_version="2")
    assert outcome.message == "the target doesn't offer HTTP/2"


HALFWAY: dict[str, Behaviour] = {
    "before the answer": says(linger=True),
    "in an endless body": floods(head(), body(b"x" * 1000, end=False)),
}


@pytest.mark.parametrize("behaviour", HALFWAY.values(), ids=HALFWAY)
async def test_a_check_cancelled_halfway_leaves_no_descriptor(
    behaviour: Behaviour, http2_context: ssl.SSLContext, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour, tls=http2_context)
    async with trio.open_nursery() as checks:
        for timeout_s in (0.001, 0.003, 0.01, 0.05, 0.1):
            given = {"timeout_s": timeout_s, "max_body_bytes": 16 * 2**20}
            checks.start_soon(lambda each: check("http", target.url, **each), given)
    await drained(target.port)
