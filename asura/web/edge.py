"""What is refused before a handler sees it. Pure: a parsed head in, a refusal or nothing out.

Each rule is here because the layers below would answer 500 or worse: a Host label over 63 characters fails in
IDNA, a target without a path fails in Quart, a NUL or an overlong name fails in the file system, and an upgrade
to WebSocket or HTTP/2 reaches code that can end the process.
"""

import re
from collections.abc import Iterable

import attrs
import msgspec

MAX_TARGET_BYTES = 8 * 1024
"""RFC 9110 §4.1 recommends 8,000 octets as what every server should take."""
MAX_SEGMENT_BYTES = 255
"""NAME_MAX: a longer segment can't be a file, and asking the file system for it is an error."""
MAX_HOST_BYTES = 260
"""A name of 253 characters, its last dot, and a port."""
MAX_HEADER_FIELDS = 100
"""Each field costs the layers below as much as a kilobyte of value; browsers send some twenty."""

Headers = Iterable[tuple[bytes, bytes]]

_LABEL = rb"[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rb"(?:" + _LABEL + rb"(?:\." + _LABEL + rb")*\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_ABSOLUTE = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)")
_CONTROL = re.compile(rb"%(?:[01][0-9A-Fa-f]|7[Ff])")
_LONG_SEGMENT = re.compile(rb"[^/]{%d}" % (MAX_SEGMENT_BYTES + 1))


@attrs.frozen
class Refusal:
    """An answer that ends the connection: its status, its code for programs and its sentence for people."""

    status: int
    code: str
    error: str
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def body(self) -> bytes:
        """The JSON error document."""
        return msgspec.json.encode({"error": self.error, "code": self.code})

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Every header of the answer; the protective ones too, since no handler will add them."""
        return [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self.body())),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"connection", b"close"),
            *self.headers,
        ]


BAD_REQUEST = Refusal(400, "bad_request", "The request isn't valid HTTP/1.1.")
BAD_VERSION = Refusal(400, "bad_request", "Speak HTTP/1.1 or HTTP/1.0 here.")
BAD_HOST = Refusal(400, "bad_request", "The Host header isn't a host name with an optional port.")
BAD_TARGET = Refusal(
    400, "bad_request", "The request target must be a path that begins with / and has no control characters."
)
BAD_FRAMING = Refusal(
    400, "bad_request", "Give the body's length once: Content-Length, or Transfer-Encoding: chunked over HTTP/1.1."
)
NO_WEBSOCKET = Refusal(400, "bad_request", "There is no WebSocket here; live changes come from /api/v1/events.")
NO_TUNNEL = Refusal(
    405, "method_not_allowed", "This is no proxy.", ((b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)
)
TIMED_OUT = Refusal(408, "timeout", "The request took too long to arrive.")
BODY_TOO_LARGE = Refusal(413, "too_large", "The body is larger than server.max_body_size.")
TARGET_TOO_LONG = Refusal(414, "uri_too_long", "The request's path or query is too long.")
HEADERS_TOO_LARGE = Refusal(431, "headers_too_large", "The request's header fields are too many or too large.")
TOO_MANY_CONNECTIONS = Refusal(
    429, "too_many_connections", "This address holds too many connections.", ((b"retry-after", b"5"),)
)
OVERLOADED = Refusal(503, "overloaded", "Too many connections are open.", ((b"retry-after", b"5"),))
CRASHED = Refusal(500, "internal_error", "Something went wrong in the server; its log says more.")


def origin_form(target: bytes) -> bytes | None:
    """The path and query of `target`, whether it is a path or an absolute URL; None for anything else."""
    if not target.startswith(b"/"):
        absolute = _ABSOLUTE.match(target)
        if absolute is None or not is_host(absolute[1]):
            return None
        target = target[absolute.end() :]
        target = target if target.startswith(b"/") else b"/" + target
    path = target.partition(b"?")[0]
    return None if _CONTROL.search(path) or b"#" in path else target


def is_host(value: bytes) -> bool:
    """Whether `value` is a host name or address that the layers below can work with."""
    return len(value) <= MAX_HOST_BYTES and _HOST.fullmatch(value) is not None


def objection(
    *, method: bytes, target: bytes, version: bytes, headers: Headers, max_body_bytes: int | None
) -> Refusal | None:
    """Why a request won't be passed on, or None. `headers` has lower-case names, in order.

    Without `max_body_bytes` nothing that is said of the body is a reason.
    """
    fields = list(headers)
    if version not in (b"1.1", b"1.0"):
        return BAD_VERSION
    if method == b"CONNECT":
        return NO_TUNNEL
    if len(target) > MAX_TARGET_BYTES or _LONG_SEGMENT.search(target.partition(b"?")[0]):
        return TARGET_TOO_LONG
    if origin_form(target) is None:
        return BAD_TARGET
    if len(fields) > MAX_HEADER_FIELDS:
        return HEADERS_TOO_LARGE
    return _field_objection(fields, version=version, max_body_bytes=max_body_bytes)


def _field_objection(
    fields: list[tuple[bytes, bytes]], *, version: bytes, max_body_bytes: int | None
) -> Refusal | None:
    length: int | None = None
    is_chunked = False
    for name, value in fields:
        if name == b"host":
            if value and not is_host(value):
                return BAD_HOST
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            is_chunked = True
        elif name == b"upgrade" and b"websocket" in value.lower():
            return NO_WEBSOCKET
    if max_body_bytes is None:
        return None
    if is_chunked and (length is not None or version == b"1.0"):
        return BAD_FRAMING
    return BODY_TOO_LARGE if length is not None and length > max_body_bytes else None
