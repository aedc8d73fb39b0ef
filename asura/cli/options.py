"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_CONFIG = Path("asura.yaml")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_option(*, must_exist: bool) -> Callable[[_Command], _Command]:
    """`--config`, also from ASURA_CONFIG."""
    return click.option(
        "--config",
        "-c",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False, exists=must_exist),
        default=DEFAULT_CONFIG,
        envvar="ASURA_CONFIG",
        show_default=True,
        show_envvar=True,
        help="The configuration file.",
    )
