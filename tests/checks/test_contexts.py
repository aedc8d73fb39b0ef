"""The shared SSL contexts: made once for each set of options, and not without end."""

import ssl
import time

import pytest
import trustme

from asura.protocols import contexts
from asura.protocols.contexts import TlsContexts
from asura.protocols.pem import MAX_KEY_ROUNDS, ClientCertificate, ders, show
from tests.fakes.descriptors import descriptors

CA = trustme.CA()
PEM = CA.cert_pem.bytes().decode()


def client(name: str = "ann@a.example") -> ClientCertificate:
    leaf = CA.issue_cert(name)
    pem = b"".join(blob.bytes() for blob in leaf.cert_chain_pems).decode()
    return ClientCertificate(certificate=pem, key=leaf.private_key_pem.bytes().decode())


def test_contexts_are_made_once() -> None:
    made = TlsContexts()
    own = client()
    assert made.client() is made.client(verify=True)
    assert made.client() is not made.client(verify=False)
    assert made.client(alpn=("h2",)) is not made.client(alpn=("h2", "http/1.1"))
    assert made.client(ca_cert=PEM) is made.client(ca_cert="".join(list(PEM)))
    assert made.client(client_cert=own, ca_cert=PEM) is made.client(client_cert=own, ca_cert=PEM)


def test_contexts_verify_unless_they_are_told_not_to() -> None:
    made = TlsContexts()
    for context in (made.client(), made.client(ca_cert=PEM), made.client(ca_cert=PEM, client_cert=client())):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert made.client(verify=False, ca_cert=PEM).verify_mode is ssl.CERT_NONE


def test_an_own_authority_is_the_only_one() -> None:
    assert TlsContexts().client(ca_cert=PEM).cert_store_stats()["x509"] == 1


def test_those_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "MAX_CONTEXTS", 2)
    made = TlsContexts()
    first = made.client(verify=False, alpn=("1",))
    second = made.client(verify=False, alpn=("2",))
    assert made.client(verify=False, alpn=("1",)) is first
    made.client(verify=False, alpn=("3",))
    assert made.client(verify=False, alpn=("1",)) is first
    assert made.client(verify=False, alpn=("2",)) is not second


def test_a_key_whose_passphrase_would_take_minutes_is_refused() -> None:
    """PKCS #8 (RFC 5958) with PBKDF2 (RFC 8018): its rounds stand in it, and OpenSSL would make them all."""

    def field(tag: int, *content: bytes) -> bytes:
        joined = b"".join(content)
        return bytes((tag, len(joined))) + joined

    rounds = field(2, (2**31 - 1).to_bytes(4))
    derivation = field(0x30, field(6, bytes.fromhex("2a864886f70d01050c")), field(0x30, field(4, bytes(8)), rounds))
    cipher = field(0x30, field(6, bytes.fromhex("60864801650304012a")), field(4, bytes(16)))
    scheme = field(0x30, field(6, bytes.fromhex("2a864886f70d01050d")), field(0x30, derivation, cipher))
    key = ssl.DER_cert_to_PEM_cert(field(0x30, scheme, field(4, bytes(16)))).replace(
        "CERTIFICATE", "ENCRYPTED PRIVATE KEY"
    )
    with pytest.raises(ValueError, match=f"more than {MAX_KEY_ROUNDS} rounds"):
        ClientCertificate(certificate=client().certificate, key=key, passphrase="x")


def test_a_key_leaves_no_file_open() -> None:
    own = client()
    before = descriptors()
    for _ in range(5):
        show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), own)
    assert descriptors() == before


HOSTILE = {
    "begins without end": "-----BEGIN CERTIFICATE-----\n" * 3500,
    "begins and one end": "-----BEGIN CERTIFICATE-----\n" * 3000 + "-----END CERTIFICATE-----",
    "ends only": "-----END CERTIFICATE-----\n" * 3500,
    "empty ones": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" * 1800,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_in_no_time(text: str) -> None:
    began = time.process_time()
    for pem in (text, text.replace("CERTIFICATE", "PRIVATE KEY")):
        with pytest.raises(ValueError, match="must be"):
            ders(pem)
        with pytest.raises(ValueError, match="must be"):
            ClientCertificate(certificate=client().certificate, key=pem)
    assert time.process_time() - began < 0.5
