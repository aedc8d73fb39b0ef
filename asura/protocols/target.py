"""Targets: URLs and `host:port`, taken apart once and held against what a request may carry."""

import re
from urllib.parse import quote, urljoin, urlsplit

import attrs
import idna

from asura.netguard import literal_address

MAX_LENGTH = 2048
MAX_LOCATION_LENGTH = 8192
"""Of where a redirect leads: a request to log in (SAML) takes some 3,000 characters."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The statuses whose Location is followed."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_SAFE = "!#$%&'()*+,/:;=?@[]~-._"
"""What stays as it is in a path and query; the rest is percent-encoded as UTF-8."""


@attrs.frozen(kw_only=True)
class Url:
    """An absolute http or https URL. `host` is what is resolved and verified; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str
    authority: str = attrs.field(init=False)
    """Host and port as the Host header has them: no default port, IPv6 in brackets."""

    @authority.default
    def _authority(self) -> str:
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who is asked; credentials belong to one."""
        return self.scheme, self.host, self.port

    @property
    def shown(self) -> str:
        """For messages, without the query, which may hold secrets."""
        path, _, query = self.path.partition("?")
        return f"{self.scheme}://{self.authority}{path}{'?…' if query else ''}"


def parse_url(text: str) -> Url:
    """Take an absolute URL apart.

    Raises ValueError: "must …", what is wrong with it.
    """
    _reject_oddities(text)
    return _url(text)


def _url(text: str) -> Url:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as exc:
        raise ValueError("must be a valid URL with a port between 1 and 65535, if any") from exc
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError("must be a URL that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not have credentials in the URL; put them into the setting auth, where they stay secret")
    if not parts.hostname:
        raise ValueError("must be a URL with a host")
    if port == 0:
        raise ValueError("must have a port between 1 and 65535")
    path = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        path = f"{path}?{quote(parts.query, safe=_SAFE)}"
    return Url(scheme=scheme, host=parse_host(parts.hostname), port=port or _DEFAULT_PORTS[scheme], path=path)


def join_url(base: Url, location: str) -> Url:
    """Where `location`, absolute or relative, leads from `base`; credentials in it are dropped.

    Raises ValueError: nowhere that can be asked.
    """
    location = location.strip().replace(" ", "%20")
    _reject_oddities(location, at_most=MAX_LOCATION_LENGTH)
    try:
        parts = urlsplit(urljoin(f"{base.scheme}://{base.authority}{base.path}", location))
    except ValueError as exc:
        raise ValueError("must be a valid URL") from exc
    return _url(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


def parse_host(host: str) -> str:
    """A host in lower case ASCII: a name (IDNA 2008) or an address without brackets.

    Raises ValueError: "must …".
    """
    try:
        address = literal_address(host)
    except ValueError:
        raise ValueError("must have a valid host: this is neither a name nor an address") from None
    if address is not None:
        return str(address)
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as exc:
        raise ValueError(f"must have a valid host name: {exc}") from None
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must have a valid host name")
    return name.lower()


def parse_host_port(text: str) -> tuple[str, int]:
    """`name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`.

    Raises ValueError: "must …".
    """
    _reject_oddities(text)
    host, colon, port_text = text.rpartition(":")
    if not colon or not host or "/" in text:
        raise ValueError("must be host:port, such as db.example:5432 or [2001:db8::1]:5432")
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise ValueError("must have an IPv6 address in brackets, such as [2001:db8::1]:5432")
    if not (port_text.isascii() and port_text.isdigit()) or not 1 <= int(port_text[:6]) <= 65535:
        raise ValueError("must have a port between 1 and 65535")
    return parse_host(host.removeprefix("[").removesuffix("]")), int(port_text)


def shown_host_port(host: str, port: int) -> str:
    """For messages."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reject_oddities(text: str, *, at_most: int = MAX_LENGTH) -> None:
    if not text:
        raise ValueError("must not be empty")
    if len(text) > at_most:
        raise ValueError(f"must have at most {at_most} characters")
    if any(c <= " " or "\x7f" <= c <= "\xa0" or "\ud800" <= c <= "\udfff" or c == "\\" for c in text):
        raise ValueError("must not have spaces, control characters or backslashes")
