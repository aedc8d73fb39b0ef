"""As much of Protocol Buffers as a health check needs: numbers and texts at the top level of a message."""

from collections.abc import Iterator

MAX_VARINT_BYTES = 10
"""Of 64 bits, seven a byte."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def text_field(number: int, text: str) -> bytes:
    """A string field, absent when empty, as proto3 has it. `number` is at most 15."""
    data = text.encode()
    return bytes((number << 3 | _BYTES,)) + _varint(len(data)) + data if data else b""


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The (number, value) pairs of a message in their order; a number for a varint, bytes for the rest.

    Raises ValueError: it is none.
    """
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if number == 0:
            raise ValueError("field 0")
        if kind == _VARINT:
            value, at = _read_varint(message, at)
        elif kind in (_BYTES, _FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
            if kind == _BYTES:
                size, at = _read_varint(message, at)
            if at + size > len(message):
                raise ValueError("too short")
            value, at = message[at : at + size], at + size
        else:
            raise ValueError(f"wire type {kind}")
        yield number, value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = 0
    for index in range(MAX_VARINT_BYTES):
        if at + index >= len(data):
            break
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("varint")
