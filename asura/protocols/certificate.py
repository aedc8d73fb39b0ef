"""What is said about certificates: whose they are, by whom and for whom they were made, and when they end.

The ssl module decodes certificates only when it verified them, and `cryptography` would be a large dependency for a
few fields. This walks X.509 (RFC 5280 §4.1) just far enough and trusts nothing: what isn't as expected gives None.
"""

import hashlib
from calendar import timegm
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import ip_address

from asura.model.observation import Certificate

INTEGER, SEQUENCE = 0x02, 0x30
_OID, _OCTETS, _UTC_TIME, _GENERALIZED_TIME, _BMP_STRING = 0x06, 0x04, 0x17, 0x18, 0x1E
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_NAME = 0x82, 0x87
_SUBJECT_ALT_NAME = bytes((0x55, 0x1D, 0x11))
_COMMON_NAME, _ORGANIZATION, _UNIT = (bytes((0x55, 0x04, last)) for last in (0x03, 0x0A, 0x0B))
_RSA = bytes.fromhex("2a864886f70d010101")
_KEYS = {
    bytes.fromhex("2a8648ce3d030107"): "ECDSA, P-256",
    bytes.fromhex("2b81040022"): "ECDSA, P-384",
    bytes.fromhex("2b81040023"): "ECDSA, P-521",
    bytes.fromhex("2b6570"): "Ed25519",
    bytes.fromhex("2b6571"): "Ed448",
}
REMEMBERED = 4096
"""Chains: 1 kB each, a few kB where there are many names. Beyond so many targets, each leaf is read anew in 0.1 ms."""
REMEMBERED_BYTES = 16_384
"""A longer chain is read anew each time: what is remembered has a limit, and most are a quarter as long."""
OTHERS, OTHER_BYTES = 256, 4096
"""Certificates in between are few in the world, and each is remembered by its whole text."""
MAX_CERTIFICATES = 10
"""Of one chain; OpenSSL itself takes 100 kB of them."""
MAX_NAMES = 100
MAX_NAME_CHARS = 253

_remembered: dict[bytes, tuple[Certificate, ...]] = {}
"""By the digest of all their certificates, those used last at the end: the same chain comes back at every check."""


def chain(ders: Sequence[bytes]) -> tuple[Certificate, ...]:
    """What a target showed, the leaf first, in words.

    A root at the end is left out: whoever trusts it has it already, and its end matters to nobody.
    """
    if sum(map(len, ders)) > REMEMBERED_BYTES:
        return _chain(ders)
    digest = hashlib.sha256(b"".join(ders)).digest()
    found = _remembered.pop(digest, None)
    if found is None:
        found = _chain(ders)
        if len(_remembered) >= REMEMBERED:
            del _remembered[next(iter(_remembered))]
    _remembered[digest] = found
    return found


def earliest(certificates: Sequence[Certificate]) -> int | None:
    """When the first of them ends, milliseconds since 1970; None when there are none."""
    return min((each.expires_at for each in certificates), default=None)


def read(der: bytes) -> Certificate | None:
    """A certificate in words; None when it can't be read."""
    try:
        fields = _tbs_fields(der)
        expires_at = _instant_ms(*list(items(fields[3][1]))[1])
        subject = _shown_name(fields[4][1])
        names = _names(fields)
        issuer = _shown_name(fields[2][1])
    except (ValueError, IndexError):
        return None
    return Certificate(
        subject=subject or next(iter(names), "no name"),
        names=tuple(names),
        issuer=issuer or "no name",
        expires_at=expires_at,
        fingerprint=hashlib.sha256(der).hexdigest(),
    )


_read_other = lru_cache(maxsize=OTHERS)(read)
"""Those in between, which many leaves share."""


def starts_at(der: bytes) -> int | None:
    """From when the certificate holds, milliseconds since 1970; None when it can't be read."""
    try:
        return _instant_ms(*next(items(_tbs_fields(der)[3][1])))
    except (ValueError, IndexError, StopIteration):
        return None


def key_words(der: bytes) -> str:
    """The kind and size of a certificate's key: "RSA, 2048 bits"."""
    try:
        (_, algorithm), (_, bits) = items(_tbs_fields(der)[5][1])
        oid, *parameters = (value for _, value in items(algorithm))
        if oid == _RSA:
            modulus = next(items(next(items(bits[1:]))[1]))[1]
            return f"RSA, {int.from_bytes(modulus, 'big').bit_length()} bits"
        return _KEYS.get(oid) or _KEYS.get(parameters[0]) or "of another kind"
    except (ValueError, IndexError, StopIteration):
        return "can't be read"


def _chain(ders: Sequence[bytes]) -> tuple[Certificate, ...]:
    ders = ders[:MAX_CERTIFICATES]
    if len(ders) > 1 and _is_root(ders[-1]):
        ders = ders[:-1]
    others = (_read_other(der) if len(der) <= OTHER_BYTES else read(der) for der in ders[1:])
    return tuple(each for each in (*map(read, ders[:1]), *others) if each is not None)


def _is_root(der: bytes) -> bool:
    try:
        fields = _tbs_fields(der)
        return fields[2] == fields[4]
    except (ValueError, IndexError):
        return False


def _names(fields: list[tuple[int, bytes]]) -> list[str]:
    """For whom a certificate is: its alternative names, or its common name where it has none."""
    try:
        alternative = [name for tag, value in fields if tag == _EXTENSIONS for name in _alternative_names(value)]
    except (ValueError, IndexError):
        return []  # its end is known all the same
    return [_printable(name) for name in alternative[:MAX_NAMES] or _parts(fields[4][1], _COMMON_NAME)]


def _shown_name(name: bytes) -> str:
    """A distinguished name as short as people say it: "R11, Let's Encrypt"."""
    own = _parts(name, _COMMON_NAME) or _parts(name, _UNIT)
    return ", ".join(_printable(each) for each in dict.fromkeys([*own[:1], *_parts(name, _ORGANIZATION)[:1]]))


def items(data: bytes) -> Iterator[tuple[int, bytes]]:
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
    certificate = next(items(der), (0, b""))[1]
    tbs = next(items(certificate), (0, b""))[1]
    fields = list(items(tbs))
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
    # By hand, because strptime takes 30 µs, and with many targets this is done at every check.
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    return timegm((int(text[:4]), month, day, hour, minute, second)) * 1000


def _alternative_names(extensions: bytes) -> Iterator[str]:
    for _, sequence in items(extensions):
        for _, extension in items(sequence):
            parts = list(items(extension))
            if parts[0] != (_OID, _SUBJECT_ALT_NAME) or parts[-1][0] != _OCTETS:
                continue
            for _, alternatives in items(parts[-1][1]):
                for tag, value in items(alternatives):
                    if tag == _DNS_NAME:
                        yield value.decode("ascii", "replace")
                    elif tag == _IP_NAME:
                        yield str(ip_address(value))


def _printable(name: str) -> str:
    """Whoever made the certificate chose it, and it goes into a message."""
    name = name[:MAX_NAME_CHARS]
    return name if name.isprintable() else "".join(c if c.isprintable() else "?" for c in name)


def _parts(name: bytes, wanted: bytes) -> list[str]:
    """Every value of one attribute in a distinguished name (RFC 5280 §4.1.2.4)."""
    found = []
    try:
        for _, relative in items(name):
            for _, attribute in items(relative):
                (_, oid), (tag, value) = items(attribute)
                if oid == wanted:
                    found.append(value.decode("utf-16-be" if tag == _BMP_STRING else "utf-8", "replace"))
    except (ValueError, IndexError):
        return []
    return found
