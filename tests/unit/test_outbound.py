import socket

import httpx
import pytest
import trio

from asura.errors import TargetRefused
from asura.netguard import Guard
from asura.outbound import guarded_client, tls_context
from tests.fakes.target import answer, redirect, silent, start_target

LOOPBACK = Guard(allowed_networks=["127.0.0.1"])


async def test_a_permitted_address_is_reached(nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(201, b"thanks"))
    async with guarded_client(LOOPBACK, timeout_s=5) as client:
        response = await client.post(target.url, content=b"body")
    assert (response.status_code, response.content) == (201, b"thanks")
    assert target.requests[0].endswith(b"\r\n\r\nbody")


async def test_a_forbidden_address_is_refused(nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    async with guarded_client(Guard(), timeout_s=5) as client:
        with pytest.raises(TargetRefused, match=r"127\.0\.0\.1 is a loopback address; set"):
            await client.post(target.url)
        with pytest.raises(TargetRefused, match=r"127\.0\.0\.1 is a loopback address; set"):
            await client.post(target.url.replace("127.0.0.1", "0x7f.1"))
    assert target.connections == 0


async def test_a_redirect_is_not_followed(nursery: trio.Nursery) -> None:
    target = await start_target(nursery, redirect("http://10.0.0.1/"))
    async with guarded_client(LOOPBACK, timeout_s=5) as client:
        assert (await client.get(target.url)).status_code == 302


async def test_a_proxy_of_the_environment_is_not_used(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = await start_target(nursery, answer(502))
    target = await start_target(nursery, answer(200))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    async with guarded_client(LOOPBACK, timeout_s=5) as client:
        assert (await client.get(target.url)).status_code == 200


async def test_the_address_that_was_judged_is_the_one_connected_to(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes between the two lookups (DNS rebinding) would be judged as one and reached as the other."""
    target = await start_target(nursery, answer())
    asked: list[str] = []
    original = socket.getaddrinfo

    def getaddrinfo(name: str, port: int, *rest: int) -> list[tuple[object, ...]]:
        if name != "rebound.example":
            return original(name, port, *rest)  # type: ignore[return-value]
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with guarded_client(LOOPBACK, timeout_s=5) as client:
        assert (await client.get(f"http://rebound.example:{target.port}/")).status_code == 200
    assert len(asked) == 1


async def test_an_unknown_name_is_a_connect_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with guarded_client(LOOPBACK, timeout_s=5) as client:
        with pytest.raises(httpx.ConnectError, match=r"nowhere\.example: no such name"):
            await client.get("http://nowhere.example/")


async def test_a_refused_connection_is_a_connect_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with guarded_client(LOOPBACK, timeout_s=5) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")


async def test_silence_is_a_timeout(nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    async with guarded_client(LOOPBACK, timeout_s=0.1) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(target.url)


async def test_a_socket_file_is_never_opened() -> None:
    async with guarded_client(Guard(allow_private=True), timeout_s=5) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("unix:///run/docker.sock")


def test_the_context_is_made_once() -> None:
    assert tls_context() is tls_context()
