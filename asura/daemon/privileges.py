"""What the daemon may do and the programs that it starts may not."""

import ctypes
import sys

from asura import log

_log = log.get(__name__)

_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
"""From linux/prctl.h, as prctl(2) has it."""


def keep_to_ourselves() -> None:
    """Keep capabilities that systemd gave (AmbientCapabilities=, for ICMP) from being inherited by commands.

    The process itself keeps them: only the ambient set, which execve(2) hands on, is emptied.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0:
        _log.warning("commands may inherit capabilities", errno=ctypes.get_errno())
