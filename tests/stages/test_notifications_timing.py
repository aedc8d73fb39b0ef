"""The dispatcher on a mock clock, with a channel type whose every answer is written down beforehand."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import httpx
import pytest
import trio
from trio.testing import MockClock

from asura.channels.base import ChannelType, Env, SendReport
from asura.clock import TrioClock
from asura.errors import SendError, StoreError
from asura.ids import ChannelId
from asura.model.notification import Channel, Delivery, DeliveryStatus, Message
from asura.notifications import dispatcher, rules, sender, service
from asura.store import channels, deliveries
from asura.store.database import Conn, Store

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
PREFIX = "the channel type scripted failed with"


class Bug(Exception):
    """What nobody expects of a channel type."""


@attrs.frozen(kw_only=True)
class NoSettings:
    """A channel type that needs nothing."""


class Scripted:
    """A channel type that does as it is told: raise, hang, or take the message; `answers` first, then `otherwise`."""

    def __init__(self) -> None:
        self.answers: deque[Exception | float | None] = deque()
        self.otherwise: Exception | float | None = None
        self.sent: list[tuple[float, str, str]] = []
        self.most_at_once = 0
        self._at_once = 0

    async def send(self, settings: NoSettings, message: Message, key: str, env: Env) -> SendReport:
        """Note the time in seconds since the start, the event and the key."""
        self.sent.append((round(trio.current_time() - START_S, 3), message.event, key))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer = self.answers.popleft() if self.answers else self.otherwise
            if isinstance(answer, Exception):
                raise answer
            await trio.sleep(answer or 0)
        finally:
            self._at_once -= 1
        return SendReport(message="taken", status_code=200)

    @property
    def times(self) -> list[float]:
        """When something was sent, in seconds since the start."""
        return [at for at, _, _ in self.sent]


START_S = 0.0


@pytest.fixture
async def scripted(autojump_clock: MockClock) -> Scripted:
    global START_S
    START_S = trio.current_time()
    return Scripted()


def no_client() -> httpx.AsyncClient:
    raise AssertionError("nothing here may connect")


def new_outbox(store: Store, clock: TrioClock, scripted: Scripted, *, chance: float = 0.5) -> service.Outbox:
    kind = ChannelType(name="scripted", settings=NoSettings, hosts=lambda _: {}, send=scripted.send)
    return service.Outbox(
        store=store,
        clock=clock,
        sender=sender.Sender(env=Env(clock=clock, open_client=no_client), types={"scripted": kind}),
        chance=lambda: chance,
    )


@asynccontextmanager
async def dispatching(outbox: service.Outbox) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[None]) -> None:
            await service.dispatch(outbox, stopping=trio.Event(), task_status=task_status)

        await nursery.start(run)
        try:
            yield
        finally:
            nursery.cancel_scope.cancel()


async def add(store: Store, name: str = "ops", kind: str = "scripted") -> Channel:
    channel = Channel(id=ChannelId(0), name=name, type=kind)
    return await store.write(lambda c: channels.insert(c, channel, now_ms=0))


async def queue(
    store: Store, channel: Channel, clock: TrioClock, event: str = "incident.created", *, incident: int | None = 1
) -> Delivery:
    message = Message(event=event, at=1, monitor=None, incident=None)
    return await store.write(
        lambda c: deliveries.enqueue(c, channel.id, message, incident_id=incident, monitor_id=1, now_ms=clock.now_ms())
    )


async def history(store: Store) -> list[Delivery]:
    return (await store.read(lambda c: deliveries.page(c, deliveries.Wanted(), limit=5000)))[::-1]


async def test_waits_grow_from_seconds_to_ten_minutes(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.answers.extend([SendError("busy")] * 10)
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, channel, clock)
        await trio.sleep(HOUR_S)

    waits = [round(later - earlier, 1) for earlier, later in zip(scripted.times, scripted.times[1:], strict=False)]
    assert waits == [2.5, 5, 10, 20, 40, 80, 160, 300, 300, 300]
    (found,) = await history(inline_store)
    assert (found.status, found.attempts) == (DeliveryStatus.DELIVERED, 11)
    assert len({key for _, _, key in scripted.sent}) == 1


async def test_after_a_day_it_is_given_up_and_the_next_gets_its_turn(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.otherwise = SendError("answered 503: away", status_code=503)
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted, chance=0.999)):
        await queue(inline_store, channel, clock)
        await queue(inline_store, channel, clock, "incident.resolved")
        await trio.sleep(DAY_S + HOUR_S)

    created, resolved = await history(inline_store)
    assert created.status == DeliveryStatus.FAILED
    assert created.last_error == f"given up after {created.attempts} attempts: answered 503: away"
    assert created.last_status_code == 503
    assert created.finished_at is not None
    assert DAY_S - 600 <= (created.finished_at - created.created_at) / 1000 <= DAY_S
    assert (resolved.status, resolved.last_error) == (
        DeliveryStatus.FAILED,
        "given up after 1 attempt: answered 503: away",
    ) or resolved.attempts > 1
    events = [event for _, event, _ in scripted.sent]
    assert events == ["incident.created"] * created.attempts + ["incident.resolved"] * resolved.attempts


async def test_retry_after_is_honoured_and_holds_the_whole_channel(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.answers.append(SendError("answered 429", retry_after_s=120, status_code=429))
    channel, other = await add(inline_store), await add(inline_store, "other")
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, channel, clock)
        await trio.sleep(10)
        await queue(inline_store, channel, clock, incident=2)
        await queue(inline_store, other, clock, "incident.reminder", incident=3)
        await trio.sleep(HOUR_S)

    assert [(at, event) for at, event, _ in scripted.sent] == [
        (0, "incident.created"),
        (10, "incident.reminder"),
        (120, "incident.created"),
        (120, "incident.created"),
    ]


async def test_a_retry_after_of_a_week_is_cut_to_an_hour(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.answers.append(SendError("answered 503", retry_after_s=7 * DAY_S))
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, channel, clock)
        await trio.sleep(2 * HOUR_S)

    assert scripted.times == [0, HOUR_S]


async def test_editing_the_channel_ends_its_pause(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.answers.append(SendError("answered 429", retry_after_s=3000))
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, channel, clock)
        await trio.sleep(10)
        await inline_store.write(lambda c: channels.replace(c, channel, now_ms=clock.now_ms()))
        await trio.sleep(10)

    assert scripted.times == [0, 10]


async def test_each_attempt_has_a_deadline(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.answers.append(DAY_S)
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        queued = await queue(inline_store, channel, clock)
        await trio.sleep(11)
        found = await inline_store.read(lambda c: deliveries.get(c, queued.id))
        assert (found.attempts, found.last_error) == (1, "no answer within 10 s")
        await trio.sleep(60)

    assert scripted.times == [0, 12.5]


@pytest.mark.parametrize(
    "bug",
    [Bug("oops"), ExceptionGroup("several", [Bug("a"), Bug("b")]), TypeError("not even ours")],
    ids=["plain", "group", "type error"],
)
async def test_a_crash_in_a_channel_type_costs_one_attempt(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock, bug: Exception
) -> None:
    scripted.answers.append(bug)
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        queued = await queue(inline_store, channel, clock)
        await trio.sleep(1)
        found = await inline_store.read(lambda c: deliveries.get(c, queued.id))
        assert found.status == DeliveryStatus.QUEUED
        assert found.last_error == f"{PREFIX} {type(bug).__name__}; the log has the details"
        await trio.sleep(60)

    assert [each.status for each in await history(inline_store)] == [DeliveryStatus.DELIVERED]


async def test_a_crash_while_cancelled_does_not_swallow_the_cancellation(
    autojump_clock: MockClock, inline_store: Store, clock: TrioClock, scripted: Scripted
) -> None:
    async def crash_on_the_way_out(settings: object, message: Message, key: str, env: Env) -> SendReport:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise Bug("in cleanup")

    scripted.send = crash_on_the_way_out  # type: ignore[method-assign]
    channel = await add(inline_store)
    with trio.move_on_after(5) as scope:
        async with dispatching(new_outbox(inline_store, clock, scripted)):
            await queue(inline_store, channel, clock)
            await trio.sleep(HOUR_S)
    assert scope.cancelled_caught


async def test_what_can_never_be_sent_is_failed_at_once(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    unknown = await add(inline_store, "pigeon", kind="pigeon")
    channel = await add(inline_store)
    broken = attrs.evolve(channel, settings={"colour": "red"})
    await inline_store.write(lambda c: channels.replace(c, broken, now_ms=0))
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, unknown, clock)
        await queue(inline_store, channel, clock)
        await trio.sleep(1)

    assert [(each.status, each.last_error) for each in await history(inline_store)] == [
        (DeliveryStatus.FAILED, "this version has no channels of the type pigeon"),
        (DeliveryStatus.FAILED, "the channel must be edited: settings.colour: unknown field"),
    ]
    assert scripted.sent == []


async def test_a_channel_that_fails_is_tried_in_one_lane_until_it_answers(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.otherwise = DAY_S
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        for incident in range(20):
            await queue(inline_store, channel, clock, incident=incident)
        await trio.sleep(100)
        assert scripted.most_at_once == 1

        scripted.otherwise = 5.0
        await trio.sleep(HOUR_S)

    assert scripted.most_at_once == rules.LANES
    assert {each.status for each in await history(inline_store)} == {DeliveryStatus.DELIVERED}


async def test_all_sends_together_have_a_limit(
    autojump_clock: MockClock,
    scripted: Scripted,
    inline_store: Store,
    clock: TrioClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatcher, "MAX_RUNNING", 7)
    scripted.otherwise = 5.0
    many = [await add(inline_store, f"c{number}") for number in range(12)]
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        for channel in many:
            for incident in range(3):
                await queue(inline_store, channel, clock, incident=incident)
        await trio.sleep(HOUR_S)

    assert scripted.most_at_once == 7
    assert {each.status for each in await history(inline_store)} == {DeliveryStatus.DELIVERED}


async def test_a_restart_keeps_the_timers(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.answers.append(SendError("busy", retry_after_s=100))
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, channel, clock)
        await trio.sleep(10)
    await trio.sleep(20)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await trio.sleep(200)

    assert scripted.times == [0, 100]


async def test_timers_of_a_clock_that_was_set_back_hold_for_an_hour_at_most(
    autojump_clock: MockClock, scripted: Scripted, inline_store: Store, clock: TrioClock
) -> None:
    scripted.answers.append(SendError("busy", retry_after_s=100))
    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, channel, clock)
        await trio.sleep(10)
        clock._start_ms -= 10 * 24 * 3600 * 1000
        await trio.sleep(2 * HOUR_S)

    assert len(scripted.times) == 2
    assert scripted.times[1] <= HOUR_S + 2 * dispatcher.LONGEST_SLEEP_S


async def test_a_result_that_cannot_be_recorded_is_recorded_later_and_not_sent_again(
    autojump_clock: MockClock,
    scripted: Scripted,
    inline_store: Store,
    clock: TrioClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = await add(inline_store)
    write = inline_store.write
    full = trio.Event()

    async def no_room(fn: Callable[[Conn], None]) -> None:
        if not full.is_set():
            raise StoreError("disk full")
        await write(fn)

    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await queue(inline_store, channel, clock)
        monkeypatch.setattr(inline_store, "write", no_room)
        await trio.sleep(100)
        full.set()
        await trio.sleep(10)

    assert scripted.times == [0]
    assert [each.status for each in await history(inline_store)] == [DeliveryStatus.DELIVERED]


async def test_a_store_that_can_not_be_read_is_waited_for(
    autojump_clock: MockClock,
    scripted: Scripted,
    inline_store: Store,
    clock: TrioClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_answer(_: object) -> None:
        raise StoreError("the disk failed while it was read")

    channel = await add(inline_store)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        with monkeypatch.context() as patched:
            patched.setattr(inline_store, "read", no_answer)
            await queue(inline_store, channel, clock)
            await trio.sleep(100)
        await trio.sleep(dispatcher.RECORD_AGAIN_S + 1)

    assert len(scripted.times) == 1


async def test_an_idle_outbox_hardly_looks(
    autojump_clock: MockClock,
    scripted: Scripted,
    inline_store: Store,
    clock: TrioClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[float] = []
    read = inline_store.read

    async def counted(fn: Callable[[Conn], object]) -> object:
        looks.append(trio.current_time())
        return await read(fn)

    monkeypatch.setattr(inline_store, "read", counted)
    async with dispatching(new_outbox(inline_store, clock, scripted)):
        await trio.sleep(HOUR_S)

    assert len(looks) <= 1 + HOUR_S / dispatcher.LONGEST_SLEEP_S
