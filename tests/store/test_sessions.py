"""Logins in the database: hashes only, over when they are over."""

from asura.store import sessions
from asura.store.database import Store
from asura.store.sessions import Session


def session(token_hash: str, *, expires_at: int = 2000) -> Session:
    return Session(token_hash=token_hash, key_name="admin", key_hash="k", created_at=1000, expires_at=expires_at)


async def test_a_session_is_found_until_it_expires(store: Store):
    await store.write(lambda conn: sessions.insert(conn, session("a")))
    assert await store.read(lambda conn: sessions.find(conn, "a", now_ms=1999)) == session("a")
    assert await store.read(lambda conn: sessions.find(conn, "a", now_ms=2000)) is None
    assert await store.read(lambda conn: sessions.find(conn, "b", now_ms=1000)) is None


async def test_a_login_forgets_sessions_that_are_over(store: Store):
    await store.write(lambda conn: sessions.insert(conn, session("old", expires_at=999)))
    await store.write(lambda conn: sessions.insert(conn, session("new")))
    assert await store.read(lambda conn: sessions.find(conn, "old", now_ms=0)) is None


async def test_a_session_ends_once(store: Store):
    await store.write(lambda conn: sessions.insert(conn, session("a")))
    for _ in range(2):
        await store.write(lambda conn: sessions.delete(conn, "a"))
    assert await store.read(lambda conn: sessions.find(conn, "a", now_ms=0)) is None


def test_hashes_are_not_shown():
    assert "token" not in repr(session("token"))
