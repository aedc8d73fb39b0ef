import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from asura.checks import CHECK_TYPES
from asura.checks.mqtt import Session
from asura.errors import InvalidDocument
from asura.model.monitor import Status
from asura.protocols import mqtt_wire as wire
from asura.protocols.attempt import Env, Fault, Keep, Stopwatch
from asura.protocols.connection import Connection
from asura.serde import load
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import drained
from tests.fakes.mqtt import (
    CONNACK,
    CONNACK_5,
    SUBACK,
    SUBACK_5,
    brokers,
    floods,
    packet,
    publish,
    retain,
    trickles,
)
from tests.fakes.peers import free_port, need, running
from tests.fakes.target import Behaviour, Stream, break_off, raw, silent, start_target

MQTT = CHECK_TYPES["mqtt"]


def mosquitto(folder: Path, config: str) -> Iterator[int]:
    """Run a broker with one listener, until the generator ends."""
    program, port = need("mosquitto"), free_port()
    path = folder / "mosquitto.conf"
    path.write_text(f"user root\nlistener {port} 127.0.0.1\n{config}\n")
    with running([program, "-c", str(path)], folder=folder, port=port):
        yield port


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One that lets anybody in, and has a message on a/b."""
    for port in mosquitto(tmp_path_factory.mktemp("mosquitto"), "allow_anonymous true"):
        retain(port, "a/b", b"all is well")
        yield port


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One that knows ada with the password "right"."""
    folder = tmp_path_factory.mktemp("guarded")
    subprocess.run([need("mosquitto_passwd"), "-b", "-c", str(folder / "passwords"), "ada", "right"], check=True)
    yield from mosquitto(folder, f"allow_anonymous false\npassword_file {folder}/passwords")


REAL: dict[str, dict[str, object]] = {
    "a connection": {},
    "a retained message": {"topic": "a/b"},
    "an expected message": {"topic": "a/b", "expect": "well"},
    "a wildcard": {"topic": "a/+", "expect": "all"},
    "everything": {"topic": "#", "expect": "all is well"},
}


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("given", REAL.values(), ids=REAL)
async def test_a_real_broker_is_up_with(given: dict[str, object], version: str, broker: int, check: Check) -> None:
    outcome = await check("mqtt", f"127.0.0.1:{broker}", version=version, **given)
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.timings.first_byte_ms is not None
    assert (outcome.timings.transfer_ms is not None) == ("topic" in given)


async def test_a_real_broker_without_the_message_is_down(broker: int, check: Check) -> None:
    outcome = await check("mqtt", f"127.0.0.1:{broker}", topic="c/d", timeout_s=0.4)
    assert outcome.message.startswith("no complete answer in 0.4 s: connected in ")
    assert outcome.message.endswith(", then no message on c/d")
    outcome = await check("mqtt", f"127.0.0.1:{broker}", topic="a/b", expect="ill", timeout_s=0.4)
    assert outcome.message.endswith(', then no message on a/b with "ill"; the last was "all is well"')


async def test_a_message_that_is_published_later_counts(broker: int, check: Check, nursery: trio.Nursery) -> None:
    async def later() -> None:
        await trio.sleep(0.1)
        await trio.to_thread.run_sync(retain, broker, "later", b"now")

    nursery.start_soon(later)
    assert (await check("mqtt", f"127.0.0.1:{broker}", topic="later", expect="now")).status is Status.UP


REFUSALS: dict[str, tuple[dict[str, object], str]] = {
    "nobody, 3.1.1": ({}, "the broker refused the connection: not authorized (code 5)"),
    "nobody, 5": ({"version": "5"}, "the broker refused the connection: not authorized (code 135)"),
    "a wrong password": (
        {"username": "ada", "password": "wrong"},
        "the broker refused the connection: not authorized (code 5)",
    ),
}


@pytest.mark.parametrize(("given", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_a_real_broker_refuses(given: dict[str, object], message: str, guarded: int, check: Check) -> None:
    outcome = await check("mqtt", f"127.0.0.1:{guarded}", **given)
    assert (outcome.status, outcome.message) == (Status.DOWN, message)


async def test_a_real_broker_takes_a_password(guarded: int, check: Check) -> None:
    outcome = await check("mqtt", f"127.0.0.1:{guarded}", username="ada", password="right")
    assert (outcome.status, outcome.message) == (Status.UP, "")


async def test_a_real_broker_over_tls(tmp_path: Path, authority: trustme.CA, check: Check) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    config = f"allow_anonymous true\ncertfile {tmp_path}/chain.pem\nkeyfile {tmp_path}/key.pem"
    for port in mosquitto(tmp_path, config):
        outcome = await check("mqtt", f"127.0.0.1:{port}", tls=True)
        assert (outcome.status, outcome.message) == (Status.UP, "")
        assert outcome.cert_expires_at is not None
        outcome = await check("mqtt", f"127.0.0.1:{port}")
        assert outcome.status is Status.DOWN


async def reset(stream: Stream) -> None:
    await stream.receive_some()
    await stream.send_all(CONNACK)
    await stream.receive_some()
    await trio.sleep(0.05)
    break_off(stream)


WAIT: dict[str, object] = {"topic": "a/b", "expect": "x"}
DOWN: dict[str, tuple[Behaviour, dict[str, object], str]] = {
    "another protocol": (
        raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", reads=False),
        {},
        'the answer is not MQTT: "HTTP/1.1 400 Bad Request\\r\\n\\r\\n"',
    ),
    "garbage": (brokers(b"\x2f" + b"\xff" * 9), {}, "the target sent broken MQTT: a length of more than four bytes"),
    "a huge packet": (
        brokers(b"\x20\xff\xff\xff\x7f"),
        {},
        "the target sent broken MQTT: a packet of 268435455 bytes, and no more than 1 MiB is read",
    ),
    "half an answer": (
        brokers(b"\x20\2\0", linger=False),
        {},
        "the target closed the connection before it answered the greeting (CONNECT)",
    ),
    "a short answer": (brokers(b"\x20\1\0"), {}, "the target sent broken MQTT: a CONNACK that is too short"),
    "another version": (
        brokers(b"\x20\2\0\1"),
        {"version": "5"},
        "the broker refused the connection: it doesn't speak this version of MQTT (code 1)",
    ),
    "an unknown refusal": (brokers(b"\x20\2\0\x6f"), {}, "the broker refused the connection: code 111"),
    "a silent close": (
        brokers(b"", linger=False),
        {},
        "the target closed the connection before it answered the greeting (CONNECT)",
    ),
    "a close before the message": (
        brokers(CONNACK, SUBACK + publish("a/b", b"hello"), linger=False),
        WAIT,
        'the target closed the connection before a message on a/b with "x"; the last was "hello"',
    ),
    "a reset": (reset, WAIT, 'the connection was reset before a message on a/b with "x"'),
    "a refused subscription": (
        brokers(CONNACK, b"\x90\3\0\1\x80"),
        WAIT,
        "the broker refused the subscription to a/b: it gives no reason",
    ),
    "a refused subscription of version 5": (
        brokers(CONNACK_5, b"\x90\4\0\1\0\xa2"),
        {**WAIT, "version": "5"},
        "the broker refused the subscription to a/b: no wildcards here (code 162)",
    ),
    "another subscription": (
        brokers(CONNACK, b"\x90\3\0\7\0"),
        WAIT,
        "the target sent broken MQTT: a SUBACK for something else",
    ),
    "an end of the session": (
        brokers(CONNACK_5, SUBACK_5 + b"\xe0\2\x8b\0"),
        {**WAIT, "version": "5"},
        "the broker ended the session: the server is shutting down (code 139)",
    ),
    "a packet out of place": (brokers(CONNACK, CONNACK), WAIT, "the target sent a packet of type 2 out of place"),
    "a message that is cut": (
        brokers(CONNACK, SUBACK + packet(0x30, b"\0\x09a/b")),
        WAIT,
        "the target sent broken MQTT: a PUBLISH that is cut or of no quality of service",
    ),
    "cut properties": (
        brokers(CONNACK_5, publish("a/b", b"", after=b"\x70")),
        {**WAIT, "version": "5"},
        "the target sent broken MQTT: properties that are cut",
    ),
    "a huge message": (
        brokers(CONNACK, SUBACK + b"\x30\x80\x80\x80\x02"),
        WAIT,
        "the target sent broken MQTT: a packet of 4194304 bytes, and no more than 1 MiB is read",
    ),
    "endless messages": (
        floods(publish("a/b", b"ab" * 2000)),
        WAIT,
        'no message on a/b with "x" in the first MiB; the last was "abab',
    ),
    "endless tiny messages": (floods(publish("a", b"")), WAIT, 'no message on a/b with "x" in the first 4096 packets'),
    "endless answers to pings": (
        floods(b"\xd0\0"),
        WAIT,
        'no message on a/b with "x" in the first 4096 packets',
    ),
}


@pytest.mark.parametrize(("behaviour", "given", "message"), DOWN.values(), ids=DOWN)
async def test_a_broker_is_down_by(
    behaviour: Behaviour, given: dict[str, object], message: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("mqtt", target.address, **given)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)


UP: dict[str, tuple[Behaviour, dict[str, object]]] = {
    "a message before the answer": (brokers(CONNACK, publish("a/b", b"x") + SUBACK), WAIT),
    "a message with a number": (brokers(CONNACK, SUBACK + publish("a/b", b"x", flags=2, after=b"\0\1")), WAIT),
    "a message with properties": (
        brokers(CONNACK_5, SUBACK_5 + publish("a/b", b"x", after=b"\2\1\1")),
        {**WAIT, "version": "5"},
    ),
    "an empty message": (brokers(CONNACK, SUBACK + publish("a/b", b"")), {"topic": "a/b"}),
}


@pytest.mark.parametrize(("behaviour", "given"), UP.values(), ids=UP)
async def test_a_broker_is_up_with(
    behaviour: Behaviour, given: dict[str, object], check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("mqtt", target.address, **given)
    assert (outcome.status, outcome.message) == (Status.UP, "")


async def test_a_refused_connection_says_what_was_tried(check: Check) -> None:
    port = free_port()
    outcome = await check("mqtt", f"127.0.0.1:{port}")
    assert outcome.message.startswith(f"connect to 127.0.0.1:{port} refused after ")


STORIES: dict[str, tuple[Behaviour, str, str]] = {
    "silence": (silent, "no answer in 0.3 s: connected in ", "then silence"),
    "no answer to the subscription": (
        brokers(CONNACK),
        "no complete answer in 0.3 s: ",
        "then no answer to the subscription",
    ),
    "a trickle": (trickles, "no complete answer in 0.3 s: ", 'then no message on a/b with "x"'),
}


@pytest.mark.parametrize(("behaviour", "beginning", "end"), STORIES.values(), ids=STORIES)
async def test_the_story_of_a_timeout_is_told_of(
    behaviour: Behaviour, beginning: str, end: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("mqtt", target.address, timeout_s=0.3, **WAIT)
    assert outcome.message.startswith(beginning)
    assert outcome.message.endswith(end)


async def test_a_certificate_for_another_name_is_down(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, brokers(CONNACK), tls=server_context(authority.issue_cert("a.example")))
    outcome = await check("mqtt", target.address, tls=True)
    assert outcome.message == "the certificate is for a.example, expected 127.0.0.1"
    assert (await check("mqtt", target.address, tls=True, verify_tls=False)).status is Status.UP


async def test_a_session_is_clean_and_ends_properly(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, brokers(CONNACK))
    await check("mqtt", target.address, username="ada", password="pw", client_id="me")
    await trio.testing.wait_all_tasks_blocked()
    assert target.requests[0] == b"\x10\x17\0\4MQTT\4\xc2\x02\x58\0\2me\0\3ada\0\2pw\xe0\0"


async def test_the_message_is_the_reply_if_it_is_asked_for(broker: int, check: Check) -> None:
    address = f"127.0.0.1:{broker}"
    outcome = await check("mqtt", address, topic="a/b", keep=Keep(body=True))
    assert outcome.reply is not None
    assert outcome.reply.body == "all is well"
    assert (await check("mqtt", address, topic="a/b")).reply is None
    assert (await check("mqtt", address, keep=Keep(body=True))).reply is None


async def test_a_person_who_looks_on_is_told(broker: int, env: Env) -> None:
    watch = Stopwatch(talks=True)
    await MQTT.prepare(f"127.0.0.1:{broker}", MQTT.settings(topic="+/b"), env, Keep())(watch)
    assert watch.notes == [("address", f"127.0.0.1:{broker}"), ("message", '"all is well" on "a/b"')]


async def test_a_check_cancelled_half_way_leaves_nothing_open(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, brokers(CONNACK))
    for timeout_s in (0.001, 0.01, 0.05):
        await check("mqtt", target.address, timeout_s=timeout_s, **WAIT)
    await drained(target.port)


TOPICS = {"": None, "a/b": None, "+/a/#": None, "#": None, "a#": "whole levels", "a/+b": "whole levels", "#/a": "last"}


@pytest.mark.parametrize(("topic", "problem"), TOPICS.items())
def test_a_topic_filter_is_checked(topic: str, problem: str | None) -> None:
    if problem is None:
        assert load(MQTT.settings, {"topic": topic}).topic == topic
        return
    with pytest.raises(InvalidDocument, match=problem):
        load(MQTT.settings, {"topic": topic})


def test_problems_name_their_field(env: Env) -> None:
    chosen = MQTT.settings(password="x", expect="y")
    assert set(MQTT.problems("a.example:1", chosen, env)) == {"settings.username", "settings.topic"}
    assert not MQTT.problems("a.example:1", MQTT.settings(), env)


class _Fed(Connection):
    """A connection that has received some bytes, and then ends."""

    __slots__ = ("_left",)

    def __init__(self, pieces: list[bytes]) -> None:
        self._left = [*pieces, b""]

    async def send(self, data: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        return self._left.pop(0)


@settings(max_examples=400, deadline=None)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=4),
    beginning=st.sampled_from([[], [CONNACK], [CONNACK_5 + SUBACK_5], [CONNACK + b"\x32"], [CONNACK + b"\x30\x05"]]),
    level=st.sampled_from([4, 5]),
)
def test_no_bytes_crash_it(pieces: list[bytes], beginning: list[bytes], level: int) -> None:
    async def once() -> None:
        session = Session(_Fed([*beginning, *pieces]), level=level)
        with suppress(Fault):
            await session.log_in(b"")
            await session.wait_for(b"needle", topic="a", watch=Stopwatch())

    trio.run(once)


@given(st.lists(st.tuples(st.integers(16, 255), st.binary(max_size=400)), max_size=5), st.integers(1, 50))
def test_packets_are_cut_the_same_however_they_arrive(packets: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(packet(first, content) for first, content in packets)
    reader, found = wire.Reader(), []
    for at in range(0, len(stream), size):
        reader.feed(stream[at : at + size])
        while (each := reader.next()) is not None:
            found.append((each.kind << 4 | each.flags, each.content))
    assert found == packets
