"""Which heads are refused before a handler sees them, and whose address a request has."""

from ipaddress import ip_network
from typing import Any

import pytest

from asura.web import edge
from asura.web.forwarded import client_address

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("127.0.0.1/32"))


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", b"/"),
        (b"/a?b=c", b"/a?b=c"),
        (b"//a//b", b"//a//b"),
        (b"/%ff", b"/%ff"),
        (b"/a?b=%00", b"/a?b=%00"),
        (b"http://a.example:80/x?y", b"/x?y"),
        (b"HTTPS://[::1]", b"/"),
        (b"http://a?x", b"/?x"),
        (b"*", None),
        (b"a", None),
        (b"?a", None),
        (b"a:443", None),
        (b"/%00", None),
        (b"/a%0D%0Ab", None),
        (b"/a%7f", None),
        (b"/a#b", None),
        (b"http://[::1/", None),
        (b"http:///a", None),
        (b"file:///a", None),
    ],
)
def test_a_target_is_a_path_or_an_absolute_url(target: bytes, path: bytes | None) -> None:
    assert edge.origin_form(target) == path


@pytest.mark.parametrize(
    "host",
    [
        b"a",
        b"A.example.",
        b"127.0.0.1:8090",
        b"[::1]:80",
        b"[fe80::1]",
        b"a" * 63 + b".b",
        b"my_host",
        b"xn--mnchen-3ya.de",
    ],
)
def test_a_host_that_can_be_worked_with_passes(host: bytes) -> None:
    assert edge.is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *(b"a" * 64, b"a..b", b".a", b"a:", b"a:123456", b"a:-1", b"[::1", b"::1", b"a b", b"a/b", b"u@a", b"\xff"),
        *(b"a," * 3, b"a." * 140, b"a\x00", b"%61", b"[::1%25eth0]"),
    ],
)
def test_a_host_that_would_fail_further_down_is_refused(host: bytes) -> None:
    assert not edge.is_host(host)


def refusal(**changes: Any) -> int | None:
    """The status that a good request is refused with after these changes; None when it passes."""
    good = {"method": b"GET", "target": b"/", "version": b"1.1", "headers": [(b"host", b"a")], "max_body_bytes": 100}
    found = edge.objection(**{**good, **changes})
    return found.status if found else None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, None),
        ({"version": b"1.0", "headers": []}, None),
        ({"version": b"2.0"}, 400),
        ({"method": b"CONNECT", "target": b"a:1"}, 405),
        ({"target": b"/" + b"a" * 255}, None),
        ({"target": b"/" + b"a" * 256}, 414),
        ({"target": b"/?" + b"a" * 256}, None),
        ({"target": b"/?" + b"a" * 8192}, 414),
        ({"headers": [(b"host", b"a"), *[(b"x", b"1")] * 99]}, None),
        ({"headers": [(b"host", b"a"), *[(b"x", b"1")] * 100]}, 431),
        ({"headers": [(b"host", b"a b")]}, 400),
        ({"headers": [(b"host", b"")]}, None),
        ({"headers": [(b"content-length", b"100")]}, None),
        ({"headers": [(b"content-length", b"101")]}, 413),
        ({"headers": [(b"transfer-encoding", b"chunked")]}, None),
        ({"headers": [(b"transfer-encoding", b"chunked"), (b"content-length", b"1")]}, 400),
        ({"headers": [(b"transfer-encoding", b"chunked")], "version": b"1.0"}, 400),
        ({"headers": [(b"upgrade", b"WebSocket")]}, 400),
        ({"headers": [(b"upgrade", b"h2c")]}, None),
    ],
)
def test_a_head_is_refused_for_what_would_fail_further_down(changes: dict[str, Any], status: int | None) -> None:
    assert refusal(**changes) == status


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        pytest.param("203.0.113.9", [b"198.51.100.1"], "203.0.113.9", id="an untrusted peer's word is nothing"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="a proxy's own request"),
        pytest.param("10.0.0.1", [b"198.51.100.1"], "198.51.100.1", id="one proxy"),
        pytest.param("10.0.0.1", [b"1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1", id="rightmost untrusted"),
        pytest.param("10.0.0.1", [b"1.1.1.1", b"198.51.100.1"], "198.51.100.1", id="two header lines"),
        pytest.param("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3", id="all trusted: the leftmost"),
        pytest.param("10.0.0.1", [b"198.51.100.1, nonsense"], "10.0.0.1", id="nonsense ends the chain"),
        pytest.param("10.0.0.1", [b"198.51.100.1, nonsense, 10.0.0.2"], "10.0.0.2", id="nonsense behind a proxy"),
        pytest.param("10.0.0.1", [b"\xff\xfe"], "10.0.0.1", id="bytes"),
        pytest.param("10.0.0.1", [b"198.51.100.1:4711"], "198.51.100.1", id="with a port"),
        pytest.param("10.0.0.1", [b"[2001:db8::1]:4711"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param("10.0.0.1", [b"2001:DB8:0::1"], "2001:db8::1", id="IPv6 in its usual form"),
        pytest.param("10.0.0.1", [b"::ffff:198.51.100.1"], "198.51.100.1", id="IPv4 as IPv6"),
        pytest.param("::ffff:127.0.0.1", [b"198.51.100.1"], "198.51.100.1", id="a peer of both"),
    ],
)
def test_only_trusted_proxies_say_whose_request_it_is(peer: str, forwarded: list[bytes], address: str) -> None:
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    assert client_address({"client": (peer, 1234), "headers": headers}, TRUSTED) == address


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    headers = [(b"x-forwarded-for", b"198.51.100.1")]
    assert client_address({"client": ("::ffff:192.0.2.1", 1), "headers": headers}, ()) == "192.0.2.1"
    assert client_address({"client": None, "headers": headers}, TRUSTED) == ""
