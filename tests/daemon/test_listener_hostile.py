"""Ten thousand requests that nobody should send, against the listener with a small app behind it."""

from functools import partial
from urllib.parse import urlsplit

import pytest
import trio

from asura import metrics
from asura.web.listener import ListenOptions, listen
from tests.daemon.hostile.bombard import bombard
from tests.daemon.hostile.corpus import cases
from tests.daemon.web_apps import small_app

COUNT = 10_000


@pytest.mark.parametrize("seed", [1])
async def test_ten_thousand_broken_requests_bring_no_5xx_and_no_crash(nursery: trio.Nursery, seed: int) -> None:
    """Each gets an answer or a closed connection, and afterwards the listener serves as before."""
    stopping = trio.Event()
    options = ListenOptions(host="127.0.0.1", port=0, header_timeout_s=5, body_timeout_s=5)
    (url,) = await nursery.start(partial(listen, small_app(stopping=stopping), options, stopping=stopping))
    port = urlsplit(url).port
    assert port is not None
    crashes = metrics.counter("asura_http_request_crashes_total", "").value()
    errors = metrics.counter("asura_http_connection_errors_total", "").value()

    report = await bombard("127.0.0.1", port, cases(seed=seed, count=COUNT))

    print(report.sent, dict(report.statuses), report.closed, report.dropped, round(report.elapsed_s, 1), report.slowest)
    assert report.sent == COUNT
    assert report.server_errors == []
    assert report.unanswered == []
    assert report.unreachable == []
    assert metrics.counter("asura_http_request_crashes_total", "").value() == crashes
    assert metrics.counter("asura_http_connection_errors_total", "").value() == errors
    stopping.set()
