"""The latest vote of each region on each monitor. They are read by `judging`."""

from collections.abc import Sequence

from asura.model.vote import Vote
from asura.store.database import Conn
from asura.store.rows import to_json

_SAVE = """
INSERT INTO vote (monitor_id, region, status, effective_at, message, streak, streak_since)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?)
WHERE true ON CONFLICT (monitor_id, region) DO UPDATE SET
    status = excluded.status, effective_at = excluded.effective_at, message = excluded.message,
    streak = excluded.streak, streak_since = excluded.streak_since
"""


def save(conn: Conn, ballots: Sequence[tuple[int, Vote]]) -> None:
    """Put votes in place of those that the same regions cast before; each with its monitor."""
    rows = [
        (monitor_id, vote.region, vote.status, vote.effective_at, vote.message, vote.streak, vote.streak_since)
        for monitor_id, vote in ballots
    ]
    conn.execute(_SAVE, (to_json(rows),))


def drop(conn: Conn, monitor_id: int) -> None:
    """Forget a monitor's votes, because what they judged has changed."""
    conn.execute("DELETE FROM vote WHERE monitor_id = ?", (monitor_id,))
