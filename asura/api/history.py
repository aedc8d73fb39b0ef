"""What was seen of one monitor: its checks, numbers over a span, the chart, the status timeline."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypedDict

import attrs

from asura import sketch, uptime
from asura.api.assertion_documents import AssertionResult, results
from asura.api.endpoint import Call, Routes
from asura.api.errors import bad_query
from asura.api.paging import DeepPaging, Page, page_of
from asura.api.wire import Instant, Millis, instant, maybe_instant
from asura.consensus.rules import stale_at
from asura.model.monitor import MonitorStatus, Status
from asura.model.observation import Observation, Outcome, Timings
from asura.store import charts, checks, monitors, states, timeline
from asura.store.database import Conn
from asura.units import parse_duration

routes = Routes("history", tag="Monitors")

DAY_MS = 86_400_000
MAX_POINTS = 500
MAX_INTERVALS = 10_000
RAW_MS = 6 * 3_600_000
"""Up to six hours are read from single checks, exactly: 21,600 rows at one a second."""
FINE_MS = 7 * DAY_MS
"""Up to a week five-minute rollups are read; they live as long as the raw checks."""
HOURLY_MS = 90 * DAY_MS
Percentile = Callable[[float], int | None]

SHORTEST_WINDOW_S = 60
LONGEST_WINDOW_S = 3660 * 86_400


@attrs.frozen(kw_only=True, slots=False)
class Note:
    """A line of what a check by hand saw on its way: `address`, `TLS`, `redirect` and so on."""

    label: str
    text: str


@attrs.frozen(kw_only=True, slots=False)
class CheckView:
    """One check. `id` grows with time; `timings` are whole milliseconds, null where there was no such phase."""

    id: int | None
    monitor_id: int | None
    region: str
    status: Status
    response_ms: int | None
    timings: Timings
    status_code: int | None
    message: str
    cert_expires_at: Instant | None
    dns_records: Sequence[str] | None = attrs.field(metadata={"help": "what a dns monitor was answered"})
    assertions: Sequence[AssertionResult]
    detail: Mapping[str, Any] = attrs.field(metadata={"help": "what only some types have, such as exit_status"})
    notes: Sequence[Note] = attrs.field(metadata={"help": "of a check by hand; empty for those of the history"})
    checked_at: Instant


@attrs.frozen(kw_only=True)
class CheckQuery(DeepPaging):
    """Which checks; `from` is included, `to` is not."""

    from_: Millis | None = None
    to: Millis | None = None
    status: str | None = None
    region: str | None = None


@attrs.frozen(kw_only=True)
class SpanQuery:
    """From when to when; the last 24 hours unless it says otherwise."""

    from_: Millis | None = None
    to: Millis | None = None

    def span(self, now_ms: int) -> tuple[int, int]:
        """Beginning and end. Raises the 400 for an end before the beginning."""
        until = now_ms if self.to is None else int(self.to)
        since = until - DAY_MS if self.from_ is None else int(self.from_)
        if since > until:
            raise bad_query({"from": "must not be after to"})
        return since, until


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
    """What one region saw."""

    response_ms: ResponseTimes
    checks: CheckCounts


@attrs.frozen(kw_only=True, slots=False)
class Metrics:
    """Numbers over a span; beyond 6 hours checks are counted in steps: 5 minutes, beyond a week an hour, then days."""

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
    """One step that has checks; the times are null when nothing answered."""

    at: Instant
    avg_ms: int | None
    min_ms: int | None
    max_ms: int | None
    up: int
    degraded: int
    down: int


Chart = TypedDict(
    "Chart", {"window": str, "from": Instant, "to": Instant, "bucket_seconds": int, "points": Sequence[ChartPoint]}
)
StatusInterval = TypedDict("StatusInterval", {"status": MonitorStatus, "from": Instant, "to": Instant})


def check_view(observation: Observation, *, monitor_id: int | None, check_id: int | None) -> CheckView:
    """An observation as clients read it."""
    return _view(
        observation.outcome,
        id=check_id,
        monitor_id=monitor_id,
        region=observation.region,
        checked_at=instant(observation.checked_at),
    )


def _stored_view(row: checks.CheckRow) -> CheckView:
    return _view(
        row.outcome, id=row.id, monitor_id=row.monitor_id, region=row.region, checked_at=instant(row.checked_at)
    )


def _view(outcome: Outcome, *, id: int | None, monitor_id: int | None, region: str, checked_at: Instant) -> CheckView:
    detail = dict(outcome.detail or {})
    return CheckView(
        id=id,
        monitor_id=monitor_id,
        region=region,
        status=outcome.status,
        response_ms=outcome.response_ms,
        timings=outcome.timings,
        status_code=outcome.status_code,
        message=outcome.message,
        cert_expires_at=maybe_instant(outcome.cert_expires_at),
        dns_records=detail.pop("dns_records", None),
        assertions=results(detail.pop("assertions", ())),
        detail=detail,
        notes=[Note(label=label, text=text) for label, text in outcome.notes],
        checked_at=checked_at,
    )


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/checks",
    needs="monitors.read",
    summary="List a monitor's checks",
    query=CheckQuery,
    gives=Page[CheckView],
)
async def list_checks(call: Call, monitor_id: int, query: CheckQuery) -> Page[CheckView]:
    """Newest first. `before` goes on after a check's id, at a cost that doesn't grow with depth."""
    status = Status(query.status) if query.status in list(Status) else None
    if query.status is not None and status is None:
        return page_of([], total=0, paging=query)

    def read(conn: Conn) -> tuple[list[CheckView], int]:
        monitors.get(conn, monitor_id)
        since, until = query.from_, query.to
        total = checks.count(conn, monitor_id, since=since, until=until, status=status, region=query.region)
        rows = checks.page(
            conn,
            monitor_id,
            limit=query.per_page,
            offset=query.offset,
            before=query.before,
            since=since,
            until=until,
            status=status,
            region=query.region,
        )
        return [_stored_view(row) for row in rows], total

    data, total = await call.services.store.read(read)
    return page_of(data, total=total, paging=query)


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
        changes = _changes(conn, monitor_id, since=since, now_ms=call.now_ms)
        known = uptime.intervals(changes, start=since, end=max(since, min(until, call.now_ms)))
        is_exact = until - since <= RAW_MS
        if is_exact:
            tallies = charts.tally_checks(conn, monitor_id, since=since, until=until)
        else:
            span_s = _rollup_span_s(until - since)
            start = since - since % (span_s * 1000)
            tallies = charts.tally_rollups(conn, monitor_id, since=start, until=until, span_s=span_s)

        def percentile_of(region: str | None) -> Percentile:
            if is_exact:
                times = checks.response_times(conn, monitor_id, since=since, until=until, region=region)
                return lambda fraction: _nearest_rank(times, fraction)
            counts = checks.latencies(conn, monitor_id, since=since, until=until, region=region)
            return lambda fraction: sketch.percentile_ms(counts, fraction)

        return Metrics(
            uptime_pct=uptime.percent(known),
            response_ms=_response_times(tallies.values(), percentile_of(None)),
            checks=_counts(tallies.values()),
            by_region={
                region: RegionMetrics(
                    response_ms=_response_times([tally], percentile_of(region)), checks=_counts([tally])
                )
                for region, tally in tallies.items()
            },
        )

    return await call.services.store.read(read)


def _nearest_rank(ascending: Sequence[int], fraction: float) -> int | None:
    return ascending[max(0, math.ceil(fraction * len(ascending)) - 1)] if ascending else None


def _changes(conn: Conn, monitor_id: int, *, since: int, now_ms: int) -> timeline.Changes:
    """The status changes; what has not been looked at for long is unknown. Raises NotFound."""
    monitor, state = monitors.get(conn, monitor_id), states.get(conn, monitor_id)
    changes = timeline.of_monitor(conn, monitor_id, since=since)
    if monitor.enabled and state.last_check_at is not None:
        unknown_from = stale_at(state.last_check_at, interval_s=monitor.interval_s)
        if unknown_from < now_ms and (not changes or changes[-1][0] < unknown_from):
            changes = [*changes, (unknown_from, MonitorStatus.UNKNOWN)]
    return changes


def _rollup_span_s(span_ms: int) -> int:
    return 300 if span_ms <= FINE_MS else 3600 if span_ms <= HOURLY_MS else 86_400


def _counts(tallies: Collection[charts.Tally]) -> CheckCounts:
    up, degraded, down = (sum(getattr(each, name) for each in tallies) for name in ("up", "degraded", "down"))
    return CheckCounts(total=up + degraded + down, up=up, degraded=degraded, down=down)


def _response_times(tallies: Collection[charts.Tally], percentile: Percentile) -> ResponseTimes:
    timed = sum(each.timed for each in tallies)
    return ResponseTimes(
        avg=round(sum(each.sum_ms for each in tallies) / timed) if timed else None,
        p50=percentile(0.50),
        p95=percentile(0.95),
        p99=percentile(0.99),
    )


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/chart",
    needs="monitors.read",
    summary="Response times for a chart",
    query=ChartQuery,
    gives=Chart,
)
async def read_chart(call: Call, monitor_id: int, query: ChartQuery) -> Chart:
    """At most 500 points, whatever the window; steps without checks are left out."""
    window_s = _window_s(query.window)
    until = call.now_ms

    def read(conn: Conn) -> tuple[list[charts.Bin], int, int]:
        monitor = monitors.get(conn, monitor_id)
        window_ms = window_s * 1000
        if window_ms <= RAW_MS:
            step_ms = 1000 * max(monitor.interval_s, -(-window_s // (MAX_POINTS - 1)))
            since = (until - window_ms) // step_ms * step_ms
            return charts.from_checks(conn, monitor_id, since=since, until=until, step_ms=step_ms), since, step_ms
        span_s = _rollup_span_s(window_ms)
        step_ms = span_s * 1000 * max(1, -(-window_ms // (span_s * 1000 * (MAX_POINTS - 1))))
        since = (until - window_ms) // step_ms * step_ms
        bins = charts.from_rollups(conn, monitor_id, since=since, until=until, step_ms=step_ms, span_s=span_s)
        return bins, since, step_ms

    bins, since, step_ms = await call.services.store.read(read)
    points = [
        ChartPoint(
            at=instant(each.start_at),
            avg_ms=each.avg_ms,
            min_ms=each.min_ms,
            max_ms=each.max_ms,
            up=each.up,
            degraded=each.degraded,
            down=each.down,
        )
        for each in bins
    ]
    return {
        "window": query.window,
        "from": instant(since),
        "to": instant(until),
        "bucket_seconds": step_ms // 1000,
        "points": points,
    }


def _window_s(text: str) -> int:
    try:
        seconds = parse_duration(text)
    except ValueError as exc:
        raise bad_query({"window": str(exc)}) from exc
    if not SHORTEST_WINDOW_S <= seconds <= LONGEST_WINDOW_S:
        raise bad_query({"window": f"must be between {SHORTEST_WINDOW_S} s and {LONGEST_WINDOW_S // 86_400} d"})
    return seconds


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/timeline",
    needs="monitors.read",
    summary="The status over a span",
    query=SpanQuery,
    gives=list[StatusInterval],
)
async def read_timeline(call: Call, monitor_id: int, query: SpanQuery) -> list[StatusInterval]:
    """Contiguous intervals, oldest first; `unknown` where nobody looked, nothing before the monitor was made."""
    since, until = query.span(call.now_ms)

    def read(conn: Conn) -> list[StatusInterval]:
        changes = _changes(conn, monitor_id, since=since, now_ms=call.now_ms)
        found = uptime.intervals(changes, start=since, end=min(until, call.now_ms))
        if len(found) > MAX_INTERVALS:
            raise bad_query({"from": f"must be later: there are more than {MAX_INTERVALS} changes in this span"})
        # Here and not in the event loop: writing down ten thousand of them takes a tenth of a second.
        return [{"status": each.status, "from": instant(each.start), "to": instant(each.end)} for each in found]

    return await call.services.store.read(read)
