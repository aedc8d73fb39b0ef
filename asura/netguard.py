"""Where Asura may connect to: names are resolved once, every address is judged, and only judged ones are given out.

Whoever connects must use an address from `Guard.resolve`, and ask again at each redirect. Must not connect itself.
"""

import errno
import os
import socket
import time
import unicodedata
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import attrs
import idna
import trio

from asura.errors import AsuraError, OwnFailure, TargetRefused

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

LOOKUP_THREADS = 64
"""Names looked up at once. Apart from trio's own threads, because a dead resolver holds one for up to half a minute."""
SLOW_LOOKUP_THREADS = 32
SLOW_LOOKUP_S = 2.0
"""A name whose last lookup took this long waits in a lane of its own, so that dead names hold up only each other."""
MAX_SLOW_NAMES = 20_000
MAX_ADDRESSES = 16
"""Of one name. A target's own zone could answer with thousands."""
MAX_REMEMBERED = 20_000
"""Addresses whose verdict is remembered: judging one takes up to 40 µs, a fifth of a check."""

OUT_OF_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What this machine says when it has no socket left. The name server is blamed for it otherwise."""

_SPECIAL: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "an unspecified address"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "a shared carrier address"),
    ("127.0.0.0/8", "a loopback address"),
    ("169.254.0.0/16", "a link-local address"),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "a protocol address"),
    ("192.0.2.0/24", "a documentation address"),
    ("192.88.99.0/24", "a 6to4 relay address"),
    ("192.168.0.0/16", "a private address"),
    ("198.18.0.0/15", "a benchmark address"),
    ("198.51.100.0/24", "a documentation address"),
    ("203.0.113.0/24", "a documentation address"),
    ("224.0.0.0/4", "a multicast address"),
    ("255.255.255.255/32", "the broadcast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("::/128", "an unspecified address"),
    ("::1/128", "a loopback address"),
    ("::/96", "an IPv4-compatible address"),
    ("64:ff9b::/96", "a translated IPv4 address"),
    ("64:ff9b:1::/48", "a translated IPv4 address"),
    ("100::/64", "a discard address"),
    ("2001::/32", "a Teredo address"),
    ("2001:db8::/32", "a documentation address"),
    ("2001::/23", "a protocol address"),
    ("2002::/16", "a 6to4 address"),
    ("3fff::/20", "a documentation address"),
    ("5f00::/16", "a segment routing address"),
    ("fc00::/7", "a private address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a site-local address"),
    ("ff00::/8", "a multicast address"),
)
"""What is not the public internet (IANA special-purpose registries), the narrower network first. `ipaddress.is_global`
is not enough: it lets through translated, 6to4, Teredo, site-local and newer documentation addresses."""

_GLOBAL_V6 = IPv6Network("2000::/3")
"""The only part of IPv6 that is handed out; the rest is reserved."""

METADATA_ADDRESSES = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, DigitalOcean, OpenStack, Oracle …
        "169.254.170.2",  # AWS ECS task credentials
        "169.254.170.23",  # AWS EKS pod identity
        "169.254.0.23",  # Tencent
        "169.254.42.42",  # Scaleway
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's wire server, in public space
        "192.0.0.192",  # Oracle, first generation
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS EKS pod identity
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
        "fd00:c1::a9fe:a9fe",  # Oracle
        "fd00:a9fe:a9fe::1",  # Linode
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
"""They hand out the machine's credentials to whoever asks, so `allow_private_targets` alone doesn't open them."""

_NETWORKS = tuple((ip_network(text), words) for text, words in _SPECIAL)
_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})


class ResolveError(AsuraError):
    """A name has no address, or nobody could say."""


@attrs.frozen
class Address:
    """A judged address, ready for `socket.connect`."""

    ip: str
    family: int
    sockaddr: tuple[Any, ...]


def literal_address(host: str) -> IPAddress | None:
    """The address that `host` means, also when written `127.1`, `0x7f.1`, `2130706433` or `[::1]`; None for a name.

    Raises ValueError: it is written like a number but means no address.
    """
    text = unicodedata.normalize("NFKC", host.translate(_DOTS)).strip().rstrip(".")
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        return ip_address(text)
    except ValueError:
        if ":" in text:
            raise ValueError(f"{host} is no address") from None
    last = text.rpartition(".")[2].lower()
    if not (last.isdigit() or (last.startswith("0x") and all(c in "0123456789abcdef" for c in last[2:]))):
        return None
    # The C library still reads 0177.1 and 0x7f000001 as addresses, so they must not pass as names.
    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError:
        raise ValueError(f"{host} is no address") from None


class Guard:
    """Judges addresses and resolves names to permitted ones. Immutable; a changed configuration makes a new one."""

    def __init__(self, allow_private: bool = False, allowed_networks: Iterable[str] = ()) -> None:
        """Open private addresses altogether, or the listed networks (`10.1.0.0/16`, `127.0.0.1`).

        Raises ValueError: a network is none.
        """
        self.allow_private = allow_private
        self.allowed_networks: tuple[IPNetwork, ...] = tuple(
            ip_network(n.strip(), strict=False) for n in allowed_networks
        )
        self._single = frozenset(n.network_address for n in self.allowed_networks if n.num_addresses == 1)
        self._judged: dict[str, str | None] = {}
        self._literals: dict[tuple[str, int, int], list[Address]] = {}
        self._slow: dict[str, None] = {}
        self._lane = trio.CapacityLimiter(LOOKUP_THREADS)
        self._slow_lane = trio.CapacityLimiter(SLOW_LOOKUP_THREADS)

    def refusal(self, ip: str) -> str | None:
        """Why nothing may connect to `ip`, as a sentence that says how to open it, or None when it is permitted."""
        if ip in self._judged:
            return self._judged[ip]
        try:
            reason = self._judge(ip_address(ip))
        except ValueError:
            return f"{ip} is no address"
        if len(self._judged) < MAX_REMEMBERED:
            self._judged[ip] = reason
        return reason

    def literal_refusal(self, host: str) -> str | None:
        """Why `host` is refused, when it is a literal address in any notation; None for a permitted one or a name."""
        try:
            address = literal_address(host)
        except ValueError as exc:
            return str(exc)
        if address is None:
            return self._judge(IPv4Address("127.0.0.1"), shown=host) if _is_localhost(host) else None
        return self._judge(address)

    async def resolve(self, host: str, port: int, *, family: int = 0) -> list[Address]:
        """The permitted addresses of `host`, in the resolver's order; never empty.

        `family` is 0 for any, `socket.AF_INET` or `socket.AF_INET6`.

        Raises TargetRefused: every address is forbidden. ResolveError: there is no address. OwnFailure: this machine
        can't ask.
        """
        known = self._literals.get((host, port, family))
        if known is not None:
            return known
        try:
            literal = literal_address(host)
        except ValueError as exc:
            raise ResolveError(str(exc)) from None
        if literal is None:
            return self._permitted(host, await self._look_up(host, port, family))
        addresses = self._permitted(host, [address_at(literal, port)])
        if family and addresses[0].family != family:
            raise ResolveError(f"{host} is no {_FAMILIES[family]} address")
        if len(self._literals) < MAX_REMEMBERED:
            self._literals[host, port, family] = addresses
        return addresses

    def is_literal(self, host: str) -> bool:
        """Whether `host` needs no lookup."""
        try:
            return literal_address(host) is not None
        except ValueError:
            return True

    def _permitted(self, host: str, addresses: list[Address]) -> list[Address]:
        reasons = [(address, self.refusal(address.ip)) for address in addresses]
        permitted = [address for address, reason in reasons if reason is None]
        if permitted:
            return permitted
        reason = reasons[0][1]
        raise TargetRefused(f"{reason}" if str(reasons[0][0].ip) == host else f"{host} is refused: {reason}")

    def _judge(self, address: IPAddress, *, shown: str | None = None) -> str | None:
        address = _unwrapped(address)
        shown = shown or str(address)
        for each in (address, *_embedded(address)):
            if each in METADATA_ADDRESSES and address not in self._single and each not in self._single:
                return (
                    f"{shown} is a cloud metadata address; to check it all the same, "
                    f"list {each} by itself in monitor.allowed_networks"
                )
        if self.allow_private or any(address in network for network in self.allowed_networks):
            return None
        words = _special(address)
        if words is None:
            return None
        return f"{shown} is {words}; set monitor.allow_private_targets or list it in monitor.allowed_networks"

    async def _look_up(self, host: str, port: int, family: int) -> list[Address]:
        name = _ascii_name(host)
        lane = self._slow_lane if name in self._slow else self._lane
        try:
            # Abandoned when cancelled: getaddrinfo can't be stopped, and its thread gives the token back itself.
            found = await trio.to_thread.run_sync(
                _getaddrinfo, name, port, family, self._note_duration, limiter=lane, abandon_on_cancel=True
            )
        except socket.gaierror as exc:
            raise ResolveError(_lookup_words(host, exc, family)) from None
        except (OSError, UnicodeError) as exc:
            raise ResolveError(f"{host} can't be looked up: {exc}") from None
        addresses = [Address(str(sockaddr[0]), fam, sockaddr) for fam, _, _, _, sockaddr in found]
        if not addresses:
            raise ResolveError(f"{host} has no address")
        return list(dict.fromkeys(addresses))[:MAX_ADDRESSES]

    def _note_duration(self, name: str, seconds: float) -> None:
        """Called in the lookup's thread, also when nobody waits for it any longer."""
        if seconds < SLOW_LOOKUP_S:
            self._slow.pop(name, None)
        elif len(self._slow) < MAX_SLOW_NAMES:
            self._slow[name] = None


_FAMILIES = {int(socket.AF_INET): "IPv4", int(socket.AF_INET6): "IPv6"}


def _getaddrinfo(name: str, port: int, family: int, note: Callable[[str, float], None]) -> list[Any]:
    started = time.perf_counter()
    try:
        return socket.getaddrinfo(name, port, family, socket.SOCK_STREAM)
    except socket.gaierror:
        _need_a_socket()
        raise
    finally:
        note(name, time.perf_counter() - started)


def _need_a_socket() -> None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as exc:
        if exc.errno in OUT_OF_SOCKETS:
            raise OwnFailure(f"no socket left on this machine: {os.strerror(exc.errno or 0)}") from exc


def _lookup_words(host: str, exc: socket.gaierror, family: int) -> str:
    match exc.errno:
        case socket.EAI_NONAME:
            return f"{host}: no such name"
        case socket.EAI_NODATA | socket.EAI_ADDRFAMILY:
            return f"{host} has no {_FAMILIES.get(family, 'IP')} address"
        case socket.EAI_AGAIN:
            return f"{host} can't be looked up now: the name server gave no answer"
        case socket.EAI_FAIL:
            return f"{host} can't be looked up: the name server reported a failure"
    return f"{host} can't be looked up: {exc.strerror}"


def _ascii_name(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as exc:
        raise ResolveError(f"{host} is no name: {exc}") from None


def _is_localhost(host: str) -> bool:
    """Whether the hosts file or the resolver itself answers for `host` (RFC 6761 §6.3)."""
    name = unicodedata.normalize("NFKC", host.translate(_DOTS)).strip().rstrip(".").casefold()
    return name in _LOCAL_NAMES or name.endswith((".localhost", ".localhost.localdomain"))


_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})


def address_at(ip: IPAddress, port: int) -> Address:
    """`ip` as a socket wants it, not judged. Raises ResolveError: this machine has no such interface."""
    if isinstance(ip, IPv4Address):
        return Address(str(ip), socket.AF_INET, (str(ip), port))
    scope = 0
    if ip.scope_id is not None:
        try:
            scope = int(ip.scope_id) if ip.scope_id.isdigit() else socket.if_nametoindex(ip.scope_id)
        except OSError:
            raise ResolveError(f"there is no interface {ip.scope_id}") from None
    bare = str(ip).partition("%")[0]
    return Address(bare, socket.AF_INET6, (bare, port, 0, scope))


def _unwrapped(address: IPAddress) -> IPAddress:
    """An IPv4-mapped address is the IPv4 address: the kernel connects to that."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.scope_id is not None:
            return IPv6Address(int(address))
    return address


def _embedded(address: IPAddress) -> list[IPv4Address]:
    """Every IPv4 address to which a translator or tunnel could forward.

    A translator's prefix may be any network of its operator (RFC 6052 §2.2), so all places are looked at in every
    address. That one of them is a metadata address by chance doesn't happen.
    """
    if isinstance(address, IPv4Address):
        return []
    value = int(address)
    high, low = value >> 64, value & 0xFFFF_FFFF_FFFF_FFFF
    found = [value & 0xFFFF_FFFF]  # a prefix of 96 bits, and ::a.b.c.d, ::ffff:0:a.b.c.d, ISATAP (RFC 5214)
    if low >> 56 == 0:  # the octet that parts the address is zero
        for left in (32, 24, 16, 8, 0):  # so many bits stand before it, for prefixes of 32 to 64 bits
            right = 32 - left
            found.append((high & (1 << left) - 1) << right | low >> 56 - right & (1 << right) - 1)
    if address.sixtofour is not None:
        found.append(int(address.sixtofour))
    if address.teredo is not None:
        found += map(int, address.teredo)
    return [IPv4Address(each) for each in found]


def _special(address: IPAddress) -> str | None:
    for network, words in _NETWORKS:
        if address in network:
            return words
    if isinstance(address, IPv6Address):
        if address not in _GLOBAL_V6:
            return "a reserved address"
        if int(address) >> 32 & 0xFDFF_FFFF == 0x5EFE and _special(IPv4Address(int(address) & 0xFFFF_FFFF)):
            return "a tunnelled IPv4 address"  # ISATAP (RFC 5214 §6.1)
    return None
