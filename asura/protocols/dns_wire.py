"""DNS messages as bytes: the query made once, the answer read within limits (RFC 1035 §4). No I/O.

Only what is asked for is decoded: dnspython's parser for whole messages took half a check, and gives a hostile answer
of 64 KiB a second of the event loop.
"""

import os
import socket
import struct
from typing import NamedTuple

import attrs
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.txtbase import TXTBase

from asura.protocols.names import printable

MAX_RECORDS = 256
"""In an answer; more is no answer that anybody compares. One takes up to 100 µs to decode."""
MAX_CNAMES = 16
"""In a row, as resolvers follow them."""
MAX_POINTERS = 32
"""In one name. Each must point backwards, so there is no loop; this bounds the walk."""

EDNS_BYTES = 1232
"""The UDP answer that we take: the largest that arrives in one piece everywhere (DNS flag day 2020)."""
_EDNS = b"\0" + struct.pack("!HHIH", 41, EDNS_BYTES, 0, 0)
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_QR, _OPCODE, _TC, _RD, _AD, _RCODE = 0x8000, 0x7800, 0x0200, 0x0100, 0x0020, 0x000F
_IN, _A, _CNAME, _TXT, _AAAA, _SPF = 1, 1, 5, 16, 28, 99
_STYLE = dns.rdata.RdataStyle(omit_final_dot=True)
_FOLDED = frozenset(["A", "AAAA", "CNAME", "DNAME", "MX", "NS", "PTR", "RP", "SOA", "SRV"])
"""Types whose text is the same in small and capital letters."""


class Malformed(ValueError):
    """What came is no DNS message."""


@attrs.frozen(kw_only=True)
class Question:
    """What is asked, ready for the wire but for its id."""

    type: int
    asked: bytes
    """The question section, its name in lower case."""
    tail: bytes
    """All after the id, with EDNS."""
    plain_tail: bytes
    """The same without, for servers that don't know it."""


class Head(NamedTuple):
    """The first lines of an answer."""

    rcode: int
    is_truncated: bool
    is_authentic: bool
    """The resolver says that it verified the answer by DNSSEC."""
    total: int
    """Records in the answer, whatever they are."""


class Record(NamedTuple):
    """Where the value of one record lies in the message."""

    start: int
    length: int


def question(name: str, type_name: str) -> Question:
    """A question for a name as `names.parse_name` gives it."""
    kind = int(dns.rdatatype.from_text(type_name))
    asked = (dns.name.from_text(name).to_wire() or b"").lower() + struct.pack("!HH", kind, _IN)
    # AD in a query asks for AD in the answer (RFC 6840 §5.7).
    return Question(
        type=kind,
        asked=asked,
        tail=struct.pack("!5H", _RD | _AD, 1, 0, 0, 1) + asked + _EDNS,
        plain_tail=struct.pack("!5H", _RD | _AD, 1, 0, 0, 0) + asked,
    )


def new_id() -> bytes:
    """An id that nobody can guess."""
    return os.urandom(2)


def head(wire: bytes, query_id: bytes, asked: Question) -> Head | None:
    """The head of an answer to just this query; None when it answers something else, or is none."""
    if len(wire) < 12 or wire[:2] != query_id:
        return None
    _, flags, questions, count, _, _ = _HEADER.unpack_from(wire)
    if not flags & _QR or flags & _OPCODE:
        return None
    rcode = flags & _RCODE
    if questions == 0 and rcode:
        return Head(rcode, False, False, 0)  # some servers refuse without repeating what
    end = 12 + len(asked.asked)
    if questions != 1 or wire[12 : end - 4].lower() != asked.asked[:-4] or wire[end - 4 : end] != asked.asked[-4:]:
        return None
    return Head(rcode, bool(flags & _TC), bool(flags & _AD), count)


def records(wire: bytes, answer: Head, asked: Question) -> list[Record]:
    """Where the records lie that were asked for, aliases followed.

    Raises Malformed: the message is broken, or has more than `MAX_RECORDS`.
    """
    if answer.total > MAX_RECORDS:
        raise Malformed(f"{answer.total} records, and at most {MAX_RECORDS} are read")
    wanted = asked.asked[:-4]
    at = 12 + len(asked.asked)
    found: list[tuple[bytes, Record]] = []
    aliases: dict[bytes, bytes] = {}
    try:
        for _ in range(answer.total):
            owner, at = _name(wire, at)
            kind, network, _, length = _RECORD.unpack_from(wire, at)
            at += _RECORD.size
            if at + length > len(wire):
                raise Malformed("a record is longer than the message")
            if network == _IN and kind == asked.type:
                found.append((owner, Record(at, length)))
            elif network == _IN and kind == _CNAME:
                aliases.setdefault(owner, _name(wire, at)[0])
            at += length
    except (IndexError, struct.error):
        raise Malformed("the message ends too early") from None
    for _ in range(MAX_CNAMES):
        wanted = aliases.get(wanted, wanted)
    return [record for owner, record in found if owner == wanted]


def record_text(wire: bytes, record: Record, kind: int) -> str:
    """A record's value as zone files write it, but names without the final dot, and the pieces of a TXT joined.

    Raises Malformed: it is no such value.
    """
    start, length = record
    if kind == _A and length == 4:
        return socket.inet_ntoa(wire[start : start + 4])
    if kind == _AAAA and length == 16:
        return socket.inet_ntop(socket.AF_INET6, wire[start : start + 16])
    try:
        return _shown(dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.RdataType.make(kind), wire, start, length))
    except (dns.exception.DNSException, ValueError):
        raise Malformed(f"a {dns.rdatatype.to_text(dns.rdatatype.RdataType.make(kind))} record is broken") from None


def expected_text(typed: str, type_name: str) -> str:
    """What a person expects, in the very form of `record_text`.

    Raises ValueError: it can't be such a record.
    """
    kind = dns.rdatatype.from_text(type_name)
    if kind in (_TXT, _SPF) and not typed.startswith('"'):
        return printable(typed)
    try:
        return _shown(dns.rdata.from_text(dns.rdataclass.IN, kind, typed, origin=dns.name.root, relativize=False))
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"{typed[:100]!r} is no {type_name} record") from None


def comparable(text: str, type_name: str) -> str:
    """By what two records of a type are the same."""
    return text.lower() if type_name in _FOLDED else text


def _shown(rdata: dns.rdata.Rdata) -> str:
    if isinstance(rdata, TXTBase):
        return printable(b"".join(rdata.strings).decode("utf-8", "backslashreplace"))
    return printable(rdata.to_text(style=_STYLE))


def _name(wire: bytes, at: int) -> tuple[bytes, int]:
    """The name at `at`, uncompressed and in lower case, and where the message goes on behind it."""
    labels: list[bytes] = []
    total = 1
    behind = 0
    lowest = at
    pointers = 0
    while True:
        length = wire[at]
        if length == 0:
            return b"".join(labels).lower() + b"\0", behind or at + 1
        if length >= 0xC0:
            behind = behind or at + 2
            at = (length & 0x3F) << 8 | wire[at + 1]
            pointers += 1
            if at >= lowest or pointers > MAX_POINTERS:
                raise Malformed("a name points to itself")
            lowest = at
            continue
        if length > 63:
            raise Malformed("a label is too long")
        total += length + 1
        if total > 255:
            raise Malformed("a name is too long")
        label = wire[at : at + length + 1]
        if len(label) <= length:
            raise IndexError
        labels.append(label)
        at += length + 1
