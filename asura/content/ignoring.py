"""What of a content is not to be compared: the fields that ask for it, and how it is taken out.

The user writes the patterns and paths, the target the text that they are applied to. So regular expressions are
RE2's, whose time is linear, and are applied line by line; paths are RFC 9535 without what could look through the
whole document again for each of its members, and draw on a budget.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs
import jsonpath_rfc9535 as jsonpath
import re2
from jsonpath_rfc9535.filter_expressions import Expression, FilterQuery, FunctionExtension
from jsonpath_rfc9535.node import JSONPathNode
from jsonpath_rfc9535.selectors import FilterSelector

from asura.assertions import regex
from asura.fields import items, text

GROUP = "Changes"
"""Of the fields: forms show them where changes are tracked."""
MAX_ENTRIES = 20
MAX_ENTRY_CHARS = 500
MAX_MATCHING = 1_000_000_000
"""Instructions of all expressions times characters that they are applied to, ten seconds where RE2 is at its slowest;
mostly it is a hundred times faster. Finding every match is quadratic in a line's length for some expressions. Counted,
not timed, so that the same text is always cut alike: the lines behind that are compared as they are."""
MAX_MATCHES = 20_000
"""In a whole text, some tenths of a second; what would match behind them is compared."""
MAX_NODES = 200_000
"""Members of a document that all paths together may look at: some tenths of a second."""

_OPTIONS = re2.Options()
_OPTIONS.never_capture = True  # nothing is made of groups, and two expressions may name theirs alike
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 2**20


@attrs.frozen
class _Expressions:
    """Regular expressions that compile, alone and side by side."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return items(MAX_ENTRIES, each=text(MAX_ENTRY_CHARS, at_least=1)).schema

    def __call__(self, instance: object, attribute: object, value: Sequence[str]) -> None:
        items(MAX_ENTRIES, each=text(MAX_ENTRY_CHARS, at_least=1))(instance, attribute, value)
        for entry in value:
            try:
                found = regex.compiled(entry)
            except ValueError as exc:
                raise ValueError(f"each entry {exc}, unlike {entry!r}") from None
            if found.fullmatch(b"") is not None:
                raise ValueError(f"must not have {entry!r}, which matches an empty text, too")
        try:
            _joined(tuple(value))
        except re2.error:
            raise ValueError("must have fewer or simpler expressions, and close each \\Q with \\E") from None


@attrs.frozen
class _Paths:
    """Paths that can be applied to any document at a cost that doesn't explode."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return items(MAX_ENTRIES, each=text(MAX_ENTRY_CHARS, at_least=1)).schema

    def __call__(self, instance: object, attribute: object, value: Sequence[str]) -> None:
        items(MAX_ENTRIES, each=text(MAX_ENTRY_CHARS, at_least=1))(instance, attribute, value)
        for entry in value:
            try:
                query = jsonpath.compile(entry)
            except jsonpath.JSONPathError as exc:
                reason = str(exc).partition(", line")[0]
                raise ValueError(f"must have JSON paths (RFC 9535): {reason} in {entry!r}") from None
            except (RecursionError, OverflowError):  # a number such as 1e99999, too
                raise ValueError(f"must have simpler paths than {entry!r}") from None
            if not query.segments:
                raise ValueError("must not have $ alone, which is the whole document")
            if not _is_cheap(query):
                raise ValueError(f"must have filters of comparisons and plain paths only, unlike {entry!r}")


def patterns_field() -> Any:
    """A settings field `ignore_patterns: tuple[str, ...]`, for a type that tracks changes."""
    return attrs.field(
        default=(),
        validator=_Expressions(),
        metadata={
            "group": GROUP,
            "label": "Ignore patterns",
            "help": (
                "For change detection: what matches one of these regular expressions (RE2) within a line, as diffs "
                "show it, is not compared."
            ),
            "placeholder": r"\d\d:\d\d:\d\d",
        },
    )


def paths_field() -> Any:
    """A settings field `ignore_paths: tuple[str, ...]`, for a type whose content may be JSON."""
    return attrs.field(
        default=(),
        validator=_Paths(),
        metadata={
            "group": GROUP,
            "label": "Ignore JSON paths",
            "help": "For change detection: what these JSON paths (RFC 9535) find in a JSON body is not compared.",
            "placeholder": "$.meta.generated_at",
        },
    )


def without_matches(lines: Iterable[str], patterns: tuple[str, ...]) -> Iterable[str]:
    """The lines without what matches any of the patterns; a line of which nothing is left goes whole."""
    if not patterns:
        yield from lines
        return
    expression, left, work = _joined(patterns), MAX_MATCHES, MAX_MATCHING
    for line in lines:
        search = expression.programsize * len(line)
        most = min(left, work // search - 1) if line else 0
        if most <= 0:
            yield line
            continue
        found, matches = expression.subn(_nothing, line, most)
        left -= matches
        work -= (matches + 1) * search  # each search may look at the whole line, and the last finds nothing
        if not matches:
            yield line
        elif found.strip():
            yield found.rstrip()


def without_paths(document: Any, paths: tuple[str, ...]) -> None:
    """Take what the paths find out of a JSON document, in place."""
    budget = _Budget()
    for query in _queries(paths):
        found: list[tuple[int | str, ...]] = []
        try:
            nodes: Iterable[JSONPathNode] = [_Node(document, (), None, document, budget)]
            for segment in query.segments:
                nodes = segment.resolve(nodes)
            found.extend(node.location for node in nodes)
        except (_SpentError, jsonpath.JSONPathError):
            pass  # too large or too deep for it: what was found until then is taken out, the same each time
        # Backwards, so that taking out an element doesn't move those that are still to go.
        for location in sorted(set(found), key=_order, reverse=True):
            _take_out(document, location)


@lru_cache(maxsize=64)  # with their automata at most 64 MiB
def _joined(patterns: tuple[str, ...]) -> Any:
    return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), _OPTIONS)


@lru_cache(maxsize=256)
def _queries(paths: tuple[str, ...]) -> tuple[jsonpath.JSONPathQuery, ...]:
    return tuple(jsonpath.compile(path) for path in paths)


def _nothing(_: object) -> str:
    return ""


def _is_cheap(query: jsonpath.JSONPathQuery) -> bool:
    return all(
        _costs_little(selector.expression.expression)
        for segment in query.segments
        for selector in segment.selectors
        if isinstance(selector, FilterSelector)
    )


def _costs_little(expression: Expression) -> bool:
    """Whether a filter looks at no more than single values: its functions may backtrack, its queries may search."""
    if isinstance(expression, FunctionExtension):
        return False
    if isinstance(expression, FilterQuery):
        return expression.query.singular_query()
    below = (getattr(expression, name, None) for name in ("left", "right", "expression"))
    return all(_costs_little(each) for each in below if isinstance(each, Expression))


class _SpentError(Exception):
    """The document has more members than are looked at."""


@attrs.define
class _Budget:
    """How many members may still be looked at."""

    left: int = attrs.field(factory=lambda: MAX_NODES)


class _Node(JSONPathNode):
    """A node that pays for itself, and for its members, which a filter may look at without making nodes of them."""

    __slots__ = ("_budget",)

    def __init__(self, value: object, location: tuple[int | str, ...], parent: Any, root: Any, budget: _Budget) -> None:
        super().__init__(value=value, location=location, parent=parent, root=root)
        self._budget = budget
        budget.left -= 1 + (len(value) if isinstance(value, dict | list) else 0)
        if budget.left < 0:
            raise _SpentError

    def new_child(self, value: object, key: int | str, parent: JSONPathNode | None) -> "_Node":
        """See JSONPathNode: how every selector makes its nodes."""
        return _Node(value, (*self.location, key), parent, self.root, self._budget)


def _order(location: tuple[int | str, ...]) -> tuple[tuple[bool, int, str], ...]:
    return tuple((isinstance(key, str), key if isinstance(key, int) else 0, str(key)) for key in location)


def _take_out(document: Any, location: tuple[int | str, ...]) -> None:
    """Remove one member; what stood in a part that is gone already is gone with it."""
    parent = document
    try:
        for key in location[:-1]:
            parent = parent[key]
        del parent[location[-1]]
    except (KeyError, IndexError):
        pass
