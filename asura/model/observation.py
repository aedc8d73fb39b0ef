"""What was seen: the outcome of one attempt, and that outcome with its time and place."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from asura.ids import MonitorId
from asura.model.content import Content
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
class Reply:
    """What a target answered, as far as it was asked to be kept: for assertions and change detection. Never stored."""

    headers: Sequence[tuple[str, str]] = ()
    """In the order of their coming, names in lower case."""
    body: str | None = None
    """Decoded; None when it was not kept or can't be text."""
    is_cut: bool = False
    """The body was longer than what is read of it."""


@attrs.frozen(kw_only=True)
class Certificate:
    """One certificate of a chain, the leaf first."""

    subject: str
    names: tuple[str, ...]
    """For whom it is: alternative names, or the common name."""
    issuer: str
    expires_at: int
    fingerprint: str
    """SHA-256 of its DER, lower case hexadecimal."""


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
    """The earliest end in the chain that the target showed."""
    domain_expires_at: int | None = None
    """Of a `domain` monitor: when the registration ends."""
    chain: Sequence[Certificate] = attrs.field(default=(), repr=False)
    """The certificates that the target showed. Kept for the monitor, not with each result."""
    notes: Sequence[tuple[str, str]] = attrs.field(default=(), eq=False, repr=False)
    """What a check by hand shows besides: a label and a text each. Not stored."""
    reply: Reply | None = attrs.field(default=None, eq=False, repr=False)
    detail: Mapping[str, Any] | None = None
    """JSON values that only some types have, stored with the result: `dns_records`, `assertions`, `exit_status` …"""
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
    content: Content | None = attrs.field(default=None, repr=False)
    """For change detection; None when there is nothing to compare, or it is known to be as it was."""
    silent_ms: int | None = None
    """How long nobody had been looking when this check was asked for: since the end of the one before. None: unknown.

    The time that a check took itself or waited for its place is not among it.
    """
