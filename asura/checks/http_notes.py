"""What of an answer a check by hand shows."""

from asura.checks.http_hop import Hop
from asura.protocols.attempt import Stopwatch
from asura.protocols.names import printable
from asura.protocols.words import short, status_words


def tell_answer(hop: Hop, watch: Stopwatch) -> None:
    """What a person would want to see of an answer. Its certificates are in the outcome."""
    answer, body = hop.answer, hop.answer.body
    watch.tell("answer", status_words(answer.status))
    kind = answer.headers.get("content-type")
    if kind:
        watch.tell("content type", printable(short(kind)))
    size = f"{body.size} bytes" if not body.is_encoded else f"{body.size} bytes, sent as {body.raw_size}"
    watch.tell("body", f"{size}{', and no more is read' if body.is_full else ''}")
