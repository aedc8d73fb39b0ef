"""How often somebody may ask: token buckets for each client address, in a table of bounded size."""

import ipaddress
from collections import OrderedDict

MAX_ADDRESSES = 10_000
"""Buckets that are kept. Past it the one unused for longest goes, which by then is full again, or nearly."""


class Buckets:
    """A bucket for each key: `burst` tokens, refilled at `per_s`. Times are monotonic seconds."""

    def __init__(self, *, max_keys: int = MAX_ADDRESSES) -> None:
        self._max_keys = max_keys
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many keys have a bucket."""
        return len(self._left)

    def take(self, key: str, *, per_s: float, burst: float, now: float) -> float:
        """Take one token. 0 when there was one, else how many seconds until there is."""
        tokens = self._tokens(key, per_s=per_s, burst=burst, now=now)
        if tokens < 1:
            self._put(key, tokens, now)
            return (1 - tokens) / per_s
        self._put(key, tokens - 1, now)
        return 0.0

    def wait(self, key: str, *, per_s: float, burst: float, now: float) -> float:
        """The same answer without taking anything."""
        tokens = self._tokens(key, per_s=per_s, burst=burst, now=now)
        return 0.0 if tokens >= 1 else (1 - tokens) / per_s

    def _tokens(self, key: str, *, per_s: float, burst: float, now: float) -> float:
        left, at = self._left.get(key, (burst, now))
        return min(burst, left + (now - at) * per_s)

    def _put(self, key: str, tokens: float, now: float) -> None:
        self._left[key] = (tokens, now)
        self._left.move_to_end(key)
        if len(self._left) > self._max_keys:
            self._left.popitem(last=False)


def bucket_key(address: str) -> str:
    """What one client is: an IPv4 address, or the /64 that an IPv6 host picks its addresses from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
