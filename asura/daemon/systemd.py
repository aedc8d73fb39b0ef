"""What the service manager is told: sd_notify(3). Silent where nobody listens."""

import os
import socket

import trio

from asura import log

_log = log.get(__name__)


def notify(*lines: str) -> None:
    """Send `READY=1`, `STOPPING=1`, `STATUS=…` or `WATCHDOG=1` to the service manager, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto("\n".join(lines).encode(), "\0" + address[1:] if address[0] == "@" else address)
    except OSError as exc:
        _log.warning("service manager not reached", problem=str(exc))


def watchdog_period_s() -> float | None:
    """How often the service manager wants to hear of us: half of WATCHDOG_USEC, if that is meant for this process."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 2_000_000 or None  # 0 switches it off


async def watchdog(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Tell the service manager that the event loop turns. Returns at once where no watchdog is wanted.

    Whether the store commits is no part of it: on a full disk everything waits, and a restart each minute would cost
    the observations that wait and mend nothing. Health and metrics tell of that.
    """
    task_status.started()
    period_s = watchdog_period_s()
    while period_s is not None:
        notify("WATCHDOG=1")
        await trio.sleep(period_s)
