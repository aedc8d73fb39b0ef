import contextlib
import errno
import os
import re
import socket
import stat
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from asura.checks import CHECK_TYPES
from asura.checks.base import Env, Stopwatch
from asura.checks.http_settings import BasicAuth, BearerAuth, HttpSettings
from asura.errors import OwnFailure
from asura.model.monitor import Status
from asura.netguard import Guard
from tests.checks.conftest import Check
from tests.fakes.target import (
    Behaviour,
    answer,
    bomb,
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


@pytest.mark.parametrize(("behaviour", "settings"), UP.values(), ids=UP)
async def test_a_target_is_up_with(
    behaviour: Behaviour, settings: dict[str, object], check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("http", target.url, **settings)
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


@pytest.mark.parametrize(("behaviour", "settings", "message"), DOWN.values(), ids=DOWN)
async def test_a_target_is_down_by(
    behaviour: Behaviour, settings: dict[str, object], message: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("http", target.url, **settings)
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
    assert trio.current_time() - started < 3
    assert outcome.status is Status.DOWN
    assert re.sub(r"\d+ ms", "N ms", outcome.message) == story


async def test_a_bomb_of_1_gib_costs_less_than_16_mib(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, bomb(), content_encoding="gzip"))
    limit = 16 * 2**20
    tracemalloc.start()
    try:
        outcome = await check("http", target.url, keyword="needle", max_body_bytes=limit)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.message == f'"needle" is not in the first {limit} bytes of the body, and no more is read'
    assert peak_bytes < 2 * 2**20


async def test_a_bomb_lets_other_tasks_run(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, bomb(64), content_encoding="gzip"))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    nursery.start_soon(count)
    await check("http", target.url, max_body_bytes=16 * 2**20)
    assert turns > 100


async def test_redirects_are_followed_and_their_phases_add_up(check: Check, nursery: trio.Nursery) -> None:
    table = {"/": redirect("/b?token=x"), "/b?token=x": redirect("c", 307), "/c": answer(200, b"at last")}
    target = await start_target(nursery, routes(table))
    outcome = await check("http", target.url, keyword="at last")
    assert (outcome.status, outcome.status_code, target.connections) == (Status.UP, 200, 3)


async def test_redirects_end_at_the_limit(check: Check, nursery: trio.Nursery) -> None:
    table = {"/": redirect("/1?secret=1")} | {
        f"/{n}?secret={n}": redirect(f"/{n + 1}?secret={n + 1}") for n in range(1, 9)
    }
    target = await start_target(nursery, routes(table))
    outcome = await check("http", target.url, max_redirects=3)
    assert outcome.message == f"more than 3 redirects, the last to http://{target.address}/4?…"
    assert target.connections == 4


async def test_a_circle_of_redirects_is_told(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, routes({"/": redirect("/b"), "/b": redirect("/")}))
    outcome = await check("http", target.url)
    assert outcome.message == f"redirects in a circle: http://{target.address}/b leads back to http://{target.address}/"
    assert target.connections == 2


METHODS = {
    "303 makes it a GET": ("POST", 303, b"GET"),
    "302 after POST makes it a GET": ("POST", 302, b"GET"),
    "301 after POST makes it a GET": ("POST", 301, b"GET"),
    "302 after PUT stays a PUT": ("PUT", 302, b"PUT"),
    "307 stays a POST": ("POST", 307, b"POST"),
    "308 stays a POST": ("POST", 308, b"POST"),
    "303 after HEAD stays a HEAD": ("HEAD", 303, b"HEAD"),
}


@pytest.mark.parametrize(("method", "status", "expected"), METHODS.values(), ids=METHODS)
async def test_the_method_after_a_redirect(
    method: str, status: int, expected: bytes, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, routes({"/": redirect("/b", status), "/b": answer(200, b"")}))
    body = "" if method == "HEAD" else "a body"
    outcome = await check("http", target.url, method=method, body=body)
    assert outcome.status is Status.UP
    assert target.requests[1].split(b" ")[0] == expected
    assert target.requests[1].endswith(b"a body") == (expected in (b"POST", b"PUT"))
    assert (b"content-length" in target.requests[1].lower()) == (expected in (b"POST", b"PUT"))


CREDENTIALS = {"Authorization": "Basic c2VjcmV0", "Cookie": "secret=1", "X-API-Key": "secret", "X-Token": "secret"}


async def test_credentials_stay_with_their_origin(check: Check, nursery: trio.Nursery) -> None:
    other = await start_target(nursery, answer())
    target = await start_target(nursery, redirect(other.url))
    outcome = await check(
        "http", target.url, headers={**CREDENTIALS, "Host": "secret.example", "Accept-Language": "de"}
    )
    assert outcome.status is Status.UP
    assert target.requests[0].count(b"secret") == 4
    assert b"secret" not in other.requests[0]
    assert b"Authorization" not in other.requests[0]
    assert b"Accept-Language: de" in other.requests[0]
    assert f"Host: {other.address}".encode() in other.requests[0]


async def test_credentials_that_were_dropped_stay_dropped(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    other = await start_target(nursery, redirect(f"{target.url}back"))
    target.behaviour = routes({"/": redirect(other.url), "/back": answer()})
    outcome = await check("http", target.url, headers=CREDENTIALS, auth=BearerAuth(token="secret"))
    assert outcome.status is Status.UP
    assert b"secret" in target.requests[0]
    assert b"secret" not in target.requests[1]


async def test_credentials_follow_within_their_origin(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, routes({"/": redirect("/b"), "/b": answer()}))
    await check("http", target.url, auth=BasicAuth(username="ann", password="pw"))
    assert all(b"Authorization: Basic YW5uOnB3\r\n" in request for request in target.requests)


async def test_a_body_is_not_handed_to_another_origin(check: Check, nursery: trio.Nursery) -> None:
    other = await start_target(nursery, answer())
    target = await start_target(nursery, redirect(other.url, 307))
    outcome = await check("http", target.url, method="POST", body="password=secret")
    assert outcome.message.startswith(f"307 redirects the request's body to another origin, {other.url}: not followed")
    assert other.connections == 0


async def test_credentials_in_a_redirect_are_ignored(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    target.behaviour = routes({"/": redirect(f"http://user:pw@{target.address}/b"), "/b": answer()})
    assert (await check("http", target.url)).status is Status.UP
    assert b"Authorization" not in target.requests[1]


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


async def test_private_targets_are_refused_by_default(check: Check, env: Env, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    outcome = await check("http", target.url, env=Env(guard=Guard(), tls=env.tls))
    assert outcome.status is Status.DOWN
    assert outcome.message == (
        "127.0.0.1 is a loopback address; set monitor.allow_private_targets or list it in monitor.allowed_networks"
    )
    assert target.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "some.example"])
async def test_a_failure_of_this_machine_is_not_the_targets(
    host: str, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_sockets(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    resolve_to({}, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", out_of_sockets)
        with pytest.raises(OwnFailure, match="no socket left on this machine"):
            await check("http", f"http://{host}:9/")


async def test_the_next_address_is_tried_when_one_refuses(
    check: Check, env: Env, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await start_target(nursery, answer())
    names = {"both.example": ["::1", "127.0.0.1"], "dead.example": ["::1", "::1"]}
    resolve_to(names, monkeypatch)
    outcome = await check("http", f"http://both.example:{target.port}/")
    assert outcome.status is Status.UP
    assert (outcome.timings.dns_ms or 0) >= 1
    wrong = await check("http", f"http://both.example:{target.port}/", ip_version="6")
    assert wrong.message.startswith(f"connect to both.example:{target.port} ")


@pytest.fixture
async def unreachable_port() -> AsyncIterator[Callable[[int], None]]:
    """Make a port of 127.0.0.3 drop every new connection, as a dead route does: its queue is full."""
    with contextlib.ExitStack() as stack:

        def fill(port: int) -> None:
            listener = stack.enter_context(socket.create_server(("127.0.0.3", port), backlog=0))
            for _ in range(3):
                sock = stack.enter_context(socket.socket())
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())

        yield fill


async def test_an_address_that_never_answers_costs_only_its_share(
    unreachable_port: Callable[[int], None], check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await start_target(nursery, answer())
    unreachable_port(target.port)
    resolve_to({"half.example": ["127.0.0.3", "127.0.0.1"], "dead.example": ["127.0.0.3"]}, monkeypatch)
    outcome = await check("http", f"http://half.example:{target.port}/", timeout_s=1.5)
    assert outcome.status is Status.UP
    assert (outcome.timings.connect_ms or 0) >= 500
    outcome = await check("http", f"http://dead.example:{target.port}/", timeout_s=0.3)
    assert outcome.message.startswith("no answer in 0.3 s: name found in ")
    assert outcome.message.endswith(", then no connection")


async def test_refused_addresses_of_a_name_are_left_out(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await start_target(nursery, answer())
    resolve_to({"mixed.example": ["10.0.0.1", "127.0.0.1"], "inner.example": ["10.0.0.1", "10.0.0.2"]}, monkeypatch)
    assert (await check("http", f"http://mixed.example:{target.port}/")).status is Status.UP
    refused = await check("http", "http://inner.example/")
    assert refused.message.startswith("inner.example is refused: 10.0.0.1 is a private address; set ")
    assert refused.is_refused


async def test_a_redirect_to_a_refused_address_says_so(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(302, location="http://10.0.0.1/"))
    outcome = await check("http", target.url)
    assert outcome.is_refused
    assert outcome.message.startswith("10.0.0.1 is a private address; set ")


async def test_an_unknown_name_is_told(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to({}, monkeypatch)
    outcome = await check("http", "http://nowhere.example/")
    assert (outcome.status, outcome.message) == (Status.DOWN, "nowhere.example: no such name")


def resolve_to(names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the name server, which tests must not ask."""

    def getaddrinfo(name: str, port: int, family: int = 0, kind: int = 0) -> list[tuple[object, ...]]:
        if name not in names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in names[name]]
        return [(fam, kind, 6, "", (ip, port)) for fam, ip in found if family in (0, fam)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


HALFWAY: dict[str, Behaviour] = {
    "before the answer": silent,
    "in the body": slow_trickle,
    "in an endless body": endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb(64)[:5000], b"\0"),
}


@pytest.mark.parametrize("behaviour", HALFWAY.values(), ids=HALFWAY)
async def test_a_check_cancelled_halfway_leaves_no_descriptor(
    behaviour: Behaviour, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    async with trio.open_nursery() as checks:
        for _ in range(20):
            checks.start_soon(lambda: check("http", target.url, timeout_s=0.2, max_body_bytes=16 * 2**20))
    await drained(target.port)


async def test_2000_failing_checks_leave_nothing(env: Env, nursery: trio.Nursery) -> None:
    half = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    target = await start_target(nursery, routes({"/": raw(), "/garbage": raw(b"garbage\r\n"), "/half": half}))
    broken = await start_target(nursery, reset)
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/"
    http = CHECK_TYPES["http"]
    attempts = [
        http.prepare(url, HttpSettings(), env)
        for url in (closed, broken.url, target.url, f"{target.url}garbage", f"{target.url}half", "http://10.0.0.1/")
    ]
    before, tasks = descriptors(), trio.lowlevel.current_statistics().tasks_living

    async def repeat(attempt: object) -> None:
        for _ in range(350):
            outcome = await attempt(Stopwatch())  # type: ignore[operator]
            assert outcome.status is Status.DOWN

    async with trio.open_nursery() as checks:
        for attempt in attempts:
            checks.start_soon(repeat, attempt)
    with trio.fail_after(5):
        while descriptors() > before or trio.lowlevel.current_statistics().tasks_living > tasks:  # noqa: ASYNC110
            await trio.sleep(0.01)


async def drained(port: int) -> None:
    """Wait until no socket of this process is connected to `port` any longer."""
    with trio.fail_after(5):
        while any(peer_port(fd) == port for fd in os.listdir("/proc/self/fd")):  # noqa: ASYNC110
            await trio.sleep(0.01)


def peer_port(fd: str) -> int | None:
    try:
        if not stat.S_ISSOCK(os.fstat(int(fd)).st_mode):
            return None
        with socket.socket(fileno=os.dup(int(fd))) as sock:
            return int(sock.getpeername()[1])
    except (OSError, IndexError, TypeError):
        return None
