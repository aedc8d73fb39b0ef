"""How what a monitor's target says has changed."""

import attrs

from asura.api.endpoint import Call, Routes
from asura.api.paging import DeepPaging, Page, page_of
from asura.api.wire import Instant, instant
from asura.model.content import ContentChange
from asura.store import contents, monitors
from asura.store.database import Conn

routes = Routes("contents", tag="Monitors")


@attrs.frozen(kw_only=True, slots=False)
class ChangeView:
    """One change of a monitor's content."""

    id: int
    monitor_id: int
    region: str
    at: Instant = attrs.field(metadata={"help": "when the check began that saw it"})
    added: int = attrs.field(metadata={"help": "lines that are new"})
    removed: int = attrs.field(metadata={"help": "lines that are gone"})
    is_cut: bool = attrs.field(metadata={"help": "the diff shows only part of the change"})
    told: bool = attrs.field(
        metadata={
            "help": "content.changed was raised; false for those beyond 5 within an hour, which the next tells of"
        }
    )
    diff: str = attrs.field(
        metadata={"help": "the hunks of a unified diff; a line that begins with a backslash says what it leaves out"}
    )


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/changes",
    needs="monitors.read",
    summary="List the changes of a monitor's content",
    query=DeepPaging,
    gives=Page[ChangeView],
)
async def list_changes(call: Call, monitor_id: int, query: DeepPaging) -> Page[ChangeView]:
    """Newest first, of a monitor that has `track_changes`. `before` goes on after a change's id."""

    def read(conn: Conn) -> tuple[list[ContentChange], int]:
        monitors.get(conn, monitor_id)
        found = contents.page(conn, monitor_id, limit=query.per_page, before=query.before, offset=query.offset)
        return found, contents.count(conn, monitor_id)

    found, total = await call.services.store.read(read)
    return page_of([_view(each) for each in found], total=total, paging=query)


def _view(change: ContentChange) -> ChangeView:
    return ChangeView(
        id=change.id,
        monitor_id=change.monitor_id,
        region=change.region,
        at=instant(change.at),
        added=change.added,
        removed=change.removed,
        is_cut=change.is_cut,
        told=change.is_told,
        diff=change.diff,
    )
