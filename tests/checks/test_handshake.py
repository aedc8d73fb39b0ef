from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import trio
import trustme

from asura.model.monitor import Status
from tests.checks.conftest import Check, server_context
from tests.fakes.target import answer, break_off, raw, silent, start_target

EXPIRY = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
STARTS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
EXPIRED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3, hours=1)


def expired(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=EXPIRED)


def not_yet_valid(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", not_before=STARTS)


def for_others(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("a.example", "*.b.example", "192.0.2.7")


def untrusted(_: trustme.CA) -> trustme.LeafCert:
    return trustme.CA(organization_name="Elsewhere", organization_unit_name="Nobody").issue_cert("127.0.0.1")


async def test_a_good_certificate_is_up_and_its_end_is_known(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1", not_after=EXPIRY))
    target = await start_target(nursery, answer(200, b"x" * 200_000), tls=context)
    outcome = await check("http", target.url, keyword="x" * 100)
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.cert_expires_at == 2_000_000_000_000
    assert (outcome.timings.tls_ms or 0) >= 1


FAULTS: dict[str, tuple[Callable[[trustme.CA], trustme.LeafCert], str]] = {
    "expired": (expired, f"the certificate expired on {EXPIRED:%Y-%m-%d %H:%M} UTC"),
    "not yet valid": (
        not_yet_valid,
        f"the certificate is not valid before {STARTS:%Y-%m-%d %H:%M} UTC: "
        "compare the clocks of the target and of this machine",
    ),
    "for another name": (for_others, "the certificate is for a.example, *.b.example, 192.0.2.7, expected 127.0.0.1"),
    "untrusted": (
        untrusted,
        "the certificate is not trusted: its issuer, Nobody, Elsewhere, is unknown here, "
        "or the server left out the certificate in between",
    ),
}


@pytest.mark.parametrize("kind", ["http", "tcp"])
@pytest.mark.parametrize(("issue", "message"), FAULTS.values(), ids=FAULTS)
async def test_a_bad_certificate_is_told(
    issue: Callable[[trustme.CA], trustme.LeafCert],
    message: str,
    kind: str,
    authority: trustme.CA,
    check: Check,
    nursery: trio.Nursery,
) -> None:
    target = await start_target(nursery, answer(), tls=server_context(issue(authority)))
    where, settings = (target.url, {}) if kind == "http" else (target.address, {"tls": True})
    outcome = await check(kind, where, **settings)
    assert (outcome.status, outcome.message) == (Status.DOWN, message)
    assert outcome.cert_expires_at is not None
    assert not any(target.requests)


@pytest.mark.parametrize("issue", [expired, for_others, untrusted], ids=["expired", "for another name", "untrusted"])
async def test_without_verification_a_bad_certificate_is_up_and_its_end_is_known(
    issue: Callable[[trustme.CA], trustme.LeafCert], authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    leaf = issue(authority)
    target = await start_target(nursery, answer(), tls=server_context(leaf))
    outcome = await check("http", target.url, verify_tls=False)
    assert outcome.status is Status.UP
    assert outcome.cert_expires_at is not None


async def test_a_target_without_tls_is_told(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, raw(b"220 mail.example ESMTP\r\n", reads=False))
    outcome = await check("http", target.url.replace("http://", "https://"))
    assert outcome.message == "the TLS handshake failed: the target doesn't speak TLS on this port"


async def test_a_connection_closed_in_the_handshake_is_told(check: Check, nursery: trio.Nursery) -> None:
    async def close(stream: trio.SocketStream) -> None:
        await stream.receive_some()

    target = await start_target(nursery, close)  # type: ignore[arg-type]
    outcome = await check("http", target.url.replace("http://", "https://"))
    assert outcome.message == "the target closed the connection during the TLS handshake"


async def test_a_connection_reset_in_the_handshake_is_told(check: Check, nursery: trio.Nursery) -> None:
    async def reset(stream: trio.SocketStream) -> None:
        await stream.receive_some(10)
        break_off(stream)

    target = await start_target(nursery, reset)  # type: ignore[arg-type]
    outcome = await check("http", target.url.replace("http://", "https://"))
    assert outcome.message == "the target reset the connection during the TLS handshake"


async def test_silence_in_the_handshake_is_told(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    outcome = await check("http", target.url.replace("http://", "https://"), timeout_s=0.3)
    assert outcome.message.startswith("no answer in 0.3 s: connected in ")
    assert outcome.message.endswith(", then no end of the TLS handshake")


ALERTS = {
    "a version that is too old": (70, "the target only speaks a TLS version that is too old"),
    "no cipher": (40, "no cipher or protocol in common"),
    "an unknown name": (112, "the target doesn't know this host name"),
    "ciphers that are too weak": (71, "the target wants stronger ciphers than those offered"),
    "no protocol": (120, "the target speaks none of the protocols that were offered"),
    "an error of its own": (80, "the target reports an error of its own; perhaps it doesn't know this host name"),
    "no access": (49, "the target denies access"),
    "an unknown client": (48, "the target doesn't trust the client certificate: it doesn't know who issued it"),
    "an expired client": (45, "the target says that the client certificate expired"),
    "something else": (51, 'the target sent the alert "decrypt error"'),
}


@pytest.mark.parametrize(("alert", "message"), ALERTS.values(), ids=ALERTS)
async def test_an_alert_is_told(alert: int, message: str, check: Check, nursery: trio.Nursery) -> None:
    async def refuse(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(bytes((21, 3, 3, 0, 2, 2, alert)))

    target = await start_target(nursery, refuse)  # type: ignore[arg-type]
    outcome = await check("http", target.url.replace("http://", "https://"))
    assert outcome.message == f"the TLS handshake failed: {message}"


async def test_a_broken_off_answer_over_tls_is_told(authority: trustme.CA, check: Check, nursery: trio.Nursery) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    target = await start_target(nursery, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), tls=context)
    outcome = await check("http", target.url)
    assert outcome.message == "the target closed the connection after 5 of 9 bytes of the body"


async def test_a_redirect_from_http_to_https_is_followed(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    secure = await start_target(nursery, answer(), tls=server_context(authority.issue_cert("127.0.0.1")))
    target = await start_target(nursery, answer(301, b"", location=secure.url))
    outcome = await check("http", target.url)
    assert outcome.status is Status.UP
    assert outcome.cert_expires_at is not None
