"""From an exception to what a person reads, and to an exit status."""

from asura.errors import AsuraError, ConfigError

FAILED, WRONG_USAGE = 1, 2


class Failure(AsuraError):
    """A command could not do what it was asked; its text says why."""


def told(exc: BaseException) -> list[str]:
    """The lines to show for `exc`; none when it is a bug, whose traceback is worth more than a line."""
    lines: list[str] = []
    for leaf in _leaves(exc):
        if isinstance(leaf, ConfigError):
            lines += leaf.problems
        elif isinstance(leaf, AsuraError):
            lines.append(f"asura: {leaf}")
        elif isinstance(leaf, OSError) and leaf.strerror:
            lines.append(f"asura: {leaf.filename}: {leaf.strerror}" if leaf.filename else f"asura: {leaf.strerror}")
        else:
            return []
    return lines


def exit_status(exc: BaseException) -> int:
    """2 for a configuration that can't be used, 1 for everything else."""
    return WRONG_USAGE if any(isinstance(leaf, ConfigError) for leaf in _leaves(exc)) else FAILED


def _leaves(exc: BaseException) -> list[BaseException]:
    # Nurseries wrap what their tasks raise in groups, one around the other.
    if isinstance(exc, BaseExceptionGroup):
        return [leaf for inner in exc.exceptions for leaf in _leaves(inner)]
    return [exc]
