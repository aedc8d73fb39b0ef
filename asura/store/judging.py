"""What must be known of monitors to judge what was seen of them, read for a whole batch at once."""

from collections.abc import Iterable

import attrs
import msgspec

from asura.ids import MonitorId
from asura.model.monitor import MonitorState, MonitorStatus, Status
from asura.model.vote import Vote
from asura.store.database import Conn
from asura.store.rows import to_json


@attrs.define(kw_only=True)
class Situation:
    """A monitor as the ledger finds it and, observation by observation, leaves it."""

    state: MonitorState
    config_version: int
    is_enabled: bool
    interval_s: int
    failure_threshold: int
    success_threshold: int
    votes: dict[str, Vote]
    """By region."""
    chain_key: str = ""
    """Of the certificates that were seen last."""
    expiry_due_at: int | None = None
    """When there may be more to tell of their end."""
    grace_s: int | None = None
    """Of a heartbeat, which reports by itself; None of what is checked."""

    @property
    def is_passive(self) -> bool:
        """Whether it reports by itself: nobody can look at it again, and one word of it counts."""
        return self.grace_s is not None


_VoteRow = tuple[str, str, int, str, int, int]
_Row = tuple[
    int,
    int,
    int,
    int,
    int,
    int,
    str,
    int,
    int,
    int,
    int,
    int | None,
    int | None,
    str,
    int | None,
    str,
    int | None,
    list[_VoteRow],
    int | None,
]
_rows = msgspec.json.Decoder(list[_Row])

# One row with one JSON text instead of a row for each monitor: sqlite3 takes and gives the GIL for every row.
_LOAD = """
SELECT json_group_array(json_array(
    monitor.id, monitor.config_version, monitor.enabled, monitor.interval_s, monitor.failure_threshold,
    monitor.success_threshold, state.status, state.status_since, state.confirming, state.partial, state.announced,
    state.last_check_at, state.last_response_ms, state.last_message, state.cert_expires_at,
    state.chain_key, state.expiry_due_at,
    json((SELECT json_group_array(json_array(region, status, effective_at, message, streak, streak_since))
          FROM vote WHERE vote.monitor_id = monitor.id)), heartbeat.grace))
FROM json_each(?) AS wanted
JOIN monitor ON monitor.id = wanted.value JOIN monitor_state AS state ON state.monitor_id = monitor.id
LEFT JOIN heartbeat ON heartbeat.monitor_id = monitor.id
"""


def situations(conn: Conn, monitor_ids: Iterable[int]) -> dict[int, Situation]:
    """The situation of each of the monitors that exist."""
    text = conn.execute(_LOAD, (to_json(list(monitor_ids)),)).fetchone()[0]
    return {row[0]: _situation(row) for row in _rows.decode(text)}


def _situation(row: _Row) -> Situation:
    return Situation(
        state=MonitorState(
            monitor_id=MonitorId(row[0]),
            status=MonitorStatus(row[6]),
            status_since=row[7],
            confirming=bool(row[8]),
            partial=bool(row[9]),
            announced=bool(row[10]),
            last_check_at=row[11],
            last_response_ms=row[12],
            last_message=row[13],
            cert_expires_at=row[14],
        ),
        config_version=row[1],
        is_enabled=bool(row[2]),
        interval_s=row[3],
        failure_threshold=row[4],
        success_threshold=row[5],
        votes={
            region: Vote(
                region=region,
                status=Status(status),
                effective_at=effective_at,
                message=message,
                streak=streak,
                streak_since=streak_since,
            )
            for region, status, effective_at, message, streak, streak_since in row[17]
        },
        chain_key=row[15],
        expiry_due_at=row[16],
        grace_s=row[18],
    )
