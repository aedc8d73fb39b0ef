"""WebSocket handshakes and frames, spoken to a server that has none."""

import random
import struct
from collections.abc import Iterator, Mapping

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode: int, payload: bytes = b"", *, first: int = 0x80, is_masked: bool = True) -> bytes:
    """One frame, RFC 6455 §5.2, masked with zeros."""
    size = len(payload)
    head = bytes([first | opcode])
    mask_bit = 0x80 if is_masked else 0
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65_536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", size)
    return head + (b"\0\0\0\0" if is_masked else b"") + payload


def handshake(headers: Mapping[str, str], *lines: bytes, path: bytes = b"/api/v1/events") -> bytes:
    """An upgrade request with these lines beside the usual ones."""
    good = [f"{name}: {value}".encode("latin-1") for name, value in headers.items()]
    usual = [b"GET " + path + b" HTTP/1.1", b"Host: a", b"Connection: Upgrade", b"Upgrade: websocket", *good]
    return b"\r\n".join([*usual, *lines, b"", b""])


def cases(headers: Mapping[str, str]) -> Iterator[tuple[str, list[bytes]]]:
    """Each of what once ended a hypercorn, and what is near it."""
    hello = handshake(headers, KEY, b"Sec-WebSocket-Version: 13")
    yield "handshake", [hello]
    yield "handshake without key", [handshake(headers, b"Sec-WebSocket-Version: 13")]
    yield "handshake of version 0", [handshake(headers, KEY, b"Sec-WebSocket-Version: 0")]
    yield "handshake without version", [handshake(headers, KEY)]
    yield "handshake with two keys", [handshake(headers, KEY, KEY, b"Sec-WebSocket-Version: 13")]
    yield (
        "handshake with a key of bytes",
        [handshake(headers, b"Sec-WebSocket-Key: \xff", b"Sec-WebSocket-Version: 13")],
    )
    yield (
        "handshake with extensions",
        [
            handshake(
                headers,
                KEY,
                b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99",
            )
        ],
    )
    yield (
        "handshake with bad extensions",
        [handshake(headers, KEY, b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Extensions: ,;=,\xff")],
    )
    yield "handshake to nowhere", [handshake(headers, KEY, b"Sec-WebSocket-Version: 13", path=b"/nobody")]
    yield "handshake in capitals", [hello.replace(b"websocket", b"WebSocket")]
    yield "handshake by POST", [hello.replace(b"GET ", b"POST ")]
    yield "early data", [hello + frame(TEXT, b"hello")]
    yield "early data at once after", [hello, frame(TEXT, b"hello"), frame(CLOSE)]
    yield "empty binary frame", [hello + frame(BINARY)]
    yield "close frame of one byte", [hello + frame(CLOSE, b"\x03")]
    yield "close frame with a bad code", [hello + frame(CLOSE, struct.pack(">H", 1005))]
    yield "close frame not UTF-8", [hello + frame(CLOSE, b"\x03\xe8\xff\xff")]
    yield "frame without mask", [hello + frame(TEXT, b"a", is_masked=False)]
    yield "reserved bits", [hello + frame(TEXT, b"a", first=0xF0)]
    yield "reserved opcode", [hello + frame(0xF, b"a")]
    yield "text not UTF-8", [hello + frame(TEXT, b"\xff\xfe")]
    yield "continuation of nothing", [hello + frame(0, b"a")]
    yield "ping of 200 bytes", [hello + frame(PING, b"x" * 200)]
    yield "ping in two", [hello + frame(PING, b"x", first=0)]
    yield "size of 2^63", [hello + b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0"]
    yield "message of 1 MB", [hello + frame(TEXT, b"x" * 1_000_000)]


def generated(dice: random.Random, headers: Mapping[str, str]) -> list[bytes]:
    """A handshake, mostly good, and frames, mostly not."""
    lines = [KEY, b"Sec-WebSocket-Version: %d" % dice.choice([13, 13, 13, 8, 0, 99])]
    if dice.random() < 0.3:
        lines.append(b"Sec-WebSocket-Protocol: " + dice.randbytes(10).replace(b"\n", b""))
    dice.shuffle(lines)
    pieces = [handshake(headers, *lines[: dice.randint(0, 3)])]
    for _ in range(dice.randint(0, 8)):
        payload = dice.randbytes(dice.choice([0, 1, 2, 60, 126, 300]))
        first = dice.choice([0x80, 0x80, 0, 0xC0, 0xF0])
        pieces.append(frame(dice.randrange(16), payload, first=first, is_masked=dice.random() < 0.8))
    return pieces if dice.random() < 0.5 else [b"".join(pieces)]
