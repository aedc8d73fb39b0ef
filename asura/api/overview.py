"""The numbers at a glance, and the names that monitors are sorted under."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from asura.api.endpoint import Call, Routes
from asura.api.paging import MAX_PER_PAGE, Page, Paging, page_of
from asura.consensus.rules import STALE_WINDOWS, WINDOW_FLOOR_S
from asura.fields import between
from asura.model.monitor import MonitorStatus
from asura.store import overview, uptimes
from asura.store.database import Conn

routes = Routes("overview", tag="Overview")

_SHOWN = ("up", "degraded", "down", "paused", "pending", "maintenance")


@attrs.frozen(kw_only=True, slots=False)
class MonitorCounts:
    """How many monitors there are, and how many of them are how."""

    total: int
    up: int
    degraded: int
    down: int
    paused: int
    pending: int
    maintenance: int


@attrs.frozen(kw_only=True, slots=False)
class IncidentCounts:
    """How many incidents are unresolved."""

    open: int
    acknowledged: int


@attrs.frozen(kw_only=True, slots=False)
class Overview:
    """The numbers at a glance."""

    monitors: MonitorCounts
    incidents: IncidentCounts
    uptime: Mapping[str, float | None] = attrs.field(
        metadata={"help": "of the known time of all monitors together, what was not down, in percent, by window"}
    )
    checks_per_minute: float = attrs.field(metadata={"help": "how many the enabled monitors ask for"})
    probes: Sequence[Mapping[str, Any]] = attrs.field(metadata={"help": "empty: this version has no probes"})


@attrs.frozen(kw_only=True)
class LabelQuery(Paging):
    """Which page; all that usually fit on one."""

    per_page: int = attrs.field(default=MAX_PER_PAGE, validator=between(1, MAX_PER_PAGE))


@attrs.frozen(kw_only=True, slots=False)
class Tag:
    """A tag in use."""

    name: str
    monitors: int


@attrs.frozen(kw_only=True, slots=False)
class Group:
    """A group in use, as bad as its worst member."""

    name: str
    monitors: int
    status: MonitorStatus


@routes.add("GET", "/overview", needs="monitors.read", summary="The numbers at a glance", gives=Overview)
async def read_overview(call: Call) -> Overview:
    """Counts of monitors and unresolved incidents, and the uptime of all of them together."""

    def read(conn: Conn) -> tuple[overview.Counts, dict[str, float | None]]:
        uptime = uptimes.together(conn, now_ms=call.now_ms, stale_windows=STALE_WINDOWS, window_floor_s=WINDOW_FLOOR_S)
        return overview.counts(conn, now_ms=call.now_ms), uptime

    found, uptime = await call.services.store.read(read)
    return Overview(
        monitors=MonitorCounts(total=found.total, **{name: found.by_status.get(name, 0) for name in _SHOWN}),
        incidents=IncidentCounts(open=found.open_incidents, acknowledged=found.acknowledged_incidents),
        uptime=uptime,
        checks_per_minute=round(found.checks_per_minute, 2),
        probes=[],
    )


@routes.add("GET", "/tags", needs="monitors.read", summary="List tags", query=LabelQuery, gives=Page[Tag])
async def list_tags(call: Call, query: LabelQuery) -> Page[Tag]:
    """By name, each with how many monitors have it."""
    found = [Tag(name=name, monitors=count) for name, count in await call.services.store.read(overview.tags)]
    return page_of(found[query.offset :][: query.per_page], total=len(found), paging=query)


@routes.add("GET", "/groups", needs="monitors.read", summary="List groups", query=LabelQuery, gives=Page[Group])
async def list_groups(call: Call, query: LabelQuery) -> Page[Group]:
    """By name, each with how many monitors it has and the status of its worst."""
    groups = await call.services.store.read(partial(overview.groups, now_ms=call.now_ms))
    found = [Group(name=name, monitors=count, status=MonitorStatus(worst)) for name, count, worst in groups]
    return page_of(found[query.offset :][: query.per_page], total=len(found), paging=query)
