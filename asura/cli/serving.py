"""`asura serve`: from nothing at all to a running daemon."""

from functools import partial
from pathlib import Path

import click

from asura import __version__, log
from asura.cli import keys
from asura.config.load import load
from asura.config.schema import Config
from asura.errors import ConfigError

_log = log.get(__name__)


def serve(config_path: Path) -> None:
    """Run the daemon with the configuration in `config_path`, which is written first where it is missing."""
    key = None if config_path.exists() else _first_start(config_path)
    config = load(config_path)
    log.configure(level=config.logging.level, format=config.logging.format)
    if key is not None:
        click.echo(
            keys.framed(
                f"Asura {__version__} starts for the first time.",
                "",
                f"Address        {config.base_url}",
                f"Admin key      {key.text}",
                f"Configuration  {config_path.absolute()}",
                "",
                "The key is shown this once; only its hash is kept. It stays good whatever becomes of this start.",
            )
        )
    else:
        click.echo(f"Asura {__version__}, {config.base_url}")
    for warning in warnings(config):
        _log.warning(warning)
    _run(config, config_path)


def warnings(config: Config) -> list[str]:
    """What is allowed but will surprise somebody."""
    found = []
    host, _ = config.server.address
    is_loopback = host in ("localhost", "::1") or host.startswith("127.")
    if not config.auth.api_keys:
        found.append("there is no API key, so nobody can log in: run `asura setup` and add what it prints")
    if not is_loopback and config.server.tls_cert is None and not config.server.external_url.startswith("https://"):
        found.append(
            "browsers can't stay logged in over plain HTTP from elsewhere: use server.tls_cert, a proxy with TLS named"
            " in server.external_url, or an SSH tunnel"
        )
    if host in ("0.0.0.0", "::", "[::]") and not config.server.external_url:  # noqa: S104 - compared, not listened on
        found.append(f"links in messages will start with {config.base_url}: set server.external_url")
    return found


def _first_start(config_path: Path) -> keys.NewKey:
    try:
        return keys.write_config(config_path)
    except OSError as exc:
        raise ConfigError(
            [f"{config_path}: is missing and can't be written: {exc.strerror}; name another one with --config"]
        ) from None


def _run(config: Config, config_path: Path) -> None:
    import trio

    from asura.daemon.main import run

    trio.run(partial(run, config, config_path=config_path))
