"""What was seen of a monitor, over HTTP: checks, numbers, chart, timeline."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest

from asura.api import history
from asura.model.monitor import Status
from asura.store import retention
from asura.store.database import Conn
from asura.units import iso, parse_iso
from tests import factories
from tests.api.conftest import Api
from tests.api.test_monitors import make

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def make_long_ago(api: Api, **fields: object) -> None:
    """A monitor that was made a hundred days ago, and whose past can be told."""
    await make(api, **fields)

    def age(conn: Conn) -> None:
        conn.execute("UPDATE status_change SET at = at - ?", (100 * DAY_MS,))
        conn.execute("UPDATE monitor_state SET status_since = status_since - ?", (100 * DAY_MS,))

    await api.services.store.write(age)


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


async def test_a_point_of_the_chart_has_the_uptime_of_its_step(api: Api):
    await make_long_ago(api, failure_threshold=1, success_threshold=1)
    now_ms = api.services.clock.now_ms()
    hour_at = now_ms - now_ms % HOUR_MS - 30 * HOUR_MS
    seen = [(hour_at + minute * 60_000, Status.DOWN if 75 <= minute < 90 else Status.UP) for minute in range(0, 241, 1)]
    await api.services.record([factories.observation(1, status, at=at) for at, status in seen])
    chart = (await api.reader.get("/api/v1/monitors/1/chart?window=30d")).json()
    step_ms = chart["bucket_seconds"] * 1000
    assert step_ms == 7_200_000
    for point in chart["points"]:
        start_at = parse_iso(point["at"])
        down_ms = overlap((hour_at + 75 * 60_000, hour_at + 90 * 60_000), (start_at, start_at + step_ms))
        known_ms = overlap((hour_at, hour_at + 243 * 60_000), (start_at, start_at + step_ms))
        assert point["uptime_pct"] == (known_ms - down_ms) * 100_000 // known_ms / 1000
    assert min(point["uptime_pct"] for point in chart["points"]) < 100


def overlap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


async def test_a_point_of_which_nothing_is_known_has_no_uptime(api: Api):
    """A check by a configuration that was changed since is history, and no verdict."""
    await make(api)
    now_ms = api.services.clock.now_ms()
    await api.services.record([factories.observation(1, at=now_ms - 1000, config_version=7)])
    [point] = (await api.reader.get("/api/v1/monitors/1/chart?window=1h")).json()["points"]
    assert (point["up"], point["uptime_pct"]) == (1, None)


async def test_charts_and_numbers_go_on_where_single_checks_are_pruned(api: Api):
    await make_long_ago(api)
    now_ms = api.services.clock.now_ms()
    day_at = now_ms - now_ms % DAY_MS
    seen = [day_at - hour * HOUR_MS for hour in range(1, 24 * 20)]
    await api.services.record([factories.observation(1, at=at, response_ms=20) for at in seen])
    limit = day_at - 2 * DAY_MS
    await prune(api, raw_before=limit)
    assert (await api.reader.get("/api/v1/monitors/1/checks")).json()["total"] == 48
    for window in ("7d", "14d", "100d"):
        chart = (await api.reader.get(f"/api/v1/monitors/1/chart?window={window}")).json()
        assert sum(point["up"] for point in chart["points"]) == sum(at >= parse_iso(chart["from"]) for at in seen)
    numbers = (await api.reader.get("/api/v1/monitors/1/metrics?from=2000-01-01T00:00:00Z")).json()
    assert numbers["checks"]["up"] == len(seen)
    assert numbers["response_ms"]["p95"] == pytest.approx(20, rel=0.05)
    span = f"from={iso(limit - 5 * HOUR_MS)}&to={iso(limit - 2 * HOUR_MS)}"
    numbers = (await api.reader.get(f"/api/v1/monitors/1/metrics?{span}")).json()
    assert numbers["checks"] == {"total": 3, "up": 3, "degraded": 0, "down": 0}
    assert numbers["by_region"]["local"]["uptime_pct"] == 100
    assert numbers["response_ms"]["p95"] == pytest.approx(20, rel=0.05)


async def prune(api: Api, *, raw_before: int) -> None:
    def run(conn: Conn) -> None:
        for delete in retention.by_age(raw_before=raw_before, before=0, now_ms=raw_before + DAY_MS):
            while delete(conn) is not None:
                pass

    await api.services.store.write(run)


async def test_a_region_has_the_uptime_of_its_own_checks(api: Api):
    await make_long_ago(api)
    now_ms = api.services.clock.now_ms()
    minutes = range(60, 0, -1)
    seen = [
        factories.observation(1, Status.DOWN if region == "eu" and ago > 45 else Status.UP, region=region, at=at)
        for ago in minutes
        for region in ("local", "eu")
        if (at := now_ms - ago * 60_000)
    ]
    await api.services.record(seen)
    for window_h in (2, 24, 24 * 30, 24 * 100):
        query = f"from={iso(now_ms - window_h * HOUR_MS)}"
        regions = (await api.reader.get(f"/api/v1/monitors/1/metrics?{query}")).json()["by_region"]
        assert {name: each["uptime_pct"] for name, each in regions.items()} == {
            "local": 100,
            "eu": pytest.approx(75, abs=0.1),
        }


@pytest.mark.parametrize("hours", [1, 10, 24 * 10, 24 * 100])
@pytest.mark.parametrize("ahead", [0, 1, 2, 24])
async def test_of_a_span_that_is_yet_to_come_nothing_is_known(api: Api, ahead: int, hours: int):
    await make(api)
    now_ms = api.services.clock.now_ms()
    since = now_ms - now_ms % DAY_MS + DAY_MS + ahead * HOUR_MS
    await api.services.record([factories.observation(1, at=now_ms - 1000)])
    numbers = await api.reader.get(f"/api/v1/monitors/1/metrics?from={iso(since)}&to={iso(since + hours * HOUR_MS)}")
    assert numbers.status_code == 200
    assert (numbers.json()["uptime_pct"], numbers.json()["checks"]["total"]) == (None, 0)
    assert numbers.json()["by_region"] == {}


async def test_the_overview_has_the_uptime_of_all_monitors_together(api: Api):
    await make(api, name="a", failure_threshold=1)
    await make_long_ago(api, name="b", failure_threshold=1)
    now_ms = api.services.clock.now_ms()
    for monitor_id, status in ((1, Status.UP), (2, Status.DOWN)):
        seen = [factories.observation(monitor_id, status, at=now_ms - ago * 60_000) for ago in range(30, -1, -1)]
        await api.services.record(seen)
    found = (await api.reader.get("/api/v1/overview")).json()["uptime"]
    assert list(found) == ["24h", "7d", "30d", "90d"]
    assert list(found.values()) == [pytest.approx(50, abs=0.1)] * 4


async def test_a_timeline_with_too_many_changes_is_refused_and_a_part_of_it_is_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(history, "MAX_INTERVALS", 20)
    await make_long_ago(api, failure_threshold=1)
    now_ms = api.services.clock.now_ms()
    seen = [
        factories.observation(1, Status.DOWN if ago % 2 else Status.UP, at=now_ms - ago * 60_000)
        for ago in range(40, 0, -1)
    ]
    await api.services.record(seen)
    refused = await api.reader.get("/api/v1/monitors/1/timeline")
    assert (refused.status_code, set(refused.json()["fields"])) == (400, {"from"})
    span = f"from={iso(now_ms - 40 * 60_000)}&to={iso(now_ms - 30 * 60_000)}"
    spans = (await api.reader.get(f"/api/v1/monitors/1/timeline?{span}")).json()
    assert [each["status"] for each in spans] == ["up", "down"] * 5
    assert (spans[0]["from"], spans[-1]["to"]) == (iso(now_ms - 40 * 60_000), iso(now_ms - 30 * 60_000))
