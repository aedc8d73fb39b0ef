"""The dispatcher's one loop: starts what is due, records what became of it, and decides nothing.

The rows are the timers (`store.deliveries`), and nothing is claimed in them: this is the only process, so what is
running stands in memory. If it is killed between sending and recording, the row is still due and is sent again with
the same key.
"""

import random
from collections.abc import Callable, Collection, Mapping

import attrs
import trio

from asura import log, metrics
from asura.clock import Clock
from asura.errors import SendError, StoreError
from asura.ids import ChannelId, DeliveryId
from asura.live import Subscription
from asura.model.notification import Channel, Delivery
from asura.notifications import rules
from asura.notifications.sender import Sender
from asura.store import channels, deliveries
from asura.store.database import Conn, Store

MAX_RUNNING = 256
"""Sends at once, of all channels. Each costs a connection and about 100 kB; a channel that doesn't answer has one."""
LONGEST_SLEEP_S = 60.0
"""The wall clock may be set while we sleep on the monotonic one, so look again now and then."""
RECORD_LIMIT_S = 30.0
"""How long a result waits for its commit, even when everything ends: it would mean sending again."""
RECORD_AGAIN_S = 5.0
"""How long to wait before a store that can't is asked again."""

_log = log.get(__name__)
_attempts = metrics.counter(
    "asura_notification_attempts_total", "Attempts to deliver a notification, by what became of them.", ("result",)
)
_running = metrics.gauge("asura_notifications_running", "Notifications being sent at this moment.")


@attrs.frozen(kw_only=True)
class Outbox:
    """What the dispatcher works with. `chance` gives random numbers in [0, 1)."""

    store: Store
    clock: Clock
    sender: Sender
    chance: Callable[[], float] = random.random


@attrs.define
class _Pace:
    """How a channel is doing, as far as this process has seen."""

    running: dict[DeliveryId, int | None] = attrs.field(factory=dict)
    """The deliveries that are being sent, each with its incident."""
    answers: bool = False
    held_until: float = 0.0
    """On trio's clock: the wall clock may be set."""


@attrs.frozen(kw_only=True)
class _Found:
    """What can start now, and when there will be something that can't yet."""

    due: list[tuple[Channel, Delivery]]
    next_at: int | None


class Dispatcher:
    """One run of `service.dispatch`. What it knows may be lost: a fresh one sends the same."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._paces: dict[ChannelId, _Pace] = {}
        self._woken = trio.Event()
        self._looked_at: int | None = None

    async def listen(self, news: Subscription) -> None:
        """Wake for everything that is queued, and meet an edited channel without prejudice."""
        while True:
            for event in await news.wait():
                pace = self._paces.get(ChannelId(event.id or 0))
                if event.kind == "channel.changed" and pace is not None:
                    pace.answers, pace.held_until = False, 0.0
            self._woken.set()

    async def wake_at(self, event: trio.Event) -> None:
        """Wake when `event` is set."""
        await event.wait()
        self._woken.set()

    async def run(self, sends: trio.Nursery, *, stopping: trio.Event) -> None:
        """Start in `sends` whatever is due, until `stopping`. A store that fails is asked again."""
        while not stopping.is_set():
            self._woken = trio.Event()  # before looking, so that nothing committed meanwhile is missed
            try:
                pause_s = await self._start_due(sends)
            except StoreError as exc:
                _log.error("notifications wait for the store", error=str(exc))
                pause_s = RECORD_AGAIN_S
            with trio.move_on_after(pause_s):
                await self._woken.wait()

    async def _start_due(self, sends: trio.Nursery) -> float:
        """Start what can be started; answers for how long there is nothing more to do."""
        now_ms = self._outbox.clock.now_ms()
        if self._looked_at is None or now_ms < self._looked_at:
            await self._mend_timers(now_ms)
        self._looked_at = now_ms
        room = {channel_id: self._room(pace) for channel_id, pace in self._paces.items()}
        running = [delivery_id for pace in self._paces.values() for delivery_id in pace.running]
        free = MAX_RUNNING - len(running)
        if free <= 0:
            return LONGEST_SLEEP_S  # each end wakes
        found = await self._outbox.store.read(lambda conn: _look(conn, now_ms=now_ms, room=room, running=running))
        for channel, delivery in found.due[:free]:
            self._start(sends, channel, delivery)
        return self._sleep_s(found.next_at)

    def _room(self, pace: _Pace) -> int:
        return 0 if pace.held_until > trio.current_time() else rules.lanes(answers=pace.answers) - len(pace.running)

    def _sleep_s(self, next_at: int | None) -> float:
        now_s = trio.current_time()
        waits_s = [pace.held_until - now_s for pace in self._paces.values() if pace.held_until > now_s]
        if next_at is not None:
            waits_s.append(max(0.0, (next_at - self._outbox.clock.now_ms()) / 1000))
        return min([LONGEST_SLEEP_S, *waits_s])

    def _start(self, sends: trio.Nursery, channel: Channel, delivery: Delivery) -> None:
        pace = self._paces.setdefault(channel.id, _Pace())
        if delivery.incident_id is not None and delivery.incident_id in pace.running.values():
            return  # what stood before it was dropped while it is being sent: wait for that
        pace.running[delivery.id] = delivery.incident_id
        _running.inc()
        sends.start_soon(self._send, pace, channel, delivery, name=f"delivery {delivery.id}")

    async def _send(self, pace: _Pace, channel: Channel, delivery: Delivery) -> None:
        try:
            try:
                report = await self._outbox.sender.send(channel, delivery.message, delivery.key)
            except SendError as exc:
                await self._failed(pace, channel, delivery, exc)
            else:
                pace.answers = True
                _attempts.inc(result="delivered")
                _log.info("notification delivered", **_fields(channel, delivery), attempts=delivery.attempts + 1)
                now_ms = self._outbox.clock.now_ms()
                await self._record(
                    lambda conn: deliveries.delivered(conn, delivery.id, status_code=report.status_code, now_ms=now_ms)
                )
        finally:
            del pace.running[delivery.id]
            _running.inc(-1)
            self._woken.set()

    async def _failed(self, pace: _Pace, channel: Channel, delivery: Delivery, error: SendError) -> None:
        now_ms, attempts = self._outbox.clock.now_ms(), delivery.attempts + 1
        pace.answers = error.permanent  # a refusal is an answer too
        pace.held_until = max(pace.held_until, trio.current_time() + rules.pause_s(error))
        decision = rules.after_failure(
            error, attempts=attempts, created_at=delivery.created_at, now_ms=now_ms, chance=self._outbox.chance()
        )
        fields = {**_fields(channel, delivery), "attempts": attempts, "error": str(error)}
        match decision:
            case rules.TryAgain(at_ms=at_ms):
                _attempts.inc(result="postponed")
                _log.warning("notification postponed", **fields, wait_s=(at_ms - now_ms) // 1000)
                await self._record(
                    lambda conn: deliveries.retry_at(
                        conn, delivery.id, at_ms, error=str(error), status_code=error.status_code
                    )
                )
            case rules.GiveUp(reason=reason):
                _attempts.inc(result="failed")
                _log.error("notification failed", **fields)
                await self._record(
                    lambda conn: deliveries.failed(
                        conn, delivery.id, error=reason, status_code=error.status_code, now_ms=now_ms
                    )
                )

    async def _record(self, write: Callable[[Conn], None]) -> None:
        """Commit a result. A store that can't is asked again; sending again instead would repeat the message."""
        while True:
            with trio.move_on_after(RECORD_LIMIT_S, shield=True):
                try:
                    await self._outbox.store.write(write)
                except StoreError as exc:
                    _log.error("delivery not recorded", error=str(exc))
                else:
                    return
            await trio.sleep(RECORD_AGAIN_S)

    async def _mend_timers(self, now_ms: int) -> None:
        """The wall clock may have been set back, now or while Asura was not running."""
        latest_ms = now_ms + round(rules.LONGEST_WAIT_S * 1000)
        moved = await self._outbox.store.write(lambda conn: deliveries.bring_forward(conn, latest_ms=latest_ms))
        if moved:
            _log.warning("clock was set back", deliveries_moved=moved)


def _look(conn: Conn, *, now_ms: int, room: Mapping[ChannelId, int], running: Collection[DeliveryId]) -> _Found:
    """Read what is due of each channel that has room, the channels with the most room first."""
    found: list[tuple[Channel, Delivery]] = []
    next_ats: list[int] = []
    waiting = {ChannelId(each): room.get(ChannelId(each), 1) for each in deliveries.waiting_channels(conn)}
    for channel_id in sorted((each for each in waiting if waiting[each] > 0), key=lambda each: -waiting[each]):
        due = deliveries.due(conn, channel_id, now_ms=now_ms, limit=waiting[channel_id], running=running)
        if due:
            channel = channels.get(conn, channel_id)
            found += [(channel, delivery) for delivery in due]
        next_at = deliveries.next_due_at(conn, channel_id, after_ms=now_ms)
        if next_at is not None:
            next_ats.append(next_at)
    return _Found(due=found, next_at=min(next_ats, default=None))


def _fields(channel: Channel, delivery: Delivery) -> dict[str, object]:
    return {
        "event_name": delivery.message.event,
        "channel": channel.name,
        "channel_id": channel.id,
        "delivery_id": delivery.id,
        "incident_id": delivery.incident_id,
    }
