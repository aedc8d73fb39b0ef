"""What holds for every check over one connection, however its protocol goes on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import trio
import trustme
from hyperframe.frame import PingFrame

from asura.checks import CHECK_TYPES
from asura.model.monitor import Status
from asura.protocols.attempt import Env, Keep, Stopwatch
from tests.checks.conftest import Check, server_context
from tests.fakes import http2, mqtt, websocket
from tests.fakes.descriptors import drained
from tests.fakes.target import Behaviour, Stream, raw, silent, start_target

KINDS = ("tcp", "websocket", "grpc", "mqtt")
EXPIRED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3, hours=1)


def place(kind: str, address: str, *, tls: bool = False) -> tuple[str, dict[str, object]]:
    """How a check of `kind` is pointed at an address."""
    if kind == "websocket":
        return f"{'wss' if tls else 'ws'}://{address}/", {}
    return address, {"tls": tls}


FAULTS: dict[str, tuple[Callable[[trustme.CA], trustme.LeafCert], str]] = {
    "expired": (
        lambda authority: authority.issue_cert(
            "127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=EXPIRED
        ),
        f"the certificate expired on {EXPIRED:%Y-%m-%d %H:%M} UTC",
    ),
    "for another name": (
        lambda authority: authority.issue_cert("a.example"),
        "the certificate is for a.example, expected 127.0.0.1",
    ),
    "untrusted": (
        lambda _: trustme.CA().issue_cert("127.0.0.1"),
        "the certificate is not trusted: its issuer",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("issue", "message"), FAULTS.values(), ids=FAULTS)
async def test_a_bad_certificate_is_told(
    issue: Callable[[trustme.CA], trustme.LeafCert],
    message: str,
    kind: str,
    authority: trustme.CA,
    check: Check,
    nursery: trio.Nursery,
) -> None:
    target = await start_target(nursery, raw(), tls=server_context(issue(authority)))
    where, settings = place(kind, target.address, tls=True)
    outcome = await check(kind, where, **settings)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)
    assert outcome.cert_expires_at is not None
    assert not any(target.requests)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_handshake_without_end_is_told_in_time(kind: str, check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    where, settings = place(kind, target.address, tls=True)
    began = trio.current_time()
    outcome = await check(kind, where, timeout_s=0.2, **settings)
    assert trio.current_time() - began < 0.7
    assert outcome.message.startswith("no answer in 0.2 s: connected in ")
    assert outcome.message.endswith(", then no end of the TLS handshake")
    await drained(target.port)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("address", ["169.254.169.254:80", "[fe80::1]:80", "[::ffff:10.0.0.1]:80", "0.0.0.0:80"])
async def test_a_forbidden_address_is_never_connected_to(kind: str, address: str, check: Check) -> None:
    where, settings = place(kind, address)
    outcome = await check(kind, where, **settings)
    assert (outcome.status, outcome.is_refused) == (Status.DOWN, True)
    assert outcome.timings.connect_ms is None


@pytest.mark.parametrize("kind", KINDS)
async def test_each_phase_is_timed_and_shown(kind: str, env: Env, authority: trustme.CA, nursery: trio.Nursery) -> None:
    answers: dict[str, Behaviour] = {
        "tcp": raw(b"hello", reads=False),
        "websocket": websocket.accepts(),
        "grpc": http2.says(http2.head("200", ("content-type", "application/grpc"), ("grpc-status", "5"), end=True)),
        "mqtt": mqtt.brokers(mqtt.CONNACK),
    }
    target = await start_target(nursery, answers[kind], tls=server_context(authority.issue_cert("localhost")))
    where, settings = place(kind, f"localhost:{target.port}", tls=True)
    settings |= {"expect": "hello"} if kind == "tcp" else {}
    watch = Stopwatch(talks=True)
    check_type = CHECK_TYPES[kind]
    outcome = await check_type.prepare(where, check_type.settings(**settings), env, Keep())(watch)
    timings = outcome.timings
    assert None not in (timings.dns_ms, timings.connect_ms, timings.tls_ms, timings.first_byte_ms)
    assert watch.notes[0][0] == "address"
    assert watch.notes[1][0] == "TLS"
    assert watch.notes[1][1].startswith("TLSv1.3, TLS_")


FLOODS: dict[str, tuple[str, Behaviour, dict[str, object]]] = {
    "pings over HTTP/2": ("grpc", http2.floods(b"", PingFrame(0, b"12345678").serialize()), {}),
    "empty WebSocket messages": ("websocket", websocket.floods(b"", websocket.text("")), {"expect": "x"}),
    "MQTT answers to pings": ("mqtt", mqtt.floods(b"\xd0\0"), {"topic": "a", "expect": "x"}),
}


@pytest.mark.parametrize(("kind", "behaviour", "settings"), FLOODS.values(), ids=FLOODS)
async def test_others_have_their_turn_during_a_flood_of(
    kind: str, behaviour: Behaviour, settings: dict[str, object], check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    nursery.start_soon(others)
    before = turns
    outcome = await check(kind, place(kind, target.address)[0], **settings)
    assert outcome.status is Status.DOWN
    # Of thousands of frames in a few pieces: without giving way there would be a turn for each piece only.
    assert turns - before > 50


@pytest.mark.parametrize("kind", KINDS)
async def test_garbage_in_place_of_tls_records_is_down(
    kind: str, authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    async def behave(stream: Stream) -> None:
        await stream.receive_some()
        await stream._stream.transport_stream.send_all(b"garbage" * 10)  # type: ignore[union-attr]
        await trio.sleep_forever()

    target = await start_target(nursery, behave, tls=server_context(authority.issue_cert("127.0.0.1")))
    where, settings = place(kind, target.address, tls=True)
    settings |= {"send": "hello", "expect": "x"} if kind == "tcp" else {}
    outcome = await check(kind, where, **settings)
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith("the connection was broken (wrong version number) before ")
