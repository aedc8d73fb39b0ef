"""Pings on the wire: whatever the body, the signal counts; whatever the request, there is an answer."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from asura.errors import NotFound, StoreError
from asura.model.heartbeat import Ping, PingKind
from asura.store import pings as store_pings
from asura.web.pings import KEPT_BYTES
from tests.api.conftest import Api, config_with, serving
from tests.api.sockets import SOON_S, Line, ask, connect, request
from tests.fakes.peers import need

MANY = 1 << 20
WITHOUT_LIMIT = {"heartbeat_rate_limit_per_sec": 0}


@attrs.frozen(kw_only=True)
class Job:
    """A heartbeat, its interface, and where it is pinged."""

    api: Api
    monitor_id: int
    path: str

    async def pings(self) -> list[Ping]:
        """What is stored, the oldest first."""
        found = await self.api.services.store.read(
            lambda conn: store_pings.page(conn, self.monitor_id, limit=500, body_chars=MANY)
        )
        return found[::-1]

    async def ping(self) -> Ping:
        """The only one that is stored."""
        (found,) = await self.pings()
        return found

    async def line(self) -> Line:
        return await connect(self.api.url)


async def make_job(api: Api, *, base_path: str = "", **fields: Any) -> Job:
    document = {"name": "job", "type": "heartbeat", "interval": 3600, **fields}
    made = await api.admin.post(f"{base_path}/api/v1/monitors", json=document)
    assert made.status_code == 201, made.text
    view = made.json()
    return Job(api=api, monitor_id=view["id"], path=f"{base_path}/api/v1/heartbeat/{view['heartbeat']['token']}")


@asynccontextmanager
async def running_job(folder: Path, *, limits: dict[str, Any] | None = None, **server: Any) -> AsyncIterator[Job]:
    """A heartbeat behind an interface of its own; `limits` are the listener's, `server` the configuration's."""
    async with serving(folder, config_with(**{**WITHOUT_LIMIT, **server}), limits=limits or {}) as api:
        yield await make_job(api, base_path=server.get("base_path", ""))


@pytest.fixture
async def job(tmp_path: Path) -> AsyncIterator[Job]:
    """A heartbeat; its pings are not limited, and a body may be silent for a moment only."""
    async with running_job(tmp_path, limits={"ping_silence_s": 0.3, "linger_s": 0.3}) as made:
        yield made


ADDRESSES = [
    ("", PingKind.SUCCESS, None),
    ("/start", PingKind.START, None),
    ("/fail", PingKind.FAIL, None),
    ("/log", PingKind.LOG, None),
    ("/0", PingKind.SUCCESS, 0),
    ("/1", PingKind.FAIL, 1),
    ("/255", PingKind.FAIL, 255),
    ("?x=1&rid=", PingKind.SUCCESS, None),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(("tail", "kind", "exit_status"), ADDRESSES, ids=[each[0] or "plain" for each in ADDRESSES])
async def test_an_address_says_what_the_job_reports(
    job: Job, method: str, tail: str, kind: PingKind, exit_status: int | None
):
    answer = await ask(job.api.url, request(method, job.path + tail), is_head=method == "HEAD")
    assert (answer.status, answer.headers["content-length"], answer.goes_on) == (200, "15", True)
    assert answer.body == (b"" if method == "HEAD" else b'{"status":"ok"}')
    ping = await job.ping()
    assert (ping.kind, ping.exit_status, ping.method, ping.body) == (kind, exit_status, method, None)


WHOLE = request("POST", "{path}/start?rid=7", "User-Agent: job/1 \xe9", body=b"output")


def in_chunks(data: bytes) -> list[bytes]:
    data = data.replace(b"Content-Length: 6", b"Transfer-Encoding: chunked")
    return [data.replace(b"output", b"6\r\noutput\r\n0\r\n\r\n")]


WAYS = {
    "in one piece": lambda data: [data],
    "byte by byte": lambda data: [bytes([each]) for each in data],
    "head and body apart": lambda data: data.partition(b"\r\n\r\n"),
    "with an absolute target": lambda data: [data.replace(b"POST /", b"POST http://a/")],
    "in chunks": in_chunks,
    "asking for leave": lambda data: [data.replace(b"Host", b"Expect: 100-continue\r\nHost")],
    "by HTTP/1.0": lambda data: [data.replace(b"HTTP/1.1", b"HTTP/1.0")],
    "encoded": lambda data: [data.replace(b"/start", b"/%73tart")],
}


@pytest.mark.parametrize("cut", WAYS.values(), ids=list(WAYS))
async def test_a_ping_is_the_same_however_it_comes(job: Job, cut: Any):
    data = WHOLE.replace(b"{path}", job.path.encode())
    assert (await ask(job.api.url, *cut(data))).status == 200
    ping = await job.ping()
    assert (ping.kind, ping.rid, ping.body, ping.is_cut) == (PingKind.START, "7", "output", False)
    assert (ping.user_agent, ping.remote_addr) == ("job/1 \ufffd", "127.0.0.1")


async def test_many_pings_share_a_connection(job: Job):
    line = await job.line()
    async with line.stream:
        for number in range(20):
            await line.send(request("POST", job.path, body=b"%d" % number))
            assert (await line.answer()).goes_on
        await line.send(request("GET", job.path) * 5)
        assert [(await line.answer()).status for _ in range(5)] == [200] * 5
        await line.send(request("GET", "/api/v1/health") + request("GET", job.path) + request("GET", "/api/v1/health"))
        assert [(await line.answer()).status for _ in range(3)] == [200] * 3
        await line.send(request("GET", job.path, "Connection: close"))
        assert not (await line.answer()).goes_on
        assert await line.is_closed()
    assert [ping.body for ping in await job.pings()] == [*map(str, range(20)), *[None] * 7]


POST = "POST {path} HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"
BODIES: dict[str, tuple[bytes, str | None, bool]] = {
    "empty": (b"Content-Length: 0\r\n\r\n", None, False),
    "not UTF-8": (b"Content-Length: 4\r\n\r\na\xff\xfeb", "a\ufffd\ufffdb", False),
    "NUL": (b"Content-Length: 3\r\n\r\na\x00b", "a\ufffdb", False),
    "lone surrogate": (b"Content-Length: 5\r\n\r\na\xed\xa0\x80b", "a\ufffd\ufffd\ufffdb", False),
    "gzip": (b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01", "\x1f\ufffd\x08\x01", False),
    "some type": (b"Content-Type: \x22;;\r\nContent-Length: 2\r\n\r\nhi", "hi", False),
    "longer than said": (b"Content-Length: 2\r\n\r\nhi there", "hi", False),
    "cut off": (b"Content-Length: 100\r\n\r\nhi", "hi", True),
    "cut off in a character": (b"Content-Length: 100\r\n\r\nhi\xe2\x82", "hi", True),
    "nothing of it": (b"Content-Length: 100\r\n\r\n", None, True),
    "10 GB": (b"Content-Length: 10737418240\r\n\r\nhi", "hi", True),
    "more digits than a number has": (b"Content-Length: " + b"9" * 200 + b"\r\n\r\nhi", None, True),
    "no length": (b"Content-Length: many\r\n\r\nhi", None, True),
    "negative length": (b"Content-Length: -1\r\n\r\nhi", None, True),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", None, True),
    "length and chunks": (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi", False),
    "unknown coding": (b"Transfer-Encoding: gzip, chunked\r\n\r\nhi", None, True),
    "chunks": (b"Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nX: y\r\n\r\n", "hi", False),
    "no chunk": (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", None, True),
    "broken after a chunk": (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n-1\r\n", "hi", True),
    "a chunk without end": (b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 30, None, True),
    "a chunk cut off": (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhi", "hi", True),
    "huge trailer": (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + b"X: y\r\n" * 20_000, "hi", True),
    "a body after GET": (b"Content-Length: 2\r\n\r\nhi", "hi", False),
}


@pytest.mark.parametrize("leaves", [False, True], ids=["client waits", "client says that is all"])
@pytest.mark.parametrize(("rest", "body", "is_cut"), BODIES.values(), ids=list(BODIES))
async def test_a_body_never_costs_the_signal(job: Job, rest: bytes, body: str | None, is_cut: bool, leaves: bool):
    method = "GET" if rest is BODIES["a body after GET"][0] else "POST"
    data = f"{method} {job.path} HTTP/1.1\r\nHost: a\r\n".encode() + rest
    answer = await ask(job.api.url, data, leaves=leaves)
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    ping = await job.ping()
    assert (ping.kind, ping.body or None, ping.is_cut) == (PingKind.SUCCESS, body, is_cut)


@pytest.mark.parametrize("name", ["length and chunks", "no length", "no chunk", "cut off", "longer than said"])
async def test_a_connection_goes_no_further_where_nobody_knows_where_the_next_request_begins(job: Job, name: str):
    line = await job.line()
    async with line.stream:
        await line.send(f"POST {job.path} HTTP/1.1\r\nHost: a\r\n".encode() + BODIES[name][0])
        if name == "longer than said":  # the rest is a request, and none that can be read
            assert (await line.answer()).goes_on
            assert (await line.answer()).status == 400
        else:
            assert not (await line.answer()).goes_on
        assert await line.is_closed()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"x" * KEPT_BYTES, "x" * KEPT_BYTES),
        (b"x" * (KEPT_BYTES + 1), "x" * KEPT_BYTES),
        (b"x" * (KEPT_BYTES - 1) + "é".encode(), "x" * (KEPT_BYTES - 1)),
        (b"x" * 1_000_000, "x" * KEPT_BYTES),
    ],
    ids=["just fits", "one too many", "a character across the border", "a megabyte"],
)
async def test_the_first_100_kb_are_kept_and_the_connection_too(job: Job, body: bytes, kept: str):
    line = await job.line()
    async with line.stream:
        await line.send(request("POST", job.path, body=body))
        assert (await line.answer()).goes_on
        await line.send(request("GET", job.path))
        assert (await line.answer()).status == 200
    first, _ = await job.pings()
    assert (first.body, first.is_cut) == (kept, len(body) > KEPT_BYTES)


async def test_a_client_that_sends_all_of_a_large_file_before_it_reads_finds_its_answer(job: Job):
    size = 40_000_000
    line = await job.line()
    async with line.stream:
        await line.stream.send_all(f"POST {job.path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(0, size, 100_000):
            await line.stream.send_all(b"x" * 100_000)
        answer = await line.answer()
    assert (answer.status, answer.goes_on) == (200, False)


@pytest.mark.parametrize("arguments", [["-d", "@{file}"], ["--data-binary", "@{file}", "-H", "Expect: 100-continue"],
                                       ["-X", "POST", "-T", "-"]], ids=["data", "asks for leave", "piped"])  # fmt: skip
async def test_curl_ends_well_with_a_large_file(job: Job, tmp_path: Path, arguments: list[str]):
    curl = need("curl")
    file = tmp_path / "log"
    file.write_bytes(b"x" * 30_000_000)
    command = [curl, "-sS", "--noproxy", "*", "-m", "20", *(each.format(file=file) for each in arguments)]
    with file.open("rb") as source:
        ended = await trio.run_process(
            [*command, job.api.url + job.path],
            stdin=source, check=False, capture_stdout=True, stderr=subprocess.STDOUT,
        )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, b'{"status":"ok"}')
    ping = await job.ping()
    assert (len(ping.body or ""), ping.is_cut) == (KEPT_BYTES, True)


async def test_a_client_that_leaves_at_once_has_pinged(job: Job):
    line = await job.line()
    await line.send(request("POST", job.path, "Content-Length: 50", body=b"bye"))
    await trio.aclose_forcefully(line.stream)
    with trio.fail_after(SOON_S):
        while not await job.pings():  # noqa: ASYNC110 - what is waited for has no event
            await trio.sleep(0.02)
    assert ((await job.ping()).body, (await job.ping()).is_cut) == ("bye", True)


async def test_a_body_that_drips_on_for_ever_counts_in_time(tmp_path: Path):
    async with running_job(tmp_path, limits={"body_timeout_s": 0.5}) as job:
        line = await job.line()
        async with line.stream, trio.open_nursery() as nursery:
            await line.send(request("POST", job.path, "Content-Length: 100000"))

            async def drip() -> None:
                while True:
                    await line.send(b"x", pause_s=0.05)

            nursery.start_soon(drip)
            assert (await line.answer()).status == 200
            nursery.cancel_scope.cancel()
        assert (await job.ping()).is_cut


async def test_a_ping_whose_body_is_on_its_way_counts_when_the_daemon_stops(tmp_path: Path):
    async with running_job(tmp_path, limits={"ping_silence_s": 60, "body_timeout_s": 60}) as job:
        line = await job.line()
        async with line.stream:
            await line.send(request("POST", job.path, "Content-Length: 9", body=b"half"), pause_s=0.2)
            job.api.stopping.set()
            answer = await line.answer()
        assert (answer.status, answer.goes_on) == (200, False)
        assert (await job.ping()).body == "half"


REFUSED = {
    "no Host": ("GET {path} HTTP/1.1\r\n\r\n", 400),
    "bad Host": ("GET {path} HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "label of 64": ("GET {path} HTTP/1.1\r\nHost: " + "a" * 64 + "\r\n\r\n", 400),
    "two Hosts": ("GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "HTTP/3": ("GET {path} HTTP/3.0\r\nHost: a\r\n\r\n", 400),
    "control character": ("GET {path}%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "WebSocket": ("GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 400),
    "9 kB of query": ("GET {path}?" + "a" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "long segment": ("GET {path}/" + "a" * 300 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "20 kB of header": ("GET {path} HTTP/1.1\r\nHost: a\r\nX: " + "a" * 20_000 + "\r\n\r\n", 431),
    "200 fields": ("GET {path} HTTP/1.1\r\nHost: a\r\n" + "X: 1\r\n" * 200 + "\r\n", 431),
    "bad name and bad length": ("GET {path} HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\nA B: c\r\n\r\n", 400),
    "PUT": ("PUT {path} HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "DELETE": ("DELETE {path} HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "PATCH": ("PATCH {path}/fail HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "lower-case method": ("get {path} HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "unknown method": ("PING {path} HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "OPTIONS": ("OPTIONS {path} HTTP/1.1\r\nHost: a\r\n\r\n", 204),
    "other tail": ("GET {path}/ok HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "slash at the end": ("GET {path}/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "encoded slash": ("GET {path}%2Ffail HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "256": ("GET {path}/256 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "no token": ("GET /api/v1/heartbeat/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "another token": ("GET /api/v1/heartbeat/" + "x" * 32 + " HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "slashes": ("GET /api/v1/heartbeat//x HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "upper-case path": ("GET /api/v1/Heartbeat/x HTTP/1.1\r\nHost: a\r\n\r\n", 404),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=list(REFUSED))
async def test_what_is_no_ping_is_refused_and_not_recorded(job: Job, data: str, status: int):
    answer = await ask(job.api.url, data.replace("{path}", job.path).encode())
    assert answer.status == status
    assert answer.body.startswith(b"" if status == 204 else b'{"error":"')
    if status in (204, 405):
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert await job.pings() == []


@pytest.mark.parametrize("query", ["rid=&rid=1", "rid=%00", "rid=" + "a" * 65, "rid=%FF", "rid=a b".replace(" ", "+"),
                                   "=&&;%", "rid=../x", "rid[]=1", "a" * 8000], ids=lambda each: each[:12])  # fmt: skip
async def test_a_strange_query_costs_only_itself(job: Job, query: str):
    assert (await ask(job.api.url, request("GET", f"{job.path}?{query}"))).status == 200
    assert (await job.ping()).rid == ""


async def test_an_answer_carries_what_protects_every_answer(job: Job):
    others = (await ask(job.api.url, request("GET", "/api/v1/nothing"))).headers
    for data in (request("GET", job.path), request("GET", job.path, "Expect: x"), request("GET", job.path + "/x")):
        headers = (await ask(job.api.url, data)).headers
        assert {name: headers.get(name) for name in others} == {**others, "content-length": headers["content-length"],
                                                                 "date": headers["date"]}  # fmt: skip


FAILURES = [(StoreError("the disk is full"), 503), (NotFound("gone"), 404), (ZeroDivisionError(), 500)]


@pytest.mark.parametrize(("failure", "status"), FAILURES, ids=["disk", "deleted meanwhile", "bug"])
@pytest.mark.parametrize("body", [b"", b"x" * 50_000], ids=["plain", "with a body"])
async def test_only_a_durable_ping_is_answered_200(
    job: Job, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, body: bytes
):
    async def fail(_signal: object) -> None:
        raise failure

    monkeypatch.setattr(job.api.services.intake, "record", fail)
    line = await job.line()
    async with line.stream:
        await line.send(request("POST", job.path, body=body))
        answer = await line.answer()
        assert answer.status == status
        assert (answer.headers.get("retry-after") == "5") is (status == 503)
        monkeypatch.undo()
        await line.send(request("POST", job.path, body=body))
        assert (await line.answer()).status == 200
