"""A network of its own for one test, and a thread without the permission for raw sockets.

Both concern the calling thread alone, so that nothing has to run in another process: what it opens from now on.
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import outcome
import pytest

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x4000_0000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_CAPABILITY_VERSION, _CAP_NET_RAW = 0x2008_0522, 13
ANYBODY, NOBODY = "0\t2147483647", "1\t0"
"""Who may open unprivileged ICMP sockets: values of net.ipv4.ping_group_range."""


def _called(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def own_network(sysctls: Mapping[str, str]) -> Iterator[None]:
    """Nothing but a loopback interface, under these sysctls (`net.ipv4.…`). Skips the test where it isn't permitted."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        try:
            _called(_libc.unshare(_CLONE_NEWNET))
        except OSError as exc:
            pytest.skip(f"this machine permits no network of one's own: {exc.strerror}")
        try:
            _loopback_up()
            for name, value in sysctls.items():
                Path("/proc/sys", *name.split(".")).write_text(value)
            with _fresh_threads():
                yield
        finally:
            _called(_libc.setns(before, _CLONE_NEWNET))
    finally:
        os.close(before)


@contextmanager
def _fresh_threads() -> Iterator[None]:
    """A thread has the network of the one that started it for ever, and trio keeps threads: none of those of before is
    of use here, and none of those of here may serve a later test."""

    def start(
        work: Callable[[], Any], deliver: Callable[[outcome.Outcome[Any]], object], name: str | None = None
    ) -> None:
        threading.Thread(target=lambda: deliver(outcome.capture(work)), name=name, daemon=True).start()

    with mock.patch("trio._threads.start_thread_soon", start):
        yield


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


@contextmanager
def no_raw_sockets() -> Iterator[None]:
    """As a process without CAP_NET_RAW."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    before = ctypes.create_string_buffer(24)
    _called(_libc.capget(header, before))
    effective, *rest = struct.unpack("=6I", before.raw)
    _called(_libc.capset(header, struct.pack("=6I", effective & ~(1 << _CAP_NET_RAW), *rest)))
    try:
        yield
    finally:
        _called(_libc.capset(header, before.raw))
