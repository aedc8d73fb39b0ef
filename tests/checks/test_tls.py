"""The TLS check against real handshakes: whose certificates, how long they hold, and every way in which it fails."""

import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st

from asura.checks import CHECK_TYPES
from asura.checks.tls import expiry_warning, split
from asura.errors import InvalidDocument
from asura.model.monitor import Status
from asura.model.observation import Certificate, Outcome
from asura.protocols.attempt import Env, Stopwatch
from asura.serde import load
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import descriptors, drained
from tests.fakes.peers import free_port, need, running
from tests.fakes.target import Stream, break_off, raw, silent, start_target

TLS = CHECK_TYPES["tls"]
DAY_MS = 86_400_000


async def quiet(stream: Stream) -> None:
    """Shake hands, and end when the other side does."""
    await stream.receive_some()


def lasting(authority: trustme.CA, **of: float) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(**of))


VERDICTS: dict[str, tuple[dict[str, float], dict[str, Any], Status, str]] = {
    "long enough": ({"days": 30}, {}, Status.UP, ""),
    "just long enough": ({"days": 14, "hours": 1}, {}, Status.UP, ""),
    "some days": ({"days": 6, "hours": 1}, {}, Status.DEGRADED, "the certificate expires in 6 days, on "),
    "one day": ({"days": 1, "hours": 1}, {}, Status.DEGRADED, "the certificate expires in 1 day, on "),
    "some hours": ({"hours": 3.5}, {}, Status.DEGRADED, "the certificate expires in 3 hours, on "),
    "some minutes": ({"minutes": 5}, {}, Status.DEGRADED, "the certificate expires in less than an hour, on "),
    "a longer warning": ({"days": 30}, {"warn_days": 31}, Status.DEGRADED, "the certificate expires in 29 days, on "),
    "no warning": ({"days": 1}, {"warn_days": 0}, Status.UP, ""),
}


@pytest.mark.parametrize(("lasts", "settings", "status", "message"), VERDICTS.values(), ids=VERDICTS)
async def test_a_certificate_is_judged_by_the_time_that_is_left(
    lasts: dict[str, float],
    settings: dict[str, Any],
    status: Status,
    message: str,
    authority: trustme.CA,
    check: Check,
    nursery: trio.Nursery,
) -> None:
    target = await start_target(nursery, quiet, tls=server_context(lasting(authority, **lasts)))
    outcome = await check("tls", target.address, **settings)
    assert outcome.status is status
    assert outcome.message.startswith(message)
    assert bool(outcome.message) == bool(message)
    assert [each.names for each in outcome.chain] == [("127.0.0.1",)]
    assert outcome.cert_expires_at == outcome.chain[0].expires_at
    assert (outcome.timings.tls_ms or 0) >= 1


def certificate(subject: str, *, days: int) -> Certificate:
    return Certificate(subject=subject, names=(), issuer="", expires_at=days * DAY_MS + 3_600_000, fingerprint="")


CHAINS = {
    "the leaf first": ([3, 5], "the certificate expires in 3 days, on 1970-01-04 01:00 UTC"),
    "one in between first": ([5, 3], "the certificate in between, R1, expires in 3 days, on 1970-01-04 01:00 UTC"),
    "the second in between": ([9, 9, 2], "the certificate in between, R2, expires in 2 days, on 1970-01-03 01:00 UTC"),
    "none soon": ([10, 11], ""),
    "no chain": ([], ""),
}


@pytest.mark.parametrize(("days", "words"), CHAINS.values(), ids=CHAINS)
def test_the_first_of_the_chain_to_end_is_named(days: list[int], words: str) -> None:
    chain = [certificate(f"R{place}", days=each) for place, each in enumerate(days)]
    assert expiry_warning(chain, warn_days=10, now_ms=0) == words


async def test_a_certificate_in_between_counts(check: Check, nursery: trio.Nursery, env: Env) -> None:
    root = trustme.CA()
    between = root.create_child_ca()
    target = await start_target(nursery, quiet, tls=server_context(between.issue_cert("127.0.0.1")))
    outcome = await check("tls", target.address, ca_cert=root.cert_pem.bytes().decode())
    assert outcome.status is Status.UP
    assert len(outcome.chain) == 2
    assert outcome.chain[0].issuer == outcome.chain[1].subject


def showing(folder: Path, leaf: trustme.LeafCert, *chain: trustme.Blob) -> ssl.SSLContext:
    """A server that sends its leaf and exactly this chain."""
    file = folder / "chain.pem"
    file.write_bytes(b"".join(blob.bytes() for blob in (leaf.private_key_pem, leaf.cert_chain_pems[0], *chain)))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


async def test_a_root_that_is_sent_along_does_not_count(
    tmp_path: Path, authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    context = showing(tmp_path, authority.issue_cert("127.0.0.1"), authority.cert_pem)
    target = await start_target(nursery, quiet, tls=context)
    assert len((await check("tls", target.address)).chain) == 1


EXPIRED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3, hours=1)
STARTS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
FAULTS: dict[str, tuple[Callable[[trustme.CA], trustme.LeafCert], str]] = {
    "expired": (
        lambda ca: ca.issue_cert("127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=EXPIRED),
        f"the certificate expired on {EXPIRED:%Y-%m-%d %H:%M} UTC",
    ),
    "not yet valid": (
        lambda ca: ca.issue_cert("127.0.0.1", not_before=STARTS),
        f"the certificate is not valid before {STARTS:%Y-%m-%d %H:%M} UTC: "
        "compare the clocks of the target and of this machine",
    ),
    "for another name": (
        lambda ca: ca.issue_cert("a.example"),
        "the certificate is for a.example, expected 127.0.0.1",
    ),
    "of an unknown issuer": (
        lambda _: trustme.CA(organization_name="Elsewhere").issue_cert("127.0.0.1"),
        "the certificate is not trusted: its issuer, Testing CA",
    ),
}


@pytest.mark.parametrize(("issue", "message"), FAULTS.values(), ids=FAULTS)
async def test_a_bad_certificate_is_told(
    issue: Callable[[trustme.CA], trustme.LeafCert],
    message: str,
    authority: trustme.CA,
    check: Check,
    nursery: trio.Nursery,
) -> None:
    target = await start_target(nursery, quiet, tls=server_context(issue(authority)))
    outcome = await check("tls", target.address)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)
    assert len(outcome.chain) == 1
    assert target.connections == 1


async def test_a_missing_certificate_in_between_is_told(
    tmp_path: Path, authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    leaf = authority.create_child_ca().issue_cert("127.0.0.1")
    target = await start_target(nursery, quiet, tls=showing(tmp_path, leaf))
    outcome = await check("tls", target.address)
    assert outcome.message.endswith(" is unknown here, or the server left out the certificate in between")


async def test_an_unknown_authority_that_is_sent_along_is_named(
    tmp_path: Path, check: Check, nursery: trio.Nursery
) -> None:
    other = trustme.CA()
    target = await start_target(nursery, quiet, tls=showing(tmp_path, other.issue_cert("127.0.0.1"), other.cert_pem))
    outcome = await check("tls", target.address)
    assert outcome.message.startswith("the certificate is not trusted: its authority, Testing CA")


@pytest.fixture
def signed_by_itself(tmp_path: Path) -> Path:
    """A certificate and its key in one file, of a kind that trustme doesn't make."""
    argv = [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30"]
    both = ["-keyout", str(tmp_path / "own.key"), "-out", str(tmp_path / "own.crt")]
    subprocess.run([*argv, *subject, *both], check=True, capture_output=True)
    return tmp_path


async def test_a_certificate_that_signed_itself_is_told_and_can_be_trusted(
    signed_by_itself: Path, check: Check, nursery: trio.Nursery
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed_by_itself / "own.crt", signed_by_itself / "own.key")
    target = await start_target(nursery, quiet, tls=context)
    outcome = await check("tls", target.address)
    words = "the certificate is not trusted: it is signed by itself"
    assert (outcome.status, outcome.message) == (Status.DOWN, words)
    trusted = await check("tls", target.address, ca_cert=(signed_by_itself / "own.crt").read_text())
    assert trusted.status is Status.UP
    assert len(trusted.chain) == 1


async def test_the_server_name_is_asked_for_and_expected(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    asked: list[str | None] = []
    context = server_context(authority.issue_cert("www.a.example"))
    context.sni_callback = lambda _, name, __: asked.append(name)
    target = await start_target(nursery, quiet, tls=context)
    assert (await check("tls", target.address, server_name="www.a.example")).status is Status.UP
    assert asked == ["www.a.example"]
    outcome = await check("tls", target.address, server_name="b.example")
    assert outcome.message == "the certificate is for www.a.example, expected b.example"


async def test_an_older_version_than_wanted_is_down(authority: trustme.CA, check: Check, nursery: trio.Nursery) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    target = await start_target(nursery, quiet, tls=context)
    assert (await check("tls", target.address)).status is Status.UP
    outcome = await check("tls", target.address, min_version="1.3")
    assert (outcome.status, outcome.message) == (Status.DOWN, "the target speaks TLSv1.2, expected TLSv1.3")


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
async def test_a_protocol_that_is_too_old_is_told(
    option: str, tmp_path: Path, authority: trustme.CA, check: Check
) -> None:
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    port = free_port()
    argv = [need("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "both.pem", "-key", "both.pem"]
    with running([*argv, "-quiet", option, "-cipher", "ALL:@SECLEVEL=0"], folder=tmp_path, port=port):
        outcome = await check("tls", f"127.0.0.1:{port}")
    assert outcome.message == "the TLS handshake failed: the target only speaks a TLS version that is too old"


async def reset(stream: Stream) -> None:
    await stream.receive_some(10)
    break_off(stream)


async def trickle(stream: Stream) -> None:
    await stream.send_all(b"\x16\x03\x03\x3f\xff")
    while True:
        await trio.sleep(0.02)
        await stream.send_all(b"\x02")


async def close(stream: Stream) -> None:
    await stream.receive_some()


PLAIN = "the TLS handshake failed: the target doesn't speak TLS on this port"
MISBEHAVIOUR = {
    "plain text": (
        raw(b"220 mail.example ESMTP\r\n", reads=False),
        PLAIN,
    ),
    "plain HTTP": (
        raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", reads=False),
        PLAIN,
    ),
    "garbage": (raw(bytes(range(256)) * 9, reads=False), "the TLS handshake failed: "),
    "a close": (close, "the target closed the connection during the TLS handshake"),
    "a reset": (reset, "the target reset the connection during the TLS handshake"),
    "silence": (silent, "no answer in 0.5 s: connected in "),
    "a trickle": (trickle, "no answer in 0.5 s: connected in "),
}


@pytest.mark.parametrize(("behaviour", "message"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
async def test_a_target_that_misbehaves_is_told_in_time(
    behaviour: Any, message: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    began = trio.current_time()
    outcome = await check("tls", target.address, timeout_s=0.5)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)
    assert trio.current_time() - began < 1.0
    await drained(target.port)


async def test_endless_records_end_the_handshake(check: Check, nursery: trio.Nursery) -> None:
    async def flood(stream: Stream) -> None:
        while True:
            await stream.send_all((b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + bytes(16_380)) * 4)

    target = await start_target(nursery, flood)
    outcome = await check("tls", target.address, timeout_s=2)
    assert outcome.message.startswith("the TLS handshake failed: ")


async def test_a_refused_connection_is_told(check: Check) -> None:
    port = free_port()
    assert (await check("tls", f"127.0.0.1:{port}")).message.startswith(f"connect to 127.0.0.1:{port} refused after ")


async def test_a_cancelled_check_leaves_nothing(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    await check("tls", target.address, timeout_s=0.05)
    await drained(target.port)
    before = descriptors()
    for _ in range(20):
        with trio.move_on_after(0.01):
            await check("tls", target.address)
    await drained(target.port)
    assert descriptors() <= before + 20  # the target's own ends, which it never closes


async def test_a_check_by_hand_shows_the_chain(authority: trustme.CA, env: Env, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, quiet, tls=server_context(lasting(authority, days=30, hours=1)))
    watch = Stopwatch(talks=True)
    outcome: Outcome = await TLS.prepare(target.address, TLS.settings(), env, None)(watch)  # type: ignore[arg-type]
    notes = dict(watch.notes)
    assert outcome.status is Status.UP
    assert notes["address"] == target.address
    assert notes["TLS"].startswith("TLSv1.3, ")
    assert notes["key"] == "ECDSA, P-256"
    assert ": 30 days left, until " in notes["certificate"]
    assert outcome.chain[0].fingerprint in notes["certificate"]
    assert notes["names"] == "127.0.0.1"


TARGETS = {
    "a.example": ("a.example", 443),
    "A.example:8443": ("a.example", 8443),
    "192.0.2.1": ("192.0.2.1", 443),
    "2001:db8::1": ("2001:db8::1", 443),
    "[2001:db8::1]": ("2001:db8::1", 443),
    "[2001:db8::1]:993": ("2001:db8::1", 993),
}


@pytest.mark.parametrize(("target", "place"), TARGETS.items(), ids=TARGETS)
def test_the_port_may_be_left_out(target: str, place: tuple[str, int]) -> None:
    assert TLS.target_problem(target) is None
    assert split(target) == place


def test_without_a_port_it_is_that_of_the_protocol() -> None:
    assert split("mail.a.example", "smtp") == ("mail.a.example", 25)
    assert split("mail.a.example:587", "smtp") == ("mail.a.example", 587)


WRONG_TARGETS = [
    "https://a.example/",
    "",
    "https://a.example",
    "a.example/",
    "a.example:0",
    "a.example:99999",
    "[::1",
    "a b",
    "[]",
    ":443",
    "::1]",
]


@pytest.mark.parametrize("target", WRONG_TARGETS)
def test_other_targets_are_refused(target: str) -> None:
    assert (TLS.target_problem(target) or "").startswith("must ")


WRONG_SETTINGS: dict[str, dict[str, Any]] = {
    "server_name": {"server_name": "a b"},
    "warn_days": {"warn_days": -1},
    "starttls": {"starttls": "gopher"},
    "min_version": {"min_version": "1.1"},
    "ca_cert": {"ca_cert": "hello"},
}


@pytest.mark.parametrize(("field", "settings"), WRONG_SETTINGS.items(), ids=WRONG_SETTINGS)
def test_wrong_settings_are_refused(field: str, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(TLS.settings, settings)
    assert list(caught.value.fields) == [field]


async def test_a_forbidden_target_is_refused(check: Check, env: Env) -> None:
    outcome = await check("tls", "169.254.169.254", env=attrs.evolve(env))
    assert outcome.is_refused


@given(st.text(max_size=60))
def test_any_other_target_is_refused_with_a_reason(target: str) -> None:
    problem = TLS.target_problem(target)
    assert problem is None or problem.startswith("must ")
    if problem is None:
        host, port = split(target)
        assert host
        assert 1 <= port <= 65535
