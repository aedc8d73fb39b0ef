import contextlib
from collections.abc import Iterator
from pathlib import Path

import trio
import trustme

from asura.checks.http_settings import BasicAuth
from asura.model.monitor import Status
from tests.checks.conftest import Check, server_context
from tests.fakes.peers import free_port, need, running
from tests.fakes.target import answer, start_target


@contextlib.contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[str]:
    port = free_port()
    config = folder / "tinyproxy.conf"
    config.write_text("\n".join([f"Port {port}", "Listen 127.0.0.1", "Allow 127.0.0.1", *lines, ""]))
    with running([need("tinyproxy"), "-d", "-c", str(config)], folder=folder, port=port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def microsocks(folder: Path, *options: str) -> Iterator[str]:
    port = free_port()
    with running([need("microsocks"), "-i", "127.0.0.1", "-p", str(port), *options], folder=folder, port=port):
        yield f"socks5://127.0.0.1:{port}"


async def test_tinyproxy_connects(tmp_path: Path, authority: trustme.CA, check: Check, nursery: trio.Nursery) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    plain = await start_target(nursery, answer(200, b"hello"))
    secure = await start_target(nursery, answer(200, b"hello"), tls=context)
    ports = (f"ConnectPort {plain.port}", f"ConnectPort {secure.port}")
    auth = BasicAuth(username="ann", password="pw")
    with tinyproxy(tmp_path, *ports, "BasicAuth ann pw") as proxy:
        for target in (plain, secure):
            outcome = await check("http", target.url, proxy=proxy, proxy_auth=auth, keyword="hello")
            assert (outcome.status, outcome.message) == (Status.UP, "")
        outcome = await check("http", plain.url, proxy=proxy)
        assert "wants a user name and password (it answered 407 " in outcome.message
        outcome = await check("http", "http://127.0.0.1:9/", proxy=proxy, proxy_auth=auth)
        assert outcome.message.startswith(f"proxy {proxy.removeprefix('http://')} answered 403 ")


async def test_microsocks_connects(tmp_path: Path, authority: trustme.CA, check: Check, nursery: trio.Nursery) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    plain = await start_target(nursery, answer(200, b"hello"))
    secure = await start_target(nursery, answer(200, b"hello"), tls=context)
    auth = BasicAuth(username="ann", password="pw")
    with microsocks(tmp_path, "-u", "ann", "-P", "pw") as proxy:
        for target in (plain, secure):
            outcome = await check("http", target.url, proxy=proxy, proxy_auth=auth, keyword="hello")
            assert (outcome.status, outcome.message) == (Status.UP, "")
        outcome = await check("http", plain.url, proxy=proxy)
        assert outcome.message.endswith(" wants a user name and password")
        port = free_port()
        outcome = await check("http", f"http://127.0.0.1:{port}/", proxy=proxy, proxy_auth=auth)
        assert outcome.message.endswith(f" can't reach 127.0.0.1:{port}: connection refused")
