r"""I-Regexp (RFC 9485), the regular expressions of JSON path's match() and search(), translated for RE2.

The pattern may come from a document, so whatever isn't an I-Regexp is refused here, before RE2 sees it. `^` and `$`
are anchors, as the compliance suite of RFC 9535 wants them, though RFC 9485 knows them as plain characters only.
"""

import re
from functools import lru_cache

import re2

from asura.assertions.regex import compiled

MAX_CHARS = 256

_ANCHOR = r"[$^]"
_NORMAL = r"[^()*+.?\[\\\]{|}]"
_ESCAPE = r"\\[()*+\-.?\[\\\]^nrt{|}]"
_CATEGORY = r"\\[pP]\{(?:L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|Z[lps]?|S[ckmo]?|C[cfno]?)\}"
_IN_CLASS = rf"(?:[^\-\[\\\]]|{_ESCAPE})"
_CLASS = rf"\[\^?(?:-|{_IN_CLASS}(?:-{_IN_CLASS})?|{_CATEGORY})(?:{_IN_CLASS}(?:-{_IN_CLASS})?|{_CATEGORY})*-?\]"
_ATOM = re.compile(rf"(?P<dot>\.)|{_CLASS}|{_CATEGORY}|{_ESCAPE}|{_ANCHOR}|(?P<normal>{_NORMAL})")
_QUANTIFIER = re.compile(r"[*+?]|\{\d{1,4}(?:,(?:\d{1,4})?)?\}", re.ASCII)


@lru_cache(maxsize=256)
def translated(pattern: str) -> "re2._Regexp | None":
    """What is searched for; None when `pattern` is no I-Regexp or too large a one, which then matches nothing."""
    text = _translate(pattern)
    try:
        return None if text is None else compiled(text)
    except ValueError:
        return None


def matches(pattern: str, text: str, *, whole: bool) -> bool:
    """Whether the whole text or a part of it matches."""
    expression = translated(pattern)
    if expression is None:
        return False
    data = text.encode(errors="replace")
    return (expression.fullmatch(data) if whole else expression.search(data)) is not None


def _translate(pattern: str) -> str | None:
    if len(pattern) > MAX_CHARS:
        return None
    parts: list[str] = []
    depth = at = 0
    is_atom = False
    """Something that can be repeated stands before."""
    while at < len(pattern):
        char = pattern[at]
        if char in "(|)":
            depth += (char == "(") - (char == ")")
            if depth < 0:
                return None
            parts.append("(?:" if char == "(" else char)
            is_atom = char == ")"
            at += 1
            continue
        if match := _QUANTIFIER.match(pattern, at):
            if not is_atom:
                return None
            parts.append(match[0])
            is_atom = False
        elif match := _ATOM.match(pattern, at):
            parts.append(_atom(match))
            is_atom = True
        else:
            return None
        at = match.end()
    return None if depth else "".join(parts)


def _atom(match: re.Match[str]) -> str:
    if match.lastgroup == "dot":
        return r"[^\n\r]"
    return str(re2.escape(match[0])) if match.lastgroup == "normal" else match[0]
