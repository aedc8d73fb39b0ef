"""Who is really asking, when proxies stand between."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from asura.web.options import Network

MAX_HOPS = 32
"""Entries of X-Forwarded-For that are looked at; a longer list is a client's invention."""


def client_address(scope: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """The address of the client of an ASGI request.

    Only a trusted peer's X-Forwarded-For counts, and of that the rightmost entry that isn't itself trusted: all
    further left was written by someone who could write anything. Empty when the connection has no address.
    """
    client = scope.get("client")
    peer = plain(client[0]) if client else ""
    if not trusted or not is_trusted(peer, trusted):
        return peer
    nearest = peer
    for entry in reversed(_forwarded(scope["headers"])[-MAX_HOPS:]):
        address = _address(entry)
        if address is None:
            return nearest
        nearest = str(address)
        if not _is_in(address, trusted):
            return nearest
    return nearest


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether `address` lies in one of the networks."""
    parsed = _address(address)
    return parsed is not None and _is_in(parsed, trusted)


def plain(address: str) -> str:
    """`address` as the IPv4 one that it stands for, if it does (`::ffff:192.0.2.1`), and without a zone."""
    parsed = _address(address)
    return address if parsed is None else str(parsed)


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    values = [value.decode("latin-1") for name, value in headers if name.lower() == b"x-forwarded-for"]
    return [entry.strip() for value in values for entry in value.split(",")]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
