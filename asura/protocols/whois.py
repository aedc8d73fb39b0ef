"""WHOIS: a line sent to port 43, a text without form that comes back (RFC 3912), and servers that name others."""

import attrs

from asura.errors import TargetRefused
from asura.netguard import ResolveError
from asura.protocols.attempt import Env, Fault, Stopwatch
from asura.protocols.connection import broken_words
from asura.protocols.opening import Place, open_connection
from asura.protocols.registration import Registration
from asura.protocols.whois_text import PORT, read_domain, read_referral

IANA = ("whois.iana.org", PORT)
MAX_ANSWER_BYTES = 65_536
"""The longest that a registry writes is some 10 kB."""
MAX_REFERRALS = 3
KEEP_SERVER_S = 86_400.0
"""How long the server of a top-level domain is believed to be the same."""
MAX_SERVERS = 2_000

_QUERIES = {
    "whois.verisign-grs.com": "domain {}",  # else it lists name servers whose names begin so
    "whois.denic.de": "-T dn,ace {}",
    "whois.jprs.jp": "{}/e",  # in English
}
Server = tuple[str, int]


async def look_up(domain: str, server: Server, *, env: Env, watch: Stopwatch) -> Registration:
    """What the server says of `domain`, or those that it refers to where it doesn't say when the registration ends.

    Raises Fault, TargetRefused, ResolveError: it could not be asked, or gave no answer that can be read.
    """
    asked: list[Server] = []
    found: Registration | None = None
    following: Server | None = server
    while following is not None and following not in asked and len(asked) <= MAX_REFERRALS:
        asked.append(following)
        try:
            text = await _ask(following, _QUERIES.get(following[0], "{}").format(domain), env=env, watch=watch)
            answer = read_domain(text, domain, source=following[0])
        except (Fault, TargetRefused, ResolveError) as exc:
            if found is None:
                raise
            return attrs.evolve(found, note=str(exc))
        said = answer.registration
        if said is not None and (found is None or said.expires_at is not None):
            found = said
        is_enough = found is not None and (found.expires_at is not None or not found.is_registered)
        following = None if is_enough else answer.referral
    if found is None:
        raise Fault(f"{server[0]} refers to other servers, and none of them says anything about {domain}")
    return found


class Servers:
    """Which WHOIS server knows a top-level domain, as IANA's own says; for all monitors."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Server]] = {}

    async def server(self, tld: str, *, env: Env, watch: Stopwatch, now_s: float) -> Server | None:
        """The server for `tld`, None when it has none. `now_s` is monotonic.

        Raises Fault, TargetRefused, ResolveError: IANA could not be asked.
        """
        known = self._known.get(tld)
        if known is not None and now_s < known[0] + KEEP_SERVER_S:
            return known[1]
        try:
            server = read_referral(await _ask(IANA, tld, env=env, watch=watch))
        except (Fault, ResolveError):
            if known is None:
                raise
            return known[1]
        if server is None:
            return None
        if len(self._known) >= MAX_SERVERS:
            self._known.pop(next(iter(self._known)))
        self._known[tld] = (now_s, server)
        return server


async def _ask(server: Server, query: str, *, env: Env, watch: Stopwatch) -> str:
    place = Place(host=server[0], port=server[1])
    connection = await open_connection(place, env=env, watch=watch)
    heard = bytearray()
    try:
        await connection.send(f"{query}\r\n".encode("ascii"))
        while piece := await connection.receive():
            if not heard:
                watch.done("first_byte", then="transfer")
            heard += piece
            watch.note = f"no end of the answer of {place.shown} ({len(heard)} bytes)"
            if len(heard) > MAX_ANSWER_BYTES:
                raise Fault(f"{place.shown} answers without end: more than 64 KiB")
    except OSError as exc:
        raise Fault(f"the connection to {place.shown} was {broken_words(exc)} before the end of the answer") from None
    finally:
        connection.close()
    if heard:
        watch.done("transfer")
    watch.note = ""
    try:
        return heard.decode()
    except UnicodeDecodeError:
        return heard.decode("latin-1")
