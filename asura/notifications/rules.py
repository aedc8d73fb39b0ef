"""Who is told of an event, when a failed delivery is tried again, and when it is given up. Pure."""

from collections.abc import Collection, Iterable

import attrs

from asura.errors import SendError
from asura.model.notification import Channel, EventName

FIRST_BACKOFF_S = 5.0
LONGEST_BACKOFF_S = 600.0
"""Ten minutes: a receiver that comes back after a night is found within ten minutes of it."""
SHORTEST_WAIT_S = 1.0
"""Full jitter would now and then try again at once, which helps nobody."""
LONGEST_RETRY_AFTER_S = 3600.0
"""A provider that asks for more is asked again after an hour all the same: a notification isn't worth much later."""
GIVE_UP_AFTER_S = 24 * 3600.0
LONGEST_WAIT_S = LONGEST_RETRY_AFTER_S
"""No timer is ever set further ahead; one that stands further off was set by a clock that has been set back since."""

LANES = 4
"""Incidents that are told to one channel at once, once it has shown that it answers."""

_ON_REQUEST = frozenset({EventName.DEGRADED})
"""Told only to channels that name them: for most people they are something to see, not to be woken by."""
_TO_THOSE_WHO_KNOW = frozenset({EventName.ACKNOWLEDGED, EventName.RESOLVED})


@attrs.frozen(kw_only=True)
class TryAgain:
    """The attempt failed; the next is due at `at_ms`."""

    at_ms: int


@attrs.frozen(kw_only=True)
class GiveUp:
    """The attempt failed and there will be no other. `reason` is for the history."""

    reason: str


def recipients(
    event: EventName, *, enabled: Iterable[Channel], named: Collection[int], told: Collection[int]
) -> list[Channel]:
    """Which of the `enabled` channels are told of an event, each once.

    `named` are the channels that the monitor names; none means every channel. `told` are those that were told of
    this incident before: the end of an incident, and that somebody has it, concern them, whatever the monitor names
    by now, and nobody else; except that a channel which asks for this event but not for `incident.created` is told
    too, because it never could have been.
    """
    is_told = _hears_the_end if event in _TO_THOSE_WHO_KNOW else _is_routed
    return [each for each in enabled if _asks_for(each, event) and is_told(each, named=named, told=told)]


def backoff_s(attempts: int, *, chance: float) -> float:
    """How long to wait after so many failed attempts (at least 1): exponential, with full jitter.

    `chance` is a random number in [0, 1). See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    doublings = min(attempts - 1, 16)
    return max(SHORTEST_WAIT_S, chance * min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * (1 << doublings)))


def after_failure(error: SendError, *, attempts: int, created_at: int, now_ms: int, chance: float) -> TryAgain | GiveUp:
    """What becomes of a delivery whose attempt number `attempts` has just failed.

    `Retry-After` counts as a lower bound. A delivery that waited its whole time behind another still has had this
    one attempt.
    """
    if error.permanent:
        return GiveUp(reason=str(error))
    wait_s = max(backoff_s(attempts, chance=chance), pause_s(error))
    at_ms = now_ms + round(wait_s * 1000)
    if at_ms > created_at + GIVE_UP_AFTER_S * 1000:
        return GiveUp(reason=f"given up after {attempts} attempt{'' if attempts == 1 else 's'}: {error}")
    return TryAgain(at_ms=at_ms)


def pause_s(error: SendError) -> float:
    """For how long nothing more is sent to a channel whose provider asked for a pause; 0 if it did not."""
    return min(error.retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)


def lanes(*, answers: bool) -> int:
    """How many deliveries may run at once to a channel.

    One until it has shown that it answers, and again as soon as it doesn't: a receiver that hangs takes one place,
    not four, so that many of them don't use up those of the others.
    """
    return LANES if answers else 1


def _asks_for(channel: Channel, event: EventName) -> bool:
    return event in channel.events or (not channel.events and event not in _ON_REQUEST)


def _is_routed(channel: Channel, *, named: Collection[int], told: Collection[int]) -> bool:
    return not named or channel.id in named


def _hears_the_end(channel: Channel, *, named: Collection[int], told: Collection[int]) -> bool:
    if channel.id in told:
        return True
    return not _asks_for(channel, EventName.CREATED) and _is_routed(channel, named=named, told=told)
