"""Migrations: numbered SQL files, applied in order, each with its version, all in one transaction.

What was there before is copied to a file beside the database first. `schema.sql` is what the migrations add up
to; `python -m asura.store.migrate --dump > asura/store/schema.sql` writes it anew, and a test holds it equal.
"""

import functools
import re
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path

import attrs

from asura.errors import StoreError
from asura.store import space
from asura.store.backup import back_up
from asura.store.connection import APPLICATION_ID, BUSY_TIMEOUT_MS, Conn
from asura.store.trouble import explain

KEEP_BACKUPS = 3
"""Copies from before a migration that are kept beside the database; each is as large as it was."""

_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@attrs.frozen(kw_only=True)
class Migration:
    """One step of the schema. `version` is what the database has once it was applied."""

    version: int
    name: str
    sql: str


@functools.cache
def migrations() -> tuple[Migration, ...]:
    """Every migration of this program, in order, without a gap."""
    folder = resources.files("asura.store") / "migrations"
    files = [(match, file) for file in folder.iterdir() if (match := _FILE_NAME.fullmatch(file.name))]
    found = [Migration(version=int(match[1]), name=file.name, sql=file.read_text("utf-8")) for match, file in files]
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise RuntimeError(f"migrations are not numbered 1 to {len(found)}: {[m.name for m in found]}")
    return tuple(found)


def latest_version() -> int:
    """The schema version that this program reads and writes."""
    return len(migrations())


def upgrade(path: Path, *, steps: Sequence[Migration] | None = None) -> None:
    """Bring the database at `path` to the last of `steps` (default: all), after a copy of what was there.

    The caller holds the lock. Raises StoreError; the database is then as it was before.
    """
    steps = migrations() if steps is None else steps
    conn = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
    with closing(conn):
        version: int = conn.execute("PRAGMA user_version").fetchone()[0]
        pending = [step for step in steps if step.version > version]
        if not pending:
            return
        if not version:
            space.prepare(conn)
        copy = _copy_before(path, version=version) if version else None
        try:
            apply(conn, pending)
        except (sqlite3.Error, StoreError) as exc:
            if copy is not None:
                copy.unlink()  # the database is as it was, so this says nothing that it doesn't
            raise StoreError(
                f"{path}: the upgrade to schema version {pending[-1].version} failed, and the database is unchanged "
                f"at version {version}: {explain(exc, path)}"
            ) from exc
        _prune_copies(path)


def apply(conn: Conn, steps: Sequence[Migration]) -> None:
    """Run `steps` in one transaction on `conn`, whose foreign keys aren't enforced. Raises sqlite3.Error, StoreError.

    One transaction for all of them: a failure in the third must not leave the second, which no released program
    has ever run with.
    """
    # Rebuilding a table needs them off (sqlite.org/lang_altertable.html, the 12 steps), and within a transaction
    # it is too late. What they would have caught is looked for at the end.
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute("BEGIN IMMEDIATE")
    try:
        for step in steps:
            try:
                for statement in statements(step.sql):
                    conn.execute(statement)
            except sqlite3.Error as exc:
                exc.add_note(f"in the migration {step.name}")
                raise
            conn.execute(f"PRAGMA user_version = {step.version:d}")
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        if broken := conn.execute("PRAGMA foreign_key_check").fetchone():
            raise StoreError(f"a row of the table {broken[0]} would refer to a row of {broken[2]} that doesn't exist")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def statements(script: str) -> Iterator[str]:
    """The statements of `script`, one by one; `executescript` would commit before the first of them."""
    statement = ""
    for piece in re.split(r"(?<=;)", script):
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
    if _COMMENTS.sub("", statement).strip():
        raise StoreError(f"an SQL script ends in the middle of a statement: {statement.strip()[:80]}")


def dump() -> str:
    """The schema that the migrations make, and the rows that they put in, in a fixed order."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        apply(conn, migrations())
        parts = [
            "-- What the migrations add up to. Written by `python -m asura.store.migrate --dump`; don't edit.",
            f"PRAGMA user_version = {latest_version()};",
        ]
        for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            if not table.startswith("sqlite_"):
                parts.append("\n".join(_dump_table(conn, table)))
        return "\n\n".join(parts) + "\n"


def _dump_table(conn: Conn, table: str) -> Iterator[str]:
    order = "CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name"
    query = f"SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY {order}"
    for (sql,) in conn.execute(query, (table,)):
        yield sql + ";"
    columns = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
    quoted = " || ', ' || ".join(f"quote({column})" for column in columns)
    for (values,) in conn.execute(f"SELECT {quoted} FROM {table} ORDER BY 1"):
        yield f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values});"


def _copy_before(path: Path, *, version: int) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    copy = path.with_name(f"{path.name}.backup-v{version}-{stamp}")
    try:
        back_up(path, copy, is_in_use=False)
    except StoreError as exc:
        raise StoreError(f"{path} was not upgraded, because it could not be copied first: {exc}") from exc
    return copy


def _prune_copies(path: Path) -> None:
    copies = path.parent.glob(f"{path.name}.backup-v*-*")
    for copy in sorted(copies, key=lambda copy: copy.name.rpartition("-")[2])[:-KEEP_BACKUPS]:
        copy.unlink()


if __name__ == "__main__":
    if sys.argv[1:] != ["--dump"]:
        sys.exit("usage: python -m asura.store.migrate --dump > asura/store/schema.sql")
    sys.stdout.write(dump())
