"""One value of the configuration: from what YAML gave to what the program uses, or ValueError("must be …")."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from asura import units
from asura.config.access import PERMISSIONS, Role

Parse = Callable[[object], object]

MAX_TEXT_CHARS = 2048
_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", re.ASCII)
_BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)

EXAMPLE_HASHES = frozenset({"0" * 64, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"})
"""That of asura.yaml.example, and the one of the word `test`, which many examples have: no key, or everybody's."""


class Expanded(str):
    """Text that came from the environment, where everything is text: it may stand for a number or a boolean."""

    __slots__ = ()


def text(value: object) -> str:
    """Text without control characters."""
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS or not value.isprintable():
        raise ValueError(f"must be text of at most {MAX_TEXT_CHARS} printable characters; put it in quotes")
    return str(value)


def boolean(value: object) -> bool:
    """`true` or `false`; nothing else means either."""
    if isinstance(value, Expanded) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def integer(*, minimum: int, maximum: int) -> Callable[[object], int]:
    """A whole number within bounds."""

    def parse(value: object) -> int:
        if isinstance(value, Expanded) and _DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise ValueError(f"must be a whole number between {minimum} and {maximum}")
        return value

    return parse


def rate(value: object) -> float:
    """A number of requests a second, fractions included; 0 is off."""
    if isinstance(value, Expanded) and _DECIMAL.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000:
        raise ValueError("must be a number between 0 (off) and 1000000")
    return float(value)


def duration(*, minimum: int, maximum: int) -> Callable[[object], int]:
    """Whole seconds within bounds, written as a duration."""

    def parse(value: object) -> int:
        seconds = units.parse_duration(value if isinstance(value, int | str) else "")
        if not minimum <= seconds <= maximum:
            raise ValueError(
                f"must be between {units.format_duration(minimum)} and {units.format_duration(maximum)}, e.g. 30s or 5m"
            )
        return seconds

    return parse


def size(*, minimum: int, maximum: int) -> Callable[[object], int]:
    """Bytes within bounds, written as a size."""

    def parse(value: object) -> int:
        size_bytes = units.parse_size(value if isinstance(value, int | str) else "")
        if not minimum <= size_bytes <= maximum:
            raise ValueError(f"must be between {units.format_size(minimum)} and {units.format_size(maximum)}")
        return size_bytes

    return parse


def choice(*names: str) -> Callable[[object], str]:
    """One of some words."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(
                f"must be {' or '.join(names)}" if len(names) < 3 else f"must be one of {', '.join(names)}"
            )
        return str(value)

    return parse


def listen(value: object) -> str:
    """An address to listen on, `host:port`; `[::]:8090` for IPv6. Port 0 lets the system choose."""
    try:
        host, port = split_listen(text(value))
        if not 0 <= port <= 65535 or not (_HOST.fullmatch(host) or ipaddress.ip_address(host)):
            raise ValueError
    except ValueError:
        raise ValueError("must be host:port, e.g. 127.0.0.1:8090, or 0.0.0.0:8090 for every address") from None
    return str(value)


def split_listen(address: str) -> tuple[str, int]:
    """Host and port of `host:port`; the brackets of an IPv6 host are taken away. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif ":" in host:
        raise ValueError(address)
    if not _DIGITS.fullmatch(port):
        raise ValueError(address)
    return host, int(port)


def base_path(value: object) -> str:
    """A path prefix without a slash at its end; empty for none."""
    if not isinstance(value, str) or not _BASE_PATH.fullmatch(value.rstrip("/")):
        raise ValueError('must be empty or a path such as "/asura"')
    return str(value).rstrip("/")


def url(value: object) -> str:
    """An http or https address without query and without a slash at its end; empty for none."""
    wanted = "must be empty or an address such as https://asura.example.org"
    if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_TEXT_CHARS:
        raise ValueError(wanted)
    if value and not _is_http_url(value):
        raise ValueError(wanted)
    return str(value).rstrip("/")


def origin(value: object) -> str:
    """Scheme, host and port of a page, as a browser sends them."""
    if not isinstance(value, str) or not _is_http_url(value) or urlsplit(value).path not in ("", "/"):
        raise ValueError("must be an origin such as https://panel.example.org")
    return str(value).rstrip("/").lower()


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password or " " in value)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and port_is_valid


def network(value: object) -> str:
    """An address or a network in CIDR form, written the usual way."""
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
    except ValueError as exc:
        if "host bits" in str(exc):
            right = ipaddress.ip_network(str(value), strict=False)
            raise ValueError(f"must be a network; {value} has host bits set, perhaps {right} is meant") from None
        raise ValueError("must be an address or a network such as 10.0.0.0/8 or fd00::/8") from None


def path(value: object) -> Path:
    """The path of a file."""
    if not isinstance(value, str) or not value or not value.isprintable() or len(value) > MAX_TEXT_CHARS:
        raise ValueError("must be the path of a file")
    return Path(value).expanduser()


def program(value: object) -> str:
    """The absolute path of a program that may be run."""
    if (
        not isinstance(value, str)
        or not value.startswith("/")
        or not value.isprintable()
        or len(value) > MAX_TEXT_CHARS
    ):
        raise ValueError("must be the absolute path of a program, such as /usr/lib/nagios/plugins/check_disk")
    return value


def socket_path(value: object) -> str:
    """The absolute path of a Unix socket, as short as the kernel takes them (unix(7))."""
    if not isinstance(value, str) or not value.startswith("/") or not value.isprintable() or len(value.encode()) > 107:
        raise ValueError("must be the absolute path of a socket, such as /run/user/1000/docker.sock")
    return value


def sha256(value: object) -> str:
    """A SHA-256 hash in hexadecimal, in small letters."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError("must be the SHA-256 hash of a key, 64 hexadecimal digits; `asura setup` makes one")
    if value.lower() in EXAMPLE_HASHES:
        raise ValueError("is an example's hash; put the hash that `asura setup` prints here")
    return value.lower()


def name(value: object) -> str:
    """What a key is called."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.strip()) <= 100:
        raise ValueError("must be a name of 1 to 100 characters")
    return str(value).strip()


def role(value: object) -> Role:
    """One of the roles."""
    if value not in list(Role):
        raise ValueError(f"must be {' or '.join(Role)}; or leave it out and list permissions")
    return Role(str(value))


def permission(value: object) -> str:
    """One of the permissions."""
    if value not in PERMISSIONS:
        raise ValueError(f"must be one of {', '.join(sorted(PERMISSIONS))}")
    return str(value)
