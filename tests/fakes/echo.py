"""A machine that answers pings as a test wants it to, on a loopback where the kernel itself doesn't (see IGNORING)."""

import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import attrs
import trio

from asura.protocols.icmp_wire import HEADER, checksum

IGNORING = {"net.ipv4.icmp_echo_ignore_all": "1", "net.ipv6.icmp.echo_ignore_all": "1"}


@attrs.frozen(kw_only=True)
class Asked:
    """An echo request that came."""

    number: int
    """From 1."""
    identifier: int
    sequence: int
    payload: bytes
    whole: bytes
    """As it came, for IPv4 with the IP header."""
    family: int


@attrs.frozen(kw_only=True)
class Packet:
    """An ICMP packet, and the address that it is sent from."""

    kind: int
    identifier: int = 0
    sequence: int = 0
    payload: bytes = b""
    code: int = 0
    source: str = ""

    def sent_by(self, family: int, sock: socket.socket) -> None:
        """Send it back to whoever asks; over IPv6 the kernel makes the checksum."""
        packet = HEADER.pack(self.kind, self.code, 0, self.identifier, self.sequence) + self.payload
        packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
        to = "127.0.0.1" if family == socket.AF_INET else "::1"
        if not self.source:
            sock.sendto(packet, (to, 0))
            return
        with socket.socket(family, socket.SOCK_RAW, sock.proto) as other:
            other.bind((self.source, 0))
            other.sendto(packet, (to, 0))


Answering = Callable[[Asked], Iterable[Packet]]


def good(asked: Asked, **changed: object) -> Packet:
    """The reply that belongs to a request, but for what is changed."""
    kind = 0 if asked.family == socket.AF_INET else 129
    whole = Packet(kind=kind, identifier=asked.identifier, sequence=asked.sequence, payload=asked.payload)
    return attrs.evolve(whole, **changed)


@contextmanager
def opened(family: int) -> Iterator[socket.socket]:
    """A raw socket that hears every request."""
    proto = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    with socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, proto) as sock:
        yield sock


async def answer(sock: socket.socket, answering: Answering) -> None:
    """Answer each request, without end."""
    family, number = sock.family, 0
    wanted, start = (8, 20) if family == socket.AF_INET else (128, 0)
    while True:
        await trio.lowlevel.wait_readable(sock)
        whole = sock.recv(65_535)
        kind, _, _, identifier, sequence = HEADER.unpack_from(whole, start)
        if kind != wanted:
            continue
        number += 1
        payload = whole[start + HEADER.size :]
        asked = Asked(
            number=number, identifier=identifier, sequence=sequence, payload=payload, whole=whole, family=family
        )
        for packet in answering(asked):
            packet.sent_by(family, sock)
