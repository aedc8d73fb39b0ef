"""The settings of a command check: what is run, with what, and how its end is read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs.validators import and_

from asura.content.ignoring import paths_field, patterns_field
from asura.fields import items, text
from asura.protocols.attempt import Env

MAX_ARGS = 50
MAX_ARG_CHARS = 4096
MAX_VARIABLES = 50
MAX_VALUE_CHARS = 8192
MAX_ENTRIES = 20
"""Of a list of exit statuses."""

SECRET_VARIABLES = frozenset({"database_url", "mysql_pwd", "redis_url", "snmp_community"})
"""Read back masked, besides every one whose name says that it is secret."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_STEERING = re.compile(
    r"(?:LD|DYLD|BASH|PERL|PERL5|PYTHON|RUBY|NODE|LUA|GIT|GLIBC|MALLOC|OPENSSL|GCONV|JAVA|_JAVA|JDK_JAVA|DOTNET"
    r"|CORECLR|PHP)(?:_?[A-Z0-9_]*)"
    r"|PATH|ENV|SHELLOPTS|PS4|IFS|CDPATH|PROMPT_COMMAND|LOCPATH|NLSPATH|HOSTALIASES|RESOLV_HOST_CONF|TERMINFO\w*"
    r"|EDITOR|VISUAL|PAGER|MANPAGER|BROWSER|LESSOPEN|LESSCLOSE|CURL_HOME|SSLKEYLOGFILE|TMPDIR|HOME|XDG_\w+",
    re.ASCII | re.IGNORECASE,
)
"""What makes loaders, shells and interpreters run or write something else than what the configuration allows."""
_STATUS = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?", re.ASCII)


def exit_statuses(entry: int | str) -> range:
    """The exit statuses that one entry of `degraded_status` stands for.

    Raises ValueError: "must …".
    """
    match = _STATUS.fullmatch(str(entry))
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= low <= high <= 255:
        raise ValueError('must have exit statuses from 1 to 255, or ranges of them ("1-3")')
    return range(low, high + 1)


@attrs.frozen
class _StatusList:
    """Exit statuses and ranges of them."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema keywords."""
        return {"maxItems": MAX_ENTRIES}

    def __call__(self, _: object, __: object, value: Sequence[int | str]) -> None:
        """Raise ValueError for an entry that stands for no exit status."""
        if len(value) > MAX_ENTRIES:
            raise ValueError(f"must have at most {MAX_ENTRIES} entries, not {len(value)}")
        for entry in value:
            exit_statuses(entry)


@attrs.frozen
class _Variables:
    """Environment variables that tell a program what to do, and don't make another program of it."""

    def __call__(self, _: object, __: object, value: Mapping[str, str]) -> None:
        """Raise ValueError for a name or value that can't or mustn't be one."""
        if len(value) > MAX_VARIABLES:
            raise ValueError(f"must have at most {MAX_VARIABLES} entries, not {len(value)}")
        if len({name.lower() for name in value}) < len(value):
            raise ValueError("must not have names that differ in capital letters only")
        for name, line in value.items():
            if len(name) > 256 or not _VARIABLE.fullmatch(name):
                raise ValueError(f"must have names of letters, digits and underscores, not {name[:40]!r}")
            if _STEERING.fullmatch(name):
                raise ValueError(f"must not set {name}: it can make a program run what the configuration doesn't allow")
            if len(line) > MAX_VALUE_CHARS or "\0" in line:
                raise ValueError(f"must have values of at most {MAX_VALUE_CHARS} characters, unlike that of {name}")


def _is_path(_: object, __: object, value: str) -> None:
    if value and (not value.startswith("/") or not value.isprintable()):
        raise ValueError("must be the absolute path of a program")


def _no_nul(_: object, __: object, value: Sequence[str]) -> None:
    if any("\0" in each for each in value):
        raise ValueError("must not contain NUL")


@attrs.frozen(kw_only=True)
class CommandSettings:
    """What is run, and which exit statuses mean what."""

    command: str = attrs.field(
        default="",
        validator=and_(text(1024), _is_path),
        metadata={
            "label": "Program",
            "help": "Its absolute path, as monitor.command_allowlist in the configuration has it.",
            "placeholder": "/usr/lib/nagios/plugins/check_disk",
        },
    )
    args: tuple[str, ...] = attrs.field(
        default=(),
        validator=and_(items(MAX_ARGS, each=text(MAX_ARG_CHARS)), _no_nul),
        metadata={
            "label": "Arguments",
            "help": "Given to the program as they are, without a shell: no quotes, no $NAME, no *. Every user of the "
            "machine can see them while it runs, so secrets belong into the environment.",
            "placeholder": "--warning=20%",
        },
    )
    env: Mapping[str, str] = attrs.field(
        factory=dict,
        repr=False,
        validator=_Variables(),
        metadata={
            "label": "Environment",
            "help": "Besides PATH and LANG, which are all that it gets otherwise.",
            "secret_keys": SECRET_VARIABLES,
        },
    )
    degraded_status: tuple[int | str, ...] = attrs.field(
        default=(),
        validator=_StatusList(),
        metadata={
            "label": "Degraded exit status",
            "help": "Exit statuses (1) and ranges (1-3) that count as degraded; every other than 0 is down. "
            "For Nagios plug-ins put 1, their warning, here.",
            "placeholder": "1",
        },
    )
    ignore_patterns: tuple[str, ...] = patterns_field()
    ignore_paths: tuple[str, ...] = paths_field()


def problems(_: str, settings: CommandSettings, env: Env) -> dict[str, str]:
    """What keeps the configuration from running it."""
    if not settings.command:
        return {"settings.command": "must be the absolute path of a program"}
    if not env.command_allowlist:
        return {
            "settings.command": "can't be run: the configuration allows no program; "
            "list it in monitor.command_allowlist"
        }
    if settings.command not in env.command_allowlist:
        return {
            "settings.command": "must be a program that monitor.command_allowlist in the configuration lists, "
            "written in the same way"
        }
    return {}
