"""The TLS handshake on an open connection, the certificates shown in it, and its failures in words that say what to
mend.
"""

import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from trio.lowlevel import wait_readable, wait_writable

from asura.model.observation import Certificate
from asura.protocols import certificate, tls_words
from asura.protocols.attempt import Fault
from asura.protocols.connection import Connection, broken_words

MAX_NAMES_SHOWN = 4
_DER = 2  # _ssl.ENCODING_DER
_FAILED = "the TLS handshake failed: "

# X509_V_ERR_*, from x509_vfy.h; the ssl module has no names for them.
_NOT_YET_VALID = 9
_EXPIRED = 10
_SELF_SIGNED = 18
_UNKNOWN_ROOT = 19
_UNKNOWN_ISSUER = frozenset({2, 20, 21})
_WRONG_HOST = frozenset({62, 63, 64})
_OTHERWISE = {
    7: "a signature in the chain is wrong",
    23: "it was revoked",
    24: "a certificate in between may not issue others",
    26: "it is not made for servers",
    47: "its authority may not issue it for this name",
    66: "its key is too short",
    67: "the key of its authority is too short",
    68: "it is signed in a way that is too weak",
}


async def start_tls(connection: Connection, *, server_name: str, context: ssl.SSLContext) -> None:
    """Make `connection` a TLS one. `server_name` is what the certificate must be for.

    Raises Fault: the handshake failed.
    """
    try:
        await _handshake(connection, server_name, context)
    except ssl.SSLCertVerificationError as exc:
        ders = _ders(connection.tls, verified=False)
        words = verification_words(exc.verify_code, exc.verify_message, server_name, ders)
        raise Fault(words, chain=certificate.chain(ders)) from None
    except OSError as exc:
        saw_certificate = bool(_ders(connection.tls, verified=False))
        raise Fault(_handshake_words(exc, saw_certificate=saw_certificate)) from None
    except ValueError:
        raise Fault(f"{_FAILED}the host name can't be asked for") from None


def peer_chain(connection: Connection) -> tuple[Certificate, ...]:
    """The certificates of a TLS connection, the leaf first, without the root; empty without TLS.

    Where they were verified, those that the trust rests on, and not whatever the target showed besides: an old root
    that expired is no reason to get up at night. Otherwise those that it showed.
    """
    tls = connection.tls
    if tls is None:
        return ()
    return certificate.chain(_ders(tls, verified=tls.context.verify_mode is not ssl.CERT_NONE))


def _ders(tls: ssl.SSLSocket | None, *, verified: bool) -> list[bytes]:
    """Certificates as they were shown, also by a handshake that failed; empty before that."""
    # Public since Python 3.13. Before, the object below has them, and gives nothing instead of an empty list.
    source: Any = tls if hasattr(tls, "get_verified_chain") else getattr(tls, "_sslobj", None)
    if source is None:
        return []
    try:
        found = source.get_verified_chain() if verified else source.get_unverified_chain()
    except ValueError:  # the connection broke since, and OpenSSL forgot
        return []
    return [each if isinstance(each, bytes) else each.public_bytes(_DER) for each in found or ()]


async def _handshake(connection: Connection, server_name: str, context: ssl.SSLContext) -> None:
    # A socket and not a MemoryBIO: OpenSSL then reads and writes by itself, without copies through Python.
    tls = context.wrap_socket(
        connection.sock, server_hostname=server_name.removesuffix("."), do_handshake_on_connect=False
    )
    connection.tls = tls
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            await wait_readable(tls)
        except ssl.SSLWantWriteError:
            await wait_writable(tls)
        else:
            return


def verification_words(code: int, message: str, server_name: str, ders: Sequence[bytes]) -> str:
    """Why a certificate was refused, from OpenSSL's code, its own message, and the certificates that were shown."""
    shown = [each for each in map(certificate.read, ders[: certificate.MAX_CERTIFICATES]) if each is not None]
    leaf = shown[0] if shown else None
    if code == _EXPIRED:
        return _expired_words(shown, now_ms=time.time_ns() // 1_000_000)
    if code == _NOT_YET_VALID:
        return f"the certificate is not valid {_until_when(ders)}: compare the clocks of the target and of this machine"
    if code in _WRONG_HOST:
        return f"the certificate is for {_listed(leaf.names if leaf else ())}, expected {server_name}"
    return f"the certificate is not trusted: {_OTHERWISE.get(code) or _untrusted_words(code, shown) or message}"


def _untrusted_words(code: int, shown: Sequence[Certificate]) -> str:
    if code == _SELF_SIGNED:
        return "it is signed by itself"
    if code == _UNKNOWN_ROOT and shown:
        return f"its authority, {shown[-1].subject}, is unknown here"
    if code in _UNKNOWN_ISSUER and shown:
        unknown = f"its issuer, {shown[-1].issuer}, is unknown here"
        return unknown if len(shown) > 1 else f"{unknown}, or the server left out the certificate in between"
    return ""


def _expired_words(shown: Sequence[Certificate], *, now_ms: int) -> str:
    for place, each in enumerate(shown):
        if each.expires_at <= now_ms:
            which = "the certificate" if place == 0 else f"the certificate in between, {each.subject},"
            # Without how long ago that was: the words are kept with an incident for months.
            return f"{which} expired on {_minute(each.expires_at)}"
    return "the certificate's authority expired" if shown else "the certificate expired"


def _until_when(ders: Sequence[bytes]) -> str:
    starts = [start for start in map(certificate.starts_at, ders[: certificate.MAX_CERTIFICATES]) if start is not None]
    return f"before {_minute(max(starts))}" if starts else "yet"


def _minute(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "another name"
    hidden = len(names) - MAX_NAMES_SHOWN
    return ", ".join(names[:MAX_NAMES_SHOWN]) + (f" and {hidden} more" if hidden > 0 else "")


def _handshake_words(exc: OSError, *, saw_certificate: bool) -> str:
    if isinstance(exc, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the target closed the connection during the TLS handshake"
    if isinstance(exc, ConnectionResetError | BrokenPipeError):
        return "the target reset the connection during the TLS handshake"
    if isinstance(exc, ssl.SSLError):
        return f"{_FAILED}{tls_words.words(exc, saw_certificate=saw_certificate)}"
    return f"the connection was {broken_words(exc)} during the TLS handshake"
