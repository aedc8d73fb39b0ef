"""One question to a name server and its answer, over UDP and, where that is too small, TCP (RFC 1035 §4.2, RFC 7766).

The socket is connected, so the kernel hands over nothing from elsewhere; what answers another question is ignored and
not believed.
"""

import math
import os
import socket
import struct
import time
from collections.abc import Sequence
from ipaddress import ip_address

import attrs
import trio
from trio.lowlevel import wait_readable

from asura.errors import OwnFailure
from asura.netguard import OUT_OF_SOCKETS, Address, ResolveError, address_at
from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.connection import CONNECT_SHARE_S, Connection, broken_words, connect, connect_words
from asura.protocols.dns_wire import Head, Question, head, new_id
from asura.protocols.target import shown_host_port

PORT = 53
TRIES = 3
"""Packets to one server: a lost one is no outage."""
RETRY_S = 2.0
"""Before it is asked again, or an even share of the time where there is less."""
MAX_STRAYS = 500
"""Packets that answer something else. A flood of them would cost a core until the timeout."""
MAX_UDP_BYTES = 65_535
RESOLV_CONF = "/etc/resolv.conf"
RESERVE_S = 0.1
"""Before the check's deadline, for an answer that one of several servers gave already."""
REREAD_S = 5.0
"""How long the machine's resolvers are believed to be the same."""
MAX_RESOLVERS = 3
"""As the C library reads them (resolv.conf(5))."""

_FORMERR, _SERVFAIL, _NOTIMP, _REFUSED = 1, 2, 4, 5
_UNABLE = frozenset({_SERVFAIL, _NOTIMP, _REFUSED})
"""Results that say something of the server and not of the name, after which the C library asks the next one."""


@attrs.frozen(kw_only=True)
class DnsReply:
    """An answer to the question, from whom it came."""

    wire: bytes
    head: Head
    server: str


async def ask(
    servers: Sequence[Address], asked: Question, *, over_tcp: bool, name: str = "", watch: Stopwatch
) -> DnsReply:
    """Ask the first server that answers, in their order. `name` is what they are called, if they have one.

    Servers without one name are the machine's resolvers: if one of them can't answer, the next is asked, and only if
    none can is that the answer.

    Raises Fault: none gave an answer that could be read. OwnFailure: this machine has no socket left.
    """
    fault = Fault("no name server was asked")
    unable: DnsReply | None = None
    for left, address in zip(range(len(servers), 0, -1), servers, strict=True):
        shown = _shown(address, name)
        is_last = left == 1 and unable is None
        try:
            with trio.move_on_after(math.inf if is_last else min(CONNECT_SHARE_S, _share_s(left))):
                reply = await _ask_one(address, asked, over_tcp=over_tcp, shown=shown, watch=watch)
                if name or left == 1 or reply.head.rcode not in _UNABLE:
                    return reply
                unable = unable or reply
                continue
            fault = Fault(f"{shown} did not answer")
        except Fault as exc:
            fault = exc
    if unable is not None:
        return unable
    if len(servers) > 1:
        raise Fault(f"{fault} ({len(servers)} name servers tried)")
    raise fault


def _shown(address: Address, name: str) -> str:
    port = int(address.sockaddr[1])
    ip = address.ip if port == PORT else shown_host_port(address.ip, port)
    return f"{name} ({ip})" if name else ip


def _share_s(left: int) -> float:
    """For one of so many servers; the last leaves time to tell what another said."""
    return _remaining_s() / left if left > 1 else max(0.0, _remaining_s() - RESERVE_S)


def _remaining_s() -> float:
    remaining_s = trio.current_effective_deadline() - trio.current_time()
    return max(0.0, remaining_s) if math.isfinite(remaining_s) else RETRY_S * TRIES


async def _ask_one(address: Address, asked: Question, *, over_tcp: bool, shown: str, watch: Stopwatch) -> DnsReply:
    if watch.talks:
        watch.tell("name server", shown)
    if not over_tcp:
        reply = await _ask_udp(address, asked, shown=shown, watch=watch)
        watch.done("first_byte")
        if not reply.head.is_truncated:
            return reply
        if watch.talks:
            watch.tell("protocol", "TCP, because the answer is too large for UDP")
    return await _ask_tcp(address, asked, shown=shown, watch=watch)


async def _ask_udp(address: Address, asked: Question, *, shown: str, watch: Stopwatch) -> DnsReply:
    sock = _open(address)
    try:
        sock.connect(address.sockaddr)
        watch.waiting_for = "first_byte"
        query = _UdpQuery(sock=sock, asked=asked, shown=shown, watch=watch)
        reply = await query.converse(asked.tail)
        if reply.head.rcode in (_FORMERR, _NOTIMP):
            # Perhaps it doesn't know EDNS (RFC 6891 §7).
            reply = await query.converse(asked.plain_tail)
    except OSError as exc:
        if isinstance(exc, ConnectionRefusedError):
            raise Fault(f"no name server listens at {shown}: refused after {watch.elapsed_ms()} ms") from None
        raise Fault(f"query to {shown} {connect_words(exc)} after {watch.elapsed_ms()} ms") from None
    else:
        return reply
    finally:
        sock.close()


def _open(address: Address) -> socket.socket:
    try:
        return socket.socket(address.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    except OSError as exc:
        if exc.errno in OUT_OF_SOCKETS:
            raise OwnFailure(f"no socket left on this machine: {os.strerror(exc.errno or 0)}") from exc
        raise Fault(f"query to {address.ip} {connect_words(exc)} at once") from None


@attrs.define(kw_only=True)
class _UdpQuery:
    """A question on a connected socket."""

    sock: socket.socket
    asked: Question
    shown: str
    watch: Stopwatch
    strays: int = 0

    async def converse(self, tail: bytes) -> DnsReply:
        """Send, and send again. All tries have one id, so that a late answer to the first still counts."""
        query_id = new_id()
        for left in range(TRIES, 1, -1):
            self.sock.send(query_id + tail)
            with trio.move_on_after(min(RETRY_S, _remaining_s() / left)):
                return await self._listen(query_id)
            if not self.strays:
                self.watch.note = f"silence from {self.shown}, asked {TRIES - left + 2} times"
        self.sock.send(query_id + tail)
        return await self._listen(query_id)

    async def _listen(self, query_id: bytes) -> DnsReply:
        while True:
            await wait_readable(self.sock)
            try:
                wire = self.sock.recv(MAX_UDP_BYTES)
            except BlockingIOError:
                continue
            answer = head(wire, query_id, self.asked)
            if answer is not None:
                self.watch.note = ""
                return DnsReply(wire=wire, head=answer, server=self.shown)
            self.strays += 1
            self.watch.note = f"only packets from {self.shown} that answer no question of ours, {self.strays} so far"
            if self.strays >= MAX_STRAYS:
                raise Fault(f"{self.shown} sent {MAX_STRAYS} packets that answer no question of ours")


async def _ask_tcp(address: Address, asked: Question, *, shown: str, watch: Stopwatch) -> DnsReply:
    watch.skip(to="connect")
    connection = await connect([address], shown=f"{shown} over TCP", watch=watch)
    query_id = new_id()
    try:
        watch.done("connect", then="first_byte")
        wire = await _converse_tcp(connection, query_id + asked.plain_tail, shown=shown, watch=watch)
        watch.done("transfer")
    finally:
        connection.close()
    answer = head(wire, query_id, asked)
    if answer is None:
        raise Fault(f"{shown} sent something over TCP that does not answer the question")
    if answer.is_truncated:
        raise Fault(f"{shown} truncates its answer over TCP, too")
    watch.note = ""
    return DnsReply(wire=wire, head=answer, server=shown)


async def _converse_tcp(connection: Connection, query: bytes, *, shown: str, watch: Stopwatch) -> bytes:
    """Send a query and read the message that comes back, each behind its length."""
    watch.note = f"silence from {shown} over TCP"
    heard = bytearray()
    wanted = 2
    try:
        await connection.send(struct.pack("!H", len(query)) + query)
        while len(heard) < wanted:
            piece = await connection.receive()
            if not piece:
                raise Fault(f"{shown} closed the TCP connection {_after(heard, wanted)}")
            if not heard:
                watch.done("first_byte", then="transfer")
            heard += piece
            if len(heard) >= 2:
                wanted = 2 + int.from_bytes(heard[:2], "big")
            watch.note = f"silence from {shown} {_after(heard, wanted)}"
    except OSError as exc:
        raise Fault(f"the TCP connection to {shown} was {broken_words(exc)} {_after(heard, wanted)}") from None
    return bytes(heard[2:wanted])


def _after(heard: bytearray, wanted: int) -> str:
    return f"after {len(heard) - 2} of {wanted - 2} bytes of the answer" if len(heard) >= 2 else "without an answer"


class OwnResolvers:
    """The resolvers of this machine, read again when they may have changed.

    They are not judged by the guard: whoever runs this machine chose them, and every other check asks them as well.
    """

    def __init__(self) -> None:
        self._addresses: list[Address] = []
        self._read_at = -math.inf

    def addresses(self) -> list[Address]:
        """At least one: without any the C library asks this machine itself."""
        now = time.monotonic()
        if now - self._read_at > REREAD_S:
            self._addresses = _nameservers(_resolv_conf())
            self._read_at = now
        return self._addresses


def _resolv_conf() -> str:
    try:
        with open(RESOLV_CONF, encoding="utf-8", errors="replace") as file:
            return file.read(65_536)
    except OSError:
        return ""


def _nameservers(text: str) -> list[Address]:
    found: list[Address] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and len(found) < MAX_RESOLVERS:
            try:
                found.append(address_at(ip_address(words[1]), PORT))
            except (ValueError, ResolveError):
                continue
    return found or [address_at(ip_address("127.0.0.1"), PORT)]


OWN_RESOLVERS = OwnResolvers()
