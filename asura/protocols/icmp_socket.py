"""One socket for the pings of one attempt, unprivileged or raw (icmp(7), raw(7)).

A socket of its own for each attempt, and not one for all: the kernel then finds the attempt that a reply is for,
nothing has to be handed from task to task, and nothing is shared that a cancelled attempt could leave behind.
"""

import ctypes
import errno
import os
import secrets
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter, time_ns

import attrs

from asura.errors import OwnFailure
from asura.netguard import OUT_OF_SOCKETS, Address
from asura.protocols.icmp_wire import (
    ECHO_REPLY,
    HEADER,
    MAX_IP_HEADER_BYTES,
    TOKEN_BYTES,
    error_words,
    only_identifier,
    quoted,
    reply,
    request,
)

# What the socket module doesn't name: <asm-generic/socket.h>, <linux/in.h>, <linux/in6.h>, <linux/icmp.h>.
_SO_ATTACH_FILTER, _SO_TIMESTAMPNS = 26, 35
_IP_MTU_DISCOVER, _IP_PMTUDISC_DONT, _IP_RECVERR = 10, 0, 11
_IPV6_RECVERR = 25
_SOL_RAW, _ICMP_FILTER = 255, 1
_ICMP6_FILTER = 1
_MSG_ERRQUEUE = 0x2000
_FROM_ICMP = (2, 3)
"""Origins of an error (<linux/errqueue.h>): an ICMP packet of either family, and not this machine itself."""

_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err; the address of whoever sent it follows."""
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_ERROR_ANCILLARY_BYTES = 256
_PROTOCOLS = {int(socket.AF_INET): socket.IPPROTO_ICMP, int(socket.AF_INET6): socket.IPPROTO_ICMPV6}
_DENIED = (errno.EACCES, errno.EPERM, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT)


@attrs.frozen(kw_only=True)
class Reply:
    """The target's answer to one of our packets."""

    sequence: int
    size_bytes: int
    """Of the payload."""
    arrived_ns: int | None
    """When the kernel got it, by the wall clock; None where it doesn't say."""


@attrs.frozen(kw_only=True)
class Refusal:
    """Somebody on the way says that one of our packets did not get through."""

    sequence: int
    sender: str
    words: str


def no_permission() -> str:
    """What to do where this machine lets Asura send no pings."""
    return (
        "this machine does not let Asura send pings. Permit them by the sysctl "
        'net.ipv4.ping_group_range="0 2147483647", or by CAP_NET_RAW: AmbientCapabilities=CAP_NET_RAW (and no '
        "PrivateUsers=) in the systemd unit, or setcap cap_net_raw+ep "
        f"{Path(sys.executable).resolve()}"
    )


def open_socket(family: int) -> socket.socket:
    """An unprivileged ICMP socket, or a raw one where only those are permitted.

    Raises OwnFailure: neither is, or no socket is left. OSError: there is no such family here.
    """
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind | socket.SOCK_NONBLOCK, _PROTOCOLS[family])
        except OSError as exc:
            if exc.errno in OUT_OF_SOCKETS:
                raise OwnFailure(f"no socket left on this machine: {os.strerror(exc.errno or 0)}") from exc
            if exc.errno not in _DENIED:
                raise
    raise OwnFailure(no_permission())


class EchoSocket:
    """Sends echo requests to one address, and hears what comes back of them. Close it."""

    def __init__(self, address: Address, *, payload_bytes: int) -> None:
        """Nothing is sent yet.

        Raises OwnFailure: see `open_socket`. OSError: this machine has no way to the address.
        """
        self.address = address
        self.sock = open_socket(address.family)
        self._token = secrets.token_bytes(TOKEN_BYTES)
        self._payload = (self._token + bytes(range(256)) * (payload_bytes // 256 + 1))[:payload_bytes]
        self._bare_ip = address.ip.partition("%")[0]
        self._is_raw = self.sock.type == socket.SOCK_RAW
        self._packet_bytes = MAX_IP_HEADER_BYTES + HEADER.size + payload_bytes
        self._identifier = secrets.randbelow(0x10000)
        try:
            self._set_up()
        except BaseException:
            self.sock.close()
            raise

    def _set_up(self) -> None:
        sock, family = self.sock, self.address.family
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            # Large packets are cut on their way; otherwise the first is lost where the way is narrow.
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DONT)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        if self._is_raw:
            self._filter()
        # A connected socket is told of errors, and a raw one hears only that address.
        sock.connect(self.address.sockaddr)
        if not self._is_raw:
            self._identifier = int(sock.getsockname()[1])

    def _filter(self) -> None:
        sock, family = self.sock, self.address.family
        kind = ECHO_REPLY[family]
        if family == socket.AF_INET:
            sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFF_FFFF ^ 1 << kind))
        else:
            words = [0xFFFF_FFFF] * 8
            words[kind >> 5] ^= 1 << (kind & 31)
            sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))
        code = only_identifier(family, self._identifier)
        program = ctypes.create_string_buffer(code, len(code))
        sock.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(code) // 8, ctypes.addressof(program))
        )

    def send(self, sequence: int) -> tuple[int, float]:
        """Send one; when, by the wall clock (ns) and by `perf_counter` (s).

        Raises OSError: it can't be sent. OwnFailure: this machine has no memory for it.
        """
        packet = request(self.address.family, identifier=self._identifier, sequence=sequence, payload=self._payload)
        try:
            return self._send_once(packet)
        except OSError as exc:
            if exc.errno in OUT_OF_SOCKETS:
                raise OwnFailure(f"no memory left to send a ping: {os.strerror(exc.errno or 0)}") from exc
        # The error may be that of a packet before, whose refusal waits to be read.
        return self._send_once(packet)

    def _send_once(self, packet: bytes) -> tuple[int, float]:
        at = time_ns(), perf_counter()
        with suppress(BlockingIOError):
            # Where there is no room those before still wait for the target to tell its Ethernet address: it is gone.
            self.sock.send(packet)
        return at

    def receive(self) -> Reply | Refusal | None:
        """The next that came; None when it concerns none of our packets.

        Raises BlockingIOError: there is nothing.
        """
        try:
            packet, ancillary, _, source = self.sock.recvmsg(self._packet_bytes, _ANCILLARY_BYTES)
        except OSError:
            return self._refusal()
        if str(source[0]).partition("%")[0] != self._bare_ip:
            return None
        family = self.address.family
        echo = reply(
            packet, family, identifier=self._identifier, has_ip_header=self._is_raw and family == socket.AF_INET
        )
        if echo is None or len(echo.payload) < TOKEN_BYTES or not self._payload.startswith(echo.payload):
            return None
        return Reply(sequence=echo.sequence, size_bytes=len(echo.payload), arrived_ns=_arrived_ns(ancillary))

    def _refusal(self) -> Refusal | None:
        """Raises BlockingIOError: there is none."""
        packet, ancillary, _, _ = self.sock.recvmsg(self._packet_bytes, _ERROR_ANCILLARY_BYTES, _MSG_ERRQUEUE)
        echo = quoted(packet, self.address.family, identifier=self._identifier)
        if echo is None or not self._payload.startswith(echo.payload[:TOKEN_BYTES]):
            return None
        for level, _, body in ancillary:
            if level not in (socket.IPPROTO_IP, socket.IPPROTO_IPV6) or len(body) < _ERROR.size:
                continue
            _, origin, kind, code, *_ = _ERROR.unpack_from(body)
            if origin in _FROM_ICMP:
                words = error_words(self.address.family, kind, code)
                return Refusal(sequence=echo.sequence, sender=_sender(body[_ERROR.size :]), words=words)
        return None

    def close(self) -> None:
        """Close at once."""
        self.sock.close()


def _arrived_ns(ancillary: Sequence[tuple[int, int, bytes]]) -> int | None:
    for level, kind, body in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(body) == _TIMESPEC.size:
            seconds, ns = _TIMESPEC.unpack(body)
            return int(seconds) * 1_000_000_000 + int(ns)
    return None


def _sender(sockaddr: bytes) -> str:
    """The address in a `struct sockaddr_in` or `sockaddr_in6`."""
    family = int.from_bytes(sockaddr[:2], sys.byteorder)
    if family == socket.AF_INET and len(sockaddr) >= 8:
        return socket.inet_ntop(socket.AF_INET, sockaddr[4:8])
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        return socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return "somebody on the way"
