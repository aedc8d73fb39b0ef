"""The one listener that the network reaches: accepts, counts, serves, and stops in time whatever clients do.

hypercorn is embedded by its parts (configuration and sockets, lifespan, connection, protocol), because its own
`worker_serve` lets one connection's crash end the process and has no limit on what clients may hold.
"""

import logging
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import time
from typing import Any
from wsgiref.handlers import format_date_time

import trio
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper
from hypercorn.utils import repr_socket_addr, wrap_app

from asura import log, metrics
from asura.errors import AsuraError
from asura.web import edge, forwarded
from asura.web.admission import Admission
from asura.web.connection import Connection, Stream
from asura.web.options import ListenOptions
from asura.web.pings import Pings

__all__ = ["ListenError", "ListenOptions", "listen"]

BACKLOG = 512
"""Connections the kernel may hold between two accepts: a browser's page of parallel requests, many times over."""
LIFESPAN_S = 5
"""For the app's own start and end, which do little: the work is in the daemon's tasks, not in the app."""

TURN_AWAY_S = 1
"""A fresh socket's buffer is empty, so a refusal that can't be sent at once is to a client that plays games."""

_log = log.get("asura.web")
_errors = metrics.counter("asura_http_connection_errors_total", "Connections that ended in an error of our own.")

Listener = trio.SocketListener | trio.SSLListener[trio.SocketStream]


class ListenError(AsuraError):
    """The address can't be listened on."""


async def listen(
    app: Any,
    options: ListenOptions,
    *,
    stopping: trio.Event,
    pings: Pings | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the ASGI `app`, and `pings` in front of it, until `stopping` is set.

    Reports the URLs once connections are accepted.

    Then nothing more is accepted, idle connections close, running requests have `shutdown_timeout_s`, and what is
    left is cut off. Raises ListenError when the address can't be had.
    """
    config = _configured(options)
    wrapped = wrap_app(app, config.wsgi_max_body_size, "asgi")
    listeners, urls = await _open(config, options)

    def started() -> None:
        _log.info("listening", urls=" ".join(urls))
        task_status.started(urls)

    lifespan = Lifespan(wrapped, config, {})
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(lifespan.handle_lifespan)
            await lifespan.wait_for_startup()
            server = _Server(wrapped, config, options, state=dict(lifespan.state), pings=pings)
            await server.run(listeners, stopping=stopping, started=started)
            await lifespan.wait_for_shutdown()
            nursery.cancel_scope.cancel()
    finally:
        for listener in listeners:
            await trio.aclose_forcefully(listener)


class _Config(Config):
    """hypercorn's configuration, with the Date header made once a second instead of for each answer."""

    _date = (0, b"")

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        now = int(time())
        if self._date[0] != now:
            self._date = (now, format_date_time(now).encode())
        return [(b"date", self._date[1])]


def _configured(options: ListenOptions) -> Config:
    config = _Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.certfile = os.fspath(options.tls_cert) if options.tls_cert else None
    config.keyfile = os.fspath(options.tls_key) if options.tls_key else None
    config.alpn_protocols = ["http/1.1"]
    config.h11_max_incomplete_size = options.max_header_bytes
    config.startup_timeout = config.shutdown_timeout = LIFESPAN_S
    return config


async def _open(config: Config, options: ListenOptions) -> tuple[list[Listener], list[str]]:
    """Listening sockets and their URLs. Raises ListenError.

    Not hypercorn's `create_sockets`, which takes one address of a name's several and leaks the socket when it fails.
    """
    try:
        context = config.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one too
        reason = f"can't use {config.certfile} and {config.keyfile}: {error}; see server.tls_cert and server.tls_key"
        raise ListenError(reason) from error
    # No host means every address of both families; "::" alone would be IPv6 only, which nobody means by it.
    host = None if options.host in ("", "::") else options.host
    try:
        opened = await trio.open_tcp_listeners(options.port, host=host, backlog=BACKLOG)
    except (OSError, UnicodeError, OverflowError) as error:
        where = f"{options.host}:{options.port}"
        reason = f"can't listen on {where}: {error}; stop what holds it, or change server.listen"
        raise ListenError(reason) from error
    if context is None:
        return list(opened), [_url("http", listener) for listener in opened]
    context.options |= ssl.OP_NO_RENEGOTIATION
    secure = [trio.SSLListener(listener, context, https_compatible=True) for listener in opened]
    return list(secure), [_url("https", listener) for listener in opened]


def _url(scheme: str, listener: trio.SocketListener) -> str:
    return f"{scheme}://{repr_socket_addr(listener.socket.family, listener.socket.getsockname())}"


class _Server:
    """Accepts on the listening sockets and runs a task for each connection."""

    def __init__(
        self, app: AppWrapper, config: Config, options: ListenOptions, *, state: dict[str, Any], pings: Pings | None
    ) -> None:
        self._app = app
        self._config = config
        self._options = options
        self._state = state
        self._pings = pings
        self._context = WorkerContext(None)
        self._admission = Admission(options)
        self._is_stopping = False

    async def run(self, listeners: list[Listener], *, stopping: trio.Event, started: Callable[[], None]) -> None:
        """Serve until `stopping`, then end within the grace."""
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                accept = partial(trio.serve_listeners, self._serve, listeners, handler_nursery=connections)
                await accepting.start(accept)
                started()
                await stopping.wait()
                accepting.cancel_scope.cancel()
            self._is_stopping = True
            self._admission.stop()
            connections.cancel_scope.deadline = trio.current_time() + self._options.shutdown_timeout_s
        if connections.cancel_scope.cancelled_caught:
            _log.warning("connections cut off", after_s=self._options.shutdown_timeout_s)

    async def _serve(self, stream: Stream) -> None:
        """One connection; trio closes it. Its errors end here: nothing from outside may end the daemon."""
        try:
            await self._admit(stream)
        except* Exception as errors:
            _errors.inc()
            _log.error("connection failed", exc_info=errors)

    async def _admit(self, stream: Stream) -> None:
        tcp = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        try:
            client, server = tcp.socket.getpeername(), tcp.socket.getsockname()
        except OSError:  # gone between connecting and being accepted
            return
        address = forwarded.plain(client[0])
        refusal = await self._admission.objection(address)
        if refusal is not None:
            await _turn_away(stream, refusal)
            return
        connection = Connection(
            self._app,
            self._config,
            self._context,
            self._state,
            stream,
            options=self._options,
            pings=self._pings,
            client=(address, client[1]),
            server=(forwarded.plain(server[0]), server[1]),
        )
        if self._is_stopping:
            connection.stop()
        self._admission.add(connection)
        try:
            await connection.run()
        finally:
            self._admission.remove(connection)


async def _turn_away(stream: Stream, refusal: edge.Refusal) -> None:
    """Say why, if that costs nothing: not over TLS, whose handshake is the dearest thing that we do."""
    if isinstance(stream, trio.SSLStream):
        return
    head = [b"HTTP/1.1 %d Refused" % refusal.status, *(b"%s: %s" % pair for pair in refusal.all_headers())]
    with trio.move_on_after(TURN_AWAY_S), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stream.send_all(b"\r\n".join([*head, b"", refusal.body()]))
