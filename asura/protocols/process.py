"""One program of this machine, run to its end: its output bounded, and nothing of it left behind.

Without a shell, in a session and process group of its own. Popen takes vfork here (no preexec_fn, no user to change
to), which costs half a millisecond however large this process is; so it needs no thread.
"""

import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import trio
from trio.lowlevel import wait_readable

from asura.errors import OwnFailure
from asura.netguard import OUT_OF_SOCKETS
from asura.protocols.attempt import Fault

MAX_KEPT_BYTES = 65_536
"""Of each of the two outputs. Monitoring plug-ins write a line; what is longer is a log, and belongs elsewhere."""
READ_BYTES = 65_536
"""What a pipe holds (pipe(7)): all that a program that has ended can have left in one."""
PAUSE_S = 0.001
"""After each piece that is dropped: a program that writes without end would take a core of ours otherwise."""
MAX_DESCENDANTS = 1000
"""Looked for beside the process group, so that a fork bomb holds up nobody."""
KILL_S = 0.3
"""How long a killed program may take to be gone. It takes longer only when the kernel itself waits for a dead disk;
Popen then reaps it when another program is started."""
POLL_S = 0.02

_OUT_OF_PROCESSES = OUT_OF_SOCKETS | {errno.EAGAIN}


class Output:
    """What a program wrote to one of its two outputs, as far as it is kept."""

    __slots__ = ("kept", "size")

    def __init__(self) -> None:
        self.kept = bytearray()
        self.size = 0

    @property
    def is_cut(self) -> bool:
        """More was written than is kept."""
        return self.size > len(self.kept)

    def take(self, data: bytes) -> None:
        """Keep what there is room for, and drop the rest."""
        self.size += len(data)
        self.kept += data[: MAX_KEPT_BYTES - len(self.kept)]


async def run(argv: Sequence[str], *, environment: Mapping[str, str], out: Output, err: Output) -> int:
    """Run a program to its end, and fill `out` and `err` meanwhile. `argv` begins with its absolute path.

    Gives its exit status, or the number of the signal that ended it, negative. It has ended when it has, whoever
    else holds its outputs; what is left of its process group is killed then. When this is cancelled, it is killed with
    all its descendants.

    Raises Fault: it can't be started. OwnFailure: this machine can start nothing.
    """
    process = _start(argv, environment)
    pipes = [(pipe, output) for pipe, output in ((process.stdout, out), (process.stderr, err)) if pipe is not None]
    try:
        try:
            async with trio.open_nursery() as nursery:
                for pipe, output in pipes:
                    os.set_blocking(pipe.fileno(), False)
                    nursery.start_soon(_read, pipe.fileno(), output)
                await _ended(process.pid)
                nursery.cancel_scope.cancel()
        except BaseException:
            _kill_all(process.pid)
            with trio.move_on_after(KILL_S, shield=True):
                await _ended(process.pid)
            raise
        _kill_group(process.pid)
        for pipe, output in pipes:
            _drain(pipe.fileno(), output)
        return process.wait()  # at once: it has ended, and was not reaped until now so that its number stayed its own
    finally:
        process.poll()
        for pipe, _ in pipes:
            pipe.close()


def _start(argv: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603 - the configuration lists what may be run
            argv,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except OSError as exc:
        if exc.errno in _OUT_OF_PROCESSES:
            raise OwnFailure(f"this machine can start no program now: {os.strerror(exc.errno or 0)}") from exc
        raise Fault(f"{argv[0]} can't be started: {_start_words(exc, argv[0])}") from None


def _start_words(exc: OSError, program: str) -> str:
    match exc.errno:
        case errno.ENOENT if os.path.exists(program):
            return "the interpreter that its first line names does not exist"
        case errno.ENOENT:
            return "there is no such file"
        case errno.ENOTDIR:
            return "a part of its path is no folder"
        case errno.EACCES | errno.EPERM:
            return _access_words(program)
        case errno.ENOEXEC:
            return "it is neither a program of this machine nor a script that begins with #!"
        case errno.E2BIG:
            return "its arguments and environment are too long"
        case errno.ETXTBSY:
            return "it is being written"
    return (exc.strerror or "no reason given").lower()


def _access_words(program: str) -> str:
    try:
        mode = Path(program).stat().st_mode
    except OSError:
        return "this user has no permission to look into its folder"
    if Path(program).is_dir():
        return "it is a folder"
    return "this user has no permission to run it" if mode & 0o111 else "it is not executable"


async def _read(fd: int, output: Output) -> None:
    while True:
        await wait_readable(fd)
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            continue
        if not data:
            return
        output.take(data)
        if output.is_cut:
            await trio.sleep(PAUSE_S)


def _drain(fd: int, output: Output) -> None:
    """Take what the program left in the pipe. Whoever else holds the other end may write on, so there is no waiting."""
    left = READ_BYTES
    with suppress(BlockingIOError):
        while left > 0 and (data := os.read(fd, left)):
            output.take(data)
            left -= len(data)


async def _ended(pid: int) -> None:
    """Wait for the end of a child, and leave it to be reaped."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:  # Linux before 5.3
        while not _has_ended(pid):  # noqa: ASYNC110 - nothing tells
            await trio.sleep(POLL_S)
        return
    try:
        await wait_readable(fd)
    finally:
        os.close(fd)


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_all(pid: int) -> None:
    """Kill a child that was not reaped yet, its group, and those of its descendants that left the group.

    Each is stopped before its children are read: it can neither start another meanwhile nor reap one, so that every
    number still is whose it was.
    """
    found = [pid]
    for each in found:
        _send(each, signal.SIGSTOP)
        found += _children(each)[: max(0, MAX_DESCENDANTS - len(found))]
    _kill_group(pid)
    for each in found:
        _send(each, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    # Somebody else's by now (a setuid program) can't be killed.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    """The children of all threads of a process (proc_pid_task_children(5)); none where the kernel doesn't tell."""
    try:
        lists = [(thread / "children").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    return [int(each) for told in lists for each in told.split()]
