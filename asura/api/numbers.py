"""One monitor in numbers: uptime, response times and counts over a span, and its chart."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypedDict

import attrs

from asura import sketch
from asura.api.endpoint import Call, Routes
from asura.api.errors import bad_query
from asura.api.history import DAY_MS, SpanQuery, tail_of
from asura.api.monitor_documents import PASSIVE
from asura.api.wire import Instant, instant
from asura.model.monitor import Monitor
from asura.store import charts, checks, monitors, region_times, rollups, uptimes
from asura.store.charts import Tally
from asura.store.database import Conn
from asura.store.uptimes import StatusTime, Tail
from asura.units import parse_duration

routes = Routes("numbers", tag="Monitors")

MAX_POINTS = 500
RAW_MS = 6 * 3_600_000
"""Up to six hours are read from single checks, exactly: 21,600 rows at one a second."""
FINE_MS = 7 * DAY_MS
"""Up to a week five-minute rollups are read, and sketches by the hour; both live as long as the raw checks."""
HOURLY_MS = 90 * DAY_MS
Percentile = Callable[[float], int | None]

SHORTEST_WINDOW_S = 60
LONGEST_WINDOW_S = 3660 * 86_400


@attrs.frozen(kw_only=True, slots=False)
class ResponseTimes:
    """Milliseconds, null without any answer; over more than 6 hours the percentiles are within 5 % of the true ones."""

    avg: int | None
    p50: int | None
    p95: int | None
    p99: int | None


@attrs.frozen(kw_only=True, slots=False)
class CheckCounts:
    """How many checks saw what."""

    total: int
    up: int
    degraded: int
    down: int


@attrs.frozen(kw_only=True, slots=False)
class RegionMetrics:
    """What one region saw. Its uptime goes by its own checks, each of which holds until its next, for a while."""

    uptime_pct: float | None
    response_ms: ResponseTimes
    checks: CheckCounts


@attrs.frozen(kw_only=True, slots=False)
class Metrics:
    """Numbers over a span. Its uptime is exact; what regions saw is read in steps of 5 minutes to a day if it is long.

    Up to 6 hours every check is read, up to a week steps of 5 minutes, up to 90 days hours, then days; hours and days
    also where single checks are no longer kept. Response times beyond a week are those of whole days.
    """

    uptime_pct: float | None
    response_ms: ResponseTimes
    checks: CheckCounts
    by_region: Mapping[str, RegionMetrics]


@attrs.frozen(kw_only=True)
class ChartQuery:
    """How far back."""

    window: str = attrs.field(default="24h", metadata={"help": "a duration such as 1h, 24h, 7d, 30d or 90d"})


@attrs.frozen(kw_only=True, slots=False)
class ChartPoint:
    """One step that has checks; the times are null when nothing answered, the uptime when nothing is known."""

    at: Instant
    avg_ms: int | None
    min_ms: int | None
    max_ms: int | None
    up: int
    degraded: int
    down: int
    uptime_pct: float | None


Chart = TypedDict(
    "Chart", {"window": str, "from": Instant, "to": Instant, "bucket_seconds": int, "points": Sequence[ChartPoint]}
)


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/metrics",
    needs="monitors.read",
    summary="Numbers over a span",
    query=SpanQuery,
    gives=Metrics,
)
async def read_metrics(call: Call, monitor_id: int, query: SpanQuery) -> Metrics:
    """Uptime is time, not a count of checks; null when nothing is known."""
    since, until = query.span(call.now_ms)

    def read(conn: Conn) -> Metrics:
        monitor = monitors.get(conn, monitor_id)
        known = _time(conn, monitor, edges=[since, max(since, min(until, call.now_ms))], now_ms=call.now_ms)[0]
        span_s = rollups.finest_span_s(conn, monitor_id, since=since, wanted_s=_wanted_span_s(until - since))
        span = _Span(monitor_id=monitor_id, since=since, until=until, span_s=span_s)
        tallies = _tallies(conn, span)
        times = _region_times(conn, span, now_ms=call.now_ms)
        if monitor.type in PASSIVE:  # it has one region, and what that said holds for as long as the timeline tells
            times = dict.fromkeys(tallies, known)
        answered = _response_times(tallies.values(), _percentile(conn, span, region=None))
        return Metrics(
            uptime_pct=known.percent,
            response_ms=answered,
            checks=_counts(tallies.values()),
            by_region=_regions(conn, span, tallies, times, overall=answered),
        )

    return await call.services.store.read(read)


@attrs.frozen(kw_only=True)
class _Span:
    """Of which monitor what is read from rollups of which span; 0 is single checks."""

    monitor_id: int
    since: int
    until: int
    span_s: int

    def start(self, span_s: int) -> int:
        """Where the first stretch of so many seconds begins."""
        return self.since - self.since % (span_s * 1000)


def _time(conn: Conn, monitor: Monitor, *, edges: Sequence[int], now_ms: int) -> list[StatusTime]:
    tail = tail_of(conn, monitor, now_ms=now_ms)
    tails: dict[int, Tail] = {} if tail is None else {monitor.id: tail}
    return uptimes.over(conn, [monitor.id], edges=edges, tails=tails)[monitor.id]


def _wanted_span_s(length_ms: int) -> int:
    return 0 if length_ms <= RAW_MS else 300 if length_ms <= FINE_MS else 3600 if length_ms <= HOURLY_MS else 86_400


def _tallies(conn: Conn, span: _Span) -> dict[str, Tally]:
    if span.span_s == 0:
        return charts.tally_checks(conn, span.monitor_id, since=span.since, until=span.until)
    start = span.start(span.span_s)
    return charts.tally_rollups(conn, span.monitor_id, since=start, until=span.until, span_s=span.span_s)


def _region_times(conn: Conn, span: _Span, *, now_ms: int) -> dict[str, StatusTime]:
    until = min(span.until, now_ms)
    if span.span_s == 0:
        return region_times.exactly(conn, span.monitor_id, since=span.since, until=until, now_ms=now_ms)
    span_s = max(3600, span.span_s)
    return region_times.from_rollups(
        conn, span.monitor_id, since=span.start(span_s), until=until, span_s=span_s, now_ms=now_ms
    )


def _percentile(conn: Conn, span: _Span, *, region: str | None) -> Percentile:
    monitor_id, since, until = span.monitor_id, span.since, span.until
    if span.span_s == 0:
        times = checks.response_times(conn, monitor_id, since=since, until=until, region=region)
        return lambda fraction: _nearest_rank(times, fraction)
    is_short = until - since <= FINE_MS
    span_s = rollups.finest_sketch_s(conn, monitor_id, since=since) if is_short else 86_400
    counts = rollups.latencies(conn, monitor_id, since=since, until=until, span_s=span_s, region=region)
    return lambda fraction: sketch.percentile_ms(counts, fraction)


def _regions(
    conn: Conn,
    span: _Span,
    tallies: Mapping[str, Tally],
    times: Mapping[str, StatusTime],
    *,
    overall: ResponseTimes,
) -> dict[str, RegionMetrics]:
    found: dict[str, RegionMetrics] = {}
    for region in sorted(tallies.keys() | times.keys()):
        tally = tallies.get(region, Tally())
        is_all = tallies.keys() == {region}  # most monitors have one region
        found[region] = RegionMetrics(
            uptime_pct=times.get(region, StatusTime()).percent,
            response_ms=overall if is_all else _response_times([tally], _percentile(conn, span, region=region)),
            checks=_counts([tally]),
        )
    return found


def _nearest_rank(ascending: Sequence[int], fraction: float) -> int | None:
    return ascending[max(0, math.ceil(fraction * len(ascending)) - 1)] if ascending else None


def _counts(tallies: Collection[Tally]) -> CheckCounts:
    up, degraded, down = (sum(getattr(each, name) for each in tallies) for name in ("up", "degraded", "down"))
    return CheckCounts(total=up + degraded + down, up=up, degraded=degraded, down=down)


def _response_times(tallies: Collection[Tally], percentile: Percentile) -> ResponseTimes:
    timed = sum(each.timed for each in tallies)
    least_ms = min((each.min_ms for each in tallies if each.min_ms is not None), default=None)
    most_ms = max((each.max_ms for each in tallies if each.max_ms is not None), default=None)

    def told(fraction: float) -> int | None:
        """A sketch is within 5 % of the truth, which for a single run may lie below the only one that there was."""
        found_ms = percentile(fraction)
        if found_ms is None or least_ms is None or most_ms is None:
            return found_ms
        return min(max(found_ms, least_ms), most_ms)

    return ResponseTimes(
        avg=round(sum(each.sum_ms for each in tallies) / timed) if timed else None,
        p50=told(0.50),
        p95=told(0.95),
        p99=told(0.99),
    )


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/chart",
    needs="monitors.read",
    summary="Response times and uptime for a chart",
    query=ChartQuery,
    gives=Chart,
)
async def read_chart(call: Call, monitor_id: int, query: ChartQuery) -> Chart:
    """At most 500 points, whatever the window; steps without checks are left out."""
    window_s, until = _window_s(query.window), call.now_ms

    def read(conn: Conn) -> tuple[list[charts.Bin], list[StatusTime], int, int]:
        monitor = monitors.get(conn, monitor_id)
        span_s = rollups.finest_span_s(
            conn, monitor_id, since=until - window_s * 1000, wanted_s=_wanted_span_s(window_s * 1000)
        )
        step_ms = 1000 * _step_s(monitor, window_s=window_s, span_s=span_s)
        since = (until - window_s * 1000) // step_ms * step_ms
        if span_s == 0:
            bins = charts.from_checks(conn, monitor_id, since=since, until=until, step_ms=step_ms)
        else:
            bins = charts.from_rollups(conn, monitor_id, since=since, until=until, step_ms=step_ms, span_s=span_s)
        times = _time(conn, monitor, edges=[*range(since, until, step_ms), until], now_ms=until)
        return bins, times, since, step_ms

    bins, times, since, step_ms = await call.services.store.read(read)
    return {
        "window": query.window,
        "from": instant(since),
        "to": instant(until),
        "bucket_seconds": step_ms // 1000,
        "points": [_point(each, times[(each.start_at - since) // step_ms]) for each in bins],
    }


def _step_s(monitor: Monitor, *, window_s: int, span_s: int) -> int:
    """Of how long a step at most MAX_POINTS cover the window, the last of them begun.

    No shorter than what it is read from, nor than the interval of the checks; a heartbeat's runs come when they come.
    """
    shortest_s = -(-window_s // (MAX_POINTS - 1))
    if span_s == 0:
        return shortest_s if monitor.type in PASSIVE else max(shortest_s, min(monitor.interval_s, window_s))
    return -(-shortest_s // span_s) * span_s


def _point(found: charts.Bin, time: StatusTime) -> ChartPoint:
    return ChartPoint(
        at=instant(found.start_at),
        avg_ms=found.avg_ms,
        min_ms=found.min_ms,
        max_ms=found.max_ms,
        up=found.up,
        degraded=found.degraded,
        down=found.down,
        uptime_pct=time.percent,
    )


def _window_s(text: str) -> int:
    try:
        seconds = parse_duration(text)
    except ValueError as exc:
        raise bad_query({"window": str(exc)}) from exc
    if not SHORTEST_WINDOW_S <= seconds <= LONGEST_WINDOW_S:
        raise bad_query({"window": f"must be between {SHORTEST_WINDOW_S} s and {LONGEST_WINDOW_S // 86_400} d"})
    return seconds
