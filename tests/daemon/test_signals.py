import signal
from functools import partial

import structlog
import trio

from asura.daemon import signals


class Heard:
    """What the signals asked for, in order."""

    def __init__(self) -> None:
        self.deeds: list[str] = []
        self._news = trio.Event()
        self.is_broken = False

    def note(self, deed: str) -> None:
        self.deeds.append(deed)
        self._news.set()

    def reload(self) -> None:
        self.note("reload")
        if self.is_broken:
            raise ValueError("broken")

    async def after(self, number: signal.Signals) -> str:
        """Send this process a signal; what it asked for."""
        self._news = trio.Event()
        signal.raise_signal(number)
        with trio.fail_after(5):
            await self._news.wait()
        return self.deeds[-1]

    async def follow(self, nursery: trio.Nursery) -> None:
        await nursery.start(
            partial(
                signals.follow,
                stop=partial(self.note, "stop"),
                stop_at_once=partial(self.note, "stop at once"),
                reload=self.reload,
            )
        )


async def test_the_first_signal_stops_and_the_second_stops_at_once() -> None:
    heard = Heard()
    async with trio.open_nursery() as nursery:
        await heard.follow(nursery)
        assert await heard.after(signal.SIGTERM) == "stop"
        assert await heard.after(signal.SIGINT) == "stop at once"
        nursery.cancel_scope.cancel()


async def test_an_interrupt_stops_too() -> None:
    heard = Heard()
    async with trio.open_nursery() as nursery:
        await heard.follow(nursery)
        assert await heard.after(signal.SIGINT) == "stop"
        nursery.cancel_scope.cancel()


async def test_a_hangup_reads_the_configuration_again_as_often_as_it_comes() -> None:
    heard = Heard()
    async with trio.open_nursery() as nursery:
        await heard.follow(nursery)
        for _ in range(3):
            assert await heard.after(signal.SIGHUP) == "reload"
        assert await heard.after(signal.SIGTERM) == "stop"
        nursery.cancel_scope.cancel()


async def test_a_reload_that_fails_ends_nothing_and_is_reported() -> None:
    heard = Heard()
    heard.is_broken = True
    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await heard.follow(nursery)
            await heard.after(signal.SIGHUP)
            assert await heard.after(signal.SIGTERM) == "stop"
            nursery.cancel_scope.cancel()
    assert "configuration not reloaded" in [each["event"] for each in logs]


async def test_afterwards_signals_mean_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    heard = Heard()
    async with trio.open_nursery() as nursery:
        await heard.follow(nursery)
        nursery.cancel_scope.cancel()
    assert signal.getsignal(signal.SIGTERM) == before
