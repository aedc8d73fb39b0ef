"""One request and its answer, by whichever way leads to the server: look up, guard, connect, proxy, TLS, HTTP."""

from collections.abc import Sequence

import attrs

from asura.checks import http2
from asura.checks.base import Env, Fault, Keep, Stopwatch
from asura.checks.connection import Connection, connect
from asura.checks.handshake import peer_expires_at, start_tls
from asura.checks.http_answer import Answer, Http1Answer
from asura.checks.http_exchange import exchange
from asura.checks.http_request import Request
from asura.checks.http_settings import ClientCertificate
from asura.checks.proxy import Proxy, connect_through
from asura.checks.target import shown_host_port
from asura.model.observation import Certificate

ALPN = {"auto": ("h2", "http/1.1"), "1.1": ("http/1.1",), "2": ("h2",)}
"""What is offered in the TLS handshake, by the setting `http_version`."""


@attrs.frozen(kw_only=True)
class Hop:
    """One answer in a chain of redirects."""

    request: Request
    answer: Answer
    chain: Sequence[Certificate]
    cert_expires_at: int | None


@attrs.frozen(kw_only=True)
class Way:
    """How a monitor's requests reach any server."""

    env: Env
    family: int
    proxy: Proxy | None
    verify: bool
    ca_cert: str
    client_cert: ClientCertificate | None = attrs.field(repr=False)
    http_version: str
    limit: int
    needle: str
    keep: Keep

    async def ask(self, request: Request, watch: Stopwatch) -> Hop:
        """Send `request` over a fresh connection and read the answer.

        Raises Fault, TargetRefused, ResolveError: there is none. OwnFailure: this machine can't ask.
        """
        url = request.url
        connection = await self._connect(request, watch)
        try:
            is_http2 = False
            if url.scheme == "https":
                watch.done("connect", then="tls")
                is_http2 = await self._start_tls(connection, request, watch)
                watch.done("tls", then="first_byte")
            else:
                watch.done("connect", then="first_byte")
            if watch.talks:
                watch.tell("protocol", "HTTP/2" if is_http2 else "HTTP/1.1")
            answer = await self._exchange(connection, request, is_http2=is_http2, watch=watch)
            return Hop(request=request, answer=answer, chain=(), cert_expires_at=peer_expires_at(connection))
        finally:
            connection.close()

    async def _connect(self, request: Request, watch: Stopwatch) -> Connection:
        url = request.url
        watch.skip(to="dns")
        addresses = await self.env.guard.resolve(url.host, url.port, family=self.family)
        if self.proxy is not None:
            own = await self.proxy.resolve(self.env.guard)
            if not (self.env.guard.is_literal(url.host) and self.env.guard.is_literal(self.proxy.host)):
                watch.done("dns")
            watch.waiting_for = "connect"
            return await connect_through(self.proxy, own, addresses, shown=url.authority, watch=watch)
        if len(addresses) > 1 or addresses[0].ip != url.host:
            watch.done("dns")
        watch.waiting_for = "connect"
        connection = await connect(addresses, shown=url.authority, watch=watch)
        if watch.talks:
            watch.tell("address", shown_host_port(connection.address.ip, url.port))
        return connection

    async def _start_tls(self, connection: Connection, request: Request, watch: Stopwatch) -> bool:
        """Whether HTTP/2 was agreed on."""
        context = self.env.tls.client(
            verify=self.verify,
            alpn="http/1.1",
        )
        await start_tls(connection, server_name=request.url.host, context=context, contexts=self.env.tls, watch=watch)
        tls = connection.tls
        is_http2 = tls is not None and tls.selected_alpn_protocol() == http2.ALPN
        if self.http_version == "2" and not is_http2:
            raise Fault("the target doesn't offer HTTP/2")
        return is_http2

    async def _exchange(self, connection: Connection, request: Request, *, is_http2: bool, watch: Stopwatch) -> Answer:
        is_head = request.method == "HEAD"
        if not is_http2:
            plain = Http1Answer(is_head=is_head, limit=self.limit, needle=self.needle, keep=self.keep)
            await exchange(connection, request.wire, plain, watch=watch)
            return plain
        answer = Answer(is_head=is_head, limit=self.limit, needle=self.needle, keep=self.keep)
        headers = request.http2_headers()
        await http2.request(connection, headers=headers, body=request.body, sink=_Sink(answer), watch=watch)
        answer.check_end()
        return answer


class _Sink:
    """Fills an answer from HTTP/2."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def on_headers(self, status: int, headers: http2.Headers) -> bool:
        for name, value in headers:
            self._answer.on_header(name.encode("latin-1"), value.encode("latin-1"))
        self._answer.end_header(status)
        return not self._answer.is_head

    async def on_data(self, data: bytes) -> bool:
        await self._answer.digest([data])
        return not self._answer.body.is_full

    def on_trailers(self, headers: http2.Headers) -> None:
        """They say nothing about the answer that is judged."""
