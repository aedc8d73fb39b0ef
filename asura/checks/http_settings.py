"""The settings of an HTTP check: what may be asked for, and what counts as an answer."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import attrs
from attrs.validators import and_

from asura.fields import between, one_of, pattern, text

IP_VERSIONS = ("auto", "4", "6")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Read back masked; besides `auth` the usual places of credentials."""
OWN_HEADERS = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
"""They frame the message, which is this program's business."""
MAX_BODY_BYTES = 16 * 2**20
MAX_HEADERS = 50

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", re.IGNORECASE | re.ASCII)


@attrs.frozen
class _HeaderLines:
    """Names that are tokens (RFC 9110 §5.1) and values of one line: no header smuggles in another."""

    def __call__(self, _: object, __: object, value: Mapping[str, str]) -> None:
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
class _StatusList:
    """Codes (200), classes ("2xx") and ranges ("200-299")."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"minItems": 1, "maxItems": 50}

    def __call__(self, _: object, __: object, value: tuple[int | str, ...]) -> None:
        if not 1 <= len(value) <= 50:
            raise ValueError("must have between 1 and 50 entries")
        for entry in value:
            status_codes(entry)


@attrs.frozen
class _InSomeBody:
    """Nothing can be found in an answer to HEAD, which has no body."""

    def __call__(self, instance: "HttpSettings", _: object, value: str) -> None:
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


@attrs.frozen(kw_only=True)
class BasicAuth:
    """A user name and a password (RFC 7617)."""

    username: str = attrs.field(
        validator=and_(text(256, at_least=1), pattern(r"[^:\x00-\x1f\x7f]*", "free of colons and control characters")),
        metadata={"label": "User name"},
    )
    password: str = attrs.field(
        default="",
        repr=False,
        validator=and_(text(1024), pattern(r"[^\x00-\x1f\x7f]*", "free of line breaks and control characters")),
        metadata={"label": "Password", "secret": True},
    )
    type: Literal["basic"] = "basic"


@attrs.frozen(kw_only=True)
class BearerAuth:
    """A token (RFC 6750)."""

    token: str = attrs.field(
        repr=False,
        validator=and_(text(4096, at_least=1), pattern(r"[!-~]*", "printable ASCII without spaces")),
        metadata={"label": "Token", "secret": True},
    )
    type: Literal["bearer"] = "bearer"


@attrs.frozen(kw_only=True)
class HttpSettings:
    """What an HTTP check sends, and what it takes for up."""

    method: str = attrs.field(
        default="GET",
        validator=one_of(METHODS),
        metadata={
            "label": "Method",
            "help": "HEAD is enough where nothing is looked for in the body.",
            "choices": METHODS,
        },
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        repr=False,
        validator=_HeaderLines(),
        metadata={
            "label": "Headers",
            "help": "Sent with each request. After a redirect to another origin only harmless ones are kept.",
            "secret_keys": SECRET_HEADERS,
        },
    )
    body: str = attrs.field(
        default="",
        repr=False,
        validator=text(65_536),
        metadata={
            "label": "Body",
            "help": "Sent as UTF-8 text; set Content-Type among the headers for anything but plain text.",
            "multiline": True,
        },
    )
    auth: BasicAuth | BearerAuth | None = attrs.field(
        default=None,
        metadata={
            "label": "Authentication",
            "help": "Sent to the target's own origin only, in place of any Authorization among the headers.",
        },
    )
    expected_status: tuple[int | str, ...] = attrs.field(
        default=("2xx", "3xx"),
        validator=_StatusList(),
        metadata={
            "label": "Expected status",
            "help": "Codes (200), classes (2xx) and ranges (200-204).",
        },
    )
    follow_redirects: bool = attrs.field(
        default=True, metadata={"label": "Follow redirects", "help": "Judge the answer at the end, not the redirect."}
    )
    max_redirects: int = attrs.field(
        default=5,
        validator=between(1, 20),
        metadata={"label": "Redirect limit", "help": "More than this many in a row count as down."},
    )
    verify_tls: bool = attrs.field(
        default=True,
        metadata={"label": "Verify certificate", "help": "Untrusted, expired and wrong certificates count as down."},
    )
    ip_version: str = attrs.field(
        default="auto",
        validator=one_of(IP_VERSIONS),
        metadata={
            "label": "IP version",
            "help": "auto takes the first address that answers.",
            "choices": IP_VERSIONS,
        },
    )
    max_body_bytes: int = attrs.field(
        default=2**20,
        validator=between(1, MAX_BODY_BYTES, unit="bytes"),
        metadata={
            "label": "Body limit",
            "help": "The body is read up to here, counted after decompression; the rest is left.",
            "unit": "bytes",
        },
    )
    keyword: str = attrs.field(
        default="",
        validator=and_(text(1024), _InSomeBody()),
        metadata={"label": "Keyword", "help": "A text that the body must contain, capital letters and all."},
    )
