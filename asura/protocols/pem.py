"""Certificates and keys that people paste in: refused with a clear word when they can't be used, and loaded for TLS."""

import base64
import binascii
import os
import ssl
from collections.abc import Iterator
from typing import Literal

import attrs
from attrs.validators import and_

from asura.fields import text
from asura.protocols import certificate

MAX_PEM_CHARS = 65_536
"""Some forty certificates."""
MAX_KEY_CHARS = 8192
"""An RSA key of 8192 bits, which takes 25 ms of the event loop in each handshake; a longer one would take seconds."""
MAX_KEY_ROUNDS = 1_000_000
"""Of the function that makes the key's key from its passphrase (0.4 s): its author chose how long that takes."""

_CERTIFICATE = "CERTIFICATE"
_ENCRYPTED = "ENCRYPTED PRIVATE KEY"
_KEYS = (_ENCRYPTED, "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")


class _Unusable(ValueError):
    """A certificate and its key can't be loaded; `field` is the one to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def ders(pem: str) -> list[bytes]:
    """Every certificate in `pem`.

    Raises ValueError: "must …", there is none, or one is broken.
    """
    found = [_decoded(block) for block in _blocks(pem, _CERTIFICATE)]
    if not found or any(certificate.read(der) is None for der in found):
        raise ValueError("must be a PEM certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----")
    return found


def is_authorities(_: object, __: object, value: str) -> None:
    """Refuse what holds no certificates; for a setting that may be empty."""
    if value:
        trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), value)


def trust(context: ssl.SSLContext, authorities: str) -> None:
    """Let `context` trust the certificates in `authorities`.

    Raises ValueError: "must …".
    """
    try:
        context.load_verify_locations(cadata=b"".join(ders(authorities)))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # one in between will do, or the server's own
    except ssl.SSLError:
        raise ValueError("must be PEM certificates that OpenSSL can read") from None


def _is_certificate(_: object, __: object, value: str) -> None:
    ders(value)


def _is_usable(instance: "ClientCertificate", attribute: "attrs.Attribute[str]", value: str) -> None:
    """Try the three parts together; each field complains of what is to be changed in it."""
    try:
        show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), instance)
    except _Unusable as exc:
        if exc.field == attribute.name:
            raise


@attrs.frozen(kw_only=True)
class ClientCertificate:
    """A certificate to show when the server asks for one, with its key."""

    certificate: str = attrs.field(
        validator=and_(text(MAX_PEM_CHARS, at_least=1), _is_certificate),
        metadata={
            "label": "Certificate",
            "help": "PEM, with those of the authorities in between behind it, if there are any.",
            "multiline": True,
            "placeholder": "-----BEGIN CERTIFICATE-----",
        },
    )
    key: str = attrs.field(
        repr=False,
        validator=and_(text(MAX_KEY_CHARS, at_least=1), _is_usable),
        metadata={
            "label": "Private key",
            "help": "PEM, the one that belongs to the certificate.",
            "secret": True,
            "multiline": True,
        },
    )
    passphrase: str = attrs.field(
        default="",
        repr=False,
        validator=and_(text(1000), _is_usable),
        metadata={"label": "Passphrase", "help": "Of the private key, where it has one.", "secret": True},
    )
    type: Literal["pem"] = "pem"


def show(context: ssl.SSLContext, own: ClientCertificate) -> None:
    """Let `context` show `own` to servers that ask.

    Raises ValueError: "must …" or "is …".
    """
    key, is_encrypted = _key(own.key)
    if is_encrypted and not own.passphrase:
        raise _Unusable("key", "is encrypted: give its passphrase")
    try:
        certificates = "\n".join(ssl.DER_cert_to_PEM_cert(der) for der in ders(own.certificate))
    except ValueError as exc:
        raise _Unusable("certificate", str(exc)) from None
    file = os.memfd_create("pem", os.MFD_CLOEXEC)  # the ssl module reads files only, and a key belongs on no disk
    try:
        os.write(file, f"{certificates}\n{key}\n".encode("ascii"))
        # A callback, because OpenSSL would ask the terminal for what a string didn't open.
        context.load_cert_chain(f"/proc/self/fd/{file}", password=lambda: own.passphrase)
    except ssl.SSLError as exc:
        raise _reason(exc, is_encrypted=is_encrypted) from None
    finally:
        os.close(file)


def _reason(exc: ssl.SSLError, *, is_encrypted: bool) -> _Unusable:
    if exc.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
        return _Unusable("key", "does not belong to the certificate")
    if exc.reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "CA_KEY_TOO_SMALL"):
        return _Unusable("certificate", "has a key or a signature that OpenSSL holds for too weak")
    if is_encrypted:
        return _Unusable("passphrase", "does not open the private key")
    return _Unusable("key", "must be a private key in PEM that OpenSSL can read")


def _key(pem: str) -> tuple[str, bool]:
    """The one private key in `pem`, and whether it is encrypted."""
    found = next(((label, block) for label in _KEYS for block in _blocks(pem[:MAX_KEY_CHARS], label)), None)
    if found is None or not found[1].isascii():
        raise _Unusable("key", "must be a private key in PEM, from -----BEGIN … PRIVATE KEY----- to its END")
    label, block = found
    whole = f"-----BEGIN {label}-----{block}-----END {label}-----"
    if label != _ENCRYPTED:
        return whole, "Proc-Type: 4,ENCRYPTED" in block
    try:
        der = _decoded(block)
        if any(number > MAX_KEY_ROUNDS for number in _numbers(der)):
            raise _Unusable("key", f"is encrypted with more than {MAX_KEY_ROUNDS} rounds, which would take too long")
    except _Unusable:
        raise
    except (ValueError, IndexError, StopIteration):
        raise _Unusable("key", "must be a private key in PEM, unbroken") from None
    return whole, True


def _numbers(der: bytes) -> Iterator[int]:
    """Every number in what says how a key is encrypted (RFC 8018 §A): rounds, lengths, the cost of scrypt."""
    outer = next(certificate.items(der))[1]
    waiting = [next(certificate.items(outer))[1]]
    while waiting:
        for tag, value in certificate.items(waiting.pop()):
            if tag == certificate.SEQUENCE:
                waiting.append(value)
            elif tag == certificate.INTEGER:
                yield int.from_bytes(value, "big")


def _blocks(pem: str, label: str) -> Iterator[str]:
    """What stands between each BEGIN and its END (RFC 7468). A regular expression would take quadratic time."""
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    at = pem.find(begin)
    while at >= 0:
        until = pem.find(end, at)
        if until < 0:
            return
        yield pem[at + len(begin) : until]
        at = pem.find(begin, until)


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return b""
