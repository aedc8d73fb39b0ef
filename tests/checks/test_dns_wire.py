"""DNS messages: nothing that arrives breaks the reader, and what it reads is what dnspython reads."""

from contextlib import suppress

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.checks.dns_settings import RECORD_TYPES
from asura.protocols.dns_wire import Malformed, comparable, expected_text, head, question, record_text, records
from asura.protocols.names import printable

ASKED = {kind: question("db.example", kind) for kind in RECORD_TYPES}
ID = b"\x12\x34"


def read(wire: bytes, kind: str) -> list[str]:
    found = head(wire, ID, ASKED[kind])
    assert found is not None
    return [record_text(wire, record, ASKED[kind].type) for record in records(wire, found, ASKED[kind])]


@pytest.mark.parametrize("kind", RECORD_TYPES)
@given(tail=st.binary(max_size=300), count=st.integers(0, 300))
def test_no_answer_breaks_the_reader(kind: str, tail: bytes, count: int) -> None:
    wire = ID + b"\x81\x80\0\1" + count.to_bytes(2) + bytes(4) + ASKED[kind].asked + tail
    with suppress(Malformed):
        read(wire, kind)


@pytest.mark.parametrize("kind", RECORD_TYPES)
@given(value=st.binary(max_size=60))
def test_no_value_breaks_the_reader(kind: str, value: bytes) -> None:
    record = b"\xc0\x0c" + ASKED[kind].asked[-4:] + bytes(4) + len(value).to_bytes(2) + value
    wire = ID + b"\x81\x80\0\1\0\1" + bytes(4) + ASKED[kind].asked + record
    try:
        [text] = read(wire, kind)
    except Malformed:
        return
    assert text.isprintable()


@given(st.binary(max_size=60))
def test_no_packet_breaks_the_head(packet: bytes) -> None:
    head(packet, packet[:2], ASKED["A"])


LABEL = st.text("abcXYZ-09", min_size=1, max_size=20)


@given(st.lists(st.tuples(LABEL, st.integers(0, 65535)), min_size=1, max_size=20, unique_by=lambda mx: mx[0].lower()))
def test_compressed_names_are_read_as_by_dnspython(mail_servers: list[tuple[str, int]]) -> None:
    texts = [f"{preference} {label}.Db.example." for label, preference in mail_servers]
    response = dns.message.make_response(dns.message.from_wire(ID + ASKED["MX"].plain_tail))
    response.answer.append(dns.rrset.from_text("db.example.", 60, "IN", "MX", *texts))
    expected = sorted(text.removesuffix(".").lower() for text in texts)
    assert sorted(comparable(text, "MX") for text in read(response.to_wire(), "MX")) == expected


@pytest.mark.parametrize("kind", RECORD_TYPES)
@given(typed=st.text(min_size=1, max_size=80))
def test_no_expectation_breaks_the_reader(kind: str, typed: str) -> None:
    with suppress(ValueError):
        assert expected_text(typed, kind).isprintable()


SAME = {
    "an address": ("AAAA", "2001:DB8:0:0::1", "2001:db8::1"),
    "a final dot": ("CNAME", "www.example.org.", "www.example.org"),
    "spaces": ("MX", "10   mail.example.org", "10 mail.example.org"),
    "a text": ("TXT", "v=spf1 -all", "v=spf1 -all"),
    "a text in quotes": ("TXT", '"v=spf1 " "-all"', "v=spf1 -all"),
    "a text with an umlaut": ("TXT", "größe", "größe"),
    "the root": ("NS", ".", "."),
}


@pytest.mark.parametrize(("kind", "typed", "text"), SAME.values(), ids=SAME)
def test_what_is_typed_is_brought_into_one_form(kind: str, typed: str, text: str) -> None:
    assert expected_text(typed, kind) == text


@given(st.text(max_size=100))
def test_nothing_unprintable_is_left(text: str) -> None:
    assert printable(text).isprintable()


def test_aliases_in_a_circle_end() -> None:
    response = dns.message.make_response(dns.message.from_wire(ID + ASKED["A"].plain_tail))
    for name, alias in (("db.example.", "a.example."), ("a.example.", "db.example.")):
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", alias))
    assert read(response.to_wire(), "A") == []


def test_a_record_of_another_name_is_no_answer() -> None:
    response = dns.message.make_response(dns.message.from_wire(ID + ASKED["A"].plain_tail))
    response.answer.append(dns.rrset.from_text("evil.example.", 60, "IN", "A", "192.0.2.66"))
    assert read(response.to_wire(), "A") == []
