"""Random histories of several jobs through the one transaction, against a model that is told as plainly as can be.

What is compared is what people see in the end: the timeline with its instants, the incidents, and the messages.
"""

from collections.abc import Sequence

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura.heartbeats import recording
from asura.heartbeats.lulls import Lull
from asura.model.heartbeat import PingKind, Signal
from asura.model.monitor import Monitor, MonitorStatus
from asura.store import heartbeats, incidents, states, timeline
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import BASE_URL, START_MS, told
from tests.fakes.jobs import add_job
from tests.stages.test_histories import taken_back

PENDING, UP, DOWN = MonitorStatus.PENDING, MonitorStatus.UP, MonitorStatus.DOWN
SUCCESS, START, FAIL, LOG = PingKind.SUCCESS, PingKind.START, PingKind.FAIL, PingKind.LOG
INTERVAL_MS, GRACE_MS = 60_000, 10_000
JOBS = 3

Event = tuple[str, int, PingKind, int]
"""(what happens, how long after the one before, which kind of ping, of which job)"""
STEPS_MS = st.one_of(
    st.sampled_from([1, 1000, 59_999, 60_000, 69_999, 70_000, 70_001]), st.integers(1, 30_000), st.integers(1, 200_000)
)
EVENTS = st.tuples(
    st.sampled_from(["ping", "ping", "ping", "look", "look", "lull"]),
    STEPS_MS,
    st.sampled_from([SUCCESS, SUCCESS, START, FAIL, LOG]),
    st.integers(0, JOBS - 1),
)


@attrs.define
class Plain:
    """One job: a minute, ten seconds of grace, and nothing else."""

    changes: list[tuple[int, MonitorStatus]] = attrs.field(factory=lambda: [(START_MS, PENDING)])
    due_ms: int | None = None
    patient_until_ms: int = 0
    run_until_ms: int | None = None
    """Of a run that began and has not ended; another start leaves it as it is."""

    @property
    def status(self) -> MonitorStatus:
        return self.changes[-1][1]

    @property
    def deadline_ms(self) -> int | None:
        if self.status is DOWN or self.due_ms is None:
            return None
        silent_until_ms = max(self.due_ms + GRACE_MS, self.patient_until_ms)
        return silent_until_ms if self.run_until_ms is None else min(silent_until_ms, self.run_until_ms)

    def turn(self, at: int, status: MonitorStatus) -> None:
        if status is not self.status:
            self.changes.append((at, status))

    def ping(self, kind: PingKind, at: int) -> None:
        if kind is LOG:
            return
        self.due_ms, self.patient_until_ms = at + INTERVAL_MS, 0
        if kind is START:
            if self.run_until_ms is None or self.run_until_ms < at:
                self.run_until_ms = self.due_ms + GRACE_MS
        else:
            self.run_until_ms = None
            self.turn(at, UP if kind is SUCCESS else DOWN)

    def look(self, now_ms: int) -> None:
        if self.deadline_ms is not None and now_ms > self.deadline_ms:
            self.turn(self.deadline_ms, DOWN)
            if self.run_until_ms is not None and self.run_until_ms < now_ms:
                self.run_until_ms = None

    def lull(self, since: int, until: int) -> None:
        """Deaf for so long; never again before what is given for it is over."""
        if self.deadline_ms is None or self.due_ms is None:
            return
        is_long, silent_until_ms = until - since >= 10_000, max(self.due_ms + GRACE_MS, self.patient_until_ms)
        if is_long and since <= silent_until_ms and self.due_ms < until:
            self.due_ms, self.patient_until_ms = until + INTERVAL_MS, until + INTERVAL_MS + GRACE_MS
        elif since <= silent_until_ms <= until or since <= self.due_ms < until:
            self.patient_until_ms = until + GRACE_MS
        if self.run_until_ms is None or since > self.run_until_ms:
            return
        if is_long:  # its end may have been lost
            self.run_until_ms = None
        elif self.run_until_ms <= until or since <= self.run_until_ms - GRACE_MS < until:
            self.run_until_ms = self.patient_until_ms = until + GRACE_MS


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, min_size=5, max_size=40), together=st.integers(1, 6))
def test_a_plain_model_agrees_on_what_happened_and_when(
    conn: WriteConnection, events: list[Event], together: int
) -> None:
    """`together`: how many pings are committed in one transaction at most."""
    with taken_back(conn):
        factories.add_channel(conn)
        jobs = [add_job(conn, now_ms=START_MS, name=f"job {number}") for number in range(JOBS)]
        plain, now_ms, waiting = [Plain() for _ in jobs], START_MS, list[Signal]()
        last_lull_ms = 0
        for what, step_ms, kind, which in [*events, ("look", 1, LOG, 0)]:
            before, now_ms = now_ms, now_ms + step_ms
            if what == "ping":
                waiting.append(Signal(monitor_id=jobs[which].id, kind=kind, at=now_ms))
                plain[which].ping(kind, now_ms)
            if what != "ping" or len(waiting) >= together:
                recording.record(conn, waiting, now_ms=now_ms, base_url=BASE_URL)
                waiting.clear()
            if what == "lull" and before - last_lull_ms > INTERVAL_MS + GRACE_MS:
                last_lull_ms = now_ms
                recording.excuse(conn, [Lull(since=before, until=now_ms)])
                for each in plain:
                    each.lull(before, now_ms)
            elif what == "look":
                recording.decide(conn, now_ms=now_ms, base_url=BASE_URL, limit=100)
                for each in plain:
                    each.look(now_ms)
        for job, model in zip(jobs, plain, strict=True):
            must_agree(conn, job, model)


def must_agree(conn: WriteConnection, job: Monitor, model: Plain) -> None:
    assert timeline.of_monitor(conn, job.id, since=0) == model.changes
    assert heartbeats.of_monitors(conn, [job.id])[job.id].deadline_at == model.deadline_ms
    state = states.get(conn, job.id)
    assert (state.status, state.status_since) == (model.status, model.changes[-1][0])
    falls = [at for at, status in model.changes if status is DOWN]
    ends = [at for (_, before), (at, _) in zip(model.changes, model.changes[1:], strict=False) if before is DOWN]
    found = [each for each, _ in incidents.page(conn, limit=1000, monitor_id=job.id)[0]][::-1]
    assert [each.started_at for each in found] == falls
    assert [each.resolved_at for each in found] == [*ends, *[None] * (len(falls) - len(ends))]
    assert told(conn, monitor_id=job.id) == messages(len(falls), len(ends))


def messages(falls: int, recoveries: int) -> Sequence[str]:
    found = [name for _ in range(falls) for name in ("incident.created", "incident.resolved")]
    return found if falls == recoveries else found[:-1]
