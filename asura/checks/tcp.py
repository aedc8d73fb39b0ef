"""The TCP check: connect, perhaps TLS, perhaps say something and wait for what must come back."""

import re

import attrs
from attrs.validators import and_

from asura.checks.base import NOTHING, Attempt, CheckType, Env, Fault, Keep, Stopwatch, TargetField, down
from asura.checks.connection import Connection, broken_words, connect
from asura.checks.handshake import peer_expires_at, start_tls
from asura.checks.http_exchange import shown
from asura.checks.target import parse_host_port, shown_host_port
from asura.errors import TargetRefused
from asura.fields import text
from asura.model.assertion import AssertionType
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import ResolveError

MAX_READ_BYTES = 65_536
"""A greeting is short; what is expected must come within this."""

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.?))", re.DOTALL)
_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def unescape(typed: str) -> bytes:
    r"""What a person typed as bytes: UTF-8, with \r \n \t \0 \\ and \xNN.

    Raises ValueError: another character follows a backslash.
    """
    parts: list[bytes] = []
    at = 0
    for match in _ESCAPE.finditer(typed):
        parts.append(typed[at : match.start()].encode())
        at = match.end()
        if match[1]:
            parts.append(bytes.fromhex(match[1]))
        elif match[2] in _ESCAPES:
            parts.append(_ESCAPES[match[2]])
        else:
            raise ValueError(r"must have only \r \n \t \0 \\ and \xNN after a backslash")
    return b"".join([*parts, typed[at:].encode()])


def _escaped(_: object, __: object, value: str) -> None:
    unescape(value)


@attrs.frozen(kw_only=True)
class TcpSettings:
    """What a TCP check says and wants to hear."""

    send: str = attrs.field(
        default="",
        validator=and_(text(8192), _escaped),
        metadata={"label": "Send", "help": r"Sent after connecting, as UTF-8; \r \n \t \0 \\ and \xNN are understood."},
    )
    expect: str = attrs.field(
        default="",
        validator=and_(text(1024), _escaped),
        metadata={"label": "Expect", "help": r"Must come back within the first 64 KiB; the same escapes. Empty: any."},
    )
    tls: bool = attrs.field(
        default=False, metadata={"label": "TLS", "help": "Speak TLS from the start, and verify the certificate."}
    )


def target_problem(target: str) -> str | None:
    """What is wrong with a `host:port`, or None."""
    try:
        parse_host_port(target)
    except ValueError as exc:
        return str(exc)
    return None


def hosts(target: str, settings: TcpSettings) -> dict[str, str]:
    """What is connected to."""
    return {"target": parse_host_port(target)[0]}


def prepare(target: str, settings: TcpSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target or a setting has a problem.
    """
    host, port = parse_host_port(target)
    plan = _Plan(
        env=env,
        host=host,
        port=port,
        shown=shown_host_port(host, port),
        tls=settings.tls,
        send=unescape(settings.send),
        expect=unescape(settings.expect),
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    host: str
    port: int
    shown: str
    tls: bool
    send: bytes
    expect: bytes

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        try:
            return await self._converse(watch)
        except (Fault, TargetRefused, ResolveError) as exc:
            return down(exc, watch)

    async def _converse(self, watch: Stopwatch) -> Outcome:
        watch.skip(to="dns")
        addresses = await self.env.guard.resolve(self.host, self.port)
        if len(addresses) > 1 or addresses[0].ip != self.host:
            watch.done("dns")
        watch.waiting_for = "connect"
        connection = await connect(addresses, shown=self.shown, watch=watch)
        try:
            watch.done("connect", then="tls" if self.tls else "first_byte")
            if self.tls:
                context = self.env.tls.client()
                await start_tls(connection, server_name=self.host, context=context, contexts=self.env.tls, watch=watch)
                watch.done("tls", then="first_byte")
            problem = await self._talk(connection, watch) if self.send or self.expect else ""
            return Outcome(
                status=Status.DOWN if problem else Status.UP,
                message=problem,
                response_ms=watch.elapsed_ms(),
                timings=watch.timings(),
                cert_expires_at=peer_expires_at(connection),
            )
        finally:
            connection.close()

    async def _talk(self, connection: Connection, watch: Stopwatch) -> str:
        """Say `send` and wait for `expect`; the problem, or nothing."""
        try:
            await connection.send(self.send)
        except OSError as exc:
            if not self.expect:
                return f"the connection was {broken_words(exc)} while sending"
        heard = b""
        while self.expect not in heard:
            try:
                piece = await connection.receive()
            except OSError as exc:
                return f"the connection was {broken_words(exc)} before {shown(self.expect)}{_got(heard)}"
            if not piece:
                return f"the target closed the connection before {shown(self.expect)}{_got(heard)}"
            if not heard:
                watch.done("first_byte", then="transfer")
            heard += piece
            watch.note = f"no {shown(self.expect)}{_got(heard)}"
            if len(heard) > MAX_READ_BYTES and self.expect not in heard:
                return f"no {shown(self.expect)} in the first 64 KiB{_got(heard)}"
        if heard:
            watch.done("transfer")
        return ""


def _got(heard: bytes) -> str:
    return f"; it said {shown(heard)}" if heard else ""


TCP = CheckType(
    name="tcp",
    label="TCP",
    about="""\
Connects to a port. With `tls` the certificate is verified; with `send` and `expect` something is said, and something
must come back.
""",
    target=TargetField(label="Host and port", help="What to connect to.", placeholder="db.example.org:5432"),
    settings=TcpSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    asserts=frozenset({AssertionType.RESPONSE_TIME, AssertionType.CERT_EXPIRY}),
)
