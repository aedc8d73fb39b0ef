"""What signals mean: SIGTERM and SIGINT stop, a second one stops at once, SIGHUP reads the configuration again."""

import signal
from collections.abc import Callable

import trio

from asura import log

_log = log.get(__name__)


async def follow(
    *,
    stop: Callable[[], None],
    stop_at_once: Callable[[], None],
    reload: Callable[[], None],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Pass signals on until cancelled."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
        task_status.started()
        is_stopping = False
        async for number in received:
            name = signal.Signals(number).name
            if number == signal.SIGHUP:
                _reload(reload)
            elif is_stopping:
                _log.warning("stopping at once", signal=name)
                stop_at_once()
            else:
                is_stopping = True
                _log.info("stopping", signal=name)
                stop()


def _reload(reload: Callable[[], None]) -> None:
    try:
        reload()
    except Exception:  # a daemon that works must not end for a configuration that doesn't
        _log.exception("configuration not reloaded")
