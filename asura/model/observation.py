"""What was seen: the outcome of one attempt, and that outcome with its time and place."""

from typing import Any

import attrs

from asura.ids import MonitorId
from asura.model.monitor import LOCAL, Status


@attrs.frozen(kw_only=True)
class Timings:
    """How long each phase of one attempt took, whole milliseconds; None where there was no such phase."""

    dns_ms: int | None = None
    connect_ms: int | None = None
    tls_ms: int | None = None
    first_byte_ms: int | None = None
    transfer_ms: int | None = None


@attrs.frozen(kw_only=True)
class Outcome:
    """What an attempt found. `message` is for a person at 3 in the morning; empty when there is nothing to say."""

    status: Status
    message: str = ""
    response_ms: int | None = None
    """The whole attempt, whole milliseconds, at least 1; None when nothing answered."""
    timings: Timings = Timings()
    status_code: int | None = None
    cert_expires_at: int | None = None
    detail: Any = None
    is_refused: bool = False
    """Asura itself refused the address: nothing was seen of the target that could be turned upside down."""


@attrs.frozen(kw_only=True)
class Observation:
    """An outcome with its monitor, place and time. A check's time is its start."""

    monitor_id: MonitorId
    config_version: int
    checked_at: int
    outcome: Outcome
    region: str = LOCAL
    silent_ms: int | None = None
    """How long nobody had been looking when this check was asked for: since the end of the one before. None: unknown.

    The time that a check took itself or waited for its place is not among it.
    """
