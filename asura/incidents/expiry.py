"""When to tell that a certificate or a domain comes to its end, once for each threshold. Pure."""

from collections.abc import Sequence

import attrs

from asura.model.observation import Certificate

THRESHOLDS_DAYS = (30, 14, 7, 1)
"""The days before the end at which somebody is told."""
DAY_MS = 86_400_000
NEVER = 1 << 62
"""There will be nothing more to tell."""
_KEY_CHARS = 16
"""64 bits of each fingerprint tell one chain from another: nobody gains by two that look alike."""


@attrs.frozen(kw_only=True)
class Known:
    """What was seen and told so far: the latest end, and the threshold that was passed last."""

    expires_at: int
    days: int | None


@attrs.frozen(kw_only=True)
class Decision:
    """What is known after one more look, which threshold is to be told now, and when to decide again."""

    known: Known
    tell_days: int | None
    due_at: int


def decide(expires_at: int, *, known: Known | None, now_ms: int) -> Decision:
    """What an end at `expires_at` means now.

    Seen first: the threshold it has passed is told, one for all. A later end than any before is a renewal: its
    thresholds begin anew, and those it has passed at its birth are not told, or a certificate that lives for six
    days would be news every three. An earlier end is one of several that take turns, and counts on. What has ended
    already is down, which says more.
    """
    left_ms = expires_at - now_ms
    passed = min((days for days in THRESHOLDS_DAYS if 0 < left_ms <= days * DAY_MS), default=None)
    tell = None
    if known is None:
        known, tell = Known(expires_at=expires_at, days=passed), passed
    elif expires_at > known.expires_at:
        known = Known(expires_at=expires_at, days=passed)
    elif passed is not None and (known.days is None or passed < known.days):
        known, tell = attrs.evolve(known, days=passed), passed
    coming = [days for days in THRESHOLDS_DAYS if known.days is None or days < known.days]
    return Decision(known=known, tell_days=tell, due_at=expires_at - coming[0] * DAY_MS if coming else NEVER)


def chain_key(chain: Sequence[Certificate]) -> str:
    """What tells a chain from another; cheap, because it is made of each check's."""
    return " ".join([each.fingerprint[:_KEY_CHARS] for each in chain])
