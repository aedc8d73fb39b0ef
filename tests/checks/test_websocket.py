from contextlib import suppress

import pytest
import trio
import trustme
from hypercorn.config import Config
from hypercorn.trio import serve
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.events import AcceptConnection

from asura.checks import CHECK_TYPES
from asura.model.monitor import Status
from asura.protocols.attempt import Env, Fault, Keep, Stopwatch
from asura.protocols.connection import Connection
from asura.protocols.websocket_session import Session
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import drained
from tests.fakes.peers import free_port
from tests.fakes.target import Behaviour, Stream, answer, break_off, endless, raw, redirect, silent, start_target
from tests.fakes.websocket import (
    BINARY,
    PING,
    TEXT,
    accepted,
    accepts,
    close,
    echoes,
    floods,
    frame,
    text,
    trickles,
)

WEBSOCKET = CHECK_TYPES["websocket"]


def url(target: object, path: str = "/") -> str:
    scheme = "wss" if getattr(target, "scheme", "") == "https" else "ws"
    return f"{scheme}://{getattr(target, 'address', '')}{path}"


UP: dict[str, tuple[Behaviour, dict[str, object]]] = {
    "a handshake": (accepts(), {}),
    "a subprotocol": (accepts(lines=("Sec-WebSocket-Protocol: b",)), {"subprotocol": "a, b"}),
    "an answer": (echoes, {"send": "hello", "expect": "ell"}),
    "a binary answer": (echoes, {"send": r"\x00\xff!", "expect": "!", "binary": True}),
    "a message with the handshake": (accepts(text("ready")), {"expect": "ready"}),
    "other messages before": (accepts(text("a"), text("b"), text("ready")), {"expect": "ready"}),
    "a message in fragments": (
        accepts(frame(TEXT, b"re", fin=False), frame(PING, b"x"), frame(0, b"", fin=False), frame(0, b"ady")),
        {"expect": "ready"},
    ),
    "letters in fragments": (accepts(frame(TEXT, b"\xe2\x82", fin=False), frame(0, b"\xac")), {"expect": "€"}),
    "pings before": (accepts(*[frame(PING)] * 200, text("ready")), {"expect": "ready"}),
    "a message sent only": (accepts(), {"send": "hello"}),
    "a large message": (accepts(frame(BINARY, bytes(900_000) + b"end")), {"expect": "end"}),
}


@pytest.mark.parametrize(("behaviour", "given"), UP.values(), ids=UP)
async def test_a_target_is_up_with(
    behaviour: Behaviour, given: dict[str, object], check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("websocket", url(target), **given)
    assert (outcome.status, outcome.message, outcome.status_code) == (Status.UP, "", 101)
    assert (outcome.response_ms or 0) >= 1
    assert outcome.timings.first_byte_ms is not None
    assert (outcome.timings.transfer_ms is not None) == ("expect" in given)


async def reset(stream: Stream) -> None:
    await stream.send_all(accepted(await _request(stream)) + text("hello"))
    await trio.sleep(0.05)
    break_off(stream)


async def greets(stream: Stream) -> None:
    """As a mail server, which waits then."""
    await stream.send_all(b"220 mail\r\n")
    await trio.sleep_forever()


async def _request(stream: Stream) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive_some()
    return data


DOWN: dict[str, tuple[Behaviour, dict[str, object], str]] = {
    "a page": (answer(200), {}, "the handshake was answered 200 OK, expected 101 Switching Protocols"),
    "no such page": (answer(404), {}, "the handshake was answered 404 Not Found, expected 101 Switching Protocols"),
    "a redirect": (
        redirect("https://ann:secret@example.org/login#token=secret?secret"),
        {},
        'the handshake was answered 302 Found, to "https://example.org/login": not followed',
    ),
    "an interim answer": (
        raw(b"HTTP/1.1 103 E\r\n\r\n"),
        {},
        "the handshake was answered 103 Early Hints, expected 101",
    ),
    "a wrong token": (
        accepts(token="AAAA"),
        {},
        "the handshake failed: Sec-WebSocket-Accept is missing or wrong",
    ),
    "no upgrade": (
        raw(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n"),
        {},
        "the handshake failed: the answer has no header Upgrade that says so",
    ),
    "an upgrade to something else": (
        raw(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
        {},
        "the handshake failed: the answer has no header Upgrade that says so",
    ),
    "no subprotocol": (
        accepts(),
        {"subprotocol": "a, b"},
        "the target took none of the subprotocols that were offered: a, b",
    ),
    "a subprotocol of its own": (
        accepts(lines=("Sec-WebSocket-Protocol: c",)),
        {"subprotocol": "a"},
        "the handshake failed: the target chose a subprotocol that was not offered",
    ),
    "an extension of its own": (
        accepts(lines=("Sec-WebSocket-Extensions: permessage-deflate",)),
        {},
        "the handshake failed: the target chose an extension that was not offered",
    ),
    "a greeting of mail": (greets, {}, 'the answer is not HTTP: "220 mail\\r\\n"'),
    "bytes that are no text": (
        accepts(lines=("Sec-WebSocket-Protocol: \u00ff",)),
        {"subprotocol": "a"},
        "the handshake failed: the answer is broken HTTP, or its header is over 16 KiB",
    ),
    "an endless header": (
        endless(b"HTTP/1.1 101 S\r\n", b"a: b\r\n"),
        {},
        "the handshake failed: the answer is broken HTTP, or its header is over 16 KiB",
    ),
    "an endless page": (
        endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        {},
        "the handshake was answered 200 OK, expected 101 Switching Protocols",
    ),
    "a silent close": (raw(b""), {}, "the target closed the connection before it answered the handshake"),
    "a close after the handshake": (
        accepts(text("hello"), linger=False),
        {"expect": "ready"},
        'the target closed the connection before a message with "ready"',
    ),
    "a goodbye": (
        accepts(text("hello"), close(1008, "token expired")),
        {"expect": "ready"},
        'the target closed the WebSocket with 1008 (policy violation), saying "token expired", '
        'before a message with "ready"; the last was "hello"',
    ),
    "a goodbye without a code": (
        accepts(frame(8)),
        {"expect": "x"},
        'the target closed the WebSocket with 1005 (no reason) before a message with "x"',
    ),
    "a private code": (
        accepts(close(4001)),
        {"expect": "x"},
        'the target closed the WebSocket with 4001 before a message with "x"',
    ),
    "a reset": (reset, {"expect": "x"}, 'the connection was reset before a message with "x"'),
    "garbage": (
        accepts(bytes(range(0x90, 0xFF))),
        {"expect": "x"},
        "the target broke the WebSocket protocol (",
    ),
    "text that is none": (accepts(frame(TEXT, b"\xff")), {"expect": "x"}, "the target broke the WebSocket protocol ("),
    "compressed frames": (
        accepts(frame(TEXT, b"x", bits=0x40)),
        {"expect": "x"},
        "the target broke the WebSocket protocol (Reserved bit set unexpectedly)",
    ),
    "endless messages": (floods(b"", text("ab" * 2000)), {"expect": "x"}, 'no message with "x" in the first MiB'),
    "one endless message": (
        floods(b"\x01\x7f\x7f" + b"\xff" * 7, b"ab"),
        {"expect": "x"},
        'no message with "x" in the first MiB; the last was "ababab',
    ),
    "endless fragments": (
        floods(frame(TEXT, b"a", fin=False), frame(0, fin=False)),
        {"expect": "x"},
        'no message with "x" in the first 4096 frames; the last was "a"',
    ),
    "endless tiny messages": (floods(b"", text("")), {"expect": "x"}, 'no message with "x" in the first 4096 frames'),
    "endless pings": (floods(b"", frame(PING)), {"expect": "x"}, 'no message with "x" in the first 4096 frames'),
}


@pytest.mark.parametrize(("behaviour", "given", "message"), DOWN.values(), ids=DOWN)
async def test_a_target_is_down_by(
    behaviour: Behaviour, given: dict[str, object], message: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("websocket", url(target), **given)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)
    assert "secret" not in outcome.message


async def test_a_refused_connection_says_what_was_tried(check: Check) -> None:
    port = free_port()
    outcome = await check("websocket", f"ws://127.0.0.1:{port}/")
    assert outcome.message.startswith(f"connect to 127.0.0.1:{port} refused after ")


STORIES: dict[str, tuple[Behaviour, str, str]] = {
    "silence": (silent, "no answer in 0.3 s: connected in ", "then silence"),
    "no message": (accepts(), "no complete answer in 0.3 s: ", 'then no message with "x"'),
    "another message": (
        accepts(text("hello")),
        "no complete answer in 0.3 s: ",
        'then no message with "x"; the last was "hello"',
    ),
    "a trickle": (trickles, "no complete answer in 0.3 s: ", 'then no message with "x"'),
}


@pytest.mark.parametrize(("behaviour", "beginning", "end"), STORIES.values(), ids=STORIES)
async def test_the_story_of_a_timeout_is_told_of(
    behaviour: Behaviour, beginning: str, end: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("websocket", url(target), expect="x", timeout_s=0.3)
    assert outcome.message.startswith(beginning)
    assert outcome.message.endswith(end)


async def test_tls_is_spoken_and_its_end_known(authority: trustme.CA, check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, echoes, tls=server_context(authority.issue_cert("127.0.0.1")))
    outcome = await check("websocket", url(target), send="hello", expect="hello")
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.cert_expires_at is not None
    assert (outcome.timings.tls_ms or 0) >= 1


async def test_a_certificate_for_another_name_is_down_unless_it_is_not_verified(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, echoes, tls=server_context(authority.issue_cert("a.example")))
    outcome = await check("websocket", url(target))
    assert outcome.message == "the certificate is for a.example, expected 127.0.0.1"
    assert (await check("websocket", url(target), verify_tls=False)).status is Status.UP


async def test_the_handshake_carries_what_was_set(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, accepts(lines=("Sec-WebSocket-Protocol: a",)))
    given = {"Host": "b.example", "Origin": "https://c.example", "X-Token": " t "}
    await check("websocket", url(target, "/a%20b?c=d"), headers=given, subprotocol="a,b")
    head = target.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "GET /a%20b?c=d HTTP/1.1"
    lines = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    assert len(lines) == len(head) - 1
    assert (lines["host"], lines["origin"], lines["x-token"]) == ("b.example", "https://c.example", "t")
    assert (lines["sec-websocket-protocol"], lines["sec-websocket-version"]) == ("a, b", "13")
    assert lines["user-agent"].startswith("Asura/")
    assert "sec-websocket-extensions" not in lines


async def test_both_sides_close(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, echoes)
    assert (await check("websocket", url(target))).status is Status.UP
    frames = target.requests[0].partition(b"\r\n\r\n")[2]
    assert frames[0] == 0x88


async def test_a_target_that_never_closes_costs_a_moment_only(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, floods(text("ready"), frame(PING, bytes(100))))
    with trio.fail_after(2):
        outcome = await check("websocket", url(target), expect="ready")
    assert outcome.status is Status.UP
    assert (outcome.response_ms or 0) < 250


async def test_the_message_is_the_reply_if_it_is_asked_for(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, accepts(text("one"), text("two"), frame(BINARY, b"\xff3")))
    first = await check("websocket", url(target), keep=Keep(body=True))
    second = await check("websocket", url(target), keep=Keep(body=True), expect="w")
    third = await check("websocket", url(target), keep=Keep(body=True), expect="3")
    replies = [outcome.reply and outcome.reply.body for outcome in (first, second, third)]
    assert replies == ["one", "two", None]
    assert (await check("websocket", url(target), expect="one")).reply is None


async def test_a_person_who_looks_on_is_told(env: Env, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, accepts(text("ready"), lines=("Sec-WebSocket-Protocol: a",)))
    chosen = WEBSOCKET.settings(subprotocol="a", expect="ready")
    watch = Stopwatch(talks=True)
    await WEBSOCKET.prepare(url(target), chosen, env, Keep())(watch)
    assert watch.notes == [("address", target.address), ("subprotocol", "a"), ("message", '"ready"')]


async def test_a_real_server_answers(check: Check, nursery: trio.Nursery) -> None:
    port = free_port()
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    ended = trio.Event()
    await nursery.start(lambda task_status: serve(_echo, config, shutdown_trigger=ended.wait, task_status=task_status))
    outcome = await check("websocket", f"ws://127.0.0.1:{port}/", send="hello", expect="hello", subprotocol="chat")
    assert (outcome.status, outcome.message) == (Status.UP, "")
    outcome = await check("websocket", f"ws://127.0.0.1:{port}/closed")
    assert outcome.message == "the handshake was answered 403 Forbidden, expected 101 Switching Protocols"
    ended.set()


async def _echo(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    while scope["type"] == "lifespan":
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
    await receive()
    if scope["path"] != "/":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept", "subprotocol": "chat"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


async def test_a_check_cancelled_half_way_leaves_nothing_open(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, accepts())
    for timeout_s in (0.001, 0.01, 0.05):
        await check("websocket", url(target), expect="x", timeout_s=timeout_s)
    await drained(target.port)


WRONG = {
    "http://a.example/": "must be a URL that begins with ws:// or wss://",
    "a.example": "must be a URL that begins with ws:// or wss://",
    "ws://": "must be a URL with a host",
    "wss://user:pw@a.example/": "must not have credentials in the URL",
}


@pytest.mark.parametrize(("target", "problem"), WRONG.items(), ids=WRONG)
def test_a_wrong_target_says_what_is_wrong(target: str, problem: str) -> None:
    assert (WEBSOCKET.target_problem(target) or "").startswith(problem)


def test_ports_are_those_of_the_scheme(env: Env) -> None:
    assert WEBSOCKET.target_problem("WSS://A.example") is None
    assert WEBSOCKET.hosts("WSS://A.example", WEBSOCKET.settings()) == {"target": "a.example"}


def test_problems_name_their_field(env: Env) -> None:
    chosen = WEBSOCKET.settings(headers={"Sec-WebSocket-Key": "x"}, send=r"\q", binary=True)
    assert set(WEBSOCKET.problems("ws://a.example", chosen, env)) == {"settings.headers", "settings.send"}
    assert not WEBSOCKET.problems("ws://a.example", WEBSOCKET.settings(send=r"\q"), env)


class _Fed(Connection):
    """A connection that has received some bytes, and then ends."""

    __slots__ = ("_left", "sent")

    def __init__(self, make: "list[bytes]") -> None:
        self._left = make
        self.sent = b""

    async def send(self, data: bytes) -> None:
        self.sent += data

    async def receive(self) -> bytes:
        if not self._left:
            return b""
        data = self._left.pop(0)
        return accepted(self.sent) if data == b"101" else data


def _talk(pieces: list[bytes], **chosen: object) -> None:
    async def once() -> None:
        plan = WEBSOCKET.prepare("ws://a.example/", WEBSOCKET.settings(**chosen), None, Keep()).__self__  # type: ignore
        session = Session(_Fed(pieces))
        with suppress(Fault):
            accepting = await session.shake_hands(plan.request)
            if isinstance(accepting, AcceptConnection):
                await session.wait_for(b"needle", wanted="a message", watch=Stopwatch())

    trio.run(once)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=50), max_size=4), st.sampled_from([[], [b"HTTP/1.1 "], [b"101"]]))
def test_no_bytes_crash_it(pieces: list[bytes], beginning: list[bytes]) -> None:
    _talk([*beginning, *pieces])


LINES = st.dictionaries(
    st.text("abcXYZ0189!#$-_", min_size=1, max_size=8),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(LINES)
def test_every_valid_header_can_be_sent(headers: dict[str, str]) -> None:
    if len({name.lower() for name in headers}) == len(headers):
        _talk([], headers=headers)
