"""The outbox as a service: a task that delivers what is queued, and tests sent by hand."""

from collections.abc import Callable

import attrs
import trio

from asura.clock import Clock
from asura.errors import SendError
from asura.ids import DeliveryId, new_delivery_key
from asura.model.notification import Channel, Delivery, DeliveryStatus
from asura.netguard import Guard
from asura.notifications import messages
from asura.notifications.dispatcher import Dispatcher, Outbox
from asura.notifications.sender import new_sender
from asura.outbound import tls_context
from asura.store import channels, deliveries
from asura.store.database import Conn, Store

__all__ = ["Outbox", "Verdict", "deliver", "dispatch", "new_outbox", "send_test"]


@attrs.frozen(kw_only=True)
class Verdict:
    """What a provider said to a test."""

    ok: bool
    message: str
    status_code: int | None
    duration_ms: int


def new_outbox(store: Store, clock: Clock, *, guard: Callable[[], Guard]) -> Outbox:
    """An outbox whose connections are judged by the guard in force at the time."""
    return Outbox(store=store, clock=clock, sender=new_sender(guard=guard, clock=clock))


async def deliver(
    store: Store,
    clock: Clock,
    *,
    guard: Callable[[], Guard],
    stopping: trio.Event,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """The dispatcher as the daemon runs it; see `dispatch`."""
    # Reading the trust store takes 20 ms of CPU: here and now, not in the event loop when the first incident opens.
    await trio.to_thread.run_sync(tls_context)
    await dispatch(new_outbox(store, clock, guard=guard), stopping=stopping, task_status=task_status)


async def dispatch(
    outbox: Outbox, *, stopping: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Deliver what is queued, until `stopping` is set and the running sends have ended."""
    with outbox.store.hub.subscribe("outbox.queued", "channel.changed") as news:
        async with trio.open_nursery() as watchers:
            dispatcher = Dispatcher(outbox)
            watchers.start_soon(dispatcher.listen, news, name="outbox news")
            watchers.start_soon(dispatcher.wake_at, stopping, name="outbox stop")
            async with trio.open_nursery() as sends:
                task_status.started()
                await dispatcher.run(sends, stopping=stopping)
            watchers.cancel_scope.cancel()


async def send_test(outbox: Outbox, channel: Channel) -> Verdict:
    """Send a test through a channel now, enabled or not, and give what the provider says.

    It is tried once, besides the outbox, and stands in the history as finished.
    """
    now_ms, started_s = outbox.clock.now_ms(), trio.current_time()
    key, message = new_delivery_key(), messages.test_message(channel_name=channel.name, now_ms=now_ms)
    try:
        report = await outbox.sender.send(channel, message, key)
        ok, text, status_code = True, report.message, report.status_code
    except SendError as exc:
        ok, text, status_code = False, str(exc), exc.status_code
    duration_ms = round((trio.current_time() - started_s) * 1000)
    delivery = Delivery(
        id=DeliveryId(0),
        key=key,
        channel_id=channel.id,
        incident_id=None,
        monitor_id=None,
        message=message,
        status=DeliveryStatus.DELIVERED if ok else DeliveryStatus.FAILED,
        attempts=1,
        created_at=now_ms,
        finished_at=outbox.clock.now_ms(),
        last_error=None if ok else text,
        last_status_code=status_code,
    )
    await outbox.store.write(lambda conn: _record_test(conn, delivery))
    return Verdict(ok=ok, message=text, status_code=status_code, duration_ms=duration_ms)


def _record_test(conn: Conn, delivery: Delivery) -> None:
    if channels.find(conn, delivery.channel_id) is not None:  # it may have been deleted while the test was running
        deliveries.insert_finished(conn, delivery)
