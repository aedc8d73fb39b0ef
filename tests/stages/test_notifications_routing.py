import attrs
import pytest

from asura.ids import ChannelId, IncidentId, MonitorId
from asura.model.incident import Incident, IncidentStatus
from asura.model.monitor import Monitor, MonitorState, MonitorStatus
from asura.model.notification import Channel, Delivery, DeliveryStatus, EventName
from asura.notifications import routing
from asura.notifications.messages import without_credentials
from asura.store import channels, deliveries
from asura.store.database import Store

MONITOR = Monitor(id=MonitorId(3), name="shop", type="http", target="https://ann:pw@shop.example/health?key=1")
STATE = MonitorState(monitor_id=MonitorId(3), status=MonitorStatus.DOWN)
OPEN = Incident(
    id=IncidentId(7),
    monitor_id=MonitorId(3),
    status=IncidentStatus.OPEN,
    cause="connection refused",
    started_at=1_774_746_000_000,
    evidence=[{"region": "local", "status": "down"}],
)
RESOLVED = attrs.evolve(OPEN, status=IncidentStatus.RESOLVED, resolved_at=1_774_746_060_123)


async def add(store: Store, name: str, **fields: object) -> Channel:
    channel = Channel(id=ChannelId(0), name=name, type="webhook", **fields)  # type: ignore[arg-type]
    return await store.write(lambda c: channels.insert(c, channel, now_ms=0))


async def announce(
    store: Store, event: EventName, *, monitor: Monitor = MONITOR, incident: Incident = OPEN, now_ms: int = 100
) -> int:
    return await store.write(
        lambda c: routing.announce(
            c,
            event=event,
            monitor=monitor,
            state=STATE,
            incident=incident,
            now_ms=now_ms,
            base_url="https://up.example/asura/",
            detail={"by": "ann"},
        )
    )


async def history(store: Store) -> list[Delivery]:
    return (await store.read(lambda c: deliveries.page(c, deliveries.Wanted(), limit=99)))[::-1]


async def test_the_message_has_the_shape_of_the_contract(store: Store) -> None:
    await add(store, "ops")

    assert await announce(store, EventName.RESOLVED, incident=OPEN) == 0
    assert await announce(store, EventName.CREATED) == 1
    assert await announce(store, EventName.RESOLVED, incident=RESOLVED) == 1

    created, resolved = await history(store)
    assert created.message.event == "incident.created"
    assert created.message.at == 100
    assert created.message.monitor == {
        "id": 3,
        "name": "shop",
        "type": "http",
        "target": "https://shop.example/health?key=1",
        "status": "down",
        "url": "https://up.example/asura/monitors/3",
    }
    assert created.message.incident == {
        "id": 7,
        "status": "open",
        "cause": "connection refused",
        "started_at": "2026-03-29T01:00:00.000Z",
        "acknowledged_at": None,
        "resolved_at": None,
        "url": "https://up.example/asura/incidents/7",
    }
    assert created.message.evidence == [{"region": "local", "status": "down"}]
    assert created.message.detail == {"by": "ann"}
    assert (created.incident_id, created.monitor_id) == (7, 3)
    assert resolved.message.incident is not None
    assert resolved.message.incident["resolved_at"] == "2026-03-29T01:01:00.123Z"


async def test_every_enabled_channel_is_told_unless_the_monitor_names_some(store: Store) -> None:
    ops, dev = await add(store, "ops"), await add(store, "dev")
    off = await add(store, "off", enabled=False)

    assert await announce(store, EventName.CREATED) == 2
    naming = attrs.evolve(MONITOR, notification_channel_ids=(dev.id, off.id))
    assert await announce(store, EventName.CREATED, monitor=naming) == 1

    assert [each.channel_id for each in await history(store)] == [ops.id, dev.id, dev.id]


async def test_nobody_to_tell_is_no_error(store: Store) -> None:
    assert await announce(store, EventName.CREATED) == 0
    assert await history(store) == []


async def test_each_channel_that_was_told_is_told_once_of_the_end(store: Store) -> None:
    ops = await add(store, "ops")
    await add(store, "deaf", events=("incident.created",))
    await announce(store, EventName.CREATED)
    await add(store, "new")

    await announce(store, EventName.REMINDER, monitor=attrs.evolve(MONITOR, notification_channel_ids=(ops.id,)))
    named_since = attrs.evolve(MONITOR, notification_channel_ids=(99,))
    assert await announce(store, EventName.RESOLVED, monitor=named_since, incident=RESOLVED) == 1

    told = [each for each in await history(store) if each.message.event == "incident.resolved"]
    assert [each.channel_id for each in told] == [ops.id]


async def test_a_message_not_yet_sent_at_the_end_is_still_sent_before_the_end(store: Store) -> None:
    ops = await add(store, "ops")
    await announce(store, EventName.CREATED)
    await announce(store, EventName.RESOLVED, incident=RESOLVED)

    created, resolved = await history(store)
    assert (created.status, resolved.status) == (DeliveryStatus.QUEUED, DeliveryStatus.QUEUED)
    due = await store.read(lambda c: deliveries.due(c, ops.id, now_ms=9999, limit=9))
    assert [each.id for each in due] == [created.id]


@pytest.mark.parametrize(
    ("event", "status"),
    [(EventName.RESOLVED, IncidentStatus.RESOLVED), (EventName.ACKNOWLEDGED, IncidentStatus.ACKNOWLEDGED)],
)
async def test_reminders_not_yet_sent_are_dropped_when_they_remind_of_nothing(
    store: Store, event: EventName, status: IncidentStatus
) -> None:
    await add(store, "ops")
    await announce(store, EventName.CREATED)
    await announce(store, EventName.REMINDER)

    await announce(store, event, incident=attrs.evolve(OPEN, status=status))

    found = {each.message.event: each for each in await history(store)}
    assert found["incident.reminder"].status == DeliveryStatus.DROPPED
    assert found["incident.reminder"].last_error == f"the incident was {status.value} before this was sent"
    assert found["incident.created"].status == found[event.value].status == DeliveryStatus.QUEUED


async def tell_news(store: Store, *, monitor: Monitor = MONITOR, now_ms: int = 100) -> int:
    return await store.write(
        lambda c: routing.announce_news(
            c,
            event=EventName.CONTENT_CHANGED,
            monitor=monitor,
            state=STATE,
            now_ms=now_ms,
            base_url="https://up.example/asura/",
            detail={"added": 1},
        )
    )


async def test_news_of_a_monitor_have_the_shape_of_the_contract_without_an_incident(store: Store) -> None:
    await add(store, "ops")

    assert await tell_news(store) == 1

    [told] = await history(store)
    assert (told.incident_id, told.monitor_id) == (None, 3)
    assert told.message.event == "content.changed"
    assert told.message.monitor is not None
    assert told.message.monitor["url"] == "https://up.example/asura/monitors/3"
    assert told.message.monitor["target"] == "https://shop.example/health?key=1"
    assert (told.message.incident, told.message.evidence, told.message.detail) == (None, [], {"added": 1})


async def test_news_go_to_the_channels_that_ask_for_them_and_that_the_monitor_names(store: Store) -> None:
    await add(store, "incidents only", events=("incident.created",))
    asking, every = await add(store, "asking", events=("content.changed",)), await add(store, "every")
    await add(store, "off", enabled=False)

    assert await tell_news(store) == 2
    assert await tell_news(store, monitor=attrs.evolve(MONITOR, notification_channel_ids=(every.id,))) == 1

    assert [each.channel_id for each in await history(store)] == [asking.id, every.id, every.id]


async def test_news_wait_for_nothing_and_can_be_sent_again(store: Store) -> None:
    ops = await add(store, "ops")
    await announce(store, EventName.CREATED)
    await tell_news(store)
    await tell_news(store, now_ms=101)

    due = await store.read(lambda c: deliveries.due(c, ops.id, now_ms=9999, limit=9))
    assert [each.incident_id for each in due] == [7, None, None]
    await store.write(lambda c: deliveries.failed(c, due[1].id, error="gone", status_code=410, now_ms=200))
    again = await store.write(lambda c: deliveries.send_again(c, due[1].id, now_ms=300))
    assert (again.message, again.next_attempt_at) == (due[1].message, 300)


async def test_what_is_queued_of_an_incident_can_be_dropped(store: Store) -> None:
    await add(store, "ops")
    await announce(store, EventName.CREATED)
    await announce(store, EventName.REMINDER)

    dropped = await store.write(lambda c: routing.drop_queued(c, 7, events=(EventName.REMINDER,), now_ms=200))
    assert dropped == 1
    assert await store.write(lambda c: routing.drop_queued(c, 7, now_ms=200)) == 1


async def test_a_rolled_back_decision_tells_nobody(store: Store) -> None:
    await add(store, "ops")

    def fail(conn: object) -> None:
        routing.announce(
            conn,  # type: ignore[arg-type]
            event=EventName.CREATED,
            monitor=MONITOR,
            state=STATE,
            incident=OPEN,
            now_ms=1,
            base_url="",
        )
        raise RuntimeError("killed here")

    with store.hub.subscribe("outbox.queued") as news:
        with pytest.raises(RuntimeError):
            await store.write(fail)
        assert news.take() == []
    assert await history(store) == []


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("https://u:p@h.example/x", "https://h.example/x"),
        ("https://u@h.example:8443", "https://h.example:8443"),
        ("https://u:p@w@h.example/", "https://h.example/"),
        ("https://h.example/a@b?c=d@e", "https://h.example/a@b?c=d@e"),
        ("db.example:5432", "db.example:5432"),
        ("", ""),
    ],
)
def test_credentials_in_a_target_are_not_told(target: str, shown: str) -> None:
    assert without_credentials(target) == shown
