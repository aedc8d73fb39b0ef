"""The MQTT check: connect to a broker, perhaps subscribe and wait for a message.

By hand: a client library would bring threads, and a name look-up behind the outbound guard's back.
"""

import secrets

import attrs
from attrs.validators import and_
from trio.lowlevel import checkpoint

from asura.checks.base import CheckType, TargetField
from asura.content.ignoring import paths_field, patterns_field
from asura.fields import one_of, pattern, text
from asura.model.assertion import BODY_ASSERTIONS, AssertionType
from asura.model.observation import Outcome, Reply
from asura.protocols import mqtt_wire as wire
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch
from asura.protocols.connection import Connection, broken_words
from asura.protocols.opening import TLS, VERIFY_TLS, Place, converse, host_port_hosts, host_port_problem, judged
from asura.protocols.target import parse_host_port
from asura.protocols.words import shown

VERSIONS = ("3.1.1", "5")
MAX_READ_BYTES = 2**20
"""Of all messages: what is expected must be within it."""
MAX_PACKETS = 4096
"""And of packets: a MiB has room for half a million."""
PACKETS_AT_ONCE = 64
"""Before others have their turn: well under 1 ms."""
SHOWN_TOPIC_CHARS = 100

_NO_CONTROLS = pattern(r"[^\x00-\x1f\x7f-\x9f]*", "free of line breaks and control characters")


def _topic_filter(_: object, __: object, value: str) -> None:
    """MQTT 5 §4.7.1."""
    levels = value.split("/")
    if any(("#" in level or "+" in level) and len(level) > 1 for level in levels):
        raise ValueError("must have + and # as whole levels, such as sensors/+/state or sensors/#")
    if "#" in levels[:-1]:
        raise ValueError("must have # as the last level only")


@attrs.frozen(kw_only=True)
class MqttSettings:
    """How to connect to a broker, and what message to wait for."""

    version: str = attrs.field(
        default="3.1.1",
        validator=one_of(VERSIONS),
        metadata={"label": "Version", "help": "Of the protocol. Nearly every broker speaks both.", "choices": VERSIONS},
    )
    tls: bool = attrs.field(default=False, metadata=TLS)
    verify_tls: bool = attrs.field(default=True, metadata=VERIFY_TLS)
    username: str = attrs.field(
        default="",
        validator=and_(text(256), _NO_CONTROLS),
        metadata={"label": "User name", "help": "Empty: anonymous."},
    )
    password: str = attrs.field(
        default="",
        repr=False,
        validator=and_(text(4096), _NO_CONTROLS),
        metadata={"label": "Password", "help": "Sent in clear text without TLS.", "secret": True},
    )
    client_id: str = attrs.field(
        default="",
        validator=and_(text(256), _NO_CONTROLS),
        metadata={
            "label": "Client ID",
            "help": "Must be nobody else's: the broker throws out the other. Empty: another one at each check.",
        },
    )
    topic: str = attrs.field(
        default="",
        validator=and_(text(1024), _NO_CONTROLS, _topic_filter),
        metadata={
            "label": "Topic",
            "help": "Wait for a message on it; + and # as usual. Empty: the connection is enough.",
            "placeholder": "sensors/cellar/state",
        },
    )
    expect: str = attrs.field(
        default="",
        validator=text(1024),
        metadata={"label": "Expect", "help": "A message on the topic must contain this text. Empty: any message."},
    )
    ignore_patterns: tuple[str, ...] = patterns_field()
    ignore_paths: tuple[str, ...] = paths_field()


def problems(target: str, settings: MqttSettings, env: Env) -> dict[str, str]:
    """What is wrong with the settings together."""
    found: dict[str, str] = {}
    if settings.password and not settings.username:
        found["settings.username"] = "must not be empty with a password"
    if settings.expect and not settings.topic:
        found["settings.topic"] = "must not be empty when a message is expected"
    return found


def prepare(target: str, settings: MqttSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target has a problem.
    """
    host, port = parse_host_port(target)
    plan = _Plan(
        env=env,
        place=Place(host=host, port=port, tls=settings.tls, verify=settings.verify_tls),
        settings=settings,
        level=wire.LEVELS[settings.version],
        keeps_body=keep.body,
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    place: Place
    settings: MqttSettings
    level: int
    keeps_body: bool

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        return await converse(self.place, self._talk, env=self.env, watch=watch)

    async def _talk(self, connection: Connection, watch: Stopwatch) -> Outcome:
        session = Session(connection, level=self.level)
        settings = self.settings
        # 3.1.1 promises 23 letters and digits, no more (§3.1.3.1).
        client_id = settings.client_id or f"asura{secrets.token_hex(8)}"
        await session.log_in(
            wire.connect(level=self.level, client_id=client_id, username=settings.username, password=settings.password)
        )
        watch.done("first_byte", then="transfer")
        message: bytes | None = None
        if settings.topic:
            message = await session.wait_for(settings.expect.encode(), topic=settings.topic, watch=watch)
            watch.done("transfer")
        watch.stop()
        outcome = judged(connection, watch, reply=_reply(message) if self.keeps_body else None)
        await session.log_out()
        return outcome


def _reply(message: bytes | None) -> Reply | None:
    if message is None:
        return None
    try:
        return Reply(body=message.decode())
    except UnicodeDecodeError:
        return Reply()


class Session:
    """A client's session over an open connection."""

    def __init__(self, connection: Connection, *, level: int) -> None:
        self._connection = connection
        self._level = level
        self._reader = wire.Reader()
        self._packets = 0
        self._read_bytes = 0

    async def log_in(self, hello: bytes) -> None:
        """Send a CONNECT and read its answer.

        Raises Fault: the broker refuses, or is none.
        """
        await self._send(hello, "the greeting (CONNECT)")
        packet = await self._next("it answered the greeting (CONNECT)")
        if packet.kind != wire.CONNACK:
            raise Fault(f"the target answered the greeting (CONNECT) with {_name(packet)}, expected CONNACK")
        code = wire.connack_code(packet)
        if code:
            raise Fault(f"the broker refused the connection: {_reason(code)}")

    async def wait_for(self, needle: bytes, *, topic: str, watch: Stopwatch) -> bytes:
        """Subscribe to `topic` and give the first message that contains `needle`.

        Raises Fault: there is none.
        """
        wanted = f"message on {topic[:SHOWN_TOPIC_CHARS]}{f' with {shown(needle)}' if needle else ''}"
        watch.note = "no answer to the subscription"
        await self._send(wire.subscribe(topic, level=self._level), "the subscription")
        last = b""
        while True:
            packet = await self._next(f"a {wanted}{_got(last)}")
            if packet.kind == wire.SUBACK:
                self._check_subscription(packet, topic)
                watch.note = f"no {wanted}{_got(last)}"
            elif packet.kind == wire.PUBLISH:
                where, last = wire.published(packet, level=self._level)
                if needle in last:
                    if watch.talks:
                        watch.tell("message", f"{shown(last)} on {shown(where.encode())}")
                    return last
                watch.note = f"no {wanted}{_got(last)}"
            elif packet.kind == wire.DISCONNECT:
                raise Fault(f"the broker ended the session: {_reason(wire.disconnect_code(packet))}")
            elif packet.kind != wire.PINGRESP:
                raise Fault(f"the target sent {_name(packet)} out of place")
            if self._packets > MAX_PACKETS or self._read_bytes > MAX_READ_BYTES:
                limit = f"{MAX_PACKETS} packets" if self._packets > MAX_PACKETS else "MiB"
                raise Fault(f"no {wanted} in the first {limit}{_got(last)}")

    async def log_out(self) -> None:
        """Say goodbye, so that the broker notes no failure; nothing comes back."""
        try:
            await self._connection.send(wire.disconnect())
        except OSError:
            return

    def _check_subscription(self, packet: wire.Packet, topic: str) -> None:
        code = wire.suback_code(packet, level=self._level)
        if code > 2:
            # 3.1.1 has one code for every reason.
            why = _reason(code) if code in _REASONS and self._level > wire.LEVELS["3.1.1"] else "it gives no reason"
            raise Fault(f"the broker refused the subscription to {topic[:SHOWN_TOPIC_CHARS]}: {why}")

    async def _send(self, data: bytes, what: str) -> None:
        try:
            await self._connection.send(data)
        except OSError as exc:
            raise Fault(f"the connection was {broken_words(exc)} while {what} was sent") from None

    async def _next(self, wanted: str) -> wire.Packet:
        while True:
            packet = self._reader.next()
            if packet is not None:
                self._packets += 1
                if self._packets % PACKETS_AT_ONCE == 0:
                    await checkpoint()
                return packet
            try:
                data = await self._connection.receive()
            except OSError as exc:
                raise Fault(f"the connection was {broken_words(exc)} before {wanted}") from None
            if not data:
                raise Fault(f"the target closed the connection before {wanted}")
            if not self._read_bytes and data[0] >> 4 != wire.CONNACK:
                raise Fault(f"the answer is not MQTT: {shown(data)}")
            self._read_bytes += len(data)
            self._reader.feed(data)


def _got(last: bytes) -> str:
    return f"; the last was {shown(last)}" if last else ""


def _name(packet: wire.Packet) -> str:
    return f"a packet of type {packet.kind}"


def _reason(code: int) -> str:
    return f"{_REASONS[code]} (code {code})" if code in _REASONS else f"code {code}"


_REASONS = {
    0: "no reason given",
    1: "it doesn't speak this version of MQTT",
    2: "it doesn't take the client ID",
    3: "the service is unavailable",
    4: "bad user name or password",
    5: "not authorized",
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "its own rules forbid it",
    0x84: "it doesn't speak this version of MQTT",
    0x85: "it doesn't take the client ID",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "the server is unavailable",
    0x89: "the server is busy",
    0x8A: "banned",
    0x8B: "the server is shutting down",
    0x8C: "bad authentication method",
    0x8E: "another client took over the session",
    0x8F: "it doesn't take the topic filter",
    0x97: "quota exceeded",
    0x9C: "use another server",
    0x9D: "the server has moved",
    0x9E: "no shared subscriptions here",
    0x9F: "too many connections in a short time",
    0xA1: "no subscription identifiers here",
    0xA2: "no wildcards here",
}
"""Return codes of MQTT 3.1.1 (§3.2.2.3), then reason codes of MQTT 5 (§2.4)."""


MQTT = CheckType(
    name="mqtt",
    label="MQTT",
    about="""\
Connects to an MQTT broker, and perhaps waits for a message. It speaks MQTT 3.1.1 or 5, in clear text or with `tls` over
TLS: usually on port 1883 or 8883. The session is a clean one without a will, and it ends properly.

It is **up** when the broker takes the connection. With a `topic` it must take the subscription, too, and a message on
it must come that contains `expect`, or any without it: a retained one at once, another whenever it is published.
Assertions and change detection look at that message.

It is **down** when the broker refuses the connection or the subscription or ends the session, and when nothing like the
expected message comes within the first MiB, the first 4,096 packets or the timeout. It is **degraded** only by
assertions.

For a topic without retained messages the timeout must be longer than the pause between two of them.
""",
    target=TargetField(label="Host and port", help="Where the broker listens.", placeholder="broker.example.org:8883"),
    settings=MqttSettings,
    target_problem=host_port_problem,
    hosts=host_port_hosts,
    prepare=prepare,
    problems=problems,
    asserts=BODY_ASSERTIONS | {AssertionType.RESPONSE_TIME, AssertionType.CERT_EXPIRY},
)
