"""The command line. Exit status 0: done; 1: failed; 2: wrong usage or configuration.

Each command is a thin layer over what the daemon uses too. Its modules are imported when the command runs, so that
`asura version` doesn't wait for a web server.
"""

from pathlib import Path

import click

from asura import __version__
from asura.cli.errors import exit_status, told
from asura.cli.options import config_option


class _Commands(click.Group):
    """Runs `serve` where no command is named, and turns our own errors into a line and an exit status."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_serve = not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version"))
        return super().parse_args(ctx, ["serve", *args] if is_serve else args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo(err=True)
            raise click.exceptions.Exit(1) from None
        except Exception as exc:
            lines = told(exc)
            if not lines:
                raise
            for line in lines:
                click.echo(line, err=True)
            raise click.exceptions.Exit(exit_status(exc)) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="Asura %(version)s")
def main() -> None:
    """Asura watches your services and tells you when one is down.

    Without a command it serves: `asura serve`.
    """


@main.command()
@config_option(must_exist=False)
def serve(config_path: Path) -> None:
    """Run the monitor.

    Where there is no configuration file, one is written, and a fresh admin key is shown once.
    """
    from asura.cli import serving

    serving.serve(config_path)


@main.command()
@click.option("--name", default="admin", show_default=True, help="What the key is called, in the audit log too.")
@click.option("--role", type=click.Choice(["admin", "readonly"]), default="admin", show_default=True)
@click.option(
    "--write",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a new configuration file with this key; refuses to touch one that exists.",
)
@click.option("--database", default="asura.db", show_default=True, help="Its database.path, with --write.")
def setup(name: str, role: str, path: Path | None, database: str) -> None:
    """Make a new key, and show its hash."""
    from asura.cli import keys

    keys.setup(name, role=role, path=path, database=database)


@main.command("hash-key")
def hash_key() -> None:
    """Print the hash of a key from standard input."""
    from asura.cli import keys

    keys.hash_from_stdin()


class _MonitorType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """The name of a type of monitor. They are read only when they are needed: `asura version` doesn't wait for them."""

    name = "type"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(self._names())}]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from asura.checks import CHECK_TYPES

        if value not in CHECK_TYPES:
            self.fail(f"{value!r} is no type of monitor; choose from {', '.join(self._names())}", param, ctx)
        if CHECK_TYPES[value].is_passive:
            self.fail(f"a {value} reports by itself: there is nothing to check", param, ctx)
        return value

    def _names(self) -> list[str]:
        from asura.checks import CHECK_TYPES

        return [name for name, kind in CHECK_TYPES.items() if not kind.is_passive]


@main.command()
@click.argument("target")
@click.option("--type", "type_name", type=_MonitorType(), help="Default: what the target looks like.")
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="A setting of the type, such as --set keyword=welcome or --set 'expected_status=[200, 3xx]'; repeatable.",
)
@click.option("--timeout", default=10, show_default=True, type=click.IntRange(1, 300), help="Seconds to wait.")
@click.option("--allow-private", is_flag=True, help="Let the check go to loopback and private networks.")
@click.option(
    "--config",
    "-c",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="ASURA_CONFIG",
    show_envvar=True,
    help="Take what checks may do from this configuration; ./asura.yaml where there is one.",
)
def check(
    target: str,
    type_name: str | None,
    settings: tuple[str, ...],
    timeout: int,
    allow_private: bool,
    config_path: Path | None,
) -> None:
    """Check a target once, and store nothing.

    TARGET is an address such as https://example.org, or host:port; with --type whatever that type wants. Exit status:
    0 up; 1 down or degraded.
    """
    from asura.cli import checking

    checking.check(
        checking.Wanted(
            target=target,
            type_name=type_name,
            settings=settings,
            timeout_s=timeout,
            allow_private=allow_private,
            config_path=config_path,
        )
    )


@main.command()
@click.argument("dest", type=click.Path(path_type=Path))
@config_option(must_exist=True)
def backup(dest: Path, config_path: Path) -> None:
    """Copy the database to a new file.

    DEST is the file or a folder for it. Asura may go on running meanwhile.
    """
    from asura.cli import copies

    copies.backup(dest, config_path=config_path)


@main.command()
@click.argument("src", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option(must_exist=True)
def restore(src: Path, config_path: Path) -> None:
    """Put a backup in the database's place.

    SRC is checked from end to end first. Stop Asura before; the old database is kept.
    """
    from asura.cli import copies

    copies.restore(src, config_path=config_path)


@main.command()
@config_option(must_exist=True)
@click.option("--offline", is_flag=True, help="Look nothing up and connect nowhere outside.")
def doctor(config_path: Path, offline: bool) -> None:
    """Say what is wrong here, and what to do."""
    from asura.cli import examining

    examining.doctor(config_path, offline=offline)


@main.command()
def version() -> None:
    """Show the versions of Asura, Python and SQLite."""
    from asura.cli import about

    about.version()
