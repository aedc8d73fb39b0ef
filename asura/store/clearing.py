"""What hangs on a monitor, an incident or a channel, taken away before it: its own deletion is then a moment's work.

Deleting a row takes what refers to it along in the same statement. A channel with 200,000 deliveries held the writer
for seconds like that.
"""

from collections.abc import Iterable, Iterator

from asura.store import slices
from asura.store.database import Conn
from asura.store.slices import HEAVY, Slice, Step


def of_monitors(monitor_ids: Iterable[int]) -> Slice:
    """Resolved incidents, the timeline of the open one, and what was noted of content and certificates.

    The history by time is left to retention.
    """
    return slices.held(slices.in_turn(step for monitor_id in monitor_ids for step in _of_monitor(monitor_id)))


def of_channel(channel_id: int) -> Slice:
    """Deliveries that are finished; what is queued may still arrive."""
    return slices.held(_finished_deliveries(channel_id))


def of_incident(incident_id: int) -> Slice:
    """The lines of its timeline."""
    return slices.held(_events(incident_id))


def _of_monitor(monitor_id: int) -> Iterator[Step]:
    yield _resolved_incidents(monitor_id)
    # Of the one that is left: reminded of once a minute, three weeks of being down are sixty thousand lines.
    left = "incident_id IN (SELECT id FROM incident WHERE monitor_id = ?)"
    yield slices.rows("incident_event", where=left, values=(monitor_id,), limit=HEAVY)
    for table in ("content_change", "certificate_change"):
        yield slices.rows(table, where="monitor_id = ?", values=(monitor_id,), limit=HEAVY)


def _events(incident_id: int) -> Step:
    """Deletes the lines of an incident's timeline, step by step."""
    return slices.rows("incident_event", where="incident_id = ?", values=(incident_id,), limit=HEAVY)


def _resolved_incidents(monitor_id: int) -> Step:
    found = "SELECT id FROM incident WHERE monitor_id = ? AND resolved_at IS NOT NULL LIMIT 1"

    def step(conn: Conn) -> int | None:
        row = conn.execute(found, (monitor_id,)).fetchone()
        return None if row is None else take_apart(conn, row[0])

    return step


def take_apart(conn: Conn, incident_id: int) -> int:
    """Delete some lines of an incident's timeline, and the incident with the last of them; answers how many rows."""
    deleted = _events(incident_id)(conn) or 0
    if deleted < HEAVY:
        deleted += conn.execute("DELETE FROM incident WHERE id = ?", (incident_id,)).rowcount
    return deleted


def _finished_deliveries(channel_id: int) -> Step:
    """From the oldest on: beginning anew with each step would wade through those that are queued."""
    done = 0
    where = "channel_id = ? AND finished_at IS NOT NULL"

    def step(conn: Conn) -> int | None:
        nonlocal done
        found = conn.execute(
            f"SELECT id FROM delivery WHERE {where} AND id > ? ORDER BY id LIMIT {HEAVY}", (channel_id, done)
        ).fetchall()
        if not found:
            return None
        last = found[-1][0]
        deleted = conn.execute(f"DELETE FROM delivery WHERE {where} AND id > ? AND id <= ?", (channel_id, done, last))
        done = last
        return deleted.rowcount

    return step
