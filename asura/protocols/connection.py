"""One connection on a non-blocking socket of our own: connect, send, receive, close.

`trio.lowlevel` and not `trio.SocketStream`: every await of a stream is a checkpoint, and the checkpoints were a third
of a check's time. Here a task waits only when the kernel says so, and gives way often enough that a target that
sends without end can't keep the others from running.
"""

import errno
import os
import socket
import ssl

import trio
from trio.lowlevel import checkpoint, wait_readable, wait_writable

from asura.errors import OwnFailure
from asura.netguard import OUT_OF_SOCKETS, Address
from asura.protocols.attempt import Fault, Stopwatch

CONNECT_SHARE_S = 3.0
"""The most that is spent on an address while there is another: a dead IPv6 route must not cost all the timeout."""
RECEIVE_BYTES = 65_536
READS_AT_ONCE = 8
"""TLS reads without a wait before others have their turn."""


class Connection:
    """An open connection, plain or TLS. Close it."""

    __slots__ = ("_reads_at_once", "address", "sock", "tls")

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self.sock = sock
        self.address = address
        self.tls: ssl.SSLSocket | None = None
        self._reads_at_once = 0

    async def send(self, data: bytes) -> None:
        """Send everything.

        Raises OSError: the peer broke off.
        """
        sock = self.tls or self.sock
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[sock.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                await wait_writable(sock)
            except ssl.SSLWantReadError:
                await wait_readable(sock)

    async def receive(self) -> bytes:
        """What has arrived, at most 64 KiB; empty at the end.

        Raises OSError: the peer broke off.
        """
        if self.tls is not None:
            return await self._receive_tls(self.tls)
        while True:
            await wait_readable(self.sock)
            try:
                return self.sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue

    async def _receive_tls(self, tls: ssl.SSLSocket) -> bytes:
        # Data may wait within OpenSSL, where the kernel can't see it: read first.
        self._reads_at_once += 1
        if self._reads_at_once % READS_AT_ONCE == 0:
            await checkpoint()
        while True:
            try:
                return tls.recv(RECEIVE_BYTES)
            except ssl.SSLWantReadError:
                await wait_readable(tls)
            except ssl.SSLWantWriteError:
                await wait_writable(tls)

    def close(self) -> None:
        """Close at once, without a word to the peer."""
        (self.tls or self.sock).close()


async def connect(addresses: list[Address], *, shown: str, watch: Stopwatch) -> Connection:
    """Connect to the first address that answers, in their order. `shown` names the target in messages.

    Raises Fault: none did. OwnFailure: this machine has no socket left.
    """
    fault = Fault(f"connect to {shown} failed")
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            if left == 1:
                return await _connect_one(address)
            with trio.move_on_after(share_s(left)):
                return await _connect_one(address)
            fault = Fault(f"connect to {shown} timed out")
        except OSError as exc:
            fault = Fault(f"connect to {shown} {connect_words(exc)} after {watch.elapsed_ms()} ms")
    if len(addresses) > 1:
        raise Fault(f"{fault} ({len(addresses)} addresses tried)")
    raise fault


async def _connect_one(address: Address) -> Connection:
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as exc:
        if exc.errno in OUT_OF_SOCKETS:
            raise OwnFailure(f"no socket left on this machine: {os.strerror(exc.errno or 0)}") from exc
        raise
    try:
        error = sock.connect_ex(address.sockaddr)
        if error == errno.EINPROGRESS:
            await wait_writable(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
    except BaseException:
        sock.close()
        raise
    return Connection(sock, address)


def share_s(left: int) -> float:
    """How long one address may take while `left` are to be tried, itself included."""
    remaining_s = trio.current_effective_deadline() - trio.current_time()
    return max(0.0, min(CONNECT_SHARE_S, remaining_s / left))


_CONNECT_WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ETIMEDOUT: "timed out",
    errno.ENETUNREACH: "failed, no route to its network,",
    errno.EHOSTUNREACH: "failed, host unreachable,",
    errno.EACCES: "forbidden by this machine",
    errno.EPERM: "forbidden by this machine's firewall",
    errno.EAFNOSUPPORT: "failed, no such address family here,",
    errno.EADDRNOTAVAIL: "failed, no local address or port for it,",
}


def connect_words(exc: OSError) -> str:
    """What became of a connect, such as "refused" or "timed out"."""
    return _CONNECT_WORDS.get(exc.errno or 0) or f"failed ({exc.strerror or exc})"


def broken_words(exc: OSError) -> str:
    """What became of an open connection, such as "reset"."""
    if isinstance(exc, ConnectionResetError | BrokenPipeError):
        return "reset"
    if isinstance(exc, ssl.SSLError):
        if exc.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED":  # TLS 1.3 says so only after the handshake
            return "ended, as the target wants a client certificate,"
        return f"broken ({(exc.reason or str(exc)).replace('_', ' ').lower()})"
    return f"broken ({exc.strerror or exc})"
