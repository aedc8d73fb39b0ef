"""The latest vote of each region on each monitor."""

from asura.model.monitor import Status
from asura.model.vote import Vote
from asura.store.database import Conn


def of_monitor(conn: Conn, monitor_id: int) -> list[Vote]:
    """The monitor's votes, one a region."""
    rows = conn.execute(
        "SELECT region, status, effective_at, message, streak, streak_since FROM vote WHERE monitor_id = ?",
        (monitor_id,),
    )
    return [
        Vote(
            region=row[0], status=Status(row[1]), effective_at=row[2], message=row[3], streak=row[4], streak_since=row[5]
        )
        for row in rows
    ]


def save(conn: Conn, monitor_id: int, vote: Vote) -> None:
    """Put a region's vote in place of its last one."""
    conn.execute(
        "INSERT OR REPLACE INTO vote (monitor_id, region, status, effective_at, message, streak, streak_since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (monitor_id, vote.region, vote.status, vote.effective_at, vote.message, vote.streak, vote.streak_since),
    )


def drop(conn: Conn, monitor_id: int) -> None:
    """Forget a monitor's votes, because what they judged has changed."""
    conn.execute("DELETE FROM vote WHERE monitor_id = ?", (monitor_id,))
