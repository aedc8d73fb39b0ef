"""Random histories through the ledger: what must hold whatever happens, and what a naive model says of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura import uptime
from asura.consensus.rules import LATE_MS
from asura.errors import Conflict
from asura.incidents import ledger, steps
from asura.model.incident import Incident, IncidentStatus
from asura.model.monitor import Monitor, MonitorStatus, Status
from asura.model.observation import Observation
from asura.scheduler import changes
from asura.store import checks, incidents, monitors, rollups, states, timeline, uptimes
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import BASE_URL, MINUTE_MS, START_MS, told

LATER_MS = START_MS + 400 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Mostly a minute apart, sometimes at once, sometimes after a gap that breaks streaks or makes time unknown.
STEPS_MS = st.sampled_from([MINUTE_MS] * 6 + [0, 1, 59_999, 2 * MINUTE_MS, 2 * MINUTE_MS + 1, 7 * MINUTE_MS])
# Which of two results of one millisecond is moved on depends on what is stored already.
APART_MS = STEPS_MS.map(lambda step_ms: max(step_ms, 1000))
STATUS = st.sampled_from([Status.UP, Status.UP, Status.DEGRADED, Status.DOWN, Status.DOWN, Status.DOWN])
THRESHOLDS = st.integers(1, 3)


@contextmanager
def taken_back(conn: WriteConnection) -> Iterator[None]:
    """Everything done inside is undone, so that each example begins with nothing."""
    conn.execute("SAVEPOINT example")
    try:
        yield
    finally:
        conn.execute("ROLLBACK TO example")
        conn.execute("RELEASE example")
        conn.events.clear()


@st.composite
def observations(
    draw: st.DrawFn, *, of: int = 1, steps_ms: st.SearchStrategy[int] = STEPS_MS
) -> list[tuple[int, Status, int, int | None]]:
    """(which monitor, status, instant, response time) in order of time."""
    at, seen = START_MS, []
    for _ in range(draw(st.integers(1, 25))):
        at += draw(steps_ms)
        response_ms = draw(st.one_of(st.none(), st.integers(1, 5000)))
        seen.append((draw(st.integers(0, of - 1)), draw(STATUS), at, response_ms))
    return seen


def observed(made: list[Monitor], seen: list[tuple[int, Status, int, int | None]]) -> list[Observation]:
    return [
        factories.observation(made[which].id, status, at=at, response_ms=response_ms)
        for which, status, at, response_ms in seen
    ]


def all_incidents(conn: WriteConnection, monitor_id: int) -> list[Incident]:
    return [each for each, _ in incidents.page(conn, limit=1000, monitor_id=monitor_id)[0]][::-1]


@attrs.define
class Naive:
    """The thresholds of one region, told as plainly as can be."""

    failure: int
    success: int
    status: MonitorStatus = MonitorStatus.PENDING
    streak: int = 0
    was_down: bool | None = None
    last_at: int = 0
    spells: list[int] = attrs.field(factory=list)
    """When each spell of being down was confirmed."""

    def see(self, status: Status, at: int) -> None:
        is_down = status is Status.DOWN
        goes_on = self.was_down == is_down and at - self.last_at <= 2 * MINUTE_MS + LATE_MS
        self.streak = self.streak + 1 if goes_on else 1
        self.was_down, self.last_at = is_down, at
        if is_down and self.streak >= self.failure:
            if self.status is not MonitorStatus.DOWN:
                self.spells.append(at)
            self.status = MonitorStatus.DOWN
        elif not is_down and (self.status is not MonitorStatus.DOWN or self.streak >= self.success):
            self.status = MonitorStatus(status.value)


@quick
@given(seen=observations(), failure=THRESHOLDS, success=THRESHOLDS)
def test_a_naive_model_of_the_thresholds_agrees(
    conn: WriteConnection, seen: list[tuple[int, Status, int, int | None]], failure: int, success: int
) -> None:
    with taken_back(conn):
        web = factories.create(conn, failure_threshold=failure, success_threshold=success)
        naive = Naive(failure, success)
        for number, observation in enumerate(observed([web], seen)):
            ledger.record(conn, [observation], now_ms=observation.checked_at, base_url=BASE_URL)
            naive.see(seen[number][1], observation.checked_at)
            assert states.get(conn, web.id).status is naive.status
        began = [each.started_at for each in all_incidents(conn, web.id)]
        assert len(began) == len(naive.spells)
        for found, expected in zip(began, naive.spells, strict=True):
            assert expected <= found <= expected + len(seen)  # a moment later where two changes fall together


TABLES = {
    "check_result": "*",
    # But for the hours that a result reached into until the next one came.
    "rollup WHERE up + degraded + down + up_ms + degraded_ms + down_ms > 0": "*",
    "latency": "*",
    "vote": "*",
    "monitor_state": "*",
    "status_change": "*",
    "incident": "*",
    "incident_event": "*",
    "delivery": "id, channel_id, incident_id, monitor_id, event, message, status, next_attempt_at, created_at",
}


def everything(conn: WriteConnection) -> dict[str, list[Any]]:
    return {table: conn.execute(f"SELECT {columns} FROM {table}").fetchall() for table, columns in TABLES.items()}


@quick
@given(
    seen=observations(of=3, steps_ms=APART_MS),
    cuts=st.sets(st.integers(1, 24)),
    thresholds=st.tuples(THRESHOLDS, THRESHOLDS),
)
def test_the_same_observations_in_other_batches_make_the_same_rows(
    conn: WriteConnection,
    seen: list[tuple[int, Status, int, int | None]],
    cuts: set[int],
    thresholds: tuple[int, int],
) -> None:
    def rows(cuts: list[int]) -> dict[str, list[Any]]:
        with taken_back(conn):
            factories.add_channel(conn)
            made: list[Monitor] = []
            for number in range(3):
                depends_on = (made[0].id,) if number == 2 else ()
                made.append(
                    factories.create(
                        conn,
                        name=f"m{number}",
                        failure_threshold=thresholds[0],
                        success_threshold=thresholds[1],
                        depends_on=depends_on,
                    )
                )
            for start, end in pairwise([0, *cuts, len(seen)]):
                ledger.record(conn, observed(made, seen[start:end]), now_ms=LATER_MS, base_url=BASE_URL)
            return everything(conn)

    whole = rows([])
    assert rows(sorted(cut for cut in cuts if cut < len(seen))) == whole
    assert rows(list(range(1, len(seen)))) == whole


@quick
@given(seen=observations())
def test_rollups_and_sketches_equal_a_naive_recount(
    conn: WriteConnection, seen: list[tuple[int, Status, int, int | None]]
) -> None:
    with taken_back(conn):
        web = factories.create(conn)
        ledger.record(conn, observed([web], seen), now_ms=LATER_MS, base_url=BASE_URL)
        stored = checks.page(conn, web.id, limit=1000)
        assert len(stored) == len(seen)
        for span_s in rollups.SPANS_S:
            found = factories.rollups(conn, web.id, span_s=span_s)
            assert found == recounted(stored, span_ms=span_s * 1000)
        times = [each.outcome.response_ms for each in stored if each.outcome.response_ms is not None]
        for span_s in (3600, 86400):
            found = rollups.latencies(conn, web.id, since=START_MS, until=LATER_MS, span_s=span_s)
            assert found == Counter(checks.sketch.bucket(each) for each in times)


def recounted(stored: list[checks.CheckRow], *, span_ms: int) -> dict[int, tuple[int | None, ...]]:
    parts: dict[int, list[checks.CheckRow]] = {}
    for row in stored:
        parts.setdefault(row.checked_at - row.checked_at % span_ms, []).append(row)
    found: dict[int, tuple[int | None, ...]] = {}
    for start_at, rows in parts.items():
        times = [row.outcome.response_ms for row in rows if row.outcome.response_ms is not None]
        found[start_at] = (
            *(sum(row.outcome.status is status for row in rows) for status in Status),
            len(times),
            sum(times),
            min(times, default=None),
            max(times, default=None),
        )
    return found


DEEDS = st.one_of(
    st.tuples(st.just("see"), STATUS, STEPS_MS),
    st.tuples(st.just("see"), STATUS, STEPS_MS),
    st.tuples(st.just("see"), STATUS, STEPS_MS),
    st.tuples(st.just("see late"), STATUS, st.integers(1, 3 * MINUTE_MS)),
    st.tuples(st.just("see old version"), STATUS, STEPS_MS),
    st.tuples(
        st.sampled_from(
            [
                *("acknowledge", "resolve", "comment", "delete incident", "pause", "resume", "edit target"),
                *("rename", "edit threshold", "edit interval", "remind", "router"),
            ]
        ),
        STATUS,
        STEPS_MS,
    ),
)


class World:
    """A monitor behind a router, one channel, and whatever befalls them."""

    def __init__(self, conn: WriteConnection, *, failure: int, success: int) -> None:
        self.conn = conn
        self.now_ms = START_MS
        self.opened = 0
        factories.add_channel(conn)
        self.router = factories.create(conn, name="router", failure_threshold=1)
        self.web_id = factories.create(
            conn,
            failure_threshold=failure,
            success_threshold=success,
            resend_interval_s=300,
            depends_on=(self.router.id,),
        ).id

    @property
    def web(self) -> Monitor:
        return monitors.get(self.conn, self.web_id)

    def befall(self, deed: str, status: Status, step_ms: int) -> None:
        conn, web = self.conn, self.web
        if deed == "see late":
            self.record(web, status, at=self.now_ms - step_ms)
            return
        self.now_ms += step_ms
        match deed:
            case "see":
                self.record(web, status, at=self.now_ms)
            case "see old version":
                self.record(attrs.evolve(web, config_version=web.config_version - 1), status, at=self.now_ms)
            case "router":
                self.record(self.router, status, at=self.now_ms)
            case "pause" | "resume":
                changes.set_enabled(conn, web.id, enabled=deed == "resume", now_ms=self.now_ms)
            case "edit target":
                changes.replace(conn, attrs.evolve(web, target=web.target + "x"), now_ms=self.now_ms)
            case "rename":
                changes.replace(conn, attrs.evolve(web, name=web.name + "x"), now_ms=self.now_ms)
            case "edit threshold":
                threshold = web.failure_threshold % 3 + 1
                changes.replace(conn, attrs.evolve(web, failure_threshold=threshold), now_ms=self.now_ms)
            case "edit interval":
                interval_s = {60: 300, 300: 60}[web.interval_s]
                changes.replace(conn, attrs.evolve(web, interval_s=interval_s), now_ms=self.now_ms)
            case "remind":
                steps.remind(conn, now_ms=self.now_ms, base_url=BASE_URL)
            case _:
                self.touch_incident(deed)

    def record(self, monitor: Monitor, status: Status, *, at: int) -> None:
        seen = factories.observation(monitor.id, status, at=at, config_version=monitor.config_version)
        ledger.record(self.conn, [seen], now_ms=self.now_ms, base_url=BASE_URL)

    def touch_incident(self, deed: str) -> None:
        found = all_incidents(self.conn, self.web_id)
        if not found:
            return
        incident_id, now_ms = found[-1].id, self.now_ms
        try:
            match deed:
                case "acknowledge":
                    steps.acknowledge(self.conn, incident_id, by="ada", now_ms=now_ms, base_url=BASE_URL)
                case "resolve":
                    steps.resolve(self.conn, incident_id, by="ada", now_ms=now_ms, base_url=BASE_URL)
                case "comment":
                    steps.comment(self.conn, incident_id, by="ada", message="hm", now_ms=now_ms)
                case "delete incident":
                    steps.delete(self.conn, incident_id, now_ms=now_ms)
        except Conflict:
            assert found[-1].status is IncidentStatus.RESOLVED


@settings(quick, max_examples=120)
@given(deeds=st.lists(DEEDS, min_size=8, max_size=40), failure=THRESHOLDS, success=THRESHOLDS)
def test_what_always_holds(
    conn: WriteConnection, deeds: list[tuple[str, Status, int]], failure: int, success: int
) -> None:
    with taken_back(conn):
        world = World(conn, failure=failure, success=success)
        for deed in deeds:
            before = {each.id for each in all_incidents(conn, world.web_id)}
            world.befall(*deed)
            world.opened += len({each.id for each in all_incidents(conn, world.web_id)} - before)
            check_invariants(world, has_deleted=any(name == "delete incident" for name, *_ in deeds))


def check_invariants(world: World, *, has_deleted: bool) -> None:
    conn, web = world.conn, world.web
    found = all_incidents(conn, web.id)
    unresolved = [each for each in found if each.status is not IncidentStatus.RESOLVED]
    state = states.get(conn, web.id)
    noted = timeline.of_monitor(conn, web.id, since=0)

    assert len(unresolved) <= 1
    assert (incidents.unresolved_of(conn, web.id) is not None) == bool(unresolved)
    if unresolved:
        assert state.status is MonitorStatus.DOWN
        assert state.announced
    for each in found:
        assert (each.resolved_at is not None) == (each.status is IncidentStatus.RESOLVED)
        assert each.resolved_at is None or each.resolved_at >= each.started_at
        assert each.next_reminder_at is None or each.status is IncidentStatus.OPEN
    for one, other in pairwise(found):
        assert one.resolved_at is not None
        assert one.resolved_at <= other.started_at

    sent = Counter(told(conn, monitor_id=web.id))
    assert sent["incident.created"] == world.opened
    if not has_deleted:
        assert sent["incident.resolved"] == len(found) - len(unresolved)

    assert all(one[0] < other[0] for one, other in pairwise(noted))
    assert all(one[1] is not other[1] for one, other in pairwise(noted))
    assert noted[-1][1] is (state.status if web.enabled else MonitorStatus.PAUSED)
    assert state.status_since <= max(world.now_ms, noted[-1][0])
    spans = uptime.intervals(noted, start=START_MS, end=world.now_ms)
    percent = uptime.percent(spans)
    [known] = uptimes.over(conn, [web.id], edges=[START_MS, world.now_ms], tails={})[web.id]
    assert known.percent == percent
    has_been_down = any(span.status is MonitorStatus.DOWN for span in spans)
    assert percent is None or 0 <= percent < 100 or not has_been_down
