"""The gate in front of every handler: rate limits, who is asking, what they may do, and whose page sent them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from quart import Request

from asura import metrics
from asura.api import auth
from asura.api.auth import Actor, Sessions
from asura.api.errors import ApiError, too_many
from asura.api.feed import Feed
from asura.api.limits import Buckets, bucket_key
from asura.api.services import Services
from asura.config.schema import Config

ANYBODY = ""
"""What a route needs that nobody has to be known for. A mark of its own, so that it can't be meant by leaving out."""
ANY_KEY = "*"
"""What a route needs that any known key may use."""

LOGIN_FAILURES_BURST = 5
LOGIN_FAILURES_PER_S = 1 / 12
"""Five wrong keys at once, then one every 12 s: enough for a person with a clipboard, useless for a machine."""

_REFUSED = metrics.counter("asura_http_refused_total", "Requests that the gate sent away, by reason.", ("reason",))


@attrs.frozen(kw_only=True)
class Client:
    """Where a request comes from: the client behind trusted proxies, and the scheme that it used."""

    address: str
    scheme: str


ClientOf = Callable[[Mapping[str, Any]], Client]
"""From an ASGI scope to the client."""


class Gate:
    """Lets requests in. One for the program; holds the buckets and the sessions that are known."""

    def __init__(self, services: Services, *, client_of: ClientOf) -> None:
        self.sessions = Sessions(services.store)
        self.feed = Feed(services.hub)
        self._services = services
        self._client_of = client_of
        self._strangers = Buckets()
        self._failures = Buckets()

    def client(self, request: Request) -> Client:
        """Where the request comes from."""
        return self._client_of(request.scope)

    def refuse_when_stopping(self) -> None:
        """Raise the 503 once the daemon is on its way down."""
        if self._services.stopping.is_set():
            raise ApiError(503, "stopping", "Asura is stopping", headers={"Retry-After": "10"})

    async def admit(self, request: Request, *, needs: str) -> Actor | None:
        """Who is asking; None only where `needs` is ANYBODY. Raises the refusal."""
        actor = None
        try:
            actor = await self.identify(request)
        except ApiError:
            if needs != ANYBODY:
                self.count_stranger(request)
                raise
        if actor is None:
            self.count_stranger(request)
            if needs != ANYBODY:
                _REFUSED.inc(reason="unauthorized")
                raise _unauthorized("give an API key in X-API-Key or as a Bearer token, or log in")
        elif needs != ANYBODY:
            if actor.via == "session" and request.method not in auth.SAFE_METHODS:
                self.refuse_other_sites(request, is_proof_needed=True)
            if needs != ANY_KEY:
                actor.require(needs)
        return actor

    async def identify(self, request: Request) -> Actor | None:
        """Who the credentials belong to, None without any. Wrong ones are refused, never passed over."""
        config = self._services.config.current
        key = auth.presented_key(request.headers)
        if key is not None:
            actor = auth.actor_of_key(config, key)
            if actor is None:
                _REFUSED.inc(reason="unknown_key")
                raise _unauthorized("this API key is not known here")
            return actor
        token = request.cookies.get(auth.COOKIE)
        if not token:
            return None
        return await self.sessions.actor(config, token, now_ms=self._services.clock.now_ms())

    def refuse_other_sites(self, request: Request, *, is_proof_needed: bool) -> None:
        """Raise the 403 for a request that another site's page sent; without word from the browser if need be."""
        is_ours = auth.is_same_origin(request.headers, own_origins=self._own_origins(request))
        if is_ours is False or (is_ours is None and is_proof_needed):
            _REFUSED.inc(reason="csrf")
            raise ApiError(
                403,
                "csrf",
                "a request with a session cookie must come from Asura's own pages (Sec-Fetch-Site or Origin);"
                " scripts use an API key",
            )

    def _own_origins(self, request: Request) -> frozenset[str]:
        config = self._services.config.current
        client = self.client(request)
        here = auth.normal_origin(f"{client.scheme}://{request.headers.get('Host', '')}")
        configured = auth.normal_origin(config.server.external_url) if config.server.external_url else None
        return frozenset(each for each in (here, configured) if each)

    def count_stranger(self, request: Request) -> None:
        """Count a request without a key against its address. Raises the 429."""
        wait_s = self.stranger_wait_s(self.client(request).address)
        if wait_s:
            raise too_many("too many requests without a key from your address", wait_s=wait_s)

    def stranger_wait_s(self, address: str) -> float:
        """Count a request without a key against `address`. 0 when it may pass, else how long it should wait."""
        server = self._services.config.current.server
        if not server.rate_limit_per_sec:
            return 0.0
        wait_s = self._strangers.take(
            bucket_key(address),
            per_s=server.rate_limit_per_sec,
            burst=server.rate_limit_burst,
            now=time.monotonic(),
        )
        if wait_s:
            _REFUSED.inc(reason="rate_limited")
        return wait_s

    def refuse_guessers(self, request: Request) -> None:
        """Raise the 429 while an address has presented too many wrong keys at login."""
        wait_s = self._failures.wait(
            bucket_key(self.client(request).address),
            per_s=LOGIN_FAILURES_PER_S,
            burst=LOGIN_FAILURES_BURST,
            now=time.monotonic(),
        )
        if wait_s:
            _REFUSED.inc(reason="login_failures")
            raise too_many("too many failed logins from your address", wait_s=wait_s)

    def note_failed_login(self, request: Request) -> None:
        """Count a wrong key at login against its address."""
        self._failures.take(
            bucket_key(self.client(request).address),
            per_s=LOGIN_FAILURES_PER_S,
            burst=LOGIN_FAILURES_BURST,
            now=time.monotonic(),
        )


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})


def is_loopback_listener(config: Config) -> bool:
    """Whether only this machine can reach the listener, in clear text: there a Secure cookie would be lost."""
    host, _ = config.server.address
    return config.server.tls_cert is None and (host in ("localhost", "::1") or host.startswith("127."))
