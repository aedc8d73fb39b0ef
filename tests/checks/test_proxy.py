import re
from collections.abc import Callable

import pytest
import trio
import trustme

from asura.checks.http_settings import BasicAuth
from asura.model.monitor import Status
from asura.netguard import Guard
from asura.protocols.attempt import Env
from asura.protocols.proxy import parse_proxy
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import drained
from tests.fakes.peers import free_port
from tests.fakes.proxy import http_proxy, socks5_proxy
from tests.fakes.resolver import resolve_to
from tests.fakes.target import Behaviour, Stream, answer, endless, raw, redirect, reset, silent, start_target

ANN = BasicAuth(username="ann", password="s3cret: ü")
KINDS: dict[str, Callable[..., Behaviour]] = {"http": http_proxy, "socks5": socks5_proxy}
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
@pytest.mark.parametrize("auth", [None, ANN], ids=["open", "with a password"])
async def test_a_target_is_reached_through(
    kind: str, auth: BasicAuth | None, check: Check, nursery: trio.Nursery
) -> None:
    credentials = f"{auth.username}:{auth.password}" if auth else ""
    target = await start_target(nursery, answer(200, b"hello"))
    proxy = await start_target(nursery, KINDS[kind](credentials=credentials))
    outcome = await check("http", target.url, proxy=f"{kind}://{proxy.address}", proxy_auth=auth, keyword="hello")
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.timings.connect_ms
    assert outcome.timings.first_byte_ms
    assert proxy.connections == 1
    assert b"Proxy-Authorization" not in target.requests[0]


@each_kind
async def test_tls_through_a_proxy_verifies_the_targets_name(
    kind: str, authority: trustme.CA, check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to({"good.example": ["127.0.0.1"], "bad.example": ["127.0.0.1"]}, monkeypatch)
    target = await start_target(nursery, answer(), tls=server_context(authority.issue_cert("good.example")))
    proxy = await start_target(nursery, KINDS[kind]())
    settings = {"proxy": f"{kind}://{proxy.address}"}
    assert (await check("http", f"https://good.example:{target.port}/", **settings)).status is Status.UP
    wrong = await check("http", f"https://bad.example:{target.port}/", **settings)
    assert wrong.message == "the certificate is for good.example, expected bad.example"


@each_kind
async def test_a_proxy_is_told_addresses_that_were_judged_here(
    kind: str, check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve_to({"target.example": ["127.0.0.1"], "proxy.example": ["127.0.0.1"]}, monkeypatch)
    target = await start_target(nursery, answer())
    proxy = await start_target(nursery, KINDS[kind]())
    url, through = f"http://target.example:{target.port}/", f"{kind}://proxy.example:{proxy.port}"
    outcome = await check("http", url, proxy=through)
    assert outcome.status is Status.UP
    assert outcome.timings.dns_ms
    assert sorted(asked) == ["proxy.example", "target.example"]
    assert b"target.example" not in proxy.requests[0].partition(b"GET ")[0]


@each_kind
async def test_the_guard_holds_for_the_proxy_and_for_what_is_behind_it(
    kind: str, check: Check, env: Env, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to({"inner.example": ["10.0.0.1"]}, monkeypatch)
    proxy = await start_target(nursery, KINDS[kind]())
    through = f"{kind}://{proxy.address}"
    for target in ("http://10.0.0.1/", "http://inner.example/", "http://[::ffff:169.254.169.254]/"):
        outcome = await check("http", target, proxy=through)
        assert outcome.is_refused
        assert proxy.connections == 0
    redirecting = await start_target(nursery, redirect("http://10.0.0.1/"))
    outcome = await check("http", redirecting.url, proxy=through)
    assert outcome.is_refused
    assert outcome.message.startswith("10.0.0.1 is a private address; set ")
    outcome = await check("http", redirecting.url, proxy=f"{kind}://inner.example:3128")
    assert outcome.is_refused
    assert outcome.message.startswith("proxy inner.example:3128: inner.example is refused: 10.0.0.1 is a private ")
    outcome = await check("http", redirecting.url, proxy=through, env=Env(guard=Guard(), tls=env.tls))
    assert outcome.is_refused


async def test_an_unknown_proxy_is_told_apart_from_an_unknown_target(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to({}, monkeypatch)
    outcome = await check("http", "http://127.0.0.1:9/", proxy="http://squid.example:3128")
    assert outcome.message == "proxy squid.example:3128: squid.example: no such name"
    outcome = await check("http", "http://target.example/", proxy="http://127.0.0.1:9")
    assert outcome.message == "target.example: no such name"


@each_kind
async def test_each_redirect_goes_through_the_proxy(kind: str, check: Check, nursery: trio.Nursery) -> None:
    last = await start_target(nursery, answer())
    first = await start_target(nursery, redirect(last.url))
    proxy = await start_target(nursery, KINDS[kind]())
    outcome = await check("http", first.url, proxy=f"{kind}://{proxy.address}")
    assert (outcome.status, proxy.connections) == (Status.UP, 2)


@each_kind
async def test_a_proxy_that_refuses_connections_is_told(kind: str, check: Check, nursery: trio.Nursery) -> None:
    port = free_port()
    outcome = await check("http", "http://127.0.0.1:9/", proxy=f"{kind}://127.0.0.1:{port}")
    assert outcome.message.startswith(f"connect to proxy 127.0.0.1:{port} refused after ")


UNREACHED = {
    "http": "it answered 502 Bad Gateway to CONNECT",
    "socks5": "connection refused",
}


@each_kind
async def test_a_target_that_the_proxy_cant_reach_is_told(kind: str, check: Check, nursery: trio.Nursery) -> None:
    proxy = await start_target(nursery, KINDS[kind]())
    port = free_port()
    outcome = await check("http", f"http://127.0.0.1:{port}/", proxy=f"{kind}://{proxy.address}")
    assert outcome.message == f"proxy {proxy.address} can't reach 127.0.0.1:{port}: {UNREACHED[kind]}"


@each_kind
async def test_the_next_address_is_tried_when_the_proxy_cant_reach_one(
    kind: str, check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to({"both.example": ["127.0.0.3", "127.0.0.1"], "dead.example": ["127.0.0.3", "::1"]}, monkeypatch)
    target = await start_target(nursery, answer())
    proxy = await start_target(nursery, KINDS[kind]())
    settings = {"proxy": f"{kind}://{proxy.address}"}
    assert (await check("http", f"http://both.example:{target.port}/", **settings)).status is Status.UP
    assert proxy.connections == 2
    outcome = await check("http", f"http://dead.example:{target.port}/", **settings)
    assert outcome.message.startswith(f"proxy {proxy.address} can't reach [::1]:{target.port}: ")
    assert outcome.message.endswith(" (2 addresses tried)")


@each_kind
async def test_an_ipv6_target_is_reached_through(kind: str, check: Check, nursery: trio.Nursery) -> None:
    [listener] = await trio.open_tcp_listeners(0, host="::1")
    proxy = await start_target(nursery, KINDS[kind]())

    async def meet(stream: trio.SocketStream) -> None:
        await answer()(stream)

    await nursery.start(trio.serve_listeners, meet, [listener])
    port = listener.socket.getsockname()[1]
    outcome = await check("http", f"http://[::1]:{port}/", proxy=f"{kind}://{proxy.address}")
    assert (outcome.status, outcome.message) == (Status.UP, "")


def says(*pieces: bytes) -> Behaviour:
    """Whatever a SOCKS5 client says, answer each time with the next of `pieces`, then close."""

    async def behave(stream: Stream) -> None:
        for piece in pieces:
            if not await stream.receive_some():
                return
            await stream.send_all(piece)

    return behave


FAULTS: dict[str, tuple[str, Behaviour, BasicAuth | None, str]] = {
    "forbidden": ("http", raw(b"HTTP/1.1 403 Filtered\r\n\r\n"), None, "answered 403 Filtered to CONNECT 127.0.0.1:9"),
    "a hostile reason": ("http", raw(b"HTTP/1.1 400 \x1b[31m\xff\r\n\r\n"), None, "answered 400 ?[31m? to CONNECT "),
    "a password wanted": (
        "http",
        http_proxy(credentials="ann:x"),
        None,
        "wants a user name and password (it answered 407 Proxy Authentication Required)",
    ),
    "a password refused": (
        "http",
        http_proxy(credentials="ann:x"),
        ANN,
        "refused the user name and password (it answered 407 Proxy Authentication Required)",
    ),
    "a timeout of its own": (
        "http",
        raw(b"HTTP/1.0 504 Gateway Timeout\r\n\r\n"),
        None,
        "can't reach 127.0.0.1:9: it answered 504 Gateway Timeout to CONNECT",
    ),
    "no HTTP": ("http", raw(b"SSH-2.0-x\r\n"), None, 'doesn\'t speak HTTP: it said "SSH-2.0-x\\r\\n"'),
    "a header without end": (
        "http",
        endless(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        None,
        "answered CONNECT with a header of over 16 KiB",
    ),
    "half a header": (
        "http",
        raw(b"HTTP/1.1 200 O"),
        None,
        "closed the connection when asked to connect to 127.0.0.1:9",
    ),
    "a reset": (
        "http",
        reset,
        None,
        "broke off when asked to connect to 127.0.0.1:9: the connection was reset",
    ),
    "words of its own": (
        "http",
        raw(b"HTTP/1.1 200 OK\r\n\r\nhello"),
        None,
        'said something of its own after it connected to 127.0.0.1:9: "hello"',
    ),
    "SOCKS: no SOCKS": ("socks5", says(b"HTTP/1.1 400"), None, 'doesn\'t speak SOCKS5: it said "HT"'),
    "SOCKS: nothing": ("socks5", says(b""), None, "closed the connection when asked to connect to 127.0.0.1:9"),
    "SOCKS: a reset": ("socks5", reset, None, "broke off when asked to connect to 127.0.0.1:9: the connection was "),
    "SOCKS: a password wanted": ("socks5", socks5_proxy(credentials="a:b"), None, "wants a user name and password"),
    "SOCKS: a password refused": ("socks5", socks5_proxy(credentials="a:b"), ANN, "refused the user name and password"),
    "SOCKS: another way to log in": ("socks5", says(b"\5\xff"), ANN, "takes none of our ways to log in"),
    "SOCKS: a way that wasn't offered": (
        "socks5",
        says(b"\5\2"),
        None,
        "chose a way to log in that it wasn't offered (2)",
    ),
    "SOCKS: general": (
        "socks5",
        says(b"\5\0", b"\5\1\0\1" + bytes(6)),
        None,
        "failed in general (asked to connect to ",
    ),
    "SOCKS: forbidden": (
        "socks5",
        says(b"\5\0", b"\5\2\0\1" + bytes(6)),
        None,
        "forbids the connection by its rules (asked to connect to 127.0.0.1:9)",
    ),
    "SOCKS: no network": (
        "socks5",
        says(b"\5\0", b"\5\3\0\1" + bytes(6)),
        None,
        "can't reach 127.0.0.1:9: network unreachable",
    ),
    "SOCKS: no host": (
        "socks5",
        says(b"\5\0", b"\5\4\0\1" + bytes(6)),
        None,
        "can't reach 127.0.0.1:9: host unreachable",
    ),
    "SOCKS: expired": (
        "socks5",
        says(b"\5\0", b"\5\6\0\1" + bytes(6)),
        None,
        "can't reach 127.0.0.1:9: it took too many hops",
    ),
    "SOCKS: no command": (
        "socks5",
        says(b"\5\0", b"\5\7\0\1" + bytes(6)),
        None,
        "doesn't know the command to connect (asked to ",
    ),
    "SOCKS: no such address": (
        "socks5",
        says(b"\5\0", b"\5\x08\0\1" + bytes(6)),
        None,
        "can't reach 127.0.0.1:9: it doesn't know this kind of address",
    ),
    "SOCKS: an unknown code": (
        "socks5",
        says(b"\5\0", b"\5\x63\0\1" + bytes(6)),
        None,
        "answered with the unknown code 99 (asked to connect to 127.0.0.1:9)",
    ),
    "SOCKS: an unknown address": (
        "socks5",
        says(b"\5\0", b"\5\0\0\x09" + bytes(6)),
        None,
        "doesn't speak SOCKS5: it said ",
    ),
    "SOCKS: words of its own": (
        "socks5",
        says(b"\5\0", b"\5\0\0\1" + bytes(6) + b"hello"),
        None,
        'said something of its own after it connected to 127.0.0.1:9: "hello"',
    ),
}


@pytest.mark.parametrize(("kind", "behaviour", "auth", "words"), FAULTS.values(), ids=FAULTS)
async def test_a_proxy_fails_by(
    kind: str, behaviour: Behaviour, auth: BasicAuth | None, words: str, check: Check, nursery: trio.Nursery
) -> None:
    proxy = await start_target(nursery, behaviour)
    outcome = await check("http", "http://127.0.0.1:9/", proxy=f"{kind}://{proxy.address}", proxy_auth=auth)
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith(f"proxy {proxy.address} {words}")
    assert "s3cret" not in outcome.message


async def trickle(stream: Stream) -> None:
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        await trio.sleep(0.02)
        await stream.send_all(b"a")


SLOW: dict[str, tuple[str, Behaviour]] = {
    "silence": ("http", silent),
    "a slow trickle": ("http", trickle),
    "SOCKS: silence": ("socks5", silent),
    "SOCKS: silence in the middle": ("socks5", raw(b"\5\0", b"", pause_s=30, reads=False)),
}


@pytest.mark.parametrize(("kind", "behaviour"), SLOW.values(), ids=SLOW)
async def test_the_story_of_a_slow_proxy_names_it(
    kind: str, behaviour: Behaviour, check: Check, nursery: trio.Nursery
) -> None:
    proxy = await start_target(nursery, behaviour)
    started = trio.current_time()
    outcome = await check("http", "http://127.0.0.1:9/", proxy=f"{kind}://{proxy.address}", timeout_s=0.4)
    assert trio.current_time() - started < 0.9
    assert outcome.message == (
        f"no answer in 0.4 s: no answer from proxy {proxy.address}, which was asked to connect to 127.0.0.1:9"
    )
    await drained(proxy.port)


@each_kind
async def test_the_story_of_a_slow_target_doesnt_blame_the_proxy(
    kind: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, silent)
    proxy = await start_target(nursery, KINDS[kind]())
    outcome = await check("http", target.url, proxy=f"{kind}://{proxy.address}", timeout_s=0.4)
    assert re.sub(r"\d+ ms", "N ms", outcome.message) == "no answer in 0.4 s: connected in N ms, then silence"
    await drained(proxy.port)


@each_kind
async def test_a_cancelled_check_through_a_proxy_leaves_no_descriptor(
    kind: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x"))
    proxy = await start_target(nursery, KINDS[kind]())
    async with trio.open_nursery() as checks:
        for timeout_s in (0.001, 0.002, 0.005, 0.01, 0.1):
            settings = {"proxy": f"{kind}://{proxy.address}", "timeout_s": timeout_s, "max_body_bytes": 16 * 2**20}
            checks.start_soon(lambda given: check("http", target.url, **given), settings)
    await drained(proxy.port)


PROXIES = {
    "http://squid.internal:3128": ("http", "squid.internal", 3128),
    "http://192.0.2.1:8080/": ("http", "192.0.2.1", 8080),
    "socks5://[2001:db8::1]:1080": ("socks5", "2001:db8::1", 1080),
    "SOCKS5://Tor.Example:9050": ("socks5", "tor.example", 9050),
    "http://127.1:1": ("http", "127.0.0.1", 1),
}


@pytest.mark.parametrize(("text", "parts"), PROXIES.items(), ids=PROXIES)
def test_a_proxy_is_taken_apart(text: str, parts: tuple[str, str, int]) -> None:
    proxy = parse_proxy(text)
    assert (proxy.scheme, proxy.host, proxy.port) == parts


WRONG_PROXIES = {
    "squid.internal:3128": "must begin with http:// or socks5://",
    "https://squid.internal:3128": "must begin with http:// or socks5://",
    "socks4://squid.internal:3128": "must begin with http:// or socks5://",
    "http://squid.internal": "must have a port, such as ",
    "http://squid.internal:0": "must have a port, such as ",
    "http://squid.internal:65536": "must have a port between 1 and 65535",
    "http://:3128": "must be a scheme, a host and a port",
    "http://squid.internal:3128/path": "must be a scheme, a host and a port",
    "http://squid.internal:3128?x": "must be a scheme, a host and a port",
    "http://ann:pw@squid.internal:3128": "must not have credentials in it; put them into proxy_auth",
    "http://squid internal:3128": "must not have spaces",
    "http://squid.internal:3128\r\nX: y": "must not have spaces",
    "http://1.2.3.256:3128": "must have a valid host",
}


@pytest.mark.parametrize(("text", "problem"), WRONG_PROXIES.items(), ids=[repr(text) for text in WRONG_PROXIES])
def test_a_wrong_proxy_says_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        parse_proxy(text)
