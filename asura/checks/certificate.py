"""The two things a check says about a certificate: when it ends, and for whom it is. Read from its DER.

The ssl module decodes certificates only when it verified them, and `cryptography` would be a large dependency for two
fields. This walks X.509 (RFC 5280 §4.1) just far enough and trusts nothing: what isn't as expected gives None.
"""

from calendar import timegm
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address

_SEQUENCE, _OID, _OCTETS, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x06, 0x04, 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_NAME = 0x82, 0x87
_SUBJECT_ALT_NAME = bytes((0x55, 0x1D, 0x11))
_COMMON_NAME = bytes((0x55, 0x04, 0x03))
REMEMBERED = 512
REMEMBERED_BYTES = 4096
"""A longer certificate is read anew each time: what is remembered has a limit, and most are half as long."""
MAX_NAMES = 100
MAX_NAME_CHARS = 253


def expires_at(der: bytes | None) -> int | None:
    """When the certificate ends, milliseconds since 1970; None when it can't be read."""
    return _remembered_expiry(der) if der is not None and len(der) <= REMEMBERED_BYTES else _expiry(der or b"")


def _expiry(der: bytes) -> int | None:
    try:
        fields = _tbs_fields(der)
        validity = list(_items(fields[3][1]))
        return _instant_ms(*validity[1])
    except (ValueError, IndexError):
        return None


def names(der: bytes | None) -> list[str]:
    """For whom the certificate is: its alternative names, or its common name where it has none."""
    try:
        fields = _tbs_fields(der or b"")
        alternative = [name for tag, value in fields if tag == _EXTENSIONS for name in _alternative_names(value)]
        return [_printable(name) for name in alternative[:MAX_NAMES] or _common_names(fields[4][1])]
    except (ValueError, IndexError):
        return []


_remembered_expiry = lru_cache(maxsize=REMEMBERED)(_expiry)
"""The same certificate comes back at every check."""


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (tag, content) pairs that stand one after the other in `data` (X.690 §8.1)."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("length")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > len(data):
            raise ValueError("too short")
        yield tag, data[at : at + length]
        at += length


def _tbs_fields(der: bytes) -> list[tuple[int, bytes]]:
    """Serial number, algorithm, issuer, validity, subject, key, then the optional ones; without the version."""
    certificate = next(_items(der), (0, b""))[1]
    tbs = next(_items(certificate), (0, b""))[1]
    fields = list(_items(tbs))
    return fields[1:] if fields[0][0] == _VERSION else fields


def _instant_ms(tag: int, value: bytes) -> int:
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        # RFC 5280 §4.1.2.5.1: two digits of the year, 50 to 99 are of the last century.
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("time")
    if len(text) != 15 or text[14] != "Z" or not text[:14].isdigit():
        raise ValueError("time")
    # By hand, because strptime takes 30 µs, and this is done at every check.
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    return timegm((int(text[:4]), month, day, hour, minute, second)) * 1000


def _alternative_names(extensions: bytes) -> Iterator[str]:
    for _, sequence in _items(extensions):
        for _, extension in _items(sequence):
            parts = list(_items(extension))
            if parts[0] != (_OID, _SUBJECT_ALT_NAME) or parts[-1][0] != _OCTETS:
                continue
            for _, alternatives in _items(parts[-1][1]):
                for tag, value in _items(alternatives):
                    if tag == _DNS_NAME:
                        yield value.decode("ascii", "replace")
                    elif tag == _IP_NAME:
                        yield str(ip_address(value))


def _printable(name: str) -> str:
    """Whoever made the certificate chose it, and it goes into a message."""
    return "".join(c if c.isprintable() else "?" for c in name[:MAX_NAME_CHARS])


def _common_names(subject: bytes) -> list[str]:
    found = []
    for _, relative in _items(subject):
        for _, attribute in _items(relative):
            (_, oid), (_, value) = _items(attribute)
            if oid == _COMMON_NAME:
                found.append(value.decode("utf-8", "replace"))
    return found
