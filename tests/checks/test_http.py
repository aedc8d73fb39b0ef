import re
import socket
import zlib

import pytest
import trio

from asura.model.monitor import Status
from tests.checks.conftest import Check
from tests.fakes.proxy import http_proxy, socks5_proxy
from tests.fakes.target import (
    Behaviour,
    answer,
    break_off,
    chunked,
    endless,
    gzipped,
    raw,
    redirect,
    reset,
    routes,
    silent,
    slow_trickle,
    start_target,
)

LONG = 2**20


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


UP: dict[str, tuple[Behaviour, dict[str, object]]] = {
    "an answer with a length": (answer(200, b"hello"), {"keyword": "hello"}),
    "no body": (answer(204, b""), {}),
    "an expected code": (answer(404), {"expected_status": (404,)}),
    "an expected code as text": (answer(404), {"expected_status": ("404",)}),
    "an expected class": (answer(503), {"expected_status": ("2xx", "5xx")}),
    "an expected range": (answer(204, b""), {"expected_status": ("200-204",)}),
    "a redirect that isn't followed": (redirect("/else"), {"follow_redirects": False}),
    "not modified": (raw(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"), {}),
    "a body that ends with the connection": (raw(b"HTTP/1.1 200 OK\r\n\r\n", b"hel", b"lo"), {"keyword": "hello"}),
    "HTTP/1.0": (raw(b"HTTP/1.0 200 OK\r\n\r\nhello"), {"keyword": "hello"}),
    "chunks": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunked(b"hello world", 3)),
        {"keyword": "lo wor"},
    ),
    "an interim answer first": (
        raw(
            b"HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\n",
            b"Content-Length: 5\r\n\r\nhello",
        ),
        {"keyword": "hello"},
    ),
    "gzip": (answer(200, gzipped(b"hello" * 50_000), content_encoding="gzip"), {"keyword": "hellohello"}),
    "gzip in two members": (
        answer(200, gzipped(b"hel") + gzipped(b"lo"), content_encoding="gzip"),
        {"keyword": "hello"},
    ),
    "gzip without a body": (answer(200, b"", content_encoding="gzip"), {}),
    "gzip in small pieces": (
        raw(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
            *chunked(gzipped(b"hello world"), 1),
        ),
        {"keyword": "hello world"},
    ),
    "deflate": (answer(200, zlib.compress(b"hello"), content_encoding="deflate"), {"keyword": "hello"}),
    "bare deflate": (answer(200, raw_deflate(b"hello"), content_encoding="deflate"), {"keyword": "hello"}),
    "a keyword in another charset": (
        answer(200, "größer".encode("latin-1"), content_type="text/html; charset=ISO-8859-1"),
        {"keyword": "größer"},
    ),
    "a keyword in UTF-8": (answer(200, "größer".encode()), {"keyword": "größer"}),
    "a keyword across two packets": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", b"world", pause_s=0.02),
        {"keyword": "loworl"},
    ),
    "HEAD, whose length is of no body": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        {"method": "HEAD"},
    ),
    "a header of 60 kB": (answer(200, b"hello", x_long="a" * 60_000), {}),
    "something after the answer": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"), {}),
    "a body over the limit": (answer(200, b"x" * LONG * 2), {}),
    "an endless body": (endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), {}),
    "a keyword at the beginning of an endless body": (
        endless(b"HTTP/1.1 200 OK\r\n\r\nhello", b"x"),
        {"keyword": "hello"},
    ),
    "an unasked switch of protocols": (
        raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\0\0"),
        {"expected_status": (101,)},
    ),
}


WAYS: dict[str, Behaviour | None] = {"directly": None, "by HTTP proxy": http_proxy(), "by SOCKS5 proxy": socks5_proxy()}


async def by(way: str, nursery: trio.Nursery) -> dict[str, object]:
    """The setting for a way to the target, with its proxy started."""
    behaviour = WAYS[way]
    if behaviour is None:
        return {}
    proxy = await start_target(nursery, behaviour)
    return {"proxy": f"{'http' if 'HTTP' in way else 'socks5'}://{proxy.address}"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("behaviour", "settings"), UP.values(), ids=UP)
async def test_a_target_is_up_with(
    behaviour: Behaviour, settings: dict[str, object], way: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("http", target.url, **settings, **await by(way, nursery))
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.response_ms is not None
    assert outcome.response_ms >= 1
    assert (outcome.timings.dns_ms, outcome.timings.tls_ms) == (None, None)
    assert (
        min(outcome.timings.connect_ms or 0, outcome.timings.first_byte_ms or 0, outcome.timings.transfer_ms or 0) >= 1
    )


DOWN: dict[str, tuple[Behaviour, dict[str, object], str]] = {
    "wrong status": (answer(503), {}, "answered 503 Service Unavailable, expected 2xx, 3xx"),
    "unknown status": (answer(599), {"expected_status": (200,)}, "answered 599, expected 200"),
    "no keyword": (answer(200, b"hello"), {"keyword": "Hello"}, '"Hello" is not in the body (5 bytes)'),
    "no keyword within the limit": (
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        {"keyword": "hello", "max_body_bytes": 1000},
        '"hello" is not in the first 1000 bytes of the body, and no more is read',
    ),
    "a keyword just past the limit": (
        answer(200, b"x" * 998 + b"hello"),
        {"keyword": "hello", "max_body_bytes": 1002},
        '"hello" is not in the first 1002 bytes of the body, and no more is read',
    ),
    "wrong status after a redirect": (
        routes({"/": redirect("/b"), "/b": answer(404)}),
        {"expected_status": (302,)},
        "answered 404 Not Found at http://127.0.0.1:",
    ),
    "reset": (reset, {}, "the connection was reset before it answered"),
    "silent close": (raw(), {}, "the target closed the connection without an answer"),
    "garbage": (
        raw(b"SSH-2.0-OpenSSH_9.2\r\n\x1b[31m"),
        {},
        'the answer is not HTTP: "SSH-2.0-OpenSSH_9.2\\r\\n\\x1b[31m"',
    ),
    "a broken header": (raw(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), {}, "the answer is broken HTTP: "),
    "a broken chunk": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        {},
        "the answer is broken HTTP: ",
    ),
    "two lengths": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        {},
        "the answer is broken HTTP: ",
    ),
    "no keyword in a body that can't be read": (
        answer(200, b"hello", content_encoding="br"),
        {"keyword": "hello "},
        '"hello " can\'t be looked for: the body is encoded as "br"',
    ),
    "a very long redirect": (redirect("x:" + "a" * 60_000), {}, "302 redirects to a URL that can't be asked: it must "),
    "half a header": (
        raw(b"HTTP/1.1 200 OK\r\nServ"),
        {},
        "the target closed the connection in the middle of the header",
    ),
    "half a body": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"),
        {},
        "the target closed the connection after 5 of 100 bytes of the body",
    ),
    "half the chunks": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        {},
        "the target closed the connection after 5 bytes of the body",
    ),
    "a huge header": (
        endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
        {},
        "the header of the answer is over 64 KiB",
    ),
    "too many headers": (endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), {}, "the header of the answer is over 64 KiB"),
    "interim answers without end": (
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        {},
        "the header of the answer is over 64 KiB",
    ),
    "trailers without end": (
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", b"A: b\r\n"),
        {},
        "the answer has no end",
    ),
    "a body that isn't gzip": (
        answer(200, b"hello", content_encoding="gzip"),
        {},
        "the body is not the gzip that its header says",
    ),
    "a gzip cut short": (
        answer(200, gzipped(b"hello")[:-3], content_encoding="gzip"),
        {},
        "the body is not the gzip that its header says",
    ),
    "a redirect to another scheme": (
        redirect("ftp://example.com/"),
        {},
        "302 redirects to a URL that can't be asked: it must be a URL that begins with http:// or https://",
    ),
    "a redirect to itself": (redirect("/"), {}, "redirects in a circle: http://127.0.0.1:"),
    "a redirect to a private address": (
        redirect("http://10.0.0.1/"),
        {},
        "10.0.0.1 is a private address; set monitor.allow_private_targets or list it in monitor.allowed_networks",
    ),
    "a redirect to loopback in disguise": (redirect("http://0x7f000002/"), {}, "127.0.0.2 is a loopback address; set"),
    "a redirect to the metadata service": (
        redirect("http://[::ffff:169.254.169.254]/latest/meta-data/"),
        {},
        "169.254.169.254 is a cloud metadata address; to check it all the same",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("behaviour", "settings", "message"), DOWN.values(), ids=DOWN)
async def test_a_target_is_down_by(
    behaviour: Behaviour, settings: dict[str, object], message: str, way: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("http", target.url, **settings, **await by(way, nursery))
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith(message)


async def test_a_refused_connection_says_what_was_tried(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = await check("http", f"http://127.0.0.1:{port}/")
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith(f"connect to 127.0.0.1:{port} refused after ")
    assert outcome.response_ms is None


async def test_a_reset_in_the_middle_of_the_body_says_how_far_it_came(check: Check, nursery: trio.Nursery) -> None:
    async def behave(stream: trio.SocketStream) -> None:
        await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")(stream)
        await trio.sleep(0.1)
        break_off(stream)

    target = await start_target(nursery, behave)  # type: ignore[arg-type]
    outcome = await check("http", target.url)
    assert outcome.message == "the connection was reset after 5 bytes of the body"


SLOW: dict[str, tuple[Behaviour, str]] = {
    "silence": (silent, "no answer in 0.5 s: connected in N ms, then silence"),
    "a slow trickle": (
        slow_trickle,
        "no complete answer in 0.5 s: connected in N ms, first byte after N ms, then no end of the answer",
    ),
    "half a header and silence": (
        raw(b"HTTP/1.1 200 OK\r\nServer", b"", pause_s=30),
        "no complete answer in 0.5 s: connected in N ms, first byte after N ms, then no end of the answer",
    ),
}


@pytest.mark.parametrize(("behaviour", "story"), SLOW.values(), ids=SLOW)
async def test_the_story_of_a_timeout_tells(
    behaviour: Behaviour, story: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    started = trio.current_time()
    outcome = await check("http", target.url, timeout_s=0.5)
    assert trio.current_time() - started < 1
    assert outcome.status is Status.DOWN
    assert re.sub(r"\d+ ms", "N ms", outcome.message) == story


async def test_a_request_says_who_asks(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    await check("http", f"{target.url}a b?c=d&e=ü#part".replace(" ", "%20"), method="POST", body="grüße")
    head, _, body = target.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a%20b?c=d&e=%C3%BC HTTP/1.1"
    assert lines[1] == f"Host: {target.address}"
    assert lines[2].startswith("User-Agent: Asura/")
    assert set(lines[3:]) == {
        "Accept: */*",
        "Accept-Encoding: gzip, deflate",
        "Connection: close",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Length: 7",
    }
    assert body.decode() == "grüße"


async def test_headers_of_the_settings_replace_the_usual_ones(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    await check("http", target.url, headers={"user-agent": "curl/8", "Host": "a.example", "X-One": "1"})
    request = target.requests[0]
    assert b"Asura" not in request
    assert b"user-agent: curl/8\r\n" in request
    assert b"Host: a.example\r\n" in request
    assert request.lower().count(b"host:") == 1


async def test_an_early_answer_counts_although_the_request_was_not_read(check: Check, nursery: trio.Nursery) -> None:
    async def behave(stream: trio.SocketStream) -> None:
        await stream.receive_some(10)
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await trio.sleep(0.1)

    target = await start_target(nursery, behave)  # type: ignore[arg-type]
    outcome = await check("http", target.url, method="POST", body="x" * 65_000)
    assert outcome.status_code == 413
