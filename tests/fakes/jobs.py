"""Heartbeats as the daemon keeps them: intake and watcher beside each other, on clocks that a test can set."""

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import trio

from asura.checks.heartbeat import HeartbeatSettings
from asura.heartbeats.intake import Intake
from asura.heartbeats.lulls import Clocks
from asura.heartbeats.watcher import Watcher
from asura.model.heartbeat import Heartbeat, PingKind, Run, Signal
from asura.model.incident import Incident
from asura.model.monitor import Monitor, MonitorState, MonitorStatus
from asura.scheduler import changes
from asura.store import deliveries, heartbeats, incidents, monitors, pings, states, timeline
from asura.store.database import Conn, Store
from asura.store.deliveries import Wanted
from tests import factories
from tests.factories import BASE_URL, START_MS


class Machine:
    """The clocks of a machine, which follow trio's. Its wall clock can be set, and it can be put to sleep."""

    def __init__(self) -> None:
        self._zero_s = trio.current_time()
        self.set_ms = 0
        self.slept_ms = 0

    def _running_ms(self) -> int:
        return round((trio.current_time() - self._zero_s) * 1000)

    def now_ms(self) -> int:
        """The wall clock."""
        return START_MS + self._running_ms() + self.slept_ms + self.set_ms

    def clocks(self) -> Clocks:
        """All three."""
        running = self._running_ms()
        return Clocks(wall=self.now_ms(), running=running, passing=running + self.slept_ms)

    def sleep(self, ms: int) -> None:
        """The machine has slept; trio's clock stood still."""
        self.slept_ms += ms

    def set(self, ms: int) -> None:
        """Somebody sets the wall clock, forward or back."""
        self.set_ms += ms


@attrs.define
class _Process:
    """A daemon that runs."""

    scope: trio.CancelScope
    stopping: trio.Event
    intake: Intake
    ended: trio.Event = attrs.field(factory=trio.Event)


class House:
    """A store with jobs that report, and a daemon that can be stopped, killed and started again."""

    def __init__(self, store: Store, nursery: trio.Nursery, machine: Machine) -> None:
        self.store = store
        self.machine = machine
        self.check_interval_s = 30.0
        self._nursery = nursery
        self._process: _Process | None = None

    @property
    def intake(self) -> Intake:
        """Of the daemon that runs."""
        assert self._process is not None
        return self._process.intake

    async def start(self) -> "House":
        """Start the daemon; it is ready when this returns."""
        await self._nursery.start(self._run)
        return self

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        intake = Intake(self.store, self.machine, base_url=lambda: BASE_URL)
        watcher = Watcher(
            self.store,
            self.machine,
            intake,
            base_url=lambda: BASE_URL,
            check_interval_s=lambda: self.check_interval_s,
            clocks=self.machine.clocks,
        )
        process = self._process = _Process(trio.CancelScope(), trio.Event(), intake)
        with process.scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(intake.run)
                await nursery.start(partial(watcher.run, stopping=process.stopping))
                task_status.started()
                await process.stopping.wait()
                intake.close()
        process.ended.set()

    async def stop(self) -> None:
        """Stop the daemon cleanly."""
        assert self._process is not None
        self._process.stopping.set()
        await self._process.ended.wait()

    async def kill(self) -> None:
        """End the daemon where it stands."""
        assert self._process is not None
        self._process.scope.cancel()
        await self._process.ended.wait()

    async def write(self, fn: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """A write that wants to know the time."""
        return await self.store.write(lambda conn: fn(conn, *args, now_ms=self.machine.now_ms(), **more))

    async def add(self, name: str = "backup", **fields: Any) -> Monitor:
        """A job that is expected once a minute, with ten seconds of grace, unless `settings` say otherwise."""
        monitor: Monitor = await self.write(partial(add_job, name=name, **fields))
        return monitor

    async def edit(self, monitor: Monitor, **changed: Any) -> Monitor:
        """Put another configuration in place; `settings` are those that change."""
        now: Monitor = await self.store.read(lambda conn: monitors.get(conn, monitor.id))
        if "settings" in changed:
            changed["settings"] = {**now.settings, **changed["settings"]}
        after: Monitor = await self.write(changes.replace, attrs.evolve(now, **changed))
        return after

    def signal(self, monitor: Monitor, kind: PingKind = PingKind.SUCCESS, **fields: Any) -> Signal:
        """A ping that arrives now."""
        return Signal(monitor_id=monitor.id, kind=kind, **{"at": self.machine.now_ms(), **fields})

    async def ping(self, monitor: Monitor, kind: PingKind = PingKind.SUCCESS, **fields: Any) -> None:
        """A ping that arrives now, durable when this returns."""
        await self.intake.record(self.signal(monitor, kind, **fields))

    async def start_run(self, monitor: Monitor, rid: str = "") -> None:
        """A ping that says that a run begins."""
        await self.ping(monitor, PingKind.START, rid=rid)

    async def fail(self, monitor: Monitor, **fields: Any) -> None:
        """A ping that says that the job failed."""
        await self.ping(monitor, PingKind.FAIL, **fields)

    async def beat(self, monitor: Monitor) -> Heartbeat:
        """What is known of its heartbeat."""
        return (await self.store.read(partial(heartbeats.of_monitors, monitor_ids=[monitor.id])))[monitor.id]

    async def runs(self, monitor: Monitor) -> list[Run]:
        """Its open runs."""
        found = await self.store.read(partial(heartbeats.runs_of, monitor_ids=[monitor.id]))
        return list(found.get(monitor.id, ()))

    async def state(self, monitor: Monitor) -> MonitorState:
        """Its state."""
        return await self.store.read(partial(states.get, monitor_id=monitor.id))

    async def status(self, monitor: Monitor) -> MonitorStatus:
        """Its confirmed status."""
        return (await self.state(monitor)).status

    async def kinds(self, monitor: Monitor) -> list[PingKind]:
        """What its pings were taken for, oldest first."""
        found = await self.store.read(partial(pings.page, monitor_id=monitor.id, limit=1_000_000, body_chars=0))
        return [ping.kind for ping in reversed(found)]

    async def timeline(self, monitor: Monitor) -> list[tuple[float, MonitorStatus]]:
        """(seconds after the start, status)"""
        found = await self.store.read(partial(timeline.of_monitor, monitor_id=monitor.id, since=START_MS))
        return [((at - START_MS) / 1000, status) for at, status in found]

    async def incidents(self, monitor: Monitor) -> list[Incident]:
        """Its incidents, oldest first."""
        found = await self.store.read(lambda conn: incidents.page(conn, limit=1000, monitor_id=monitor.id)[0])
        return [each for each, _ in found][::-1]

    async def rules(self, monitor: Monitor) -> list[str]:
        """Why its incidents were opened."""
        found = [
            await self.store.read(partial(incidents.events_of, incident_id=each.id))
            for each in await self.incidents(monitor)
        ]
        return [events[0].detail["rule"] for events in found]

    async def told(self, monitor: Monitor | None = None) -> list[str]:
        """The messages that were queued, oldest first, without their `incident.`."""
        wanted = Wanted(monitor_id=None if monitor is None else monitor.id)
        found = await self.store.read(lambda conn: deliveries.page(conn, wanted, limit=100_000))
        return [each.message.event.removeprefix("incident.") for each in reversed(found)]


def add_job(conn: Conn, *, now_ms: int, name: str = "backup", **fields: Any) -> Monitor:
    """A stored heartbeat monitor: once a minute, ten seconds of grace."""
    settings = {**attrs.asdict(HeartbeatSettings(grace=10)), **fields.pop("settings", {})}
    fields = {"type": "heartbeat", "target": "", "interval_s": 60, **fields}
    return factories.create(conn, now_ms=now_ms, name=name, settings=settings, **fields)
