import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import trio

from asura.errors import OwnFailure
from asura.model.monitor import Status
from asura.netguard import Guard
from asura.protocols.attempt import Env
from tests.checks.conftest import Check
from tests.fakes.resolver import resolve_to
from tests.fakes.target import answer, start_target


async def test_private_targets_are_refused_by_default(check: Check, env: Env, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    outcome = await check("http", target.url, env=Env(guard=Guard(), tls=env.tls))
    assert outcome.status is Status.DOWN
    assert outcome.message == (
        "127.0.0.1 is a loopback address; set monitor.allow_private_targets or list it in monitor.allowed_networks"
    )
    assert target.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "some.example"])
async def test_a_failure_of_this_machine_is_not_the_targets(
    host: str, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_sockets(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    resolve_to({}, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", out_of_sockets)
        with pytest.raises(OwnFailure, match="no socket left on this machine"):
            await check("http", f"http://{host}:9/")


async def test_the_next_address_is_tried_when_one_refuses(
    check: Check, env: Env, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await start_target(nursery, answer())
    names = {"both.example": ["::1", "127.0.0.1"], "dead.example": ["::1", "::1"]}
    resolve_to(names, monkeypatch)
    outcome = await check("http", f"http://both.example:{target.port}/")
    assert outcome.status is Status.UP
    assert (outcome.timings.dns_ms or 0) >= 1
    wrong = await check("http", f"http://both.example:{target.port}/", ip_version="6")
    assert wrong.message.startswith(f"connect to both.example:{target.port} ")


@pytest.fixture
async def unreachable_port() -> AsyncIterator[Callable[[int], None]]:
    """Make a port of 127.0.0.3 drop every new connection, as a dead route does: its queue is full."""
    with contextlib.ExitStack() as stack:

        def fill(port: int) -> None:
            listener = stack.enter_context(socket.create_server(("127.0.0.3", port), backlog=0))
            for _ in range(3):
                sock = stack.enter_context(socket.socket())
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())

        yield fill


async def test_an_address_that_never_answers_costs_only_its_share(
    unreachable_port: Callable[[int], None], check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await start_target(nursery, answer())
    unreachable_port(target.port)
    resolve_to({"half.example": ["127.0.0.3", "127.0.0.1"], "dead.example": ["127.0.0.3"]}, monkeypatch)
    outcome = await check("http", f"http://half.example:{target.port}/", timeout_s=1.5)
    assert outcome.status is Status.UP
    assert (outcome.timings.connect_ms or 0) >= 500
    outcome = await check("http", f"http://dead.example:{target.port}/", timeout_s=0.3)
    assert outcome.message.startswith("no answer in 0.3 s: name found in ")
    assert outcome.message.endswith(", then no connection")


async def test_refused_addresses_of_a_name_are_left_out(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await start_target(nursery, answer())
    resolve_to({"mixed.example": ["10.0.0.1", "127.0.0.1"], "inner.example": ["10.0.0.1", "10.0.0.2"]}, monkeypatch)
    assert (await check("http", f"http://mixed.example:{target.port}/")).status is Status.UP
    refused = await check("http", "http://inner.example/")
    assert refused.message.startswith("inner.example is refused: 10.0.0.1 is a private address; set ")
    assert refused.is_refused


async def test_an_unknown_name_is_told(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to({}, monkeypatch)
    outcome = await check("http", "http://nowhere.example/")
    assert (outcome.status, outcome.message) == (Status.DOWN, "nowhere.example: no such name")
