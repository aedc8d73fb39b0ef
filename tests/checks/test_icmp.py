"""Pings over both kinds of sockets, against the kernel and against a peer that lies, refuses or loses."""

import re
import resource
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
import trio

from asura.checks import icmp
from asura.checks.icmp import ICMP, IcmpSettings, problems
from asura.errors import OwnFailure
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import Guard
from asura.protocols.attempt import NOTHING, Env, Stopwatch
from asura.protocols.contexts import TlsContexts
from tests.checks.conftest import Check
from tests.fakes.descriptors import descriptors
from tests.fakes.echo import IGNORING, Answering, Asked, Packet, answer, good, opened
from tests.fakes.network import ANYBODY, NOBODY, no_raw_sockets, own_network

V4, V6 = int(socket.AF_INET), int(socket.AF_INET6)
LOOPBACK = {V4: "127.0.0.1", V6: "::1"}


@pytest.fixture(params=["datagram", "raw"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _network(kind: str, **sysctls: str) -> Any:
    return own_network({"net.ipv4.ping_group_range": ANYBODY if kind == "datagram" else NOBODY, **sysctls})


@pytest.fixture
def network(kind: str) -> Iterator[None]:
    """Where the kernel answers pings, and one kind of socket is permitted."""
    with _network(kind), no_raw_sockets() if kind == "datagram" else nullcontext():
        yield


@pytest.fixture
def silence(kind: str) -> Iterator[None]:
    """Where the kernel answers no pings, so that a fake can."""
    with _network(kind, **IGNORING):
        yield


@asynccontextmanager
async def answering(how: Answering, family: int = V4) -> AsyncIterator[None]:
    with opened(family) as sock:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer, sock, how)
            yield
            nursery.cancel_scope.cancel()


def refusal(asked: Asked, *, kind: int = 3, code: int = 1, quoted: bytes | None = None) -> Packet:
    """A router's word that the packet didn't get through. It ends a check at once, so no test has to wait."""
    return Packet(kind=kind, code=code, payload=asked.whole if quoted is None else quoted, source="127.0.0.9")


UNREACHABLE = r"127\.0\.0\.9 says: host unreachable"
"""What becomes of it in a message."""


def refusal_v6(asked: Asked) -> Packet:
    loopback = bytes(15) + b"\1"
    header = b"\x60\0\0\0" + len(asked.whole).to_bytes(2, "big") + b"\x3a\x40" + loopback * 2
    return Packet(kind=1, code=1, payload=header + asked.whole)


def open_env() -> Env:
    return Env(guard=Guard(allow_private=True), tls=TlsContexts())


# --- what answers


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("target", ["127.0.0.1", "::1", "[::1]", "127.1", "::ffff:127.0.0.1"])
async def test_a_target_that_answers_is_up(check: Check, target: str) -> None:
    outcome = await check("icmp", target, count=2)
    assert (outcome.status, outcome.message, outcome.response_ms) == (Status.UP, "", 1)
    assert outcome.detail is not None
    assert outcome.detail.keys() == {"sent", "received", "loss_percent", "min_ms", "avg_ms", "max_ms"}
    assert (outcome.detail["sent"], outcome.detail["received"], outcome.detail["loss_percent"]) == (2, 2, 0)
    assert 0 < outcome.detail["min_ms"] <= outcome.detail["avg_ms"] <= outcome.detail["max_ms"] < 1000
    assert outcome.timings.first_byte_ms is not None


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("target", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("size_bytes", [8, 9, 56, 1473, 65_000])
async def test_packets_of_every_size_come_back_whole(check: Check, target: str, size_bytes: int) -> None:
    outcome = await check("icmp", target, count=1, packet_size=size_bytes)
    assert outcome.status is Status.UP


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(("version", "address"), [("4", "127.0.0.1"), ("6", "::1")])
async def test_the_chosen_version_of_a_name_is_asked(
    monkeypatch: pytest.MonkeyPatch, env: Env, version: str, address: str
) -> None:
    def getaddrinfo(name: str, port: int, family: int, kind: int) -> list[Any]:
        every = [(V6, ("::1", port, 0, 0)), (V4, ("127.0.0.1", port))]
        return [(each, kind, 0, "", place) for each, place in every if family in (0, each)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    outcome, notes = await told("both.example", env, count=1, ip_version=version)
    assert outcome.status is Status.UP
    assert ("address", address) in notes
    assert outcome.timings.dns_ms is not None


async def told(target: str, env: Env, **settings: Any) -> tuple[Outcome, list[tuple[str, str]]]:
    watch = Stopwatch(talks=True)
    with trio.fail_after(5):
        outcome = await ICMP.prepare(target, IcmpSettings(**settings), env, NOTHING)(watch)
    return outcome, watch.notes


@pytest.mark.usefixtures("network")
async def test_each_reply_is_told_to_whoever_looks_on(env: Env) -> None:
    _, notes = await told("127.0.0.1", env, count=2)
    assert [label for label, _ in notes] == ["address", "reply", "reply"]
    assert re.fullmatch(r"packet 2: 56 bytes from 127\.0\.0\.1 in \d+\.\d{3} ms", notes[2][1])


@pytest.mark.usefixtures("network")
async def test_there_is_a_gap_between_packets_and_none_after_the_last(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = trio.current_time()
    assert (await check("icmp", "127.0.0.1", count=3)).status is Status.UP
    assert trio.current_time() - started >= 2 * icmp.GAP_S
    monkeypatch.setattr(icmp, "GAP_S", 60.0)
    with trio.fail_after(30):
        assert (await check("icmp", "127.0.0.1", count=1, timeout_s=600)).status is Status.UP


@pytest.mark.usefixtures("silence")
async def test_an_event_loop_that_is_late_makes_no_target_slow(env: Env) -> None:
    late_s = 0.15

    def late(asked: Asked) -> Iterator[Packet]:
        yield good(asked)
        if asked.number > 1:  # the kernel may begin to take the time only after the first
            time.sleep(late_s)

    async with answering(late):
        outcome, _ = await told("127.0.0.1", env, count=3)
    assert outcome.detail is not None
    assert outcome.detail["avg_ms"] < late_s * 1000 / 3


@pytest.mark.usefixtures("network")
async def test_replies_that_wait_in_the_socket_at_the_end_count(
    check: Check, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    async def too_late(_: socket.socket) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(icmp, "wait_readable", too_late)
    assert (await check("icmp", "127.0.0.1")).status is Status.UP


@pytest.mark.parametrize("kind", ["datagram", "raw"])
@pytest.mark.usefixtures("network")
async def test_a_thousand_pings_of_one_address_at_once_lose_nothing_and_cost_little(kind: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    outcomes: list[Outcome] = []
    attempt = ICMP.prepare("127.0.0.1", IcmpSettings(count=2), open_env(), NOTHING)

    async def ping() -> None:
        outcomes.append(await attempt(Stopwatch()))

    before = time.process_time()
    try:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for _ in range(1000):
                    nursery.start_soon(ping)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert {outcome.status for outcome in outcomes} == {Status.UP}
    assert len(outcomes) == 1000
    # Raw sockets without a filter: each reads the replies of all, two million.
    assert time.process_time() - before < 5


# --- what doesn't


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize("family", [V4, V6], ids=["IPv4", "IPv6"])
async def test_silence_is_told_as_loss_and_before_the_timeout(
    check: Check, family: int, autojump_clock: trio.testing.MockClock
) -> None:
    outcome = await check("icmp", LOOPBACK[family], timeout_s=10)
    assert outcome.status is Status.DOWN
    assert re.fullmatch(rf"3 of 3 packets lost to {LOOPBACK[family]} in \d+ ms", outcome.message)
    assert outcome.detail == {"sent": 3, "received": 0, "loss_percent": 100.0}
    assert outcome.response_ms is None
    assert trio.current_time() == pytest.approx(9.9)


@pytest.mark.usefixtures("silence")
async def test_a_short_timeout_still_sends_every_packet(check: Check) -> None:
    async with answering(lambda asked: [good(asked)]):
        outcome = await check("icmp", "127.0.0.1", timeout_s=2, count=20)
    assert outcome.status is Status.UP
    assert outcome.detail is not None
    assert outcome.detail["received"] == 20


LOSSES: list[tuple[int, int, int, Status, str]] = [
    (3, 1, 99, Status.DEGRADED, ""),
    (3, 2, 99, Status.DEGRADED, ""),
    (3, 3, 99, Status.DOWN, ""),
    (3, 1, 0, Status.DOWN, ", more than the 0 % allowed"),
    (4, 1, 25, Status.DEGRADED, ""),
    (4, 2, 25, Status.DOWN, ", more than the 25 % allowed"),
    (1, 1, 0, Status.DOWN, ""),
]


@pytest.mark.parametrize("kind", ["datagram"])
@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize(
    ("count", "lost", "tolerated", "status", "more"),
    LOSSES,
    ids=[f"{row[1]} of {row[0]}, {row[2]} %" for row in LOSSES],
)
async def test_loss_is_held_against_what_is_tolerated(
    check: Check, count: int, lost: int, tolerated: int, status: Status, more: str
) -> None:
    async with answering(lambda asked: [good(asked) if asked.number > lost else refusal(asked)]):
        outcome = await check("icmp", "127.0.0.1", count=count, max_loss_percent=tolerated)
    assert outcome.status is status
    assert re.fullmatch(
        rf"{lost} of {count} packets lost to 127\.0\.0\.1 in \d+ ms{more}: {UNREACHABLE}", outcome.message
    )
    assert outcome.detail is not None
    assert outcome.detail["loss_percent"] == round(lost / count * 100, 1)
    assert (outcome.response_ms is None) == (lost == count)


def _other(number: int) -> int:
    return number ^ 0x5A5A


LIES: dict[str, Answering] = {
    "another identifier": lambda asked: [good(asked, identifier=_other(asked.identifier))],
    "another sequence": lambda asked: [good(asked, sequence=_other(asked.sequence))],
    "another mark": lambda asked: [good(asked, payload=bytes(8) + asked.payload[8:])],
    "the mark of another ping": lambda asked: [good(asked, payload=asked.payload[::-1])],
    "another payload": lambda asked: [good(asked, payload=asked.payload[:-1] + b"?")],
    "more than was sent": lambda asked: [good(asked, payload=asked.payload + b"?")],
    "too little for the mark": lambda asked: [good(asked, payload=asked.payload[:4])],
    "no payload": lambda asked: [good(asked, payload=b"")],
    "another code": lambda asked: [good(asked, code=1)],
    "another type": lambda asked: [good(asked, kind=14)],
    "another address": lambda asked: [good(asked, source="127.0.0.9")],
    "its own request": lambda asked: [],  # which the loopback shows to every raw socket
}


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize("lie", LIES)
async def test_what_is_no_reply_of_the_target_to_this_ping_is_not_believed(check: Check, lie: str) -> None:
    async with answering(lambda asked: [*LIES[lie](asked), refusal(asked)]):
        outcome = await check("icmp", "127.0.0.1", count=1)
    assert outcome.status is Status.DOWN
    assert re.match(rf"1 of 1 packets lost to 127\.0\.0\.1 in \d+ ms: {UNREACHABLE}", outcome.message)


@pytest.mark.usefixtures("silence")
async def test_a_wrong_mark_is_not_believed_over_ipv6_either(check: Check) -> None:
    async with answering(lambda asked: [good(asked, payload=asked.payload[::-1]), refusal_v6(asked)], V6):
        outcome = await check("icmp", "::1", count=1)
    assert outcome.message.endswith("::1 says: forbidden by a firewall (1 that came answer no ping of ours)")


@pytest.mark.usefixtures("silence")
async def test_a_lie_does_not_hide_the_true_reply(check: Check) -> None:
    async with answering(lambda asked: [*LIES["another mark"](asked), good(asked)]):
        outcome = await check("icmp", "127.0.0.1", timeout_s=2, count=1)
    assert outcome.status is Status.UP


@pytest.mark.usefixtures("silence")
async def test_a_second_reply_to_one_packet_does_not_stand_in_for_a_lost_one(check: Check) -> None:
    async with answering(lambda asked: [good(asked)] * 2 if asked.number == 1 else [refusal(asked)]):
        outcome = await check("icmp", "127.0.0.1", count=2)
    assert outcome.status is Status.DEGRADED
    assert outcome.message.startswith("1 of 2 packets lost")


@pytest.mark.usefixtures("silence")
async def test_a_reply_with_only_the_begin_of_a_large_packet_counts(check: Check) -> None:
    async with answering(lambda asked: [good(asked, payload=asked.payload[:64])]):
        outcome = await check("icmp", "127.0.0.1", timeout_s=2, count=1, packet_size=1000)
    assert outcome.status is Status.UP


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize("changed", [{"payload": b"?" * 8}, {}], ids=["wrong replies", "the same reply"])
async def test_a_flood_ends_the_check(check: Check, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]) -> None:
    monkeypatch.setattr(icmp, "MAX_STRAYS", 20)
    async with answering(lambda asked: [good(asked, **changed)] * 30 if asked.number == 1 else []):
        outcome = await check("icmp", "127.0.0.1", count=2)
    assert outcome.message == "20 packets that answer no ping of ours came while 127.0.0.1 was pinged"


@pytest.mark.usefixtures("silence")
async def test_so_does_a_flood_of_errors(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icmp, "MAX_STRAYS", 20)
    async with answering(lambda asked: [refusal(asked)] * 30 if asked.number == 1 else []):
        outcome = await check("icmp", "127.0.0.1", count=2)
    assert outcome.message == "20 packets that answer no ping of ours came while 127.0.0.1 was pinged"


# --- what routers say


ERRORS = [
    (3, 0, "network unreachable"),
    (3, 1, "host unreachable"),
    (3, 9, "network forbidden"),
    (3, 13, "forbidden by a firewall"),
    (11, 0, "too many hops"),
]


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize(("error", "code", "words"), ERRORS, ids=[words for _, _, words in ERRORS])
async def test_who_refuses_the_packets_is_told_at_once(check: Check, error: int, code: int, words: str) -> None:
    started = trio.current_time()
    async with answering(lambda asked: [refusal(asked, kind=error, code=code)]):
        outcome = await check("icmp", "127.0.0.1", timeout_s=5, count=2)
    assert trio.current_time() - started < 2
    assert outcome.status is Status.DOWN
    assert re.fullmatch(rf"2 of 2 packets lost to 127\.0\.0\.1 in \d+ ms: 127\.0\.0\.9 says: {words}", outcome.message)


@pytest.mark.usefixtures("silence")
async def test_who_refuses_the_packets_is_told_over_ipv6(env: Env) -> None:
    async with answering(lambda asked: [refusal_v6(asked)], V6):
        outcome, notes = await told("::1", env, count=1)
    assert re.fullmatch(r"1 of 1 packets lost to ::1 in \d+ ms: ::1 says: forbidden by a firewall", outcome.message)
    assert notes[-1] == ("refused", "packet 1: ::1 says: forbidden by a firewall")


def _quote(asked: Asked, *, at: int, byte: int) -> bytes:
    changed = bytearray(asked.whole)
    changed[at] ^= byte
    return bytes(changed)


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize(("at", "what"), [(25, "identifier"), (26, "sequence"), (28, "mark")], ids=str)
async def test_an_error_about_another_packet_is_not_believed(env: Env, at: int, what: str) -> None:
    async with answering(lambda asked: [refusal(asked, quoted=_quote(asked, at=at, byte=0x55)), good(asked)]):
        outcome, notes = await told("127.0.0.1", env, count=2)
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert "refused" not in [label for label, _ in notes]


@pytest.mark.usefixtures("silence")
async def test_an_error_that_quotes_no_more_than_the_header_is_believed(check: Check) -> None:
    async with answering(lambda asked: [refusal(asked, quoted=asked.whole[:28])]):
        outcome = await check("icmp", "127.0.0.1", timeout_s=5, count=1)
    assert outcome.message.endswith("127.0.0.9 says: host unreachable")


@pytest.mark.usefixtures("silence")
async def test_a_reply_after_an_error_counts(check: Check) -> None:
    async with answering(lambda asked: [refusal(asked), good(asked)] if asked.number == 1 else [good(asked)]):
        outcome = await check("icmp", "127.0.0.1", timeout_s=2, count=2)
    assert outcome.status is Status.UP


# --- what this machine says


@pytest.mark.usefixtures("network")
async def test_no_route_is_down_at_once() -> None:
    attempt = ICMP.prepare("192.0.2.1", IcmpSettings(), open_env(), NOTHING)
    outcome = await attempt(Stopwatch())
    assert outcome.status is Status.DOWN
    assert re.fullmatch(r"ping to 192\.0\.2\.1 failed, no route to its network, after \d+ ms", outcome.message)


@pytest.mark.usefixtures("network")
async def test_the_next_address_is_taken_where_there_is_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(name: str, port: int, family: int, kind: int) -> list[Any]:
        return [(V6, kind, 0, "", ("2001:db8::1", port, 0, 0)), (V4, kind, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    outcome, notes = await told("both.example", open_env(), count=1)
    assert outcome.status is Status.UP
    assert ("address", "127.0.0.1") in notes


@pytest.fixture
def forbidden() -> Iterator[None]:
    """Where neither kind of socket is permitted."""
    with own_network({"net.ipv4.ping_group_range": NOBODY}), no_raw_sockets():
        yield


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("target", ["127.0.0.1", "::1"])
async def test_without_permission_the_target_is_not_blamed(check: Check, target: str) -> None:
    with pytest.raises(OwnFailure, match=r'net\.ipv4\.ping_group_range="0 2147483647".*CAP_NET_RAW.*setcap'):
        await check("icmp", target)


@pytest.mark.usefixtures("forbidden")
def test_without_permission_a_monitor_is_refused_when_saved(env: Env) -> None:
    assert problems("127.0.0.1", IcmpSettings(), env)["type"].startswith("can't be used: this machine does not let")
    assert problems("::1", IcmpSettings(ip_version="6"), env).keys() == {"type"}


@pytest.mark.usefixtures("network")
def test_with_permission_a_monitor_can_be_saved(env: Env) -> None:
    assert problems("127.0.0.1", IcmpSettings(), env) == {}
    assert problems("::1", IcmpSettings(ip_version="6"), env) == {}


async def test_without_sockets_the_target_is_not_blamed(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("asura.protocols.icmp_socket.socket.socket", full)
    with pytest.raises(OwnFailure, match="no socket left on this machine"):
        await check("icmp", "127.0.0.1")


# --- what is refused when it is saved


@pytest.mark.parametrize(
    "target",
    [
        "",
        " ",
        "a b",
        "https://example.org",
        "example.org/",
        "example.org:80",
        "[::1",
        "::1]",
        "a..b",
        "1.2.3.4.5",
        "é" * 400,
    ],
)
def test_what_is_no_host_is_refused(target: str) -> None:
    assert str(ICMP.target_problem(target)).startswith("must ")


@pytest.mark.parametrize(
    "target", ["example.org", "EXAMPLE.org.", "bücher.example", "192.0.2.1", "[2001:db8::1]", "fe80::1%lo"]
)
def test_hosts_are_taken(target: str) -> None:
    assert ICMP.target_problem(target) is None


@pytest.mark.parametrize(("target", "version"), [("127.0.0.1", "6"), ("::1", "4")])
def test_an_address_of_the_other_version_is_refused(target: str, version: str, env: Env) -> None:
    assert "settings.ip_version" in problems(target, IcmpSettings(ip_version=version), env)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": 21},
        {"packet_size": 7},
        {"packet_size": 65_001},
        {"max_loss_percent": 100},
        {"ip_version": "5"},
    ],
    ids=str,
)
def test_settings_have_limits(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        IcmpSettings(**wrong)


# --- what is left behind


@pytest.mark.usefixtures("silence")
async def test_a_ping_that_is_cancelled_leaves_no_socket(env: Env) -> None:
    before = descriptors()
    attempt = ICMP.prepare("127.0.0.1", IcmpSettings(), env, NOTHING)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attempt, Stopwatch())
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert descriptors() == before + 1
        nursery.cancel_scope.cancel()
    assert descriptors() == before
