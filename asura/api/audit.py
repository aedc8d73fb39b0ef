"""Who changed what, when, and from where."""

from collections.abc import Mapping
from typing import Any

import attrs

from asura.api.endpoint import Call, Routes
from asura.api.paging import DeepPaging, Page, page_of
from asura.api.wire import Instant, instant
from asura.store import audit

routes = Routes("audit", tag="System")


@attrs.frozen(kw_only=True, slots=False)
class AuditEntry:
    """One change. `actor` is the name of the API key; `detail` says what changed, without secrets."""

    id: int
    at: Instant
    actor: str
    action: str
    subject: str
    resource_type: str
    resource_id: int | None
    resource_name: str | None
    remote_addr: str | None
    detail: Mapping[str, Any] | None


@routes.add("GET", "/audit", needs="system.read", summary="Who changed what", query=DeepPaging, gives=Page[AuditEntry])
async def list_audit(call: Call, query: DeepPaging) -> Page[AuditEntry]:
    """Newest first."""
    found, total = await call.services.store.read(
        lambda conn: (
            audit.page(conn, limit=query.per_page, offset=query.offset, before=query.before),
            audit.count(conn),
        )
    )
    return page_of([_view(entry) for entry in found], total=total, paging=query)


def _view(entry: audit.Entry) -> AuditEntry:
    number = "" if entry.resource_id is None else f" {entry.resource_id}"
    name = "" if entry.resource_name is None else f" “{entry.resource_name}”"
    return AuditEntry(
        id=entry.id,
        at=instant(entry.at),
        actor=entry.actor,
        action=entry.action,
        subject=f"{entry.resource_type}{number}{name}",
        resource_type=entry.resource_type,
        resource_id=entry.resource_id,
        resource_name=entry.resource_name,
        remote_addr=entry.remote_addr,
        detail=entry.detail,
    )
