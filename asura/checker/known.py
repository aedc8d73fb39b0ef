"""What was found last of each monitor's content and is stored: while a body is the same, nothing else need be done.

Only a memory of what stands in the database, told by its commits in their order; lost with the process, and then
filled again check by check.
"""

from asura.live import Event, Subscription

MAX_KNOWN = 50_000
"""Monitors and regions: more than there can sensibly be, and those that are gone leave in the end. Some 20 MB."""
STORED = "content.stored"
"""The kind of event that tells what is stored now: `region`, `config_version`, `raw_hash`, `hash`."""


class Known(Subscription):
    """By monitor, region and configuration: an edit makes what is known worthless. Attach it to the hub."""

    def __init__(self) -> None:
        super().__init__(frozenset({STORED}))
        self._found: dict[tuple[int | None, str], tuple[int, bytes, bytes]] = {}

    def put(self, event: Event) -> None:
        """Remember what is stored now; from the trio thread only."""
        told = event.detail
        key = (event.id, told["region"])
        self._found.pop(key, None)
        self._found[key] = (told["config_version"], told["raw_hash"], told["hash"])
        if len(self._found) > MAX_KNOWN:
            del self._found[next(iter(self._found))]

    def is_raw(self, monitor_id: int, region: str, *, config_version: int, raw_hash: bytes) -> bool:
        """Whether a body of this hash is the one that is stored."""
        found = self._found.get((monitor_id, region))
        return found is not None and found[0] == config_version and found[1] == raw_hash

    def is_text(self, monitor_id: int, region: str, *, config_version: int, hash: bytes) -> bool:
        """Whether a text of this hash is the one that is stored."""
        found = self._found.get((monitor_id, region))
        return found is not None and found[0] == config_version and found[2] == hash
