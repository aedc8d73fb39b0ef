"""The outbox: messages on their way, and the history of those that arrived or did not.

The deliveries of one channel and one incident are a lane, and a lane keeps its order. Only the first queued row of
a lane has a `next_attempt_at`; the others have NULL until those before them are finished. So the rows are the
timers, and what is due is found in an index that holds nothing else. A row without an incident is a lane of its own.

Every function here that finishes a row moves its lane on in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from asura.errors import Conflict, NotFound
from asura.ids import ChannelId, DeliveryId, IncidentId, MonitorId, new_delivery_key
from asura.live import Event
from asura.model.notification import Delivery, DeliveryStatus, Message
from asura.store.database import Conn, emit
from asura.store.rows import to_json

COLUMNS = (
    "id, key, channel_id, incident_id, monitor_id, message, status, attempts, next_attempt_at, created_at,"
    " finished_at, last_error, last_status_code"
)
"""What `from_row` expects, in order."""

_message = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()
"""Keeps the order of the fields, so that a receiver's log reads as the contract does."""


def from_row(row: Sequence[Any]) -> Delivery:
    """The delivery of a row of `COLUMNS`."""
    return Delivery(
        id=DeliveryId(row[0]),
        key=row[1],
        channel_id=ChannelId(row[2]),
        incident_id=row[3],
        monitor_id=row[4],
        message=_message.decode(row[5]),
        status=DeliveryStatus(row[6]),
        attempts=row[7],
        next_attempt_at=row[8],
        created_at=row[9],
        finished_at=row[10],
        last_error=row[11],
        last_status_code=row[12],
    )


@attrs.frozen(kw_only=True)
class Wanted:
    """Which part of the history is asked for; None means any."""

    channel_id: int | None = None
    incident_id: int | None = None
    monitor_id: int | None = None
    status: str | None = None
    event: str | None = None


def enqueue(
    conn: Conn, channel_id: int, message: Message, *, incident_id: int | None, monitor_id: int | None, now_ms: int
) -> Delivery:
    """Put a message at the end of its lane; it is due at once if it is the first there."""
    is_first = (
        incident_id is None
        or not conn.execute(
            "SELECT 1 FROM delivery WHERE channel_id = ? AND incident_id = ? AND status = 'queued' LIMIT 1",
            (channel_id, incident_id),
        ).fetchone()
    )
    delivery = _insert(
        conn,
        Delivery(
            id=DeliveryId(0),
            key=new_delivery_key(),
            channel_id=ChannelId(channel_id),
            incident_id=None if incident_id is None else IncidentId(incident_id),
            monitor_id=None if monitor_id is None else MonitorId(monitor_id),
            message=message,
            next_attempt_at=now_ms if is_first else None,
            created_at=now_ms,
        ),
    )
    emit(conn, Event(kind="outbox.queued", id=channel_id))
    return delivery


def insert_finished(conn: Conn, delivery: Delivery) -> Delivery:
    """Add to the history what was sent without the outbox; answers it with its id."""
    added = _insert(conn, delivery)
    _emit_finished(conn, added.id, delivery.channel_id)
    return added


def waiting_channels(conn: Conn) -> list[int]:
    """The channels that have anything queued, by id."""
    rows = conn.execute(
        "SELECT c.id FROM notification_channel c WHERE EXISTS"
        " (SELECT 1 FROM delivery d WHERE d.channel_id = c.id AND d.next_attempt_at IS NOT NULL) ORDER BY c.id"
    )
    return [row[0] for row in rows]


def due(conn: Conn, channel_id: int, *, now_ms: int, limit: int, running: Collection[int] = ()) -> list[Delivery]:
    """The heads of the channel's lanes whose time has come and which are not `running`, longest due first."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM delivery WHERE channel_id = ? AND next_attempt_at <= ?"
        " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY next_attempt_at, id LIMIT ?",
        (channel_id, now_ms, to_json(sorted(running)), limit),
    )
    return [from_row(row) for row in rows]


def next_due_at(conn: Conn, channel_id: int, *, after_ms: int) -> int | None:
    """The next instant after `after_ms` at which a delivery of the channel falls due."""
    at: int | None = conn.execute(
        "SELECT min(next_attempt_at) FROM delivery WHERE channel_id = ? AND next_attempt_at > ?", (channel_id, after_ms)
    ).fetchone()[0]
    return at


def bring_forward(conn: Conn, *, latest_ms: int) -> int:
    """Let nothing wait beyond `latest_ms`, because the wall clock was set back; answers how many rows moved."""
    return conn.execute(
        "UPDATE delivery SET next_attempt_at = ? WHERE next_attempt_at > ?", (latest_ms, latest_ms)
    ).rowcount


def hurry(conn: Conn, channel_id: int, *, now_ms: int) -> int:
    """Let what waits for another attempt through the channel be due now; answers how many rows moved."""
    moved = conn.execute(
        "UPDATE delivery SET next_attempt_at = ? WHERE channel_id = ? AND next_attempt_at > ?",
        (now_ms, channel_id, now_ms),
    ).rowcount
    if moved:
        emit(conn, Event(kind="outbox.queued", id=channel_id))
    return moved


def delivered(conn: Conn, delivery_id: int, *, status_code: int | None, now_ms: int) -> None:
    """Record a success, also of a message that was dropped while it was on its way: it did arrive."""
    _finish(
        conn,
        "UPDATE delivery SET status = 'delivered', attempts = attempts + 1, next_attempt_at = NULL, finished_at = ?,"
        " last_error = NULL, last_status_code = ? WHERE id = ? AND status IN ('queued', 'dropped')",
        (now_ms, status_code, delivery_id),
        now_ms=now_ms,
    )


def failed(conn: Conn, delivery_id: int, *, error: str, status_code: int | None, now_ms: int) -> None:
    """Record a failure for good."""
    _finish(
        conn,
        "UPDATE delivery SET status = 'failed', attempts = attempts + 1, next_attempt_at = NULL, finished_at = ?,"
        " last_error = ?, last_status_code = ? WHERE id = ? AND status = 'queued'",
        (now_ms, error, status_code, delivery_id),
        now_ms=now_ms,
    )


def retry_at(conn: Conn, delivery_id: int, at_ms: int, *, error: str, status_code: int | None) -> None:
    """Record a failed attempt and when the next one is due. A row that was finished meanwhile stays as it is."""
    conn.execute(
        "UPDATE delivery SET attempts = attempts + 1, next_attempt_at = ?, last_error = ?, last_status_code = ?"
        " WHERE id = ? AND status = 'queued'",
        (at_ms, error, status_code, delivery_id),
    )


def drop_queued(conn: Conn, incident_id: int, *, events: Collection[str] = (), reason: str, now_ms: int) -> int:
    """Drop what is still queued of an incident, of some events or of all; answers how many."""
    rows = conn.execute(
        "UPDATE delivery SET status = 'dropped', next_attempt_at = NULL, finished_at = ?, last_error = ?"
        " WHERE incident_id = ? AND status = 'queued' AND (? OR event IN (SELECT value FROM json_each(?)))"
        " RETURNING id, channel_id",
        (now_ms, reason, incident_id, not events, to_json(sorted(events))),
    ).fetchall()
    for delivery_id, channel_id in rows:
        _emit_finished(conn, delivery_id, channel_id)
    for channel_id in {row[1] for row in rows}:
        _advance(conn, channel_id, incident_id, now_ms=now_ms)
    return len(rows)


def drop_queued_of_channel(conn: Conn, channel_id: int, *, reason: str, now_ms: int) -> int:
    """Drop everything that is still queued for a channel; answers how many."""
    rows = conn.execute(
        "UPDATE delivery SET status = 'dropped', next_attempt_at = NULL, finished_at = ?, last_error = ?"
        " WHERE channel_id = ? AND status = 'queued' RETURNING id",
        (now_ms, reason, channel_id),
    ).fetchall()
    for (delivery_id,) in rows:
        _emit_finished(conn, delivery_id, channel_id)
    return len(rows)


def told_channels(conn: Conn, incident_id: int) -> set[int]:
    """The channels that were told of an incident, or will be, or could not be; not those whose message was dropped."""
    rows = conn.execute(
        "SELECT DISTINCT channel_id FROM delivery WHERE incident_id = ? AND status != 'dropped'", (incident_id,)
    )
    return {row[0] for row in rows}


def get(conn: Conn, delivery_id: int) -> Delivery:
    """The delivery. Raises NotFound."""
    row = conn.execute(f"SELECT {COLUMNS} FROM delivery WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    return from_row(row)


def page(conn: Conn, wanted: Wanted, *, limit: int, before: int | None = None, offset: int = 0) -> list[Delivery]:
    """The history, newest first; `before` is the id of the last row that the reader has seen."""
    where, values = _where(wanted, before=before)
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM delivery WHERE {where} ORDER BY id DESC LIMIT :limit OFFSET :offset",
        {**values, "limit": limit, "offset": offset},
    )
    return [from_row(row) for row in rows]


def count(conn: Conn, wanted: Wanted) -> int:
    """How many deliveries are as `wanted`."""
    where, values = _where(wanted, before=None)
    total: int = conn.execute(f"SELECT count(*) FROM delivery WHERE {where}", values).fetchone()[0]
    return total


def send_again(conn: Conn, delivery_id: int, *, now_ms: int) -> Delivery:
    """Queue the message of a finished delivery once more, as a new delivery with a key of its own.

    A new row, so that the history goes on telling what became of the first. Raises Conflict while it is still
    queued or when its channel is disabled, NotFound.
    """
    old = get(conn, delivery_id)
    if old.status == DeliveryStatus.QUEUED:
        raise Conflict("the delivery is still queued; it is tried again by itself")
    row = conn.execute("SELECT enabled FROM notification_channel WHERE id = ?", (old.channel_id,)).fetchone()
    if not row[0]:
        raise Conflict("the channel is disabled; enable it first")
    return enqueue(
        conn, old.channel_id, old.message, incident_id=old.incident_id, monitor_id=old.monitor_id, now_ms=now_ms
    )


def _insert(conn: Conn, delivery: Delivery) -> Delivery:
    cursor = conn.execute(
        "INSERT INTO delivery (key, channel_id, incident_id, monitor_id, event, message, status, attempts,"
        " next_attempt_at, created_at, finished_at, last_error, last_status_code)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            delivery.key,
            delivery.channel_id,
            delivery.incident_id,
            delivery.monitor_id,
            delivery.message.event,
            _encoder.encode(delivery.message).decode(),
            delivery.status.value,
            delivery.attempts,
            delivery.next_attempt_at,
            delivery.created_at,
            delivery.finished_at,
            delivery.last_error,
            delivery.last_status_code,
        ),
    )
    return attrs.evolve(delivery, id=DeliveryId(cursor.lastrowid or 0))


def _finish(conn: Conn, update: str, values: tuple[Any, ...], *, now_ms: int) -> None:
    row = conn.execute(update + " RETURNING id, channel_id, incident_id", values).fetchone()
    if row is None:
        return
    delivery_id, channel_id, incident_id = row
    _emit_finished(conn, delivery_id, channel_id)
    if incident_id is not None:
        _advance(conn, channel_id, incident_id, now_ms=now_ms)


def _advance(conn: Conn, channel_id: int, incident_id: int, *, now_ms: int) -> None:
    """Make the lane's first queued row due, unless it has its time already."""
    moved = conn.execute(
        "UPDATE delivery SET next_attempt_at = ? WHERE next_attempt_at IS NULL AND id ="
        " (SELECT min(id) FROM delivery WHERE channel_id = ? AND incident_id = ? AND status = 'queued')",
        (now_ms, channel_id, incident_id),
    ).rowcount
    if moved:
        emit(conn, Event(kind="outbox.queued", id=channel_id))


def _emit_finished(conn: Conn, delivery_id: int, channel_id: int) -> None:
    emit(conn, Event(kind="delivery.finished", id=delivery_id, detail={"channel_id": channel_id}))


def _where(wanted: Wanted, *, before: int | None) -> tuple[str, Mapping[str, Any]]:
    values = {name: value for name, value in attrs.asdict(wanted).items() if value is not None}
    terms = [f"{name} = :{name}" for name in values]
    if before is not None:
        values["before"] = before
        terms.append("id < :before")
    return " AND ".join(terms) or "1", values
