"""Limits of what an HTTP request may carry and what may be expected of its answer, as attrs validators."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

import attrs

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Read back masked; besides `auth` the usual places of credentials."""
OWN_HEADERS = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
"""They frame the message, which is this program's business."""
MAX_HEADERS = 50

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", re.IGNORECASE | re.ASCII)


@attrs.frozen
class HeaderLines:
    """Names that are tokens (RFC 9110 §5.1) and values of one line: no header smuggles in another."""

    def __call__(self, _: object, __: object, value: Mapping[str, str]) -> None:
        """Raise ValueError for lines that would break the message."""
        if len(value) > MAX_HEADERS:
            raise ValueError(f"must have at most {MAX_HEADERS} entries, not {len(value)}")
        if len({name.lower() for name in value}) < len(value):
            raise ValueError("must not have the same header twice; capital letters make no difference")
        for name, line in value.items():
            if len(name) > 256 or not _TOKEN.fullmatch(name):
                raise ValueError(f"must have header names of letters, digits and hyphens, not {name[:40]!r}")
            if name.lower() in OWN_HEADERS:
                raise ValueError(f"must not set {name}: Asura sets it itself")
            if len(line) > 8192:
                raise ValueError(f"must have values of at most 8192 characters, unlike that of {name}")
            if any((c < " " and c != "\t") or c == "\x7f" or c > "\xff" for c in line):
                raise ValueError(f"must not have line breaks, control or non-Latin characters in the value of {name}")


@attrs.frozen
class StatusList:
    """Codes (200), classes ("2xx") and ranges ("200-299")."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"minItems": 1, "maxItems": 50}

    def __call__(self, _: object, __: object, value: tuple[int | str, ...]) -> None:
        """Raise ValueError for an entry that stands for no code."""
        if not 1 <= len(value) <= 50:
            raise ValueError("must have between 1 and 50 entries")
        for entry in value:
            status_codes(entry)


class HasMethod(Protocol):
    """Settings with a method."""

    method: str


@attrs.frozen
class InSomeBody:
    """Nothing can be found in an answer to HEAD, which has no body."""

    def __call__(self, instance: HasMethod, _: object, value: str) -> None:
        """Raise ValueError for a text that would be looked for in vain."""
        if value and instance.method == "HEAD":
            raise ValueError("must be empty with the method HEAD, whose answers have no body")


def status_codes(entry: int | str) -> range:
    """The codes that one entry of `expected_status` stands for.

    Raises ValueError: "must …".
    """
    match = _STATUS.fullmatch(str(entry))
    if match is None:
        raise ValueError('must have codes (200), classes ("2xx") or ranges ("200-204") from 100 to 599')
    if match[1]:
        return range(int(match[1]) * 100, int(match[1]) * 100 + 100)
    codes = range(int(match[2]), int(match[3] or match[2]) + 1)
    if not codes:
        raise ValueError(f"must have ranges from low to high, not {entry}")
    return codes
