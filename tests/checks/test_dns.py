"""The DNS check against Knot DNS, and against servers that misbehave."""

import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
import trio

from asura.checks.dns import DNS, kept
from asura.errors import InvalidDocument
from asura.model.monitor import Status
from asura.netguard import address_at, literal_address
from asura.protocols import dns_exchange
from asura.protocols.attempt import Keep
from asura.protocols.dns_exchange import OwnResolvers
from asura.serde import load
from tests.checks.conftest import Check
from tests.fakes.descriptors import drained
from tests.fakes.name_server import (
    Packets,
    answer,
    changed,
    knot,
    over_tcp,
    read_query,
    start_name_server,
    truncated,
)
from tests.fakes.peers import free_port
from tests.fakes.target import Behaviour, Stream, break_off

ZONE = (
    """\
@ SOA ns1 host 7 3600 600 86400 300
@ NS ns1
@ A 192.0.2.1
@ A 192.0.2.2
@ AAAA 2001:db8::1
@ MX 10 mail
@ MX 20 mail2.example.net.
@ CAA 0 issue "letsencrypt.org"
@ HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
ns1 A 192.0.2.53
www CNAME alias
alias CNAME @
dangling CNAME nowhere
txt TXT "v=spf1 -all"
split TXT "one " "two"
_sip._tcp SRV 1 2 5060 sip
_443._tcp TLSA 3 1 1 {sha}
naptr NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.org!" .
1 PTR host
""".format(sha="ab" * 32)
    + "".join(f'big TXT "{index:02} {"x" * 200}"\n' for index in range(20))
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with knot(tmp_path_factory.mktemp("knot"), "example.org", ZONE) as address:
        yield address


RECORDS: dict[str, tuple[str, str, list[str]]] = {
    "addresses": ("example.org", "A", ["192.0.2.1", "192.0.2.2"]),
    "a name in capital letters": ("EXAMPLE.Org.", "A", ["192.0.2.1", "192.0.2.2"]),
    "IPv6": ("example.org", "AAAA", ["2001:db8::1"]),
    "mail servers": ("example.org", "MX", ["10 mail.example.org", "20 mail2.example.net"]),
    "name servers": ("example.org", "NS", ["ns1.example.org"]),
    "the zone": ("example.org", "SOA", ["ns1.example.org host.example.org 7 3600 600 86400 300"]),
    "aliases followed": ("www.example.org", "A", ["192.0.2.1", "192.0.2.2"]),
    "an alias itself": ("www.example.org", "CNAME", ["alias.example.org"]),
    "a text": ("txt.example.org", "TXT", ["v=spf1 -all"]),
    "a text in pieces": ("split.example.org", "TXT", ["one two"]),
    "a service": ("_sip._tcp.example.org", "SRV", ["1 2 5060 sip.example.org"]),
    "a certificate": ("_443._tcp.example.org", "TLSA", [f"3 1 1 {'ab' * 32}"]),
    "an authority": ("example.org", "CAA", ['0 issue "letsencrypt.org"']),
    "HTTPS": ("example.org", "HTTPS", ['1 . alpn="h2" ipv4hint="192.0.2.1"']),
    "NAPTR": ("naptr.example.org", "NAPTR", ['100 10 "u" "E2U+sip" "!^.*$!sip:info@example.org!" .']),
    "a pointer": ("1.example.org", "PTR", ["host.example.org"]),
}


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize(("name", "record_type", "found"), RECORDS.values(), ids=RECORDS)
async def test_records_are_found(
    name: str, record_type: str, found: list[str], protocol: str, server: str, check: Check
) -> None:
    outcome = await check(
        "dns", name, server=server, record_type=record_type, protocol=protocol, expect=tuple(found), expect_mode="exact"
    )
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.detail == {"dns_records": found}
    assert (outcome.response_ms or 0) >= 1
    assert (outcome.timings.connect_ms is not None) == (protocol == "tcp")


async def test_an_answer_too_large_for_udp_is_fetched_over_tcp(server: str, check: Check) -> None:
    outcome = await check("dns", "big.example.org", server=server, record_type="TXT", keep=Keep(body=True))
    assert outcome.status is Status.UP
    assert outcome.timings.connect_ms is not None
    assert outcome.reply is not None
    lines = (outcome.reply.body or "").split("\n")
    assert len(lines) == 20
    assert lines == sorted(lines)
    assert sum(map(len, (outcome.detail or {})["dns_records"])) <= 2000


JUDGED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such name": ("no.example.org", {}, "no.example.org: NXDOMAIN from {} (no such name)"),
    "an alias to no such name": ("dangling.example.org", {}, "dangling.example.org: NXDOMAIN from {} (no such name)"),
    "no such name, as it should be": ("no.example.org", {"rcode": "NXDOMAIN"}, ""),
    "no such record": ("txt.example.org", {"record_type": "AAAA"}, "txt.example.org has no AAAA record, says {}"),
    "no such record, as it should be": ("txt.example.org", {"record_type": "AAAA", "rcode": "NODATA"}, ""),
    "a name that should be gone": (
        "txt.example.org",
        {"rcode": "NXDOMAIN"},
        "txt.example.org has no A record, says {}, expected NXDOMAIN",
    ),
    "records that should be gone": (
        "ns1.example.org",
        {"rcode": "NODATA"},
        "ns1.example.org: NOERROR from {} (192.0.2.53), expected NODATA",
    ),
    "a foreign zone": (
        "example.com",
        {},
        "example.com: REFUSED from {} (it doesn't answer us, or not for this name)",
    ),
    "a foreign zone, as it should be": ("example.com", {"rcode": "REFUSED"}, ""),
    "another address": (
        "ns1.example.org",
        {"expect": ("192.0.2.2",)},
        "answered 192.0.2.53, expected 192.0.2.2",
    ),
    "none of two": (
        "ns1.example.org",
        {"expect": ("192.0.2.8", "192.0.2.9")},
        "answered 192.0.2.53, expected one of 192.0.2.8, 192.0.2.9",
    ),
    "one of two": ("ns1.example.org", {"expect": ("192.0.2.8", "192.0.2.53")}, ""),
    "not all": (
        "example.org",
        {"expect": ("192.0.2.1", "192.0.2.9"), "expect_mode": "all"},
        "answered 192.0.2.1, 192.0.2.2, expected 192.0.2.9 as well",
    ),
    "all and another": ("example.org", {"expect": ("192.0.2.1",), "expect_mode": "all"}, ""),
    "one too many": (
        "example.org",
        {"expect": ("192.0.2.1",), "expect_mode": "exact"},
        "answered 192.0.2.1, 192.0.2.2, expected exactly 192.0.2.1",
    ),
    "a text in quotes": (
        "split.example.org",
        {"record_type": "TXT", "expect": ('"one " "two"',)},
        "",
    ),
    "other capital letters": (
        "example.org",
        {"record_type": "MX", "expect": ("10 MAIL.example.ORG.",)},
        "",
    ),
    "no word of DNSSEC": (
        "example.org",
        {"dnssec": True},
        "{} did not verify its answer for example.org by DNSSEC",
    ),
}


@pytest.mark.parametrize(("name", "settings", "message"), JUDGED.values(), ids=JUDGED)
async def test_an_answer_is_judged(
    name: str, settings: dict[str, Any], message: str, server: str, check: Check
) -> None:
    outcome = await check("dns", name, server=server, **settings)
    assert outcome.message == message.format(server)
    assert outcome.status is (Status.DOWN if message else Status.UP)
    assert outcome.response_ms is not None


A = answer("db.example. 60 IN A 192.0.2.1")


async def test_an_address_is_turned_round(check: Check, nursery: trio.Nursery) -> None:
    asked = {}

    def respond(query: bytes) -> list[bytes]:
        name = dns.message.from_wire(query).question[0].name.to_text()
        asked[name] = True
        return answer(f"{name} 60 IN PTR host.example.")(query)

    server = await start_name_server(nursery, respond)
    for target in ("192.0.2.1", "2001:db8::1"):
        outcome = await check("dns", target, server=server.address, record_type="PTR", expect=("host.example",))
        assert outcome.message == ""
    assert list(asked) == ["1.2.0.192.in-addr.arpa.", f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa."]


async def test_the_word_of_a_validating_resolver_is_taken(check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, answer("db.example. 60 IN A 192.0.2.1", flags=dns.flags.AD))
    outcome = await check("dns", "db.example", server=server.address, dnssec=True)
    assert outcome.message == ""
    assert dns.message.from_wire(server.queries[0]).flags & dns.flags.AD


async def test_a_lost_packet_is_no_outage(check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, lambda query: A(query) if len(server.queries) == 3 else [])
    outcome = await check("dns", "db.example", server=server.address, timeout_s=0.6)
    assert (outcome.status, len(server.queries)) == (Status.UP, 3)


async def test_a_late_answer_to_the_first_try_counts(check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, lambda query: A(server.queries[0]) if len(server.queries) == 2 else [])
    assert (await check("dns", "db.example", server=server.address, timeout_s=0.9)).status is Status.UP


async def test_a_server_without_edns_is_asked_without(check: Check, nursery: trio.Nursery) -> None:
    def old(query: bytes) -> list[bytes]:
        has_edns = dns.message.from_wire(query).edns >= 0
        return [query[:2] + struct.pack("!5H", 0x8181, 0, 0, 0, 0)] if has_edns else A(query)

    server = await start_name_server(nursery, old)
    assert (await check("dns", "db.example", server=server.address)).message == ""


async def test_every_query_has_another_id_and_port(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = []
    original = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        original(self, address)
        ports.append(self.getsockname()[1])

    monkeypatch.setattr(socket.socket, "connect", connect)
    server = await start_name_server(nursery, A)
    for _ in range(20):
        await check("dns", "db.example", server=server.address)
    assert len({query[:2] for query in server.queries}) > 15
    assert len(set(ports)) > 15


def wrong_id(packet: bytes) -> bytes:
    return bytes([packet[0] ^ 1]) + packet[1:]


def wrong_question(packet: bytes) -> bytes:
    return packet.replace(b"\2db", b"\2xy", 1)


def wrong_type(packet: bytes) -> bytes:
    at = packet.index(b"\0\0\1\0\1", 12)
    return packet[: at + 2] + b"\x1c" + packet[at + 3 :]


def no_answer_at_all(packet: bytes) -> bytes:
    return packet[:2] + bytes([packet[2] & 0x7F]) + packet[3:]


IGNORED: dict[str, Packets] = {
    "another id": changed(A, wrong_id),
    "another question": changed(A, wrong_question),
    "another type": changed(A, wrong_type),
    "the query itself": changed(A, no_answer_at_all),
    "garbage": lambda _: [b"\xff" * 100],
    "next to nothing": lambda query: [b"", query[:2], query[:11]],
}


@pytest.mark.parametrize("packets", IGNORED.values(), ids=IGNORED)
async def test_what_answers_another_question_is_not_believed(
    packets: Packets, check: Check, nursery: trio.Nursery
) -> None:
    server = await start_name_server(nursery, packets)
    outcome = await check("dns", "db.example", server=server.address, timeout_s=0.3)
    assert outcome.status is Status.DOWN
    assert f"only packets from {server.address} that answer no question of ours" in outcome.message
    server.udp = lambda query: [*packets(query), *A(query)]
    assert (await check("dns", "db.example", server=server.address)).message == ""


async def test_an_answer_from_elsewhere_is_not_believed(check: Check, nursery: trio.Nursery) -> None:
    elsewhere = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    await elsewhere.bind(("127.0.0.1", 0))
    with elsewhere, trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as sock:
        await sock.bind(("127.0.0.1", 0))

        async def serve() -> None:
            while True:
                query, peer = await sock.recvfrom(512)
                await elsewhere.sendto(A(query)[0], peer)

        nursery.start_soon(serve)
        outcome = await check("dns", "db.example", server=f"127.0.0.1:{sock.getsockname()[1]}", timeout_s=0.3)
        nursery.cancel_scope.cancel()
    assert outcome.message.startswith("no answer in 0.3 s: silence from 127.0.0.1:")


def with_records(*parts: bytes, count: int | None = None) -> Packets:
    """An answer with raw records."""

    def respond(query: bytes) -> list[bytes]:
        end = query.index(b"\0", 12) + 5
        head = struct.pack("!5H", 0x8180, 1, len(parts) if count is None else count, 0, 0)
        return [query[:2] + head + query[12:end] + b"".join(parts)]

    return respond


RECORD = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + b"\xc0\x00\x02\x01"
UNREADABLE: dict[str, tuple[Packets, str]] = {
    "a name that points to itself": (
        with_records(b"\xc0\x1c" + RECORD[2:]),
        "a name points to itself",
    ),
    "a name that points ahead": (with_records(b"\xc0\xff" + RECORD[2:]), "a name points to itself"),
    "a loop of pointers": (
        with_records(RECORD, b"\xc0\x2e\xc0\x2c" + RECORD[2:]),
        "a name points to itself",
    ),
    "too long a label": (with_records(b"\x7fabc"), "a label is too long"),
    "too long a name": (with_records((b"\x3f" + b"a" * 63) * 4 + b"\0"), "a name is too long"),
    "fewer records than said": (with_records(RECORD, count=2), "the message ends too early"),
    "a record longer than the message": (
        with_records(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 400) + b"\x01"),
        "a record is longer than the message",
    ),
    "an address of five bytes": (
        with_records(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 5) + b"12345"),
        "a A record is broken",
    ),
    "more records than anybody compares": (with_records(*[RECORD] * 257), "257 records, and at most 256 are read"),
}


@pytest.mark.parametrize(("packets", "words"), UNREADABLE.values(), ids=UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_told(
    packets: Packets, words: str, check: Check, nursery: trio.Nursery
) -> None:
    server = await start_name_server(nursery, packets)
    outcome = await check("dns", "db.example", server=server.address)
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith(f"{server.address} sent an answer that can't be read: {words}")


async def say_nothing(stream: Stream) -> None:
    await read_query(stream)
    await trio.sleep_forever()


async def close(stream: Stream) -> None:
    await read_query(stream)


async def close_in_the_middle(stream: Stream) -> None:
    await read_query(stream)
    await stream.send_all(b"\x00\x64abcdef")


async def promise_much(stream: Stream) -> None:
    await read_query(stream)
    await stream.send_all(b"\xff\xffabc")
    await trio.sleep_forever()


async def trickle(stream: Stream) -> None:
    await read_query(stream)
    while True:
        await stream.send_all(b"\xff")
        await trio.sleep(0.01)


async def reset(stream: Stream) -> None:
    await read_query(stream)
    break_off(stream)


async def endless(stream: Stream) -> None:
    while True:
        await stream.send_all(bytes(65_536))


OVER_TCP: dict[str, tuple[Behaviour, str]] = {
    "silent": (say_nothing, "then silence from {} over TCP"),
    "closes": (close, "{} closed the TCP connection without an answer"),
    "closes in the middle": (close_in_the_middle, "{} closed the TCP connection after 6 of 100 bytes of the answer"),
    "promises much": (promise_much, "then silence from {} after 3 of 65535 bytes of the answer"),
    "trickles": (trickle, "of 65535 bytes of the answer"),
    "resets": (reset, "the TCP connection to {} was reset without an answer"),
    "endless": (endless, "{} sent something over TCP that does not answer the question"),
    "truncates for ever": (over_tcp(truncated), "{} truncates its answer over TCP, too"),
    "answers something else": (
        over_tcp(changed(A, wrong_question)),
        "{} sent something over TCP that does not answer the question",
    ),
    "answers with garbage": (
        over_tcp(lambda _: [b"\xff" * 50]),
        "{} sent something over TCP that does not answer the question",
    ),
}


@pytest.mark.parametrize(("behaviour", "words"), OVER_TCP.values(), ids=OVER_TCP)
async def test_a_server_that_misbehaves_over_tcp_is_down(
    behaviour: Behaviour, words: str, check: Check, nursery: trio.Nursery
) -> None:
    server = await start_name_server(nursery, truncated, behaviour)
    started = trio.current_time()
    outcome = await check("dns", "db.example", server=server.address, timeout_s=0.4)
    assert trio.current_time() - started < 0.9
    assert outcome.status is Status.DOWN
    assert words.format(server.address) in outcome.message


async def test_a_server_that_truncates_and_refuses_tcp_is_down(check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, truncated)
    outcome = await check("dns", "db.example", server=server.address)
    assert outcome.message.startswith(f"connect to {server.address} over TCP refused after ")


async def test_silence_tells_how_often_was_asked(check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, lambda _: [])
    outcome = await check("dns", "db.example", server=server.address, timeout_s=0.3)
    assert outcome.message == f"no answer in 0.3 s: silence from {server.address}, asked 3 times"
    assert len({query[:2] for query in server.queries}) == 1


async def test_a_port_where_nobody_listens_is_told_at_once(check: Check) -> None:
    port = free_port(socket.SOCK_DGRAM)
    outcome = await check("dns", "db.example", server=f"127.0.0.1:{port}")
    assert outcome.message.startswith(f"no name server listens at 127.0.0.1:{port}: refused after ")
    assert outcome.response_ms is None


async def test_a_flood_of_strays_ends_the_check(check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, lambda _: [b"\xff" * 40] * 600)
    outcome = await check("dns", "db.example", server=server.address, timeout_s=20)
    assert outcome.message == f"{server.address} sent 500 packets that answer no question of ours"


def hostile(query: bytes) -> bytes:
    """As many records as are read, each a name of 105 labels by way of 15 pointers."""
    end = query.index(b"\0", 12) + 5
    mx = b"\xc0\x0c" + struct.pack("!HHI", 15, 1, 60)
    wire = bytearray(query[:2] + struct.pack("!5H", 0x8180, 1, 256, 0, 0) + query[12:end])
    target = b"\0"
    for index in range(256):
        value = b"\0\x0a" + (b"\1a" * 7 + target if index < 15 else target)
        start = len(wire) + len(mx) + 4
        wire += mx + struct.pack("!H", len(value)) + value
        target = struct.pack("!H", 0xC000 | start) if index < 15 else target
    return bytes(wire)


async def test_a_hostile_answer_does_not_hold_the_event_loop(check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, truncated, over_tcp(lambda query: [hostile(query)]))
    turns = longest = 0.0

    async def watch_the_clock() -> None:
        nonlocal turns, longest
        while True:
            started = time.thread_time()  # of this thread alone, however busy the machine is
            await trio.lowlevel.checkpoint()
            longest = max(longest, time.thread_time() - started)
            turns += 1

    nursery.start_soon(watch_the_clock)
    outcome = await check("dns", "db.example", server=server.address, record_type="MX", keep=Keep(body=True))
    assert outcome.status is Status.UP
    assert len((outcome.detail or {})["dns_records"]) <= 32
    assert turns > 16
    assert longest < 0.05


async def test_a_server_is_found_by_name(check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await start_name_server(nursery, A)

    def getaddrinfo(name: str, port: int, *_: object) -> list[tuple[object, ...]]:
        assert name == "ns.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    outcome = await check("dns", "db.example", server=f"ns.example:{server.port}", expect=("192.0.2.9",))
    assert outcome.message == "answered 192.0.2.1, expected 192.0.2.9"
    assert outcome.timings.dns_ms is not None
    server.udp = answer(rcode=2)
    outcome = await check("dns", "db.example", server=f"ns.example:{server.port}")
    assert outcome.message.startswith(f"db.example: SERVFAIL from ns.example (127.0.0.1:{server.port})")


def own_resolvers(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    ip = literal_address("127.0.0.1")
    assert ip is not None
    monkeypatch.setattr(OwnResolvers, "addresses", lambda _: [address_at(ip, port) for port in ports])


async def test_the_machines_own_resolvers_are_asked_in_turn(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = await start_name_server(nursery, lambda _: [])
    server = await start_name_server(nursery, A)
    own_resolvers(monkeypatch, free_port(socket.SOCK_DGRAM), silent.port, server.port)
    assert (await check("dns", "db.example", timeout_s=1)).message == ""
    own_resolvers(monkeypatch, free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM))
    assert (await check("dns", "db.example")).message.endswith("(2 name servers tried)")


@pytest.mark.parametrize("rcode", [2, 4, 5], ids=["SERVFAIL", "NOTIMP", "REFUSED"])
async def test_another_resolver_is_asked_where_one_cannot_answer(
    rcode: int, check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    unable = await start_name_server(nursery, answer(rcode=rcode))
    server = await start_name_server(nursery, A)
    silent = await start_name_server(nursery, lambda _: [])
    own_resolvers(monkeypatch, unable.port, server.port)
    assert (await check("dns", "db.example")).message == ""
    for others in ((unable.port,), (silent.port,), (free_port(socket.SOCK_DGRAM),)):
        own_resolvers(monkeypatch, unable.port, *others)
        outcome = await check("dns", "db.example", timeout_s=0.6)
        assert f": {dns.rcode.to_text(dns.rcode.Rcode(rcode))} from 127.0.0.1:" in outcome.message


async def test_a_name_that_does_not_exist_is_asked_for_once(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await start_name_server(nursery, answer(rcode=3))
    second = await start_name_server(nursery, A)
    own_resolvers(monkeypatch, first.port, second.port)
    assert (await check("dns", "db.example", rcode="NXDOMAIN")).message == ""


RESOLV_CONF = {
    "": ["127.0.0.1"],
    "# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\n": ["192.0.2.1"],
    "nameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver x\nnameserver 192.0.2.2\nnameserver 192.0.2.3": [
        "192.0.2.1",
        "2001:db8::1",
        "192.0.2.2",
    ],
    "nameserver\noptions edns0": ["127.0.0.1"],
}


@pytest.mark.parametrize(("text", "found"), RESOLV_CONF.items(), ids=range(len(RESOLV_CONF)))
def test_the_machines_resolvers_are_read(
    text: str, found: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(text)
    monkeypatch.setattr(dns_exchange, "RESOLV_CONF", str(path))
    addresses = OwnResolvers().addresses()
    assert [each.ip for each in addresses] == found
    assert {each.sockaddr[1] for each in addresses} == {53}


def test_a_machine_without_a_file_asks_itself(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_exchange, "RESOLV_CONF", str(tmp_path / "none"))
    assert [each.ip for each in OwnResolvers().addresses()] == ["127.0.0.1"]


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
async def test_a_cancelled_check_leaves_no_socket(tcp: bool, check: Check, nursery: trio.Nursery) -> None:
    server = await start_name_server(nursery, truncated if tcp else lambda _: [], say_nothing)
    await check("dns", "db.example", server=server.address, timeout_s=0.1)
    await drained(server.port)


GOOD_TARGETS = [
    "example.org",
    "_dmarc.example.org",
    "*.example.org",
    "münchen.example",
    ".",
    "192.0.2.1",
    "::1",
    "org.",
]


@pytest.mark.parametrize("target", GOOD_TARGETS)
def test_a_name_or_address_is_taken(target: str) -> None:
    assert DNS.target_problem(target) is None


BAD_TARGETS = ["", "a b", "http://example.org", "a..b", f"{'a' * 64}.example", "x\n", "a." * 130, "\ud800", "☃" * 60]


@pytest.mark.parametrize("target", BAD_TARGETS, ids=[repr(each)[:20] for each in BAD_TARGETS])
def test_what_is_no_name_is_refused(target: str) -> None:
    assert (DNS.target_problem(target) or "").startswith("must be a ")


TOGETHER: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "an address for A": ("192.0.2.1", {}, {"target": "must be a name; an address goes with the record type PTR only"}),
    "no address": (
        "example.org",
        {"expect": ("host.example",)},
        {"settings.expect": "must have A records: 'host.example' is no A record"},
    ),
    "a mail server without preference": (
        "example.org",
        {"record_type": "MX", "expect": ("mail.example",)},
        {"settings.expect": "must have MX records: 'mail.example' is no MX record"},
    ),
    "answers where there can be none": (
        "example.org",
        {"rcode": "NXDOMAIN", "expect": ("192.0.2.1",)},
        {"settings.expect": "must be empty where NXDOMAIN is expected, which has no answers"},
    ),
    "all well": ("192.0.2.1", {"record_type": "PTR", "expect": ("host.example",)}, {}),
}


@pytest.mark.parametrize(("target", "settings", "problems"), TOGETHER.values(), ids=TOGETHER)
def test_what_does_not_go_together_is_named(
    target: str, settings: dict[str, Any], problems: dict[str, str], env: Any
) -> None:
    assert DNS.problems(target, DNS.settings(**settings), env) == problems


BAD_SETTINGS: dict[str, dict[str, object]] = {
    "record_type": {"record_type": "a"},
    "server": {"server": "192.0.2.1:0"},
    "protocol": {"protocol": "doh"},
    "rcode": {"rcode": "OK"},
    "expect": {"expect": [""]},
    "expect_mode": {"expect_mode": "none"},
    "dnssec": {"dnssec": 1},
}


@pytest.mark.parametrize(("field", "document"), BAD_SETTINGS.items(), ids=BAD_SETTINGS)
def test_bad_settings_are_named(field: str, document: dict[str, object]) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(DNS.settings, document)
    assert set(caught.value.fields) == {field}


SERVERS = {
    "192.0.2.1": "192.0.2.1",
    "192.0.2.1:5353": "192.0.2.1",
    "2001:db8::1": "2001:db8::1",
    "[2001:db8::1]": "2001:db8::1",
    "[2001:db8::1]:5353": "2001:db8::1",
    "NS.example.org": "ns.example.org",
    "0x7f.1": "127.0.0.1",
}


@pytest.mark.parametrize(("typed", "host"), SERVERS.items(), ids=SERVERS)
def test_a_server_is_a_host_for_the_guard(typed: str, host: str) -> None:
    assert DNS.hosts("example.org", load(DNS.settings, {"server": typed})) == {"settings.server": host}


def test_what_is_stored_of_an_answer_is_bounded() -> None:
    assert kept(["a"] * 100) == ["a"] * 32
    assert kept(["b" * 5000]) == ["b" * 511 + "…"]
    assert sum(map(len, kept(["c" * 500] * 10))) <= 2000
