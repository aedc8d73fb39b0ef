"""The TCP check: connect, perhaps TLS, perhaps say something and wait for what must come back."""

import re

import attrs
from attrs.validators import and_

from asura.checks.base import CheckType, TargetField
from asura.fields import text
from asura.model.assertion import AssertionType
from asura.model.observation import Outcome
from asura.protocols.attempt import NOTHING, Attempt, Env, Keep, Stopwatch
from asura.protocols.connection import Connection, broken_words
from asura.protocols.opening import TLS, Place, converse, host_port_hosts, host_port_problem, judged
from asura.protocols.target import parse_host_port
from asura.protocols.words import shown

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
    tls: bool = attrs.field(default=False, metadata=TLS)


def prepare(target: str, settings: TcpSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target or a setting has a problem.
    """
    host, port = parse_host_port(target)
    plan = _Plan(
        env=env,
        place=Place(host=host, port=port, tls=settings.tls),
        send=unescape(settings.send),
        expect=unescape(settings.expect),
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    place: Place
    send: bytes
    expect: bytes

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        return await converse(self.place, self._judge, env=self.env, watch=watch)

    async def _judge(self, connection: Connection, watch: Stopwatch) -> Outcome:
        problem = await self._talk(connection, watch) if self.send or self.expect else ""
        return judged(connection, watch, problem=problem)

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
    target_problem=host_port_problem,
    hosts=host_port_hosts,
    prepare=prepare,
    asserts=frozenset({AssertionType.RESPONSE_TIME, AssertionType.CERT_EXPIRY}),
)
