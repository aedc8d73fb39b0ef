"""The machinery: versions, sizes, how the parts are, backups, and numbers for Prometheus."""

import platform
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import attrs
from quart import Response

from asura import __version__, metrics
from asura.api.endpoint import Call, Media, Routes
from asura.api.errors import ApiError
from asura.api.wire import Instant, instant
from asura.errors import StoreError
from asura.model.monitor import MonitorStatus
from asura.store import overview, versions

routes = Routes("system", tag="System")
metric_routes = Routes("metrics", tag="System", prefix="")

_MONITORS = metrics.gauge("asura_monitors", "Monitors by the status that they are shown with.", ("status",))
_INCIDENTS = metrics.gauge("asura_incidents_unresolved", "Incidents that are not resolved, by status.", ("status",))
_UPTIME = metrics.gauge("asura_uptime_seconds", "Seconds since the daemon was started.")
_BUILD = metrics.gauge("asura_build_info", "Always 1; the labels tell the versions.", ("version", "python", "sqlite"))
_DATABASE = metrics.gauge("asura_database_size_bytes", "Size of the database file and of its log.", ("file",))


@attrs.frozen(kw_only=True, slots=False)
class DatabaseFacts:
    """The database file. `wal_bytes` is its log, whose content is part of it."""

    path: str
    size_bytes: int
    wal_bytes: int
    schema_version: int
    healthy: bool
    last_error: str | None


@attrs.frozen(kw_only=True, slots=False)
class Retention:
    """How long what is kept, in days: single checks, and everything else."""

    raw_days: int
    days: int


@attrs.frozen(kw_only=True, slots=False)
class PartView:
    """A supervised part of the daemon. `state`: starting, running, restarting, stopped."""

    name: str
    state: str
    restarts: int
    last_error: str | None


@attrs.frozen(kw_only=True, slots=False)
class System:
    """What a bug report needs."""

    version: str
    python: str
    sqlite: str
    started_at: Instant
    uptime_seconds: int
    database: DatabaseFacts
    retention: Retention
    parts: Sequence[PartView]


@attrs.frozen(kw_only=True, slots=False)
class Backup:
    """A finished copy of the database, on the server's own disk."""

    path: str
    size_bytes: int


@routes.add("GET", "/system", needs="system.read", summary="Versions, sizes and how the parts are", gives=System)
async def read_system(call: Call) -> System:
    """What a bug report needs."""
    facts = call.services.store.facts()
    database = call.services.config.current.database
    return System(
        version=__version__,
        python=platform.python_version(),
        sqlite=str(versions.SQLITE),
        started_at=instant(call.services.started_at_ms),
        uptime_seconds=max(0, call.now_ms - call.services.started_at_ms) // 1000,
        database=DatabaseFacts(
            path=str(facts.path),
            size_bytes=facts.size_bytes,
            wal_bytes=facts.wal_bytes,
            schema_version=facts.schema_version,
            healthy=facts.healthy,
            last_error=facts.last_error,
        ),
        retention=Retention(raw_days=database.raw_retention_days, days=database.retention_days),
        parts=[
            PartView(name=part.name, state=part.state, restarts=part.restarts, last_error=part.last_error)
            for part in call.services.health()
        ],
    )


@routes.add(
    "POST",
    "/system/backup",
    needs="system.write",
    summary="Write a backup",
    gives=Backup,
    also={503: "the copy can't be written: no room, no permission"},
)
async def back_up(call: Call) -> Backup:
    """A consistent copy beside the database, complete by itself; writing goes on meanwhile."""
    store = call.services.store
    path = store.facts().path
    dest = path.with_name(f"{path.name}.backup-{_stamp(call.now_ms)}")
    try:
        await store.backup(dest)
    except StoreError as exc:
        raise ApiError(503, "backup_failed", f"the backup could not be written: {exc}") from exc
    made = Backup(path=str(dest), size_bytes=_size_of(dest))
    detail = {"path": made.path, "size_bytes": made.size_bytes}
    await store.write(lambda conn: call.note(conn, "system.backup", detail=detail))
    return made


def _stamp(now_ms: int) -> str:
    return re.sub(r"[^0-9TZ]", "", instant(now_ms))


def _size_of(path: Path) -> int:
    return path.stat().st_size


@metric_routes.add(
    "GET",
    "/metrics",
    needs="metrics.read",
    summary="Numbers for Prometheus",
    gives=Media(content_type=metrics.CONTENT_TYPE, description="Prometheus text format 0.0.4"),
)
async def scrape(call: Call) -> Response:
    """The daemon's own counters, and how many monitors are how."""
    found = await call.services.store.read(partial(overview.counts, now_ms=call.now_ms))
    for status in MonitorStatus:
        if status is not MonitorStatus.UNKNOWN:
            _MONITORS.set(found.by_status.get(status.value, 0), status=status.value)
    _INCIDENTS.set(found.open_incidents, status="open")
    _INCIDENTS.set(found.acknowledged_incidents, status="acknowledged")
    _UPTIME.set(max(0, call.now_ms - call.services.started_at_ms) / 1000)
    _BUILD.set(1, version=__version__, python=platform.python_version(), sqlite=str(versions.SQLITE))
    facts = call.services.store.facts()
    _DATABASE.set(facts.size_bytes, file="database")
    _DATABASE.set(facts.wal_bytes, file="log")
    return Response(metrics.render(), content_type=metrics.CONTENT_TYPE)
