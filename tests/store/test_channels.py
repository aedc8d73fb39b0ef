import attrs
import pytest

from asura.errors import Conflict, NotFound
from asura.ids import ChannelId, MonitorId
from asura.model.monitor import Monitor
from asura.model.notification import Channel, DeliveryStatus, Message
from asura.store import channels, deliveries, monitors
from asura.store.database import Store

MESSAGE = Message(event="incident.created", at=1, monitor=None, incident=None)


def new(name: str, **fields: object) -> Channel:
    return Channel(id=ChannelId(0), name=name, type="webhook", **fields)  # type: ignore[arg-type]


async def add(store: Store, name: str, **fields: object) -> Channel:
    return await store.write(lambda c: channels.insert(c, new(name, **fields), now_ms=100))


async def test_a_channel_reads_back_as_it_was_written(store: Store) -> None:
    added = await add(store, "ops", settings={"url": "http://x/", "secret": "s"}, events=("incident.created",))

    assert added.id > 0
    assert (added.created_at, added.updated_at) == (100, 100)
    assert await store.read(lambda c: channels.get(c, added.id)) == added


async def test_a_name_is_taken_only_once(store: Store) -> None:
    ops, dev = await add(store, "ops"), await add(store, "dev")

    with pytest.raises(Conflict, match="“ops” exists already"):
        await add(store, "ops")
    with pytest.raises(Conflict, match="“ops” exists already"):
        await store.write(lambda c: channels.replace(c, attrs.evolve(dev, name="ops"), now_ms=200))
    await store.write(lambda c: channels.replace(c, ops, now_ms=200))


async def test_replacing_keeps_the_time_of_creation(store: Store) -> None:
    ops = await add(store, "ops")

    replaced = await store.write(
        lambda c: channels.replace(c, attrs.evolve(ops, name="night", created_at=0), now_ms=200)
    )

    assert (replaced.name, replaced.created_at, replaced.updated_at) == ("night", 100, 200)
    assert await store.read(lambda c: channels.get(c, ops.id)) == replaced


async def test_what_is_missing_is_said(store: Store) -> None:
    ghost = attrs.evolve(new("ghost"), id=ChannelId(7))

    assert await store.read(lambda c: channels.find(c, 7)) is None
    for act in (
        lambda c: channels.get(c, 7),
        lambda c: channels.delete(c, 7),
        lambda c: channels.replace(c, ghost, now_ms=1),
    ):
        with pytest.raises(NotFound, match="no channel 7"):
            await store.write(act)


async def test_a_channel_that_monitors_name_is_not_deleted(store: Store) -> None:
    ops, dev = await add(store, "ops"), await add(store, "dev")
    for number in range(7):
        monitor = Monitor(
            id=MonitorId(0), name=f"m{number}", type="http", target="http://x/", notification_channel_ids=(ops.id,)
        )
        await store.write(lambda c, monitor=monitor: monitors.insert(c, monitor))

    with pytest.raises(Conflict, match="still referenced by “m0”, “m1”, “m2”, “m3”, “m4” and 2 more"):
        await store.write(lambda c: channels.delete(c, ops.id))
    await store.write(lambda c: channels.delete(c, dev.id))

    assert [each.name for each in await store.read(lambda c: channels.page(c, limit=9))] == ["ops"]


async def test_deleting_a_channel_takes_its_deliveries_along(store: Store) -> None:
    ops = await add(store, "ops")
    await store.write(lambda c: deliveries.enqueue(c, ops.id, MESSAGE, incident_id=1, monitor_id=1, now_ms=1))

    await store.write(lambda c: channels.delete(c, ops.id))

    assert await store.read(lambda c: deliveries.count(c, deliveries.Wanted())) == 0


async def test_disabling_a_channel_drops_what_waits_for_it(store: Store) -> None:
    ops = await add(store, "ops")
    for _ in range(2):
        await store.write(lambda c: deliveries.enqueue(c, ops.id, MESSAGE, incident_id=1, monitor_id=1, now_ms=1))

    await store.write(lambda c: channels.replace(c, attrs.evolve(ops, enabled=False), now_ms=50))

    history = await store.read(lambda c: deliveries.page(c, deliveries.Wanted(), limit=9))
    assert [(each.status, each.last_error, each.finished_at) for each in history] == [
        (DeliveryStatus.DROPPED, "the channel was disabled", 50)
    ] * 2
    assert await store.read(deliveries.waiting_channels) == []


async def test_editing_a_channel_tries_at_once_what_waits_for_another_attempt(store: Store) -> None:
    ops = await add(store, "ops")
    queued = await store.write(lambda c: deliveries.enqueue(c, ops.id, MESSAGE, incident_id=1, monitor_id=1, now_ms=1))
    await store.write(lambda c: deliveries.retry_at(c, queued.id, 9_000, error="no", status_code=None))

    await store.write(lambda c: channels.replace(c, ops, now_ms=50))

    assert (await store.read(lambda c: deliveries.get(c, queued.id))).next_attempt_at == 50


async def test_lists_are_in_order_and_complete(store: Store) -> None:
    names = ["b", "c", "a"]
    added = {name: await add(store, name, enabled=name != "c") for name in names}

    assert [each.name for each in await store.read(lambda c: channels.page(c, limit=2))] == ["a", "b"]
    assert [each.name for each in await store.read(lambda c: channels.page(c, limit=2, offset=2))] == ["c"]
    assert await store.read(channels.count) == 3
    assert [each.name for each in await store.read(channels.all_enabled)] == ["b", "a"]
    wanted = [added["a"].id, 999, added["c"].id]
    assert [each.name for each in await store.read(lambda c: channels.by_ids(c, wanted))] == ["c", "a"]


async def test_every_change_is_told(store: Store) -> None:
    with store.hub.subscribe("channel.changed") as news:
        ops = await add(store, "ops")
        await store.write(lambda c: channels.replace(c, ops, now_ms=2))
        await store.write(lambda c: channels.delete(c, ops.id))

        assert [event.id for event in news.take()] == [ops.id] * 3
