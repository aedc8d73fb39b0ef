"""A thousand broken pings: each is answered or its connection closed, none is a 5xx, and the next good one counts."""

import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from asura import metrics
from tests.api.sockets import ask, request
from tests.api.test_pings_http import running_job
from tests.daemon.hostile.bombard import bombard
from tests.daemon.hostile.corpus import Case, Ending

COUNT = 1000
SEED = 4
QUICK = {"ping_silence_s": 0.2, "linger_s": 0.2, "header_timeout_s": 2, "body_timeout_s": 2}
JUNK = [b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"%", b"%2F", b"\xff", b"\t", b"?", b"#", b"&rid=", b"/", b"//"]


def whole(dice: random.Random, path: str) -> bytes:
    """A good ping of some kind."""
    target = path + dice.choice(["", "/start", "/fail", "/log", "/7"]) + dice.choice(["", "?rid=7", "?rid=%41&x"])
    body = dice.randbytes(dice.choice([0, 1, 300, 20_000]))
    if dice.random() < 0.3:
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100], body[100:]) if part)
        return request("POST", target, "Transfer-Encoding: chunked", body=chunks + b"0\r\n\r\n")
    fields = dice.choice([[], ["Expect: 100-continue"], ["Connection: close"], ["X-Forwarded-For: ::1, x"]])
    return request(dice.choice(["GET", "POST", "HEAD", "PUT", "OPTIONS"]), target, *fields, body=body)


def broken(path: str) -> Iterator[Case]:
    """Good pings with some bytes changed, cut off, or several at once; the same for the same seed."""
    dice = random.Random(SEED)
    for number in range(COUNT):
        data = bytearray(b"".join(whole(dice, path) for _ in range(dice.choice([1, 1, 1, 3]))))
        for _ in range(dice.randint(0, 4)):
            at = dice.randrange(min(len(data), 400))
            data[at : at + dice.randint(0, 3)] = dice.choice([*JUNK, dice.randbytes(2)])
        data = data[: dice.randrange(len(data))] if dice.random() < 0.3 else data
        seam = dice.randrange(len(data) + 1) if dice.random() < 0.4 else len(data)
        ending = Ending.DROP if dice.random() < 0.2 else Ending.EOF
        yield Case(
            name=f"{number}: {bytes(data[:80])!r}", chunks=(bytes(data[:seam]), bytes(data[seam:])), ending=ending
        )


def troubles() -> tuple[float, float]:
    names = ("asura_http_request_crashes_total", "asura_http_connection_errors_total")
    crashes, errors = (metrics.counter(name, "").value() for name in names)
    return crashes, errors


async def test_broken_pings_bring_no_5xx_and_no_crash(tmp_path: Path):
    async with running_job(tmp_path, limits=QUICK) as job:
        before = troubles()
        report = await bombard("127.0.0.1", urlsplit(job.api.url).port or 0, broken(job.path))
        assert report.sent == COUNT
        assert report.server_errors == []
        assert report.unanswered == []
        assert report.unreachable == []
        assert troubles() == before
        assert {200, 400, 404, 405} <= report.statuses.keys()
        assert (await ask(job.api.url, request("GET", f"{job.path}?rid=last"))).status == 200
        assert (await job.pings())[-1].rid == "last"
