"""What is said in plain text before TLS begins: STARTTLS and its like, in the protocols that mail and others use."""

from collections.abc import Awaitable, Callable

import attrs

from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.connection import Connection, broken_words
from asura.protocols.words import shown

MAX_LINE_BYTES = 4096
"""RFC 5321 §4.5.3.1.5 wants 512; some servers greet at length."""
MAX_LINES = 100
"""Of one answer."""
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL, "Frontend/Backend Protocol": SSLRequest."""


@attrs.frozen
class _Protocol:
    port: int
    ask: Callable[["_Talk"], Awaitable[None]]


async def ask_for_tls(connection: Connection, protocol: str, *, watch: Stopwatch) -> None:
    """Bring a plain connection to where TLS begins.

    Raises Fault: the target doesn't want to.
    """
    talk = _Talk(connection=connection, watch=watch)
    try:
        await PROTOCOLS[protocol].ask(talk)
    except OSError as exc:
        raise Fault(f"the connection was {broken_words(exc)} before TLS began") from None
    if talk.heard:
        raise Fault("the target sent more in plain text after it had agreed to TLS")
    watch.note = ""


@attrs.define(kw_only=True)
class _Talk:
    """Lines back and forth, with limits."""

    connection: Connection
    watch: Stopwatch
    heard: bytes = b""

    async def say(self, line: str) -> None:
        await self.connection.send(f"{line}\r\n".encode("ascii"))

    async def line(self, wanted: str) -> bytes:
        """The next line, without its end."""
        self.watch.note = f"no {wanted}"
        while b"\n" not in self.heard:
            if len(self.heard) > MAX_LINE_BYTES:
                raise Fault(f"no {wanted}: the target sent a line of more than 4 KiB, {shown(self.heard)}")
            piece = await self.connection.receive()
            if not piece:
                raise Fault(f"the target closed the connection before its {wanted}")
            self.heard += piece
        line, _, self.heard = self.heard.partition(b"\n")
        return line.rstrip(b"\r")

    async def reply(self, code: bytes, wanted: str) -> None:
        """A reply of SMTP or FTP, of one line or more (RFC 5321 §4.2.1), that must be `code`."""
        for _ in range(MAX_LINES):
            line = await self.line(wanted)
            if not line.startswith(code):
                raise Fault(f"the target answered {shown(line)}, expected {code.decode()} as its {wanted}")
            if line[3:4] != b"-":
                return
        raise Fault(f"no end of the {wanted} after {MAX_LINES} lines")

    async def tagged(self, prefix: bytes, ok: bytes, wanted: str) -> None:
        """The first line that begins with `prefix`; it must go on with `ok`."""
        for _ in range(MAX_LINES):
            line = await self.line(wanted)
            if line.startswith(prefix):
                if not line.upper().startswith(prefix.upper() + ok):
                    raise Fault(f"the target answered {shown(line)}, expected {(prefix + ok).decode()} as its {wanted}")
                return
        raise Fault(f"no {wanted} in {MAX_LINES} lines")


async def _smtp(talk: _Talk) -> None:
    await talk.reply(b"220", "greeting")
    await talk.say("EHLO asura.invalid")
    await talk.reply(b"250", "answer to EHLO")
    await talk.say("STARTTLS")
    await talk.reply(b"220", "answer to STARTTLS")


async def _imap(talk: _Talk) -> None:
    await talk.tagged(b"* ", b"OK", "greeting")
    await talk.say("a STARTTLS")
    await talk.tagged(b"a ", b"OK", "answer to STARTTLS")


async def _pop3(talk: _Talk) -> None:
    await talk.tagged(b"", b"+OK", "greeting")
    await talk.say("STLS")
    await talk.tagged(b"", b"+OK", "answer to STLS")


async def _ftp(talk: _Talk) -> None:
    await talk.reply(b"220", "greeting")
    await talk.say("AUTH TLS")
    await talk.reply(b"234", "answer to AUTH TLS")


async def _postgres(talk: _Talk) -> None:
    talk.watch.note = "no answer to the request for TLS"
    await talk.connection.send(_SSL_REQUEST)
    answer = await talk.connection.receive()
    if not answer:
        raise Fault("the target closed the connection when it was asked for TLS")
    if answer[:1] != b"S":
        raise Fault("the target has no TLS" if answer == b"N" else f"the target is no PostgreSQL: {shown(answer)}")
    talk.heard = answer[1:]


PROTOCOLS = {
    "smtp": _Protocol(25, _smtp),
    "imap": _Protocol(143, _imap),
    "pop3": _Protocol(110, _pop3),
    "ftp": _Protocol(21, _ftp),
    "postgres": _Protocol(5432, _postgres),
}
"""By the name that the setting `starttls` has for it, with its usual port."""
