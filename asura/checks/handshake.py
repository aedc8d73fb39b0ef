"""The TLS handshake on an open connection, and its failures in words that say what to mend."""

import ssl
import time
from datetime import UTC, datetime
from functools import partial

import trio
from trio.lowlevel import wait_readable, wait_writable

from asura.checks import certificate
from asura.checks.base import Fault, Stopwatch, TlsContexts
from asura.checks.connection import Connection, broken_words, connect

INQUIRY_S = 2.0
"""How long a second connection may take that only asks a refused certificate for its names and dates."""
INQUIRY_RESERVE_S = 0.1
"""And it must end this long before the check's deadline, or the reason that is known already would be lost."""
MAX_NAMES_SHOWN = 4

# X509_V_ERR_*, from x509_vfy.h; the ssl module has no names for them.
_NOT_YET_VALID = 9
_EXPIRED = 10
_WRONG_HOST = frozenset({62, 64})
_UNTRUSTED = {
    18: "it is signed by itself",
    19: "its authority is unknown here",
    20: "its issuer is unknown, or the server left out the certificate in between",
    21: "its issuer is unknown, or the server left out the certificate in between",
}


async def start_tls(
    connection: Connection, *, server_name: str, context: ssl.SSLContext, contexts: TlsContexts, watch: Stopwatch
) -> None:
    """Make `connection` a TLS one. `server_name` is what the certificate must be for.

    Raises Fault: the handshake failed.
    """
    try:
        await _handshake(connection, server_name, context)
    except ssl.SSLCertVerificationError as exc:
        watch.stop()
        der = await _inquire(connection, server_name, contexts)
        words = _verification_words(exc, server_name, der)
        raise Fault(words, cert_expires_at=certificate.expires_at(der)) from None
    except OSError as exc:
        raise Fault(_handshake_words(exc)) from None
    except ValueError:
        raise Fault("the TLS handshake failed: the host name can't be asked for") from None


def peer_expires_at(connection: Connection) -> int | None:
    """When the peer's certificate ends, milliseconds since 1970, verified or not."""
    if connection.tls is None:
        return None
    try:
        return certificate.expires_at(connection.tls.getpeercert(binary_form=True))
    except ValueError:  # the connection broke since, and OpenSSL forgot
        return None


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


async def _inquire(refused: Connection, server_name: str, contexts: TlsContexts) -> bytes | None:
    """The certificate that was refused, from a second connection: OpenSSL shows none that it didn't accept."""
    now = trio.current_time()
    until = min(now + INQUIRY_S, trio.current_effective_deadline() - INQUIRY_RESERVE_S)
    refused.close()
    if until <= now:
        return None
    connection: Connection | None = None
    with trio.move_on_at(until):
        try:
            again = refused.redial or partial(connect, [refused.address], shown="", watch=Stopwatch())
            connection = await again()
            await _handshake(connection, server_name, contexts.client(verify=False))
            if connection.tls is not None:
                return connection.tls.getpeercert(binary_form=True)
        except (OSError, Fault):
            return None
        finally:
            if connection is not None:
                connection.close()
    return None


def _verification_words(exc: ssl.SSLCertVerificationError, server_name: str, der: bytes | None) -> str:
    if exc.verify_code == _EXPIRED:
        return f"the certificate expired{_on(der)}"
    if exc.verify_code == _NOT_YET_VALID:
        return "the certificate is not valid yet: compare the clocks of the target and of this machine"
    if exc.verify_code in _WRONG_HOST:
        return f"the certificate is for {_listed(certificate.names(der))}, expected {server_name}"
    return f"the certificate is not trusted: {_UNTRUSTED.get(exc.verify_code) or exc.verify_message}"


def _listed(names: list[str]) -> str:
    if not names:
        return "another name"
    hidden = len(names) - MAX_NAMES_SHOWN
    return ", ".join(names[:MAX_NAMES_SHOWN]) + (f" and {hidden} more" if hidden > 0 else "")


def _on(der: bytes | None) -> str:
    ends_ms = certificate.expires_at(der)
    if ends_ms is None:
        return ""
    day = datetime.fromtimestamp(ends_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    days = int((time.time() - ends_ms / 1000) / 86400)
    return f" on {day}, {days} day{'' if days == 1 else 's'} ago" if days > 0 else f" on {day}"


_REASONS = {
    "WRONG_VERSION_NUMBER": "the TLS handshake failed: the target doesn't speak TLS on this port",
    "UNSUPPORTED_PROTOCOL": "the TLS handshake failed: the target only speaks a TLS version that is too old",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the TLS handshake failed: the target only speaks a TLS version that is too old",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the TLS handshake failed: no cipher or protocol in common",
    "TLSV1_UNRECOGNIZED_NAME": "the TLS handshake failed: the target doesn't know this host name",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the TLS handshake failed: the target wants a client certificate",
    "HTTP_REQUEST": "the TLS handshake failed: the target speaks plain HTTP on this port",
    "RECORD_LAYER_FAILURE": "the TLS handshake failed: the target doesn't speak TLS on this port",
    "DH_KEY_TOO_SMALL": "the TLS handshake failed: the target's key exchange is too weak",
    "EE_KEY_TOO_SMALL": "the TLS handshake failed: the certificate's key is too short",
}


def _handshake_words(exc: OSError) -> str:
    if isinstance(exc, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the target closed the connection during the TLS handshake"
    if isinstance(exc, ConnectionResetError | BrokenPipeError):
        return "the target reset the connection during the TLS handshake"
    if isinstance(exc, ssl.SSLError):
        reason = exc.reason or str(exc)
        return _REASONS.get(reason) or f"the TLS handshake failed: {reason.replace('_', ' ').lower()}"
    return f"the connection was {broken_words(exc)} during the TLS handshake"
