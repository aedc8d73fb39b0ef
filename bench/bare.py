"""The bare cost of what each check does: the same bytes over the same sockets under trio, and nothing else."""

import errno
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

import h2.config
import h2.connection
import httptools
import trio

Work = Callable[[], Awaitable[None]]

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
DNS_QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x04test\x00\x00\x01\x00\x01"
WEBSOCKET_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSE_FRAME = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
MQTT_CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test"
FRAME_HEADER_BYTES = 9
FRAME_TYPE_HEADERS, FLAG_END_STREAM = 1, 1


class _Done:
    def __init__(self) -> None:
        self.complete = False

    def on_message_complete(self) -> None:
        self.complete = True


async def tcp(port: int) -> None:
    sock = trio.socket.socket()
    await sock.connect(("127.0.0.1", port))
    sock.close()


async def http(port: int) -> None:
    sock = trio.socket.socket()
    await sock.connect(("127.0.0.1", port))
    await _ask(sock)


async def docker(path: str) -> None:
    sock = trio.socket.socket(socket.AF_UNIX)
    await sock.connect(path)
    await _ask(sock)


async def _ask(sock: trio.socket.SocketType) -> None:
    await sock.send(REQUEST)
    done = _Done()
    parser = httptools.HttpResponseParser(done)
    while not done.complete:
        parser.feed_data(await sock.recv(65_536))
    sock.close()


async def tls(port: int, context: ssl.SSLContext) -> None:
    (await _handshake(port, context)).close()


async def https(port: int, context: ssl.SSLContext) -> None:
    sock = await _handshake(port, context)
    sock.send(REQUEST)
    done = _Done()
    parser = httptools.HttpResponseParser(done)
    while not done.complete:
        try:
            parser.feed_data(sock.recv(65_536))
        except ssl.SSLWantReadError:
            await trio.lowlevel.wait_readable(sock)
    sock.close()


async def _handshake(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if plain.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS:
        await trio.lowlevel.wait_writable(plain)
    sock = context.wrap_socket(plain, server_hostname="127.0.0.1", do_handshake_on_connect=False)
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            await trio.lowlevel.wait_readable(sock)
        else:
            return sock


async def dns(port: int) -> None:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    await sock.connect(("127.0.0.1", port))
    await sock.send(DNS_QUERY)
    await sock.recv(4096)
    sock.close()


async def websocket(port: int) -> None:
    sock = trio.socket.socket()
    await sock.connect(("127.0.0.1", port))
    await sock.send(WEBSOCKET_REQUEST)
    while b"hello" not in await sock.recv(65_536):
        pass
    await sock.send(CLOSE_FRAME)
    sock.close()


async def mqtt(port: int) -> None:
    sock = trio.socket.socket()
    await sock.connect(("127.0.0.1", port))
    await sock.send(MQTT_CONNECT)
    await sock.recv(64)
    await sock.send(b"\xe0\x00")
    sock.close()


def grpc(port: int) -> Work:
    """A health call whose bytes were made once; the answer's frames are only looked at for the last."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    headers = [(":method", "POST"), (":scheme", "http"), (":authority", f"127.0.0.1:{port}")]
    headers += [(":path", "/grpc.health.v1.Health/Check"), ("te", "trailers"), ("content-type", "application/grpc")]
    connection.send_headers(1, headers)
    connection.send_data(1, bytes(5), end_stream=True)
    request = connection.data_to_send()

    async def work() -> None:
        sock = trio.socket.socket()
        await sock.connect(("127.0.0.1", port))
        await sock.send(request)
        heard = b""
        while not _has_trailers(heard):
            heard += await sock.recv(65_536)
        sock.close()

    return work


def _has_trailers(heard: bytes) -> bool:
    at = 0
    while at + FRAME_HEADER_BYTES <= len(heard):
        length = int.from_bytes(heard[at : at + 3], "big")
        if heard[at + 3] == FRAME_TYPE_HEADERS and heard[at + 4] & FLAG_END_STREAM:
            return True
        at += FRAME_HEADER_BYTES + length
    return False


async def icmp() -> None:
    """One echo over a raw socket, by the first reply that comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP) as sock:
        packet = struct.pack("!BBHHH", 8, 0, 0xFFFF - 8 * 256 - 2, 1, 1)
        sock.sendto(packet, ("127.0.0.1", 0))
        while True:
            await trio.lowlevel.wait_readable(sock)
            if sock.recv(256)[20] == 0:
                return


async def command() -> None:
    await trio.run_process(["/bin/true"])
