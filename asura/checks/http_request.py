"""Requests as bytes, made once, and what becomes of them at a redirect."""

import base64
import re
import secrets

import attrs

from asura import __version__
from asura.checks.http_payload import content_type, payload
from asura.checks.http_settings import BasicAuth, HttpSettings
from asura.protocols.target import Url

HARMLESS_HEADERS = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "content-type", "pragma", "range", "user-agent"}
)
"""What crosses over to another origin. A list of what may, because credentials hide in any header (X-Api-Token …)."""


CACHE_BUSTER = "_asura"
_BUSTED = re.compile(rf"(?<=[?&]){CACHE_BUSTER}=[0-9a-f]+(?:&|$)")


@attrs.frozen(kw_only=True)
class Request:
    """A request: where to, and the bytes."""

    url: Url
    method: str
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    """Those of the settings, credentials included."""
    body: bytes = attrs.field(repr=False)
    body_type: str = ""
    """The Content-Type of the body, unless the headers name one."""
    is_own: bool = True
    """No redirect has led away from the target's origin yet: its credentials go along."""
    wire: bytes = attrs.field(init=False, repr=False)
    """As HTTP/1.1 has it."""

    @wire.default
    def _wire(self) -> bytes:
        lines = [f"{self.method} {self.url.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._lines()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body

    def http2_headers(self) -> list[tuple[str, str]]:
        """The header as HTTP/2 has it, pseudo-headers first (RFC 9113 §8.3.1)."""
        lines = self._lines()
        authority = next(value for name, value in lines if name.lower() == "host")
        return [
            (":method", self.method),
            (":scheme", self.url.scheme),
            (":authority", authority),
            (":path", self.url.path),
            *lines,
        ]

    def busted(self) -> "Request":
        """The same with a query parameter that no cache has seen."""
        path = self.url.path
        path += f"{'&' if '?' in path else '?'}{CACHE_BUSTER}={secrets.token_hex(8)}"
        return attrs.evolve(self, url=attrs.evolve(self.url, path=path))

    def unbusted(self) -> "Request":
        """The same without what `busted` added and a redirect brought back, or circles couldn't be seen."""
        path = _BUSTED.sub("", self.url.path).rstrip("?&")
        return attrs.evolve(self, url=attrs.evolve(self.url, path=path))

    def _lines(self) -> list[tuple[str, str]]:
        given = {name.lower() for name, _ in self.headers}
        return [line for line in _defaults(self) if line[0].lower() not in given] + list(self.headers)


def first_request(url: Url, settings: HttpSettings) -> Request:
    """The request to the target itself."""
    headers = list(settings.headers.items())
    if settings.auth is not None:
        headers = [(name, value) for name, value in headers if name.lower() != "authorization"]
        headers.append(("Authorization", _authorization(settings)))
    return Request(
        url=url,
        method=settings.method,
        headers=tuple(headers),
        body=payload(settings.body, settings.body_encoding),
        body_type=content_type(settings.body_encoding),
    )


def redirected(request: Request, url: Url, status: int) -> Request | None:
    """The request that follows a redirect, as a browser would make it (Fetch §4.4), or None when it must not be made.

    Credentials stay with their origin, and so does a body: at another one it is dropped with its method where the
    status says so, and otherwise there is no request.
    """
    method, body, headers = request.method, request.body, request.headers
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", b""
        headers = tuple((name, value) for name, value in headers if name.lower() != "content-type")
    is_own = request.is_own
    if not _may_see_credentials(request.url, url):
        if body:
            return None
        headers = tuple((name, value) for name, value in headers if name.lower() in HARMLESS_HEADERS)
        is_own = False
    return Request(url=url, method=method, headers=headers, body=body, body_type=request.body_type, is_own=is_own)


def _may_see_credentials(old: Url, new: Url) -> bool:
    """The same origin, or the same host's step from http to https, which every site with both makes."""
    if old.origin == new.origin:
        return True
    return old.host == new.host and (old.scheme, old.port, new.scheme, new.port) == ("http", 80, "https", 443)


def _defaults(request: Request) -> list[tuple[str, str]]:
    lines = [
        ("Host", request.url.authority),
        ("User-Agent", f"Asura/{__version__}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Connection", "close"),
    ]
    if request.body:
        lines.append(("Content-Type", request.body_type))
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(("Content-Length", str(len(request.body))))
    return lines


def _authorization(settings: HttpSettings) -> str:
    auth = settings.auth
    if isinstance(auth, BasicAuth):
        return "Basic " + base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode("ascii")
    return f"Bearer {auth.token}" if auth is not None else ""
