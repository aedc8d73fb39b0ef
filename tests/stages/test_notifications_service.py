"""The dispatcher against real receivers, a real store and the real clock: nothing here depends on how fast it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.testing

from asura.clock import SystemClock
from asura.ids import ChannelId
from asura.model.notification import Channel, Delivery, DeliveryStatus, Message
from asura.netguard import Guard
from asura.notifications import rules, service
from asura.store import channels, deliveries
from asura.store.database import Conn, Store
from tests.fakes.receiver import Answer, Receiver, hang, open_receiver

SECRET = "geheim"
LIMIT_S = 30.0
GUARD = Guard(allow_private=True)


def new_outbox(store: Store) -> service.Outbox:
    return attrs.evolve(service.new_outbox(store, SystemClock(), guard=lambda: GUARD), chance=lambda: 0.0)


@asynccontextmanager
async def dispatching(store: Store, *, stopping: trio.Event | None = None) -> AsyncIterator[trio.CancelScope]:
    """A running dispatcher; leaving cancels it as a kill would, without waiting for anything."""
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[None]) -> None:
            await service.dispatch(new_outbox(store), stopping=stopping or trio.Event(), task_status=task_status)

        await nursery.start(run)
        try:
            yield nursery.cancel_scope
        finally:
            nursery.cancel_scope.cancel()


async def add(store: Store, name: str, url: str, *, secret: str = "", **fields: object) -> Channel:
    channel = Channel(
        id=ChannelId(0),
        name=name,
        type="webhook",
        settings={"url": url, "secret": secret},
        **fields,  # type: ignore[arg-type]
    )
    return await store.write(lambda c: channels.insert(c, channel, now_ms=SystemClock().now_ms()))


async def queue(store: Store, channel: Channel, *events: str, incident: int | None = 1) -> list[Delivery]:
    def put(conn: Conn) -> list[Delivery]:
        return [
            deliveries.enqueue(
                conn,
                channel.id,
                Message(event=event, at=1, monitor=None, incident={"id": incident}),
                incident_id=incident,
                monitor_id=1,
                now_ms=SystemClock().now_ms(),
            )
            for event in events
        ]

    return await store.write(put)


async def finished(store: Store, count: int) -> list[Delivery]:
    """The history, oldest first, once `count` deliveries have their end."""
    with store.hub.subscribe("delivery.finished") as news, trio.fail_after(LIMIT_S):
        while True:
            history = await store.read(lambda c: deliveries.page(c, deliveries.Wanted(), limit=5000))
            if sum(each.finished_at is not None for each in history) >= count:
                return history[::-1]
            await news.wait()


async def test_what_is_queued_arrives_signed_and_is_recorded(store: Store) -> None:
    async with open_receiver(secret=SECRET) as receiver, dispatching(store):
        channel = await add(store, "ops", receiver.url, secret=SECRET)
        (queued,) = await queue(store, channel, "incident.created")

        (found,) = await finished(store, 1)

    assert (found.status, found.attempts, found.last_status_code) == (DeliveryStatus.DELIVERED, 1, 200)
    assert receiver.keys == [queued.key] == [receiver.received[0].document["delivery"]]
    assert receiver.wrongly_signed == []


async def test_what_was_queued_before_the_start_is_delivered(store: Store) -> None:
    async with open_receiver() as receiver:
        channel = await add(store, "ops", receiver.url)
        await queue(store, channel, "incident.created")
        async with dispatching(store):
            await receiver.wait_for(1)


async def test_a_wrong_secret_is_refused_by_the_receiver_and_given_up(store: Store) -> None:
    async with open_receiver(secret=SECRET) as receiver, dispatching(store):
        channel = await add(store, "ops", receiver.url, secret="other")
        await queue(store, channel, "incident.created")

        (found,) = await finished(store, 1)

    assert (found.status, found.last_status_code) == (DeliveryStatus.FAILED, 401)
    assert found.last_error == "answered 401: wrong signature"
    assert len(receiver.wrongly_signed) == 1


async def test_a_later_message_waits_for_the_earlier_of_its_incident(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        channel = await add(store, "ops", receiver.url)
        await prove(store, receiver, channel)
        held = hang()
        receiver.answers.append(held)
        await queue(store, channel, "incident.created", "incident.resolved", incident=1)
        await receiver.wait_for(2)
        await queue(store, channel, "incident.created", incident=2)
        await finished(store, 2)
        assert receiver.events[1:] == ["incident.created", "incident.created"]

        assert held.hold is not None
        held.hold.set()
        await finished(store, 4)

    assert receiver.events[1:] == ["incident.created", "incident.created", "incident.resolved"]
    assert receiver.received[3].document["incident"]["id"] == 1


async def prove(store: Store, receiver: Receiver, channel: Channel) -> None:
    """Let the channel answer once, so that it is trusted with all its lanes."""
    await queue(store, channel, "incident.reminder", incident=None)
    await finished(store, 1)
    assert len(receiver.received) == 1


async def test_a_failed_attempt_is_made_again_with_the_same_key_and_body(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        receiver.answers.append(Answer(status=503))
        channel = await add(store, "ops", receiver.url)
        await queue(store, channel, "incident.created", "incident.resolved")

        first, second = await finished(store, 2)

    assert receiver.events == ["incident.created", "incident.created", "incident.resolved"]
    assert receiver.received[0].key == receiver.received[1].key == first.key
    assert receiver.received[0].body == receiver.received[1].body
    assert (first.attempts, second.attempts) == (2, 1)


async def test_a_message_refused_for_good_lets_the_next_go(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        receiver.answers.append(Answer(status=422))
        channel = await add(store, "ops", receiver.url)
        await queue(store, channel, "incident.created", "incident.resolved")

        first, second = await finished(store, 2)

    assert (first.status, second.status) == (DeliveryStatus.FAILED, DeliveryStatus.DELIVERED)


async def test_a_hanging_receiver_delays_no_other_channel(store: Store) -> None:
    async with open_receiver() as slow, open_receiver() as fast, dispatching(store):
        slow.otherwise = hang()
        hanging = [await add(store, f"slow {n}", slow.url) for n in range(10)]
        ops = await add(store, "ops", fast.url)
        for channel in hanging:
            for incident in range(5):
                await queue(store, channel, "incident.created", incident=incident)
        await slow.wait_for(10)

        for incident in range(20):
            await queue(store, ops, "incident.created", "incident.resolved", incident=incident)
        history = await finished(store, 40)

        delivered = [each for each in history if each.status == DeliveryStatus.DELIVERED]
        assert {each.channel_id for each in delivered} == {ops.id}
        assert len(slow.received) == 10  # one place each, however much is queued


async def test_a_channel_that_answers_is_given_several_lanes_and_no_more(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        channel = await add(store, "ops", receiver.url)
        await prove(store, receiver, channel)
        receiver.otherwise = hang()
        for incident in range(rules.LANES + 3):
            await queue(store, channel, "incident.created", incident=incident)
        await receiver.wait_for(1 + rules.LANES)
        await trio.testing.wait_all_tasks_blocked(0.1)

        assert len(receiver.received) == 1 + rules.LANES


async def test_a_kill_between_sending_and_recording_sends_again_with_the_same_key(store: Store) -> None:
    async with open_receiver() as receiver:
        receiver.answers.append(hang())
        channel = await add(store, "ops", receiver.url)
        (queued,) = await queue(store, channel, "incident.created")
        async with dispatching(store):
            await receiver.wait_for(1)
        before = await store.read(lambda c: deliveries.get(c, queued.id))
        assert (before.status, before.attempts) == (DeliveryStatus.QUEUED, 0)

        async with dispatching(store):
            (found,) = await finished(store, 1)

    assert receiver.keys == [queued.key, queued.key]
    assert found.status == DeliveryStatus.DELIVERED


async def test_stopping_lets_what_is_running_finish_and_starts_nothing(store: Store) -> None:
    async with open_receiver() as receiver:
        held = hang()
        receiver.answers.append(held)
        channel = await add(store, "ops", receiver.url)
        first, second = await queue(store, channel, "incident.created", "incident.resolved")
        stopping = trio.Event()
        with trio.fail_after(LIMIT_S):
            async with trio.open_nursery() as nursery:

                async def run() -> None:
                    await service.dispatch(new_outbox(store), stopping=stopping)

                nursery.start_soon(run)
                await receiver.wait_for(1)
                stopping.set()
                assert held.hold is not None
                held.hold.set()

        assert (await store.read(lambda c: deliveries.get(c, first.id))).status == DeliveryStatus.DELIVERED
        assert (await store.read(lambda c: deliveries.get(c, second.id))).status == DeliveryStatus.QUEUED
        assert len(receiver.received) == 1


async def test_a_message_dropped_while_it_is_sent_does_not_overtake(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        channel = await add(store, "ops", receiver.url)
        await prove(store, receiver, channel)
        held = hang()
        receiver.answers.append(held)
        await queue(store, channel, "incident.reminder", "incident.resolved")
        await receiver.wait_for(2)
        await store.write(
            lambda c: deliveries.drop_queued(
                c, 1, events=("incident.reminder",), reason="over", now_ms=SystemClock().now_ms()
            )
        )
        await queue(store, channel, "incident.created", incident=2)
        await receiver.wait_for(3)
        assert receiver.events[2] == "incident.created"

        assert held.hold is not None
        held.hold.set()
        await receiver.wait_for(4)
        history = await finished(store, 4)

    assert receiver.events[3] == "incident.resolved"
    assert {each.status for each in history} == {DeliveryStatus.DELIVERED}


async def test_a_channel_disabled_midway_gets_nothing_more(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        held = hang()
        receiver.answers.append(held)
        channel = await add(store, "ops", receiver.url)
        await queue(store, channel, "incident.created", "incident.resolved")
        await receiver.wait_for(1)
        await store.write(lambda c: channels.replace(c, attrs.evolve(channel, enabled=False), now_ms=1))
        assert held.hold is not None
        held.hold.set()

        with store.hub.subscribe("delivery.finished") as news:
            await news.wait()
        first, second = await finished(store, 2)

    assert (first.status, second.status) == (DeliveryStatus.DELIVERED, DeliveryStatus.DROPPED)
    assert second.last_error == "the channel was disabled"


async def test_a_channel_deleted_midway_troubles_nobody(store: Store) -> None:
    async with open_receiver() as receiver, open_receiver() as other, dispatching(store):
        held = hang()
        receiver.answers.append(held)
        channel = await add(store, "ops", receiver.url)
        await queue(store, channel, "incident.created", "incident.resolved")
        await receiver.wait_for(1)
        await store.write(lambda c: channels.delete(c, channel.id))
        assert held.hold is not None
        held.hold.set()

        dev = await add(store, "dev", other.url)
        await queue(store, dev, "incident.created")
        await other.wait_for(1)
        await finished(store, 1)


async def test_an_edited_address_is_tried_at_once(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        receiver.answers.append(Answer(status=503, headers={"Retry-After": "3000"}))
        channel = await add(store, "ops", receiver.url)
        (queued,) = await queue(store, channel, "incident.created")
        await receiver.wait_for(1)
        with trio.fail_after(LIMIT_S):
            while not (await store.read(lambda c: deliveries.get(c, queued.id))).attempts:
                await trio.testing.wait_all_tasks_blocked(0.01)

        await store.write(
            lambda c: channels.replace(
                c, attrs.evolve(channel, settings={"url": receiver.url + "/new"}), now_ms=SystemClock().now_ms()
            )
        )
        await finished(store, 1)

    assert [each.path for each in receiver.received] == ["/hook", "/hook/new"]


@pytest.mark.parametrize("enabled", [True, False])
async def test_a_test_is_sent_at_once_and_stands_in_the_history(store: Store, enabled: bool) -> None:
    async with open_receiver(secret=SECRET) as receiver:
        channel = await add(store, "ops", receiver.url, secret=SECRET, enabled=enabled)

        verdict = await service.send_test(new_outbox(store), channel)

    assert (verdict.ok, verdict.status_code, verdict.message) == (True, 200, "answered 200")
    document = receiver.received[0].document
    assert (document["event"], document["monitor"], document["incident"]) == ("test", None, None)
    assert "“ops”" in document["detail"]["message"]
    (found,) = await finished(store, 1)
    assert (found.status, found.message.event, found.key) == (DeliveryStatus.DELIVERED, "test", receiver.keys[0])


async def test_a_test_that_fails_says_why_and_is_not_repeated(store: Store) -> None:
    async with open_receiver() as receiver, dispatching(store):
        receiver.otherwise = Answer(status=500, body=b"database is away")
        channel = await add(store, "ops", receiver.url)

        verdict = await service.send_test(new_outbox(store), channel)
        (found,) = await finished(store, 1)

    assert (verdict.ok, verdict.status_code, verdict.message) == (False, 500, "answered 500: database is away")
    assert (found.status, found.last_error, found.attempts) == (
        DeliveryStatus.FAILED,
        "answered 500: database is away",
        1,
    )
    assert len(receiver.received) == 1


async def test_a_test_of_a_channel_that_was_just_deleted_is_only_answered(store: Store) -> None:
    async with open_receiver() as receiver:
        channel = await add(store, "ops", receiver.url)
        await store.write(lambda c: channels.delete(c, channel.id))

        assert (await service.send_test(new_outbox(store), channel)).ok
