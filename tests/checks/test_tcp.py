import socket

import pytest
import trio
import trustme

from asura.checks.tcp import unescape
from asura.model.monitor import Status
from tests.checks.conftest import Check, server_context
from tests.fakes.target import Behaviour, break_off, endless, raw, silent, start_target

greet = raw(b"220 mail.example ESMTP\r\n", reads=False)


async def echo(stream: trio.SocketStream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


async def reset(stream: trio.SocketStream) -> None:
    await stream.send_all(b"-ERR")
    await trio.sleep(0.05)
    break_off(stream)


UP: dict[str, tuple[Behaviour, dict[str, object]]] = {
    "a connection": (silent, {}),
    "a greeting": (greet, {"expect": "220 "}),
    "an answer": (echo, {"send": r"PING\r\n", "expect": r"NG\r\n"}),
    "bytes": (echo, {"send": r"\x00\xff", "expect": r"\0\xff"}),
    "something sent only": (silent, {"send": "hello"}),
    "an answer in pieces": (raw(b"+PO", b"NG\r\n", pause_s=0.02), {"send": r"\r\n\r\n", "expect": "+PONG"}),
}


@pytest.mark.parametrize(("behaviour", "settings"), UP.values(), ids=UP)
async def test_a_target_is_up_with(
    behaviour: Behaviour, settings: dict[str, object], check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("tcp", target.address, **settings)
    assert (outcome.status, outcome.message, outcome.status_code) == (Status.UP, "", None)
    assert (outcome.response_ms or 0) >= 1
    assert (outcome.timings.first_byte_ms is not None) == ("expect" in settings)


DOWN: dict[str, tuple[Behaviour, dict[str, object], str]] = {
    "another greeting": (
        greet,
        {"expect": "+PONG"},
        'the target closed the connection before "+PONG"; it said "220 mail.example ESMTP\\r\\n"',
    ),
    "a silent close": (raw(reads=False), {"expect": "x"}, 'the target closed the connection before "x"'),
    "a reset": (reset, {"expect": "+OK"}, 'the connection was reset before "+OK"; it said "-ERR"'),
    "endless chatter": (
        endless(b"", b"ab"),
        {"send": r"\r\n\r\n", "expect": "bb"},
        'no "bb" in the first 64 KiB; it said "abababababababababababababababababababab…"',
    ),
}


@pytest.mark.parametrize(("behaviour", "settings", "message"), DOWN.values(), ids=DOWN)
async def test_a_target_is_down_by(
    behaviour: Behaviour, settings: dict[str, object], message: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("tcp", target.address, **settings)
    assert (outcome.status, outcome.message) == (Status.DOWN, message)


async def test_a_refused_connection_says_what_was_tried(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = await check("tcp", f"127.0.0.1:{port}")
    assert outcome.message.startswith(f"connect to 127.0.0.1:{port} refused after ")


async def test_the_story_of_a_timeout_tells_what_was_said(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, raw(b"-LOADING\r\n", b"", pause_s=30, reads=False))
    outcome = await check("tcp", target.address, expect="+PONG", timeout_s=0.3)
    assert outcome.message.startswith("no complete answer in 0.3 s: connected in ")
    assert outcome.message.endswith(', then no "+PONG"; it said "-LOADING\\r\\n"')


async def test_tls_is_spoken_and_its_end_known(authority: trustme.CA, check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, greet, tls=server_context(authority.issue_cert("127.0.0.1")))
    outcome = await check("tcp", target.address, tls=True, expect="220")
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.cert_expires_at is not None
    assert (outcome.timings.tls_ms or 0) >= 1


async def test_a_refused_target_is_down(check: Check) -> None:
    outcome = await check("tcp", "[fe80::1]:22")
    assert outcome.message.startswith("fe80::1 is a link-local address; set monitor.allow_private_targets")
    assert outcome.is_refused


ESCAPES = {
    r"a\r\n\t\0\\b": b"a\r\n\t\0\\b",
    r"\x41\xff": b"A\xff",
    "ü€": "ü€".encode(),
    "": b"",
    "a\nb": b"a\nb",
}


@pytest.mark.parametrize(("typed", "meant"), ESCAPES.items())
def test_escapes_mean(typed: str, meant: bytes) -> None:
    assert unescape(typed) == meant


@pytest.mark.parametrize("typed", ["\\", r"\q", r"\x4", r"\xzz", r"\u0041"])
def test_other_escapes_are_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="after a backslash"):
        unescape(typed)
