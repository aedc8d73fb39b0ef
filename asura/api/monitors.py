"""Monitors: the list, one by one, and what is done to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import attrs

from asura.api import monitor_documents as documents
from asura.api import monitor_views
from asura.api.changes import changed_fields, merge_patch
from asura.api.endpoint import Answer, Call, Raw, Routes
from asura.api.errors import bad_query
from asura.api.monitor_documents import MonitorDocument
from asura.api.monitor_rows import view_of, views
from asura.api.monitor_views import MonitorView
from asura.api.paging import Page, Paging, page_of
from asura.errors import InvalidDocument
from asura.model.monitor import Monitor
from asura.retention.service import clear
from asura.scheduler import changes
from asura.store import channels, clearing, monitors, overview
from asura.store.database import Conn

routes = Routes("monitors", tag="Monitors")

MAX_CLONE_TRIES = 1000


@attrs.frozen(kw_only=True)
class MonitorQuery(Paging):
    """Which monitors, and in which order. A filter that is given several times takes any of its values."""

    status: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    group: tuple[str, ...] = attrs.field(default=(), metadata={"help": "empty: those without a group"})
    q: str = attrs.field(default="", metadata={"help": "part of the name or target"})
    sort: str = attrs.field(
        default="name",
        metadata={
            "help": "with a minus sign in front: the other way round; by status: what is wrong first",
            "choices": [*overview.SORT_KEYS, *(f"-{name}" for name in overview.SORT_KEYS)],
        },
    )
    include: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "recent adds each monitor's last 30 checks", "choices": ["recent"]}
    )


@routes.add(
    "GET", "/monitors", needs="monitors.read", summary="List monitors", query=MonitorQuery, gives=Page[MonitorView]
)
async def list_monitors(call: Call, query: MonitorQuery) -> Page[MonitorView]:
    """Filters that match nothing give an empty list."""
    key = query.sort.removeprefix("-") or "name"
    if key not in overview.SORT_KEYS:
        raise bad_query({"sort": f"must be one of {', '.join(overview.SORT_KEYS)}, perhaps with a minus sign in front"})
    filters = overview.Filters(
        status=_given(query.status), type=_given(query.type), tag=_given(query.tag), group=query.group, text=query.q
    )

    def read(conn: Conn) -> tuple[list[MonitorView], int]:
        found, total = overview.page(
            conn,
            filters,
            sort=key,
            is_descending=query.sort.startswith("-"),
            limit=query.per_page,
            offset=query.offset,
            now_ms=call.now_ms,
        )
        return views(call, conn, found, with_recent="recent" in query.include), total

    data, total = await call.services.store.read(read)
    return page_of(data, total=total, paging=query)


def _given(values: Sequence[str]) -> Sequence[str]:
    """A form that is sent with an empty choice means no filter."""
    return [value for value in values if value]


def checked(
    call: Call, conn: Conn, raw: Mapping[str, Any], *, stored: Monitor | None = None, monitor_id: int = 0
) -> Monitor:
    """The monitor that a sent document describes. Raises InvalidDocument with every wrong field, references too."""
    document, problems = documents.read(
        raw, defaults=call.services.config.current.monitor, env=call.services.env(), stored=stored
    )
    problems |= _broken_references(conn, document)
    if problems:
        raise InvalidDocument(problems)
    return documents.to_monitor(document, monitor_id=monitor_id)


def _broken_references(conn: Conn, document: MonitorDocument) -> dict[str, str]:
    problems: dict[str, str] = {}
    known = {channel.id for channel in channels.by_ids(conn, document.notification_channel_ids)}
    missing = [each for each in document.notification_channel_ids if each not in known]
    if missing:
        problems["notification_channel_ids"] = f"there is no channel {_named(missing)}"
    existing = monitors.existing_ids(conn, document.depends_on)
    missing = [each for each in document.depends_on if each not in existing]
    if missing:
        problems["depends_on"] = f"there is no monitor {_named(missing)}"
    return problems


def _named(ids: Sequence[int]) -> str:
    return ", ".join(map(str, dict.fromkeys(ids)))


@routes.add(
    "POST",
    "/monitors",
    needs="monitors.write",
    summary="Create a monitor",
    body=Raw(type=MonitorDocument),
    gives=MonitorView,
    status=201,
    also={409: "the name is taken"},
)
async def create_monitor(call: Call, body: Mapping[str, Any]) -> Answer:
    """Read-only fields are ignored. The first check follows at once; a heartbeat has its token and waits for a ping."""

    def write(conn: Conn) -> MonitorView:
        return _create(call, conn, checked(call, conn, body), action="monitor.create")

    return _created(call, await call.services.store.write(write))


def _create(call: Call, conn: Conn, monitor: Monitor, *, action: str) -> MonitorView:
    made = changes.create(conn, monitor, now_ms=call.now_ms)
    detail = {"document": changed_fields({}, monitor_views.to_document(made))}
    call.note(conn, action, resource_id=made.id, resource_name=made.name, detail=detail)
    return view_of(call, conn, made.id)


def _created(call: Call, view: MonitorView) -> Answer:
    return Answer(value=view, status=201, headers={"Location": call.path(f"/api/v1/monitors/{view.id}")})


@attrs.frozen(kw_only=True)
class OneMonitorQuery:
    """What comes along."""

    include: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "recent adds the last 30 checks", "choices": ["recent"]}
    )


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>",
    needs="monitors.read",
    summary="Read a monitor",
    query=OneMonitorQuery,
    gives=MonitorView,
)
async def get_monitor(call: Call, monitor_id: int, query: OneMonitorQuery) -> MonitorView:
    """The whole monitor."""
    with_recent = "recent" in query.include
    return await call.services.store.read(lambda conn: view_of(call, conn, monitor_id, with_recent=with_recent))


@routes.add(
    "PUT",
    "/monitors/<id:monitor_id>",
    needs="monitors.write",
    summary="Replace a monitor",
    body=Raw(type=MonitorDocument),
    gives=MonitorView,
    also={409: "the name is taken"},
)
async def replace_monitor(call: Call, monitor_id: int, body: Mapping[str, Any]) -> MonitorView:
    """Fields that are left out get their defaults; read-only ones are ignored. A masked secret is kept."""
    return await _edit(call, monitor_id, lambda _: body)


@routes.add(
    "PATCH",
    "/monitors/<id:monitor_id>",
    needs="monitors.write",
    summary="Change some fields of a monitor",
    body=Raw(type=MonitorDocument, is_patch=True),
    gives=MonitorView,
    also={409: "the name is taken"},
)
async def patch_monitor(call: Call, monitor_id: int, body: Mapping[str, Any]) -> MonitorView:
    """A JSON merge patch: null puts a field back to its default. Another type starts with fresh settings."""

    def patched(stored: Monitor) -> Mapping[str, Any]:
        document = monitor_views.to_document(stored)
        if body.get("type", stored.type) != stored.type:
            document["settings"] = {}
        return cast(Mapping[str, Any], merge_patch(document, body))

    return await _edit(call, monitor_id, patched)


async def _edit(call: Call, monitor_id: int, wanted: Callable[[Monitor], Mapping[str, Any]]) -> MonitorView:
    """Read, change, check and write in one transaction, so that two edits can't lose one another's fields."""

    def write(conn: Conn) -> MonitorView:
        stored = monitors.get(conn, monitor_id)
        monitor = checked(call, conn, wanted(stored), stored=stored, monitor_id=monitor_id)
        after = changes.replace(conn, monitor, now_ms=call.now_ms)
        note_edit(call, conn, stored, after, action="monitor.update")
        return view_of(call, conn, monitor_id)

    return await call.services.store.write(write)


def note_edit(call: Call, conn: Conn, before: Monitor, after: Monitor, *, action: str) -> None:
    """Write down what differs, without secrets."""
    changed = changed_fields(monitor_views.to_document(before), monitor_views.to_document(after))
    if before.settings != after.settings and "settings" not in changed:
        changed["settings"] = {"secret": "changed"}
    call.note(conn, action, resource_id=after.id, resource_name=after.name, detail={"changed": changed})


@routes.add("DELETE", "/monitors/<id:monitor_id>", needs="monitors.write", summary="Delete a monitor", status=204)
async def delete_monitor(call: Call, monitor_id: int) -> Answer:
    """Its incidents go with it, its history with the retention; who was told of an open incident is told so."""
    await clear(call.services.store, clearing.of_monitors([monitor_id]))
    await call.services.store.write(lambda conn: delete(call, conn, monitor_id))
    return Answer(value=None, status=204)


def delete(call: Call, conn: Conn, monitor_id: int) -> None:
    """Take a monitor away and note it, inside a write. Raises NotFound."""
    gone = changes.delete(conn, monitor_id, by=call.name, now_ms=call.now_ms, base_url=call.base_url)
    call.note(conn, "monitor.delete", resource_id=gone.id, resource_name=gone.name)


def turn(call: Call, conn: Conn, monitor_id: int, *, enabled: bool) -> None:
    """Pause or resume a monitor and note it, inside a write. Raises NotFound."""
    before = monitors.get(conn, monitor_id)
    if before.enabled == enabled:
        return
    changes.set_enabled(conn, monitor_id, enabled=enabled, now_ms=call.now_ms)
    action = "monitor.resume" if enabled else "monitor.pause"
    call.note(conn, action, resource_id=before.id, resource_name=before.name)


@routes.add(
    "POST", "/monitors/<id:monitor_id>/pause", needs="monitors.write", summary="Pause a monitor", gives=MonitorView
)
async def pause_monitor(call: Call, monitor_id: int) -> MonitorView:
    """No checks until it is resumed. Pausing a paused one changes nothing."""
    return await _turn(call, monitor_id, enabled=False)


@routes.add(
    "POST", "/monitors/<id:monitor_id>/resume", needs="monitors.write", summary="Resume a monitor", gives=MonitorView
)
async def resume_monitor(call: Call, monitor_id: int) -> MonitorView:
    """Checks go on at once. Resuming a running one changes nothing."""
    return await _turn(call, monitor_id, enabled=True)


async def _turn(call: Call, monitor_id: int, *, enabled: bool) -> MonitorView:
    def write(conn: Conn) -> MonitorView:
        turn(call, conn, monitor_id, enabled=enabled)
        return view_of(call, conn, monitor_id)

    return await call.services.store.write(write)


@routes.add(
    "POST",
    "/monitors/<id:monitor_id>/clone",
    needs="monitors.write",
    summary="Clone a monitor",
    gives=MonitorView,
    status=201,
)
async def clone_monitor(call: Call, monitor_id: int) -> Answer:
    """The same configuration under a name of its own, secrets included; nothing of the history, and its own token."""

    def write(conn: Conn) -> MonitorView:
        original = monitors.get(conn, monitor_id)
        copy = attrs.evolve(original, name=_free_name(conn, original.name))
        return _create(call, conn, copy, action="monitor.clone")

    return _created(call, await call.services.store.write(write))


def _free_name(conn: Conn, name: str) -> str:
    for number in range(1, MAX_CLONE_TRIES):
        suffix = " (copy)" if number == 1 else f" (copy {number})"
        candidate = name[: 255 - len(suffix)] + suffix
        if not overview.is_name_taken(conn, candidate):
            return candidate
    raise InvalidDocument({"name": "has too many copies already; rename some of them"})
