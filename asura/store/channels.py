"""Notification channels as they are configured. Every change emits `channel.changed`."""

from collections.abc import Iterable, Sequence
from sqlite3 import IntegrityError
from typing import Any

import attrs

from asura.errors import Conflict, NotFound
from asura.ids import ChannelId
from asura.live import Event
from asura.model.notification import Channel
from asura.store import deliveries
from asura.store.database import Conn, emit
from asura.store.rows import from_json, to_json

COLUMNS = "id, name, type, enabled, settings, events, created_at, updated_at"
"""What `from_row` expects, in order."""

NAMED_AT_MOST = 5
"""How many monitors a refusal to delete names, so that its sentence stays readable."""


def from_row(row: Sequence[Any]) -> Channel:
    """The channel of a row of `COLUMNS`."""
    return Channel(
        id=ChannelId(row[0]),
        name=row[1],
        type=row[2],
        enabled=bool(row[3]),
        settings=from_json(row[4]),
        events=tuple(from_json(row[5])),
        created_at=row[6],
        updated_at=row[7],
    )


def insert(conn: Conn, channel: Channel, *, now_ms: int) -> Channel:
    """Add a channel; answers it with its id and times. Raises Conflict for a name that is taken."""
    try:
        cursor = conn.execute(
            "INSERT INTO notification_channel (name, type, enabled, settings, events, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*_values(channel), now_ms, now_ms),
        )
    except IntegrityError as exc:
        raise _taken(channel.name) from exc
    channel_id = ChannelId(cursor.lastrowid or 0)
    emit(conn, Event(kind="channel.changed", id=channel_id))
    return attrs.evolve(channel, id=channel_id, created_at=now_ms, updated_at=now_ms)


def replace(conn: Conn, channel: Channel, *, now_ms: int) -> Channel:
    """Put `channel` in the place of the one with its id.

    What waits for a channel that is now disabled is dropped; what waits for another attempt is tried at once, as the
    change may be what it waited for.

    Raises Conflict for a name that is taken, NotFound.
    """
    before = get(conn, channel.id)
    try:
        conn.execute(
            "UPDATE notification_channel SET name = ?, type = ?, enabled = ?, settings = ?, events = ?, updated_at = ?"
            " WHERE id = ?",
            (*_values(channel), now_ms, channel.id),
        )
    except IntegrityError as exc:
        raise _taken(channel.name) from exc
    if not channel.enabled:
        deliveries.drop_queued_of_channel(conn, channel.id, reason="the channel was disabled", now_ms=now_ms)
    else:
        deliveries.hurry(conn, channel.id, now_ms=now_ms)
    emit(conn, Event(kind="channel.changed", id=channel.id))
    return attrs.evolve(channel, created_at=before.created_at, updated_at=now_ms)


def delete(conn: Conn, channel_id: int) -> None:
    """Take a channel away with its deliveries. Raises Conflict while monitors name it, NotFound."""
    refuse_if_named(conn, channel_id)
    if not conn.execute("DELETE FROM notification_channel WHERE id = ?", (channel_id,)).rowcount:
        raise _missing(channel_id)
    emit(conn, Event(kind="channel.changed", id=channel_id))


def refuse_if_named(conn: Conn, channel_id: int) -> None:
    """Raise Conflict while monitors name the channel."""
    names = monitors_naming(conn, channel_id)
    if names:
        more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
        shown = ", ".join(f"“{name}”" for name in names[:NAMED_AT_MOST])
        raise Conflict(f"the channel is still referenced by {shown}{more}; take it out of their channels first")


def monitors_naming(conn: Conn, channel_id: int) -> list[str]:
    """The names of the monitors that list the channel among their own, sorted."""
    rows = conn.execute(
        "SELECT name FROM monitor WHERE notification_channel_ids != '[]' AND EXISTS"
        " (SELECT 1 FROM json_each(notification_channel_ids) WHERE value = ?) ORDER BY name",
        (channel_id,),
    )
    return [row[0] for row in rows]


def find(conn: Conn, channel_id: int) -> Channel | None:
    """The channel, or None."""
    row = conn.execute(f"SELECT {COLUMNS} FROM notification_channel WHERE id = ?", (channel_id,)).fetchone()
    return from_row(row) if row else None


def get(conn: Conn, channel_id: int) -> Channel:
    """The channel. Raises NotFound."""
    channel = find(conn, channel_id)
    if channel is None:
        raise _missing(channel_id)
    return channel


def page(conn: Conn, *, limit: int, offset: int = 0) -> list[Channel]:
    """Some of the channels, by name."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM notification_channel ORDER BY name, id LIMIT ? OFFSET ?", (limit, offset)
    )
    return [from_row(row) for row in rows]


def count(conn: Conn) -> int:
    """How many channels there are."""
    total: int = conn.execute("SELECT count(*) FROM notification_channel").fetchone()[0]
    return total


def by_ids(conn: Conn, channel_ids: Iterable[int]) -> list[Channel]:
    """Those of the channels that exist, by id."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM notification_channel WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (to_json(list(channel_ids)),),
    )
    return [from_row(row) for row in rows]


def all_enabled(conn: Conn) -> list[Channel]:
    """Every enabled channel, by id."""
    rows = conn.execute(f"SELECT {COLUMNS} FROM notification_channel WHERE enabled = 1 ORDER BY id")
    return [from_row(row) for row in rows]


def _values(channel: Channel) -> tuple[Any, ...]:
    return (channel.name, channel.type, channel.enabled, to_json(channel.settings), to_json(channel.events))


def _taken(name: str) -> Conflict:
    return Conflict(f"a channel named “{name}” exists already; names are unique")


def _missing(channel_id: int) -> NotFound:
    return NotFound(f"there is no channel {channel_id}")
