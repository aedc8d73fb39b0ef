"""The WebSocket check: the handshake of RFC 6455, perhaps a message sent and one that must come back."""

from collections.abc import Mapping

import attrs
from attrs.validators import and_
from wsproto.events import BytesMessage, RejectConnection, Request, TextMessage

from asura import __version__
from asura.checks.base import CheckType, TargetField
from asura.checks.http_fields import SECRET_HEADERS, HeaderLines
from asura.checks.tcp import unescape
from asura.content.ignoring import paths_field, patterns_field
from asura.fields import pattern, text
from asura.model.assertion import BODY_ASSERTIONS, AssertionType
from asura.model.observation import Outcome, Reply
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch
from asura.protocols.connection import Connection
from asura.protocols.opening import VERIFY_TLS, Place, converse, judged
from asura.protocols.target import Url, parse_url
from asura.protocols.websocket_session import Session, rejection_words
from asura.protocols.words import shown

ALPN = "http/1.1"
_SCHEMES = ("ws://", "wss://")
_OWN = "sec-websocket-"


@attrs.frozen(kw_only=True)
class WebSocketSettings:
    """What a WebSocket check says and wants to hear."""

    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        repr=False,
        validator=HeaderLines(),
        metadata={
            "label": "Headers",
            "help": "Sent with the handshake, such as Origin or Authorization.",
            "secret_keys": SECRET_HEADERS,
        },
    )
    subprotocol: str = attrs.field(
        default="",
        validator=and_(
            text(256),
            pattern(r"|[!#$%&'*+.^_`|~0-9A-Za-z-]+(, ?[!#$%&'*+.^_`|~0-9A-Za-z-]+)*", "names, separated by commas"),
        ),
        metadata={
            "label": "Subprotocol",
            "help": "Offered in the handshake, several with commas between; the target must choose one.",
            "placeholder": "graphql-transport-ws",
        },
    )
    send: str = attrs.field(
        default="",
        repr=False,
        validator=text(8192),
        metadata={"label": "Send", "help": "Sent as a message after the handshake.", "multiline": True},
    )
    expect: str = attrs.field(
        default="",
        validator=text(1024),
        metadata={
            "label": "Expect",
            "help": "A message within the first MiB must contain this text. Empty: the handshake is enough.",
        },
    )
    binary: bool = attrs.field(
        default=False,
        metadata={
            "label": "Send as binary",
            "help": r"As a binary message and not as text; \r \n \t \0 \\ and \xNN are understood.",
        },
    )
    verify_tls: bool = attrs.field(default=True, metadata=VERIFY_TLS)
    ignore_patterns: tuple[str, ...] = patterns_field()
    ignore_paths: tuple[str, ...] = paths_field()


def target_problem(target: str) -> str | None:
    """What is wrong with a URL, or None."""
    try:
        _parse(target)
    except ValueError as exc:
        return str(exc)
    return None


def _parse(target: str) -> Url:
    """A ws or wss URL as the http or https one whose connection it begins with (RFC 6455 §3)."""
    if not target.lower().startswith(_SCHEMES):
        raise ValueError("must be a URL that begins with ws:// or wss://")
    return parse_url(f"http{target[2:]}")


def hosts(target: str, settings: WebSocketSettings) -> dict[str, str]:
    """What is connected to."""
    return {"target": _parse(target).host}


def problems(target: str, settings: WebSocketSettings, env: Env) -> dict[str, str]:
    """What is wrong with the settings together."""
    found: dict[str, str] = {}
    own = [name for name in settings.headers if name.lower().startswith(_OWN)]
    if own:
        found["settings.headers"] = f"must not set {own[0]}: Asura sets it itself"
    if settings.binary:
        try:
            unescape(settings.send)
        except ValueError as exc:
            found["settings.send"] = str(exc)
    return found


def prepare(target: str, settings: WebSocketSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target or a setting has a problem.
    """
    url = _parse(target)
    is_tls = url.scheme == "https"
    send: str | bytes = unescape(settings.send) if settings.binary else settings.send
    plan = _Plan(
        env=env,
        place=Place(host=url.host, port=url.port, tls=is_tls, verify=settings.verify_tls, alpn=(ALPN,)),
        request=_request(url, settings),
        message=None if not send else TextMessage(send) if isinstance(send, str) else BytesMessage(send),
        expect=settings.expect,
        keeps_body=keep.body,
    )
    return plan.attempt


def _request(url: Url, settings: WebSocketSettings) -> Request:
    headers = {"user-agent": f"Asura/{__version__}"}
    headers |= {name.lower(): value.strip(" \t") for name, value in settings.headers.items()}
    return Request(
        host=headers.pop("host", url.authority),
        target=url.path,
        extra_headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        subprotocols=[name.strip() for name in settings.subprotocol.split(",") if name],
    )


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    place: Place
    request: Request = attrs.field(repr=False)
    message: TextMessage | BytesMessage | None = attrs.field(repr=False)
    expect: str
    keeps_body: bool

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        return await converse(self.place, self._talk, env=self.env, watch=watch)

    async def _talk(self, connection: Connection, watch: Stopwatch) -> Outcome:
        session = Session(connection)
        accepted = await session.shake_hands(self.request)
        watch.done("first_byte", then="transfer")
        if isinstance(accepted, RejectConnection):
            return judged(connection, watch, problem=rejection_words(accepted), status_code=accepted.status_code)
        if self.request.subprotocols and accepted.subprotocol is None:
            offered = ", ".join(self.request.subprotocols)
            raise Fault(f"the target took none of the subprotocols that were offered: {offered}")
        if accepted.subprotocol is not None:
            watch.tell("subprotocol", accepted.subprotocol)
        message = await self._exchange(session, watch)
        watch.stop()
        outcome = judged(connection, watch, status_code=101, reply=self._reply(message))
        await session.say_goodbye()
        return outcome

    async def _exchange(self, session: Session, watch: Stopwatch) -> bytes | None:
        """Send the message and give the one that was waited for, if any was."""
        if self.message is not None:
            await session.send(self.message)
        if not self.expect and not self.keeps_body:
            return None
        wanted = f"a message with {shown(self.expect.encode())}" if self.expect else "a message"
        message = await session.wait_for(self.expect.encode(), wanted=wanted, watch=watch)
        watch.done("transfer")
        if watch.talks:
            watch.tell("message", shown(message))
        return message

    def _reply(self, message: bytes | None) -> Reply | None:
        if not self.keeps_body or message is None:
            return None
        try:
            return Reply(body=message.decode())
        except UnicodeDecodeError:
            return Reply()


WEBSOCKET = CheckType(
    name="websocket",
    label="WebSocket",
    about="""\
Opens a WebSocket, perhaps talks, and closes it again. Each check makes a fresh connection (RFC 6455), with `ws://` in
clear text and with `wss://` over TLS.

It is **up** when the handshake succeeds: the answer is `101`, its `Sec-WebSocket-Accept` is right, and one of the
subprotocols that were offered is chosen. With `expect`, a message that contains the text must come, too, after `send`
has been sent if it is set; messages before it are passed over, and pings are answered. Assertions and change detection
look at that message, or at the first one without `expect`.

It is **down** when any other answer comes (a redirect is not followed), when the target closes before the expected
message, or when nothing like it comes within the first MiB, the first 4,096 frames or the timeout. It is **degraded**
only by assertions.
""",
    target=TargetField(label="URL", help="What to connect to, ws or wss.", placeholder="wss://example.org/socket"),
    settings=WebSocketSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    problems=problems,
    asserts=BODY_ASSERTIONS | {AssertionType.RESPONSE_TIME, AssertionType.CERT_EXPIRY},
)
