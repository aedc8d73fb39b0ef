"""A mergeable sketch of response times: counts in buckets whose bounds grow by 10 %.

Sketches merge by adding counts, in any order, which SQL can do by itself; a percentile read from one is within 5 %
of the true one.
"""

import math
from collections.abc import Mapping

_GROWTH = math.log(1.1)
_TABLE_MS = 4096


def _bucket(value_ms: int) -> int:
    return math.ceil(math.log(value_ms) / _GROWTH - 1e-9) if value_ms > 1 else 0


_SMALL = tuple(_bucket(value_ms) for value_ms in range(_TABLE_MS))


def bucket(value_ms: int) -> int:
    """The bucket of a response time; what is at most a millisecond is in bucket 0."""
    return _SMALL[value_ms] if 0 <= value_ms < _TABLE_MS else _bucket(value_ms)


def percentile_ms(counts: Mapping[int, int], fraction: float) -> int | None:
    """The response time that `fraction` (0 to 1) of the results did not exceed; None where nothing is counted."""
    rank = max(1, math.ceil(fraction * sum(counts.values())))
    for number in sorted(counts):
        rank -= counts[number]
        if rank <= 0:
            return max(1, round(math.exp((number - 0.5) * _GROWTH))) if number else 1
    return None
