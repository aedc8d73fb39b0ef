"""Where a Docker engine is, which of its sockets may be opened, and a connection to it.

Whoever may write monitors must not reach every Unix socket of this machine by them (databases, the system bus), so
only those are opened that are known to be an engine's, or that the configuration lists.
"""

import errno
import os
import socket
import ssl

import attrs
import trio
from trio.lowlevel import wait_writable

from asura.errors import OwnFailure, TargetRefused
from asura.netguard import OUT_OF_SOCKETS, Address
from asura.protocols.attempt import Env, Fault, Stopwatch
from asura.protocols.connection import Connection, connect_words
from asura.protocols.handshake import start_tls
from asura.protocols.opening import Place, open_connection
from asura.protocols.target import parse_host_port

USUAL_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
)
MAX_PATH_BYTES = 107
"""Of a Unix socket (unix(7))."""
RETRY_S = 0.01
"""A Unix socket whose queue is full says so at once, and nothing tells when it isn't any longer."""

_UNIX, _TCP = "unix://", "tcp://"


@attrs.frozen(kw_only=True)
class Engine:
    """Where an engine listens: on the Unix socket `path`, or else at `host` and `port`."""

    path: str = ""
    host: str = ""
    port: int = 0


def parse_engine(text: str) -> Engine:
    """Take `unix:///path` or `tcp://host:port` apart.

    Raises ValueError: "must …".
    """
    if text.startswith(_TCP):
        host, port = parse_host_port(text.removeprefix(_TCP))
        return Engine(host=host, port=port)
    path = text.removeprefix(_UNIX)
    if path == text or not path.startswith("/") or not path.isprintable():
        raise ValueError("must be unix:// with the absolute path of a socket, or tcp:// with host and port")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise ValueError(f"must have a path of at most {MAX_PATH_BYTES} bytes")
    return Engine(path=path)


def refusal(path: str, env: Env) -> str:
    """Why the socket may not be opened, or nothing. Letter by letter: no link and no ".." leads to another."""
    if path in USUAL_SOCKETS or path in env.docker_sockets:
        return ""
    return f"{path} is no usual socket of Docker or Podman; list it in monitor.docker_sockets to allow it"


def lacks_permission(path: str) -> bool:
    """Whether the socket is there and this user may not use it."""
    return os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK)


def permission_words(path: str) -> str:
    """What to do about that."""
    return f"no permission to use {path}: add the user that Asura runs as to the socket's group (docker), and restart"


async def open_engine(engine: Engine, *, context: ssl.SSLContext | None, env: Env, watch: Stopwatch) -> Connection:
    """Connect to an engine; over TCP with TLS if there is a `context`. Close what you get.

    Raises Fault, TargetRefused, ResolveError: it can't be reached. OwnFailure: this machine may not, or can't.
    """
    if engine.path:
        return await _open_unix(engine.path, env=env, watch=watch)
    place = Place(host=engine.host, port=engine.port)
    connection = await open_connection(place, env=env, watch=watch, then="tls" if context else "first_byte")
    if context is not None:
        try:
            await start_tls(connection, server_name=engine.host, context=context)
        except BaseException:
            connection.close()
            raise
        watch.done("tls", then="first_byte")
    return connection


async def _open_unix(path: str, *, env: Env, watch: Stopwatch) -> Connection:
    if problem := refusal(path, env):
        raise TargetRefused(problem)
    watch.skip(to="connect")
    try:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as exc:
        if exc.errno in OUT_OF_SOCKETS:
            raise OwnFailure(f"no socket left on this machine: {os.strerror(exc.errno or 0)}") from exc
        raise
    try:
        while (error := sock.connect_ex(path)) == errno.EAGAIN:  # noqa: ASYNC110 - nothing tells
            await trio.sleep(RETRY_S)
        if error == errno.EINPROGRESS:
            await wait_writable(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error in (errno.EACCES, errno.EPERM):
            raise OwnFailure(permission_words(path))
        if error:
            raise Fault(_words(path, error, watch))
    except BaseException:
        sock.close()
        raise
    if watch.talks:
        watch.tell("address", path)
    watch.done("connect", then="first_byte")
    return Connection(sock, Address(path, socket.AF_UNIX, (path,)))


def _words(path: str, error: int, watch: Stopwatch) -> str:
    match error:
        case errno.ENOENT | errno.ENOTDIR:
            return f"there is no socket {path}: is the engine running, on this machine?"
        case errno.ECONNREFUSED:
            return f"connect to {path} refused after {watch.elapsed_ms()} ms: is the engine running?"
        case errno.EPROTOTYPE:
            return f"{path} is no socket for connections"
    return f"connect to {path} {connect_words(OSError(error, os.strerror(error)))} after {watch.elapsed_ms()} ms"
