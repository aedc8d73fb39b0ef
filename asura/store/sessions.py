"""Browsers that are logged in. Only hashes: a copy of the database opens no session."""

import attrs

from asura.store.database import Conn


@attrs.frozen(kw_only=True)
class Session:
    """A login: by which key, and until when. `key_hash` ends it when the key is taken away or replaced."""

    token_hash: str = attrs.field(repr=False)
    key_name: str
    key_hash: str = attrs.field(repr=False)
    created_at: int
    expires_at: int


def insert(conn: Conn, session: Session) -> None:
    """Add a session, and forget those that are over."""
    conn.execute("DELETE FROM session WHERE expires_at <= ?", (session.created_at,))
    conn.execute(
        "INSERT INTO session (token_hash, key_name, key_hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        (session.token_hash, session.key_name, session.key_hash, session.created_at, session.expires_at),
    )


def find(conn: Conn, token_hash: str, *, now_ms: int) -> Session | None:
    """The session that is still in force, or None."""
    row = conn.execute(
        "SELECT token_hash, key_name, key_hash, created_at, expires_at FROM session"
        " WHERE token_hash = ? AND expires_at > ?",
        (token_hash, now_ms),
    ).fetchone()
    if row is None:
        return None
    return Session(token_hash=row[0], key_name=row[1], key_hash=row[2], created_at=row[3], expires_at=row[4])


def delete(conn: Conn, token_hash: str) -> None:
    """End a session; nothing when there is none."""
    conn.execute("DELETE FROM session WHERE token_hash = ?", (token_hash,))
