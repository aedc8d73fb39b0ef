"""What was seen of one monitor: its checks and its status timeline. In numbers: `asura/api/numbers.py`."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import attrs

from asura import uptime
from asura.api import showing
from asura.api.assertion_documents import AssertionResult, results
from asura.api.endpoint import Call, Routes
from asura.api.errors import bad_query
from asura.api.monitor_documents import PASSIVE
from asura.api.paging import DeepPaging, Page, page_of
from asura.api.wire import Instant, Millis, instant, maybe_instant
from asura.model.monitor import Monitor, MonitorStatus, Status
from asura.model.observation import Observation, Outcome, Timings
from asura.store import checks, heartbeats, monitors, states, timeline
from asura.store.database import Conn
from asura.store.uptimes import Tail

routes = Routes("history", tag="Monitors")

DAY_MS = 86_400_000
MAX_INTERVALS = 10_000


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
        tail = tail_of(conn, monitors.get(conn, monitor_id), now_ms=call.now_ms)
        if tail is not None:  # changes after `until` are not read, and the tail comes after all of them
            tail = max(tail[0], timeline.last_at(conn, monitor_id) or 0), tail[1]
        changes = timeline.of_monitor(conn, monitor_id, since=since, until=until, limit=MAX_INTERVALS + 1)
        if len(changes) > MAX_INTERVALS:
            raise bad_query({"from": f"must be later: there are more than {MAX_INTERVALS} changes in this span"})
        # Here and not in the event loop: writing down ten thousand of them takes some hundredths of a second.
        return _told(uptime.intervals(uptime.with_tail(changes, tail), start=since, end=min(until, call.now_ms)))

    return await call.services.store.read(read)


def _told(spans: Sequence[uptime.Interval]) -> list[StatusInterval]:
    """Contiguous intervals as clients read them; where one ends and the next begins is written once."""
    starts = [instant(each.start) for each in spans]
    ends = [*starts[1:], *(instant(last.end) for last in spans[-1:])]
    return [
        {"status": each.status, "from": start, "to": end} for each, start, end in zip(spans, starts, ends, strict=True)
    ]


def tail_of(conn: Conn, monitor: Monitor, *, now_ms: int) -> Tail | None:
    """What the timeline of a monitor doesn't say yet."""
    state = states.get(conn, monitor.id)
    beat = heartbeats.of_monitors(conn, [monitor.id]).get(monitor.id) if monitor.type in PASSIVE else None
    return showing.shown(monitor, state, beat, now_ms=now_ms).tail
