"""How many connections may be open, in all and from one address; who goes when there is no room."""

import math
from collections import Counter, defaultdict
from ipaddress import IPv6Address, ip_address

import trio

from asura import log, metrics
from asura.web import edge, forwarded
from asura.web.connection import Connection
from asura.web.options import ListenOptions

MAX_WAITING = 500
"""Connections that may wait for others of their address to end: each costs a descriptor and a task, no more."""
WARN_EVERY_S = 60
"""Between two warnings of one kind: a flood of connections must not become a flood of lines."""

_log = log.get("asura.web")
_open = metrics.gauge("asura_http_connections", "Connections open now.")
_refused = metrics.counter("asura_http_connections_refused_total", "Connections closed on arrival.", ("reason",))


class Admission:
    """The connections that are open. For one listener."""

    def __init__(self, options: ListenOptions) -> None:
        self._options = options
        self._connections: dict[Connection, str] = {}
        self._by_neighbour: Counter[str] = Counter()
        self._left: dict[str, trio.lowlevel.ParkingLot] = defaultdict(trio.lowlevel.ParkingLot)
        self._waiting = 0
        self._warned_at_s: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._connections)

    async def objection(self, address: str) -> edge.Refusal | None:
        """Why a connection from `address` can't be taken, or None.

        In a crowd of one address it waits for another to end: at minute zero the jobs of a whole network come from
        behind one address, each for some milliseconds. With no room left in all, the connection that has been idle
        longest is told to go and the new one is taken: the count then stands above the limit only until that task
        next runs.
        """
        is_proxy = forwarded.is_trusted(address, self._options.trusted_proxies)
        if not is_proxy and not await self._has_left_room(_neighbour(address)):
            self._tell("address", address=address, limit=self._options.max_connections_per_address)
            return edge.TOO_MANY_CONNECTIONS
        if len(self._connections) >= self._options.max_connections and not self._make_room():
            self._tell("all", limit=self._options.max_connections)
            return edge.OVERLOADED
        return None

    def add(self, connection: Connection) -> None:
        """Count `connection`; whoever adds it removes it."""
        neighbour = _neighbour(connection.client[0])
        self._connections[connection] = neighbour
        self._by_neighbour[neighbour] += 1
        _open.inc()

    def remove(self, connection: Connection) -> None:
        """Count it no longer."""
        neighbour = self._connections.pop(connection)
        self._by_neighbour[neighbour] -= 1
        if not self._by_neighbour[neighbour]:
            del self._by_neighbour[neighbour]
        if neighbour in self._left:
            self._left[neighbour].unpark()
        _open.inc(-1)

    def stop(self) -> None:
        """Tell every connection to take no further request."""
        for connection in self._connections:
            connection.stop()

    async def _has_left_room(self, neighbour: str) -> bool:
        """Whether one more of its connections may be open, now or soon."""
        limit = self._options.max_connections_per_address
        if self._by_neighbour[neighbour] < limit:
            return True
        if self._waiting >= MAX_WAITING:
            return False
        self._waiting += 1
        try:
            with trio.move_on_after(self._options.crowd_wait_s):
                while self._by_neighbour[neighbour] >= limit:
                    await self._left[neighbour].park()
        finally:
            self._waiting -= 1
            if not self._left[neighbour]:
                del self._left[neighbour]
        return self._by_neighbour[neighbour] < limit

    def _tell(self, reason: str, **fields: object) -> None:
        _refused.inc(reason=reason)
        now_s = trio.current_time()
        if now_s - self._warned_at_s.get(reason, -math.inf) >= WARN_EVERY_S:
            self._warned_at_s[reason] = now_s
            _log.warning("connections refused", reason=reason, **fields)

    def _make_room(self) -> bool:
        idle = [c for c in self._connections if c.idle_since_s is not None and not c.is_stopping]
        if not idle:
            return False
        min(idle, key=lambda connection: connection.idle_since_s or 0.0).stop()
        return True


def _neighbour(address: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 that an IPv6 customer has to itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else address
