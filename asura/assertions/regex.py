"""Regular expressions in linear time: RE2, its memory and the work of one search bounded.

Nothing here backtracks, so neither a pattern nor a body can hold a thread for long. The price is RE2's: no
look-around and no backreferences.
"""

from functools import lru_cache

import attrs
import re2

from asura.assertions.budget import MATCHING

MAX_PATTERN_CHARS = 1024
MAX_INSTRUCTIONS = 2000
r"""Of a compiled pattern. `\p{L}+` has 1,200, an address pattern 40; `[a-z]{1,1000}` would have 2,000."""
CACHED = 256
"""Compiled patterns at once, over all monitors: with their automata at most 64 MiB. Compiling takes a fraction of a
millisecond, so those that are not among them are compiled again for each check."""

_OPTIONS = re2.Options()
_OPTIONS.max_mem = 2**18
_OPTIONS.log_errors = False
_OPTIONS.never_capture = True


@attrs.frozen(kw_only=True)
class Found:
    """What a search came to."""

    text: str | None
    """The first match; None: there is none in what was searched."""
    is_whole: bool
    """The whole text was searched; it is cut where it would be too much work."""


@lru_cache(maxsize=CACHED)
def compiled(pattern: str) -> "re2._Regexp":
    """Raises ValueError: why `pattern` can't be used, as "must …"."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise ValueError(f"must be at most {MAX_PATTERN_CHARS} characters, not {len(pattern)}")
    try:
        expression = re2.compile(pattern.encode(), _OPTIONS)
    except re2.error as exc:
        raise ValueError(f"must be a regular expression: {_reason(exc)}") from None
    if expression.programsize > MAX_INSTRUCTIONS:
        raise ValueError("must be a simpler regular expression: its repeats or character classes make it too large")
    return expression


def find(pattern: str, text: str) -> Found:
    """The first match in `text`. Raises ValueError as `compiled` does."""
    expression = compiled(pattern)
    data = text.encode(errors="replace")
    room = MATCHING // max(1, expression.programsize)
    match = expression.search(data[:room])
    # A piece may end within a character.
    return Found(text=None if match is None else match[0].decode(errors="replace"), is_whole=len(data) <= room)


def work(pattern: str, chars: int) -> int:
    """Instructions times bytes that a search of so many characters is at most."""
    return min(MATCHING, int(compiled(pattern).programsize) * chars)


def _reason(exc: Exception) -> str:
    raw = exc.args[0] if exc.args else ""
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    if "perl operator" in text or ("escape sequence" in text and text[-1:].isdigit()):
        return f"{text}; look-around and backreferences are not supported, for they can take for ever"
    return text or "it can't be read"
