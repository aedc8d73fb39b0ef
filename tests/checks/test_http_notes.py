"""What a person who tests by hand sees of an attempt."""

import re

import trio
import trustme

from asura.checks import CHECK_TYPES
from asura.checks.http_settings import HttpSettings
from asura.protocols.attempt import NOTHING, Env, Stopwatch
from tests.checks.conftest import server_context
from tests.fakes.proxy import http_proxy, socks5_proxy
from tests.fakes.target import answer, gzipped, redirect, routes, start_target


async def told(env: Env, url: str, **settings: object) -> list[tuple[str, str]]:
    attempt = CHECK_TYPES["http"].prepare(url, HttpSettings(**settings), env, NOTHING)  # type: ignore[arg-type]
    watch = Stopwatch(talks=True)
    await attempt(watch)
    return watch.notes


async def test_each_step_is_told(env: Env, nursery: trio.Nursery) -> None:
    page = answer(200, gzipped(b"hello" * 100), content_encoding="gzip", content_type="text/html; charset=utf-8\x85")
    target = await start_target(nursery, routes({"/": redirect("/b?token=s3cret"), "/b?token=s3cret": page}))
    notes = await told(env, target.url)
    assert notes == [
        ("address", target.address),
        ("protocol", "HTTP/1.1"),
        ("answer", "302 Found"),
        ("body", "0 bytes"),
        ("redirect", f"http://{target.address}/b?…"),
        ("address", target.address),
        ("protocol", "HTTP/1.1"),
        ("answer", "200 OK"),
        ("content type", "text/html; charset=utf-8\\x85"),
        ("body", f"500 bytes, sent as {len(gzipped(b'hello' * 100))}"),
    ]


async def test_the_version_and_cipher_of_tls_are_told(env: Env, authority: trustme.CA, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(), tls=server_context(authority.issue_cert("127.0.0.1")))
    notes = await told(env, target.url)
    labels = [label for label, _ in notes]
    assert labels == ["address", "TLS", "protocol", "answer", "body"]
    assert re.fullmatch(r"TLSv1\.3, TLS_\w+", dict(notes)["TLS"])


async def test_a_body_that_is_not_read_to_its_end_is_told(env: Env, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, b"x" * 1000))
    notes = await told(env, target.url, max_body_bytes=10)
    assert notes[-1] == ("body", "10 bytes, and no more is read")


async def test_a_proxy_is_told(env: Env, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    for scheme, behaviour in (("http", http_proxy()), ("socks5", socks5_proxy())):
        proxy = await start_target(nursery, behaviour)
        notes = await told(env, target.url, proxy=f"{scheme}://{proxy.address}")
        assert notes[:2] == [("proxy", f"{scheme}, {proxy.address}"), ("address", target.address)]


async def test_nothing_is_told_when_nobody_looks_on(env: Env, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    watch = Stopwatch()
    await CHECK_TYPES["http"].prepare(target.url, HttpSettings(), env, NOTHING)(watch)
    assert watch.notes == []
