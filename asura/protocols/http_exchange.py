"""One HTTP/1.1 request and its answer on an open connection: every part of the answer has a limit, time excepted."""

from contextlib import suppress

import httptools

from asura.protocols.attempt import Fault, Stopwatch
from asura.protocols.connection import Connection, broken_words
from asura.protocols.http_answer import Http1Answer
from asura.protocols.words import shown

MAX_HEADER_BYTES = 65_536
"""Of all interim answers and the header together, and of what is no body behind them."""
FRAMING_SHARE = 8
"""And eight times the body more: chunks of one byte are sent as six, and some add extensions."""


async def exchange(connection: Connection, request: bytes, answer: Http1Answer, *, watch: Stopwatch) -> None:
    """Send `request` and read `answer` until it is complete or its body's limit is reached.

    Raises Fault: what came was broken, too large, or not HTTP.
    """
    with suppress(OSError):  # it may have answered before it read everything, that it is too large for one: read on
        await connection.send(request)
    try:
        await _read(connection, answer, watch)
    finally:
        answer.release()
    watch.done("transfer")


async def _read(connection: Connection, answer: Http1Answer, watch: Stopwatch) -> None:
    received = 0
    is_first = True
    while not answer.is_complete:
        data = await _receive(connection, answer, is_first=is_first, watch=watch)
        if is_first:
            watch.done("first_byte", then="transfer")
            is_first = False
        if not data:
            _end_of_connection(answer)
            break
        pieces = _parse(answer, data, is_beginning=received == 0)
        await answer.digest(pieces)
        if answer.body.is_full and answer.has_header:
            break
        received += len(data)
        if received > MAX_HEADER_BYTES + FRAMING_SHARE * answer.body.raw_size and not answer.is_complete:
            raise Fault("the header of the answer is over 64 KiB" if not answer.has_header else "the answer has no end")
    answer.check_end()


async def _receive(connection: Connection, answer: Http1Answer, *, is_first: bool, watch: Stopwatch) -> bytes:
    try:
        data = await connection.receive()
    except OSError as exc:
        when = f"after {answer.body.raw_size} bytes of the body" if answer.has_header else "in the middle of the header"
        raise Fault(f"the connection was {broken_words(exc)} {'before it answered' if is_first else when}") from None
    if not data and is_first:
        raise Fault("the target closed the connection without an answer")
    return data


def _parse(answer: Http1Answer, data: bytes, *, is_beginning: bool) -> list[bytes]:
    try:
        return answer.feed(data)
    except httptools.HttpParserError as exc:
        if is_beginning and not data.startswith(b"HTTP/"):
            raise Fault(f"the answer is not HTTP: {shown(data)}") from None
        raise Fault(f"the answer is broken HTTP: {str(exc).lower()}") from None


def _end_of_connection(answer: Http1Answer) -> None:
    if not answer.has_header:
        raise Fault("the target closed the connection in the middle of the header")
    if not answer.ends_with_connection:
        length = answer.headers.get("content-length")
        of = f" of {length}" if length is not None else ""
        raise Fault(f"the target closed the connection after {answer.body.raw_size}{of} bytes of the body")
