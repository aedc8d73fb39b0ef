"""Keeps the daemon's parts alive.

A part that crashes before it is ready fails the start. One that crashes later is reported with its traceback and
started again after a pause that grows; when that happens too often the supervisor gives up, and the process ends
with a failure for the service manager to see. A part's `task_status.started()` means that it truly works.
"""

import math
from collections import deque
from collections.abc import Awaitable
from typing import Any, Protocol

import trio

from asura import log, metrics
from asura.errors import AsuraError
from asura.model.part import Part

_log = log.get(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LOOP_CRASHES = 6
"""So many crashes within `LOOP_WINDOW_S` are a crash loop: restarting is not mending it."""
LOOP_WINDOW_S = 120.0

_RESTARTS = metrics.counter("asura_part_restarts_total", "Restarts of a part of the daemon after a crash.", ("part",))
_RUNNING = metrics.gauge("asura_part_up", "Whether a part of the daemon is running: 1 or 0.", ("part",))


class Run(Protocol):
    """The one task of a part; returns when the daemon stops."""

    def __call__(self, *, task_status: trio.TaskStatus[Any]) -> Awaitable[object]:
        """Run until the daemon stops; `task_status.started()` once the part truly works."""
        ...


class StartFailed(AsuraError):
    """A part could not be started, so the daemon isn't."""


class CrashLoop(AsuraError):
    """A part crashes again and again; the daemon ends."""


class Supervisor:
    """Starts the parts in a nursery and keeps them going."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._parts: dict[str, Part] = {}

    def health(self) -> list[Part]:
        """Every part, in the order of the start."""
        return list(self._parts.values())

    async def start(self, name: str, run: Run) -> object:
        """Start a part; answers what it passed to `started()`. Raises StartFailed."""
        part = self._parts[name] = Part(name)
        return await self._nursery.start(self._keep, part, run, name=name)

    async def _keep(self, part: Part, run: Run, *, task_status: trio.TaskStatus[object]) -> None:
        crashes: deque[float] = deque()
        is_first = True
        while True:
            crash = await self._run_once(part, run, task_status if is_first else trio.TASK_STATUS_IGNORED)
            if crash is None:
                part.state = "stopped"
                return
            if part.state == "starting" and is_first:
                raise StartFailed(f"{part.name} could not be started: {describe(crash)}") from crash
            is_first = False
            now_s = trio.current_time()
            while crashes and now_s - crashes[0] >= LOOP_WINDOW_S:
                crashes.popleft()  # what was long ago makes no pause longer
            crashes.append(now_s)
            _note(part, crash)
            if len(crashes) >= LOOP_CRASHES:
                raise CrashLoop(f"{part.name} crashed {LOOP_CRASHES} times in a short while: {describe(crash)}")
            await trio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (len(crashes) - 1)))

    async def _run_once(
        self, part: Part, run: Run, task_status: trio.TaskStatus[object]
    ) -> BaseExceptionGroup[Exception] | None:
        """Run the part until it returns (None) or crashes."""
        crash: BaseExceptionGroup[Exception] | None = None
        try:
            async with trio.open_nursery() as nursery:
                value = await nursery.start(run, name=part.name)
                part.state = "running"
                _RUNNING.set(1, part=part.name)
                task_status.started(value)
        except* Exception as group:
            if trio.current_effective_deadline() == -math.inf:  # cancelled: nobody will start it again
                _log.error("part crashed while it was stopped", part=part.name, exc_info=group)
            else:
                crash = group
        finally:
            _RUNNING.set(0, part=part.name)
        await trio.lowlevel.checkpoint_if_cancelled()
        return crash


def _note(part: Part, crash: BaseExceptionGroup[Exception]) -> None:
    part.state = "restarting"
    part.restarts += 1
    part.last_error = describe(crash)
    _RESTARTS.inc(part=part.name)
    _log.error("part crashed and is started again", part=part.name, problem=part.last_error, exc_info=crash)


def describe(crash: BaseException) -> str:
    """The innermost reason in one line."""
    while isinstance(crash, BaseExceptionGroup):
        crash = crash.exceptions[0]
    text = str(crash)
    return (
        text if isinstance(crash, AsuraError) else f"{type(crash).__name__}: {text}" if text else type(crash).__name__
    )
