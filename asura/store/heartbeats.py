"""Heartbeats: tokens, deadlines, runs. What is decided about them stands in `heartbeats/`.

Pings come by the thousand, so what they need is read and written for a whole batch at once, as one JSON text and a
statement each: the GIL is free meanwhile.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from asura.errors import NotFound
from asura.ids import MonitorId
from asura.live import Event
from asura.model.heartbeat import Heartbeat, HeartbeatStatus, Run
from asura.store.database import Conn, emit
from asura.store.rows import to_json

TOKENS_CHANGED = "tokens.changed"
"""The kind of event that tells every token of a monitor, `tokens`: (token, until when), as `tokens` gives them."""

_TOKEN_TRIES = 10
"""A token that is taken is chance once in 2^190; ten in a row are a broken source, which must not hold the writer."""

_COLUMNS = (
    "heartbeat.id, heartbeat.monitor_id, token, grace, heartbeat.status, last_ping_at, last_duration_ms, due_at,"
    " deadline_at, excused_until, ping_count, old_token, old_token_until"
)
_RUNS = (
    "(SELECT json_group_array(json_array(rid, started_at, deadline_at)) FROM (SELECT rid, started_at, deadline_at"
    " FROM heartbeat_run AS run WHERE run.monitor_id = heartbeat.monitor_id ORDER BY started_at, rid))"
)
_STATUSES = {status.value: status for status in HeartbeatStatus}  # much faster than the enumeration's own call


def create_heartbeat(conn: Conn, monitor_id: int, *, grace: int, new_token: Callable[[], str]) -> Heartbeat:
    """A pending heartbeat with a token of its own: `new_token` is asked again while its answer is taken.

    Its pings are numbered on from those that are left of an earlier heartbeat of this monitor.
    """
    row = conn.execute(
        "INSERT INTO heartbeat (monitor_id, token, grace, status, ping_count)"
        " VALUES (?1, ?2, ?3, ?4, coalesce((SELECT max(number) FROM ping WHERE monitor_id = ?1), 0))"
        f" RETURNING {_COLUMNS.replace('heartbeat.', '')}",
        (monitor_id, _free_token(conn, new_token), grace, HeartbeatStatus.PENDING),
    ).fetchone()
    beat = _from_row(row)
    _tell_tokens(conn, beat)
    return beat


def _free_token(conn: Conn, new_token: Callable[[], str]) -> str:
    """A token that no heartbeat has or had: what was rotated away must not lead to another one's."""
    for _ in range(_TOKEN_TRIES):
        token = new_token()
        taken = "SELECT EXISTS (SELECT 1 FROM heartbeat WHERE token = ?1 OR old_token = ?1)"
        if not conn.execute(taken, (token,)).fetchone()[0]:
            return token
    raise RuntimeError(f"{_TOKEN_TRIES} new tokens in a row are taken: the random source of this machine is broken")


def get_heartbeat_by_token(conn: Conn, token: str, *, now_ms: int) -> Heartbeat | None:
    """The heartbeat of a token, or of one that was rotated away and is still good; None for any other."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM heartbeat WHERE token = ?1 OR (old_token = ?1 AND old_token_until > ?2)",
        (token, now_ms),
    ).fetchone()
    return _from_row(row) if row else None


_UPDATE = """
UPDATE heartbeat SET grace = new.value ->> 1, status = new.value ->> 2, last_ping_at = new.value ->> 3,
    last_duration_ms = new.value ->> 4, due_at = new.value ->> 5, deadline_at = new.value ->> 6,
    excused_until = new.value ->> 7, ping_count = new.value ->> 8
FROM json_each(?) AS new WHERE heartbeat.monitor_id = new.value ->> 0
"""


def update_heartbeat_ping(conn: Conn, beats: Iterable[Heartbeat]) -> None:
    """Write down what pings made of heartbeats, a whole batch at once: everything but their tokens."""
    rows = [
        (
            beat.monitor_id,
            beat.grace,
            beat.status,
            beat.last_ping_at,
            beat.last_duration_ms,
            beat.due_at,
            beat.deadline_at,
            beat.excused_until,
            beat.ping_count,
        )
        for beat in beats
    ]
    conn.execute(_UPDATE, (to_json(rows),))


_EXPIRED = "FROM heartbeat JOIN monitor ON monitor.id = heartbeat.monitor_id WHERE monitor.enabled = 1 AND deadline_at"


def list_expired_heartbeats(conn: Conn, *, now_ms: int, limit: int) -> list[Heartbeat]:
    """Enabled heartbeats whose deadline lies before `now_ms`, the oldest first. Costs what it finds."""
    rows = conn.execute(f"SELECT {_COLUMNS} {_EXPIRED} < ? ORDER BY deadline_at LIMIT ?", (now_ms, limit))
    return [_from_row(row) for row in rows]


def next_deadline_at(conn: Conn, *, since_ms: int) -> int | None:
    """The earliest deadline that is not before `since_ms`."""
    row = conn.execute(f"SELECT deadline_at {_EXPIRED} >= ? ORDER BY deadline_at LIMIT 1", (since_ms,)).fetchone()
    return int(row[0]) if row else None


def unannounced(conn: Conn) -> set[int]:
    """The monitors of heartbeats that are down and whose incident was not opened, because of what they depend on."""
    rows = conn.execute(
        "SELECT state.monitor_id FROM heartbeat JOIN monitor_state AS state ON state.monitor_id = heartbeat.monitor_id"
        " WHERE state.status = 'down' AND state.announced = 0"
    )
    return {row[0] for row in rows}


def of_monitors(conn: Conn, monitor_ids: Iterable[int]) -> dict[int, Heartbeat]:
    """The heartbeats of those of the monitors that have one, by monitor."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM heartbeat WHERE monitor_id IN (SELECT value FROM json_each(?))",
        (to_json(list(monitor_ids)),),
    )
    return {row[1]: _from_row(row) for row in rows}


def _from_row(row: Sequence[Any]) -> Heartbeat:
    return Heartbeat(
        id=row[0],
        monitor_id=MonitorId(row[1]),
        token=row[2],
        grace=row[3],
        status=_STATUSES[row[4]],
        last_ping_at=row[5],
        last_duration_ms=row[6],
        due_at=row[7],
        deadline_at=row[8],
        excused_until=row[9],
        ping_count=row[10],
        old_token=row[11],
        old_token_until=row[12],
    )


@attrs.define(kw_only=True)
class Situation:
    """A heartbeat as a batch finds it and, ping by ping, leaves it. `settings` is JSON, as its monitor has them."""

    beat: Heartbeat
    runs: tuple[Run, ...]
    """In the order of their start."""
    is_enabled: bool
    config_version: int
    interval_s: int
    settings: str


_RunRow = tuple[str, int, int | None]
_BeatRow = tuple[
    int,
    int,
    str,
    int,
    str,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    int,
    str | None,
    int | None,
]
_situations = msgspec.json.Decoder(list[tuple[_BeatRow, list[_RunRow], int, int, int, str]])
_SITUATIONS = f"""
SELECT json_group_array(json_array(json_array({_COLUMNS}), json({_RUNS}), monitor.enabled, monitor.config_version,
    monitor.interval_s, monitor.settings))
FROM ({{}}) AS wanted JOIN heartbeat ON heartbeat.monitor_id = wanted.id JOIN monitor ON monitor.id = wanted.id
"""


def situations(conn: Conn, monitor_ids: Iterable[int]) -> dict[int, Situation]:
    """The situation of those of the monitors that are heartbeats."""
    return _situations_in(conn, "SELECT value AS id FROM json_each(?)", (to_json(list(monitor_ids)),))


def enabled_after(conn: Conn, monitor_id: int, *, limit: int) -> dict[int, Situation]:
    """The situations of the next enabled heartbeats by monitor, from beyond `monitor_id`: a way through all."""
    wanted = (
        "SELECT monitor.id FROM heartbeat JOIN monitor ON monitor.id = monitor_id"
        " WHERE monitor_id > ? AND monitor.enabled = 1 ORDER BY monitor_id LIMIT ?"
    )
    return _situations_in(conn, wanted, (monitor_id, limit))


def _situations_in(conn: Conn, wanted: str, values: Sequence[Any]) -> dict[int, Situation]:
    text = conn.execute(_SITUATIONS.format(wanted), values).fetchone()[0]
    return {
        beat[1]: Situation(
            beat=_from_row(beat),
            runs=tuple([Run(rid=run[0], started_at=run[1], deadline_at=run[2]) for run in runs]),
            is_enabled=bool(enabled),
            config_version=config_version,
            interval_s=interval_s,
            settings=settings,
        )
        for beat, runs, enabled, config_version, interval_s, settings in _situations.decode(text)
    }


def runs_of(conn: Conn, monitor_ids: Iterable[int]) -> Mapping[int, Sequence[Run]]:
    """The open runs of several monitors, each list in the order of their start."""
    rows = conn.execute(
        "SELECT monitor_id, rid, started_at, deadline_at FROM heartbeat_run"
        " WHERE monitor_id IN (SELECT value FROM json_each(?)) ORDER BY monitor_id, started_at, rid",
        (to_json(list(monitor_ids)),),
    )
    found: dict[int, list[Run]] = {}
    for monitor_id, rid, started_at, deadline_at in rows:
        found.setdefault(monitor_id, []).append(Run(rid=rid, started_at=started_at, deadline_at=deadline_at))
    return found


def save_runs(conn: Conn, runs: Mapping[int, Sequence[Run]]) -> None:
    """Replace the open runs of these monitors."""
    rows = [(monitor_id, run.rid, run.started_at, run.deadline_at) for monitor_id, each in runs.items() for run in each]
    conn.execute(
        "DELETE FROM heartbeat_run WHERE monitor_id IN (SELECT value FROM json_each(?))", (to_json(list(runs)),)
    )
    if rows:
        conn.execute(
            "INSERT INTO heartbeat_run (monitor_id, rid, started_at, deadline_at)"
            " SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
            (to_json(rows),),
        )


def rotate(conn: Conn, monitor_id: int, *, new_token: Callable[[], str], old_until: int | None) -> Heartbeat:
    """Another token; the old one stays good until `old_until`, or not at all. Raises NotFound."""
    row = conn.execute(
        "UPDATE heartbeat SET old_token = CASE WHEN ?2 IS NULL THEN NULL ELSE token END, old_token_until = ?2,"
        f" token = ?3 WHERE monitor_id = ?1 RETURNING {_COLUMNS.replace('heartbeat.', '')}",
        (monitor_id, old_until, _free_token(conn, new_token)),
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no heartbeat of monitor {monitor_id}")
    beat = _from_row(row)
    _tell_tokens(conn, beat)
    return beat


def delete(conn: Conn, monitor_id: int) -> None:
    """The monitor is no heartbeat any more."""
    save_runs(conn, {monitor_id: ()})
    if conn.execute("DELETE FROM heartbeat WHERE monitor_id = ?", (monitor_id,)).rowcount:
        emit(conn, Event(kind=TOKENS_CHANGED, id=monitor_id, detail={"tokens": ()}))


def tokens(conn: Conn) -> list[tuple[str, int, int | None]]:
    """Every token that is or was good: (token, monitor, until when; None for ever)."""
    rows = conn.execute("SELECT token, monitor_id, old_token, old_token_until FROM heartbeat")
    found: list[tuple[str, int, int | None]] = []
    for token, monitor_id, old_token, old_until in rows:
        found.append((token, monitor_id, None))
        if old_token is not None:
            found.append((old_token, monitor_id, old_until))
    return found


def _tell_tokens(conn: Conn, beat: Heartbeat) -> None:
    told: list[tuple[str, int | None]] = [(beat.token, None)]
    if beat.old_token is not None:
        told.append((beat.old_token, beat.old_token_until))
    emit(conn, Event(kind=TOKENS_CHANGED, id=beat.monitor_id, detail={"tokens": told}))


def beat_at(conn: Conn) -> int | None:
    """When the daemon last noted that it could be reached; None for never."""
    row = conn.execute("SELECT beat_at FROM pulse").fetchone()
    return int(row[0]) if row else None


def note_beat(conn: Conn, *, at: int) -> None:
    """Note that the daemon can be reached at this instant."""
    conn.execute(
        "INSERT INTO pulse (id, beat_at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at",
        (at,),
    )
