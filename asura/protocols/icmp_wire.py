"""ICMP echo on the wire (RFC 792, RFC 4443): requests, replies, and what is said of packets that did not arrive.

Pure: bytes in, values out. Nothing here trusts a length or a type that the other side wrote.
"""

import struct
from socket import AF_INET, AF_INET6

import attrs

HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence."""
MAX_IP_HEADER_BYTES = 60
TOKEN_BYTES = 8
"""Of each payload: what only the target can know. Identifiers and sequences have 16 bits, and others use them, too."""

ECHO_REQUEST = {int(AF_INET): 8, int(AF_INET6): 128}
ECHO_REPLY = {int(AF_INET): 0, int(AF_INET6): 129}
_ICMP_PROTOCOL = 1

_UNREACHABLE_V4 = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    4: "packet too big, and it must not be cut",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    8: "host isolated",
    9: "network forbidden",
    10: "host forbidden",
    11: "network unreachable for this type of service",
    12: "host unreachable for this type of service",
    13: "forbidden by a firewall",
    14: "host precedence violated",
    15: "precedence cut off",
}
_UNREACHABLE_V6 = {
    0: "no route to the target",
    1: "forbidden by a firewall",
    2: "beyond the scope of the source address",
    3: "host unreachable",
    4: "port unreachable",
    5: "source address forbidden",
    6: "route to the target rejected",
}
_TIME_EXCEEDED = {0: "too many hops", 1: "a part of the packet did not arrive"}

# BPF (bpf(4)), because a raw socket gets a copy of each ICMP packet that its machine gets: a thousand pings at once
# would read a million. Opcodes: byte · half word from X · jump if equal · return · 4 × low nibble to X.
_LD_HALF_X, _LD_X_HEADER, _JUMP_EQUAL, _RETURN = 0x48, 0xB1, 0x15, 0x06
_LD_X_VALUE = 0x01
_INSTRUCTION = struct.Struct("=HBBI")


@attrs.frozen(kw_only=True)
class Echo:
    """An echo reply, or the request that an error quotes."""

    sequence: int
    payload: bytes


def checksum(packet: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    if len(packet) % 2:
        packet += b"\0"
    # In the order of this machine's bytes, which is the fast one; the sum is the same but for their order.
    total = sum(memoryview(packet).cast("H"))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int.from_bytes((~total & 0xFFFF).to_bytes(2, "little" if _IS_LITTLE else "big"), "big")


_IS_LITTLE = struct.pack("=H", 1) == b"\1\0"


def request(family: int, *, identifier: int, sequence: int, payload: bytes) -> bytes:
    """An echo request. For IPv6 the kernel fills the checksum in."""
    kind = ECHO_REQUEST[family]
    packet = HEADER.pack(kind, 0, 0, identifier, sequence) + payload
    if family == AF_INET6:
        return packet
    return HEADER.pack(kind, 0, checksum(packet), identifier, sequence) + payload


def reply(packet: bytes, family: int, *, identifier: int, has_ip_header: bool) -> Echo | None:
    """The echo reply to one of `identifier` that `packet` is, or None."""
    if has_ip_header:
        packet = _without_ip_header(packet)
    return _echo(packet, ECHO_REPLY[family], identifier)


def quoted(packet: bytes, family: int, *, identifier: int) -> Echo | None:
    """The echo request of `identifier` that an error quotes, as far as it does; or None."""
    return _echo(packet, ECHO_REQUEST[family], identifier)


def _without_ip_header(packet: bytes) -> bytes:
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] != _ICMP_PROTOCOL:
        return b""
    header_bytes = (packet[0] & 0xF) * 4
    return packet[header_bytes:] if header_bytes >= 20 else b""


def _echo(packet: bytes, wanted: int, identifier: int) -> Echo | None:
    if len(packet) < HEADER.size:
        return None
    kind, code, _, seen, sequence = HEADER.unpack_from(packet)
    if (kind, code, seen) != (wanted, 0, identifier):
        return None
    return Echo(sequence=sequence, payload=packet[HEADER.size :])


def error_words(family: int, kind: int, code: int) -> str:
    """What an ICMP error says, such as "host unreachable"."""
    if family == AF_INET:
        unreachable, too_big, exceeded, wrong = 3, None, 11, 12
        words = _UNREACHABLE_V4
    else:
        unreachable, too_big, exceeded, wrong = 1, 2, 3, 4
        words = _UNREACHABLE_V6
    if kind == unreachable:
        return words.get(code, f"unreachable (code {code})")
    if kind == too_big:
        return "packet too big"
    if kind == exceeded:
        return _TIME_EXCEEDED.get(code, f"time exceeded (code {code})")
    if kind == wrong:
        return "a header of the packet is wrong"
    return f"ICMP error {kind}.{code}"


def only_identifier(family: int, identifier: int) -> bytes:
    """A socket filter (BPF) that lets pass what has this identifier. IPv4 comes with its header, IPv6 without."""
    start = (_LD_X_HEADER, 0, 0, 0) if family == AF_INET else (_LD_X_VALUE, 0, 0, 0)
    program = (
        start,
        (_LD_HALF_X, 0, 0, 4),
        (_JUMP_EQUAL, 0, 1, identifier),
        (_RETURN, 0, 0, 0xFFFF_FFFF),
        (_RETURN, 0, 0, 0),
    )
    return b"".join(_INSTRUCTION.pack(*each) for each in program)
