"""Who is asking, and may they? Keys and sessions; every request passes here, by the only way that routes are made.

A key is known by its SHA-256 hash. Keys are 256 random bits, so a slow hash would protect nothing and would let a
stranger burn our CPU. A session is a random token in a cookie, stored as its hash, and lives as long as the key
that opened it stands in the configuration.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

import attrs
from werkzeug.datastructures import Headers

from asura.api.errors import ApiError
from asura.config.schema import ApiKey, Config
from asura.store import sessions
from asura.store.database import Conn, Store

COOKIE = "asura_session"
MAX_CREDENTIAL_CHARS = 512
"""A longer credential is no key of ours and is not even hashed."""
MAX_CACHED_SESSIONS = 1000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@attrs.frozen(kw_only=True)
class Actor:
    """Who is asking, by the name of the key, and what that key may do."""

    name: str
    role: str | None
    permissions: frozenset[str]
    via: Literal["key", "session"]
    expires_at: int | None = None
    """When the session ends; a key has no end."""

    def require(self, permission: str) -> None:
        """Raise the 403 unless this actor has the permission."""
        if permission not in self.permissions:
            raise ApiError(403, "forbidden", f"the key “{self.name}” lacks the permission {permission}")


def sha256(text: str) -> str:
    """The hash under which keys and session tokens are known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def find_key(config: Config, presented: str) -> ApiKey | None:
    """The configured key that `presented` is. Looks at every key, so that the time tells nothing."""
    if not presented or len(presented) > MAX_CREDENTIAL_CHARS:
        return None
    found = None
    hashed = sha256(presented)
    for key in config.auth.api_keys:
        if hmac.compare_digest(key.hash, hashed):
            found = found or key
    return found


def presented_key(headers: Headers) -> str | None:
    """The key that the headers carry, perhaps a wrong one; None when they carry none."""
    explicit = headers.get("X-API-Key")
    if explicit is not None:
        return explicit.strip()
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else None


def actor_of(key: ApiKey, *, via: Literal["key", "session"] = "key", expires_at: int | None = None) -> Actor:
    """Who stands behind a key."""
    role = key.role.value if key.role else None
    return Actor(name=key.name, role=role, permissions=key.granted, via=via, expires_at=expires_at)


def actor_of_key(config: Config, presented: str) -> Actor | None:
    """Who presents a key."""
    key = find_key(config, presented)
    return None if key is None else actor_of(key, via="key")


class Sessions:
    """Logins. Reads go through a small cache: sessions change only here, and a page asks many times a second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cache: OrderedDict[str, sessions.Session] = OrderedDict()

    async def open(self, key: ApiKey, *, now_ms: int, lifetime_s: int, note: Callable[[Conn], None]) -> str:
        """A new session of a key; answers its token, which is shown to nobody else and stored nowhere.

        `note` runs in the same transaction.
        """
        token = secrets.token_urlsafe(32)
        session = sessions.Session(
            token_hash=sha256(token),
            key_name=key.name,
            key_hash=key.hash,
            created_at=now_ms,
            expires_at=now_ms + lifetime_s * 1000,
        )

        def write(conn: Conn) -> None:
            sessions.insert(conn, session)
            note(conn)

        await self._store.write(write)
        return token

    async def close(self, token: str, *, note: Callable[[Conn], None]) -> None:
        """End the token's session, if there is one. `note` runs in the same transaction."""
        hashed = sha256(token)

        def write(conn: Conn) -> None:
            sessions.delete(conn, hashed)
            note(conn)

        self._cache.pop(hashed, None)
        await self._store.write(write)
        self._cache.pop(hashed, None)  # a read may have put it back while the write waited

    async def actor(self, config: Config, token: str, *, now_ms: int) -> Actor | None:
        """Who holds the token; None when it is unknown, over, or its key is no longer configured."""
        if not token or len(token) > MAX_CREDENTIAL_CHARS:
            return None
        hashed = sha256(token)
        session = self._cache.get(hashed)
        if session is None:
            session = await self._store.read(lambda conn: sessions.find(conn, hashed, now_ms=now_ms))
            if session is None:
                return None
            self._cache[hashed] = session
            while len(self._cache) > MAX_CACHED_SESSIONS:
                self._cache.popitem(last=False)
        if session.expires_at <= now_ms:
            self._cache.pop(hashed, None)
            return None
        for key in config.auth.api_keys:
            if key.name == session.key_name and hmac.compare_digest(key.hash, session.key_hash):
                return actor_of(key, via="session", expires_at=session.expires_at)
        return None


def is_same_origin(headers: Headers, *, own_origins: frozenset[str]) -> bool | None:
    """Whether a page of ours sent the request, as the browser tells it; None when it doesn't say.

    Sec-Fetch-Site is believed first: no page can set it. Browsers send it only to trustworthy addresses, so over
    plain HTTP in a local network the Origin decides.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("Origin")
    return None if origin is None else normal_origin(origin) in own_origins


def normal_origin(url: str) -> str | None:
    """Scheme, host and port of a URL in one spelling; None for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{parts.hostname}:{port or default}"
