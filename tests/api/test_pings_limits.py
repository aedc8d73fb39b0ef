"""How often may be pinged, by whom, and what other origins' pages and proxies are told."""

import time
from pathlib import Path

import attrs
import pytest
import trio

from asura import metrics
from asura.web.pings import BURST
from tests.api.conftest import Api, config_with, serving
from tests.api.sockets import Line, ask, connect, request
from tests.api.test_pings_http import Job, make_job, running_job

UNKNOWN = "/api/v1/heartbeat/" + "u" * 32


async def statuses(job: Job, *targets: str, count: int = 1) -> list[int]:
    """What `count` pings to each of the targets are answered, one after the other on one connection."""
    line = await job.line()
    found = []
    async with line.stream:
        for target in targets * count:
            await line.send(request("GET", target))
            found.append((await line.answer()).status)
    return found


def reload(api: Api, **server: float) -> None:
    """Put another configuration in force, as SIGHUP does."""
    current = api.services.config.current
    api.services.config.reload(attrs.evolve(current, server=attrs.evolve(current.server, **server)))


async def test_a_token_that_is_hammered_is_told_to_wait_and_the_connection_stays(tmp_path: Path):
    async with running_job(tmp_path, heartbeat_rate_limit_per_sec=0.5) as job:
        assert await statuses(job, job.path, count=BURST) == [200] * BURST
        line = await job.line()
        async with line.stream:
            for data in (request("GET", job.path), request("POST", job.path, body=b"x" * 1000)):
                await line.send(data)
                answer = await line.answer()
                assert (answer.status, answer.goes_on) == (429, True)
                assert 1 <= int(answer.headers["retry-after"]) <= 3
                assert b"rate_limited" in answer.body
            other = await make_job(job.api, name="other")
            await line.send(request("GET", other.path) + request("GET", UNKNOWN))
            assert [(await line.answer()).status for _ in range(2)] == [200, 404]
        assert len(await job.pings()) == BURST


async def test_a_body_is_not_waited_for_to_say_429(tmp_path: Path):
    async with running_job(tmp_path, heartbeat_rate_limit_per_sec=0.1, limits={"linger_s": 0.2}) as job:
        await statuses(job, job.path, count=BURST)
        began_s = trio.current_time()
        answer = await ask(job.api.url, request("POST", job.path, "Content-Length: 10000000000"))
        assert (answer.status, answer.goes_on) == (429, False)
        assert trio.current_time() - began_s < 2


async def test_the_limit_of_a_token_follows_the_configuration(tmp_path: Path):
    async with running_job(tmp_path, heartbeat_rate_limit_per_sec=0.1) as job:
        assert (await statuses(job, job.path, count=BURST + 1))[-1] == 429
        reload(job.api, heartbeat_rate_limit_per_sec=0)
        assert await statuses(job, job.path, count=50) == [200] * 50
        reload(job.api, heartbeat_rate_limit_per_sec=100)
        await trio.sleep(0.1)
        assert await statuses(job, job.path, count=5) == [200] * 5


async def test_a_burst_never_undercuts_the_rate(tmp_path: Path):
    async with running_job(tmp_path, heartbeat_rate_limit_per_sec=60) as job:
        assert await statuses(job, job.path, count=60) == [200] * 60


async def test_fifty_jobs_of_one_host_at_minute_zero_are_all_taken(tmp_path: Path):
    async with running_job(tmp_path, rate_limit_per_sec=0.1, rate_limit_burst=1) as job:
        jobs = [job, *[await make_job(job.api, name=f"job {n}") for n in range(49)]]
        answers = []

        async def ping(each: Job) -> None:
            answers.append((await ask(each.api.url, request("GET", each.path, "Connection: close"))).status)

        async with trio.open_nursery() as nursery:
            for each in jobs:
                nursery.start_soon(ping, each)
        assert answers == [200] * 50


async def test_a_flood_on_one_token_slows_no_other(tmp_path: Path):
    """Twenty connections hammer one token; a ping to another takes no longer than some of their refusals."""
    async with running_job(tmp_path, heartbeat_rate_limit_per_sec=5) as job:
        quiet = await make_job(job.api, name="quiet")
        refused = 0

        async def hammer() -> None:
            nonlocal refused
            line = await job.line()
            async with line.stream:
                while True:
                    await line.send(request("GET", job.path))
                    refused += (await line.answer()).status == 429

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(hammer)
            line = await quiet.line()
            during = []
            async with line.stream:
                for _ in range(8):
                    before, began_s = refused, time.perf_counter()
                    await line.send(request("GET", quiet.path))
                    assert (await line.answer()).status == 200
                    during.append((refused - before, time.perf_counter() - began_s))
                    await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
        assert refused > 100
        assert sorted(count for count, _ in during)[4] < 200
        assert len(await quiet.pings()) == 8
        assert len(await job.pings()) <= BURST + 5 * 10


async def test_unknown_tokens_count_against_their_address_with_other_strangers(tmp_path: Path):
    async with running_job(tmp_path, rate_limit_per_sec=0.1, rate_limit_burst=4) as job:
        assert await statuses(job, UNKNOWN, "/api/v1/health", count=2) == [404, 200, 404, 200]
        answer = await ask(job.api.url, request("GET", UNKNOWN))
        assert answer.status == 429
        assert 9 <= int(answer.headers["retry-after"]) <= 11
        assert await statuses(job, job.path, UNKNOWN + "/x", "/api/v1/health") == [200, 404, 429]
        reload(job.api, rate_limit_per_sec=0)
        assert await statuses(job, UNKNOWN, count=5) == [404] * 5


async def test_a_trusted_proxy_tells_who_pings(tmp_path: Path):
    async with running_job(
        tmp_path, trusted_proxies=("127.0.0.0/8",), rate_limit_per_sec=0.1, rate_limit_burst=1
    ) as job:
        for fields in (["X-Forwarded-For: 198.51.100.9, 192.0.2.7"], ["X-Forwarded-For: 192.0.2.7", "Expect: x"], []):
            assert (await ask(job.api.url, request("GET", job.path, *fields))).status == 200
        assert [ping.remote_addr for ping in await job.pings()] == ["192.0.2.7", "192.0.2.7", "127.0.0.1"]
        forwarded = [request("GET", UNKNOWN, f"X-Forwarded-For: 192.0.2.{n}") for n in (1, 1, 2)]
        assert [(await ask(job.api.url, each)).status for each in forwarded] == [404, 429, 404]


async def test_anybody_else_is_taken_at_his_own_address(tmp_path: Path):
    async with running_job(tmp_path) as job:
        assert (await ask(job.api.url, request("GET", job.path, "X-Forwarded-For: 192.0.2.7"))).status == 200
        assert (await job.ping()).remote_addr == "127.0.0.1"


async def test_pings_stand_under_the_base_path(tmp_path: Path):
    async with running_job(tmp_path, base_path="/asura") as job:
        assert job.path.startswith("/asura/api/v1/heartbeat/")
        assert await statuses(job, job.path, job.path.removeprefix("/asura")) == [200, 404]


PREFLIGHT = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://pages.example", True),
        ("HTTPS://pages.example", True),
        ("https://other.example", False),
        ("null", False),
    ],
)
async def test_a_preflight_is_answered_and_is_no_ping(tmp_path: Path, origin: str, is_allowed: bool):
    async with running_job(tmp_path, cors_origins=("https://pages.example",)) as job:
        before = await ask(job.api.url, request("OPTIONS", job.path, f"Origin: {origin}", *PREFLIGHT))
        assert (before.status, before.body, before.headers["vary"]) == (204, b"", "Origin")
        assert "content-length" not in before.headers
        assert (before.headers.get("access-control-allow-methods") == "GET, HEAD, OPTIONS, POST") is is_allowed
        assert await job.pings() == []
        for target in (job.path, UNKNOWN):
            answer = await ask(job.api.url, request("POST", target, f"Origin: {origin}"))
            assert answer.headers.get("access-control-allow-origin") == (origin if is_allowed else None)
            wanted = "cross-origin" if is_allowed else "same-origin"
            assert answer.headers["cross-origin-resource-policy"] == wanted
        assert len(await job.pings()) == 1


async def test_over_tls_a_browser_is_told_to_stay_there(tmp_path: Path):
    tls = {"tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    async with serving(tmp_path, config_with(**tls)) as api:  # the listener itself speaks no TLS in these tests
        job = await make_job(api)
        assert (await ask(api.url, request("GET", job.path))).headers["strict-transport-security"]


async def test_pings_are_counted_among_the_requests(tmp_path: Path):
    requests = metrics.counter("asura_http_requests_total", "", ("status",))
    seconds = metrics.histogram("asura_http_request_seconds", "")

    def counted() -> tuple[float, int]:
        (count,) = [int(line.rpartition(" ")[2]) for line in seconds.samples() if "_count" in line]
        return requests.value(status="2xx"), count

    async with running_job(tmp_path) as job:
        await statuses(job, job.path)
        await trio.sleep(0.1)  # an answer is counted after it was sent
        before = counted()
        await statuses(job, job.path, count=3)
        await ask(job.api.url, request("POST", job.path, "Expect: x", body=b"hi"))
        await trio.sleep(0.1)
        assert counted() == (before[0] + 4, before[1] + 4)


async def test_a_line_stays_open_between_pings(tmp_path: Path):
    async with running_job(tmp_path, limits={"idle_timeout_s": 0.5, "header_timeout_s": 0.2}) as job:
        line: Line = await connect(job.api.url)
        async with line.stream:
            for _ in range(3):
                await line.send(request("GET", job.path))
                assert (await line.answer()).goes_on
                await trio.sleep(0.3)  # longer than a head may take, shorter than a line may be idle
            assert await line.is_closed()
