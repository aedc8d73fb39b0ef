"""What was found last of each monitor's content and is stored: while a body is the same, nothing else need be done.

Only a memory of what stands in the database; lost with the process, and then filled again check by check.
"""

from asura.model.content import Content

MAX_KNOWN = 50_000
"""Monitors and regions: more than there can sensibly be, and those that are gone leave in the end. Some 10 MB."""


class Known:
    """By monitor, region and configuration: an edit makes what is known worthless."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], tuple[int, bytes, bytes]] = {}

    def put(self, monitor_id: int, region: str, *, config_version: int, content: Content) -> None:
        """Remember what is stored now; from the trio thread only."""
        key = (monitor_id, region)
        self._found.pop(key, None)
        self._found[key] = (config_version, content.raw_hash, content.hash)
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
