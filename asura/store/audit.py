"""Who changed what: a row in the transaction of each change. Secrets never come here."""

from collections.abc import Mapping
from typing import Any

import attrs

from asura.store.database import Conn
from asura.store.rows import from_json, to_json


@attrs.frozen(kw_only=True)
class Entry:
    """One change. `actor` is the name of the API key; `detail` says what changed, as JSON values."""

    at: int
    actor: str
    action: str
    resource_type: str
    resource_id: int | None = None
    resource_name: str | None = None
    remote_addr: str | None = None
    detail: Mapping[str, Any] | None = None
    id: int = 0


def insert(conn: Conn, entry: Entry) -> None:
    """Note a change; the entry's id is ignored."""
    conn.execute(
        "INSERT INTO audit (at, actor, action, resource_type, resource_id, resource_name, remote_addr, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.at,
            entry.actor,
            entry.action,
            entry.resource_type,
            entry.resource_id,
            entry.resource_name,
            entry.remote_addr,
            None if entry.detail is None else to_json(entry.detail),
        ),
    )


def page(conn: Conn, *, limit: int, offset: int = 0, before: int | None = None) -> list[Entry]:
    """Entries, newest first; `before` is the id of the last that the reader has seen."""
    where = "1" if before is None else "id < :before"
    rows = conn.execute(
        "SELECT id, at, actor, action, resource_type, resource_id, resource_name, remote_addr, detail FROM audit"
        f" WHERE {where} ORDER BY id DESC LIMIT :limit OFFSET :offset",
        {"before": before, "limit": limit, "offset": offset},
    )
    return [
        Entry(
            id=row[0],
            at=row[1],
            actor=row[2],
            action=row[3],
            resource_type=row[4],
            resource_id=row[5],
            resource_name=row[6],
            remote_addr=row[7],
            detail=None if row[8] is None else from_json(row[8]),
        )
        for row in rows
    ]


def count(conn: Conn) -> int:
    """How many entries there are."""
    return int(conn.execute("SELECT count(*) FROM audit").fetchone()[0])
