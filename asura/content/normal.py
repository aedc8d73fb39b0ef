"""A body as it is compared: text in lines that a diff can be read by, without what is to be ignored.

What comes out has at most `MAX_CHARS` characters in lines of at most `MAX_LINE_CHARS`, whatever goes in.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from asura.content.ignoring import without_matches, without_paths

VERSION = 1
"""Counts the changes of these rules: what was stored under others can't be compared, and begins anew."""
MAX_BODY_CHARS = 2**20
"""Of the body as it came; the rest is not looked at. As much as an HTTP check reads unless it is told to read more."""
MAX_CHARS = 2**18
"""Of the text that is compared, and kept for each monitor."""
MAX_LINE_CHARS = 400
"""Longer lines are broken, so that a diff shows where in them something changed."""
SLICE_CHARS = 2**15
"""What one call of a C function is given: it holds the GIL, and the event loop waits for that."""
MAX_DEPTH = 64
"""Of JSON: what lies deeper stays in one line, because its indentation would fill the text."""

_TAGS = re.compile(r">[ \t]*<")
_SENTENCES = re.compile(r"(?<=[;{},])|(?<=[.!?] )")
"""Where a long line is broken: places that depend on the text around them, so that a change moves no other break."""
_UNPRINTABLE = dict.fromkeys((*range(9), *range(11, 32), 127), "\N{REPLACEMENT CHARACTER}")
_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder(order="sorted")


def normalise(
    body: str, *, is_cut: bool = False, ignore_patterns: tuple[str, ...] = (), ignore_paths: tuple[str, ...] = ()
) -> str:
    """The text to compare.

    JSON is written one member a line with its keys sorted, since their order means nothing; HTML and XML break
    between tags. Line ends, and white space at the end of a line or of the whole, make no difference. The last line
    of a body that `is_cut` is left out unless it is the only one: where the cut fell says nothing.
    """
    is_cut = is_cut or len(body) > MAX_BODY_CHARS
    body = body[:MAX_BODY_CHARS]
    document = None if is_cut else _json(body)
    if document is None:
        lines = _text_lines(body, is_cut=is_cut)
    else:
        without_paths(document, ignore_paths)
        lines = _json_lines(document)
    return _bounded(without_matches(lines, ignore_patterns))


def _bounded(lines: Iterable[str]) -> str:
    kept: list[str] = []
    left = MAX_CHARS
    for long in lines:
        for line in _broken(long):
            left -= len(line) + 1
            if left < 0:
                return "\n".join(kept).rstrip("\n")
            kept.append(line)
    return "\n".join(kept).rstrip("\n")


def _broken(line: str) -> Iterator[str]:
    """The pieces of a long line: broken at its punctuation, and where there is none for long, anywhere."""
    if len(line) <= MAX_LINE_CHARS:
        yield line
        return
    line = line[:MAX_CHARS]
    start = 0
    for end in itertools.chain((match.start() for match in _SENTENCES.finditer(line)), (len(line),)):
        for at in range(start, end, MAX_LINE_CHARS):
            yield line[at : min(at + MAX_LINE_CHARS, end)].rstrip()
        start = end


def _text_lines(body: str, *, is_cut: bool) -> Iterator[str]:
    # SQLite and JSON take no unpaired surrogates, and a diff should show no control characters.
    body = body.replace("\r\n", "\n").replace("\r", "\n").encode(errors="replace").decode()
    is_markup = body.lstrip()[:1] == "<"
    pieces = (piece.translate(_UNPRINTABLE) for piece in _slices(body))
    lines = "".join(_TAGS.sub(">\n<", piece) if is_markup else piece for piece in pieces).split("\n")
    if is_cut and len(lines) > 1:
        lines.pop()
    for line in lines:
        yield line.rstrip()


def _slices(body: str) -> Iterator[str]:
    """The body in slices that end where a tag begins, because no break between tags reaches beyond that."""
    start = 0
    while start < len(body):
        end = start + SLICE_CHARS
        end = body.rfind("<", start, end) + 1 or end
        yield body[start:end]
        start = end


def _json(body: str) -> Any:
    """The object or array that the body is; None for anything else."""
    if body.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _json_lines(value: Any, *, key: str = "", comma: str = "", depth: int = 0) -> Iterator[str]:
    """JSON with two spaces of indentation, made piece by piece, so that no more is made than is kept."""
    indent = "  " * depth
    if not value or not isinstance(value, dict | list) or depth >= MAX_DEPTH:
        yield f"{indent}{key}{_scalar(value)}{comma}"
        return
    is_object = isinstance(value, dict)
    yield f"{indent}{key}{'{' if is_object else '['}"
    last = len(value) - 1
    members = ((f"{_scalar(name)}: ", value[name]) for name in sorted(value)) if is_object else (("", v) for v in value)
    for number, (name, member) in enumerate(members):
        yield from _json_lines(member, key=name, comma="," if number < last else "", depth=depth + 1)
    yield f"{indent}{'}' if is_object else ']'}{comma}"


def _scalar(value: Any) -> str:
    return _encoder.encode(value).decode().translate(_UNPRINTABLE)
