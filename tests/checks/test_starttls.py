"""STARTTLS: what is said before the handshake, by each protocol, to servers that agree, refuse and misbehave."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trustme

from asura.model.monitor import Status
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import drained
from tests.fakes.target import Stream, endless, raw, silent, start_target

Script = list[bytes]
"""What a server says, and between that what it wants to hear, which begins with ">"."""

SCRIPTS: dict[str, Script] = {
    "smtp": [
        b"220-mail.example\r\n220 ESMTP\r\n",
        b">EHLO asura.invalid\r\n",
        b"250-hi\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
        b">STARTTLS\r\n",
        b"220 go on\r\n",
    ],
    "imap": [b"* OK ready\r\n", b">a STARTTLS\r\n", b"* CAPABILITY IMAP4\r\na OK begin\r\n"],
    "pop3": [b"+OK ready\r\n", b">STLS\r\n", b"+OK begin\r\n"],
    "ftp": [b"220-hello\r\n220 ftp\r\n", b">AUTH TLS\r\n", b"234 begin\r\n"],
    "postgres": [b">\0\0\0\x08\x04\xd2\x16\x2f", b"S"],
}


def plays(script: Script, context: ssl.SSLContext | None = None) -> Callable[[Any], Awaitable[None]]:
    async def behave(recorded: Any) -> None:
        for line in script:
            if line.startswith(b">"):
                assert await recorded.receive_some() == line[1:]
            else:
                for byte in (line[:3], line[3:]):
                    if byte:
                        await recorded.send_all(byte)
        if context is None:
            await trio.sleep_forever()
        stream = trio.SSLStream(recorded._stream, context, server_side=True)
        await stream.do_handshake()
        await stream.receive_some()

    return behave


@pytest.mark.parametrize("protocol", SCRIPTS)
async def test_tls_begins_where_the_protocol_says(
    protocol: str, authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    target = await start_target(nursery, plays(SCRIPTS[protocol], context))
    outcome = await check("tls", target.address, starttls=protocol)
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert len(outcome.chain) == 1


REFUSALS: dict[str, tuple[str, Script, str]] = {
    "smtp, not now": ("smtp", [b"421 busy\r\n"], 'the target answered "421 busy", expected 220 as its greeting'),
    "smtp, no TLS": (
        "smtp",
        [b"220 hi\r\n", b">EHLO asura.invalid\r\n", b"250 hi\r\n", b">STARTTLS\r\n", b"502 what?\r\n"],
        'the target answered "502 what?", expected 220 as its answer to STARTTLS',
    ),
    "imap, no TLS": (
        "imap",
        [b"* OK\r\n", b">a STARTTLS\r\n", b"a BAD what?\r\n"],
        'the target answered "a BAD what?", expected a OK as its answer to STARTTLS',
    ),
    "pop3, no TLS": (
        "pop3",
        [b"+OK\r\n", b">STLS\r\n", b"-ERR\r\n"],
        'the target answered "-ERR", expected +OK as its answer to STLS',
    ),
    "ftp, no TLS": (
        "ftp",
        [b"220 hi\r\n", b">AUTH TLS\r\n", b"500 what?\r\n"],
        'the target answered "500 what?", expected 234 as its answer to AUTH TLS',
    ),
    "postgres, no TLS": ("postgres", [SCRIPTS["postgres"][0], b"N"], "the target has no TLS"),
    "no postgres": ("postgres", [SCRIPTS["postgres"][0], b"HTTP"], 'the target is no PostgreSQL: "HTT'),
    "something slipped in": (
        "pop3",
        [b"+OK\r\n", b">STLS\r\n", b"+OK\r\n-ERR\r\n"],
        "the target sent more in plain text after it had agreed to TLS",
    ),
}


@pytest.mark.parametrize(("protocol", "script", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_is_told(
    protocol: str, script: Script, message: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, plays(script))
    outcome = await check("tls", target.address, starttls=protocol)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)
    await drained(target.port)


async def lines_for_ever(stream: Stream) -> None:
    while True:
        await stream.send_all(b"220-on and on\r\n" * 1000)


MISBEHAVIOUR: dict[str, tuple[Any, str]] = {
    "silence": (silent, "no answer in 0.3 s: connected in "),
    "a close": (raw(reads=False), "the target closed the connection before its greeting"),
    "a line without end": (endless(b"", b"2"), "no answer in 0.3 s: "),
    "lines without end": (lines_for_ever, "no end of the greeting after 100 lines"),
}


@pytest.mark.parametrize(("behaviour", "message"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
async def test_a_server_that_misbehaves_is_told_in_time(
    behaviour: Any, message: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("tls", target.address, starttls="smtp", timeout_s=0.3)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)
    await drained(target.port)


async def test_a_line_that_is_too_long_is_told(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, raw(b"220 " + b"x" * 9000, reads=False))
    outcome = await check("tls", target.address, starttls="smtp")
    assert outcome.message.startswith("no greeting: the target sent a line of more than 4 KiB, ")


async def test_the_story_tells_what_was_waited_for(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    outcome = await check("tls", target.address, starttls="imap", timeout_s=0.2)
    assert outcome.message.endswith(", then no greeting")
