"""What an outcome means for this monitor. Pure."""

import attrs

from asura.model.monitor import Status
from asura.model.observation import Outcome

MESSAGE_LENGTH = 2000
"""A target writes part of the messages; nobody reads more than this."""

_EXCHANGED = {Status.UP: Status.DOWN, Status.DOWN: Status.UP, Status.DEGRADED: Status.DEGRADED}


RESERVED_FILES = 2000
"""Descriptors that are not for checks: a thousand clients and five hundred that wait to be let in, the database, the
messages that are being sent."""


def places(wanted: int, *, open_files: int | None) -> int:
    """How many checks may run at once where `wanted` are asked for and so many files may be open; None: any number.

    Where little is allowed, half of it is for checks: with a descriptor too few every check of that moment would
    fail through no fault of its target.
    """
    if open_files is None:
        return wanted
    return max(1, min(wanted, max(open_files - RESERVED_FILES, open_files // 2)))


def judge(outcome: Outcome, *, upside_down: bool) -> Outcome:
    """The outcome as the monitor wants it read: up and down exchanged if so configured, the message fit to store."""
    if upside_down and not outcome.is_refused:
        told = outcome.message or "the target answered, and should not have"
        outcome = attrs.evolve(
            outcome,
            status=_EXCHANGED[outcome.status],
            message=f"{told} (upside down: this counts as {_EXCHANGED[outcome.status].value})",
        )
    message = _storable(outcome.message)
    return outcome if message == outcome.message else attrs.evolve(outcome, message=message)


def _storable(text: str) -> str:
    """Text of a bounded length without what neither SQLite nor JSON would take or give back: surrogates and NUL."""
    if len(text) > MESSAGE_LENGTH:
        text = text[: MESSAGE_LENGTH - 1] + "…"
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
