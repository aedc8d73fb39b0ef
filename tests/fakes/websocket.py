"""A WebSocket server on loopback that says what a test wants, frame by frame."""

import base64
import hashlib
import struct

import trio

from tests.fakes.target import Behaviour, Stream, read_request

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, bits: int = 0) -> bytes:
    """One frame of a server (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        length = bytes((size,))
    else:
        length = struct.pack(">BH", 126, size) if size < 2**16 else struct.pack(">BQ", 127, size)
    return bytes(((0x80 if fin else 0) | bits | opcode,)) + length + payload


def text(said: str) -> bytes:
    return frame(TEXT, said.encode())


def close(code: int, reason: str = "") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason.encode())


def accepted(request: bytes, *lines: str, token: str | None = None) -> bytes:
    """The answer to a handshake, with further lines; nothing to nobody."""
    if not request:
        return b""
    [key] = [line[19:] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: ")]
    made = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", *lines]
    return "\r\n".join([*head, f"Sec-WebSocket-Accept: {token or made}", "", ""]).encode()


def accepts(*pieces: bytes, lines: tuple[str, ...] = (), token: str | None = None, linger: bool = True) -> Behaviour:
    """Take the handshake, send `pieces`, and wait for the other side's end, or close at once."""

    async def behave(stream: Stream) -> None:
        request = await read_request(stream)
        await stream.send_all(accepted(request, *lines, token=token))
        for piece in pieces:
            await stream.send_all(piece)
        while linger and await stream.receive_some():
            pass

    return behave


def floods(beginning: bytes, piece: bytes) -> Behaviour:
    """Take the handshake, send `beginning`, then `piece` for ever."""

    async def behave(stream: Stream) -> None:
        await stream.send_all(accepted(await read_request(stream)) + beginning)
        many = piece * (65_536 // len(piece) or 1)
        while True:
            await stream.send_all(many)

    return behave


async def echoes(stream: Stream) -> None:
    """Send every short message back as it came, unmasked."""
    await stream.send_all(accepted(await read_request(stream)))
    data = b""
    while piece := await stream.receive_some():
        data += piece
        while len(data) >= 6 and len(data) >= 6 + (data[1] & 0x7F):
            size = data[1] & 0x7F
            mask, masked, opcode = data[2:6], data[6 : 6 + size], data[0] & 0x0F
            data = data[6 + size :]
            said = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))
            await stream.send_all(frame(opcode, said))
            if opcode == CLOSE:
                return


async def trickles(stream: Stream) -> None:
    """Take the handshake, then a byte of a frame at a time."""
    await stream.send_all(accepted(await read_request(stream)))
    for byte in frame(TEXT, bytes(120)):
        await stream.send_all(bytes((byte,)))
        await trio.sleep(0.05)
