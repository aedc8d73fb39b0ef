"""Proxies on loopback, HTTP CONNECT and SOCKS5, that really connect, each in one function of a stream."""

import base64
import socket

import trio

from tests.fakes.target import Behaviour, Stream


def http_proxy(*, credentials: str = "") -> Behaviour:
    """Take CONNECT, with `user:password` if there are any."""
    wanted = b"Proxy-Authorization: Basic " + base64.b64encode(credentials.encode()) + b"\r\n"

    async def behave(stream: Stream) -> None:
        head = await _until(stream, b"\r\n\r\n")
        if credentials and wanted not in head:
            await stream.send_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split(b" ", 2)[1].decode().rpartition(":")
        try:
            target = await trio.open_tcp_stream(host.strip("[]"), int(port))
        except OSError:
            await stream.send_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        await stream.send_all(b"HTTP/1.1 200 Connection established\r\nVia: a proxy\r\n\r\n")
        await _relay(stream, target)

    return behave


def socks5_proxy(*, credentials: str = "") -> Behaviour:
    """Take a SOCKS5 connect, with `user:password` if there are any."""
    name, _, password = credentials.encode().partition(b":")

    async def behave(stream: Stream) -> None:
        count = (await _exactly(stream, 2))[1]
        offered = await _exactly(stream, count)
        method = 2 if credentials else 0
        if method not in offered:
            await stream.send_all(b"\5\xff")
            return
        await stream.send_all(bytes((5, method)))
        if credentials:
            given_name = await _exactly(stream, (await _exactly(stream, 2))[1])
            given_password = await _exactly(stream, (await _exactly(stream, 1))[0])
            is_right = (given_name, given_password) == (name, password)
            await stream.send_all(b"\1\0" if is_right else b"\1\1")
            if not is_right:
                return
        kind = (await _exactly(stream, 4))[3]
        packed = await _exactly(stream, 4 if kind == 1 else 16)
        port = int.from_bytes(await _exactly(stream, 2), "big")
        host = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, packed)
        try:
            target = await trio.open_tcp_stream(host, port)
        except OSError:
            await stream.send_all(b"\5\5\0\1\0\0\0\0\0\0")
            return
        await stream.send_all(b"\5\0\0\3\4here\0\0")  # a bound name, which is rare and allowed
        await _relay(stream, target)

    return behave


async def _relay(stream: Stream, target: trio.SocketStream) -> None:
    async with target, trio.open_nursery() as nursery:
        nursery.start_soon(_pump, stream, target, nursery.cancel_scope)
        await _pump(target, stream, nursery.cancel_scope)


async def _pump(source: Stream, sink: Stream, scope: trio.CancelScope) -> None:
    """Hand on until one side ends, then end both: with a reset, if that was one."""
    try:
        while data := await source.receive_some(65_536):
            await sink.send_all(data)
    except trio.BrokenResourceError:
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        sink.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)  # type: ignore[union-attr]
    scope.cancel()


async def _until(stream: Stream, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        data += await _exactly(stream, 1)
    return data


async def _exactly(stream: Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = await stream.receive_some(count - len(data))
        if not piece:
            raise trio.BrokenResourceError
        data += piece
    return data
