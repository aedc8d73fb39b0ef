"""What others sent, in the words of a message: bounded, and with nothing in it that a terminal or page would obey."""

from http import HTTPStatus

SHOWN_BYTES = 40
SHOWN_URL_CHARS = 200


def shown(data: bytes, *, at_most: int = SHOWN_BYTES) -> str:
    """The beginning of what a target sent, in quotes, its control characters escaped."""
    text = data[:at_most].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f'"{text}{"…" if len(data) > at_most else ""}"'


def short(text: str) -> str:
    """A text of somebody else's in a message."""
    return text if len(text) <= SHOWN_URL_CHARS else text[: SHOWN_URL_CHARS - 1] + "…"


def status_words(status: int) -> str:
    """An HTTP status and what it is called, if it has a name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
