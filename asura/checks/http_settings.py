"""The settings of an HTTP check: what may be asked for, and what counts as an answer."""

from collections.abc import Mapping
from typing import Literal

import attrs
from attrs.validators import and_

from asura.checks.http_fields import SECRET_HEADERS, HeaderLines, InSomeBody, StatusList
from asura.checks.http_payload import ENCODINGS, Payload
from asura.content.ignoring import paths_field, patterns_field
from asura.fields import between, one_of, pattern, text
from asura.protocols.pem import MAX_PEM_CHARS, ClientCertificate, is_authorities
from asura.protocols.proxy import MAX_SOCKS_TEXT_BYTES, Proxy, parse_proxy

IP_VERSIONS = ("auto", "4", "6")
HTTP_VERSIONS = ("auto", "1.1", "2")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_BODY_BYTES = 16 * 2**20


@attrs.frozen(kw_only=True)
class BasicAuth:
    """A user name and a password (RFC 7617)."""

    username: str = attrs.field(
        validator=and_(text(256, at_least=1), pattern(r"[^:\x00-\x1f\x7f]*", "free of colons and control characters")),
        metadata={"label": "User name"},
    )
    password: str = attrs.field(
        default="",
        repr=False,
        validator=and_(text(1024), pattern(r"[^\x00-\x1f\x7f]*", "free of line breaks and control characters")),
        metadata={"label": "Password", "secret": True},
    )
    type: Literal["basic"] = "basic"


@attrs.frozen(kw_only=True)
class BearerAuth:
    """A token (RFC 6750)."""

    token: str = attrs.field(
        repr=False,
        validator=and_(text(4096, at_least=1), pattern(r"[!-~]*", "printable ASCII without spaces")),
        metadata={"label": "Token", "secret": True},
    )
    type: Literal["bearer"] = "bearer"


def _is_proxy(_: object, __: object, value: str) -> None:
    if value:
        parse_proxy(value)


def _fits_proxy(instance: "HttpSettings", _: object, value: BasicAuth | None) -> None:
    if value is None:
        return
    if not instance.proxy:
        raise ValueError("must be empty without a proxy")
    is_long = max(len(value.username.encode()), len(value.password.encode())) > MAX_SOCKS_TEXT_BYTES
    if is_long and instance.proxy.lower().startswith("socks5:"):
        raise ValueError(f"must have a user name and password of at most {MAX_SOCKS_TEXT_BYTES} bytes each for SOCKS5")


def proxy_of(settings: "HttpSettings") -> Proxy | None:
    """Whom to connect through, if anybody."""
    if not settings.proxy:
        return None
    auth = settings.proxy_auth
    return parse_proxy(settings.proxy, username=auth.username if auth else "", password=auth.password if auth else "")


@attrs.frozen(kw_only=True)
class HttpSettings:
    """What an HTTP check sends, and what it takes for up."""

    method: str = attrs.field(
        default="GET",
        validator=one_of(METHODS),
        metadata={
            "label": "Method",
            "help": "HEAD is enough where nothing is looked for in the body.",
            "choices": METHODS,
        },
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        repr=False,
        validator=HeaderLines(),
        metadata={
            "group": "Request",
            "label": "Headers",
            "help": "Sent with each request. After a redirect to another origin only harmless ones are kept.",
            "secret_keys": SECRET_HEADERS,
        },
    )
    body: str = attrs.field(
        default="",
        repr=False,
        validator=and_(text(65_536), Payload()),
        metadata={
            "group": "Request",
            "label": "Body",
            "help": "Sent with each request; for most methods leave it empty.",
            "multiline": True,
        },
    )
    body_encoding: str = attrs.field(
        default="text",
        validator=one_of(ENCODINGS),
        metadata={
            "group": "Request",
            "label": "Body encoding",
            "help": "Says what the body is and sets its Content-Type, unless there is one among the headers. json and "
            "form are checked; base64 stands for the bytes that are sent.",
            "choices": ENCODINGS,
        },
    )
    auth: BasicAuth | BearerAuth | None = attrs.field(
        default=None,
        metadata={
            "group": "Request",
            "label": "Authentication",
            "help": "Sent to the target's own origin only, in place of any Authorization among the headers.",
        },
    )
    expected_status: tuple[int | str, ...] = attrs.field(
        default=("2xx", "3xx"),
        validator=StatusList(),
        metadata={
            "label": "Expected status",
            "help": "Codes (200), classes (2xx) and ranges (200-204).",
        },
    )
    follow_redirects: bool = attrs.field(
        default=True,
        metadata={
            "group": "Redirects and size",
            "label": "Follow redirects",
            "help": "Judge the answer at the end, not the redirect.",
        },
    )
    max_redirects: int = attrs.field(
        default=5,
        validator=between(1, 20),
        metadata={
            "group": "Redirects and size",
            "label": "Redirect limit",
            "help": "More than this many in a row count as down.",
        },
    )
    verify_tls: bool = attrs.field(
        default=True,
        metadata={
            "group": "TLS",
            "label": "Verify certificate",
            "help": "Untrusted, expired and wrong certificates count as down.",
        },
    )
    ca_cert: str = attrs.field(
        default="",
        validator=and_(text(MAX_PEM_CHARS), is_authorities),
        metadata={
            "group": "TLS",
            "label": "Own authority",
            "help": "PEM of the authorities to trust, in place of those of the machine.",
            "multiline": True,
            "placeholder": "-----BEGIN CERTIFICATE-----",
        },
    )
    client_cert: ClientCertificate | None = attrs.field(
        default=None,
        metadata={
            "group": "TLS",
            "label": "Client certificate",
            "help": "Shown to the target's own origin only, when it asks for one.",
        },
    )
    http_version: str = attrs.field(
        default="auto",
        validator=one_of(HTTP_VERSIONS),
        metadata={
            "group": "Connection",
            "label": "HTTP version",
            "help": "auto speaks HTTP/2 where the server offers it over TLS, and HTTP/1.1 otherwise. 2 demands it.",
            "choices": HTTP_VERSIONS,
        },
    )
    ip_version: str = attrs.field(
        default="auto",
        validator=one_of(IP_VERSIONS),
        metadata={
            "group": "Connection",
            "label": "IP version",
            "help": "auto takes the first address that answers.",
            "choices": IP_VERSIONS,
        },
    )
    proxy: str = attrs.field(
        default="",
        validator=and_(text(300), _is_proxy),
        metadata={
            "group": "Connection",
            "label": "Proxy",
            "help": "http:// or socks5:// with host and port. It is told addresses, never names: those are looked up "
            "here. An HTTP proxy must allow CONNECT to the target's port.",
            "placeholder": "http://squid.internal:3128",
        },
    )
    proxy_auth: BasicAuth | None = attrs.field(
        default=None,
        validator=_fits_proxy,
        metadata={"group": "Connection", "label": "Proxy authentication", "help": "Sent to the proxy only."},
    )
    max_body_bytes: int = attrs.field(
        default=2**20,
        validator=between(1, MAX_BODY_BYTES, unit="bytes"),
        metadata={
            "group": "Redirects and size",
            "label": "Body limit",
            "help": "The body is read up to here, counted after decompression; the rest is left. The keyword is looked "
            "for in all of it, assertions are made about the first 2 MiB, changes told of the first 256 KiB of text.",
            "unit": "bytes",
        },
    )
    keyword: str = attrs.field(
        default="",
        validator=and_(text(1024), InSomeBody()),
        metadata={"label": "Keyword", "help": "A text that the body must contain, capital letters and all."},
    )
    ignore_patterns: tuple[str, ...] = patterns_field()
    ignore_paths: tuple[str, ...] = paths_field()
    cache_buster: bool = attrs.field(
        default=False,
        metadata={
            "group": "Request",
            "label": "Cache buster",
            "help": "Adds a random query parameter, _asura, to each request to the target's host, so that no cache "
            "answers in its place.",
        },
    )
