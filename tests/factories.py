"""Values for tests: a monitor, what was seen of it, a channel. Whatever a test doesn't name has a plain default."""

from typing import Any

from asura.ids import ChannelId, MonitorId
from asura.model.monitor import LOCAL, Monitor, Status
from asura.model.notification import Channel
from asura.model.observation import Certificate, Observation, Outcome, Timings
from asura.scheduler import changes
from asura.store import channels, deliveries
from asura.store.database import Conn

START_MS = 1_774_746_000_000
"""Where the tests' wall clock begins (2026-03-29T01:00:00Z): the start of an hour."""
MINUTE_MS = 60_000
BASE_URL = "https://asura.test"


def monitor(**fields: Any) -> Monitor:
    """A monitor that is checked once a minute; an id is only needed where no store gives one."""
    defaults: dict[str, Any] = {
        "id": MonitorId(0),
        "name": "web",
        "type": "http",
        "target": "http://web.test/",
        "interval_s": 60,
        "timeout_s": 10,
    }
    return Monitor(**{**defaults, **fields})


def observation(
    monitor_id: int,
    status: Status = Status.UP,
    *,
    at: int = START_MS,
    message: str | None = None,
    response_ms: int | None = 42,
    config_version: int = 1,
    region: str = LOCAL,
    **outcome: Any,
) -> Observation:
    """What a check saw that began at `at`."""
    if message is None:
        message = "" if status is Status.UP else f"looks {status.value}"
    return Observation(
        monitor_id=MonitorId(monitor_id),
        config_version=config_version,
        checked_at=at,
        region=region,
        outcome=Outcome(status=status, message=message, response_ms=response_ms, **outcome),
    )


def timings(**phases: int) -> Timings:
    """How long the named phases took."""
    return Timings(**phases)


def create(conn: Conn, *, now_ms: int = START_MS, **fields: Any) -> Monitor:
    """A stored monitor, made as the API makes one."""
    return changes.create(conn, monitor(**fields), now_ms=now_ms)


def add_channel(conn: Conn, *, name: str = "ops", **fields: Any) -> Channel:
    """A stored webhook channel that takes every event."""
    settings = {"url": "https://receiver.test/hook"}
    channel = Channel(id=ChannelId(0), name=name, type="webhook", settings=settings, **fields)
    return channels.insert(conn, channel, now_ms=START_MS)


def told(conn: Conn, **wanted: Any) -> list[str]:
    """The events that were queued for channels, oldest first."""
    page = deliveries.page(conn, deliveries.Wanted(**wanted), limit=1000)
    return [delivery.message.event for delivery in reversed(page)]


Tally = tuple[int, int, int, int, int, int | None, int | None]


def rollups(conn: Conn, monitor_id: int, *, span_s: int, region: str = LOCAL) -> dict[int, Tally]:
    """(up, degraded, down, timed, sum, min, max) of each stretch of one span that has checks, by its start."""
    rows = conn.execute(
        "SELECT start_at, up, degraded, down, timed, sum_ms, min_ms, max_ms FROM rollup JOIN region ON"
        " region.id = region_id WHERE monitor_id = ? AND span_s = ? AND region.name = ?"
        " AND up + degraded + down > 0 ORDER BY start_at",
        (monitor_id, span_s, region),
    )
    return {row[0]: row[1:] for row in rows}


def certificate(**fields: Any) -> Certificate:
    """A certificate with ninety days to live."""
    defaults: dict[str, Any] = {
        "subject": "CN=web.test",
        "names": ("web.test",),
        "issuer": "Test CA",
        "expires_at": START_MS + 90 * 86_400_000,
        "fingerprint": "ab" * 32,
    }
    return Certificate(**{**defaults, **fields})
