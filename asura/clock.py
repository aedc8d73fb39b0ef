"""Time, as two readings that must never be mixed.

The wall clock dates what people read; the monotonic clock measures. Rules take `now_ms` as a value and never
look at a clock themselves.
"""

import time
from typing import Protocol

import trio


class Clock(Protocol):
    """Where the daemon reads the wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000


class TrioClock:
    """A wall clock that follows trio's own, so that a mock clock moves both."""

    def __init__(self, start_ms: int = 1_774_746_000_000) -> None:
        self._start_ms = start_ms
        self._zero_s = trio.current_time()

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC: the start, plus what trio's clock has moved since."""
        return self._start_ms + round((trio.current_time() - self._zero_s) * 1000)
