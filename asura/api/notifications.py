"""Notification channels, and the history of what went through them."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs

from asura.api import channel_documents as documents
from asura.api.changes import changed_fields, merge_patch
from asura.api.channel_documents import ChannelDocument, ChannelView
from asura.api.endpoint import Answer, Call, Raw, Routes
from asura.api.paging import MAX_ID, DeepPaging, Page, Paging, page_of
from asura.api.wire import Instant, instant, maybe_instant
from asura.fields import between
from asura.model.notification import Channel, Delivery, DeliveryStatus
from asura.notifications.sender import new_sender
from asura.notifications.service import Outbox, send_test
from asura.retention.service import clear
from asura.store import channels, clearing, deliveries, monitors
from asura.store.database import Conn

routes = Routes("notifications", tag="Notifications")


@attrs.frozen(kw_only=True, slots=False)
class Verdict:
    """What the provider said to a test."""

    delivered: bool
    status_code: int | None
    message: str
    duration_ms: int


@attrs.frozen(kw_only=True, slots=False)
class DeliveryView:
    """One message on its way through one channel. `delivery` is what the receiver sees as X-Asura-Delivery."""

    id: int
    delivery: str
    channel_id: int
    channel_name: str | None
    incident_id: int | None
    monitor_id: int | None
    monitor_name: str | None
    event: str
    status: DeliveryStatus
    attempts: int
    created_at: Instant
    next_attempt_at: Instant | None
    finished_at: Instant | None
    last_error: str | None
    last_status_code: int | None


@attrs.frozen(kw_only=True)
class HistoryQuery(DeepPaging):
    """Which part of the history."""

    channel_id: int | None = attrs.field(default=None, validator=between(0, MAX_ID))
    incident_id: int | None = attrs.field(default=None, validator=between(0, MAX_ID))
    monitor_id: int | None = attrs.field(default=None, validator=between(0, MAX_ID))
    status: str | None = None
    event: str | None = None


@routes.add(
    "GET", "/notifications", needs="notifications.read", summary="List channels", query=Paging, gives=Page[ChannelView]
)
async def list_channels(call: Call, query: Paging) -> Page[ChannelView]:
    """By name."""
    found, total = await call.services.store.read(
        lambda conn: (channels.page(conn, limit=query.per_page, offset=query.offset), channels.count(conn))
    )
    return page_of([documents.view(channel) for channel in found], total=total, paging=query)


@routes.add(
    "POST",
    "/notifications",
    needs="notifications.write",
    summary="Create a channel",
    body=Raw(type=ChannelDocument),
    gives=ChannelView,
    status=201,
    also={409: "the name is taken"},
)
async def create_channel(call: Call, body: Mapping[str, Any]) -> Answer:
    """Read-only fields are ignored."""
    channel = documents.read(body, guard=call.services.guard())

    def write(conn: Conn) -> ChannelView:
        made = channels.insert(conn, channel, now_ms=call.now_ms)
        detail = {"document": changed_fields({}, documents.to_document(made))}
        call.note(conn, "notification.create", resource_id=made.id, resource_name=made.name, detail=detail)
        return documents.view(made)

    made = await call.services.store.write(write)
    return Answer(value=made, status=201, headers={"Location": call.path(f"/api/v1/notifications/{made.id}")})


@routes.add(
    "GET", "/notifications/<id:channel_id>", needs="notifications.read", summary="Read a channel", gives=ChannelView
)
async def get_channel(call: Call, channel_id: int) -> ChannelView:
    """Secrets are masked."""
    return documents.view(await call.services.store.read(lambda conn: channels.get(conn, channel_id)))


@routes.add(
    "PUT",
    "/notifications/<id:channel_id>",
    needs="notifications.write",
    summary="Replace a channel",
    body=Raw(type=ChannelDocument),
    gives=ChannelView,
    also={409: "the name is taken"},
)
async def replace_channel(call: Call, channel_id: int, body: Mapping[str, Any]) -> ChannelView:
    """Fields that are left out get their defaults. A masked secret is kept."""
    return await _edit(call, channel_id, lambda _: body)


@routes.add(
    "PATCH",
    "/notifications/<id:channel_id>",
    needs="notifications.write",
    summary="Change some fields of a channel",
    body=Raw(type=ChannelDocument, is_patch=True),
    gives=ChannelView,
    also={409: "the name is taken"},
)
async def patch_channel(call: Call, channel_id: int, body: Mapping[str, Any]) -> ChannelView:
    """A JSON merge patch: null puts a field back to its default."""

    def patched(stored: Channel) -> Mapping[str, Any]:
        document = documents.to_document(stored)
        if body.get("type", stored.type) != stored.type:
            document["settings"] = {}
        return cast(Mapping[str, Any], merge_patch(document, body))

    return await _edit(call, channel_id, patched)


async def _edit(call: Call, channel_id: int, wanted: Callable[[Channel], Mapping[str, Any]]) -> ChannelView:
    def write(conn: Conn) -> ChannelView:
        stored = channels.get(conn, channel_id)
        channel = documents.read(wanted(stored), guard=call.services.guard(), stored=stored)
        after = channels.replace(conn, attrs.evolve(channel, id=stored.id), now_ms=call.now_ms)
        changed = changed_fields(documents.to_document(stored), documents.to_document(after))
        if stored.settings != after.settings and "settings" not in changed:
            changed["settings"] = {"secret": "changed"}
        call.note(
            conn,
            "notification.update",
            resource_id=after.id,
            resource_name=after.name,
            detail={"changed": changed},
        )
        return documents.view(after)

    return await call.services.store.write(write)


@routes.add(
    "DELETE",
    "/notifications/<id:channel_id>",
    needs="notifications.write",
    summary="Delete a channel",
    status=204,
    also={409: "monitors still name the channel"},
)
async def delete_channel(call: Call, channel_id: int) -> Answer:
    """Its history goes with it."""
    store = call.services.store

    def write(conn: Conn) -> None:
        gone = channels.get(conn, channel_id)
        channels.delete(conn, channel_id)
        call.note(conn, "notification.delete", resource_id=gone.id, resource_name=gone.name)

    # A channel that may not go keeps its history too; one that monitors get to name meanwhile has lost the old part.
    await store.read(lambda conn: channels.refuse_if_named(conn, channel_id))
    await clear(store, clearing.of_channel(channel_id))
    await store.write(write)
    return Answer(value=None, status=204)


@routes.add(
    "POST",
    "/notifications/<id:channel_id>/test",
    needs="notifications.write",
    summary="Send a test through a channel",
    gives=Verdict,
)
async def try_channel(call: Call, channel_id: int) -> Verdict:
    """Sent at once, whether the channel is enabled or not; answers what the provider said."""
    services = call.services
    channel = await services.store.read(lambda conn: channels.get(conn, channel_id))
    sender = new_sender(guard=services.guard, clock=services.clock)
    said = await send_test(Outbox(store=services.store, clock=services.clock, sender=sender), channel)
    detail = {"delivered": said.ok}
    await services.store.write(
        lambda conn: call.note(
            conn, "notification.test", resource_id=channel.id, resource_name=channel.name, detail=detail
        )
    )
    return Verdict(delivered=said.ok, status_code=said.status_code, message=said.message, duration_ms=said.duration_ms)


@routes.add(
    "GET",
    "/notifications/history",
    needs="notifications.read",
    summary="List what was sent",
    query=HistoryQuery,
    gives=Page[DeliveryView],
)
async def list_history(call: Call, query: HistoryQuery) -> Page[DeliveryView]:
    """Newest first, what is still queued too."""
    wanted = deliveries.Wanted(
        channel_id=query.channel_id,
        incident_id=query.incident_id,
        monitor_id=query.monitor_id,
        status=query.status,
        event=query.event,
    )

    def read(conn: Conn) -> tuple[list[DeliveryView], int]:
        found = deliveries.page(conn, wanted, limit=query.per_page, before=query.before, offset=query.offset)
        return _views(conn, found), deliveries.count(conn, wanted)

    data, total = await call.services.store.read(read)
    return page_of(data, total=total, paging=query)


def _views(conn: Conn, found: list[Delivery]) -> list[DeliveryView]:
    channel_names = {each.id: each.name for each in channels.by_ids(conn, {each.channel_id for each in found})}
    monitor_ids = {each.monitor_id for each in found if each.monitor_id is not None}
    monitor_names = {each.id: each.name for each in monitors.by_ids(conn, monitor_ids)}
    return [
        DeliveryView(
            id=each.id,
            delivery=each.key,
            channel_id=each.channel_id,
            channel_name=channel_names.get(each.channel_id),
            incident_id=each.incident_id,
            monitor_id=each.monitor_id,
            monitor_name=None if each.monitor_id is None else monitor_names.get(each.monitor_id),
            event=each.message.event,
            status=each.status,
            attempts=each.attempts,
            created_at=instant(each.created_at),
            next_attempt_at=maybe_instant(each.next_attempt_at),
            finished_at=maybe_instant(each.finished_at),
            last_error=each.last_error,
            last_status_code=each.last_status_code,
        )
        for each in found
    ]


@routes.add(
    "POST",
    "/notifications/history/<id:delivery_id>/retry",
    needs="notifications.write",
    summary="Send a message again",
    gives=DeliveryView,
    status=202,
    also={409: "the delivery is still queued, or its channel is disabled"},
)
async def send_again(call: Call, delivery_id: int) -> DeliveryView:
    """Queues the same message once more, as a new delivery with a key of its own."""

    def write(conn: Conn) -> DeliveryView:
        queued = deliveries.send_again(conn, delivery_id, now_ms=call.now_ms)
        call.note(conn, "notification.retry", resource_id=queued.channel_id, detail={"delivery": delivery_id})
        return _views(conn, [queued])[0]

    return await call.services.store.write(write)
