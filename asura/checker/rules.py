"""What an outcome means for this monitor, and how long attempts may take. Pure."""

import attrs

from asura.model.monitor import Status
from asura.model.observation import Outcome

MESSAGE_LENGTH = 2000
"""A target writes part of the messages; nobody reads more than this."""

_EXCHANGED = {Status.UP: Status.DOWN, Status.DOWN: Status.UP, Status.DEGRADED: Status.DEGRADED}


def judge(outcome: Outcome, *, upside_down: bool) -> Outcome:
    """The outcome as the monitor wants it read: up and down exchanged if so configured, the message bounded."""
    if upside_down:
        told = outcome.message or "answered as if all were well"
        outcome = attrs.evolve(
            outcome,
            status=_EXCHANGED[outcome.status],
            message=f"{told} (upside down: this counts as {_EXCHANGED[outcome.status].value})",
        )
    if len(outcome.message) > MESSAGE_LENGTH:
        outcome = attrs.evolve(outcome, message=outcome.message[: MESSAGE_LENGTH - 1] + "…")
    return outcome
