"""The gRPC check: asks the standard health service, grpc.health.v1.Health/Check, over HTTP/2.

By hand over `http2`: grpcio would bring threads, a resolver of its own behind the outbound guard's back, and 10 MB.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import attrs
from attrs.validators import and_

from asura import __version__
from asura.checks.base import CheckType, TargetField
from asura.checks.http_fields import SECRET_HEADERS, HeaderLines
from asura.fields import pattern, text
from asura.model.assertion import AssertionType
from asura.model.observation import Outcome
from asura.protocols import http2
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch
from asura.protocols.connection import Connection
from asura.protocols.opening import TLS, VERIFY_TLS, Place, converse, host_port_hosts, host_port_problem, judged
from asura.protocols.protobuf import fields, text_field
from asura.protocols.target import parse_host_port
from asura.protocols.words import shown

PATH = "/grpc.health.v1.Health/Check"
MAX_ANSWER_BYTES = 4096
"""A health status is seven bytes."""
SHOWN_MESSAGE_BYTES = 200

_PREFIX_BYTES = 5
"""Whether the message is compressed, and its length."""
_OWN = frozenset({"content-type", "host", "user-agent"})
_RESERVED = "grpc-"
_SERVING = 1
_STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_STATE_WORDS = {
    0: "the health of {} is unknown (UNKNOWN)",
    2: "{} is not serving (NOT_SERVING)",
    3: "the server knows nothing of {} (SERVICE_UNKNOWN)",
}
_CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
"""By their number."""


@attrs.frozen(kw_only=True)
class GrpcSettings:
    """Whose health is asked for, and how."""

    service: str = attrs.field(
        default="",
        validator=text(256),
        metadata={
            "label": "Service",
            "help": "Whose health is asked for, by its full name. Empty: that of the whole server.",
            "placeholder": "shop.v1.Orders",
        },
    )
    tls: bool = attrs.field(default=False, metadata=TLS)
    verify_tls: bool = attrs.field(default=True, metadata=VERIFY_TLS)
    metadata: Mapping[str, str] = attrs.field(
        factory=dict,
        repr=False,
        validator=HeaderLines(),
        metadata={
            "label": "Metadata",
            "help": "Sent with the request, such as authorization.",
            "secret_keys": SECRET_HEADERS,
        },
    )
    authority: str = attrs.field(
        default="",
        validator=and_(text(256), pattern(r"[!-~]*", "printable ASCII without spaces")),
        metadata={
            "label": "Authority",
            "help": "The host that the request names, for proxies that choose by it. Empty: the target.",
        },
    )


def problems(target: str, settings: GrpcSettings, env: Env) -> dict[str, str]:
    """What is wrong with the metadata."""
    for name in settings.metadata:
        if name.lower() == "host":
            return {"settings.metadata": f"must not set {name}: that is the setting authority"}
        if name.lower() in _OWN or name.lower().startswith(_RESERVED):
            return {"settings.metadata": f"must not set {name}: Asura sets it itself"}
    return {}


def prepare(target: str, settings: GrpcSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target has a problem.
    """
    host, port = parse_host_port(target)
    place = Place(host=host, port=port, tls=settings.tls, verify=settings.verify_tls, alpn=(http2.ALPN,))
    message = text_field(1, settings.service)
    plan = _Plan(
        env=env,
        place=place,
        headers=(
            (":method", "POST"),
            (":scheme", "https" if settings.tls else "http"),
            (":path", PATH),
            (":authority", settings.authority or place.shown),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", f"Asura/{__version__}"),
            *settings.metadata.items(),
        ),
        message=b"\0" + len(message).to_bytes(4, "big") + message,
        subject=f"the service {settings.service}" if settings.service else "the server",
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    place: Place
    headers: http2.Headers = attrs.field(repr=False)
    message: bytes
    subject: str
    """Whose health it is, in words."""

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        return await converse(self.place, self._ask, env=self.env, watch=watch)

    async def _ask(self, connection: Connection, watch: Stopwatch) -> Outcome:
        answer = Answer(watch)
        await http2.request(connection, headers=self.headers, body=self.message, sink=answer, watch=watch)
        state = answer.state(self.subject)
        name = _STATES.get(state, str(state))
        watch.tell("health", name)
        problem = _STATE_WORDS.get(state, "the health of {} is a number without a name").format(self.subject)
        return judged(
            connection,
            watch,
            problem="" if state == _SERVING else problem,
            detail={"state": name},
        )


class Answer:
    """The answer to one call (gRPC over HTTP/2, "Responses"). An `http2.Sink`."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        self._body = b""
        self._trailers: dict[str, str] = {}

    def on_headers(self, status: int, headers: Sequence[tuple[str, str]]) -> bool:
        """Judge whether it is gRPC at all.

        Raises Fault: it isn't.
        """
        # An error may come without a body, and its trailers are in the header then.
        self._trailers = dict(headers)
        kind = self._trailers.get("content-type", "")
        if status != HTTPStatus.OK or not kind.startswith("application/grpc"):
            what = f"of type {shown(kind.encode())}" if kind else "without a type"
            raise Fault(f"the answer is not gRPC: HTTP status {status}, {what}")
        self._watch.note = "no grpc-status"
        return True

    async def on_data(self, data: bytes) -> bool:
        """Keep a piece of the message.

        Raises Fault: it is too long.
        """
        self._body += data
        if len(self._body) > MAX_ANSWER_BYTES:
            raise Fault("the answer is over 4 kB, which no health status is")
        return True

    def on_trailers(self, headers: Sequence[tuple[str, str]]) -> None:
        """The status comes last."""
        self._trailers.update(headers)

    def state(self, subject: str) -> int:
        """The health that was answered, a number of `ServingStatus`.

        Raises Fault: there is none.
        """
        self._check_status(subject)
        body = self._body
        if len(body) < _PREFIX_BYTES or len(body) - _PREFIX_BYTES != int.from_bytes(body[1:_PREFIX_BYTES], "big"):
            raise Fault(f"the answer is not one whole message: {len(body)} bytes")
        if body[0]:
            raise Fault("the answer is compressed, which was not asked for")
        state: int | bytes = 0
        try:
            for number, value in fields(body[_PREFIX_BYTES:]):
                state = value if number == 1 else state
        except ValueError:
            state = b""
        if isinstance(state, bytes):
            raise Fault(f"the answer is no health status: {shown(body)}")
        return state

    def _check_status(self, subject: str) -> None:
        status = self._trailers.get("grpc-status")
        if status == "0":
            return
        if status is None:
            raise Fault("the answer ended without a grpc-status")
        code = int(status) if status.isascii() and status.isdigit() and len(status) < 3 else len(_CODES)
        said = unquote_to_bytes(self._trailers.get("grpc-message", "").encode("latin-1")[:SHOWN_MESSAGE_BYTES])
        name = _CODES[code] if code < len(_CODES) else f"the status {shown(status.encode())}"
        because = f": {shown(said, at_most=SHOWN_MESSAGE_BYTES)}" if said else ""
        if name == "UNIMPLEMENTED":
            raise Fault(f"the server has no health service (UNIMPLEMENTED{because})")
        if name == "NOT_FOUND":
            raise Fault(f"the server knows nothing of {subject} (NOT_FOUND{because})")
        raise Fault(f"the health check failed with {name}{because}")


GRPC = CheckType(
    name="grpc",
    label="gRPC",
    about="""\
Asks a gRPC server for its health. That is the standard service, `grpc.health.v1.Health/Check`, asked over a fresh
HTTP/2 connection: in clear text, or with `tls` over TLS.

It is **up** when the answer is `SERVING`, for the `service` that is named or for the whole server. It is **down** with
`NOT_SERVING`, `UNKNOWN` and `SERVICE_UNKNOWN`, when the server has no health service or knows nothing of the service,
when the call ends with any other status than `OK`, and when the answer is no gRPC at all. It is **degraded** only by
assertions.

The server has to offer the health service, which the gRPC libraries of most languages bring along. Credentials go
into `metadata`, where the usual ones stay secret.
""",
    target=TargetField(label="Host and port", help="Where the server listens.", placeholder="orders.example.org:50051"),
    settings=GrpcSettings,
    target_problem=host_port_problem,
    hosts=host_port_hosts,
    prepare=prepare,
    problems=problems,
    asserts=frozenset({AssertionType.RESPONSE_TIME, AssertionType.CERT_EXPIRY}),
)
