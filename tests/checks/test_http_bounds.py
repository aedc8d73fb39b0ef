import socket
import tracemalloc

import pytest
import trio

from asura.checks import CHECK_TYPES
from asura.checks.http_settings import HttpSettings
from asura.model.monitor import Status
from asura.protocols.attempt import Env, Stopwatch
from tests.checks.conftest import Check
from tests.fakes.descriptors import descriptors, drained
from tests.fakes.proxy import http_proxy, socks5_proxy
from tests.fakes.target import Behaviour, answer, bomb, endless, raw, reset, routes, silent, slow_trickle, start_target


async def test_a_bomb_of_1_gib_costs_less_than_16_mib(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, bomb(), content_encoding="gzip"))
    limit = 16 * 2**20
    tracemalloc.start()
    try:
        outcome = await check("http", target.url, keyword="needle", max_body_bytes=limit)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.message == f'"needle" is not in the first {limit} bytes of the body, and no more is read'
    assert peak_bytes < 2 * 2**20


async def test_a_bomb_lets_other_tasks_run(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, bomb(64), content_encoding="gzip"))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    nursery.start_soon(count)
    await check("http", target.url, max_body_bytes=16 * 2**20)
    assert turns > 100


HALFWAY: dict[str, Behaviour] = {
    "before the answer": silent,
    "in the body": slow_trickle,
    "in an endless body": endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb(64)[:5000], b"\0"),
}


@pytest.mark.parametrize("behaviour", HALFWAY.values(), ids=HALFWAY)
async def test_a_check_cancelled_halfway_leaves_no_descriptor(
    behaviour: Behaviour, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    async with trio.open_nursery() as checks:
        for _ in range(20):
            checks.start_soon(lambda: check("http", target.url, timeout_s=0.2, max_body_bytes=16 * 2**20))
    await drained(target.port)


async def test_2200_failing_checks_leave_nothing(env: Env, nursery: trio.Nursery) -> None:
    half = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    target = await start_target(nursery, routes({"/": raw(), "/garbage": raw(b"garbage\r\n"), "/half": half}))
    broken = await start_target(nursery, reset)
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/"
    http = CHECK_TYPES["http"]
    attempts = [
        http.prepare(url, HttpSettings(), env)
        for url in (closed, broken.url, target.url, f"{target.url}garbage", f"{target.url}half", "http://10.0.0.1/")
    ]
    for kind, sound in (("http", http_proxy()), ("socks5", socks5_proxy())):
        for behaviour in (sound, raw(b"garbage\r\n", reads=False), raw(reads=False), reset):
            proxy = await start_target(nursery, behaviour)
            settings = HttpSettings(proxy=f"{kind}://{proxy.address}")
            attempts += [http.prepare(url, settings, env) for url in (closed, f"{target.url}half")]
    before, tasks = descriptors(), trio.lowlevel.current_statistics().tasks_living

    async def repeat(attempt: object) -> None:
        for _ in range(100):
            outcome = await attempt(Stopwatch())  # type: ignore[operator]
            assert outcome.status is Status.DOWN

    async with trio.open_nursery() as checks:
        for attempt in attempts:
            checks.start_soon(repeat, attempt)
    with trio.fail_after(5):
        while descriptors() > before or trio.lowlevel.current_statistics().tasks_living > tasks:  # noqa: ASYNC110
            await trio.sleep(0.01)
