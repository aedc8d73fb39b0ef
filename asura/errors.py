"""The one family of errors that Asura raises itself. Each says what was wrong, where, and how to mend it.

A target that is down is a value, not an error. A bug is none of these: it crashes its task and the supervisor
reports it.
"""

from collections.abc import Mapping


class AsuraError(Exception):
    """The base of every error that is ours."""


class ConfigError(AsuraError):
    """The configuration can't be used. `problems` holds every one found, each naming file, line, path and remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidDocument(AsuraError):
    """A document is well-formed but wrong. `fields` maps each wrong field's path to what it must be."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in fields.items()))
        self.fields = dict(fields)


class NotFound(AsuraError):
    """There is no such thing."""


class Conflict(AsuraError):
    """The request contradicts what is stored: a duplicate name, a resolved incident, something still referenced."""


class StoreError(AsuraError):
    """The database can't be opened or can't commit."""


class StoreLocked(StoreError):
    """Another process holds the database."""


class TargetRefused(AsuraError):
    """The outbound guard forbids an address."""


class OwnFailure(AsuraError):
    """Something on this machine kept a check from being made; it says nothing about the target."""


class SendError(AsuraError):
    """A provider didn't take a notification. `permanent` means that trying again is pointless."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after_s: float | None = None,
        status_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.status_code = status_code
