"""What each monitor's target said last, and how that changed."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from asura.content.normal import VERSION
from asura.ids import MonitorId
from asura.model.content import Content, ContentChange
from asura.store.database import Conn
from asura.store.rows import to_json

MAX_CHANGES = 200
"""Of one monitor, at most 3 MB: a page that shows the time would fill the disk otherwise."""

_CHANGE = "id, monitor_id, region, at, added, removed, is_cut, diff, is_told"


@attrs.frozen(kw_only=True)
class StoredContent:
    """What is stored of one monitor and region."""

    hash: bytes
    seen_at: int
    packed: bytes = attrs.field(repr=False)

    @property
    def text(self) -> str:
        """The text itself; takes a moment."""
        return zlib.decompress(self.packed).decode()


def pack(text: str) -> bytes:
    """A text as it is stored; takes a moment, so do it before the transaction."""
    return zlib.compress(text.encode(), 6)


def of_monitors(conn: Conn, monitor_ids: Iterable[int]) -> dict[tuple[int, str], StoredContent]:
    """What is stored of the monitors, by monitor and region; not what was stored under other rules."""
    rows = conn.execute(
        "SELECT monitor_id, region, hash, seen_at, text FROM content"
        " WHERE version = ? AND monitor_id IN (SELECT value FROM json_each(?))",
        (VERSION, to_json(sorted(set(monitor_ids)))),
    )
    return {(row[0], row[1]): StoredContent(hash=row[2], seen_at=row[3], packed=row[4]) for row in rows}


def find(conn: Conn, monitor_id: int, region: str) -> tuple[bytes, int] | None:
    """Hash and moment of what is stored; None when there is nothing that could be compared."""
    row = conn.execute(
        "SELECT hash, seen_at FROM content WHERE version = ? AND monitor_id = ? AND region = ?",
        (VERSION, monitor_id, region),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def save(conn: Conn, monitor_id: int, region: str, content: Content, *, packed: bytes, seen_at: int) -> None:
    """Put a content in place of the one before; `packed` is its text."""
    conn.execute(
        "INSERT OR REPLACE INTO content (monitor_id, region, version, hash, text, seen_at) VALUES (?, ?, ?, ?, ?, ?)",
        (monitor_id, region, VERSION, content.hash, packed, seen_at),
    )


def forget(conn: Conn, monitor_id: int) -> None:
    """Forget what the target said, because it is asked something else now. The changes stay."""
    conn.execute("DELETE FROM content WHERE monitor_id = ?", (monitor_id,))


def add_change(conn: Conn, change: ContentChange) -> int:
    """Add a change to the history, whatever its `id`, and drop the oldest beyond `MAX_CHANGES`; answers its id."""
    cursor = conn.execute(
        "INSERT INTO content_change (monitor_id, region, at, added, removed, is_cut, diff, is_told)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            change.monitor_id,
            change.region,
            change.at,
            change.added,
            change.removed,
            change.is_cut,
            change.diff,
            change.is_told,
        ),
    )
    conn.execute(
        "DELETE FROM content_change WHERE monitor_id = ?1 AND id <="
        " (SELECT id FROM content_change WHERE monitor_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (change.monitor_id, MAX_CHANGES),
    )
    return cursor.lastrowid or 0


def told_between(conn: Conn, monitor_id: int, *, since: int, until: int) -> int:
    """How many of the monitor's changes after `since` and up to `until` were told."""
    count: int = conn.execute(
        "SELECT count(*) FROM content_change WHERE monitor_id = ? AND is_told AND at > ? AND at <= ?",
        (monitor_id, since, until),
    ).fetchone()[0]
    return count


def untold(conn: Conn, monitor_id: int) -> int:
    """How many of the monitor's changes came since the last that was told; of those that are kept."""
    count: int = conn.execute(
        "SELECT count(*) FROM content_change WHERE monitor_id = ?1 AND id >"
        " (SELECT coalesce(max(id), 0) FROM content_change WHERE monitor_id = ?1 AND is_told)",
        (monitor_id,),
    ).fetchone()[0]
    return count


def page(conn: Conn, monitor_id: int, *, limit: int, before: int | None = None, offset: int = 0) -> list[ContentChange]:
    """The monitor's changes, newest first; `before` is the id of the last row that the reader has seen."""
    rows = conn.execute(
        f"SELECT {_CHANGE} FROM content_change WHERE monitor_id = ?1 AND (?2 IS NULL OR id < ?2)"
        " ORDER BY id DESC LIMIT ?3 OFFSET ?4",
        (monitor_id, before, limit, offset),
    )
    return [_from_row(row) for row in rows]


def count(conn: Conn, monitor_id: int) -> int:
    """How many changes of the monitor are kept."""
    total: int = conn.execute("SELECT count(*) FROM content_change WHERE monitor_id = ?", (monitor_id,)).fetchone()[0]
    return total


def _from_row(row: Sequence[Any]) -> ContentChange:
    return ContentChange(
        id=row[0],
        monitor_id=MonitorId(row[1]),
        region=row[2],
        at=row[3],
        added=row[4],
        removed=row[5],
        is_cut=bool(row[6]),
        diff=row[7],
        is_told=bool(row[8]),
    )
