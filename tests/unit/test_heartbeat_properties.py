"""What holds of heartbeats whatever happens: jobs that work and stop, daemons that die, clocks that are set."""

from typing import NamedTuple

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from asura.heartbeats import due, lulls, rules
from asura.heartbeats.due import Plan
from asura.heartbeats.lulls import Clocks, Lull
from asura.model.heartbeat import Heartbeat, PingKind, Run, Signal
from asura.model.monitor import Status
from tests.heartbeats import DOWN, FAIL, LOG, NEW, START, START_MS, SUCCESS

SCHEDULES = st.sampled_from(["", "", "* * * * *", "*/5 * * * *", "0,1 * * * *", "30 2 * * *", "0 0 29 2 *"])
RUNTIMES_S = st.one_of(st.none(), st.integers(1, 5000))
PLANS = st.builds(
    Plan,
    interval_s=st.integers(1, 5000),
    grace_s=st.integers(0, 2000),
    schedule=SCHEDULES,
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
    max_runtime_s=RUNTIMES_S,
    min_runtime_s=RUNTIMES_S,
)
KINDS = st.sampled_from([SUCCESS, SUCCESS, START, START, FAIL, LOG])
PINGS = st.lists(st.tuples(KINDS, st.integers(0, 9_000_000), st.sampled_from(["", "", "a", "b"])), max_size=12)


class Ping(NamedTuple):
    """A ping, so many milliseconds after the one before."""

    kind: PingKind
    after_ms: int
    rid: str


@given(plan=PLANS, pings=PINGS, is_late_decided=st.booleans())
def test_no_success_brings_a_deadline_nearer(
    plan: Plan, pings: list[tuple[PingKind, int, str]], is_late_decided: bool
) -> None:
    beat, runs, now_ms = NEW, (), START_MS
    for kind, after_ms, rid in pings:
        now_ms += after_ms
        if is_late_decided:
            missed = rules.miss(beat, runs, plan, now_ms=now_ms)
            beat, runs = (beat, runs) if missed is None else (missed.beat, missed.runs)
        before = beat
        ping = Signal(monitor_id=NEW.monitor_id, kind=kind, at=now_ms, rid=rid)
        step = rules.take(beat, runs, plan, ping, is_enabled=True)
        beat, runs = step.beat, step.runs
        assert (beat.due_at or 0) >= (before.due_at or 0)
        assert beat.due_at is None or beat.due_at > now_ms or step.kind is LOG
        if step.status is Status.UP:
            assert due.deadline(beat, plan) == (beat.due_at or 0) + plan.grace_s * 1000
            others = min((run.deadline_at for run in runs if run.deadline_at is not None), default=None)
            assert beat.deadline_at == min(each for each in (due.deadline(beat, plan), others) if each is not None)
        assert (beat.deadline_at is None) >= (beat.status is DOWN)
        assert all(run.started_at <= now_ms for run in runs)
        assert len({run.rid for run in runs}) == len(runs)


@given(plan=PLANS, pings=PINGS, last=KINDS, after_ms=st.integers(0, 9_000_000))
def test_only_what_is_said_of_a_ping_makes_a_difference(
    plan: Plan, pings: list[tuple[PingKind, int, str]], last: PingKind, after_ms: int
) -> None:
    beat, runs, now_ms = NEW, (), START_MS
    for kind, step_ms, rid in pings:
        now_ms += step_ms
        ping = Signal(monitor_id=NEW.monitor_id, kind=kind, at=now_ms, rid=rid)
        step = rules.take(beat, runs, plan, ping, is_enabled=True)
        beat, runs = step.beat, step.runs
    plain = Signal(monitor_id=NEW.monitor_id, kind=last, at=now_ms + after_ms)
    noisy = attrs.evolve(
        plain, method="POST", remote_addr="192.0.2.7", user_agent="curl", body="" if last is FAIL else "x"
    )
    other = attrs.evolve(beat, token="other", ping_count=77, old_token="old", old_token_until=5)
    one = rules.take(beat, runs, plan, plain, is_enabled=True)
    two = rules.take(other, runs[::-1], plan, noisy, is_enabled=True)
    assert attrs.evolve(two, beat=one.beat, runs=one.runs) == one
    assert attrs.evolve(two.beat, token=beat.token, ping_count=0, old_token=None, old_token_until=None) == one.beat
    assert set(two.runs) == set(one.runs)


# --- A world in which seconds pass ---

LOOK_MS = 1000
PULSE_MS = 30_000


@attrs.define
class World:
    """A job, a daemon that watches it, and the clocks of the daemon's machine. Nothing but the rules decides."""

    plan: Plan
    lateness_s: int
    """How late the job is each time, within its grace."""
    is_ping_first: bool
    """Whether a ping that waited is read before the watcher sees what happened to the clocks."""
    true_ms: int = START_MS
    set_ms: int = 0
    is_up: bool = True
    is_working: bool = True
    next_ping_ms: int = START_MS
    run_ends_ms: int | None = None
    beat: Heartbeat = NEW
    runs: tuple[Run, ...] = ()
    seen: Clocks = attrs.field(init=False)
    pulse_ms: int = 0
    noted_ms: int = 0
    """When that was, by the true clock."""
    pulses: int = 0
    heard_ms: int | None = None
    """When the job was heard last, by the true clock."""
    has_rested: bool = False
    """It has not worked all the time since then."""
    listened_ms: int = 0
    """For how long somebody listened since it was due then."""
    unsure_ms: int = 0
    """What of that a daemon forgets that is killed now."""
    falls: int = 0

    def __attrs_post_init__(self) -> None:
        self.seen = self.clocks()

    @property
    def wall_ms(self) -> int:
        return self.true_ms + self.set_ms

    def clocks(self) -> Clocks:
        return Clocks(wall=self.wall_ms, running=self.true_ms, passing=self.true_ms)

    def second(self) -> None:
        """A second passes."""
        self.true_ms += LOOK_MS
        if not self.is_working:
            self.has_rested = True
        if not self.is_up:
            return
        if self.is_ping_first:
            self.work()
        self.watch()
        if not self.is_ping_first:
            self.work()

    def work(self) -> None:
        """The job reports if it is time to, and again and again while nobody hears it."""
        if not self.is_working:
            return
        if self.run_ends_ms is not None and self.true_ms >= self.run_ends_ms:
            self.run_ends_ms = None
            self.ping(SUCCESS)
        elif self.run_ends_ms is None and self.true_ms >= self.next_ping_ms:
            if self.plan.max_runtime_s is not None:
                self.run_ends_ms = self.true_ms + (self.plan.max_runtime_s - 4) * 1000
                self.ping(START)
            else:
                self.ping(SUCCESS)
            self.next_ping_ms = self.true_ms + (self.plan.interval_s + self.lateness_s) * 1000
            if self.plan.schedule:
                self.next_ping_ms = (due.anew(self.plan, now_ms=self.true_ms) or 0) + self.lateness_s * 1000

    def ping(self, kind: PingKind) -> None:
        ping = Signal(monitor_id=NEW.monitor_id, kind=kind, at=self.wall_ms)
        step = rules.take(self.beat, self.runs, self.plan, ping, is_enabled=True)
        if kind is not START or not self.runs:  # what began before it stopped working has not ended by beginning anew
            self.has_rested = False
        self.beat, self.runs = step.beat, step.runs
        self.heard_ms, self.listened_ms, self.unsure_ms = self.true_ms, 0, 0

    def watch(self) -> None:
        """The watcher's look: clocks, then deadlines."""
        before, self.seen = self.seen, self.clocks()
        lull = lulls.lull(before, self.seen, expected_ms=LOOK_MS)
        if lull is not None:
            self.excuse(lull)
        elif self.heard_ms is not None and self.true_ms - LOOK_MS >= self.due_ms():
            self.listened_ms += LOOK_MS
            self.unsure_ms += LOOK_MS
        missed = rules.miss(self.beat, self.runs, self.plan, now_ms=self.wall_ms)
        if missed is not None:
            assert missed.at == max(self.beat.deadline_at or 0, self.beat.last_ping_at or 0)
            assert missed.at < self.wall_ms
            assert self.beat.status is not DOWN
            assert self.has_rested, "it fell although its job reported in time"
            self.beat, self.runs = missed.beat, missed.runs
            self.falls += 1
        if self.heard_ms is not None and self.beat.status is not DOWN:
            assert self.listened_ms <= self.longest_ms, "no alarm"
        if lull is not None or self.true_ms >= self.noted_ms + min(PULSE_MS, 500 * 2**self.pulses):
            self.note_pulse()

    def due_ms(self) -> int:
        """When the job was to be heard again at the latest, by the true clock."""
        assert self.heard_ms is not None
        if self.plan.schedule:
            return (due.anew(self.plan, now_ms=due.anew(self.plan, now_ms=self.heard_ms) or 0)) or 0
        runtime_s = self.plan.max_runtime_s or 0
        return self.heard_ms + max(self.plan.interval_s, runtime_s) * 1000

    @property
    def longest_ms(self) -> int:
        """For how long silence may be listened to: what a lull takes is given once, and then only made up for."""
        patience_s = 180 if self.plan.schedule else self.plan.interval_s
        return (2 * self.plan.grace_s + patience_s) * 1000 + 4 * LOOK_MS

    def note_pulse(self) -> None:
        self.pulse_ms, self.noted_ms, self.unsure_ms = self.wall_ms, self.true_ms, 0
        self.pulses += 1

    def excuse(self, lull: Lull) -> None:
        excused = lulls.excuse(self.beat, self.runs, self.plan, lull)
        if excused is not None:
            assert excused != (self.beat, self.runs)
            assert excused[0].status is self.beat.status
            self.beat, self.runs = excused

    def restart(self, off_s: int, *, is_clean: bool) -> None:
        if is_clean:
            self.watch()
            self.note_pulse()
        self.listened_ms -= self.unsure_ms
        self.unsure_ms, self.is_up = 0, False
        for _ in range(off_s):
            self.second()
        self.is_up, self.pulses, self.seen = True, 0, self.clocks()
        self.excuse(Lull(since=self.pulse_ms, until=self.wall_ms, has_refused=True))
        self.note_pulse()

    def befall(self, deed: str, size: int) -> None:
        match deed:
            case "work" | "rest":
                if deed == "work" and not self.is_working:
                    self.next_ping_ms, self.run_ends_ms = self.true_ms, None
                self.is_working = deed == "work"
                for _ in range(size):
                    self.second()
            case "stand still":
                self.true_ms += size * 1000
                self.has_rested |= not self.is_working
            case "set the clock":
                self.set_ms += (size - 150) * 20_000
                self.second()
            case "restart" | "kill":
                self.restart(size % 100, is_clean=deed == "restart")
                for _ in range(size % 7):
                    self.second()
            case "crash loop" | "crash loop without it":
                self.is_working &= deed == "crash loop"
                for _ in range(size // 5):
                    self.restart(2, is_clean=False)
                    for _ in range(1 + size % 9):
                        self.second()


DEEDS = st.tuples(
    st.sampled_from(
        [
            "work",
            "work",
            "rest",
            "stand still",
            "set the clock",
            "restart",
            "kill",
            "crash loop",
            "crash loop without it",
        ]
    ),
    st.integers(1, 300),
)
PERIODS = st.builds(Plan, interval_s=st.integers(5, 120), grace_s=st.integers(5, 200))
WITH_RUNS = st.builds(
    Plan, interval_s=st.integers(60, 120), grace_s=st.integers(5, 200), max_runtime_s=st.integers(6, 40)
)
CRON = st.builds(
    Plan, interval_s=st.just(60), grace_s=st.integers(5, 200), schedule=st.sampled_from(["* * * * *", "*/3 * * * *"])
)


@settings(max_examples=150)
@given(
    plan=st.one_of(PERIODS, WITH_RUNS, CRON),
    deeds=st.lists(DEEDS, min_size=3, max_size=25),
    lateness=st.floats(0, 1),
    is_ping_first=st.booleans(),
)
def test_jobs_that_report_never_fall_and_jobs_that_stop_always_do(
    plan: Plan, deeds: list[tuple[str, int]], lateness: float, is_ping_first: bool
) -> None:
    world = World(plan, lateness_s=int(lateness * (plan.grace_s - 4)), is_ping_first=is_ping_first)
    for deed, size in deeds:
        if deed == "set the clock" and plan.schedule:
            continue
        world.befall(deed, size)
    world.befall("rest", 1200)
    assert world.beat.status is DOWN or world.heard_ms is None


@given(
    plan=st.one_of(
        st.builds(Plan, interval_s=st.integers(5, 3600), grace_s=st.integers(1, 2000)),
        st.builds(
            Plan,
            interval_s=st.just(60),
            grace_s=st.integers(1, 900),
            schedule=st.sampled_from(["*/7 * * * *", "5 * * * *"]),
        ),
    ),
    begin_s=st.integers(1, 4000),
    off_s=st.integers(10, 20_000),
    lateness=st.floats(0, 0.99),
)
def test_no_job_that_goes_on_as_before_falls_after_our_own_downtime(
    plan: Plan, begin_s: int, off_s: int, lateness: float
) -> None:
    """What it sent meanwhile is lost, and it does not know."""
    since, until = START_MS + begin_s * 1000, START_MS + (begin_s + off_s) * 1000
    late_ms = int(lateness * plan.grace_s * 1000)
    beat, at, is_off_excused = NEW, START_MS, False
    while at < until + 2 * 3_600_000:
        if at >= since and not is_off_excused:
            excused = lulls.excuse(beat, (), plan, Lull(since=since, until=until))
            beat, is_off_excused = (beat if excused is None else excused[0]), True
        if not since <= at < until:
            assert rules.miss(beat, (), plan, now_ms=at) is None
            beat = rules.take(
                beat, (), plan, Signal(monitor_id=NEW.monitor_id, kind=SUCCESS, at=at), is_enabled=True
            ).beat
        came_for = at - late_ms if plan.schedule else at
        at = (due.anew(plan, now_ms=came_for) or 0) + late_ms
