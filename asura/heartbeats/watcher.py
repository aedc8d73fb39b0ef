"""The watcher of heartbeats: asleep until the next deadline, and the only one that decides that something was missed.

Deadlines are rows; this only wakes for them. What could not reach us must not be held against a job: before anything
is decided, the pings that came before are durable, and a time in which we were deaf (a machine that slept, a process
that stood still, a clock that was set, a disk that took nothing) is excused for all heartbeats at once.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

import trio

from asura import log, metrics
from asura.clock import Clock
from asura.errors import StoreError
from asura.heartbeats import lulls, recording
from asura.heartbeats.intake import Intake
from asura.heartbeats.lulls import Clocks, Lull
from asura.heartbeats.recording import Look
from asura.incidents import ledger
from asura.live import Event, Subscription
from asura.store import heartbeats
from asura.store.database import Conn, Store

_log = log.get(__name__)

LOOK_AT_CLOCKS_S = 1.0
"""Between two looks at the clocks: a deadline that is moved by a clock that was set is noticed so soon."""
BATCH = 50
"""Deadlines decided in a transaction, some 20 ms: of a thousand that fall silent at once no ping waits for longer."""
HELD_S = 5.0
"""How often to ask again what holds back an alarm because of a dependency."""
ARRIVAL_S = 0.01
"""Before a decision, so that a ping that has come, but was not read yet, is taken in first."""
FIRST_PAUSE_S = 0.5
"""Between the first two looks, and twice as long each time."""
MANY_LOOKS = 14
"""After so many the pause between looks is as long as any that can be configured."""
RETRY_AFTER_S = 1.0
"""How long to wait before a store that can't commit is asked again."""

_LULLS = metrics.counter("asura_heartbeat_lulls_total", "Times in which no ping could come, or the clock was set.")
_MISSED = metrics.counter("asura_heartbeats_missed_total", "Deadlines that were missed.")
_LATE = metrics.histogram("asura_heartbeat_decision_seconds", "From a deadline until its miss was decided.")


def read_clocks(clock: Clock) -> Clocks:
    """The machine's clocks now."""
    running = time.monotonic_ns() // 1_000_000
    passing = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 if hasattr(time, "CLOCK_BOOTTIME") else running
    return Clocks(wall=clock.now_ms(), running=running, passing=passing)


class _News(Subscription):
    """What was committed and matters here: deadlines that are earlier than the next, alarms that are held back."""

    def __init__(self) -> None:
        super().__init__(frozenset({recording.DEADLINE_SET, ledger.HELD}))
        self.next_at: int | None = None
        self.held: set[int] = set()
        self.wake = trio.Event()

    def put(self, event: Event) -> None:
        """Take in what was committed; from the trio thread only."""
        if event.kind == ledger.HELD:
            self.held.add(event.id or 0)
        else:
            self.bring_forward(event.detail["deadline_at"])

    def bring_forward(self, at: int | None) -> None:
        """Wake for a deadline, if it comes before the next one."""
        if at is not None and (self.next_at is None or at < self.next_at):
            self.next_at = at
            self.wake.set()


class Watcher:
    """Decides on deadlines; one for the daemon. `run` is its only task."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        intake: Intake,
        *,
        base_url: Callable[[], str],
        check_interval_s: Callable[[], float],
        clocks: Callable[[], Clocks] | None = None,
    ) -> None:
        """`check_interval_s` is asked each time; `clocks` is for tests."""
        self._store = store
        self._intake = intake
        self._base_url = base_url
        self._check_interval_s = check_interval_s
        self._clocks = clocks or partial(read_clocks, clock)
        self._news = _News()
        store.hub.attach(self._news)
        self._seen = self._clocks()
        self._lulls: list[Lull] = []
        self._deaf_since: int | None = None
        self._looked_s = self._asked_s = -math.inf
        self._looks = 0
        self._has_begun = False
        self._told = ""

    async def run(self, *, stopping: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch until `stopping`. Ready after the first look, or when the store did not let it have one."""
        is_ready = False
        if not self._has_begun:
            self._seen = self._clocks()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_seeing, name="heartbeats: clocks")
            nursery.start_soon(self._wake_at, stopping, name="heartbeats: stop")
            while not stopping.is_set():
                self._news.wake = trio.Event()
                try:
                    await self._turn()
                    wait_s, self._told = self._wait_s(), ""
                except StoreError as exc:
                    if str(exc) != self._told:  # once, not each second while a disk is full
                        self._told = str(exc)
                        _log.error("deadlines of heartbeats wait for the store", problem=self._told)
                    self._looked_s, wait_s = -math.inf, RETRY_AFTER_S
                if not is_ready:
                    is_ready = True
                    task_status.started()
                with trio.move_on_after(wait_s):
                    await self._news.wake.wait()
            nursery.cancel_scope.cancel()
        await self._note_end()

    async def _wake_at(self, stopping: trio.Event) -> None:
        await stopping.wait()
        self._news.wake.set()

    async def _keep_seeing(self) -> None:
        """Look at the clocks also while a write takes its time."""
        while True:
            self._see()
            if self._lulls:
                self._news.wake.set()
            await trio.sleep(LOOK_AT_CLOCKS_S)

    def _see(self) -> None:
        before, self._seen = self._seen, self._clocks()
        lull = lulls.lull(before, self._seen, expected_ms=round(LOOK_AT_CLOCKS_S * 1000))
        if lull is not None:
            self._note(lull)

    def _note(self, lull: Lull) -> None:
        _LULLS.inc()
        length_s = round((lull.until - lull.since - lull.jump_ms) / 1000, 1)
        _log.warning("no ping could come", length_s=length_s, clock_was_set_by_s=lull.jump_ms / 1000)
        self._lulls.append(lull)

    async def _turn(self) -> None:
        """Do what there is to do now. Raises StoreError."""
        if not self._has_begun:
            await self._begin()
        self._see()
        now_s, next_at = trio.current_time(), self._news.next_at
        is_due = next_at is not None and self._seen.wall > next_at
        if is_due:
            await trio.sleep(ARRIVAL_S)
        if is_due or self._lulls or now_s >= self._looked_s + self._pause_s():
            await self._look()
        if self._news.held and now_s >= self._asked_s + HELD_S:
            await self._ask_again()
            self._asked_s = now_s

    async def _begin(self) -> None:
        """What was due while nobody could be reached is not held against a job."""
        beat_at = await self._store.read(heartbeats.beat_at)
        self._news.held |= await self._store.read(heartbeats.unannounced)
        if beat_at is not None:
            self._lulls.append(Lull(since=beat_at, until=self._seen.wall, has_refused=True))
        self._has_begun = True

    async def _look(self) -> None:
        """Decide on every deadline that has passed. Raises StoreError."""
        look = None
        while look is None or (look.expired == BATCH and look.missed):
            await self._intake.settle()
            self._see()
            # By the clock when all that had happened was known: what comes meanwhile is for the next look.
            now_ms = self._seen.wall
            await self._excuse(now_ms=now_ms)
            self._news.next_at = None
            look = await self._decide(now_ms=now_ms)
            self._news.bring_forward(look.next_at)
            for at in look.missed:
                _LATE.observe((self._clocks().wall - at) / 1000)
            _MISSED.inc(len(look.missed))
        self._looked_s = trio.current_time()
        self._looks += 1

    async def _excuse(self, *, now_ms: int) -> None:
        """Mend what lulls made unfair, all in one transaction. Raises StoreError, and keeps them for another time."""
        self._note_deaf()
        count, lulls = len(self._lulls), list(self._lulls)
        if self._deaf_since is not None:
            lulls.append(Lull(since=self._deaf_since, until=now_ms, has_refused=True))
        if not lulls:
            return

        def write(conn: Conn) -> int:
            heartbeats.note_beat(conn, at=now_ms)
            return recording.excuse(conn, lulls)

        excused = await self._store.write(write)
        del self._lulls[:count]
        self._deaf_since = None
        if excused:
            _log.info("deadlines were excused", heartbeats=excused)

    def _note_deaf(self) -> None:
        refused_since = self._intake.take_deafness()
        if refused_since is not None:
            self._deaf_since = min(refused_since, self._deaf_since or refused_since)

    async def _decide(self, *, now_ms: int) -> Look:
        def write(conn: Conn) -> Look:
            heartbeats.note_beat(conn, at=now_ms)
            return recording.decide(conn, now_ms=now_ms, base_url=base_url, limit=BATCH)

        base_url = self._base_url()
        try:
            return await self._store.write(write)
        except StoreError:
            raise
        except Exception:
            return await self._decide_one_by_one(now_ms=now_ms)

    async def _decide_one_by_one(self, *, now_ms: int) -> Look:
        """One of those that are due can't be written: that may cost none of the others its alarm."""
        expired = await self._store.read(partial(heartbeats.list_expired_heartbeats, now_ms=now_ms, limit=BATCH))
        decide = partial(recording.decide, now_ms=now_ms, base_url=self._base_url(), limit=1)
        missed: list[int] = []
        for beat in expired:
            try:
                look = await self._store.write(partial(decide, only=beat.monitor_id))
                missed += look.missed
            except StoreError:
                raise
            except Exception:
                _log.exception("deadline of a heartbeat could not be decided", monitor_id=beat.monitor_id)
        next_at = await self._store.read(partial(heartbeats.next_deadline_at, since_ms=now_ms))
        return Look(expired=len(expired), missed=missed, next_at=next_at)

    async def _ask_again(self) -> None:
        """Ask for the alarms that are held back. Raises StoreError."""
        held = sorted(self._news.held)
        for first in range(0, len(held), BATCH):
            await self._ask(held[first : first + BATCH])

    async def _ask(self, monitor_ids: Sequence[int]) -> None:
        self._news.held.difference_update(monitor_ids)  # those that still are say so within the write
        ask = partial(ledger.reconsider, monitor_ids=monitor_ids, now_ms=self._seen.wall, base_url=self._base_url())
        try:
            await self._store.write(ask)
        except StoreError:
            self._news.held.update(monitor_ids)
            raise
        except Exception:
            if len(monitor_ids) == 1:
                _log.exception("alarm of a heartbeat could not be decided", monitor_id=monitor_ids[0])
                return
            for each in monitor_ids:
                await self._ask([each])

    async def _note_end(self) -> None:
        """What is due until the next start is not held against a job; what is not excused yet will be then."""
        self._see()
        self._note_deaf()
        if self._lulls or self._deaf_since is not None:
            return
        try:
            await self._store.write(partial(heartbeats.note_beat, at=self._seen.wall))
        except StoreError as exc:
            _log.error("the end of watching heartbeats could not be noted", problem=str(exc))

    def _wait_s(self) -> float:
        """How long there is nothing to do."""
        wait_s = min(LOOK_AT_CLOCKS_S, self._looked_s + self._pause_s() - trio.current_time())
        if self._news.next_at is not None:
            wait_s = min(wait_s, (self._news.next_at + 1 - self._clocks().wall) / 1000)
        return max(0.0, wait_s)

    def _pause_s(self) -> float:
        """From one look to the next that no deadline asks for.

        It grows with the first looks, each of which notes that we are there: a daemon that is killed every twenty
        seconds must not excuse the same silence for ever.
        """
        return min(math.ldexp(FIRST_PAUSE_S, min(self._looks - 1, MANY_LOOKS)), self._check_interval_s())
