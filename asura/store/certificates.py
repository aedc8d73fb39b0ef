"""The certificates that each monitor's target shows, how they changed, and what was told of their end."""

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from asura.model.observation import Certificate
from asura.store.database import Conn
from asura.store.rows import from_json, to_json

MAX_CHANGES = 100
"""Of one monitor. Servers that take turns with several certificates change at every check."""


@attrs.frozen(kw_only=True)
class CertificateChange:
    """The target showed another certificate than before."""

    at: int
    old_fingerprint: str
    old_issuer: str
    old_expires_at: int
    new_fingerprint: str
    new_issuer: str
    new_expires_at: int


_CHANGE = ", ".join(field.name for field in attrs.fields(CertificateChange))


def chain_of(conn: Conn, monitor_id: int) -> list[Certificate]:
    """What the target showed last, its own certificate first; empty when it shows none."""
    rows = conn.execute(
        "SELECT subject, names, issuer, expires_at, fingerprint FROM certificate WHERE monitor_id = ?"
        " ORDER BY position",
        (monitor_id,),
    )
    return [_certificate(row) for row in rows]


def _certificate(row: Sequence[Any]) -> Certificate:
    return Certificate(
        subject=row[0], names=tuple(from_json(row[1])), issuer=row[2], expires_at=row[3], fingerprint=row[4]
    )


def save_chain(conn: Conn, monitor_id: int, chain: Iterable[Certificate]) -> None:
    """Put a chain in place of the one before."""
    conn.execute("DELETE FROM certificate WHERE monitor_id = ?", (monitor_id,))
    conn.executemany(
        "INSERT INTO certificate (monitor_id, position, subject, names, issuer, expires_at, fingerprint)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (monitor_id, position, each.subject, to_json(each.names), each.issuer, each.expires_at, each.fingerprint)
            for position, each in enumerate(chain)
        ],
    )


def add_change(conn: Conn, monitor_id: int, *, old: Certificate, new: Certificate, at: int) -> None:
    """Note that one certificate took the place of another; the oldest of too many changes go."""
    conn.execute(
        f"INSERT INTO certificate_change (monitor_id, {_CHANGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            monitor_id,
            at,
            old.fingerprint,
            old.issuer,
            old.expires_at,
            new.fingerprint,
            new.issuer,
            new.expires_at,
        ),
    )
    conn.execute(
        "DELETE FROM certificate_change WHERE monitor_id = ?1 AND id <= (SELECT id FROM certificate_change"
        f" WHERE monitor_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET {MAX_CHANGES})",
        (monitor_id,),
    )


def changes_of(conn: Conn, monitor_id: int) -> list[CertificateChange]:
    """The changes that are kept, the latest first."""
    rows = conn.execute(
        f"SELECT {_CHANGE} FROM certificate_change WHERE monitor_id = ? ORDER BY id DESC", (monitor_id,)
    )
    return [
        CertificateChange(
            at=row[0],
            old_fingerprint=row[1],
            old_issuer=row[2],
            old_expires_at=row[3],
            new_fingerprint=row[4],
            new_issuer=row[5],
            new_expires_at=row[6],
        )
        for row in rows
    ]


def count_new(conn: Conn, monitor_id: int, *, since: int) -> int:
    """How many certificates came at `since` or later, as far as changes are kept."""
    found = "SELECT count(DISTINCT new_fingerprint) FROM certificate_change WHERE monitor_id = ? AND at >= ?"
    return int(conn.execute(found, (monitor_id, since)).fetchone()[0])


def was_seen(conn: Conn, monitor_id: int, fingerprint: str) -> bool:
    """Whether the certificate has come or gone in a change that is kept."""
    row = conn.execute(
        "SELECT 1 FROM certificate_change WHERE monitor_id = ?1 AND ?2 IN (old_fingerprint, new_fingerprint) LIMIT 1",
        (monitor_id, fingerprint),
    ).fetchone()
    return row is not None


def told(conn: Conn, monitor_id: int, subject: str) -> tuple[int, int | None] | None:
    """The latest end that was seen and the threshold that was passed last; None when nothing was seen yet."""
    row = conn.execute(
        "SELECT expires_at, told_days FROM expiry WHERE monitor_id = ? AND subject = ?", (monitor_id, subject)
    ).fetchone()
    return None if row is None else (row[0], row[1])


def save_told(conn: Conn, monitor_id: int, subject: str, *, expires_at: int, days: int | None) -> None:
    """Note what was seen and told."""
    conn.execute(
        "INSERT INTO expiry (monitor_id, subject, expires_at, told_days) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (monitor_id, subject) DO UPDATE SET expires_at = excluded.expires_at,"
        " told_days = excluded.told_days",
        (monitor_id, subject, expires_at, days),
    )


def mark(conn: Conn, monitor_id: int, *, chain_key: str, expiry_due_at: int | None) -> None:
    """Note what `judging` compares each check with, so that nothing else needs to be read when nothing is new."""
    conn.execute(
        "UPDATE monitor_state SET chain_key = ?, expiry_due_at = ? WHERE monitor_id = ?",
        (chain_key, expiry_due_at, monitor_id),
    )


def forget(conn: Conn, monitor_id: int) -> None:
    """Forget the chain and what was told, because the target is another. The changes stay."""
    conn.execute("DELETE FROM certificate WHERE monitor_id = ?", (monitor_id,))
    conn.execute("DELETE FROM expiry WHERE monitor_id = ?", (monitor_id,))
    conn.execute(
        "UPDATE monitor_state SET chain_key = '', expiry_due_at = NULL, cert_expires_at = NULL WHERE monitor_id = ?",
        (monitor_id,),
    )
