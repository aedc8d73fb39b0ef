"""Cron times against a walk that looks at every single minute, through changes of the clocks of many zones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import attrs
from cronsim import CronSim
from hypothesis import assume, example, given
from hypothesis import strategies as st

from asura import cron
from asura.units import parse_iso

MINUTE_MS = 60_000
REACH_MS = 36 * 60 * MINUTE_MS
"""How far the walk goes."""
CHANGES = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Asia/Beirut", "2026-03-28T22:00:00Z"),
    ("Asia/Beirut", "2026-10-24T21:00:00Z"),
    ("Africa/Cairo", "2026-04-23T22:00:00Z"),
    ("Africa/Cairo", "2026-10-29T21:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2019-02-17T02:00:00Z"),
    ("America/St_Johns", "2010-03-14T03:31:00Z"),
    ("America/St_Johns", "2010-11-07T02:31:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
    ("Antarctica/Troll", "2026-03-29T01:00:00Z"),
    ("Pacific/Chatham", "2026-04-04T14:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Asia/Kathmandu", "2026-03-29T01:00:00Z"),
    ("UTC", "2026-02-28T23:30:00Z"),
    ("UTC", "2028-02-28T23:30:00Z"),
]


@attrs.frozen
class Field:
    """A field as it is written, and the values that it means."""

    text: str
    values: frozenset[int]


@st.composite
def fields(draw: st.DrawFn, least: int, greatest: int) -> Field:
    kind = draw(st.sampled_from(["star", "star", "step", "one", "one", "list", "range", "range step"]))
    everything = range(least, greatest + 1)
    low, high = sorted((draw(st.integers(least, greatest)), draw(st.integers(least, greatest))))
    step = draw(st.integers(1, greatest))
    match kind:
        case "star":
            return Field("*", frozenset(everything))
        case "step":
            return Field(f"*/{step}", frozenset(everything[::step]))
        case "one":
            return Field(str(low), frozenset({low}))
        case "list":
            return Field(f"{low},{high}", frozenset({low, high}))
        case "range":
            return Field(f"{low}-{high}", frozenset(range(low, high + 1)))
        case _ if low < high:
            return Field(f"{low}-{high}/{step}", frozenset(range(low, high + 1, step)))
    return Field(f"{low}", frozenset({low}))


SCHEDULES = st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12), fields(0, 7))
Schedule = tuple[Field, Field, Field, Field, Field]


def text(schedule: Schedule) -> str:
    return " ".join(field.text for field in schedule)


def matches(schedule: Schedule, wall: datetime) -> bool:
    minute, hour, day, month, weekday = schedule
    if wall.minute not in minute.values or wall.hour not in hour.values or wall.month not in month.values:
        return False
    is_day, is_weekday = wall.day in day.values, bool({wall.isoweekday(), wall.isoweekday() % 7} & weekday.values)
    both = day.text.startswith("*") or weekday.text.startswith("*")
    return is_day and is_weekday if both else is_day or is_weekday


def walked(schedule: Schedule, zone: ZoneInfo, *, after: int, until: int) -> list[int]:
    """Every time from beyond `after` to `until`, by looking at the clock on the wall each minute."""
    is_wild = any(field.text.startswith("*") for field in schedule[:2])
    found: list[int] = []
    shown: datetime | None = None  # the latest that the wall has shown
    for at in range((after // MINUTE_MS - 26 * 60) * MINUTE_MS, until + 1, MINUTE_MS):
        wall = datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None)
        walls = [wall]
        if not is_wild and shown is not None:
            skipped = max(0, (wall - shown) // timedelta(minutes=1))
            walls = [shown + timedelta(minutes=each + 1) for each in range(skipped)]
        shown = wall if shown is None else max(shown, wall)
        if at > after and any(matches(schedule, each) for each in walls):
            found.append(at)
    return found


@given(
    schedule=SCHEDULES,
    change=st.sampled_from(CHANGES),
    before_min=st.integers(-2 * 60, 34 * 60),
    offset_ms=st.integers(0, MINUTE_MS - 1),
)
def test_a_walk_minute_by_minute_agrees(
    schedule: Schedule, change: tuple[str, str], before_min: int, offset_ms: int
) -> None:
    zone, at = change
    after = parse_iso(at) - before_min * MINUTE_MS + offset_ms
    expected = walked(schedule, ZoneInfo(zone), after=after, until=after + REACH_MS)
    assume(cron.problem(text(schedule), zone) is None)
    found = cron.following(text(schedule), zone, after=after, count=len(expected) + 1)
    assert list(takewhile(lambda each: each <= after + REACH_MS, found)) == expected


@given(
    schedule=SCHEDULES, zone=st.sampled_from(sorted({zone for zone, _ in CHANGES})), after=st.integers(0, 4 * 10**12)
)
def test_times_ascend_and_lie_ahead_and_each_follows_the_one_before(schedule: Schedule, zone: str, after: int) -> None:
    assume(cron.problem(text(schedule), zone) is None)
    found = [after, *cron.following(text(schedule), zone, after=after, count=4)]
    assert all(one < other for one, other in pairwise(found))
    for one, other in pairwise(found):
        assert cron.following(text(schedule), zone, after=one) == (other,)
        assert cron.following(text(schedule), zone, after=other - 1) == (other,)


@given(
    schedule=st.one_of(
        SCHEDULES.map(text),
        st.sampled_from(
            ["0 0 L * *", "5 4 LW * *", "0 0 * * MON#5", "0 0 * * 5L,1L", "0 12 1-7,L * SUN#1", "0 0 29 2 *"]
        ),
    ),
    after=st.integers(0, 4 * 10**12),
)
def test_cronsim_agrees_where_no_clock_is_changed(schedule: str, after: int) -> None:
    assume(cron.problem(schedule) is None)
    walk = CronSim(schedule, datetime.fromtimestamp(after / 1000, UTC))
    expected = tuple(int(next(walk).timestamp()) * 1000 for _ in range(3))
    assert cron.following(schedule, "UTC", after=after, count=3) == expected


WORDS = ["*", "*/", "-", ",", "/", "#", "L", "LW", "MON", "jan", "@daily", "@", " ", " ", " ", "\t", "é", "²"]
TEXTS = st.one_of(st.text(max_size=220), st.lists(st.sampled_from([*WORDS, *"0123456789"])).map("".join))


@given(TEXTS)
@example("* * * * " + "MON#5," * 30 + "1")
@example("ſun * * * *")
@example("0 0 L/2 * *")
@example("0 0 1 1 ²L")
def test_any_text_is_either_refused_in_words_or_has_times_and_words(schedule: str) -> None:
    problem = cron.problem(schedule)
    if problem is None:
        assert cron.following(schedule, "Europe/Berlin", after=parse_iso("2026-01-01T00:00:00Z"))
        assert cron.in_words(schedule)
    else:
        assert problem.startswith("must ")
        assert len(problem) < 300


@given(st.text(max_size=70))
def test_any_text_is_either_a_zone_or_is_refused(name: str) -> None:
    assert (cron.timezone_problem(name) or "must ").startswith("must ")


def test_every_zone_that_is_listed_can_be_reckoned_with() -> None:
    after = parse_iso("2026-01-01T00:00:00Z")
    for name in cron._zone_names():
        assert cron.timezone_problem(name) is None
        for each in cron.following("17 3 * * *", name, after=after, count=3):
            assert each % MINUTE_MS == 0
