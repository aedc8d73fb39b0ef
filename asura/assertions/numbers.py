"""Texts that are numbers: many services write their numbers as text, and forms give nothing else."""

import re
from typing import Any

from asura.assertions.values import is_number

MAX_CHARS = 64
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def number_in(value: Any) -> int | float | None:
    """The number that `value` is, or that its text reads as; None when it is neither."""
    if is_number(value):
        return value  # type: ignore[no-any-return]
    if not isinstance(value, str):
        return None
    text = value.strip()
    if len(text) > MAX_CHARS or _NUMBER.fullmatch(text) is None:
        return None
    return int(text) if text.lstrip("+-").isdecimal() else float(text)
