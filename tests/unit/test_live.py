import pytest
import trio

from asura import live
from asura.live import Event, Hub


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


async def test_a_subscriber_gets_its_kinds_in_order_and_no_others() -> None:
    hub = Hub()
    with hub.subscribe("monitor.changed", "incident.*") as news:
        for kind in ("monitor.changed", "monitor.checked", "incident.opened", "outbox.queued", "incident.resolved"):
            hub.publish(Event(kind=kind))
        assert kinds(await news.wait()) == ["monitor.changed", "incident.opened", "incident.resolved"]


async def test_waiting_ends_with_the_next_event(autojump_clock: trio.testing.MockClock) -> None:
    hub = Hub()
    seen: list[Event] = []

    async def wait() -> None:
        with hub.subscribe("monitor.status") as news:
            started.set()
            seen.extend(await news.wait())

    started = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await started.wait()
        await trio.sleep(5)
        assert not seen
        hub.publish(Event(kind="monitor.status", id=3))
    assert [event.id for event in seen] == [3]


async def test_a_cancelled_wait_loses_no_event() -> None:
    hub = Hub()
    with hub.subscribe("monitor.status") as news:
        with trio.CancelScope() as scope:
            scope.cancel()
            hub.publish(Event(kind="monitor.status", id=1))
            await news.wait()
        hub.publish(Event(kind="monitor.status", id=2))
        assert [event.id for event in await news.wait()] == [1, 2]


async def test_what_was_taken_does_not_wake_again() -> None:
    hub = Hub()
    with hub.subscribe("monitor.status") as news:
        hub.publish(Event(kind="monitor.status"))
        assert len(news.take()) == 1
        assert news.take() == []
        with trio.move_on_after(0) as scope:
            await news.wait()
        assert scope.cancelled_caught


def test_after_leaving_nothing_is_kept() -> None:
    hub = Hub()
    with hub.subscribe("monitor.status") as news, hub.subscribe("monitor.status") as other:
        pass
    with hub.subscribe("monitor.status") as last:
        hub.publish(Event(kind="monitor.status"))
    assert news.take() == other.take() == []
    assert len(last.take()) == 1


def test_one_subscriber_that_leaves_costs_the_other_nothing() -> None:
    hub = Hub()
    with hub.subscribe("monitor.status") as stays:
        with hub.subscribe("monitor.status"):
            pass
        hub.publish(Event(kind="monitor.status"))
        assert len(stays.take()) == 1


def test_who_falls_too_far_behind_is_told_so_and_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BACKLOG", 3)
    hub = Hub()
    with hub.subscribe("monitor.*") as slow, hub.subscribe("monitor.*") as quick:
        for number in range(5):
            hub.publish(Event(kind="monitor.status", id=number))
            assert [event.id for event in quick.take()] == [number]
        assert slow.overflowed
        assert not quick.overflowed
        assert [event.id for event in slow.take()] == [3, 4]
