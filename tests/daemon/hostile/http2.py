"""HTTP/2 by hand, spoken to a server that should not listen to it in clear text."""

import random
import struct
from collections.abc import Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)


def frame(kind: int, *, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """One frame, RFC 9113 §4.1."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind & 255, flags & 255]) + struct.pack(">I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header field without indexing or Huffman coding, RFC 7541 §6.2.2; both shorter than 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def fields(*pairs: tuple[bytes, bytes]) -> bytes:
    """A header block."""
    return b"".join(literal(name, value) for name, value in pairs)


def get(stream: int, path: bytes = b"/", *, method: bytes = b"GET", flags: int = 5) -> bytes:
    """A request's HEADERS frame; flags 5 is END_HEADERS and END_STREAM."""
    block = fields((b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"a"))
    return frame(HEADERS, flags=flags, stream=stream, payload=block)


START = PREFACE + frame(SETTINGS)


def clear_text() -> Iterator[tuple[str, list[bytes]]]:
    """Each of what once ended a hypercorn, and what is near it."""
    connect = frame(HEADERS, flags=5, stream=1, payload=fields((b":method", b"CONNECT"), (b":authority", b"a")))
    priorities = b"".join(frame(PRIORITY, stream=2 * n + 1, payload=b"\0\0\0\0\x10") for n in range(1, 1500))
    yield "preface", [PREFACE]
    yield "half a preface", [PREFACE[:10]]
    yield "preface cut in two", [PREFACE[:18], PREFACE[18:] + frame(SETTINGS)]
    yield "a good request", [START + get(1)]
    yield "path of bytes", [START + get(1, b"/\xff\xfe")]
    yield "path empty", [START + get(1, b"")]
    yield "path without slash", [START + get(1, b"a")]
    yield "method of bytes", [START + get(1, method=b"G\xc3\x89T")]
    yield "CONNECT without path", [START + connect]
    yield (
        "DATA after an early reply",
        [START + get(1, b"/nobody", method=b"POST", flags=4) + frame(DATA, stream=1, payload=b"x" * 16_000) * 20],
    )
    yield "1,500 PRIORITY frames", [START + priorities]
    yield "priority on itself", [START + frame(PRIORITY, stream=1, payload=b"\0\0\0\x01\x10")]
    yield (
        "rapid reset",
        [START + b"".join(get(s) + frame(RST_STREAM, stream=s, payload=b"\0\0\0\x08") for s in range(1, 1001, 2))],
    )
    yield "settings flood", [START + frame(SETTINGS, payload=b"\0\x04\0\0\xff\xff") * 2000]
    yield "ping flood", [START + frame(PING, payload=b"12345678") * 2000]
    yield (
        "continuation flood",
        [START + get(1, flags=0) + frame(CONTINUATION, stream=1, payload=literal(b"a", b"b")) * 2000],
    )
    yield "empty continuations", [START + get(1, flags=0) + frame(CONTINUATION, stream=1) * 5000]
    yield "settings of odd length", [PREFACE + frame(SETTINGS, payload=b"\0\1\2")]
    yield "window too large", [START + frame(WINDOW_UPDATE, payload=b"\x7f\xff\xff\xff")]
    yield "window of nothing", [START + frame(WINDOW_UPDATE, payload=b"\0\0\0\0")]
    yield "frame too large", [START + frame(DATA, stream=1, payload=b"x" * 20_000)]
    yield "push from a client", [START + frame(PUSH_PROMISE, flags=4, stream=1, payload=b"\0\0\0\2")]
    yield "goaway", [START + frame(GOAWAY, payload=b"\0" * 8)]
    yield "unknown frame", [START + frame(0x99, stream=7, payload=b"x" * 40)]
    yield (
        "header block bomb",
        [START + frame(HEADERS, flags=5, stream=1, payload=literal(b"a", b"b" * 120) + b"\xbe" * 10_000)],
    )
    yield (
        "upper-case field",
        [START + frame(HEADERS, flags=5, stream=1, payload=fields((b":method", b"GET"), (b"X-A", b"b")))],
    )


def generated(dice: random.Random) -> bytes:
    """A preface and some frames, most of them wrong."""
    frames = []
    for _ in range(dice.randint(0, 20)):
        if dice.random() < 0.3:
            frames.append(get(dice.randrange(0, 40), dice.randbytes(dice.randint(0, 100))))
        else:
            payload = dice.randbytes(dice.randint(0, 60))
            frames.append(
                frame(dice.randrange(12), flags=dice.randrange(256), stream=dice.randrange(20), payload=payload)
            )
    data = START + b"".join(frames)
    return data[: dice.randint(1, len(data))] if dice.random() < 0.2 else data
