"""Requests that nobody should send, against the listener with a small app behind it."""

import ssl
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trio

from asura import metrics
from asura.web.listener import ListenOptions, listen
from tests.daemon.hostile.bombard import bombard
from tests.daemon.hostile.corpus import cases
from tests.daemon.web_apps import small_app

COUNT = 3_000
"""The full ten thousand go to the real daemon."""
TLS_COUNT = 500

QUICK = {"header_timeout_s": 5, "body_timeout_s": 5}


def troubles() -> tuple[float, float]:
    """Handlers and connections that have crashed."""
    names = ("asura_http_request_crashes_total", "asura_http_connection_errors_total")
    crashes, errors = (metrics.counter(name, "").value() for name in names)
    return crashes, errors


async def assault(nursery: trio.Nursery, *, count: int, tls: ssl.SSLContext | None = None, **options: Any) -> None:
    """Send `count` cases to a listener of its own. Each must get an answer that is no 5xx, or a closed connection."""
    stopping = trio.Event()
    made = ListenOptions(host="127.0.0.1", port=0, **QUICK, **options)
    (url,) = await nursery.start(partial(listen, small_app(stopping=stopping), made, stopping=stopping))
    before = troubles()
    report = await bombard("127.0.0.1", urlsplit(url).port or 0, cases(seed=1, count=count), tls=tls)
    stopping.set()
    assert report.sent == count
    assert report.server_errors == []
    assert report.unanswered == []
    assert report.unreachable == []
    assert troubles() == before


async def test_broken_requests_bring_no_5xx_and_no_crash(nursery: trio.Nursery) -> None:
    """In clear text, where HTTP/2 and WebSocket are refused at the door."""
    await assault(nursery, count=COUNT)


async def test_broken_requests_over_tls_bring_no_5xx_and_no_crash(
    nursery: trio.Nursery, certificate: tuple[Path, Path]
) -> None:
    """Over TLS, where a client may speak HTTP/2 though it was not agreed on."""
    tls = ssl.create_default_context(cafile=str(certificate[0]))
    await assault(nursery, count=TLS_COUNT, tls=tls, tls_cert=certificate[0], tls_key=certificate[1])
