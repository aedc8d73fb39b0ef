"""What a ping is answered: from its head, before anything of its body is read, and then from the store.

Knows nothing of sockets. A known token is limited by itself and not by its address, because fifty jobs of one host
at minute zero are no attack; unknown ones count against their address like every request without a key.
"""

import codecs
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

import attrs
import msgspec

from asura import metrics
from asura.api import cors, errors
from asura.api.errors import HTTP_TEXTS, ApiError, too_many
from asura.api.gate import Gate
from asura.api.limits import Buckets
from asura.api.pings import ALLOWED, METHODS, PATH, PingTaken, Said, said
from asura.clock import Clock
from asura.config.live import Live
from asura.heartbeats.intake import Intake
from asura.ids import MonitorId
from asura.model.heartbeat import Signal
from asura.web import forwarded, headers
from asura.web.options import Network

KEPT_BYTES = 100_000
"""Of a ping's body: some thousand lines of a job's output. What exceeds it is dropped."""
BURST = 10
"""Pings of one token at once, before its rate holds: start, some lines for the log, the end, and a client that
repeats each."""
RETRY_AFTER_S = 5
"""When the disk doesn't take a ping: soon, because the job's own client won't try for long."""
MAX_USER_AGENT_CHARS = 255
"""Browsers send some hundred; who sends more wants to fill the disk."""

Fields = tuple[tuple[bytes, bytes], ...]

_refused = metrics.counter("asura_http_refused_total", "Requests that the gate sent away, by reason.", ("reason",))
_crashes = metrics.counter("asura_http_request_crashes_total", "Requests whose handler crashed.")
_ALLOW = ", ".join(sorted(ALLOWED))
_NO_PING = "this is no ping: after the token comes nothing, /start, /fail, /log, or an exit status from /0 to /255"
_TAKEN = msgspec.json.encode(PingTaken())
_JSON = ("Content-Type", "application/json")


@attrs.frozen(kw_only=True)
class Head:
    """A request's head as far as it matters here."""

    method: str
    target: bytes
    """Path and query."""
    headers: Mapping[bytes, bytes]
    """The last of each name, in lower case."""
    peer: str
    """The address at the other end of the connection."""
    forwarded: Fields = ()
    """Its X-Forwarded-For fields, all of them."""


@attrs.frozen(kw_only=True)
class Body:
    """What came of a body: at most KEPT_BYTES."""

    kept: bytes = b""
    is_cut: bool = False
    """There was more, or should have been."""


@attrs.frozen
class Reply:
    """An answer. Its headers are all but `Date` and `Connection`."""

    status: int
    body: bytes
    headers: Fields
    head: bytes = attrs.field(init=False)
    """The same on the wire, with the status line and without the empty one at the end."""

    @head.default
    def _(self) -> bytes:
        return b"HTTP/1.1 %d \r\n" % self.status + b"".join([b"%s: %s\r\n" % pair for pair in self.headers])


class Pings:
    """Answers what is asked below the pings' address. One for the listener."""

    def __init__(
        self, intake: Intake, gate: Gate, clock: Clock, config: Live, *, trusted: tuple[Network, ...] = ()
    ) -> None:
        server = config.current.server
        self.prefix = f"{server.base_path}/api/v1{PATH}/".encode()
        self._intake = intake
        self._gate = gate
        self._clock = clock
        self._config = config
        self._trusted = trusted
        self._buckets = Buckets()
        secure = {"Strict-Transport-Security": headers.HSTS} if server.tls_cert is not None else {}
        self._protection = _encoded({**headers.ALWAYS, "Cache-Control": headers.NO_STORE, **secure}.items())
        told = _encoded([_JSON, ("Content-Length", str(len(_TAKEN)))])
        self._taken = Reply(200, _TAKEN, told + self._protection)

    async def answer(self, head: Head, read_body: Callable[[], Awaitable[Body]]) -> Reply:
        """Record the ping, if it is one. Its body is read only then."""
        try:
            told = said(head.target, prefix=self.prefix)
            if told is None:
                raise ApiError(404, "not_found", _NO_PING)
            if head.method == "OPTIONS":
                return self._reply(head, 204, b"", [("Allow", _ALLOW)])
            if head.method not in METHODS:
                raise ApiError(405, *HTTP_TEXTS[405], headers={"Allow": _ALLOW})
            address = self._address(head)
            monitor_id = self._admit(told.token, address=address)
            await self._record(monitor_id, told, head, await read_body(), address=address)
        except Exception as error:
            return self._refusal(head, errors.from_exception(error))
        return self._taken if not self._origins else self._reply(head, 200, _TAKEN, [_JSON])

    def _admit(self, token: str, *, address: str) -> MonitorId:
        """Whose token it is. Raises the 404 and the 429."""
        monitor_id = self._intake.find(token)
        if monitor_id is None:
            wait_s = self._gate.stranger_wait_s(address)
            if wait_s:
                raise too_many("too many unknown tokens from your address", wait_s=wait_s)
            raise ApiError(404, "not_found", "there is no heartbeat with this token")
        per_s = self._config.current.server.heartbeat_rate_limit_per_sec
        if per_s:
            wait_s = self._buckets.take(token, per_s=per_s, burst=max(BURST, per_s), now=time.monotonic())
            if wait_s:
                _refused.inc(reason="heartbeat_rate")
                raise too_many("too many pings with this token", wait_s=wait_s)
        return monitor_id

    async def _record(self, monitor_id: MonitorId, told: Said, head: Head, body: Body, *, address: str) -> None:
        """Make a ping durable.

        It is dated once its body is here, so that pings are decided in the order of their times, however slowly
        their bodies came.
        """
        signal = Signal(
            monitor_id=monitor_id,
            kind=told.kind,
            at=self._clock.now_ms(),
            exit_status=told.exit_status,
            rid=told.rid,
            method=head.method,
            remote_addr=address,
            user_agent=readable(head.headers.get(b"user-agent", b""))[:MAX_USER_AGENT_CHARS],
            body=readable(body.kept, is_cut=body.is_cut) if body.kept else None,
            is_cut=body.is_cut,
        )
        await self._intake.record(signal)

    @property
    def _origins(self) -> tuple[str, ...]:
        return self._config.current.server.cors_origins

    def _address(self, head: Head) -> str:
        if not self._trusted:
            return head.peer
        return forwarded.client_address({"client": (head.peer, 0), "headers": head.forwarded}, self._trusted)

    def _refusal(self, head: Head, error: ApiError) -> Reply:
        if error.status == 500:
            _crashes.inc()
        told = [_JSON, *error.headers.items()]
        if error.status == 503:
            told.append(("Retry-After", str(RETRY_AFTER_S)))
        return self._reply(head, error.status, errors.body_of(error), told)

    def _reply(self, head: Head, status: int, body: bytes, told: list[tuple[str, str]]) -> Reply:
        """An answer with the protective headers, and what another origin's page is told."""
        if status != 204:  # RFC 9110 §8.6
            told.append(("Content-Length", str(len(body))))
        allowed = self._origins
        if not allowed:
            return Reply(status, body, _encoded(told) + self._protection)
        more = cors.allowance(
            allowed,
            origin=head.headers.get(b"origin", b"").decode("latin-1"),
            is_preflight=head.method == "OPTIONS" and b"access-control-request-method" in head.headers,
            methods=_ALLOW,
        )
        protection = self._protection
        if more:
            protection = tuple(pair for pair in protection if pair[0] != b"cross-origin-resource-policy")
            more["Cross-Origin-Resource-Policy"] = "cross-origin"
        return Reply(status, body, _encoded([*told, ("Vary", "Origin"), *more.items()]) + protection)


def readable(data: bytes, *, is_cut: bool = False) -> str:
    """Bytes as text, whatever they are: what isn't UTF-8, and NUL, becomes U+FFFD; a character cut in two goes."""
    text, _ = codecs.utf_8_decode(data, "replace", not is_cut)
    return text.replace("\0", "\ufffd")


def _encoded(pairs: Iterable[tuple[str, str]]) -> Fields:
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in pairs)
