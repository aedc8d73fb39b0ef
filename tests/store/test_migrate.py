"""Migrations: all or nothing, with a copy first, and a schema.sql that tells the truth."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from asura.errors import StoreError
from asura.incidents import ledger
from asura.incidents.expiry import DAY_MS
from asura.live import Hub
from asura.model.monitor import MonitorState, MonitorStatus, Status
from asura.store import incidents, migrate, monitors, states
from asura.store.connection import APPLICATION_ID, connect_writer
from asura.store.database import StoreOptions, open_store
from asura.store.migrate import Migration, dump, latest_version, migrations, statements, upgrade
from tests import factories
from tests.factories import BASE_URL, MINUTE_MS, START_MS

SCHEMA = Path(migrate.__file__).with_name("schema.sql")

FIRST = Migration(
    version=1,
    name="0001_first.sql",
    sql="CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;\n"
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent (id)) STRICT;\n",
)
SECOND = Migration(version=2, name="0002_name.sql", sql="ALTER TABLE parent ADD COLUMN name TEXT;\n")
BROKEN = Migration(
    version=3, name="0003_broken.sql", sql="CREATE TABLE third (id INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"
)
ORPHANING = Migration(version=3, name="0003_orphans.sql", sql="DELETE FROM parent;")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "asura.db"
    path.touch()
    return path


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute(sql).fetchall()


def fill(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("INSERT INTO parent (id) VALUES (1)")
        conn.execute("INSERT INTO child (id, parent_id) VALUES (1, 1)")
        conn.commit()


def copies(path: Path) -> list[Path]:
    return sorted(path.parent.glob("asura.db.backup-*"))


def test_the_schema_file_is_what_the_migrations_make() -> None:
    assert SCHEMA.read_text("utf-8") == dump(), "python -m asura.store.migrate --dump > asura/store/schema.sql"


def test_the_schema_file_makes_the_same_schema() -> None:
    with (
        closing(sqlite3.connect(":memory:")) as ours,
        closing(sqlite3.connect(":memory:", isolation_level=None)) as theirs,
    ):
        ours.executescript(SCHEMA.read_text("utf-8"))
        migrate.apply(theirs, migrations())
        query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
        assert ours.execute(query).fetchall() == theirs.execute(query).fetchall()


async def test_a_new_database_has_the_latest_version_and_no_copy(tmp_path: Path) -> None:
    async with open_store(StoreOptions(path=tmp_path / "asura.db"), hub=Hub()):
        pass
    assert ask(tmp_path / "asura.db", "PRAGMA user_version") == [(latest_version(),)]
    assert ask(tmp_path / "asura.db", "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert copies(tmp_path / "asura.db") == []


def test_an_upgrade_keeps_the_rows_and_a_private_copy_of_what_was_before(path: Path) -> None:
    upgrade(path, steps=[FIRST])
    fill(path)

    upgrade(path, steps=[FIRST, SECOND])

    assert ask(path, "PRAGMA user_version") == [(2,)]
    assert ask(path, "SELECT id, name FROM parent") == [(1, None)]
    (copy,) = copies(path)
    assert copy.name.startswith("asura.db.backup-v1-")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert ask(copy, "PRAGMA user_version") == [(1,)]
    assert ask(copy, "SELECT id FROM parent") == [(1,)]


@pytest.mark.parametrize("version", range(1, latest_version()))
def test_what_an_older_version_watched_is_watched_on(path: Path, version: int) -> None:
    """Its incident is resolved, and its certificate's end is told though it was seen before that was kept."""
    upgrade(path, steps=migrations()[:version])
    with closing(connect_writer(path, synchronous="normal")) as conn:
        conn.execute("BEGIN IMMEDIATE")
        factories.add_channel(conn)
        made = monitors.insert(conn, factories.monitor(failure_threshold=1))
        line = "INSERT INTO status_change (monitor_id, at, status) VALUES (?, ?, 'down')"
        conn.execute(line, (made.id, START_MS))  # by hand: what notes a change knows the newest schema only
        expires_at = START_MS + 9 * DAY_MS
        down = MonitorState(
            monitor_id=made.id,
            status=MonitorStatus.DOWN,
            announced=True,
            status_since=START_MS,
            last_check_at=START_MS,
            cert_expires_at=expires_at,
        )
        states.save(conn, down)
        incidents.insert(
            conn, monitor_id=made.id, cause="refused", started_at=START_MS, evidence=[], next_reminder_at=None
        )
        conn.execute("COMMIT")

    upgrade(path)

    with closing(connect_writer(path, synchronous="normal")) as conn:
        conn.execute("BEGIN IMMEDIATE")
        seen = factories.observation(made.id, Status.UP, at=START_MS + MINUTE_MS, cert_expires_at=expires_at)
        ledger.record(conn, [seen], now_ms=START_MS + MINUTE_MS, base_url=BASE_URL)
        assert incidents.unresolved_of(conn, made.id) is None
        assert factories.told(conn, monitor_id=made.id) == ["cert.expiring"]
        conn.execute("COMMIT")


def test_an_upgrade_that_is_not_needed_changes_nothing(path: Path) -> None:
    upgrade(path, steps=[FIRST])
    before = path.read_bytes()
    upgrade(path, steps=[FIRST])
    assert path.read_bytes() == before
    assert copies(path) == []


@pytest.mark.parametrize(
    ("step", "words"),
    [(BROKEN, "no such table: nowhere"), (ORPHANING, "a row of the table child would refer to a row of parent")],
    ids=["a statement fails", "a reference is left without its row"],
)
def test_a_failing_migration_leaves_the_database_as_it_was(path: Path, step: Migration, words: str) -> None:
    upgrade(path, steps=[FIRST])
    fill(path)

    with pytest.raises(StoreError, match="the database is unchanged at version 1") as caught:
        upgrade(path, steps=[FIRST, SECOND, step])

    assert words in str(caught.value)
    assert ask(path, "PRAGMA user_version") == [(1,)]
    assert ask(path, "SELECT name FROM sqlite_master WHERE type = 'table'") == [("parent",), ("child",)]
    assert ask(path, "SELECT id FROM parent") == [(1,)]
    assert copies(path) == []


def test_an_upgrade_that_cannot_be_copied_first_is_not_begun(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(path, steps=[FIRST])

    def no_space(src: Path, dest: Path, *, is_in_use: bool) -> None:
        raise StoreError(f"{dest}: the disk is full")

    monkeypatch.setattr(migrate, "back_up", no_space)
    with pytest.raises(StoreError, match="not upgraded, because it could not be copied first"):
        upgrade(path, steps=[FIRST, SECOND])
    assert ask(path, "PRAGMA user_version") == [(1,)]


def test_only_the_newest_copies_are_kept(path: Path) -> None:
    for version, stamp in [(7, "20260101T000000Z"), (8, "20260201T000000Z"), (9, "20260301T000000Z")]:
        path.with_name(f"asura.db.backup-v{version}-{stamp}").touch()
    path.with_name("asura.db.backup-mine").touch()
    upgrade(path, steps=[FIRST])

    upgrade(path, steps=[FIRST, SECOND])

    names = [copy.name.rpartition("-")[0] for copy in copies(path)]
    assert names == ["asura.db.backup", "asura.db.backup-v1", "asura.db.backup-v8", "asura.db.backup-v9"]


def test_a_table_that_others_refer_to_can_be_rebuilt(path: Path) -> None:
    rebuild = Migration(
        version=2,
        name="0002_rebuild.sql",
        sql="CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT) STRICT;\n"
        "INSERT INTO parent_new (id) SELECT id FROM parent;\n"
        "DROP TABLE parent;\n"
        "ALTER TABLE parent_new RENAME TO parent;\n",
    )
    upgrade(path, steps=[FIRST])
    fill(path)

    upgrade(path, steps=[FIRST, rebuild])

    assert ask(path, "SELECT child.id, parent.id FROM child JOIN parent ON parent.id = parent_id") == [(1, 1)]


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("", 0),
        ("-- nothing; at all\n", 0),
        ("SELECT 1; SELECT 2;", 2),
        ("-- a; b\nSELECT 1; -- c; d\nSELECT 2;\n/* e; */\n", 2),
        ("INSERT INTO t VALUES ('a;b');\nINSERT INTO t VALUES (';');", 2),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;\nSELECT 3;", 2),
    ],
    ids=["empty", "comment", "one line", "comments", "strings", "trigger"],
)
def test_a_script_is_split_where_its_statements_end(script: str, count: int) -> None:
    assert len(list(statements(script))) == count


def test_a_script_that_ends_in_the_middle_is_refused() -> None:
    with pytest.raises(StoreError, match="middle of a statement"):
        list(statements("SELECT 1; SELECT"))


def test_every_migration_ends_its_statements() -> None:
    check: Callable[[Migration], int] = lambda step: len(list(statements(step.sql)))  # noqa: E731
    assert all(check(step) for step in migrations())
