"""The listener and real connections: who is answered, who is cut off, and when it is over."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import trio
from quart_trio import QuartTrio

from asura import metrics
from asura.web.connection import Connection
from asura.web.listener import ListenError, ListenOptions, listen
from tests.daemon.web_apps import bare_app, small_app

SOON_S = 5.0
"""What should happen at once must have happened by then, on a busy machine too."""

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
Start = Callable[..., Awaitable["Served"]]


class Served:
    """A running listener, and how to reach it."""

    def __init__(self, url: str, stopping: trio.Event, ended: trio.Event) -> None:
        self.url = url
        self.host = urlsplit(url).hostname or ""
        self.port = urlsplit(url).port or 0
        self.stopping = stopping
        self.ended = ended

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream(self.host, self.port)


@pytest.fixture
async def start(nursery: trio.Nursery) -> Start:
    """Starts a listener on a free port; options are those of ListenOptions."""

    async def run(app: Any, stopping: trio.Event, ended: trio.Event, options: ListenOptions, task_status: Any) -> None:
        await listen(app, options, stopping=stopping, task_status=task_status)
        ended.set()

    async def start(app: Any = bare_app, *, stopping: trio.Event | None = None, **options: Any) -> Served:
        stopping, ended = trio.Event() if stopping is None else stopping, trio.Event()
        made = ListenOptions(**{"host": "127.0.0.1", "port": 0, **options})
        urls = await nursery.start(lambda task_status: run(app, stopping, ended, made, task_status))
        return Served(urls[0], stopping, ended)

    return start


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    """Everything until the server closes, which it must soon."""
    data = b""
    with trio.fail_after(SOON_S):
        try:
            async for piece in stream:
                data += piece
        except trio.BrokenResourceError:
            pass
    return data


async def read_answer(stream: trio.abc.ReceiveStream) -> bytes:
    """One answer that has a Content-Length."""
    data = b""
    with trio.fail_after(SOON_S):
        while True:
            head, found, body = data.partition(b"\r\n\r\n")
            if found:
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                if len(body) >= length:
                    return data
            piece = await stream.receive_some()
            assert piece, f"closed after {data!r}"
            data += piece


async def until(is_so: Callable[[], bool]) -> None:
    """Look again until it is so, which it must be soon."""
    with trio.fail_after(SOON_S):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await trio.sleep(0.02)


APPS = [pytest.param(lambda: bare_app, id="bare"), pytest.param(small_app, id="quart")]


@pytest.mark.parametrize("make_app", APPS)
async def test_requests_on_one_connection_are_answered_in_order(start: Start, make_app: Callable[[], Any]) -> None:
    served = await start(make_app())
    async with await served.connect() as stream:
        for _ in range(3):
            await stream.send_all(GET)
            assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")


async def test_pipelined_requests_are_all_answered(start: Start) -> None:
    served = await start(small_app())
    async with await served.connect() as stream:
        await stream.send_all(GET * 200 + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert (await read_all(stream)).count(b"HTTP/1.1 200") == 201


async def test_requests_far_ahead_of_their_turn_are_answered_in_the_end(start: Start) -> None:
    """More than is kept while a handler runs: the rest waits in the kernel."""
    served = await start(small_app())
    count = 3000
    async with await served.connect() as stream, trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, GET.replace(b"/", b"/sleep/0.3", 1) + GET * count)
        data = b""
        with trio.fail_after(60):
            while data.count(b"HTTP/1.1 200") <= count:
                data += await stream.receive_some()


async def test_a_request_of_single_bytes_is_answered(start: Start) -> None:
    served = await start()
    async with await served.connect() as stream:
        for byte in GET:
            await stream.send_all(bytes([byte]))
        assert (await read_answer(stream)).endswith(b"ok")


async def test_bodies_arrive_whole_however_they_are_framed(start: Start) -> None:
    served = await start(small_app())
    body = bytes(range(256)) * 3000

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 10_000):
            yield body[at : at + 10_000]

    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        assert (await client.post("/echo", content=body)).content == body
        assert (await client.post("/echo", content=pieces())).content == body


async def test_a_large_answer_arrives_whole(start: Start) -> None:
    served = await start(small_app())
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        assert len((await client.get("/large/5000000")).content) == 5_000_000


async def test_a_client_that_waits_to_be_told_is_told_to_send_its_body(start: Start) -> None:
    served = await start(small_app())
    async with await served.connect() as stream:
        await stream.send_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        with trio.fail_after(SOON_S):
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 100")
        await stream.send_all(b"tea!")
        assert (await read_answer(stream)).endswith(b"tea!")


async def test_an_http_1_0_client_is_answered_and_closed(start: Start) -> None:
    served = await start(small_app())
    async with await served.connect() as stream:
        await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
        assert b'{"ok":true}' in await read_all(stream)


@pytest.mark.parametrize("make_app", APPS)
async def test_idle_connections_are_closed(start: Start, make_app: Callable[[], Any]) -> None:
    """All of a hundred, fresh ones and ones that have been answered."""
    served = await start(make_app(), idle_timeout_s=1, header_timeout_s=1)
    async with AsyncExitStack() as stack:
        streams = []
        for number in range(100):
            streams.append(await stack.enter_async_context(await served.connect()))
            if number % 2:
                await streams[-1].send_all(GET)
                await read_answer(streams[-1])
        for stream in streams:
            assert await read_all(stream) == b""


async def test_a_connection_in_use_is_not_idle(start: Start) -> None:
    served = await start(small_app(), idle_timeout_s=0.2)
    async with await served.connect() as stream:
        await stream.send_all(GET.replace(b"/", b"/sleep/0.6", 1))
        assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")


async def test_a_head_that_trickles_is_cut_off(start: Start) -> None:
    served = await start(header_timeout_s=0.5)
    async with await served.connect() as stream, trio.open_nursery() as nursery:

        async def trickle() -> None:
            await stream.send_all(b"GET / HTTP/1.1\r\n")
            with trio.move_on_after(SOON_S):
                while True:
                    await stream.send_all(b"X: 1\r\n")
                    await trio.sleep(0.1)

        nursery.start_soon(swallow, trickle)
        assert (await read_answer(stream)).startswith(b"HTTP/1.1 408")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("make_app", APPS)
async def test_a_body_that_trickles_is_cut_off(start: Start, make_app: Callable[[], Any]) -> None:
    served = await start(make_app(), body_timeout_s=0.5, linger_s=0.5)
    async with await served.connect() as stream, trio.open_nursery() as nursery:

        async def trickle() -> None:
            await stream.send_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            while True:
                await stream.send_all(b"x")
                await trio.sleep(0.1)

        nursery.start_soon(swallow, trickle)
        answer = await read_answer(stream)
        # The bare app answers without reading: then it is the unread body that ends the connection.
        assert answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 200"))
        assert b"connection: close" in answer.lower()
        assert await read_all(stream) == b""
        nursery.cancel_scope.cancel()


async def swallow(task: Callable[[], Awaitable[None]]) -> None:
    """Run a sender that will be cut off."""
    try:
        await task()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return


@pytest.mark.parametrize("path", ["/nobody", "/echo"])
async def test_an_early_answer_to_an_unread_body_is_read_and_the_connection_closed(start: Start, path: str) -> None:
    """404 while the body is on its way, 413 before it is; the client is still sending and reads it all the same."""
    served = await start(small_app(), linger_s=0.5)
    size = 900_000 if path == "/nobody" else 50_000_000
    async with await served.connect() as stream, trio.open_nursery() as nursery:

        async def send() -> None:
            await stream.send_all(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
            for _ in range(0, size, 10_000):
                await stream.send_all(b"x" * 10_000)
                await trio.sleep(0.01)

        nursery.start_soon(swallow, send)
        answer = await read_answer(stream)
        assert answer.startswith(b"HTTP/1.1 404" if path == "/nobody" else b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()
        assert await read_all(stream) == b""
        nursery.cancel_scope.cancel()


async def test_a_small_unread_body_does_not_cost_the_connection(start: Start) -> None:
    served = await start(small_app())
    async with await served.connect() as stream:
        await stream.send_all(b"POST /nobody HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + GET)
        answer = await read_answer(stream)
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"connection: close" not in answer.lower()


async def test_a_chunked_body_over_the_limit_is_refused(start: Start) -> None:
    served = await start(small_app(), max_body_bytes=100_000)
    async with await served.connect() as stream:
        await stream.send_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await swallow(partial(stream.send_all, b"4000\r\n%s\r\n" % (b"x" * 0x4000) * 10))
        assert (await read_answer(stream)).startswith(b"HTTP/1.1 413")


START = b"GET / HTTP/1.1\r\nHost: a\r\n"
UPGRADE = START + b"Connection: Upgrade\r\nUpgrade: "
REFUSED = {
    "40 kB of header at once": (START + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "just over 16 KiB of header": (START + b"X: " + b"a" * 16_400 + b"\r\n\r\n", 431),
    "200 fields": (START + b"X: 1\r\n" * 200 + b"\r\n", 431),
    "70 kB of path": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "9 kB of query": (b"GET /?" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "host label of 64": (b"GET / HTTP/1.1\r\nHost: " + b"a" * 64 + b"\r\n\r\n", 400),
    "WebSocket": (UPGRADE + b"websocket\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "unknown transfer coding": (START + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "two lengths": (START + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400),
    "broken chunk": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
}


@pytest.mark.parametrize(("head", "status"), REFUSED.values(), ids=list(REFUSED))
async def test_what_can_not_be_served_is_refused_in_the_shape_of_every_error(
    start: Start, head: bytes, status: int
) -> None:
    served = await start()
    async with await served.connect() as stream:
        await swallow(partial(stream.send_all, head))
        answer = await read_answer(stream)
    assert int(answer.split()[1]) == status
    assert b'{"error":"' in answer
    assert b'"code":"' in answer


async def test_an_offer_of_h2c_is_ignored(start: Start) -> None:
    """curl --http2 makes it with every request, and RFC 9110 §7.8 lets a server go on as if it hadn't."""
    served = await start()
    async with await served.connect() as stream:
        await stream.send_all(UPGRADE + b"h2c\r\nHTTP2-Settings: !!\r\n\r\n" + GET)
        for _ in range(2):
            assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")


async def test_a_header_just_under_the_limit_passes(start: Start) -> None:
    served = await start()
    async with await served.connect() as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 16_000 + b"\r\n\r\n")
        assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")


async def test_a_crash_of_a_handler_is_a_500_and_the_next_request_is_served(start: Start) -> None:
    async def crash(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError(scope["type"])

    served = await start(crash)
    for _ in range(2):
        async with await served.connect() as stream:
            await stream.send_all(GET)
            answer = await read_all(stream)
            assert answer.startswith(b"HTTP/1.1 500")
            assert b"internal_error" in answer


async def test_an_error_in_one_connection_leaves_the_others(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    served = await start()
    async with await served.connect() as other:
        await other.send_all(GET)
        await read_answer(other)
        errors = metrics.counter("asura_http_connection_errors_total", "").value()
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "run", lambda self: self.nothing())
            async with await served.connect() as stream:
                assert await read_all(stream) == b""
        assert metrics.counter("asura_http_connection_errors_total", "").value() == errors + 1
        await other.send_all(GET)
        assert (await read_answer(other)).startswith(b"HTTP/1.1 200")


async def test_a_handler_is_cancelled_when_its_client_leaves(start: Start) -> None:
    cancelled = trio.Event()
    app = small_app()

    @app.get("/forever")
    async def forever() -> str:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    served = await start(app)
    async with await served.connect() as stream:
        await stream.send_all(GET.replace(b"/", b"/forever", 1))
        await trio.sleep(0.1)
    with trio.fail_after(SOON_S):
        await cancelled.wait()


async def test_connections_of_one_address_are_limited(start: Start) -> None:
    served = await start(max_connections_per_address=3, crowd_wait_s=0.3)
    streams = [await served.connect() for _ in range(3)]
    for stream in streams:
        await stream.send_all(GET)
        await read_answer(stream)
    async with await served.connect() as stream:
        answer = await read_all(stream)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"retry-after" in answer.lower()
    await streams.pop().aclose()
    await trio.sleep(0.1)
    async with await served.connect() as stream:
        await stream.send_all(GET)
        assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")
    for stream in streams:
        await stream.aclose()


async def test_many_short_connections_of_one_address_are_served_one_after_the_other(start: Start) -> None:
    """The jobs of a network behind one address, at minute zero."""
    served = await start(small_app(), max_connections_per_address=3, crowd_wait_s=SOON_S)
    answers = []

    async def ask() -> None:
        async with await served.connect() as stream:
            await stream.send_all(b"GET /sleep/0.01 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answers.append((await read_all(stream))[:12])

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(ask)
    assert answers == [b"HTTP/1.1 200"] * 30


async def test_a_trusted_proxy_may_hold_more(start: Start) -> None:
    served = await start(max_connections_per_address=1, trusted_proxies=(ip_network("127.0.0.0/8"),))
    async with await served.connect() as first, await served.connect() as second:
        for stream in (first, second):
            await stream.send_all(GET)
            assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")


async def test_with_no_room_the_longest_idle_connection_goes(start: Start) -> None:
    served = await start(max_connections=2)
    async with await served.connect() as oldest, await served.connect() as newer, await served.connect() as newest:
        assert await read_all(oldest) == b""
        for stream in (newer, newest):
            await stream.send_all(GET)
            assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")


async def test_with_no_room_and_nobody_idle_a_connection_is_turned_away(start: Start) -> None:
    app = small_app()
    served = await start(app, max_connections=1)
    async with await served.connect() as busy:
        await busy.send_all(GET.replace(b"/", b"/wait", 1))
        await trio.sleep(0.1)
        async with await served.connect() as stream:
            assert (await read_all(stream)).startswith(b"HTTP/1.1 503")
        app.extensions["release"].set()
        assert (await read_answer(busy)).startswith(b"HTTP/1.1 200")


async def test_stopping_closes_idle_connections_and_lets_a_running_request_finish(start: Start) -> None:
    app = small_app()
    served = await start(app)
    async with await served.connect() as idle, await served.connect() as half, await served.connect() as busy:
        await half.send_all(b"GET / HT")
        await busy.send_all(GET.replace(b"/", b"/wait", 1))
        await trio.sleep(0.1)
        served.stopping.set()
        assert await read_all(idle) == b""
        assert await read_all(half) == b""
        with pytest.raises(OSError, match="connect"):
            await served.connect()
        assert not served.ended.is_set()
        app.extensions["release"].set()
        answer = await read_answer(busy)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer.lower()
        with trio.fail_after(SOON_S):
            await served.ended.wait()


async def test_what_outlasts_the_grace_is_cut_off(start: Start) -> None:
    """Handlers that never end, bodies that never come, clients that never read."""
    app = small_app()
    served = await start(app, shutdown_timeout_s=0.5)
    streams = [await served.connect() for _ in range(30)]
    for stream in streams[:10]:
        await stream.send_all(GET.replace(b"/", b"/wait", 1))
    for stream in streams[10:20]:
        await stream.send_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
    for stream in streams[20:]:
        await stream.send_all(GET.replace(b"/", b"/large/30000000", 1))
    await trio.sleep(0.3)
    began_s = trio.current_time()
    served.stopping.set()
    with trio.fail_after(SOON_S):
        await served.ended.wait()
    assert 0.4 < trio.current_time() - began_s < 2
    for stream in streams:
        await stream.aclose()


async def test_streams_that_wait_for_stopping_cost_none_of_the_grace(start: Start) -> None:
    stopping = trio.Event()
    served = await start(small_app(stopping=stopping), stopping=stopping, shutdown_timeout_s=30)
    streams = [await served.connect() for _ in range(10)]
    for stream in streams:
        await stream.send_all(GET.replace(b"/", b"/api/v1/events", 1))
        with trio.fail_after(SOON_S):
            assert b"200" in await stream.receive_some()
    began_s = trio.current_time()
    stopping.set()
    with trio.fail_after(SOON_S):
        await served.ended.wait()
    assert trio.current_time() - began_s < 2
    for stream in streams:
        await read_all(stream)
        await stream.aclose()


async def test_a_client_that_does_not_read_is_cut_off(start: Start) -> None:
    served = await start(small_app(), write_timeout_s=0.3)
    gauge = metrics.gauge("asura_http_connections", "")
    before = gauge.value()
    async with await served.connect() as stream:
        await stream.send_all(GET.replace(b"/", b"/large/30000000", 1))
        await trio.sleep(0.1)
        assert gauge.value() == before + 1
        await until(lambda: gauge.value() == before)


async def test_no_task_is_left_behind(start: Start) -> None:
    served = await start(small_app())
    baseline = trio.lowlevel.current_statistics().tasks_living
    for _ in range(5):
        async with trio.open_nursery() as nursery:
            for request in (GET, GET[:10], b"\x00", b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"):
                nursery.start_soon(touch, served, request)
    await until(lambda: trio.lowlevel.current_statistics().tasks_living == baseline)
    served.stopping.set()
    with trio.fail_after(SOON_S):
        await served.ended.wait()


async def touch(served: Served, request: bytes) -> None:
    """Send something and leave."""
    async with await served.connect() as stream:
        await stream.send_all(request)
        with trio.move_on_after(0.05):
            await stream.receive_some()


async def test_an_address_in_use_is_told_in_one_sentence(start: Start) -> None:
    served = await start()
    options = ListenOptions(host="127.0.0.1", port=served.port)
    with pytest.raises(ListenError, match=f"can't listen on 127.0.0.1:{served.port}"):
        await listen(bare_app, options, stopping=trio.Event())


async def test_a_missing_certificate_is_told_in_one_sentence(tmp_path: Path) -> None:
    options = ListenOptions(host="127.0.0.1", port=0, tls_cert=tmp_path / "a.pem", tls_key=tmp_path / "b.pem")
    with pytest.raises(ListenError, match=r"server\.tls_cert"):
        await listen(bare_app, options, stopping=trio.Event())


async def test_the_app_hears_of_its_start_and_end(start: Start) -> None:
    heard = []
    app = QuartTrio("heard")

    @app.before_serving
    async def begin() -> None:
        heard.append("start")

    @app.after_serving
    async def end() -> None:
        heard.append("end")

    served = await start(app)
    assert heard == ["start"]
    served.stopping.set()
    with trio.fail_after(SOON_S):
        await served.ended.wait()
    assert heard == ["start", "end"]


async def test_tls_serves_http_1_1_only(start: Start, certificate: tuple[Path, Path]) -> None:
    served = await start(small_app(), tls_cert=certificate[0], tls_key=certificate[1])
    assert served.url.startswith("https://")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with await trio.open_ssl_over_tcp_stream(
        served.host, served.port, ssl_context=context, https_compatible=True
    ) as stream:
        await stream.do_handshake()
        assert stream.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            await stream.send_all(GET)
            assert (await read_answer(stream)).startswith(b"HTTP/1.1 200")
        await stream.send_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
        assert (await read_answer(stream)).endswith(b"x" * 1000)
        served.stopping.set()
        with trio.fail_after(SOON_S):
            assert await stream.receive_some() == b""
    with trio.fail_after(SOON_S):
        await served.ended.wait()


@pytest.mark.parametrize("hello", [GET, b"\x16\x03\x01\x00\x05hello", b"\x00" * 2000, b""])
async def test_a_broken_handshake_ends_its_connection_only(
    start: Start, certificate: tuple[Path, Path], hello: bytes
) -> None:
    served = await start(tls_cert=certificate[0], tls_key=certificate[1], handshake_timeout_s=0.3)
    errors = metrics.counter("asura_http_connection_errors_total", "").value()
    async with await served.connect() as stream:
        await stream.send_all(hello)
        await read_all(stream)
    assert metrics.counter("asura_http_connection_errors_total", "").value() == errors
    context = ssl.create_default_context(cafile=str(certificate[0]))
    async with httpx.AsyncClient(base_url=served.url, verify=context, trust_env=False) as client:
        assert (await client.get("/")).status_code == 200
