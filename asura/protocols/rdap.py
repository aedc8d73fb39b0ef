"""RDAP: a registry asked over HTTP for a domain (RFC 9082, RFC 9083), and where it is asked (RFC 9224)."""

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
import trio

from asura import __version__
from asura.errors import TargetRefused
from asura.model.observation import Reply
from asura.netguard import ResolveError
from asura.protocols.attempt import Env, Fault, Keep, Stopwatch
from asura.protocols.http_answer import Http1Answer
from asura.protocols.http_exchange import exchange
from asura.protocols.names import printable, spellings
from asura.protocols.opening import Place, open_connection
from asura.protocols.registration import MAX_STATUSES, AskedTooOften, Registration, instant, status_name
from asura.protocols.target import REDIRECTS, Url, join_url, parse_url

BOOTSTRAP_URL = "https://data.iana.org/rdap/dns.json"
BOOTSTRAP_S = 86_400.0
"""How long the list of registries is believed; it changes a few times a month."""
BOOTSTRAP_PAUSE_S = 600.0
"""After it could not be had, so that many monitors don't ask for it one after the other."""
MAX_BOOTSTRAP_BYTES = 1_000_000
"""The list has 60 kB."""
MAX_DOMAIN_BYTES = 262_144
"""What is said of a domain; usually 5 to 20 kB."""
MAX_REDIRECTS = 3
MAX_EVENTS = 100
MAX_TLDS = 10_000
MAX_RETRY_AFTER_S = 86_400.0


async def look_up(base: Url, domain: str, *, env: Env, watch: Stopwatch) -> Registration:
    """What the RDAP server at `base` says of `domain`.

    Raises Fault, TargetRefused, ResolveError: it could not be asked, or gave no answer that can be read.
    """
    url = parse_url(f"{base.scheme}://{base.authority}{base.path.rstrip('/')}/domain/{domain}")
    status, reply, url = await _fetch(url, MAX_DOMAIN_BYTES, env=env, watch=watch)
    headers = dict(reply.headers)
    if status == 429 or (status == 503 and "retry-after" in headers):
        raise AskedTooOften(
            f"{url.host} answered {status}: it is asked too often", retry_after_s=_seconds(headers.get("retry-after"))
        )
    if status == 404 and _says_so_itself(headers, reply.body):
        return Registration(source=url.host, is_registered=False)
    if status != 200:
        raise Fault(f"{url.host} answered {status}")
    if reply.is_cut:
        raise Fault(f"{url.host} answered more than {MAX_DOMAIN_BYTES} bytes")
    return read_domain(reply.body or "", domain, source=url.host)


def read_domain(text: str, domain: str, *, source: str) -> Registration:
    """What a domain object says (RFC 9083 §5.3).

    Raises Fault: it is none, or another's.
    """
    document = _json(text, source)
    if not isinstance(document, Mapping) or document.get("objectClassName", "domain") != "domain":
        raise Fault(f"{source} answered something that is no domain")
    name = document.get("ldhName")
    if isinstance(name, str) and name.lower().rstrip(".") not in spellings(domain):
        raise Fault(f"{source} answered for {printable(name[:100])}, not for {domain}")
    statuses = document.get("status")
    found = [status_name(each) for each in statuses if isinstance(each, str)] if isinstance(statuses, list) else []
    return Registration(
        source=source, expires_at=_expiration(document.get("events")), statuses=tuple(found[:MAX_STATUSES])
    )


class Bootstrap:
    """Which RDAP servers know a top-level domain, by IANA's list; fetched once a day at most, for all monitors."""

    def __init__(self) -> None:
        self._servers: Mapping[str, Url] = {}
        self._next_at = -math.inf
        self._lock = trio.Lock()

    async def server(self, tld: str, *, env: Env, watch: Stopwatch, now_s: float) -> Url | None:
        """The server for `tld`, None when it has none. `now_s` is monotonic.

        Raises Fault, TargetRefused, ResolveError: there is no list, and it can't be had.
        """
        async with self._lock:
            if now_s >= self._next_at:
                self._next_at = now_s + BOOTSTRAP_PAUSE_S
                try:
                    self._servers = await self._fetch(env, watch)
                    self._next_at = now_s + BOOTSTRAP_S
                except (Fault, ResolveError, TargetRefused):
                    if not self._servers:
                        raise
        if not self._servers:
            raise Fault("the list of registries could not be had a moment ago")
        return self._servers.get(tld)

    async def _fetch(self, env: Env, watch: Stopwatch) -> dict[str, Url]:
        status, reply, url = await _fetch(parse_url(BOOTSTRAP_URL), MAX_BOOTSTRAP_BYTES, env=env, watch=watch)
        if status != 200 or reply.is_cut:
            raise Fault(f"{url.host} answered {status} instead of the list of registries")
        return read_bootstrap(reply.body or "", source=url.host)


def read_bootstrap(text: str, *, source: str) -> dict[str, Url]:
    """The servers by top-level domain, HTTPS where there is a choice (RFC 9224 §3).

    Raises Fault: it is no such list.
    """
    found: dict[str, Url] = {}
    document = _json(text, source)
    services = document.get("services") if isinstance(document, Mapping) else None
    for service in services if isinstance(services, list) else []:
        match service:
            case [[*tlds], [*urls]]:
                known = [url for url in map(_maybe_url, urls[:10]) if url is not None]
                best = min(known, key=lambda url: url.scheme != "https", default=None)
                if best is not None and len(found) < MAX_TLDS:
                    found.update((tld.lower(), best) for tld in tlds[:MAX_TLDS] if isinstance(tld, str))
    if not found:
        raise Fault(f"{source} answered something that is no list of registries")
    return found


async def _fetch(url: Url, limit: int, *, env: Env, watch: Stopwatch) -> tuple[int, Reply, Url]:
    """GET `url`, redirects followed: status, reply, and who gave it."""
    for _ in range(MAX_REDIRECTS + 1):
        place = Place(host=url.host, port=url.port, tls=url.scheme == "https")
        connection = await open_connection(place, env=env, watch=watch)
        try:
            answer = Http1Answer(is_head=False, limit=limit, keep=Keep(headers=True, body=True))
            await exchange(connection, _request(url), answer, watch=watch)
        finally:
            connection.close()
        location = answer.headers.get("location")
        if answer.status not in REDIRECTS or location is None:
            return answer.status, await answer.reply(), url
        try:
            following = join_url(url, location)
        except ValueError as exc:
            raise Fault(f"{url.host} redirects to a URL that can't be asked: it {exc}") from None
        if (url.scheme, following.scheme) == ("https", "http"):
            raise Fault(f"{url.host} redirects from https to http")
        url = following
        watch.tell("redirect", url.shown)
    raise Fault(f"more than {MAX_REDIRECTS} redirects, the last to {url.host}")


def _request(url: Url) -> bytes:
    lines = (
        f"GET {url.path} HTTP/1.1",
        f"Host: {url.authority}",
        f"User-Agent: Asura/{__version__}",
        "Accept: application/rdap+json, application/json",
        "Accept-Encoding: gzip",
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _json(text: str, source: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise Fault(f"{source} answered something that is no JSON") from None


def _says_so_itself(headers: Mapping[str, str], body: str | None) -> bool:
    """A 404 of the registry, and not of some web server at the wrong address (RFC 7480 §5.3)."""
    return "json" in headers.get("content-type", "").lower() or not body


def _expiration(events: Any) -> int | None:
    for event in events[:MAX_EVENTS] if isinstance(events, list) else []:
        match event:
            case {"eventAction": str(action), "eventDate": str(text)} if action.lower() == "expiration":
                with suppress(ValueError, OverflowError):
                    return instant(datetime.fromisoformat(text))
    return None


def _maybe_url(text: Any) -> Url | None:
    with suppress(ValueError):
        return parse_url(text) if isinstance(text, str) else None
    return None


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not (retry_after.isascii() and retry_after.strip().isdigit()):
        return None
    return min(float(retry_after.strip()[:9]), MAX_RETRY_AFTER_S)
