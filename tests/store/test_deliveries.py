import attrs
import pytest

from asura.errors import Conflict, NotFound
from asura.ids import ChannelId, DeliveryId
from asura.model.notification import Channel, Delivery, DeliveryStatus, Message
from asura.store import channels, deliveries
from asura.store.database import Conn, Store
from asura.store.deliveries import Wanted

MESSAGE = Message(
    event="incident.created",
    at=5,
    monitor={"id": 1, "name": "shop", "zebra": 1, "apple": 2},
    incident={"id": 7},
    evidence=[{"region": "local"}],
    detail={"by": "ann"},
)


@pytest.fixture
async def ops(store: Store) -> int:
    return await add_channel(store, "ops")


async def add_channel(store: Store, name: str) -> int:
    channel = Channel(id=ChannelId(0), name=name, type="webhook")
    return (await store.write(lambda c: channels.insert(c, channel, now_ms=0))).id


async def put(
    store: Store, channel_id: int, *, incident: int | None = 7, event: str = "incident.created", now_ms: int = 10
) -> Delivery:
    message = attrs.evolve(MESSAGE, event=event)
    return await store.write(
        lambda c: deliveries.enqueue(c, channel_id, message, incident_id=incident, monitor_id=1, now_ms=now_ms)
    )


async def due(store: Store, channel_id: int, *, now_ms: int = 1000, running: tuple[int, ...] = ()) -> list[int]:
    found = await store.read(lambda c: deliveries.due(c, channel_id, now_ms=now_ms, limit=9, running=running))
    return [each.id for each in found]


async def test_a_delivery_reads_back_as_it_was_queued(store: Store, ops: int) -> None:
    queued = await put(store, ops)

    found = await store.read(lambda c: deliveries.get(c, queued.id))

    assert found == queued
    assert (found.message, found.status, found.next_attempt_at) == (MESSAGE, DeliveryStatus.QUEUED, 10)
    assert list(found.message.monitor or ()) == ["id", "name", "zebra", "apple"]


async def test_keys_differ(store: Store, ops: int) -> None:
    assert len({(await put(store, ops)).key for _ in range(5)}) == 5


async def test_only_the_first_of_a_lane_is_due(store: Store, ops: int) -> None:
    first, _second = await put(store, ops), await put(store, ops)
    other = await put(store, ops, incident=8)

    assert await due(store, ops) == [first.id, other.id]
    assert await due(store, ops, running=(first.id,)) == [other.id]
    assert await due(store, ops, now_ms=9) == []


async def test_channels_have_lanes_of_their_own(store: Store, ops: int) -> None:
    dev = await add_channel(store, "dev")
    first, second = await put(store, ops), await put(store, dev)

    assert (await due(store, ops), await due(store, dev)) == ([first.id], [second.id])
    assert await store.read(deliveries.waiting_channels) == [ops, dev]


async def test_what_belongs_to_no_incident_waits_for_nothing(store: Store, ops: int) -> None:
    first, second = await put(store, ops, incident=None), await put(store, ops, incident=None)

    assert await due(store, ops) == [first.id, second.id]


async def test_a_success_moves_the_lane_on(store: Store, ops: int) -> None:
    first, second = await put(store, ops), await put(store, ops)

    await store.write(lambda c: deliveries.delivered(c, first.id, status_code=204, now_ms=50))

    done = await store.read(lambda c: deliveries.get(c, first.id))
    assert (done.status, done.attempts, done.finished_at, done.next_attempt_at, done.last_status_code) == (
        DeliveryStatus.DELIVERED,
        1,
        50,
        None,
        204,
    )
    assert await due(store, ops) == [second.id]
    assert (await store.read(lambda c: deliveries.get(c, second.id))).next_attempt_at == 50


async def test_a_failure_for_good_moves_the_lane_on(store: Store, ops: int) -> None:
    first, second = await put(store, ops), await put(store, ops)

    await store.write(lambda c: deliveries.failed(c, first.id, error="gone", status_code=410, now_ms=50))

    done = await store.read(lambda c: deliveries.get(c, first.id))
    assert (done.status, done.last_error, done.last_status_code) == (DeliveryStatus.FAILED, "gone", 410)
    assert await due(store, ops) == [second.id]


async def test_a_postponed_delivery_keeps_its_lane_waiting(store: Store, ops: int) -> None:
    first, _second = await put(store, ops), await put(store, ops)

    await store.write(lambda c: deliveries.retry_at(c, first.id, 5000, error="busy", status_code=503))

    assert await due(store, ops) == []
    assert await store.read(lambda c: deliveries.next_due_at(c, ops, after_ms=1000)) == 5000
    assert await due(store, ops, now_ms=5000) == [first.id]
    found = await store.read(lambda c: deliveries.get(c, first.id))
    assert (found.attempts, found.last_error, found.last_status_code) == (1, "busy", 503)


async def test_nothing_is_next_when_nothing_is_queued(store: Store, ops: int) -> None:
    assert await store.read(lambda c: deliveries.next_due_at(c, ops, after_ms=0)) is None
    assert await store.read(deliveries.waiting_channels) == []


async def test_dropping_chosen_events_leaves_the_rest_in_order(store: Store, ops: int) -> None:
    first = await put(store, ops, event="incident.reminder")
    second = await put(store, ops, event="incident.resolved")
    other = await put(store, ops, event="incident.reminder", incident=8)

    dropped = await store.write(
        lambda c: deliveries.drop_queued(c, 7, events=("incident.reminder",), reason="over", now_ms=50)
    )

    assert dropped == 1
    found = await store.read(lambda c: deliveries.get(c, first.id))
    assert (found.status, found.last_error, found.finished_at, found.attempts) == (
        DeliveryStatus.DROPPED,
        "over",
        50,
        0,
    )
    assert sorted(await due(store, ops)) == [second.id, other.id]


async def test_dropping_all_of_an_incident_takes_every_channel(store: Store, ops: int) -> None:
    dev = await add_channel(store, "dev")
    for channel_id in (ops, ops, dev):
        await put(store, channel_id)

    assert await store.write(lambda c: deliveries.drop_queued(c, 7, reason="gone", now_ms=50)) == 3
    assert await store.read(deliveries.waiting_channels) == []


async def test_dropping_a_channels_queue_leaves_other_channels(store: Store, ops: int) -> None:
    dev = await add_channel(store, "dev")
    for channel_id in (ops, ops, dev):
        await put(store, channel_id)

    assert await store.write(lambda c: deliveries.drop_queued_of_channel(c, ops, reason="off", now_ms=50)) == 2
    assert await store.read(deliveries.waiting_channels) == [dev]


async def test_a_dropped_message_that_arrived_after_all_counts_as_delivered(store: Store, ops: int) -> None:
    first = await put(store, ops)
    await store.write(lambda c: deliveries.drop_queued(c, 7, reason="over", now_ms=50))

    await store.write(lambda c: deliveries.delivered(c, first.id, status_code=200, now_ms=60))

    found = await store.read(lambda c: deliveries.get(c, first.id))
    assert (found.status, found.last_error) == (DeliveryStatus.DELIVERED, None)


@pytest.mark.parametrize(
    "late",
    [
        lambda c, each: deliveries.retry_at(c, each, 99, error="late", status_code=None),
        lambda c, each: deliveries.failed(c, each, error="late", status_code=None, now_ms=99),
    ],
    ids=["postponed", "failed"],
)
async def test_a_dropped_message_stays_dropped_when_its_sending_fails(store: Store, ops: int, late: object) -> None:
    first = await put(store, ops)
    await store.write(lambda c: deliveries.drop_queued(c, 7, reason="over", now_ms=50))

    await store.write(lambda c: late(c, first.id))  # type: ignore[operator]

    found = await store.read(lambda c: deliveries.get(c, first.id))
    assert (found.status, found.last_error, found.next_attempt_at) == (DeliveryStatus.DROPPED, "over", None)


async def test_results_of_a_deleted_delivery_are_ignored(store: Store) -> None:
    await store.write(lambda c: deliveries.delivered(c, 99, status_code=200, now_ms=1))
    await store.write(lambda c: deliveries.failed(c, 99, error="x", status_code=None, now_ms=1))
    await store.write(lambda c: deliveries.retry_at(c, 99, 5, error="x", status_code=None))


async def test_a_clock_that_was_set_back_postpones_nothing_for_long(store: Store, ops: int) -> None:
    first = await put(store, ops)
    soon = await put(store, ops, incident=8)
    await store.write(lambda c: deliveries.retry_at(c, first.id, 9_000_000, error="x", status_code=None))

    assert await store.write(lambda c: deliveries.bring_forward(c, latest_ms=3_000)) == 1

    assert await due(store, ops, now_ms=3_000) == [soon.id, first.id]


async def test_hurrying_makes_what_waits_due_and_nothing_else(store: Store, ops: int) -> None:
    first, second = await put(store, ops), await put(store, ops)
    await store.write(lambda c: deliveries.retry_at(c, first.id, 9_000, error="x", status_code=None))

    assert await store.write(lambda c: deliveries.hurry(c, ops, now_ms=20)) == 1

    assert await due(store, ops, now_ms=20) == [first.id]
    assert (await store.read(lambda c: deliveries.get(c, second.id))).next_attempt_at is None


async def test_who_was_told_leaves_out_the_dropped(store: Store, ops: int) -> None:
    dev, night = await add_channel(store, "dev"), await add_channel(store, "night")
    first, second, _third = await put(store, ops), await put(store, dev), await put(store, night, incident=8)
    await store.write(lambda c: deliveries.failed(c, first.id, error="x", status_code=None, now_ms=1))
    assert await store.read(lambda c: deliveries.told_channels(c, 7)) == {ops, dev}

    await store.write(lambda c: deliveries.drop_queued_of_channel(c, dev, reason="off", now_ms=1))

    assert await store.read(lambda c: deliveries.told_channels(c, 7)) == {ops}
    assert second.id


async def test_the_history_is_newest_first_and_goes_on_from_any_row(store: Store, ops: int) -> None:
    ids = [(await put(store, ops)).id for _ in range(5)]

    def page(conn: Conn, **at: int) -> list[int]:
        return [each.id for each in deliveries.page(conn, Wanted(), limit=2, **at)]

    assert await store.read(page) == [ids[4], ids[3]]
    assert await store.read(lambda c: page(c, before=ids[3])) == [ids[2], ids[1]]
    assert await store.read(lambda c: page(c, offset=4)) == [ids[0]]


async def test_the_history_is_filtered_by_every_field(store: Store, ops: int) -> None:
    dev = await add_channel(store, "dev")
    first = await put(store, ops)
    second = await put(store, dev, incident=8, event="incident.resolved")
    await store.write(lambda c: deliveries.delivered(c, second.id, status_code=200, now_ms=9))
    cases = [
        (Wanted(channel_id=ops), [first.id]),
        (Wanted(incident_id=8), [second.id]),
        (Wanted(monitor_id=1), [second.id, first.id]),
        (Wanted(monitor_id=2), []),
        (Wanted(status="delivered"), [second.id]),
        (Wanted(event="incident.created"), [first.id]),
        (Wanted(channel_id=ops, status="delivered"), []),
    ]
    for wanted, expected in cases:
        found = await store.read(lambda c, wanted=wanted: deliveries.page(c, wanted, limit=9))
        assert [each.id for each in found] == expected
        assert await store.read(lambda c, wanted=wanted: deliveries.count(c, wanted)) == len(expected)


async def test_sending_again_is_a_new_delivery_at_the_end_of_its_lane(store: Store, ops: int) -> None:
    first = await put(store, ops)
    await store.write(lambda c: deliveries.failed(c, first.id, error="x", status_code=500, now_ms=20))
    second = await put(store, ops)

    again = await store.write(lambda c: deliveries.send_again(c, first.id, now_ms=90))

    assert (again.message, again.created_at, again.attempts) == (first.message, 90, 0)
    assert again.key != first.key
    assert await due(store, ops) == [second.id]
    assert (await store.read(lambda c: deliveries.get(c, first.id))).status == DeliveryStatus.FAILED


async def test_what_is_queued_or_has_no_enabled_channel_is_not_sent_again(store: Store, ops: int) -> None:
    first = await put(store, ops)
    with pytest.raises(Conflict, match="still queued"):
        await store.write(lambda c: deliveries.send_again(c, first.id, now_ms=90))
    channel = await store.read(lambda c: channels.get(c, ops))
    await store.write(lambda c: channels.replace(c, attrs.evolve(channel, enabled=False), now_ms=50))
    with pytest.raises(Conflict, match="disabled"):
        await store.write(lambda c: deliveries.send_again(c, first.id, now_ms=90))
    with pytest.raises(NotFound):
        await store.write(lambda c: deliveries.send_again(c, 99, now_ms=90))


async def test_what_was_sent_without_the_outbox_stands_in_the_history(store: Store, ops: int) -> None:
    test = Delivery(
        id=DeliveryId(0),
        key="k",
        channel_id=ChannelId(ops),
        incident_id=None,
        monitor_id=None,
        message=MESSAGE,
        status=DeliveryStatus.FAILED,
        attempts=1,
        finished_at=9,
        last_error="no",
    )

    added = await store.write(lambda c: deliveries.insert_finished(c, test))

    assert await store.read(lambda c: deliveries.get(c, added.id)) == added == attrs.evolve(test, id=added.id)
    assert await due(store, ops) == []


async def test_queueing_and_finishing_are_told(store: Store, ops: int) -> None:
    with store.hub.subscribe("outbox.queued", "delivery.finished") as news:
        first, second = await put(store, ops), await put(store, ops)
        assert [(event.kind, event.id) for event in news.take()] == [("outbox.queued", ops)] * 2

        await store.write(lambda c: deliveries.delivered(c, first.id, status_code=200, now_ms=9))
        assert [(event.kind, event.id) for event in news.take()] == [
            ("delivery.finished", first.id),
            ("outbox.queued", ops),
        ]

        await store.write(lambda c: deliveries.drop_queued(c, 7, reason="x", now_ms=9))
        assert [(event.kind, event.id) for event in news.take()] == [("delivery.finished", second.id)]
