"""A heartbeat: a job that reports by itself, what it reports, and what it is expected to report next."""

from enum import StrEnum

import attrs

from asura.ids import MonitorId

TOKEN_CHARS = 32
"""URL-safe characters of a token: 192 bits from a secure source."""


class PingKind(StrEnum):
    """What a ping says. `IGNORED`: it was stored and changes nothing, because the monitor is paused or by its body."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"
    IGNORED = "ignored"


class HeartbeatStatus(StrEnum):
    """How a heartbeat stands. `PENDING` until something was reported."""

    PENDING = "pending"
    UP = "up"
    DOWN = "down"


@attrs.frozen(kw_only=True)
class Signal:
    """A ping as it arrived, before anything is made of it."""

    monitor_id: MonitorId
    kind: PingKind
    """What its path says: `SUCCESS`, `START`, `FAIL` or `LOG`."""
    at: int
    """When it arrived, by our clock."""
    exit_status: int | None = None
    """0 to 255, when the path gave one."""
    rid: str = ""
    """Which run it belongs to; empty when it doesn't say."""
    method: str = "GET"
    remote_addr: str = ""
    user_agent: str = ""
    body: str | None = attrs.field(default=None, repr=False)
    """The first 100 kB, as text; None without a body."""
    is_cut: bool = False
    """The body was longer, or broke off."""


@attrs.frozen(kw_only=True)
class Ping:
    """A stored ping."""

    id: int
    """Grows with each ping of its monitor."""
    monitor_id: MonitorId
    kind: PingKind
    """What became of it."""
    at: int
    exit_status: int | None = None
    rid: str = ""
    duration_ms: int | None = None
    """Since the start of its run, of a ping that ends one."""
    method: str = "GET"
    remote_addr: str = ""
    user_agent: str = ""
    body: str | None = attrs.field(default=None, repr=False)
    is_cut: bool = False


@attrs.frozen(kw_only=True)
class Run:
    """A run that has started and not ended."""

    rid: str
    """Empty for the one that named no run: there is at most one of these."""
    started_at: int
    deadline_at: int | None
    """It is down when the run goes on beyond this instant. None once that was told, and when its end may be lost."""


@attrs.frozen(kw_only=True)
class Heartbeat:
    """What is known of a heartbeat now. Its period, schedule and run times stand in its monitor's settings."""

    id: int
    monitor_id: MonitorId
    token: str = attrs.field(repr=False)
    grace: int
    """Seconds after the expected time before it is down."""
    status: HeartbeatStatus = HeartbeatStatus.PENDING
    last_ping_at: int | None = None
    """The last success, start or failure."""
    last_duration_ms: int | None = None
    """How long the last run took that said when it began."""
    due_at: int | None = None
    """When the next ping is expected; None while nobody can say."""
    deadline_at: int | None = None
    """The earliest instant beyond which it is down, by schedule or by a run; None when there is nothing to miss."""
    excused_until: int | None = None
    """Silence before this instant is not held against the job: nobody could hear it, or it was expected otherwise."""
    ping_count: int = 0
    """Pings ever stored, which numbers them."""
    old_token: str | None = attrs.field(default=None, repr=False)
    """The one before a rotation that was asked to keep it."""
    old_token_until: int | None = None
