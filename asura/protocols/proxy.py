"""Connections through a proxy: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS5 (RFC 1928, 1929).

Names are resolved and judged here, and a proxy is told judged addresses only: it could find another address behind a
name, one that the outbound guard would have refused.
"""

import base64
import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

import attrs
import trio

from asura import __version__
from asura.errors import TargetRefused
from asura.netguard import Address, Guard, ResolveError
from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.connection import Connection, broken_words, connect, share_s
from asura.protocols.target import parse_host, shown_host_port
from asura.protocols.words import shown

SCHEMES = ("http", "socks5")
MAX_ADDRESSES = 4
"""Of a target, tried through a proxy one after the other, each over a connection of its own."""
MAX_ANSWER_BYTES = 16_384
"""Of a proxy's answer to CONNECT, with whatever page it shows."""
MAX_SOCKS_TEXT_BYTES = 255
"""RFC 1929 §2 has one byte for the length of a name and of a password."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: ([^\r\n]*))?\r?\n")
_UNREACHED = frozenset({502, 503, 504})


class _Unreached(Fault):
    """The proxy works and would have, but didn't reach that address; it may reach another."""


@attrs.frozen(kw_only=True)
class Proxy:
    """Who connects in our place."""

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = attrs.field(default="", repr=False)

    @property
    def shown(self) -> str:
        """For messages: "proxy squid.internal:3128"."""
        return f"proxy {shown_host_port(self.host, self.port)}"

    async def resolve(self, guard: Guard) -> list[Address]:
        """The permitted addresses of the proxy itself.

        Raises TargetRefused, ResolveError.
        """
        try:
            return await guard.resolve(self.host, self.port)
        except (TargetRefused, ResolveError) as exc:
            raise type(exc)(f"{self.shown}: {exc}") from None


def parse_proxy(text: str, *, username: str = "", password: str = "") -> Proxy:
    """Take `http://host:port` or `socks5://host:port` apart.

    Raises ValueError: "must …".
    """
    if any(c <= " " or "\x7f" <= c <= "\xa0" or "\ud800" <= c <= "\udfff" or c == "\\" for c in text):
        raise ValueError("must not have spaces, control characters or backslashes")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("must have a port between 1 and 65535") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("must begin with http:// or socks5://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not have credentials in it; put them into proxy_auth, where they stay secret")
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must be a scheme, a host and a port, such as http://squid.internal:3128")
    if not port:
        raise ValueError("must have a port, such as http://squid.internal:3128")
    return Proxy(scheme=parts.scheme, host=parse_host(parts.hostname), port=port, username=username, password=password)


async def connect_through(
    proxy: Proxy, own: list[Address], targets: list[Address], *, shown: str, watch: Stopwatch
) -> Connection:
    """An open connection to one of `targets` by way of `proxy`, whose addresses are `own`; all are judged already.

    `shown` names the target in messages.

    Raises Fault: the proxy failed, refused, or reached none of them. OwnFailure: this machine has no socket left.
    """
    targets = targets[:MAX_ADDRESSES]
    fault: Fault = Fault(f"{proxy.shown} can't reach {shown}")
    for left, target in zip(range(len(targets), 0, -1), targets, strict=True):
        try:
            if left == 1:
                return await _connect_one(proxy, own, target, watch)
            with trio.move_on_after(share_s(left)):
                return await _connect_one(proxy, own, target, watch)
            fault = _Unreached(f"{proxy.shown} didn't reach {shown_host_port(target.ip, target.sockaddr[1])} in time")
        except _Unreached as exc:
            fault = exc
    raise Fault(f"{fault} ({len(targets)} addresses tried)") if len(targets) > 1 else fault


async def _connect_one(proxy: Proxy, own: list[Address], target: Address, watch: Stopwatch) -> Connection:
    place = shown_host_port(target.ip, target.sockaddr[1])
    connection = await connect(own, shown=proxy.shown, watch=watch)
    watch.note = f"no answer from {proxy.shown}, which was asked to connect to {place}"
    try:
        call = _Call(proxy=proxy, target=target, place=place, connection=connection)
        await _TALKS[proxy.scheme](call)
        call.expect_silence()
    except BaseException:
        connection.close()
        raise
    watch.note = ""
    if watch.talks:
        watch.tell("proxy", f"{proxy.scheme}, {shown_host_port(connection.address.ip, proxy.port)}")
        watch.tell("address", place)
    return connection


@attrs.define(kw_only=True)
class _Call:
    """A talk with a proxy about one address, with bounded reads."""

    proxy: Proxy
    target: Address
    place: str
    connection: Connection
    _heard: bytes = attrs.field(default=b"", init=False)

    async def say(self, data: bytes) -> None:
        try:
            await self.connection.send(data)
        except OSError as exc:
            self.fail(f"broke off: the connection was {broken_words(exc)}")

    async def exactly(self, count: int) -> bytes:
        while len(self._heard) < count:
            await self._more()
        data, self._heard = self._heard[:count], self._heard[count:]
        return data

    async def head(self) -> bytes:
        """An HTTP head, its empty line included."""
        while True:
            end = self._heard.find(b"\r\n\r\n")
            if end >= 0:
                data, self._heard = self._heard[: end + 4], self._heard[end + 4 :]
                return data
            if not (self._heard.startswith(b"HTTP/") or b"HTTP/".startswith(self._heard)):
                self.fail(f"doesn't speak HTTP: it said {shown(self._heard)}")
            if len(self._heard) > MAX_ANSWER_BYTES:
                self.fail("answered CONNECT with a header of over 16 KiB")
            await self._more()

    async def _more(self) -> None:
        try:
            data = await self.connection.receive()
        except OSError as exc:
            self.fail(f"broke off when asked to connect to {self.place}: the connection was {broken_words(exc)}")
        if not data:
            self.fail(f"closed the connection when asked to connect to {self.place}")
        self._heard += data

    def expect_silence(self) -> None:
        """A server speaks HTTP or TLS only when it is spoken to: what comes before would be the proxy's own."""
        if self._heard:
            self.fail(f"said something of its own after it connected to {self.place}: {shown(self._heard)}")

    def fail(self, words: str) -> NoReturn:
        raise Fault(f"{self.proxy.shown} {words}")

    def unreached(self, why: str) -> NoReturn:
        raise _Unreached(f"{self.proxy.shown} can't reach {self.place}: {why}")


async def _ask_http(call: _Call) -> None:
    proxy = call.proxy
    lines = [f"CONNECT {call.place} HTTP/1.1", f"Host: {call.place}", f"User-Agent: Asura/{__version__}"]
    if proxy.username:
        credentials = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode("ascii")
        lines.append(f"Proxy-Authorization: Basic {credentials}")
    await call.say("\r\n".join([*lines, "", ""]).encode("ascii"))
    head = await call.head()
    match = _STATUS_LINE.match(head)
    if match is None:
        call.fail(f"doesn't speak HTTP: it said {shown(head)}")
    status = int(match[1])
    reason = re.sub(r"[^ -~]", "?", (match[2] or b"").decode("latin-1"))[:60].strip()
    words = f"{status} {reason}".strip()
    if status == 407:
        call.fail(f"{_credentials_words(proxy)} (it answered {words})")
    if status in _UNREACHED:
        call.unreached(f"it answered {words} to CONNECT")
    if not 200 <= status < 300:
        call.fail(f"answered {words} to CONNECT {call.place}")


_NO_AUTH, _PASSWORD, _NOTHING_ACCEPTED = 0, 2, 0xFF
_SOCKS_UNREACHED = {
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "it took too many hops",
    8: "it doesn't know this kind of address",
}
_SOCKS_REFUSED = {
    1: "failed in general",
    2: "forbids the connection by its rules",
    7: "doesn't know the command to connect",
}
_ADDRESS_BYTES = {1: 4, 4: 16}
_NAME = 3


async def _ask_socks5(call: _Call) -> None:
    await _greet_socks5(call)
    ip = ip_address(call.target.ip)
    await call.say(
        bytes((5, 1, 0, 1 if ip.version == 4 else 4)) + ip.packed + call.target.sockaddr[1].to_bytes(2, "big")
    )
    version, reply, _, kind = await call.exactly(4)
    if version != 5:
        call.fail(f"doesn't speak SOCKS5: it said {shown(bytes((version, reply)))}")
    if reply in _SOCKS_UNREACHED:
        call.unreached(_SOCKS_UNREACHED[reply])
    if reply:
        why = _SOCKS_REFUSED.get(reply, f"answered with the unknown code {reply}")
        call.fail(f"{why} (asked to connect to {call.place})")
    if kind not in _ADDRESS_BYTES and kind != _NAME:
        call.fail(f"doesn't speak SOCKS5: it said {shown(bytes((version, reply, 0, kind)))}")
    # The address that it connects from is of no use here.
    await call.exactly((_ADDRESS_BYTES.get(kind) or (await call.exactly(1))[0]) + 2)


async def _greet_socks5(call: _Call) -> None:
    proxy = call.proxy
    offered = bytes((_NO_AUTH, _PASSWORD)) if proxy.username else bytes((_NO_AUTH,))
    await call.say(bytes((5, len(offered))) + offered)
    version, method = await call.exactly(2)
    if version != 5:
        call.fail(f"doesn't speak SOCKS5: it said {shown(bytes((version, method)))}")
    if method == _NOTHING_ACCEPTED:
        call.fail("takes none of our ways to log in" if proxy.username else "wants a user name and password")
    if method not in offered:
        call.fail(f"chose a way to log in that it wasn't offered ({method})")
    if method == _PASSWORD:
        name, password = proxy.username.encode(), proxy.password.encode()
        await call.say(bytes((1, len(name))) + name + bytes((len(password),)) + password)
        if (await call.exactly(2))[1] != 0:
            call.fail(_credentials_words(proxy))


def _credentials_words(proxy: Proxy) -> str:
    return "refused the user name and password" if proxy.username else "wants a user name and password"


_TALKS: dict[str, Callable[[_Call], Awaitable[None]]] = {"http": _ask_http, "socks5": _ask_socks5}
