"""What spans the aggregates: the list of monitors with their states, counts, tags and groups."""

from collections.abc import Sequence
from typing import Any

import attrs

from asura.model.monitor import Monitor, MonitorState
from asura.store import monitors, states
from asura.store.database import Conn
from asura.store.rows import to_json

# The missed ones by the index of deadlines, once a query: it costs what is overdue, however many heartbeats there are.
SHOWN_STATUS = (
    "CASE WHEN NOT monitor.enabled THEN 'paused' WHEN monitor.id IN"
    " (SELECT monitor_id FROM heartbeat WHERE deadline_at < :now_ms AND status != 'down') THEN 'down'"
    " ELSE monitor_state.status END"
)
"""A monitor's status as it is shown at `:now_ms`: a heartbeat turns at its deadline, whoever has noticed by then."""

_MONITOR_COLUMNS = monitors.COLUMNS.count(",") + 1
_FROM = "FROM monitor JOIN monitor_state ON monitor_state.monitor_id = monitor.id"
SORT_KEYS = {
    "id": "monitor.id",
    "name": "monitor.name COLLATE NOCASE",
    "type": "monitor.type",
    "target": "monitor.target COLLATE NOCASE",
    "group": "monitor.group_name COLLATE NOCASE",
    "interval": "monitor.interval_s",
    "status": (
        f"CASE {SHOWN_STATUS} WHEN 'down' THEN 0 WHEN 'degraded' THEN 2 WHEN 'pending' THEN 3"
        # What is being doubted comes before what is well: it may be down in a minute.
        " WHEN 'up' THEN 4 - 3 * monitor_state.confirming ELSE 5 END"
    ),
    "last_check_at": "monitor_state.last_check_at",
    "last_response_ms": "monitor_state.last_response_ms",
    "response": "monitor_state.last_response_ms",
    "created_at": "monitor.created_at",
    "updated_at": "monitor.updated_at",
}
"""What a list can be sorted by. By status: what is wrong first."""


@attrs.frozen(kw_only=True)
class Filters:
    """Which monitors are asked for. Of several values of one filter any will do; no value asks for nothing."""

    status: Sequence[str] = ()
    type: Sequence[str] = ()
    tag: Sequence[str] = ()
    group: Sequence[str] = ()
    """An empty name is that of the monitors without a group."""
    text: str = ""
    """Part of the name or target, whatever the case of its ASCII letters."""


@attrs.frozen(kw_only=True)
class Counts:
    """How many monitors and unresolved incidents there are, by status; and what the monitors ask for."""

    total: int
    by_status: dict[str, int]
    open_incidents: int
    acknowledged_incidents: int
    checks_per_minute: float


def page(
    conn: Conn, filters: Filters, *, sort: str, is_descending: bool, limit: int, offset: int, now_ms: int
) -> tuple[list[tuple[Monitor, MonitorState]], int]:
    """A page of the monitors with their states, and how many match in all. `sort` is one of SORT_KEYS."""
    where, values = _where(filters)
    values["now_ms"] = now_ms
    total = int(conn.execute(f"SELECT count(*) {_FROM} WHERE {where}", values).fetchone()[0])
    direction = "DESC" if is_descending else "ASC"
    rows = conn.execute(
        f"SELECT {monitors.COLUMNS}, {states.COLUMNS} {_FROM} WHERE {where}"
        f" ORDER BY {SORT_KEYS[sort]} {direction} NULLS LAST, monitor.name COLLATE NOCASE, monitor.id"
        " LIMIT :limit OFFSET :offset",
        values | {"limit": limit, "offset": offset},
    )
    return [(monitors.from_row(row), states.from_row(row[_MONITOR_COLUMNS:])) for row in rows], total


def _where(filters: Filters) -> tuple[str, dict[str, Any]]:
    clauses, values = ["1"], dict[str, Any]()
    for name, clause, wanted in (
        ("status", f"{SHOWN_STATUS} IN (SELECT value FROM json_each(:status))", filters.status),
        ("type", "monitor.type IN (SELECT value FROM json_each(:type))", filters.type),
        (
            "tag",
            "EXISTS (SELECT 1 FROM json_each(monitor.tags) AS tag"
            " WHERE tag.value IN (SELECT value FROM json_each(:tag)))",
            filters.tag,
        ),
        ("group", "coalesce(monitor.group_name, '') IN (SELECT value FROM json_each(:group))", filters.group),
    ):
        if wanted:
            clauses.append(clause)
            values[name] = to_json(list(wanted))
    if filters.text:
        clauses.append("(instr(lower(monitor.name), lower(:text)) OR instr(lower(monitor.target), lower(:text)))")
        values["text"] = filters.text
    return " AND ".join(clauses), values


def counts(conn: Conn, *, now_ms: int) -> Counts:
    """The numbers of the overview. What reports by itself asks for no checks."""
    rows = conn.execute(
        f"SELECT {SHOWN_STATUS}, count(*), sum(CASE WHEN monitor.enabled AND heartbeat.id IS NULL"
        f" THEN 60.0 / monitor.interval_s ELSE 0 END) {_FROM}"
        " LEFT JOIN heartbeat ON heartbeat.monitor_id = monitor.id GROUP BY 1",
        {"now_ms": now_ms},
    ).fetchall()
    incidents = dict(
        conn.execute("SELECT status, count(*) FROM incident WHERE resolved_at IS NULL GROUP BY status").fetchall()
    )
    return Counts(
        total=sum(row[1] for row in rows),
        by_status={row[0]: row[1] for row in rows},
        open_incidents=incidents.get("open", 0),
        acknowledged_incidents=incidents.get("acknowledged", 0),
        checks_per_minute=sum(row[2] for row in rows),
    )


def is_name_taken(conn: Conn, name: str) -> bool:
    """Whether a monitor is called so."""
    return conn.execute("SELECT 1 FROM monitor WHERE name = ?", (name,)).fetchone() is not None


def tags(conn: Conn) -> list[tuple[str, int]]:
    """Every tag in use, with how many monitors have it."""
    rows = conn.execute(
        "SELECT tag.value, count(*) FROM monitor, json_each(monitor.tags) AS tag"
        " GROUP BY 1 ORDER BY 1 COLLATE NOCASE, 1"
    )
    return [(row[0], row[1]) for row in rows]


def groups(conn: Conn, *, now_ms: int) -> list[tuple[str, int, str]]:
    """Every group in use, with how many monitors it has and the status of its worst."""
    rows = conn.execute(
        f"SELECT monitor.group_name, count(*),"
        f" group_concat(DISTINCT {SHOWN_STATUS}) {_FROM} WHERE monitor.group_name IS NOT NULL"
        " GROUP BY 1 ORDER BY 1 COLLATE NOCASE, 1",
        {"now_ms": now_ms},
    )
    return [(row[0], row[1], _worst(row[2].split(","))) for row in rows]


def _worst(statuses: Sequence[str]) -> str:
    order = ("down", "degraded", "pending", "up", "paused")
    return min(statuses, key=lambda status: order.index(status) if status in order else len(order))
