"""An HTTP client for everything that isn't a check: webhooks and providers. It reaches only guarded addresses.

The only module that knows how httpx connects. Nothing here follows redirects or reads the environment.
"""

import ssl
from collections.abc import Iterable
from functools import cache
from math import inf
from typing import Any

import httpcore
import httpx
import trio

from asura.netguard import Address, Guard, ResolveError
from asura.trust import verifying_context

MAX_CONNECTIONS = 4
"""A client is one channel's, and its deliveries go one by one."""


def guarded_client(guard: Guard, *, timeout_s: float) -> httpx.AsyncClient:
    """A client of one's own; close it. Each of its phases may take `timeout_s`.

    A forbidden address raises TargetRefused from the request; everything else is an `httpx.HTTPError`.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(guard),
        timeout=httpx.Timeout(timeout_s),
        follow_redirects=False,
        trust_env=False,
    )


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport on a pool that resolves through the guard, at each connection anew."""

    def __init__(self, guard: Guard) -> None:
        """Doesn't call the inherited one: that would read the trust store again (21 ms) for a pool of no use."""
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=_GuardedBackend(guard),
        )


@cache
def tls_context() -> ssl.SSLContext:
    """The one context that every client shares. Don't change it."""
    return verifying_context()


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore to addresses that the guard permits."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve `host` and connect to the first permitted address that answers."""
        addresses = await self._resolve(host, port, timeout)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address.ip, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure

    async def _resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        try:
            with trio.fail_after(timeout if timeout is not None else inf):
                return await self._guard.resolve(host, port)
        except trio.TooSlowError:
            raise httpcore.ConnectTimeout(f"{host} was not looked up in {timeout:g} s") from None
        except ResolveError as exc:
            raise httpcore.ConnectError(str(exc)) from None

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never: a socket file is no address that could be judged."""
        raise httpcore.ConnectError("Asura makes no requests to a socket file")

    async def sleep(self, seconds: float) -> None:
        """Between httpcore's own retries, of which there are none."""
        await self._inner.sleep(seconds)
