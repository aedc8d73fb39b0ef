"""The TLS check: a handshake, judged by the certificates shown in it and the time that is left of them."""

import ssl
import time
from collections.abc import Sequence
from functools import partial

import attrs
from attrs.validators import and_

from asura.checks.base import CheckType, TargetField
from asura.errors import TargetRefused
from asura.fields import between, one_of, text
from asura.model.assertion import AssertionType
from asura.model.monitor import Status
from asura.model.observation import Certificate, Outcome
from asura.netguard import ResolveError
from asura.protocols import certificate
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch, down, shortened
from asura.protocols.connection import Connection
from asura.protocols.handshake import peer_chain, start_tls
from asura.protocols.opening import Place, open_connection
from asura.protocols.pem import MAX_PEM_CHARS, ClientCertificate, is_authorities
from asura.protocols.starttls import PROTOCOLS, ask_for_tls
from asura.protocols.target import parse_host, parse_host_port
from asura.units import iso

DAY_MS = 86_400_000
DEFAULT_PORT = 443
VERSIONS = ("1.2", "1.3")
STARTTLS = ("", *PROTOCOLS)


def _is_server_name(_: object, __: object, value: str) -> None:
    if value:
        parse_host(value)


@attrs.frozen(kw_only=True)
class TlsSettings:
    """Whom the certificate must be for, and how long it must hold."""

    server_name: str = attrs.field(
        default="",
        validator=and_(text(253), _is_server_name),
        metadata={
            "label": "Server name",
            "help": "What is asked for (SNI), and what the certificate must be for. Empty: the target's host.",
            "placeholder": "www.example.org",
        },
    )
    warn_days: int = attrs.field(
        default=14,
        validator=between(0, 365, unit="days"),
        metadata={
            "label": "Warn before expiry",
            "help": "Degraded from so many days before the first certificate of the chain ends; 0 never.",
            "unit": "days",
        },
    )
    starttls: str = attrs.field(
        default="",
        validator=one_of(STARTTLS),
        metadata={
            "label": "STARTTLS",
            "help": "Begin in plain text by this protocol and ask for TLS there. Empty: TLS from the start.",
            "choices": STARTTLS,
        },
    )
    min_version: str = attrs.field(
        default="1.2",
        validator=one_of(VERSIONS),
        metadata={
            "label": "Oldest TLS version",
            "help": "What is agreed on must not be older; 1.0 and 1.1 are never taken.",
            "choices": VERSIONS,
        },
    )
    ca_cert: str = attrs.field(
        default="",
        validator=and_(text(MAX_PEM_CHARS), is_authorities),
        metadata={
            "label": "Own authority",
            "help": "PEM of the authorities to trust, in place of those of the machine.",
            "multiline": True,
            "placeholder": "-----BEGIN CERTIFICATE-----",
        },
    )
    client_cert: ClientCertificate | None = attrs.field(
        default=None, metadata={"label": "Client certificate", "help": "Shown to the target when it asks for one."}
    )


def split(target: str, starttls: str = "") -> tuple[str, int]:
    """Host and port of a target, whose port may be left out.

    Raises ValueError: "must …".
    """
    if target.startswith("[") or target.count(":") == 1:
        if not target.endswith("]"):
            return parse_host_port(target)
        target = target[1:-1]
    if not target or "/" in target:
        raise ValueError("must be host or host:port, such as www.example.org or mail.example.org:993")
    return parse_host(target), PROTOCOLS[starttls].port if starttls else DEFAULT_PORT


def target_problem(target: str) -> str | None:
    """What is wrong with a target, or None."""
    try:
        split(target)
    except ValueError as exc:
        return str(exc)
    return None


def hosts(target: str, settings: TlsSettings) -> dict[str, str]:
    """What is connected to."""
    return {"target": split(target)[0]}


def prepare(target: str, settings: TlsSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target or a setting has a problem.
    """
    host, port = split(target, settings.starttls)
    context = env.tls.client(ca_cert=settings.ca_cert, client_cert=settings.client_cert)
    return partial(_attempt, Place(host=host, port=port), settings, env, context)


async def _attempt(place: Place, settings: TlsSettings, env: Env, context: ssl.SSLContext, watch: Stopwatch) -> Outcome:
    try:
        connection = await open_connection(place, env=env, watch=watch, then="tls")
        try:
            if settings.starttls:
                await ask_for_tls(connection, settings.starttls, watch=watch)
            await start_tls(connection, server_name=settings.server_name or place.host, context=context)
            watch.done("tls")
            return _judged(connection, settings, watch)
        finally:
            connection.close()
    except (Fault, TargetRefused, ResolveError) as exc:
        return down(exc, watch)


def _judged(connection: Connection, settings: TlsSettings, watch: Stopwatch) -> Outcome:
    chain = peer_chain(connection)
    now_ms = time.time_ns() // 1_000_000
    if watch.talks:
        _tell(connection, chain, watch, now_ms=now_ms)
    version = connection.tls.version() if connection.tls is not None else None
    status, message = Status.UP, ""
    if settings.min_version == "1.3" and version != "TLSv1.3":
        status, message = Status.DOWN, f"the target speaks {version}, expected TLSv1.3"
    elif warning := expiry_warning(chain, warn_days=settings.warn_days, now_ms=now_ms):
        status, message = Status.DEGRADED, warning
    return Outcome(
        status=status,
        message=shortened(message),
        response_ms=watch.elapsed_ms(),
        timings=watch.timings(),
        cert_expires_at=certificate.earliest(chain),
        chain=chain,
    )


def expiry_warning(chain: Sequence[Certificate], *, warn_days: int, now_ms: int) -> str:
    """Which certificate ends within `warn_days`, the first to end; empty when none does."""
    if not chain:
        return ""
    place, ending = min(enumerate(chain), key=lambda each: each[1].expires_at)
    left_ms = ending.expires_at - now_ms
    if left_ms >= warn_days * DAY_MS:
        return ""
    which = "the certificate" if place == 0 else f"the certificate in between, {ending.subject},"
    return f"{which} expires in {_left(left_ms)}, on {_minute(ending.expires_at)}"


def _left(left_ms: int) -> str:
    days, hours = left_ms // DAY_MS, left_ms // 3_600_000
    if days < 1:
        return "less than an hour" if hours < 1 else f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{days} day{'' if days == 1 else 's'}"


def _minute(instant_ms: int) -> str:
    return f"{iso(instant_ms)[:16].replace('T', ' ')} UTC"


def _tell(connection: Connection, chain: Sequence[Certificate], watch: Stopwatch, *, now_ms: int) -> None:
    tls = connection.tls
    if tls is not None:
        cipher = tls.cipher()
        watch.tell("TLS", f"{tls.version()}, {cipher[0] if cipher else 'no cipher'}")
        watch.tell("key", certificate.key_words(tls.getpeercert(binary_form=True) or b""))
    for each in chain:
        days = (each.expires_at - now_ms) // DAY_MS
        watch.tell(
            "certificate",
            f"{each.subject}, by {each.issuer}: {days} days left, until {iso(each.expires_at)[:10]}; "
            f"SHA-256 {each.fingerprint}",
        )
    if chain and chain[0].names:
        watch.tell("names", ", ".join(chain[0].names))


TLS = CheckType(
    name="tls",
    label="TLS certificate",
    about="""\
Makes a TLS handshake and judges the certificates; nothing is asked of what is behind. The port may be left out: 443, or
the usual one of the protocol that `starttls` names.

- **Up**: the certificate is trusted, it is for the server name, and the whole chain holds for longer than `warn_days`.
- **Degraded**: a certificate of the chain, also one in between, ends within `warn_days`.
- **Down**: no connection; a certificate that is expired, not yet valid, for another name or not trusted; a TLS version
  that is too old, no cipher in common, or no TLS at all.

Of the chain those certificates count that the trust rests on. The root doesn't, and neither does an old certificate
that the server sends besides. For servers of your own authority, put its certificate into `ca_cert`.

In TLS 1.3 a server refuses a missing client certificate only after the handshake, so that this check doesn't notice.
""",
    target=TargetField(
        label="Host and port", help="What to connect to; without a port 443.", placeholder="www.example.org"
    ),
    settings=TlsSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    asserts=frozenset({AssertionType.RESPONSE_TIME, AssertionType.CERT_EXPIRY}),
)
