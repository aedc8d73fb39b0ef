import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from asura.daemon import systemd


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager's socket, as NOTIFY_SOCKET names it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def heard(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(4096).decode())
        except BlockingIOError:
            return found


def test_the_service_manager_is_told_line_by_line(manager: socket.socket) -> None:
    systemd.notify("READY=1", "STATUS=serving")
    assert heard(manager) == ["READY=1\nSTATUS=serving"]


def test_an_abstract_address_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"asura-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        systemd.notify("STOPPING=1")
        assert sock.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "vsock:2:1234"])
def test_where_nobody_listens_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        pytest.param(None, None, None, id="not asked for"),
        pytest.param("30000000", None, 15.0, id="half of what is asked for"),
        pytest.param("30000000", str(os.getpid()), 15.0, id="meant for this process"),
        pytest.param("30000000", "1", None, id="meant for another process"),
        pytest.param("0", None, None, id="switched off"),
        pytest.param("soon", None, None, id="not a number"),
    ],
)
def test_the_period_of_the_watchdog(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, expected: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_period_s() == expected


async def test_the_watchdog_is_fed_twice_a_period(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    async with trio.open_nursery() as nursery:
        await nursery.start(systemd.watchdog)
        await trio.sleep(12)
        assert heard(manager) == ["WATCHDOG=1"] * 3
        nursery.cancel_scope.cancel()


async def test_where_no_watchdog_is_wanted_the_task_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    with trio.fail_after(1):
        await systemd.watchdog()
