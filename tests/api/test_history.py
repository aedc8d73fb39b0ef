"""What was seen of a monitor, over HTTP: checks, numbers, chart, timeline."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest

from asura.model.monitor import Status
from asura.units import iso
from tests import factories
from tests.api.conftest import Api
from tests.api.test_monitors import make

HOUR_MS = 3_600_000


async def see(api: Api, *results: tuple[int, Status, int | None]) -> int:
    """Record (seconds ago, status, response time); answers the instant that they are counted from."""
    now_ms = api.services.clock.now_ms()
    await api.services.record(
        [
            factories.observation(1, status, at=now_ms - ago_s * 1000, response_ms=response_ms)
            for ago_s, status, response_ms in results
        ]
    )
    return now_ms


async def test_checks_are_listed_newest_first_and_go_on_after_one(api: Api):
    await make(api)
    await see(api, *((60 - each, Status.UP, each + 1) for each in range(25)))
    first = (await api.reader.get("/api/v1/monitors/1/checks?per_page=10")).json()
    assert (first["total"], first["total_pages"]) == (25, 3)
    times = [each["response_ms"] for each in first["data"]]
    while times[-1] > 1:
        last_id = first["data"][-1]["id"]
        first = (await api.reader.get(f"/api/v1/monitors/1/checks?per_page=10&before={last_id}")).json()
        times += [each["response_ms"] for each in first["data"]]
    assert times == list(range(25, 0, -1))
    second = (await api.reader.get("/api/v1/monitors/1/checks?per_page=10&page=2")).json()
    assert [each["response_ms"] for each in second["data"]] == list(range(15, 5, -1))


async def test_checks_can_be_filtered(api: Api):
    await make(api)
    now_ms = await see(api, (300, Status.UP, 10), (200, Status.DOWN, None), (100, Status.UP, 30))

    async def found(query: str) -> list[int | None]:
        return [
            each["response_ms"] for each in (await api.reader.get(f"/api/v1/monitors/1/checks?{query}")).json()["data"]
        ]

    assert await found("status=down") == [None]
    assert await found("status=purple") == []
    assert await found("region=local") == [30, None, 10]
    assert await found("region=mars") == []
    assert await found(f"from={iso(now_ms - 200_000)}") == [30, None]
    assert await found(f"to={iso(now_ms - 200_000)}") == [10]
    local = datetime.fromtimestamp((now_ms - 250_000) / 1000, UTC).astimezone().isoformat()
    assert await found(f"from={quote(local)}&status=up") == [30]
    assert await found(f"from={iso(now_ms)}&to={iso(now_ms - 1)}") == []


async def test_an_offset_with_a_bare_plus_is_understood(api: Api):
    await make(api)
    ahead = datetime.now(UTC) + timedelta(hours=3)
    assert (await api.reader.get(f"/api/v1/monitors/1/checks?to={ahead:%Y-%m-%dT%H:%M:%S}+02:00")).status_code == 200


async def test_numbers_over_a_short_span_are_exact(api: Api):
    await make(api)
    now_ms = await see(api, *((1000 - each, Status.UP, each + 1) for each in range(100)))
    await see(api, (700, Status.DOWN, None), (600, Status.DEGRADED, 1000))
    query = f"from={iso(now_ms - HOUR_MS)}&to={iso(now_ms)}"
    numbers = (await api.reader.get(f"/api/v1/monitors/1/metrics?{query}")).json()
    assert numbers["checks"] == {"total": 102, "up": 100, "degraded": 1, "down": 1}
    assert numbers["response_ms"] == {"avg": 60, "p50": 51, "p95": 96, "p99": 100}
    (region,) = numbers["by_region"].items()
    assert region == (
        "local",
        # Up for 279 seconds, down for 100, degraded for 180: by what was seen, and not by what was confirmed.
        {"uptime_pct": pytest.approx(82.11, abs=0.01), **{key: numbers[key] for key in ("response_ms", "checks")}},
    )
    assert numbers["uptime_pct"] == 100.0
    nothing = (await api.reader.get(f"/api/v1/monitors/1/metrics?to={iso(now_ms - 10 * HOUR_MS)}")).json()
    assert (nothing["uptime_pct"], nothing["response_ms"]["avg"], nothing["by_region"]) == (None, None, {})


async def test_numbers_over_a_long_span_are_close(api: Api):
    await make(api)
    await see(api, *((1000 - each, Status.UP, each + 1) for each in range(100)))
    for window in (timedelta(days=1), timedelta(days=30), timedelta(days=300)):
        since = (datetime.now(UTC) - window).strftime("%Y-%m-%dT%H:%M:%SZ")
        numbers = (await api.reader.get(f"/api/v1/monitors/1/metrics?from={since}")).json()
        assert numbers["checks"]["up"] == 100
        assert numbers["response_ms"]["avg"] == 50
        assert numbers["response_ms"]["p95"] == pytest.approx(95, rel=0.06)


async def test_uptime_is_time(api: Api):
    await make(api)
    now_ms = api.services.clock.now_ms()
    for ago_s, status in ((600, Status.UP), (540, Status.DOWN), (480, Status.DOWN), (420, Status.DOWN)):
        await api.services.record([factories.observation(1, status, at=now_ms - ago_s * 1000)])
    spans = (await api.reader.get("/api/v1/monitors/1/timeline")).json()
    assert [span["status"] for span in spans][-1] in ("down", "unknown")
    assert all(earlier["to"] == later["from"] for earlier, later in pairwise(spans))


async def test_a_span_that_ends_before_it_begins_is_refused(api: Api):
    await make(api)
    for part in ("metrics", "timeline"):
        query = "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"
        refused = await api.reader.get(f"/api/v1/monitors/1/{part}?{query}")
        assert (refused.status_code, set(refused.json()["fields"])) == (400, {"from"})
        assert (await api.reader.get(f"/api/v1/monitors/1/{part}?from=0001-01-01T00:00:00Z")).status_code == 200
        assert (await api.reader.get(f"/api/v1/monitors/1/{part}?to=9999-12-31T23:59:59Z")).status_code == 200
        assert (await api.reader.get(f"/api/v1/monitors/1/{part}?to=0001-01-01T00:00:00Z")).status_code == 200


@pytest.mark.parametrize("window", ["1m", "1h", "6h", "24h", "7d", "30d", "90d", "3660d", "3600"])
async def test_a_chart_has_at_most_500_points_whatever_the_window(api: Api, window: str):
    await make(api, interval=1, timeout=1)
    await see(api, *((each, Status.UP, 20) for each in range(900, 0, -1)), (5, Status.DOWN, None))
    chart = (await api.reader.get(f"/api/v1/monitors/1/chart?window={window}")).json()
    assert chart["window"] == window
    assert 1 <= len(chart["points"]) <= 500
    steps = {datetime.fromisoformat(point["at"]).timestamp() % chart["bucket_seconds"] for point in chart["points"]}
    assert steps == {0}
    assert {point["avg_ms"] for point in chart["points"]} <= {20, None}
    seen_s = min(900, 60 if window == "1m" else 900)
    assert sum(point["up"] for point in chart["points"]) >= seen_s - chart["bucket_seconds"] - 5


@pytest.mark.parametrize("window", ["", "x", "-1h", "1w", "59s", "9999d", "1_0h", "٣h", "99999999999999999999"])
async def test_a_window_that_makes_no_sense_is_refused(api: Api, window: str):
    await make(api)
    refused = await api.reader.get("/api/v1/monitors/1/chart", params={"window": window})
    assert (refused.status_code, set(refused.json()["fields"])) == (400, {"window"})
