"""JSON paths (RFC 9535): parsed by a library, evaluated here, because its evaluator has no bound.

`$..[?…]` on a document made for it would run for hours. Each value that is looked at takes a step from a budget,
nothing recurses as deep as the document, and no location is kept, for nobody asks for one.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from jsonpath_rfc9535 import JSONPathEnvironment
from jsonpath_rfc9535.exceptions import JSONPathError
from jsonpath_rfc9535.filter_expressions import (
    ComparisonExpression,
    Expression,
    FilterExpression,
    FilterExpressionLiteral,
    FilterQuery,
    FunctionExtension,
    LogicalExpression,
    PrefixExpression,
    RelativeFilterQuery,
    StringLiteral,
)
from jsonpath_rfc9535.query import JSONPathQuery
from jsonpath_rfc9535.segments import JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath_rfc9535.selectors import FilterSelector, IndexSelector, NameSelector, SliceSelector

from asura.assertions import iregexp
from asura.assertions.budget import MATCHING_PER_STEP, Budget
from asura.assertions.values import NOTHING, equal, less

MAX_CHARS = 1024
MAX_DEPTH = 20
"""Filters within filters, parentheses and negations; the parser and the evaluator recurse for each."""
MAX_PARENTHESES = 100
"""They leave no trace in what the parser makes of a path, but it recurses for each. So what was accepted once, it never
refuses later because more callers stand above it."""
COMPILING_STEPS_PER_CHAR = 10
"""A pattern may come from the document, another for each value: its compilation is work, too."""

_ENVIRONMENT = JSONPathEnvironment()


@lru_cache(maxsize=1024)
def compiled(path: str) -> JSONPathQuery:
    """Raises ValueError: why `path` can't be used, as "must …"."""
    if len(path) > MAX_CHARS:
        raise ValueError(f"must be at most {MAX_CHARS} characters, not {len(path)}")
    if path.count("(") > MAX_PARENTHESES:
        raise ValueError(f"must not have more than {MAX_PARENTHESES} parentheses")
    try:
        query = _ENVIRONMENT.compile(path)
        is_deep = any(depth > MAX_DEPTH for depth, _ in _parts(query))
    except JSONPathError as exc:
        raise ValueError(f"must be a JSON path such as $.status: {_reason(exc, path)}") from None
    except OverflowError:
        raise ValueError("must be a JSON path with numbers of a usual size") from None
    except RecursionError:
        is_deep = True
    if is_deep:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    return query


def check(path: str) -> None:
    """As `compiled`, and refuse what the standard would let silently match nothing: a pattern that is none."""
    for _, part in _parts(compiled(path)):
        if isinstance(part, FunctionExtension) and part.name in ("match", "search"):
            pattern = part.args[1]
            if isinstance(pattern, StringLiteral) and iregexp.translated(pattern.value) is None:
                raise ValueError(f"must have an I-Regexp (RFC 9485) as the second argument of {part.name}()")


def is_simple(path: str) -> bool:
    """It leads straight to one value, so it costs next to nothing."""
    return compiled(path).singular_query()


def select(path: str, document: Any, budget: Budget) -> list[Any]:
    """The values that `path` leads to, in the standard's order.

    Raises TooMuchWorkError: the budget is used up. RecursionError: the document is nested too deeply.
    """
    return _Walk(document, budget).nodes(compiled(path), document)


class _Walk:
    """The evaluation of one query on one document."""

    __slots__ = ("_budget", "_root")

    def __init__(self, root: Any, budget: Budget) -> None:
        self._root = root
        self._budget = budget

    def nodes(self, query: JSONPathQuery, start: Any) -> list[Any]:
        """What a query selects from `start`."""
        found = [start]
        for segment in query.segments:
            found = [each for node in found for each in self._step(segment, node)]
        return found

    def _step(self, segment: JSONPathSegment, node: Any) -> Iterator[Any]:
        if not isinstance(segment, JSONPathRecursiveDescentSegment):
            yield from self._selected(segment.selectors, node)
            return
        stack = [node]
        while stack:
            self._budget.spend()
            here = stack.pop()
            yield from self._selected(segment.selectors, here)
            below = [each for each in _children(here) if isinstance(each, dict | list)]
            self._budget.spend(len(here) // 8 if isinstance(here, dict | list) else 0)
            stack.extend(reversed(below))

    def _selected(self, selectors: Sequence[Any], node: Any) -> Iterator[Any]:
        self._budget.spend(len(selectors) // 4)  # a path may name hundreds of members that aren't there
        for selector in selectors:
            for each in self._candidates(selector, node):
                self._budget.spend()
                if not isinstance(selector, FilterSelector) or self._truth(selector.expression, each):
                    yield each

    def _candidates(self, selector: Any, node: Any) -> Iterator[Any]:
        match selector:
            case NameSelector():
                if isinstance(node, dict) and selector.name in node:
                    yield node[selector.name]
            case IndexSelector():
                if isinstance(node, list) and -len(node) <= selector.index < len(node):
                    yield node[selector.index]
            case SliceSelector():
                if isinstance(node, list) and selector.slice.step != 0:
                    yield from (node[index] for index in range(*selector.slice.indices(len(node))))
            case _:  # a wildcard, or a filter
                yield from _children(node)

    def _truth(self, expression: Expression, current: Any) -> bool:
        """What a logical expression comes to (RFC 9535 §2.3.5)."""
        self._budget.spend()
        match expression:
            case FilterExpression():
                return self._truth(expression.expression, current)
            case PrefixExpression():
                return not self._truth(expression.right, current)
            case LogicalExpression(operator="&&"):
                return self._truth(expression.left, current) and self._truth(expression.right, current)
            case LogicalExpression():
                return self._truth(expression.left, current) or self._truth(expression.right, current)
            case ComparisonExpression():
                left, right = self._value(expression.left, current), self._value(expression.right, current)
                return self._compared(left, expression.operator, right)
            case FilterQuery():
                return bool(self._query(expression, current))
            case FunctionExtension():
                return self._called(expression, current) is True
        raise TypeError(f"no logical expression: {expression}")

    def _compared(self, left: Any, operator: str, right: Any) -> bool:
        match operator:
            case "==":
                return equal(left, right, self._budget)
            case "!=":
                return not equal(left, right, self._budget)
            case "<":
                return less(left, right, self._budget)
            case ">":
                return less(right, left, self._budget)
            case "<=":
                return less(left, right, self._budget) or equal(left, right, self._budget)
        return less(right, left, self._budget) or equal(left, right, self._budget)

    def _value(self, expression: Expression, current: Any) -> Any:
        """A single value, or NOTHING."""
        match expression:
            case FilterExpressionLiteral():
                return expression.value
            case FilterQuery():
                found = self._query(expression, current)
                return found[0] if len(found) == 1 else NOTHING
            case FunctionExtension():
                return self._called(expression, current)
        raise TypeError(f"no value: {expression}")

    def _query(self, expression: FilterQuery, current: Any) -> list[Any]:
        return self.nodes(expression.query, current if isinstance(expression, RelativeFilterQuery) else self._root)

    def _called(self, call: FunctionExtension, current: Any) -> Any:
        self._budget.spend()
        if call.name in ("count", "value"):
            query = call.args[0]
            found = self._query(query, current) if isinstance(query, FilterQuery) else []
            if call.name == "count":
                return len(found)
            return found[0] if len(found) == 1 else NOTHING
        values = [self._value(each, current) for each in call.args]
        if call.name == "length":
            return len(values[0]) if isinstance(values[0], str | list | dict) else NOTHING
        text, pattern = values
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        if not isinstance(call.args[1], StringLiteral):
            self._budget.spend(min(len(pattern), iregexp.MAX_CHARS) * COMPILING_STEPS_PER_CHAR)
        expression = iregexp.translated(pattern)
        if expression is None:
            return False
        self._budget.spend(expression.programsize * len(text) // MATCHING_PER_STEP)
        return iregexp.matches(pattern, text, whole=call.name == "match")


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _parts(query: JSONPathQuery) -> Iterator[tuple[int, Expression]]:
    """Every expression in a query's filters, with how deep it stands."""
    stack: list[tuple[int, Any]] = [(0, query)]
    while stack:
        depth, part = stack.pop()
        match part:
            case JSONPathQuery():
                selectors = [each for segment in part.segments for each in segment.selectors]
                below: list[Any] = [each.expression for each in selectors if isinstance(each, FilterSelector)]
            case FilterExpression():
                below = [part.expression]
            case PrefixExpression():
                below = [part.right]
            case LogicalExpression() | ComparisonExpression():
                below = [part.left, part.right]
            case FilterQuery():
                below = [part.query]
            case FunctionExtension():
                below = list(part.args)
            case _:
                below = []
        if isinstance(part, Expression):
            yield depth, part
        stack.extend((depth + 1, each) for each in below)


def _reason(exc: JSONPathError, path: str) -> str:
    """The library's words and the place, counted as a person would."""
    words = str(exc.args[0]) if exc.args else "it can't be read"
    return words if exc.token is None else f"{words}, at character {min(exc.token.index, len(path)) + 1}"
