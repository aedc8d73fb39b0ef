"""What OpenSSL reports, in words that say what to mend. Each reads after "the TLS handshake failed: "."""

import ssl

_TOO_OLD = "the target only speaks a TLS version that is too old"
_NO_TLS = "the target doesn't speak TLS on this port"
_NO_COMMON_CIPHER = "no cipher or protocol in common"
NO_PROTOCOL = "the target speaks none of the protocols that were offered"
_WANTS_CERTIFICATE = "the target wants a client certificate"
_REASONS = {
    # What was wrong with what came.
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "HTTP_REQUEST": "the target speaks plain HTTP on this port",
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "WRONG_SSL_VERSION": _TOO_OLD,
    "VERSION_TOO_LOW": _TOO_OLD,
    "UNKNOWN_PROTOCOL": _TOO_OLD,
    "WRONG_CIPHER_RETURNED": _NO_COMMON_CIPHER,
    "NO_CIPHERS_AVAILABLE": "this machine's OpenSSL allows no cipher",
    "DH_KEY_TOO_SMALL": "the target's key exchange is too weak",
    "EE_KEY_TOO_SMALL": "the certificate's key is too short",
    "CA_MD_TOO_WEAK": "a certificate is signed in a way that is too weak",
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED": "the target signs in a way that is too weak",
    "WRONG_SIGNATURE_TYPE": "the target signs in a way that is too weak",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "the target only knows renegotiation that is unsafe (RFC 5746)",
    "EXCESSIVE_MESSAGE_SIZE": "a message of the target is too long, such as certificates of more than 100 kB",
    "BAD_SIGNATURE": "the target's signature is wrong: its key doesn't belong to its certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTS_CERTIFICATE,
    # What the target complained of (RFC 8446 §6.2).
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _NO_COMMON_CIPHER,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "the target wants stronger ciphers than those offered",
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "TLSV1_UNRECOGNIZED_NAME": "the target doesn't know this host name",
    "TLSV1_ALERT_INTERNAL_ERROR": "the target reports an error of its own; perhaps it doesn't know this host name",
    "TLSV1_ALERT_ACCESS_DENIED": "the target denies access",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": NO_PROTOCOL,
    "TLSV1_ALERT_UNKNOWN_CA": "the target doesn't trust the client certificate: it doesn't know who issued it",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the target takes the client certificate for bad",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the target takes no client certificate of this kind",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the target doesn't take the client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the target says that the client certificate expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the target says that the client certificate was revoked",
}
_ALERT = "_ALERT_"


def words(exc: ssl.SSLError, *, saw_certificate: bool = False) -> str:
    """What went wrong. `saw_certificate`: after the target had shown its own."""
    reason = exc.reason or ""
    if reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" and saw_certificate:
        return f"{_WANTS_CERTIFICATE}, or another one"
    if "no application protocol" in str(exc):  # older Pythons have no name for it
        return NO_PROTOCOL
    known = _REASONS.get(reason)
    if known is not None:
        return known
    if _ALERT in reason:
        return f'the target sent the alert "{_spelt(reason.partition(_ALERT)[2])}"'
    return _spelt(reason) if reason else "OpenSSL gives no reason"


def _spelt(reason: str) -> str:
    return reason.replace("_", " ").lower()
