"""What is read from certificates: real ones of several kinds, and whatever else a target may send."""

import ssl
from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from asura.protocols import certificate

STARTS, ENDS = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
LEAF = trustme.CA().issue_cert("a.example", not_after=ENDS)


def der_of(leaf: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


def made(
    subject: list[tuple[x509.ObjectIdentifier, str]],
    *,
    issuer: list[tuple[x509.ObjectIdentifier, str]] | None = None,
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | None = None,
    ends: datetime = ENDS,
) -> bytes:
    """A certificate without alternative names."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(*each) for each in given]) for given in (subject, issuer or subject)]
    builder = x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(STARTS).not_valid_after(ends)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.DER)


CN, O, OU, C = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COUNTRY_NAME  # noqa: E741


def test_a_certificate_is_read() -> None:
    read = certificate.read(made([(CN, "www.a.example")], issuer=[(C, "US"), (O, "Let's Encrypt"), (CN, "R11")]))
    assert read is not None
    assert (read.subject, read.names, read.issuer) == ("www.a.example", ("www.a.example",), "R11, Let's Encrypt")
    assert read.expires_at == 2_000_000_000_000


def test_names_and_end_are_read() -> None:
    leaf = trustme.CA().issue_cert("ü.example", "::1", common_name="cn.example", not_after=ENDS)
    read = certificate.read(der_of(leaf))
    assert read is not None
    assert (read.names, read.expires_at) == (("xn--tda.example", "::1"), 2_000_000_000_000)


def test_the_fingerprint_is_that_of_the_whole() -> None:
    read = certificate.read(der_of(LEAF))
    assert read is not None
    fingerprint = x509.load_der_x509_certificate(der_of(LEAF)).fingerprint(hashes.SHA256())
    assert read.fingerprint == fingerprint.hex()


SUBJECTS = {
    "name and organization": ([(O, "ACME"), (CN, "Root")], "Root, ACME"),
    "organization only": ([(C, "CH"), (O, "ACME")], "ACME"),
    "unit": ([(O, "ACME"), (OU, "Ops")], "Ops, ACME"),
    "twice the same": ([(O, "ACME"), (CN, "ACME")], "ACME"),
    "not ASCII": ([(CN, "Zürich")], "Zürich"),
    "hostile": ([(CN, "a\nb\x1b[2J")], "a?b?[2J"),
    "nothing": ([], "no name"),
}


@pytest.mark.parametrize(("subject", "shown"), SUBJECTS.values(), ids=SUBJECTS)
def test_a_distinguished_name_is_shown_short(subject: list[tuple[x509.ObjectIdentifier, str]], shown: str) -> None:
    read = certificate.read(made(subject))
    assert read is not None
    assert (read.subject, read.issuer) == (shown, shown)


INSTANTS = {
    "of two digits": (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), 2_524_607_999_000),
    "of four digits": (datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC), 4_102_444_799_000),
    "of the last day": (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 253_402_300_799_000),
}


@pytest.mark.parametrize(("ends", "expires_at"), INSTANTS.values(), ids=INSTANTS)
def test_an_end_is_read_from_a_year(ends: datetime, expires_at: int) -> None:
    read = certificate.read(made([(CN, "a")], ends=ends))
    assert read is not None
    assert read.expires_at == expires_at


def test_a_beginning_is_read() -> None:
    assert certificate.starts_at(made([(CN, "a")])) == int(STARTS.timestamp()) * 1000


KEYS = {
    "P-256": (ec.generate_private_key(ec.SECP256R1()), "ECDSA, P-256"),
    "P-384": (ec.generate_private_key(ec.SECP384R1()), "ECDSA, P-384"),
    "P-521": (ec.generate_private_key(ec.SECP521R1()), "ECDSA, P-521"),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    "RSA": (rsa.generate_private_key(65537, 2048), "RSA, 2048 bits"),
    "another curve": (ec.generate_private_key(ec.SECP256K1()), "of another kind"),
}


@pytest.mark.parametrize(("key", "words"), KEYS.values(), ids=KEYS)
def test_the_kind_of_key_is_told(key: ec.EllipticCurvePrivateKey, words: str) -> None:
    assert certificate.key_words(made([(CN, "a")], key=key)) == words


def test_a_chain_is_read_once() -> None:
    ders = [der_of(LEAF), made([(CN, "R11")], issuer=[(CN, "Root")])]
    assert certificate.chain(ders) is certificate.chain(list(ders))
    assert [each.subject for each in certificate.chain(ders)][1:] == ["R11"]


def test_a_root_at_the_end_is_left_out_unless_it_is_all_there_is() -> None:
    root = made([(CN, "Root")])
    assert len(certificate.chain([der_of(LEAF), root])) == 1
    assert [each.subject for each in certificate.chain([root])] == ["Root"]


def test_what_is_remembered_has_a_limit() -> None:
    leaf = made([(CN, "a")])
    for each in range(certificate.REMEMBERED + 50):
        certificate.chain([leaf, each.to_bytes(4)])
    assert len(certificate._remembered) == certificate.REMEMBERED
    long = [leaf] * (certificate.REMEMBERED_BYTES // len(leaf) + 1)
    assert len(certificate.chain(long)) <= certificate.MAX_CERTIFICATES
    assert certificate.chain(long) is not certificate.chain(long)


def test_the_earliest_end_counts() -> None:
    soon = datetime(2030, 1, 1, tzinfo=UTC)
    chain = certificate.chain([der_of(LEAF), made([(CN, "R11")], issuer=[(CN, "Root")], ends=soon)])
    assert certificate.earliest(chain) == int(soon.timestamp()) * 1000
    assert certificate.earliest(()) is None


def look_at(der: bytes) -> None:
    certificate.read(der)
    certificate.starts_at(der)
    certificate.key_words(der)
    certificate.chain([der, der])


def test_a_broken_certificate_breaks_nothing() -> None:
    der = der_of(LEAF)
    for at in range(0, len(der), 2):
        for broken in (der[:at], der[:at] + b"\xff" + der[at + 1 :], der[:at] + b"\x00" + der[at + 1 :]):
            look_at(broken)


@given(st.integers(0, len(der_of(LEAF)) - 1), st.binary(max_size=9))
def test_a_certificate_with_something_else_in_it_breaks_nothing(at: int, other: bytes) -> None:
    der = der_of(LEAF)
    look_at(der[:at] + other + der[at + len(other) :])


@given(st.binary(max_size=300))
def test_garbage_breaks_nothing(garbage: bytes) -> None:
    look_at(garbage)
