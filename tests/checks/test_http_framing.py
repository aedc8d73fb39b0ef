"""Where an answer in HTTP/1.1 begins and ends when a target is careless about it."""

import zlib

import pytest
import trio

from asura.model.monitor import Status
from asura.protocols.attempt import Keep
from asura.protocols.body import Body
from asura.protocols.http_answer import Http1Answer
from tests.checks.conftest import Check
from tests.fakes.target import Stream, break_off, endless, gzipped, raw, read_request, start_target

SECOND = b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad"


async def test_a_second_answer_changes_nothing(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + SECOND))
    outcome = await check("http", target.url, keyword="hello", keep=Keep(body=True))
    assert (outcome.status, outcome.status_code, outcome.message) == (Status.UP, 200, "")
    assert outcome.reply is not None
    assert outcome.reply.body == "hello"


async def test_a_body_in_answer_to_head_is_nothing_to_this_and_later_checks(
    check: Check, nursery: trio.Nursery
) -> None:
    wrong = await start_target(nursery, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
    right = await start_target(nursery, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
    for target in (wrong, right):
        outcome = await check("http", target.url, method="HEAD", keep=Keep(headers=True, body=True))
        assert outcome.status is Status.UP
        assert outcome.reply is not None
        assert (outcome.reply.body, outcome.reply.is_cut) == ("", False)


@pytest.mark.parametrize("coding", ["identity", "gzip", "chunked, gzip"])
async def test_a_body_whose_last_coding_is_not_chunked_ends_with_the_connection(
    coding: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(
        nursery, raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n".encode(), b"hello")
    )
    outcome = await check("http", target.url, keyword="hello")
    assert (outcome.status, outcome.message) == (Status.UP, "")


@pytest.mark.parametrize("coding", ["chunked", "gzip, Chunked"])
async def test_chunks_that_end_with_the_connection_are_cut(coding: str, check: Check, nursery: trio.Nursery) -> None:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n".encode()
    target = await start_target(nursery, raw(head, b"5\r\nhello\r\n"))
    outcome = await check("http", target.url)
    assert outcome.message == "the target closed the connection after 5 bytes of the body"


async def test_chunks_of_one_byte_with_long_extensions_have_an_end(check: Check, nursery: trio.Nursery) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    target = await start_target(nursery, endless(head, b"1;" + b"x" * 40_000 + b"\r\nx\r\n"))
    outcome = await check("http", target.url)
    assert outcome.message == "the answer has no end"


async def test_many_chunks_of_a_bomb_let_other_tasks_run() -> None:
    compressor = zlib.compressobj(9, wbits=31)
    bomb = compressor.compress(bytes(8 * 2**20)) + compressor.flush()
    answer = Http1Answer(is_head=False, limit=16 * 2**20)
    answer.feed(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    pieces = answer.feed(b"".join(b"1\r\n%c\r\n" % byte for byte in bomb))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as others:
        others.start_soon(count)
        await answer.digest(pieces)
        others.cancel_scope.cancel()
    assert answer.body.size == 8 * 2**20
    assert turns > 100


@pytest.mark.parametrize("at", range(1, 30))
def test_members_of_gzip_may_be_cut_anywhere(at: int) -> None:
    first, second = gzipped(b"hel"), gzipped(b"lo")
    body = Body(1000, encoding="gzip", needle=b"hello")
    cut = len(first) + at
    for piece in ((first + second)[:cut], (first + second)[cut:]):
        has_more = body.feed(piece)
        while has_more:
            has_more = body.step()
    body.check_end()
    assert body.found


async def test_a_reset_in_the_header_is_told_as_one(check: Check, nursery: trio.Nursery) -> None:
    async def behave(stream: Stream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Le")
        await trio.sleep(0.02)
        break_off(stream)

    target = await start_target(nursery, behave)
    outcome = await check("http", target.url)
    assert outcome.message == "the connection was reset in the middle of the header"
