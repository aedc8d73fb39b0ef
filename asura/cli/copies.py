"""`asura backup` and `asura restore`."""

import time
from pathlib import Path

import click

from asura.cli.errors import Failure
from asura.config.load import load
from asura.store.backup import back_up
from asura.store.restore import restore as put_back


def backup(dest: Path, *, config_path: Path) -> None:
    """Copy the database, in use or not, to a new file; a folder gets one whose name is the time."""
    database = load(config_path).database.path
    if not database.exists():
        raise Failure(f"{database} doesn't exist yet, so there is nothing to copy")
    if dest.is_dir():
        dest = dest / f"{database.stem}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.db"
    back_up(database, dest.absolute())
    click.echo(f"{dest}: {dest.stat().st_size} bytes, a consistent copy of {database}")


def restore(src: Path, *, config_path: Path) -> None:
    """Check a backup and put it in the database's place, while no daemon uses it."""
    database = load(config_path).database.path
    kept = put_back(src, database)
    click.echo(f"{database} is now a copy of {src}" + (f"; the one before is kept as {kept}" if kept else ""))
