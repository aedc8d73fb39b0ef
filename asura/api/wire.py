"""What documents are made of on the wire: instants, and the small types that JSON Schema knows by a name."""

from typing import NewType

from asura.units import iso

Instant = NewType("Instant", str)
"""RFC 3339 in UTC with milliseconds."""
Millis = NewType("Millis", int)
"""An instant that a query gives, as milliseconds since 1970 UTC."""

EARLIEST_MS = -62_135_596_800_000
LATEST_MS = 253_402_300_799_999
"""The instants that RFC 3339 can write."""


def instant(ms: int) -> Instant:
    """An instant as text; one outside the years 1 to 9999 is moved to the nearest that can be written."""
    if not EARLIEST_MS <= ms <= LATEST_MS:
        ms = min(max(ms, EARLIEST_MS), LATEST_MS)
    return Instant(iso(ms))


def maybe_instant(ms: int | None) -> Instant | None:
    """The same for what may not have happened yet."""
    return None if ms is None else instant(ms)
