"""What every check over one connection has in common: look the name up, ask the guard, connect, perhaps speak TLS."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from asura.errors import TargetRefused
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import ResolveError
from asura.protocols.attempt import Env, Fault, Phase, Stopwatch, down, shortened
from asura.protocols.certificate import earliest
from asura.protocols.connection import Connection, connect
from asura.protocols.handshake import peer_chain, start_tls
from asura.protocols.target import parse_host_port, shown_host_port

TLS = {"label": "TLS", "help": "Speak TLS from the start, and verify the certificate."}
VERIFY_TLS = {
    "label": "Verify certificate",
    "help": "Untrusted, expired and wrong certificates count as down.",
}
"""What the forms say of the settings `tls` and `verify_tls`."""


@attrs.frozen(kw_only=True)
class Place:
    """Where a check connects to, and how."""

    host: str
    port: int
    tls: bool = False
    verify: bool = True
    alpn: tuple[str, ...] = ()
    """The protocols to ask for in the handshake."""
    shown: str = attrs.field(init=False)
    """For messages."""

    @shown.default
    def _shown(self) -> str:
        return shown_host_port(self.host, self.port)


def host_port_problem(target: str) -> str | None:
    """What is wrong with a `host:port`, or None."""
    try:
        parse_host_port(target)
    except ValueError as exc:
        return str(exc)
    return None


def host_port_hosts(target: str, settings: Any) -> dict[str, str]:
    """What a check of a `host:port` connects to: that host."""
    return {"target": parse_host_port(target)[0]}


async def open_connection(place: Place, *, env: Env, watch: Stopwatch, then: Phase = "first_byte") -> Connection:
    """Connect to `place`. Times dns (of a name), connect and tls; the phase `then` begins. Close what you get.

    Raises Fault, TargetRefused, ResolveError: it can't be reached. OwnFailure: this machine can't.
    """
    watch.skip(to="dns")
    addresses = await env.guard.resolve(place.host, place.port)
    if len(addresses) > 1 or addresses[0].ip != place.host:
        watch.done("dns")
    watch.waiting_for = "connect"
    connection = await connect(addresses, shown=place.shown, watch=watch)
    if watch.talks:
        watch.tell("address", shown_host_port(connection.address.ip, place.port))
    if not place.tls:
        watch.done("connect", then=then)
        return connection
    watch.done("connect", then="tls")
    try:
        context = env.tls.client(verify=place.verify, alpn=place.alpn)
        await start_tls(connection, server_name=place.host, context=context)
    except BaseException:
        connection.close()
        raise
    watch.done("tls", then=then)
    if watch.talks and connection.tls is not None:
        cipher = connection.tls.cipher()
        watch.tell("TLS", f"{connection.tls.version()}, {cipher[0] if cipher else 'no cipher'}")
    return connection


async def converse(
    place: Place, talk: Callable[[Connection, Stopwatch], Awaitable[Outcome]], *, env: Env, watch: Stopwatch
) -> Outcome:
    """One check: open a connection, `talk` over it, close it. What goes wrong before there is an outcome is down."""
    try:
        connection = await open_connection(place, env=env, watch=watch)
        try:
            return await talk(connection, watch)
        except Fault as exc:
            return judged(connection, watch, problem=str(exc))
        finally:
            connection.close()
    except (Fault, TargetRefused, ResolveError) as exc:
        return down(exc, watch)


def judged(connection: Connection, watch: Stopwatch, *, problem: str = "", **more: Any) -> Outcome:
    """The outcome of a check that got an answer over an open connection: down by `problem`, or up."""
    chain = peer_chain(connection)
    return Outcome(
        status=Status.DOWN if problem else Status.UP,
        message=shortened(problem),
        response_ms=watch.elapsed_ms(),
        timings=watch.timings(),
        cert_expires_at=earliest(chain),
        chain=chain,
        **more,
    )
