"""One request and its answer, by whichever way leads to the server: look up, guard, connect, proxy, TLS, HTTP."""

import ssl
from collections.abc import Sequence

import attrs

from asura.checks.http_request import Request
from asura.model.observation import Certificate
from asura.netguard import Address
from asura.protocols import http2, tls_words
from asura.protocols.attempt import Env, Fault, Keep, Stopwatch
from asura.protocols.connection import Connection, connect
from asura.protocols.handshake import peer_chain, start_tls
from asura.protocols.http_answer import Answer, Http1Answer
from asura.protocols.http_exchange import exchange
from asura.protocols.proxy import Proxy, connect_through
from asura.protocols.target import Url, shown_host_port

ALPN = {"auto": ("h2", "http/1.1"), "1.1": ("http/1.1",), "2": ("h2",)}
"""What is offered in the TLS handshake, by the setting `http_version`."""
_BODILESS = frozenset({204, 304})
"""Whatever length they name (RFC 9110 §6.4.1)."""
_NO_HTTP2 = "the target doesn't offer HTTP/2"


@attrs.frozen(kw_only=True)
class Hop:
    """One answer in a chain of redirects."""

    request: Request
    answer: Answer
    chain: Sequence[Certificate]


@attrs.frozen(kw_only=True)
class Way:
    """How a monitor's requests reach any server."""

    env: Env
    family: int
    proxy: Proxy | None
    context: ssl.SSLContext
    """For the target's own origin: it is shown the client certificate, if there is one."""
    foreign_context: ssl.SSLContext
    """For wherever redirects lead."""
    http_version: str
    limit: int
    needle: str
    keep: Keep

    async def ask(self, request: Request, watch: Stopwatch) -> Hop:
        """Send `request` over a fresh connection and read the answer.

        Raises Fault, TargetRefused, ResolveError: there is none. OwnFailure: this machine can't ask.
        """
        url = request.url
        watch.skip(to="dns")
        addresses = await self.env.guard.resolve(url.host, url.port, family=self.family)
        if self.proxy is not None:
            connection = await self._connect_through(self.proxy, addresses, url, watch)
        else:
            if len(addresses) > 1 or addresses[0].ip != url.host:
                watch.done("dns")
            watch.waiting_for = "connect"
            connection = await connect(addresses, shown=url.authority, watch=watch)
            if watch.talks:
                watch.tell("address", shown_host_port(connection.address.ip, url.port))
        try:
            if url.scheme == "https":
                watch.done("connect", then="tls")
                is_http2 = await self._start_tls(connection, request, watch)
                watch.done("tls", then="first_byte")
            else:
                is_http2 = False
                watch.done("connect", then="first_byte")
            if watch.talks:
                watch.tell("protocol", "HTTP/2" if is_http2 else "HTTP/1.1")
            answer: Answer
            if is_http2:
                answer = await self._ask_http2(connection, request, watch)
            else:
                answer = plain = Http1Answer(
                    is_head=request.method == "HEAD", limit=self.limit, needle=self.needle, keep=self.keep
                )
                await exchange(connection, request.wire, plain, watch=watch)
            return Hop(request=request, answer=answer, chain=peer_chain(connection))
        finally:
            connection.close()

    async def _connect_through(self, proxy: Proxy, addresses: list[Address], url: Url, watch: Stopwatch) -> Connection:
        guard = self.env.guard
        own = await proxy.resolve(guard)
        if not (guard.is_literal(url.host) and guard.is_literal(proxy.host)):
            watch.done("dns")
        watch.waiting_for = "connect"
        return await connect_through(proxy, own, addresses, shown=url.authority, watch=watch)

    async def _start_tls(self, connection: Connection, request: Request, watch: Stopwatch) -> bool:
        """Whether HTTP/2 was agreed on."""
        context = self.context if request.is_own else self.foreign_context
        try:
            await start_tls(connection, server_name=request.url.host, context=context)
        except Fault as fault:
            if self.http_version == "2" and tls_words.NO_PROTOCOL in str(fault):
                raise Fault(_NO_HTTP2) from None
            raise
        tls = connection.tls
        if tls is not None and watch.talks:
            watch.tell("TLS", f"{tls.version()}, {(tls.cipher() or ('no cipher',))[0]}")
        is_http2 = tls is not None and tls.selected_alpn_protocol() == http2.ALPN
        if self.http_version == "2" and not is_http2:
            raise Fault(_NO_HTTP2)
        return is_http2

    async def _ask_http2(self, connection: Connection, request: Request, watch: Stopwatch) -> Answer:
        answer = Answer(is_head=request.method == "HEAD", limit=self.limit, needle=self.needle, keep=self.keep)
        headers, sink = request.http2_headers(), _Sink(answer)
        await http2.request(connection, headers=headers, body=request.body, sink=sink, watch=watch)
        length = answer.headers.get("content-length", "")
        # h2 compares the length with what comes in DATA frames, but not with none at all.
        if sink.wants_body and answer.body.raw_size == 0 and length.strip("0"):
            raise Fault(f"the answer is broken HTTP/2: a body of 0 bytes, where the header says {length}")
        answer.check_end()
        return answer


class _Sink:
    """Fills an answer from HTTP/2."""

    __slots__ = ("_answer", "wants_body")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.wants_body = not answer.is_head

    def on_headers(self, status: int, headers: http2.Headers) -> bool:
        for name, value in headers:
            self._answer.on_header(name.encode("latin-1"), value.encode("latin-1"))
        self._answer.end_header(status)
        if status in _BODILESS:
            self.wants_body = False
        return self.wants_body

    async def on_data(self, data: bytes) -> bool:
        await self._answer.digest([data])
        return not self._answer.body.is_full

    def on_trailers(self, headers: http2.Headers) -> None:
        """They say nothing about the answer that is judged."""
