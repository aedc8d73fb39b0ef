import time
import tracemalloc
import zlib

import pytest
import trio

from asura.model.monitor import Status
from asura.protocols.attempt import Keep
from asura.protocols.body import MAX_KEPT_BYTES
from tests.checks.conftest import Check
from tests.fakes.target import Behaviour, answer, bomb, chunked, endless, gzipped, raw, redirect, routes, start_target

HEADERS, BODY, BOTH = Keep(headers=True), Keep(body=True), Keep(headers=True, body=True)


async def test_nothing_is_kept_that_nobody_asked_for(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, b"hello"))
    assert (await check("http", target.url)).reply is None
    only_headers = (await check("http", target.url, keep=HEADERS)).reply
    assert only_headers is not None
    assert (only_headers.headers, only_headers.body) == ((("content-length", "5"),), None)
    only_body = (await check("http", target.url, keep=BODY)).reply
    assert only_body is not None
    assert (only_body.headers, only_body.body, only_body.is_cut) == ((), "hello", False)


async def test_headers_are_kept_in_their_order_and_of_the_last_answer(check: Check, nursery: trio.Nursery) -> None:
    last = raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a: \xe4\r\nX-B: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\nX-Trailer: 3\r\n\r\n"
    )
    target = await start_target(nursery, routes({"/": redirect("/b"), "/b": last}))
    reply = (await check("http", target.url, keep=HEADERS)).reply
    assert reply is not None
    assert reply.headers == (("x-b", "1"), ("x-a", "ä"), ("x-b", "2"), ("transfer-encoding", "chunked"))


UMLAUTS = "größer und größer"
EMOJI = "up 🟢"
TEXTS: dict[str, tuple[Behaviour, str | None]] = {
    "UTF-8 said": (answer(200, UMLAUTS.encode(), content_type="text/plain; charset=UTF-8"), UMLAUTS),
    "UTF-8 not said": (answer(200, EMOJI.encode()), EMOJI),
    "Latin-1 said": (answer(200, UMLAUTS.encode("latin-1"), content_type='text/html; charset="ISO-8859-1"'), UMLAUTS),
    "Latin-1 not said": (answer(200, UMLAUTS.encode("latin-1")), UMLAUTS),
    "a charset that nobody knows": (answer(200, UMLAUTS.encode(), content_type="text/html; charset=x-evil"), UMLAUTS),
    "a codec that is no charset": (answer(200, b"74657374", content_type="text/html; charset=hex"), "74657374"),
    "a charset that is wrong": (
        answer(200, b"\xff\xffhello", content_type="text/plain; charset=shift_jis"),
        "\ufffd\ufffdhello",
    ),
    "Japanese": (answer(200, "日本".encode("euc-jp"), content_type="text/html; charset=EUC-JP"), "日本"),
    "a mark of UTF-8": (answer(200, b"\xef\xbb\xbf{}"), "{}"),
    "a mark of UTF-16": (answer(200, EMOJI.encode("utf-16"), content_type="text/plain; charset=utf-16"), EMOJI),
    "no text at all": (answer(200, bytes(range(256))), bytes(range(256)).decode("windows-1252", "replace")),
    "nothing": (answer(204, b""), ""),
    "gzip": (answer(200, gzipped(EMOJI.encode()), content_encoding="gzip"), EMOJI),
    "deflate": (answer(200, zlib.compress(EMOJI.encode()), content_encoding="deflate"), EMOJI),
    "chunks through a character": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunked(EMOJI.encode(), 1)),
        EMOJI,
    ),
    "an encoding that can't be taken off": (answer(200, b"\x1b\0", content_encoding="br"), None),
}


@pytest.mark.parametrize(("behaviour", "text"), TEXTS.values(), ids=TEXTS)
async def test_a_body_becomes_text_from(
    behaviour: Behaviour, text: str | None, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("http", target.url, keep=BODY)
    assert outcome.status is Status.UP
    assert outcome.reply is not None
    assert (outcome.reply.body, outcome.reply.is_cut) == (text, False)


async def test_a_body_is_kept_up_to_the_limit_and_said_to_be_cut(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, endless(b"HTTP/1.1 200 OK\r\n\r\n", "ü".encode()))
    reply = (await check("http", target.url, keep=BODY, max_body_bytes=1001)).reply
    assert reply is not None
    assert (reply.body, reply.is_cut) == ("ü" * 500, True)


async def test_the_answer_to_head_has_an_empty_body(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"))
    reply = (await check("http", target.url, keep=BOTH, method="HEAD")).reply
    assert reply is not None
    assert (reply.headers, reply.body, reply.is_cut) == ((("content-length", "10"),), "", False)


async def test_an_unexpected_answer_is_kept_too(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(500, b"why"))
    outcome = await check("http", target.url, keep=BODY)
    assert outcome.status is Status.DOWN
    assert outcome.reply is not None
    assert outcome.reply.body == "why"


NO_TEXT = {
    charset: answer(200, b"\xff" * 2**21, content_type=f"text/plain; charset={charset}")
    for charset in ("gb18030", "big5", "utf-8")
}


@pytest.mark.parametrize("behaviour", NO_TEXT.values(), ids=NO_TEXT)
async def test_what_is_no_text_lets_other_tasks_run(behaviour: Behaviour, check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, behaviour)
    longest_s = 0.0

    async def look_at_the_clock() -> None:
        nonlocal longest_s
        while True:
            before = time.thread_time()
            await trio.lowlevel.checkpoint()
            longest_s = max(longest_s, time.thread_time() - before)

    nursery.start_soon(look_at_the_clock)
    outcome = await check("http", target.url, keep=BODY, max_body_bytes=2**22)
    assert outcome.reply is not None
    assert len(outcome.reply.body or "") == MAX_KEPT_BYTES
    assert longest_s < 0.02


BOMBS = {
    "zeros": b"",
    "letters of four bytes in between": gzipped("🟢".encode() * 1000 + b"x" * 500_000),
}


@pytest.mark.parametrize("before", BOMBS.values(), ids=BOMBS)
async def test_a_bomb_of_1_gib_stays_below_16_mib_though_it_is_kept(
    before: bytes, check: Check, nursery: trio.Nursery
) -> None:
    limit = 16 * 2**20
    target = await start_target(nursery, answer(200, before + bomb(), content_encoding="gzip"))
    tracemalloc.start()
    try:
        outcome = await check("http", target.url, keyword="needle", max_body_bytes=limit, keep=BODY)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.message == f'"needle" is not in the first {limit} bytes of the body, and no more is read'
    assert outcome.reply is not None
    assert outcome.reply.is_cut
    assert len((outcome.reply.body or "").encode()) == MAX_KEPT_BYTES
    assert peak_bytes < 16 * 2**20
