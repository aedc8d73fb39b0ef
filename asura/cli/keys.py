"""API keys: made here, shown once, kept only as a hash."""

import hashlib
import os
import secrets
import sys
from pathlib import Path

import attrs
import click

from asura.cli.errors import Failure

MIN_KEY_CHARS = 20
"""The stored hash has no salt and no cost, which is right for random keys and wrong for words."""
MAX_KEY_CHARS = 200

_NEW_CONFIG = """\
# Written by Asura {version}. Everything else that can be set, with its default, is in asura.yaml.example.
server:
  listen: "127.0.0.1:8090"
database:
  path: "{database}"
auth:
  api_keys:
    - name: "{name}"
      hash: "{hash}"
      role: {role}
"""


@attrs.frozen(kw_only=True)
class NewKey:
    """A fresh key and its hash."""

    text: str = attrs.field(repr=False)
    hash: str


def new_key() -> NewKey:
    """A key of 240 random bits."""
    text = "ak_" + secrets.token_urlsafe(30)
    return NewKey(text=text, hash=hash_of(text))


def hash_of(key: str) -> str:
    """The SHA-256 hash of a key in hexadecimal, as it stands in the configuration."""
    return hashlib.sha256(key.encode()).hexdigest()


def write_config(path: Path, *, name: str = "admin", role: str = "admin", database: str = "asura.db") -> NewKey:
    """Write a configuration with one fresh key, readable by its owner only. Raises FileExistsError, OSError."""
    from asura import __version__

    key = new_key()
    text = _NEW_CONFIG.format(version=__version__, database=database, name=name, hash=key.hash, role=role)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)  # half of it would be read at the next start, and nobody could log in
        raise
    return key


def framed(*lines: str) -> str:
    """Lines between two rules, so that a key isn't lost among log lines."""
    rule = "-" * max(40, *(len(line) + 2 for line in lines))
    return "\n".join(["", rule, *(f" {line}".rstrip() for line in lines), rule, ""])


def setup(name: str, *, role: str, path: Path | None, database: str = "asura.db") -> None:
    """Show a new key, and write it into a new configuration if a path is given."""
    name, database = _writable(name, option="--name"), _writable(database, option="--database")
    if path is None:
        key = new_key()
        click.echo(framed(f"Key   {key.text}", "", "Keep it safe: it is shown once, and only its hash is stored."))
        click.echo("Add this under auth.api_keys in asura.yaml, then reload (SIGHUP) or restart Asura:\n")
        click.echo(f'    - name: "{name}"\n      hash: "{key.hash}"\n      role: {role}')
        return
    try:
        key = write_config(path, name=name, role=role, database=database)
    except FileExistsError:
        raise Failure(f"{path} exists already; run `asura setup` without --write and add the key by hand") from None
    click.echo(
        framed(f"Configuration  {path}", f"Key            {key.text}", "", "The key is shown once; keep it safe.")
    )


def _writable(text: str, *, option: str) -> str:
    # It goes between quotes into YAML, where ${…} has a meaning too.
    if not 0 < len(text.strip()) <= 100 or not text.isprintable() or any(sign in text for sign in '"\\$'):
        raise click.UsageError(f"{option} must have 1 to 100 printable characters, without quotes, backslashes and $")
    return text.strip()


def hash_from_stdin() -> None:
    """Read one key and print its hash."""
    if sys.stdin.isatty():
        text = click.prompt("Key", hide_input=True, err=True)
    else:
        text = sys.stdin.readline(MAX_KEY_CHARS + 2)
    key = text.strip()
    if not MIN_KEY_CHARS <= len(key) <= MAX_KEY_CHARS or not key.isascii() or not key.isprintable() or " " in key:
        raise click.UsageError(
            f"a key is one line of {MIN_KEY_CHARS} to {MAX_KEY_CHARS} printable ASCII characters without spaces; "
            "`asura setup` makes one"
        )
    click.echo(hash_of(key))
