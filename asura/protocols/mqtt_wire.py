"""MQTT 3.1.1 and 5 on the wire, as far as a check needs it: bytes in, packets out, and the reverse. No I/O."""

import struct

import attrs

from asura.protocols.attempt import Fault

CONNACK, PUBLISH, SUBACK, PINGRESP, DISCONNECT = 2, 3, 9, 13, 14
LEVELS = {"3.1.1": 4, "5": 5}
"""The number of a version in CONNECT."""

KEEP_ALIVE_S = 600
"""Longer than any check, so that none has to ping; not 0, which some brokers take for a minute."""
MAX_PACKET_BYTES = 2**20
"""Of 256 MiB that the protocol would allow."""

_LENGTH_BYTES = 4
_PACKET_ID = 1
_CLEAN = 0x02
_HAS_PASSWORD, _HAS_USERNAME = 0x40, 0x80


@attrs.frozen(kw_only=True)
class Packet:
    """A packet: its type, the four bits beside it, and what follows its length."""

    kind: int
    flags: int
    content: bytes


def connect(*, level: int, client_id: str, username: str, password: str) -> bytes:
    """A CONNECT with a clean session and without a will."""
    flags = _CLEAN | (_HAS_USERNAME if username else 0) | (_HAS_PASSWORD if password else 0)
    content = _text("MQTT") + bytes((level, flags)) + struct.pack(">H", KEEP_ALIVE_S) + _no_properties(level)
    content += _text(client_id) + (_text(username) if username else b"") + (_text(password) if password else b"")
    return _packet(0x10, content)


def subscribe(topic: str, *, level: int) -> bytes:
    """A SUBSCRIBE to one topic filter with at most one delivery."""
    return _packet(0x82, struct.pack(">H", _PACKET_ID) + _no_properties(level) + _text(topic) + b"\0")


def disconnect() -> bytes:
    """A normal DISCONNECT, the same in both versions."""
    return _packet(0xE0, b"")


def connack_code(packet: Packet) -> int:
    """The return or reason code of a CONNACK: 0 is yes.

    Raises Fault: it is malformed.
    """
    if len(packet.content) < 2:
        raise _broken("a CONNACK that is too short")
    return packet.content[1]


def suback_code(packet: Packet, *, level: int) -> int:
    """What became of the one subscription: a quality of service up to 2, or a code of refusal from 0x80.

    Raises Fault: it is malformed.
    """
    content = packet.content
    codes = _after_properties(content, 2, level)
    if len(content) < 2 or int.from_bytes(content[:2], "big") != _PACKET_ID or len(content) - codes != 1:
        raise _broken("a SUBACK for something else")
    return content[codes]


def disconnect_code(packet: Packet) -> int:
    """Why the broker ends the session (MQTT 5)."""
    return packet.content[0] if packet.content else 0


def published(packet: Packet, *, level: int) -> tuple[str, bytes]:
    """The topic and the payload of a PUBLISH.

    Raises Fault: it is malformed.
    """
    quality = packet.flags >> 1 & 3
    size = int.from_bytes(packet.content[:2], "big")
    at = 2 + size + (2 if quality else 0)
    if quality == 3 or at > len(packet.content):
        raise _broken("a PUBLISH that is cut or of no quality of service")
    topic = packet.content[2 : 2 + size].decode("utf-8", "replace")
    return topic, packet.content[_after_properties(packet.content, at, level) :]


class Reader:
    """Cuts what arrives into packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._buffer += data

    def next(self) -> Packet | None:
        """The next packet, None before it is whole.

        Raises Fault: there can't be one, or it would be too large.
        """
        found = _length(self._buffer, 1)
        if found is None:
            return None
        size, start = found
        if size > MAX_PACKET_BYTES:
            raise _broken(f"a packet of {size} bytes, and no more than 1 MiB is read")
        if len(self._buffer) < start + size:
            return None
        first = self._buffer[0]
        packet = Packet(kind=first >> 4, flags=first & 0x0F, content=bytes(self._buffer[start : start + size]))
        del self._buffer[: start + size]
        return packet


def _broken(words: str) -> Fault:
    return Fault(f"the target sent broken MQTT: {words}")


def _packet(first: int, content: bytes) -> bytes:
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes((first, *length)) + content


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _no_properties(level: int) -> bytes:
    return b"\0" if level == LEVELS["5"] else b""


def _after_properties(content: bytes, at: int, level: int) -> int:
    """Where the properties that begin at `at` end; only MQTT 5 has them."""
    if level != LEVELS["5"]:
        return at
    found = _length(content, at)
    if found is None or found[0] + found[1] > len(content):
        raise _broken("properties that are cut")
    return sum(found)


def _length(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """A variable byte integer (MQTT 5 §1.5.5) and where it ends; None when it isn't whole."""
    value = 0
    for index in range(_LENGTH_BYTES):
        if at + index >= len(data):
            return None
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise _broken("a length of more than four bytes")
