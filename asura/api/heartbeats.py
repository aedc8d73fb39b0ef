"""Heartbeats: what a job has reported, another token, and when a schedule is due."""

from collections.abc import Sequence

import attrs

from asura import cron
from asura.api.endpoint import Call, Routes
from asura.api.errors import bad_query
from asura.api.gate import ANY_KEY
from asura.api.monitor_documents import PASSIVE
from asura.api.monitor_rows import view_of
from asura.api.monitor_views import MonitorView
from asura.api.paging import DeepPaging, Page, page_of
from asura.api.wire import Instant, instant
from asura.checks.heartbeat import MAX_TIMEZONE_CHARS
from asura.errors import Conflict
from asura.fields import between, text
from asura.heartbeats import lifecycle
from asura.model.heartbeat import Ping, PingKind
from asura.store import monitors, pings
from asura.store.database import Conn

routes = Routes("heartbeats", tag="Heartbeats")

LISTED_BODY_CHARS = 10_000
"""Of each body in a list; the ping itself has all that was kept."""
LISTED_CHARS = 1_000_000
"""Of all bodies of a page: what five hundred pings of a chatty job would else be is five megabytes."""
MAX_TIMES = 20
"""Of a schedule at once: for some the days of forty years are looked through, which takes ten milliseconds."""


@attrs.frozen(kw_only=True)
class PingListQuery(DeepPaging):
    """Which pings. A kind that is given several times takes any of its values."""

    kind: tuple[str, ...] = attrs.field(default=(), metadata={"choices": [each.value for each in PingKind]})


@attrs.frozen(kw_only=True, slots=False)
class PingView:
    """What a job reported. `id` grows with each ping of its monitor."""

    id: int
    kind: PingKind = attrs.field(
        metadata={"help": "what it counted as; `ignored`: stored, and changed nothing, by its body or during a pause"}
    )
    at: Instant
    exit_status: int | None
    rid: str | None = attrs.field(metadata={"help": "the run that it named"})
    duration_ms: int | None = attrs.field(metadata={"help": "since the start of its run, of a ping that ended one"})
    method: str
    remote_addr: str
    user_agent: str
    body: str | None
    body_truncated: bool = attrs.field(metadata={"help": "there was more of it than stands here"})


@attrs.frozen(kw_only=True)
class RotateRequest:
    """What becomes of the token that there is."""

    keep_old: bool = attrs.field(default=False, metadata={"help": "true: it stays good for a day; false: it ends now"})


@attrs.frozen(kw_only=True)
class ScheduleQuery:
    """A cron schedule, and how many of its times to tell."""

    schedule: str = attrs.field(validator=text(cron.MAX_CHARS))
    timezone: str = attrs.field(default="UTC", validator=text(MAX_TIMEZONE_CHARS))
    count: int = attrs.field(default=5, validator=between(1, MAX_TIMES))


@attrs.frozen(kw_only=True, slots=False)
class ScheduleTimes:
    """When a schedule is due next."""

    times: Sequence[Instant]
    in_words: str


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/pings",
    needs="monitors.read",
    summary="List a heartbeat's pings",
    query=PingListQuery,
    gives=Page[PingView],
)
async def list_pings(call: Call, monitor_id: int, query: PingListQuery) -> Page[PingView]:
    """Newest first; empty for what is no heartbeat. `before` goes on after a ping's id, at a cost that doesn't grow
    with depth. Bodies by their first 10,000 characters, and less on pages of more than a hundred.
    """
    asked = [kind for kind in query.kind if kind]  # a form that is sent with an empty choice means no filter
    kinds = [kind for kind in PingKind if kind in asked]

    def read(conn: Conn) -> tuple[list[PingView], int]:
        monitors.get(conn, monitor_id)
        if asked and not kinds:
            return [], 0
        found = pings.page(
            conn,
            monitor_id,
            limit=query.per_page,
            offset=query.offset,
            before=query.before,
            kinds=kinds,
            body_chars=min(LISTED_BODY_CHARS, LISTED_CHARS // query.per_page),
        )
        return [_view(ping) for ping in found], pings.count(conn, monitor_id, kinds=kinds)

    data, total = await call.services.store.read(read)
    return page_of(data, total=total, paging=query)


def _view(ping: Ping) -> PingView:
    return PingView(
        id=ping.id,
        kind=ping.kind,
        at=instant(ping.at),
        exit_status=ping.exit_status,
        rid=ping.rid or None,
        duration_ms=ping.duration_ms,
        method=ping.method,
        remote_addr=ping.remote_addr,
        user_agent=ping.user_agent,
        body=ping.body,
        body_truncated=ping.is_cut,
    )


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/pings/<id:ping_id>",
    needs="monitors.read",
    summary="Read a ping",
    gives=PingView,
)
async def get_ping(call: Call, monitor_id: int, ping_id: int) -> PingView:
    """With its body as far as it was kept: the first 100 kB, of the last thousand pings that had one."""

    def read(conn: Conn) -> PingView:
        monitors.get(conn, monitor_id)
        return _view(pings.get(conn, monitor_id, ping_id))

    return await call.services.store.read(read)


@routes.add(
    "POST",
    "/monitors/<id:monitor_id>/rotate-token",
    needs="monitors.write",
    summary="Give a heartbeat another token",
    body=RotateRequest,
    gives=MonitorView,
    also={409: "it is no heartbeat"},
)
async def rotate_token(call: Call, monitor_id: int, body: RotateRequest) -> MonitorView:
    """The new one is good at once. The old one ends at once, or in a day: time to tell the job."""

    def write(conn: Conn) -> MonitorView:
        monitor = monitors.get(conn, monitor_id)
        if monitor.type not in PASSIVE:
            raise Conflict(f"monitor {monitor_id} is of type {monitor.type} and has no token; heartbeats have one")
        lifecycle.rotate(conn, monitor_id, keep_old=body.keep_old, now_ms=call.now_ms)
        detail = {"keep_old": body.keep_old}
        call.note(conn, "monitor.rotate_token", resource_id=monitor.id, resource_name=monitor.name, detail=detail)
        return view_of(call, conn, monitor_id)

    return await call.services.store.write(write)


@routes.add(
    "GET",
    "/schedule",
    needs=ANY_KEY,
    summary="When a cron schedule is due",
    query=ScheduleQuery,
    gives=ScheduleTimes,
)
async def read_schedule(call: Call, query: ScheduleQuery) -> ScheduleTimes:
    """Its next times in its zone, and what it says in words. Nothing is stored."""
    problem = cron.timezone_problem(query.timezone)
    problems = {"timezone": problem, "schedule": cron.problem(query.schedule, "UTC" if problem else query.timezone)}
    wrong = {name: text for name, text in problems.items() if text}
    if wrong:
        raise bad_query(wrong)
    times = cron.following(query.schedule, query.timezone, after=call.now_ms, count=query.count)
    return ScheduleTimes(times=[instant(each) for each in times], in_words=cron.in_words(query.schedule))
