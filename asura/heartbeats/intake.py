"""Where pings come in: who they are from, and how they become durable, many to a transaction.

What arrives while one transaction is on its way to the disk shares the next, so that a disk that syncs twice a hundred
times a second is no limit. A ping waits for no other of its batch to be judged well: one that can't be recorded costs
only itself.
"""

from collections import Counter, deque
from collections.abc import Callable

import attrs
import trio

from asura import log, metrics
from asura.clock import Clock
from asura.errors import AsuraError, NotFound, StoreError
from asura.heartbeats import recording
from asura.heartbeats.tokens import Tokens
from asura.ids import MonitorId
from asura.model.heartbeat import PingKind, Signal
from asura.store.database import Conn, Store

_log = log.get(__name__)

BATCH = 256
"""Pings a transaction. More would make what comes behind wait longer for the writer than it must."""
BATCH_CHARS = 4 << 20
"""Of their bodies, for the same reason: 40 of the largest."""
MAX_WAITING = 20_000
"""Pings that may wait for the disk: some ten seconds of the most that it takes. What is beyond is refused at once."""
MAX_WAITING_CHARS = 64 << 20
"""Of their bodies, so that a disk that stalls makes Asura slow and not large."""
_FAULT = "the ping was not recorded through a fault of Asura's own"

_PINGS = metrics.counter("asura_pings_total", "Pings that were recorded, by what became of them.", ("kind",))
_REFUSED = metrics.counter("asura_pings_refused_total", "Pings that could not be recorded by our fault.")
_SECONDS = metrics.histogram("asura_ping_record_seconds", "From a ping's acceptance until it was durable.")


@attrs.define(eq=False)
class _Waiting:
    """A ping until it is decided."""

    signal: Signal
    since_s: float
    decided: trio.Event = attrs.field(factory=trio.Event)
    error: AsuraError | None = None

    @property
    def chars(self) -> int:
        return len(self.signal.body or "")


class Intake:
    """Takes pings; one for the daemon. `run` is its only task, without which nothing is recorded."""

    def __init__(self, store: Store, clock: Clock, *, base_url: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._base_url = base_url
        self._tokens = Tokens()
        store.hub.attach(self._tokens)
        self._queue: deque[_Waiting] = deque()
        self._chars = 0
        self._batch: list[_Waiting] = []
        self._wake = trio.Event()
        self._closed = False
        self._deaf_since: int | None = None
        self._told = ""

    def find(self, token: str) -> MonitorId | None:
        """Whose token this is: a look into memory, right from the commit that made or rotated it."""
        return self._tokens.find(token, now_ms=self._clock.now_ms())

    async def record(self, signal: Signal) -> None:
        """Make a ping durable with everything that follows from it.

        It happens even if the caller is cancelled meanwhile. Raises StoreError when the disk doesn't take it, NotFound
        when the monitor was deleted since its token was found.
        """
        waiting = _Waiting(signal, trio.current_time())
        if self._closed or len(self._queue) >= MAX_WAITING or self._chars + waiting.chars > MAX_WAITING_CHARS:
            _REFUSED.inc()
            self._note_deaf(signal.at)
            raise StoreError("Asura is stopping" if self._closed else "too many pings wait for the disk")
        self._queue.append(waiting)
        self._chars += waiting.chars
        self._wake.set()
        await waiting.decided.wait()
        if waiting.error is not None:
            raise waiting.error

    async def settle(self) -> None:
        """Return when every ping that came before this call is decided, durable or refused."""
        last = self._queue[-1] if self._queue else self._batch[-1] if self._batch else None
        if last is not None:
            await last.decided.wait()

    def take_deafness(self) -> int | None:
        """Since when pings were refused by our fault, if any were since the last call."""
        since, self._deaf_since = self._deaf_since, None
        return since

    def _note_deaf(self, at: int) -> None:
        self._deaf_since = at if self._deaf_since is None else min(at, self._deaf_since)

    def close(self) -> None:
        """Let `run` return once what has come is decided: nobody will come any more."""
        self._closed = True
        self._wake.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Record what comes until `close`. Ready when every token is known. Raises StoreError."""
        await self._tokens.load(self._store)
        task_status.started()
        while self._queue or not self._closed:
            if not self._queue:
                self._wake = trio.Event()
                await self._wake.wait()
                continue
            self._batch = self._next_batch()
            try:
                await self._record(self._batch)
            finally:
                self._refuse(self._batch, _FAULT)
                self._batch = []

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        chars = 0
        while self._queue and len(batch) < BATCH and (not batch or chars + self._queue[0].chars <= BATCH_CHARS):
            waiting = self._queue.popleft()
            chars += waiting.chars
            batch.append(waiting)
        self._chars -= chars
        return batch

    async def _record(self, batch: list[_Waiting]) -> None:
        signals, url = [waiting.signal for waiting in batch], self._base_url()

        def write(conn: Conn) -> list[PingKind | None]:
            return recording.record(conn, signals, now_ms=self._clock.now_ms(), base_url=url)

        try:
            became = await self._store.write(write)
        except StoreError as exc:
            if str(exc) != self._told:  # once, not for each of the thousands that may come
                self._told = str(exc)
                _log.error("pings can't be recorded and are refused", problem=self._told)
            self._note_deaf(min(signal.at for signal in signals))
            self._refuse(batch, str(exc))
        except Exception:
            if len(batch) > 1:
                for waiting in batch:
                    await self._record([waiting])
                return
            _log.exception("ping could not be recorded", monitor_id=batch[0].signal.monitor_id)
            self._refuse(batch, _FAULT)
        else:
            self._told = ""
            self._settle(batch, became)

    def _settle(self, batch: list[_Waiting], became: list[PingKind | None]) -> None:
        now_s = trio.current_time()
        for waiting, kind in zip(batch, became, strict=True):
            if kind is None:
                waiting.error = NotFound("there is no heartbeat with this token any more")
            _SECONDS.observe(now_s - waiting.since_s)
            waiting.decided.set()
        for kind, count in Counter(kind for kind in became if kind is not None).items():
            _PINGS.inc(count, kind=kind.value)

    def _refuse(self, batch: list[_Waiting], problem: str) -> None:
        """Answer those of a batch that are not decided."""
        for waiting in batch:
            if not waiting.decided.is_set():
                _REFUSED.inc()
                waiting.error = StoreError(problem)
                waiting.decided.set()
