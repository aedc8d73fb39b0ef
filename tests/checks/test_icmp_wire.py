"""ICMP packets: what is made, what is read, and that nothing which comes from outside breaks the reading."""

import struct
from socket import AF_INET, AF_INET6

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.protocols.icmp_wire import Echo, checksum, error_words, quoted, reply, request

FAMILIES = st.sampled_from([int(AF_INET), int(AF_INET6)])
NUMBERS = st.integers(0, 0xFFFF)
HEADER_V4 = bytes.fromhex("4500 0000 0000 4000 40 01 0000 7f000001 7f000001")


def _slow_checksum(packet: bytes) -> int:
    """As RFC 1071 §1 says it, word by word."""
    total = sum(struct.unpack(f"!{(len(packet) + 1) // 2}H", packet + b"\0" * (len(packet) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(st.binary(max_size=200))
def test_the_checksum_is_that_of_the_rfc(packet: bytes) -> None:
    assert checksum(packet) == _slow_checksum(packet)


@given(NUMBERS, NUMBERS, st.binary(max_size=100))
def test_a_request_over_ipv4_sums_up_to_nothing(identifier: int, sequence: int, payload: bytes) -> None:
    packet = request(AF_INET, identifier=identifier, sequence=sequence, payload=payload)
    assert checksum(packet) == 0


@given(FAMILIES, NUMBERS, NUMBERS, st.binary(max_size=100))
def test_a_quoted_request_is_read_as_it_was_made(family: int, identifier: int, sequence: int, payload: bytes) -> None:
    packet = request(family, identifier=identifier, sequence=sequence, payload=payload)
    assert quoted(packet, family, identifier=identifier) == Echo(sequence=sequence, payload=payload)
    assert quoted(packet, family, identifier=identifier ^ 1) is None
    assert reply(packet, family, identifier=identifier, has_ip_header=False) is None


@given(FAMILIES, NUMBERS, NUMBERS, st.binary(max_size=100), st.integers(0, 10))
def test_a_reply_is_read_with_and_without_its_ip_header(
    family: int, identifier: int, sequence: int, payload: bytes, options: int
) -> None:
    kind = 0 if family == AF_INET else 129
    packet = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence) + payload
    echo = Echo(sequence=sequence, payload=payload)
    assert reply(packet, family, identifier=identifier, has_ip_header=False) == echo
    header = bytes([0x45 + options]) + HEADER_V4[1:] + bytes(4 * options)
    assert reply(header + packet, family, identifier=identifier, has_ip_header=True) == echo


@given(FAMILIES, st.binary(max_size=120), st.booleans(), NUMBERS)
def test_whatever_comes_can_be_read(family: int, packet: bytes, has_ip_header: bool, identifier: int) -> None:
    for echo in (
        reply(packet, family, identifier=identifier, has_ip_header=has_ip_header),
        quoted(packet, family, identifier=identifier),
    ):
        assert echo is None or (0 <= echo.sequence <= 0xFFFF and len(echo.payload) <= len(packet))


REPLY = struct.pack("!BBHHH", 0, 0, 0, 7, 1) + bytes(8)


@pytest.mark.parametrize(
    "packet",
    [
        HEADER_V4[:19],
        b"\x65" + HEADER_V4[1:] + REPLY,
        b"\x44" + HEADER_V4[1:] + REPLY,
        b"\x4f" + HEADER_V4[1:] + REPLY,
        HEADER_V4[:9] + b"\x11" + HEADER_V4[10:] + REPLY,
        HEADER_V4 + REPLY[:7],
    ],
    ids=["cut header", "not version 4", "header too short", "header longer than the packet", "UDP", "cut ICMP header"],
)
def test_what_is_no_whole_icmp_packet_is_no_reply(packet: bytes) -> None:
    assert reply(HEADER_V4 + REPLY, AF_INET, identifier=7, has_ip_header=True) is not None
    assert reply(packet, AF_INET, identifier=7, has_ip_header=True) is None


@pytest.mark.parametrize(
    ("family", "kind", "code", "words"),
    [
        (AF_INET, 3, 1, "host unreachable"),
        (AF_INET, 3, 4, "packet too big, and it must not be cut"),
        (AF_INET, 3, 99, "unreachable (code 99)"),
        (AF_INET, 11, 0, "too many hops"),
        (AF_INET, 12, 0, "a header of the packet is wrong"),
        (AF_INET, 5, 1, "ICMP error 5.1"),
        (AF_INET, 2, 0, "ICMP error 2.0"),
        (AF_INET6, 1, 0, "no route to the target"),
        (AF_INET6, 1, 3, "host unreachable"),
        (AF_INET6, 2, 0, "packet too big"),
        (AF_INET6, 3, 1, "a part of the packet did not arrive"),
        (AF_INET6, 3, 9, "time exceeded (code 9)"),
        (AF_INET6, 4, 0, "a header of the packet is wrong"),
    ],
)
def test_errors_are_told_in_words(family: int, kind: int, code: int, words: str) -> None:
    assert error_words(family, kind, code) == words
