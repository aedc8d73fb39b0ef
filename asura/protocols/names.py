"""Domain names as people type them, turned into what a name server or a registry is asked for."""

import re
from contextlib import suppress
from ipaddress import IPv6Address

import idna

from asura.netguard import IPAddress, literal_address
from asura.protocols.target import parse_host, parse_host_port

MAX_NAME_CHARS = 253
"""RFC 1035 §2.3.4, without the dot of the root."""

_LABEL = re.compile(r"[a-z0-9_*/-]{1,63}")
"""Wider than a host's: services (`_sip._tcp`), wildcards, and `0/25` in reverse zones (RFC 2317)."""
_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})


def parse_name(text: str) -> str:
    """A name in lower case ASCII without a final dot; the root is ".".

    Raises ValueError: "must …".
    """
    if text == ".":
        return text
    try:
        labels = [_ascii(label) for label in text.translate(_DOTS).removesuffix(".").split(".")]
    except (idna.IDNAError, UnicodeError) as exc:
        raise ValueError(f"must be a valid name: {exc}") from None
    name = ".".join(labels)
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must be a name of letters, digits, hyphens and dots, such as www.example.org")
    if len(name) > MAX_NAME_CHARS:
        raise ValueError(f"must be a name of at most {MAX_NAME_CHARS} characters")
    return name


def typed_address(text: str) -> IPAddress | None:
    """The address that was typed where a name belongs, or None."""
    try:
        address = literal_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return IPv6Address(int(address))
    return address


def parse_server(text: str, *, default_port: int) -> tuple[str, int]:
    """A host and port from an address or a name, with or without a port.

    Raises ValueError: "must …".
    """
    is_bare_v6 = text.count(":") > 1 and not text.startswith("[")
    if is_bare_v6 or ":" not in text or text.endswith("]"):
        return parse_host(text.removeprefix("[").removesuffix("]")), default_port
    return parse_host_port(text)


def spellings(name: str) -> set[str]:
    """A name in ASCII, and as it is written in its own script."""
    with suppress(idna.IDNAError, UnicodeError):
        return {name, idna.decode(name).lower()}
    return {name}


def printable(text: str) -> str:
    """`text` with nothing in it that a terminal or page would obey, nor a line break."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _ascii(label: str) -> str:
    # Label by label, because IDNA forbids the underscores that may stand in others of the same name.
    return label.lower() if label.isascii() else idna.encode(label, uts46=True).decode("ascii")
