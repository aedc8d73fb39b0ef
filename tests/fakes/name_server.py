"""Name servers on loopback: Knot DNS with a zone, and ones that answer by a function, well or badly."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import dns.flags
import dns.message
import dns.rrset
import trio

from tests.fakes.peers import free_port, need, running
from tests.fakes.target import Behaviour, Stream

Packets = Callable[[bytes], list[bytes]]
"""A query to the packets that are sent back."""


@attrs.define
class NameServer:
    """A server on one port for UDP and TCP. Counts what it was asked."""

    port: int
    udp: Packets
    tcp: Behaviour | None
    queries: list[bytes] = attrs.field(factory=list)
    connections: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


async def start_name_server(nursery: trio.Nursery, udp: Packets, tcp: Behaviour | None = None) -> NameServer:
    """Listen on a free port of loopback until the nursery ends; without `tcp` connections are refused."""
    sock, listener = await _same_port()
    server = NameServer(sock.getsockname()[1], udp, tcp)

    async def serve() -> None:
        with sock, listener:
            while True:
                query, peer = await sock.recvfrom(65_535)
                server.queries.append(query)
                for packet in server.udp(query):
                    await sock.sendto(packet, peer)

    async def meet(stream: trio.SocketStream) -> None:
        server.connections += 1
        assert tcp is not None
        try:
            await tcp(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    if tcp is not None:
        listener.listen(100)
        await nursery.start(trio.serve_listeners, meet, [trio.SocketListener(listener)])
    nursery.start_soon(serve)
    return server


async def _same_port() -> tuple[trio.socket.SocketType, trio.socket.SocketType]:
    """A socket for UDP and one for TCP, bound to one port; the latter doesn't listen yet, and so refuses."""
    for _ in range(50):
        tcp = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_STREAM)
        udp = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
        try:
            await tcp.bind(("127.0.0.1", 0))
            await udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return udp, tcp
    raise AssertionError("no port is free for both UDP and TCP")


def answer(*records: str, rcode: int = 0, flags: int = 0) -> Packets:
    """A proper answer with `records` as zone files write them: "www.example.org. 60 IN A 192.0.2.1"."""

    def respond(query: bytes) -> list[bytes]:
        response = dns.message.make_response(dns.message.from_wire(query), recursion_available=True)
        response.set_rcode(dns.rcode.Rcode(rcode))
        response.flags |= flags
        for record in records:
            name, ttl, network, kind, *rest = record.split(" ")
            response.answer.append(dns.rrset.from_text(name, int(ttl), network, kind, " ".join(rest)))
        return [response.to_wire()]

    return respond


def changed(packets: Packets, change: Callable[[bytes], bytes]) -> Packets:
    """The same answers with something done to their bytes."""
    return lambda query: [change(packet) for packet in packets(query)]


async def read_query(stream: Stream) -> bytes:
    """A query over TCP, its length taken off."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
        piece = await stream.receive_some()
        if not piece:
            return b""
        data += piece
    return data[2:]


def over_tcp(packets: Packets) -> Behaviour:
    """The same answers over TCP."""

    async def behave(stream: Stream) -> None:
        for packet in packets(await read_query(stream)):
            await stream.send_all(struct.pack("!H", len(packet)) + packet)

    return behave


def truncated(query: bytes) -> list[bytes]:
    """An answer that says that it is too large for UDP."""
    return answer(flags=dns.flags.TC)(query)


CONFIG = """\
server:
  listen: 127.0.0.1@{port}
  rundir: {folder}
  pidfile: {folder}/knot.pid
database:
  storage: {folder}
log:
- target: stderr
  any: warning
zone:
- domain: {zone}
  file: {folder}/zone
"""


@contextmanager
def knot(folder: Path, zone: str, records: str) -> Iterator[str]:
    """Knot DNS with one zone until the block ends; gives its `address:port`."""
    program, port = need("knotd"), free_port()
    (folder / "knot.conf").write_text(CONFIG.format(port=port, folder=folder, zone=zone))
    (folder / "zone").write_text(f"$ORIGIN {zone}.\n$TTL 300\n{records}")
    with running([program, "-c", str(folder / "knot.conf")], folder=folder, port=port):
        yield f"127.0.0.1:{port}"
