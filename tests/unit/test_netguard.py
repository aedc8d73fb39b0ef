import ipaddress
import socket
import threading

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from asura.errors import TargetRefused
from asura.netguard import METADATA_ADDRESSES, Guard, ResolveError, literal_address

REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.1.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2606:4700::5efe:127.0.0.1",
    "2606:4700::200:5efe:10.0.0.1",
    "::ffff:127.0.0.1%1",
    "::1%lo",
    "2002:808:808::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("ip", REFUSED)
def test_an_address_that_is_not_public_is_refused(ip: str) -> None:
    assert Guard().refusal(ip) is not None
    assert Guard().literal_refusal(ip) is not None


@pytest.mark.parametrize(
    "ip", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8", "2606::5efe:8.8.8.8"]
)
def test_a_public_address_is_permitted(ip: str) -> None:
    assert Guard().refusal(ip) is None
    assert Guard().literal_refusal(ip) is None


LOOPBACK_IN_DISGUISE = [
    "127.1",
    "127.0.1",
    "0x7f.1",
    "0X7F.0.0.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127。0。0。1",
    "127．0．0．1",
    "１２７.0.0.1",
    "①27.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "localhost",
    "LOCALHOST.",
    "anything.localhost",
    "ｌｏｃａｌｈｏｓｔ",
    "localhost。",
    "ⓛocalhost",
    "localhost.localdomain",
    "ip6-localhost",
    " 127.0.0.1 ",
    "127.0.0.1..",
    "127.0.0.1。",
    "::1%lo",
    "[::1%25lo]",
    "0:0:0:0:0:ffff:7f00:0001",
    "[::FFFF:127.0.0.1]",
]


@pytest.mark.parametrize("host", LOOPBACK_IN_DISGUISE)
def test_loopback_in_disguise_is_refused(host: str) -> None:
    refusal = Guard().literal_refusal(host)
    assert refusal is not None
    assert "is a loopback address; set monitor.allow_private_targets or list it in" in refusal


@pytest.mark.parametrize("host", ["1.2.3.256", "1.2.3.4.5", "09.0.0.1", "0x", "1.0x", "::1::", "1..2", "fe80::%"])
def test_what_is_written_like_an_address_but_is_none_is_refused(host: str) -> None:
    assert Guard().literal_refusal(host) == f"{host} is no address"


@pytest.mark.parametrize("host", ["example.com", "1.example", "a.0x7g", "xn--tda.example", "deadbeef", "0x7f.example"])
def test_a_name_is_no_literal(host: str) -> None:
    assert literal_address(host) is None
    assert Guard().literal_refusal(host) is None


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "64:ff9b::8.8.8.8", "192.168.0.1"])
def test_private_addresses_can_be_opened_altogether(ip: str) -> None:
    assert Guard(allow_private=True).refusal(ip) is None


def test_private_addresses_can_be_opened_by_network() -> None:
    guard = Guard(allowed_networks=["10.1.0.0/16", "127.0.0.1", "fd00::/8"])
    assert guard.refusal("10.1.2.3") is None
    assert guard.refusal("::ffff:10.1.2.3") is None
    assert guard.refusal("fd12::1") is None
    assert guard.refusal("127.0.0.1") is None
    assert guard.refusal("10.2.0.1") is not None
    assert guard.refusal("127.0.0.2") is not None


DISGUISED_METADATA = [
    "::ffff:169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:a9:fe:a9fe::",
    "64:ff9b:1::a9:fea9:fe00:0",
    "2001:db8:a9fe:a9fe::",
    "2002:a9fe:a9fe::",
    "2001:0:a9fe:a9fe::1",
    "2001:0:808:808:0:0:5601:5601",
    "::169.254.169.254",
    "fe80::5efe:169.254.169.254",
]


@pytest.mark.parametrize("ip", [*sorted(map(str, METADATA_ADDRESSES)), *DISGUISED_METADATA, "fe80::a9fe:a9fe%lo"])
def test_metadata_addresses_stay_closed_unless_listed_one_by_one(ip: str) -> None:
    everything = Guard(allow_private=True, allowed_networks=["0.0.0.0/0", "::/0", "169.254.0.0/16", "fe80::/10"])
    assert "is a cloud metadata address" in (everything.refusal(ip) or "")
    listed = [str(address) for address in METADATA_ADDRESSES]
    assert Guard(allow_private=True, allowed_networks=listed).refusal(ip) is None


@pytest.mark.parametrize("length", [32, 40, 48, 56, 64, 96])
@given(
    prefix=st.integers(0, 2**96 - 1), metadata=st.sampled_from(["169.254.169.254", "100.100.100.200", "168.63.129.16"])
)
def test_metadata_stays_closed_behind_any_translator(length: int, prefix: int, metadata: str) -> None:
    """RFC 6052 §2.2: the address follows the prefix, and steps over the octet after the 64th bit, which is zero."""
    bits = f"{prefix:096b}"[:length] + f"{int(ipaddress.IPv4Address(metadata)):032b}"
    if length < 96:
        bits = f"{bits[:64]}{'0' * 8}{bits[64:]}"
    address = ipaddress.IPv6Address(int(bits.ljust(128, "0"), 2))
    guard = Guard(allow_private=True, allowed_networks=["::/0", "0.0.0.0/0"])
    assert f"list {metadata} by itself" in (guard.refusal(str(address)) or "")


@pytest.mark.parametrize("network", ["10.0.0.0/33", "example.com", "", "::/129"])
def test_a_network_that_is_none_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        Guard(allowed_networks=[network])


@given(st.integers(0, 2**128 - 1))
def test_what_python_calls_private_is_refused(value: int) -> None:
    address = ipaddress.IPv6Address(value)
    if not address.is_global or address.is_multicast:
        assert Guard().refusal(str(address)) is not None


@given(st.integers(0, 2**32 - 1))
def test_every_notation_of_an_ipv4_address_means_the_same(value: int) -> None:
    address = ipaddress.IPv4Address(value)
    a, b, c, d = address.packed
    for text in (str(value), hex(value), f"0{value:o}", f"{a}.{value & 0xFFFFFF}", f"0{a:o}.{b:#x}.{c}.{d:#x}"):
        assert literal_address(text) == address


@given(st.text(max_size=40))
def test_no_text_breaks_the_guard(text: str) -> None:
    Guard().literal_refusal(text)
    Guard().refusal(text)


def answering(names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the name server, which tests must not ask."""

    def getaddrinfo(name: str, port: int, family: int = 0, kind: int = 0) -> list[tuple[object, ...]]:
        if name not in names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in names[name]]
        return [(fam, kind, 6, "", (ip, port)) for fam, ip in found if family in (0, fam)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_only_the_permitted_addresses_of_a_name_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    answering({"mixed.example": ["127.0.0.1", "8.8.8.8", "::1", "2606:4700::1"]}, monkeypatch)
    found = await Guard().resolve("mixed.example", 443)
    assert [(each.ip, each.sockaddr[1]) for each in found] == [("8.8.8.8", 443), ("2606:4700::1", 443)]
    [only] = await Guard().resolve("mixed.example", 443, family=socket.AF_INET6)
    assert only.ip == "2606:4700::1"


async def test_a_name_with_forbidden_addresses_only_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answering({"inner.example": ["10.0.0.1", "::1"]}, monkeypatch)
    with pytest.raises(TargetRefused, match=r"^inner\.example is refused: 10\.0\.0\.1 is a private address; set "):
        await Guard().resolve("inner.example", 443)


async def test_a_name_without_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answering({"four.example": ["8.8.8.8"]}, monkeypatch)
    with pytest.raises(ResolveError, match=r"^nowhere\.example: no such name$"):
        await Guard().resolve("nowhere.example", 443)
    with pytest.raises(ResolveError, match=r"^four\.example has no address$"):
        await Guard().resolve("four.example", 443, family=socket.AF_INET6)
    with pytest.raises(ResolveError, match=r"^127\.0\.0\.1 is no IPv6 address$"):
        await Guard(allow_private=True).resolve("127.0.0.1", 443, family=socket.AF_INET6)


async def test_a_name_in_another_script_is_looked_up_as_idna(monkeypatch: pytest.MonkeyPatch) -> None:
    answering({"xn--strae-oqa.example": ["8.8.8.8"]}, monkeypatch)
    assert len(await Guard().resolve("Straße.example", 80)) == 1


async def test_a_literal_address_needs_no_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    for _ in range(2):
        [address] = await Guard(allow_private=True).resolve("127.1", 80)
        assert address.sockaddr == ("127.0.0.1", 80)
    [address] = await Guard(allow_private=True).resolve("::1", 80)
    assert address.sockaddr == ("::1", 80, 0, 0)


async def test_dead_names_hold_up_only_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once they are known for it: a name's first slow lookup is in the common lane."""
    release = threading.Event()
    monkeypatch.setattr("asura.netguard.SLOW_LOOKUP_S", 0.0)
    answering({f"dead{n}.example": ["8.8.8.8"] for n in range(200)}, monkeypatch)
    guard = Guard()
    for n in range(200):
        await guard.resolve(f"dead{n}.example", 80)
    monkeypatch.setattr("asura.netguard.SLOW_LOOKUP_S", 60.0)

    def getaddrinfo(name: str, port: int, *_: object) -> list[tuple[object, ...]]:
        if name.startswith("dead"):
            release.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        async with trio.open_nursery() as nursery:
            for n in range(200):
                nursery.start_soon(guard.resolve, f"dead{n}.example", 80)
            await trio.testing.wait_all_tasks_blocked(0.05)
            with trio.fail_after(3):
                assert await guard.resolve("alive.example", 80)
            release.set()
    finally:
        release.set()


async def test_a_cancelled_lookup_lets_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: release.wait(5))
    try:
        started = trio.current_time()
        with trio.move_on_after(0.05):
            await Guard().resolve("dead.example", 80)
        assert trio.current_time() - started < 2
    finally:
        release.set()
