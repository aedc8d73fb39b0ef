"""Each setting of the HTTP check makes a difference, seen from the target. Those of TLS are tested beside it."""

import re

import pytest
import trio

from asura.checks import CHECK_TYPES
from asura.checks.http_settings import BasicAuth, BearerAuth
from asura.errors import InvalidDocument
from asura.model.monitor import Status
from asura.protocols.attempt import Env
from asura.serde import load
from tests.checks.conftest import Check
from tests.fakes.resolver import resolve_to
from tests.fakes.target import Stream, answer, read_request, redirect, start_target

HTTP = CHECK_TYPES["http"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_the_method_is_that_of_the_settings(method: str, check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, b""))
    assert (await check("http", target.url, method=method)).status is Status.UP
    assert target.requests[0].startswith(f"{method} / HTTP/1.1\r\n".encode())
    assert (b"Content-Length: 0" in target.requests[0]) == (method in ("POST", "PUT", "PATCH"))


AUTH = {
    "basic": (BasicAuth(username="ann", password="pä:ss"), b"Authorization: Basic YW5uOnDDpDpzcw==\r\n"),
    "bearer": (BearerAuth(token="abc.def"), b"Authorization: Bearer abc.def\r\n"),
}


@pytest.mark.parametrize(("auth", "line"), AUTH.values(), ids=AUTH)
async def test_credentials_are_sent_in_place_of_a_header(
    auth: BasicAuth | BearerAuth, line: bytes, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, answer())
    await check("http", target.url, auth=auth, headers={"authorization": "Digest x"})
    assert line in target.requests[0]
    assert target.requests[0].lower().count(b"authorization:") == 1


async def test_redirects_can_be_left_alone(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, redirect("/b"))
    outcome = await check("http", target.url, follow_redirects=False, expected_status=(302,))
    assert (outcome.status, outcome.status_code, target.connections) == (Status.UP, 302, 1)


@pytest.mark.parametrize(("version", "ip"), [("4", "127.0.0.1"), ("6", "::1")])
async def test_the_ip_version_chooses_among_the_addresses(
    version: str, ip: str, check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to({"both.example": ["127.0.0.1", "::1"]}, monkeypatch)
    peers: list[str] = []

    async def meet(stream: trio.SocketStream) -> None:
        peers.append(stream.socket.getpeername()[0])
        await answer()(stream)

    [first] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = first.socket.getsockname()[1]
    [second] = await trio.open_tcp_listeners(port, host="::1")
    await nursery.start(trio.serve_listeners, meet, [first, second])
    assert (await check("http", f"http://both.example:{port}/", ip_version=version)).status is Status.UP
    assert peers == [ip]


async def test_the_body_is_read_up_to_the_limit(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, b"x" * 99 + b"needle"))
    assert (await check("http", target.url, keyword="needle", max_body_bytes=105)).status is Status.UP
    assert (await check("http", target.url, keyword="needle", max_body_bytes=104)).status is Status.DOWN


async def test_the_cache_buster_is_another_each_time(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    for path in ("", "?a=b", "x?", "x"):
        await check("http", target.url + path, cache_buster=True)
    await check("http", target.url)
    paths = [request.split(b" ")[1].decode() for request in target.requests]
    assert [re.sub("[0-9a-f]{16}", "N", path) for path in paths] == [
        "/?_asura=N",
        "/?a=b&_asura=N",
        "/x?_asura=N",
        "/x?_asura=N",
        "/",
    ]
    assert len(set(paths)) == 5


async def test_the_cache_buster_goes_along_to_the_same_origin_only(check: Check, nursery: trio.Nursery) -> None:
    other = await start_target(nursery, answer())

    async def behave(stream: Stream) -> None:
        request = await read_request(stream)
        location = other.url if request.startswith(b"GET /b") else "/b"
        await stream.send_all(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    target = await start_target(nursery, behave)
    assert (await check("http", target.url, cache_buster=True)).status is Status.UP
    assert [request.count(b"_asura=") for request in target.requests] == [1, 1]
    assert other.requests[0].startswith(b"GET / HTTP/1.1\r\n")


async def test_a_cache_buster_that_a_redirect_brings_back_is_renewed_and_hides_no_circle(
    check: Check, nursery: trio.Nursery
) -> None:
    async def echo(stream: Stream) -> None:
        path = (await read_request(stream)).split(b" ")[1]
        query = path.partition(b"?")[2]
        await stream.send_all(b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: /b?" + query + b"\r\n\r\n")

    target = await start_target(nursery, echo)
    outcome = await check("http", f"{target.url}?x=y", cache_buster=True)
    assert outcome.message == (
        f"redirects in a circle: http://{target.address}/b?… leads back to http://{target.address}/b?…"
    )
    assert [request.count(b"_asura=") for request in target.requests] == [1, 1]
    assert target.requests[0].split(b" ")[1] != target.requests[1].split(b" ")[1]


async def test_brotli_and_others_that_cant_be_decoded_are_not_asked_for(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    await check("http", target.url)
    assert b"Accept-Encoding: gzip, deflate\r\n" in target.requests[0]


def test_the_hosts_are_those_of_target_and_proxy() -> None:
    settings = load(HTTP.settings, {"proxy": "socks5://Tor.Example:9050"})
    assert HTTP.hosts("https://a.example/", settings) == {"target": "a.example", "settings.proxy": "tor.example"}


TOGETHER: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "a password without a proxy": (
        {"proxy_auth": {"type": "basic", "username": "ann"}},
        {"proxy_auth": "must be empty without a proxy"},
    ),
    "a password too long for SOCKS5": (
        {"proxy": "socks5://p.example:1", "proxy_auth": {"type": "basic", "username": "ann", "password": "ü" * 128}},
        {"proxy_auth": "must have a user name and password of at most 255 bytes each for SOCKS5"},
    ),
    "the same in capitals": (
        {"proxy": "SOCKS5://p.example:1", "proxy_auth": {"type": "basic", "username": "ann", "password": "ü" * 128}},
        {"proxy_auth": "must have a user name and password of at most 255 bytes each for SOCKS5"},
    ),
    "a proxy without a port": ({"proxy": "http://p.example"}, {"proxy": "must have a port, such as "}),
    "another HTTP version": ({"http_version": "3"}, {"http_version": "must be one of auto, 1.1, 2"}),
}


@pytest.mark.parametrize(("document", "fields"), TOGETHER.values(), ids=TOGETHER)
def test_settings_that_dont_fit_are_refused(document: dict[str, object], fields: dict[str, str]) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(HTTP.settings, document)
    assert list(caught.value.fields) == list(fields)
    assert all(caught.value.fields[name].startswith(text) for name, text in fields.items())


def test_http_2_needs_a_target_with_tls(env: Env) -> None:
    settings = load(HTTP.settings, {"http_version": "2"})
    assert HTTP.problems("https://a.example/", settings, env) == {}
    assert HTTP.problems("http://a.example/", settings, env) == {
        "settings.http_version": "must be auto or 1.1 with an http:// target: HTTP/2 is only spoken over TLS"
    }
    assert HTTP.problems("http://a.example/", HTTP.settings(), env) == {}


def test_secrets_of_a_proxy_are_in_no_repr() -> None:
    auth = {"type": "basic", "username": "ann", "password": "s3cret"}
    settings = load(HTTP.settings, {"proxy": "http://p.example:1", "proxy_auth": auth})
    assert "s3cret" not in repr(settings)
