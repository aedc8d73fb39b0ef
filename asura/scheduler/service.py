"""The scheduler: one child task for each enabled monitor, asleep until the monitor's own moment.

What it sees goes to the collector over a bounded channel: when the store can't keep up, checks wait rather than
pile up in memory. A change of one monitor restarts that monitor's task and no other. A failure that is not confirmed
yet is looked at again sooner, and so is what it may depend on.
"""

import math
from functools import partial

import attrs
import trio

from asura import log, metrics
from asura.checker.service import Checker, Observe
from asura.checks import is_passive
from asura.clock import Clock
from asura.errors import AsuraError
from asura.ids import MonitorId
from asura.live import Subscription
from asura.model.monitor import Monitor, Status
from asura.model.observation import Observation
from asura.scheduler import rules
from asura.scheduler.alarm import Alarms, Sleeper
from asura.store import monitors, states
from asura.store.database import Conn, Store

_log = log.get(__name__)
_SKIPPED = metrics.counter("asura_checks_skipped_total", "Checks left out because the one before still ran.")
_FAULTS = metrics.counter("asura_check_faults_total", "Checks that failed through a fault of Asura's own.", ("type",))
_LATE = metrics.histogram("asura_check_late_seconds", "How late checks began.", bounds=(0.01, 0.05, 0.25, 1.0, 5.0))


@attrs.define
class _Watch:
    """One monitor's task, and the scope that ends it."""

    monitor: Monitor
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    observe: Observe | None = None
    generation: int = -1
    ended_s: float | None = None
    """When the last check ended, on trio's clock; None when that saw nothing."""
    began_s: float = -math.inf
    """When the last check began."""
    due_s: float = math.inf
    """The monitor's own moment that comes next."""
    wake_s: float = math.inf
    """When the next check is made: then, or sooner."""
    sleeper: Sleeper | None = None
    """While it waits for that."""
    rechecks: int = 0
    """Checks out of its moments, less those in their moments that found the target well."""


class Scheduler:
    """Keeps every enabled monitor checked. One for the daemon; `run` is its only task."""

    def __init__(
        self, store: Store, checker: Checker, clock: Clock, *, send: trio.MemorySendChannel[Observation]
    ) -> None:
        self._store = store
        self._checker = checker
        self._clock = clock
        self._send = send
        self._watches: dict[MonitorId, _Watch] = {}
        self._alarms = Alarms()

    @property
    def watched(self) -> int:
        """How many monitors have a task."""
        return len(self._watches)

    async def run(self, *, stopping: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch until `stopping`, then return when the checks under way have ended."""
        self._watches.clear()
        self._alarms = Alarms()
        hub = self._store.hub
        with hub.subscribe("monitor.changed") as changes, hub.subscribe("recheck.wanted") as wanted:
            enabled = await self._store.read(_checked)
            overdue = await self._store.read(partial(states.overdue, now_ms=self._clock.now_ms()))
            doubtful = await self._store.read(states.doubtful)
            async with trio.open_nursery() as helpers:
                helpers.start_soon(self._alarms.run, name="scheduler: alarms")
                async with trio.open_nursery() as nursery:
                    for monitor in enabled:
                        extra_s = None
                        if monitor.id in doubtful:
                            extra_s = rules.recheck_delay_s(monitor.id, interval_s=monitor.interval_s)
                        elif monitor.id in overdue:
                            extra_s = rules.catch_up_delay_s(monitor.id)
                        self._start(nursery, monitor, stopping, extra_s=extra_s)
                    helpers.start_soon(self._follow, nursery, changes, stopping, name="scheduler: changes")
                    helpers.start_soon(self._heed, wanted, name="scheduler: rechecks")
                    task_status.started()
                    await stopping.wait()
                    self._alarms.wake_all()
                helpers.cancel_scope.cancel()

    async def _follow(self, nursery: trio.Nursery, changes: Subscription, stopping: trio.Event) -> None:
        """Take up what was committed. A monitor that is new or changed is checked at once, then in its phase."""
        while True:
            events = await changes.wait()
            if changes.overflowed:
                changes.overflowed = False
                found = await self._store.read(_checked)
                ids = self._watches.keys() | {monitor.id for monitor in found}
            else:
                ids = {MonitorId(event.id) for event in events if event.id is not None}
                found = await self._store.read(partial(monitors.by_ids, monitor_ids=ids))
            if stopping.is_set():
                return
            enabled = {monitor.id: monitor for monitor in found if monitor.enabled and not is_passive(monitor.type)}
            for monitor_id in ids:
                self._replace(nursery, monitor_id, enabled.get(monitor_id), stopping)

    async def _heed(self, wanted: Subscription) -> None:
        """Look again soon at what has failed and may be down, and at once at what could explain it.

        A wish that is lost, or comes while the check is under way, costs nothing but time: the next one comes. What is
        down, and not announced only because of a dependency that isn't, is looked at whatever was spent on it before:
        that ends by itself.
        """
        while True:
            for event in await wanted.wait():
                watch, now_s = self._watches.get(MonitorId(event.id or 0)), trio.current_time()
                if watch is None:  # a heartbeat, which nobody can look at
                    depends_on, began_s = event.detail.get("depends_on", ()), now_s
                else:
                    depends_on, began_s = watch.monitor.depends_on, watch.began_s
                    is_held = bool(event.detail.get("is_held"))
                    recheck_s = rules.recheck_at(now_s, due_s=watch.due_s, interval_s=watch.monitor.interval_s)
                    self._bring_forward(watch, recheck_s, is_held=is_held)
                for dependency_id in depends_on:
                    dependency = self._watches.get(MonitorId(dependency_id))
                    if dependency is not None and dependency.began_s < began_s:
                        soonest_s = dependency.began_s + rules.SOONEST_RECHECK_S
                        self._bring_forward(dependency, max(now_s, soonest_s))

    def _bring_forward(self, watch: _Watch, wake_s: float, *, is_held: bool = False) -> None:
        may_recheck = is_held or watch.rechecks < rules.MAX_RECHECKS
        if watch.sleeper is not None and wake_s < watch.wake_s and may_recheck:
            watch.wake_s = wake_s
            watch.sleeper.wake()

    def _replace(
        self, nursery: trio.Nursery, monitor_id: MonitorId, monitor: Monitor | None, stopping: trio.Event
    ) -> None:
        watch = self._watches.get(monitor_id)
        if watch is not None and watch.monitor == monitor:
            return
        if watch is not None:
            watch.scope.cancel()
            del self._watches[monitor_id]
        if monitor is not None:
            self._start(nursery, monitor, stopping, extra_s=0)

    def _start(self, nursery: trio.Nursery, monitor: Monitor, stopping: trio.Event, *, extra_s: float | None) -> None:
        """`extra_s`: in how many seconds to check once before the monitor's own moment, if that comes later."""
        watch = self._watches[monitor.id] = _Watch(monitor)
        nursery.start_soon(self._watch, watch, stopping, extra_s, name=f"monitor {monitor.id}")

    async def _watch(self, watch: _Watch, stopping: trio.Event, extra_s: float | None) -> None:
        interval_s = watch.monitor.interval_s
        delay_s = rules.first_delay_s(watch.monitor.id, interval_s=interval_s, now_ms=self._clock.now_ms())
        began_s = trio.current_time()
        due_s = began_s + delay_s
        with watch.scope:
            if extra_s is not None and extra_s < delay_s:
                if extra_s:
                    await self._alarms.sleep_until(began_s + extra_s)
                if not stopping.is_set():
                    await self._check(watch)
                due_s, _ = rules.following(due_s - interval_s, interval_s=interval_s, now_s=trio.current_time())
            while not stopping.is_set():
                watch.due_s = watch.wake_s = due_s
                await self._sleep(watch, stopping)
                if stopping.is_set():
                    return
                if watch.wake_s < due_s:
                    await self._check(watch, is_recheck=True)
                    passed_s = due_s - interval_s
                else:
                    _LATE.observe(trio.current_time() - due_s)
                    await self._check(watch)
                    passed_s = due_s
                due_s, skipped = rules.following(passed_s, interval_s=interval_s, now_s=trio.current_time())
                if skipped:
                    _SKIPPED.inc(skipped)

    async def _sleep(self, watch: _Watch, stopping: trio.Event) -> None:
        """Until `watch.wake_s`, which may be brought forward meanwhile."""
        while True:
            watch.sleeper = Sleeper()
            await self._alarms.sleep_until(watch.wake_s, watch.sleeper)
            if trio.current_time() >= watch.wake_s or stopping.is_set():
                watch.sleeper = None
                return

    async def _check(self, watch: _Watch, *, is_recheck: bool = False) -> None:
        """One check; a fault of our own is reported, counted and costs no other monitor anything."""
        observation = None
        watch.began_s = trio.current_time()
        silent_ms = None if watch.ended_s is None else round((watch.began_s - watch.ended_s) * 1000)
        watch.ended_s = None
        try:
            if watch.observe is None or watch.generation != self._checker.generation:
                watch.generation = self._checker.generation
                watch.observe = self._checker.prepare(watch.monitor)
            observation = await watch.observe(silent_ms=silent_ms)
        except* AsuraError as group:
            self._note_fault(watch, problem="; ".join(map(str, group.exceptions)))
        except* Exception as group:  # `except Exception` would miss a crash in the cleanup of a cancelled check
            self._note_fault(watch, exc_info=group)
        if observation is None:
            return
        watch.ended_s = trio.current_time()
        if is_recheck:
            watch.rechecks += 1
        elif observation.outcome.status is not Status.DOWN:
            watch.rechecks = max(0, watch.rechecks - 1)
        try:
            self._send.send_nowait(observation)  # `send` gives way to other tasks even when there is room
        except trio.WouldBlock:
            await self._send.send(observation)

    def _note_fault(self, watch: _Watch, **fields: object) -> None:
        monitor, watch.observe = watch.monitor, None
        _FAULTS.inc(type=monitor.type)
        _log.error("check failed through a fault of Asura's own", monitor_id=monitor.id, type=monitor.type, **fields)


def _checked(conn: Conn) -> list[Monitor]:
    return [monitor for monitor in monitors.all_enabled(conn) if not is_passive(monitor.type)]
