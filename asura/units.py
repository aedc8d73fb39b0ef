"""Durations, sizes and instants as people write them, and as the contract writes them.

Parsing is strict and takes ASCII digits only: `int()` alone would also accept `1_000` and `٣`.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MAX_DURATION_S = 366 * 86_400 * 100
MAX_SIZE_BYTES = 1 << 50

_DURATION = re.compile(r"([0-9]{1,12})(s|m|h|d)?", re.ASCII)
_DURATION_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SIZE = re.compile(r"([0-9]{1,16}) ?(B|[KMGT]iB|[kKMGT]B)?", re.ASCII)
_SIZE_BYTES = {
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_duration(value: str | int) -> int:
    """Whole seconds from `30s`, `5m`, `24h`, `90d`, or from whole seconds. Raises ValueError."""
    wanted = "must be a duration such as 30s, 5m, 24h or 90d, or whole seconds"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(wanted)
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError(wanted)
        value = int(match[1]) * _DURATION_S[match[2] or "s"]
    if not 0 <= value <= MAX_DURATION_S:
        raise ValueError(wanted)
    return value


def format_duration(seconds: int) -> str:
    """The shortest spelling that `parse_duration` reads back: 3600 is `1h`, 90 is `90s`."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _DURATION_S[unit] == 0:
            return f"{seconds // _DURATION_S[unit]}{unit}"
    return f"{seconds}s"


def parse_size(value: str | int) -> int:
    """Bytes from `64MiB`, `10MB` or a number of bytes. Raises ValueError."""
    wanted = "must be a size such as 512KiB or 64MiB, or a number of bytes"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(wanted)
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(wanted)
        value = int(match[1]) * _SIZE_BYTES[match[2] or "B"]
    if not 0 <= value <= MAX_SIZE_BYTES:
        raise ValueError(wanted)
    return value


def format_size(size_bytes: int) -> str:
    """The shortest spelling that `parse_size` reads back: 1048576 is `1MiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size_bytes and size_bytes % _SIZE_BYTES[unit] == 0:
            return f"{size_bytes // _SIZE_BYTES[unit]}{unit}"
    return str(size_bytes)


def iso(ms: int) -> str:
    """An instant as the contract writes it: `2026-03-29T01:00:00.000Z`. Raises ValueError outside the years 1–9999."""
    minute, rest = divmod(ms, 60_000)
    return _minute(minute) + _SECONDS[rest // 1000] + _THOUSANDTHS[rest % 1000]


@lru_cache(maxsize=8192)
def _minute(minute: int) -> str:
    """`2026-03-29T01:00:`. Kept, because a list of checks asks for the same few minutes thousands of times."""
    try:
        return f"{_EPOCH + timedelta(minutes=minute):%Y-%m-%dT%H:%M:}".rjust(17, "0")
    except OverflowError as exc:
        raise ValueError("must be an instant between the years 1 and 9999") from exc


_SECONDS = tuple(f"{number:02d}" for number in range(60))
_THOUSANDTHS = tuple(f".{number:03d}Z" for number in range(1000))


def parse_iso(text: str) -> int:
    """Milliseconds since 1970 UTC from an RFC 3339 instant; an offset is required. Raises ValueError."""
    wanted = "must be an instant such as 2026-03-29T01:00:00Z"
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(wanted)
    date, time, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{'+00:00' if offset in 'Zz' else offset}")
    except ValueError:
        raise ValueError(wanted) from None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
