"""`asura version`."""

import platform

import click

from asura import __version__
from asura.store import versions


def version() -> None:
    """Print the versions that a bug report needs."""
    click.echo(f"Asura   {__version__}")
    click.echo(f"Python  {platform.python_version()} ({platform.python_implementation()}, {platform.machine()})")
    click.echo(f"SQLite  {versions.SQLITE}")
