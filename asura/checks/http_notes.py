"""What an answer is called in messages, and what of it a check by hand shows."""

from http import HTTPStatus

from asura.checks.base import Stopwatch
from asura.checks.http_hop import Hop

SHOWN_URL_CHARS = 200


def status_words(status: int) -> str:
    """A status and what it is called, if it has a name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def short(text: str) -> str:
    """A text of somebody else's in a message."""
    return text if len(text) <= SHOWN_URL_CHARS else text[: SHOWN_URL_CHARS - 1] + "…"


def tell_answer(hop: Hop, watch: Stopwatch) -> None:
    """What a person would want to see of an answer. Its certificates are in the outcome."""
    answer, body = hop.answer, hop.answer.body
    watch.tell("answer", status_words(answer.status))
    kind = answer.headers.get("content-type")
    if kind:
        watch.tell("content type", printable(kind))
    size = f"{body.size} bytes" if not body.is_encoded else f"{body.size} bytes, sent as {body.raw_size}"
    watch.tell("body", f"{size}{', and no more is read' if body.is_full else ''}")


def printable(text: str) -> str:
    """A target's text with nothing in it that a terminal or page would obey."""
    return "".join(c if c.isprintable() else "?" for c in short(text))
