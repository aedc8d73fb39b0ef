"""Comparing JSON values as RFC 9535 §2.3.5.2.2 has it: numbers as numbers, deep values by content, true is not 1."""

from typing import Any, Final

from asura.assertions.budget import Budget

CHARS_PER_STEP = 1024


class _Nothing:
    """The absence of a value."""


NOTHING: Final = _Nothing()


def is_number(value: Any) -> bool:
    """A JSON number, which a Python bool is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any, budget: Budget) -> bool:
    """Whether two values are the same. Raises TooMuchWorkError."""
    pairs = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        budget.spend(1 + (len(one) // CHARS_PER_STEP if isinstance(one, str) else 0))
        if isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            budget.spend(len(one) // 8)
            pairs.extend(zip(one, other, strict=True))
        elif isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            budget.spend(len(one) // 8)
            pairs.extend((each, other[name]) for name, each in one.items())
        elif not _same(one, other):
            return False
    return True


def _same(one: Any, other: Any) -> bool:
    if is_number(one) and is_number(other):
        return bool(one == other)
    return type(one) is type(other) and not isinstance(one, dict | list) and bool(one == other)


def less(left: Any, right: Any, budget: Budget) -> bool:
    """Whether one is smaller: only two numbers or two texts can be. Raises TooMuchWorkError."""
    if isinstance(left, str) and isinstance(right, str):
        budget.spend(1 + min(len(left), len(right)) // CHARS_PER_STEP)
        return left < right
    return is_number(left) and is_number(right) and bool(left < right)
