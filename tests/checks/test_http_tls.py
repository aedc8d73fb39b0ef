"""TLS in the HTTP check: whom it trusts, what it shows, and each fault in its own words."""

import contextlib
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from asura.api.masking import MASK, masked, unmasked
from asura.checks import CHECK_TYPES
from asura.errors import InvalidDocument
from asura.model.monitor import Status
from asura.protocols.attempt import NOTHING, Env, Keep, Stopwatch
from asura.serde import load
from tests.checks.conftest import Check, server_context
from tests.fakes.peers import free_port, need, running
from tests.fakes.target import answer, redirect, start_target

HTTP = CHECK_TYPES["http"]


def pem(leaf: trustme.LeafCert) -> str:
    return b"".join(blob.bytes() for blob in leaf.cert_chain_pems).decode()


def key(leaf: trustme.LeafCert, passphrase: str = "", *, old: bool = False) -> str:
    """The private key in PKCS #8, or as OpenSSL used to write it."""
    private = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    form = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
    return private.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


async def test_an_own_authority_replaces_those_of_the_machine(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    other = trustme.CA()
    target = await start_target(nursery, answer(), tls=server_context(other.issue_cert("127.0.0.1")))
    usual = await start_target(nursery, answer(), tls=server_context(authority.issue_cert("127.0.0.1")))
    own = other.cert_pem.bytes().decode()
    assert (await check("http", target.url)).message.startswith("the certificate is not trusted: ")
    assert (await check("http", target.url, ca_cert=own)).status is Status.UP
    assert (await check("http", usual.url)).status is Status.UP
    assert (await check("http", usual.url, ca_cert=own)).message.startswith("the certificate is not trusted: ")


async def test_verification_can_be_left_out(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(), tls=server_context(trustme.CA().issue_cert("a.example")))
    assert (await check("http", target.url)).status is Status.DOWN
    assert (await check("http", target.url, verify_tls=False)).status is Status.UP


CERTIFICATES = {"a key": ("", False), "an encrypted key": ("pass: ü", False), "an old encrypted key": ("pass", True)}


@pytest.mark.parametrize(("passphrase", "old"), CERTIFICATES.values(), ids=CERTIFICATES)
async def test_a_client_certificate_is_shown_when_it_is_asked_for(
    passphrase: str, old: bool, authority: trustme.CA, env: Env, check: Check, nursery: trio.Nursery
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    target = await start_target(nursery, answer(), tls=context)
    assert (await check("http", target.url)).status is Status.DOWN
    leaf = authority.issue_cert("ann@a.example")
    given = {"type": "pem", "certificate": pem(leaf), "key": key(leaf, passphrase, old=old), "passphrase": passphrase}
    settings = load(HTTP.settings, {"client_cert": given})
    assert HTTP.problems(target.url, settings, env) == {}
    outcome = await check("http", target.url, client_cert=settings.client_cert)
    assert (outcome.status, outcome.message) == (Status.UP, "")


ONE, TWO = trustme.CA().issue_cert("one.example"), trustme.CA().issue_cert("two.example")
EDWARDS = ec.generate_private_key(ec.SECP384R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
BROKEN = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
BROKEN_KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


def test_the_key_and_its_passphrase_read_back_masked() -> None:
    given = {"client_cert": {"type": "pem", "certificate": pem(ONE), "key": key(ONE, "pw"), "passphrase": "pw"}}
    read: Any = masked(HTTP.settings, given)
    assert read["client_cert"] == {**given["client_cert"], "key": MASK, "passphrase": MASK}
    assert unmasked(HTTP.settings, read, stored=given) == (given, {})


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no certificate": ({"certificate": "hello"}, "certificate"),
    "a broken certificate": ({"certificate": pem(ONE) + BROKEN}, "certificate"),
    "no key": ({"key": pem(ONE)}, "key"),
    "a broken key": ({"key": BROKEN_KEY}, "key"),
    "another's key": ({"key": key(TWO)}, "key"),
    "another kind of key": ({"key": EDWARDS.decode()}, "key"),
    "no passphrase": ({"key": key(ONE, "pw")}, "key"),
    "a wrong passphrase": ({"key": key(ONE, "pw"), "passphrase": "no"}, "passphrase"),
    "a wrong passphrase of an old key": ({"key": key(ONE, "pw", old=True), "passphrase": "no"}, "passphrase"),
}


@pytest.mark.parametrize(("change", "field"), WRONG.values(), ids=WRONG)
def test_a_client_certificate_that_cant_be_used_is_refused_when_it_is_saved(change: dict[str, str], field: str) -> None:
    given = {"certificate": pem(ONE), "key": key(ONE)} | change
    with pytest.raises(InvalidDocument) as caught:
        load(HTTP.settings, {"client_cert": {**given, "type": "pem"}})
    assert list(caught.value.fields) == [f"client_cert.{field}"]


def test_a_client_certificate_hides_its_secrets() -> None:
    given = {"type": "pem", "certificate": pem(ONE), "key": key(ONE, "s3cret"), "passphrase": "s3cret"}
    text = repr(load(HTTP.settings, {"client_cert": given}))
    assert "s3cret" not in text
    assert "PRIVATE" not in text


AUTHORITIES = {"no PEM": "hello", "a broken one": BROKEN, "a key": key(ONE)}


@pytest.mark.parametrize("text", AUTHORITIES.values(), ids=AUTHORITIES)
def test_authorities_that_cant_be_read_are_refused_when_they_are_saved(text: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(HTTP.settings, {"ca_cert": text})
    assert list(caught.value.fields) == ["ca_cert"]


@contextlib.contextmanager
def s_server(folder: Path, leaf: trustme.LeafCert, *options: str) -> Iterator[str]:
    """A server of OpenSSL's own, which can speak what Python's no longer does."""
    (folder / "server.pem").write_text(pem(leaf))
    (folder / "server.key").write_text(key(leaf))
    port = free_port()
    argv = [need("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "server.pem", "-key", "server.key"]
    with running([*argv, "-www", "-quiet", *options], folder=folder, port=port):
        yield f"https://127.0.0.1:{port}/"


WANTED = {
    "TLS 1.3": ("-tls1_3", "the connection was ended, as the target wants a client certificate, before it answered"),
    "TLS 1.2": ("-tls1_2", "the TLS handshake failed: the target wants a client certificate, or another one"),
}


@pytest.mark.parametrize(("option", "words"), WANTED.values(), ids=WANTED)
async def test_a_client_certificate_that_is_wanted_is_told(
    option: str, words: str, tmp_path: Path, authority: trustme.CA, check: Check
) -> None:
    with s_server(tmp_path, authority.issue_cert("127.0.0.1"), option, "-Verify", "1", "-verify_return_error") as url:
        outcome = await check("http", url)
    assert outcome.message == words


async def test_openssl_itself_is_up(tmp_path: Path, authority: trustme.CA, check: Check) -> None:
    with s_server(tmp_path, authority.issue_cert("127.0.0.1")) as url:
        outcome = await check("http", url)
    assert (outcome.status, outcome.message) == (Status.UP, "")


OLD = {"TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1"}


@pytest.mark.parametrize("option", OLD.values(), ids=OLD)
@pytest.mark.parametrize("verify", [True, False], ids=["verified", "not verified"])
async def test_a_protocol_that_is_too_old_is_told(
    option: str, verify: bool, tmp_path: Path, authority: trustme.CA, check: Check
) -> None:
    leaf = authority.issue_cert("127.0.0.1")
    with s_server(tmp_path, leaf, option, "-cipher", "ALL:@SECLEVEL=0") as url:
        outcome = await check("http", url, verify_tls=verify)
    assert outcome.message == "the TLS handshake failed: the target only speaks a TLS version that is too old"


async def test_no_cipher_in_common_is_told(tmp_path: Path, authority: trustme.CA, check: Check) -> None:
    options = ("-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
    with s_server(tmp_path, authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA), *options) as url:
        outcome = await check("http", url)
    assert outcome.message == "the TLS handshake failed: no cipher or protocol in common"


def dated(authority: trustme.CA, begins: timedelta, ends: timedelta) -> trustme.LeafCert:
    now = datetime.now(UTC)
    return authority.issue_cert("127.0.0.1", not_before=now + begins, not_after=now + ends)


FAULTS = {
    "expired": (
        -timedelta(days=30),
        -timedelta(days=2, hours=1),
        r"the certificate expired on \S+ \S+ UTC",
    ),
    "not yet valid": (
        timedelta(days=1),
        timedelta(days=30),
        r"the certificate is not valid before [\d :-]+ UTC: .*",
    ),
}


@pytest.mark.parametrize(("begins", "ends", "words"), FAULTS.values(), ids=FAULTS)
async def test_a_real_server_with_a_bad_certificate_is_told(
    begins: timedelta, ends: timedelta, words: str, tmp_path: Path, authority: trustme.CA, check: Check
) -> None:
    with s_server(tmp_path, dated(authority, begins, ends)) as url:
        outcome = await check("http", url)
    assert outcome.status is Status.DOWN
    assert re.fullmatch(words, outcome.message)
    assert outcome.cert_expires_at is not None


async def test_a_real_server_for_another_name_is_told(tmp_path: Path, authority: trustme.CA, check: Check) -> None:
    with s_server(tmp_path, authority.issue_cert("a.example")) as url:
        outcome = await check("http", url)
    assert outcome.message == "the certificate is for a.example, expected 127.0.0.1"


async def test_a_whole_chain_is_known_and_its_earliest_end_counts(
    authority: trustme.CA, env: Env, nursery: trio.Nursery
) -> None:
    early = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)
    leaf = authority.issue_cert("127.0.0.1", not_after=early)
    target = await start_target(nursery, answer(), tls=server_context(leaf))
    watch = Stopwatch()
    outcome = await HTTP.prepare(target.url, HTTP.settings(), env, NOTHING)(watch)
    assert outcome.cert_expires_at == int(early.timestamp()) * 1000
    assert outcome.chain[0].names == ("127.0.0.1",)
    assert outcome.chain[0].expires_at == outcome.cert_expires_at


async def test_a_certificate_that_is_refused_after_a_redirect_is_known(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    leaf = dated(authority, -timedelta(days=30), -timedelta(days=2))
    secure = await start_target(nursery, answer(), tls=server_context(leaf))
    target = await start_target(nursery, redirect(secure.url))
    outcome = await check("http", target.url, keep=Keep(headers=True, body=True))
    assert outcome.message.startswith("the certificate expired on ")
    assert (outcome.status_code, outcome.reply) == (302, None)
    assert [each.names for each in outcome.chain] == [("127.0.0.1",)]
    assert outcome.cert_expires_at == outcome.chain[0].expires_at
