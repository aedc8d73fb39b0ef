"""Cron schedules in a time zone: when the next run is expected. Pure.

What a schedule may say is cronsim's and Debian's (crontab(5)): five fields, or a nickname. How it meets a change of the
clocks is cron(8)'s: a fixed time that is skipped is due right after the jump and one that comes twice counts once,
while a schedule with a star in front of minute or hour goes on by the clock on the wall. cronsim's own walk is not
used: it loses times where clocks change by half an hour, and gives times of the past within a repeated hour.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib import resources
from itertools import islice
from zoneinfo import ZoneInfo

import attrs
from cronsim import CronSim, CronSimError

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""What crontab(5) calls some schedules."""
MAX_CHARS = 200
"""Of a schedule."""
REACH_DAYS = 41 * 366
"""How far ahead is looked. The rarest day is a 29 February on one day of the week, which is 40 years apart where a
century has no leap day."""
KNOWN_CALENDARS = 1024
"""Schedules that are kept parsed, some 5 kB each."""
KNOWN_ANSWERS = 4096
"""Answers that are kept: at a full hour many heartbeats of one schedule report within seconds."""
_DAY_S = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_REFERENCE_MS = 1_767_225_600_000
"""2026-01-01. Whether a schedule ever comes must not depend on when that is asked."""
_FIELDS = {
    "Bad minute": (0, "a minute from 0 to 59"),
    "Bad hour": (1, "an hour from 0 to 23"),
    "Bad day-of-month": (2, "a day of month from 1 to 31 (L is the last, LW the last weekday)"),
    "Bad month": (3, "a month from 1 to 12 or JAN to DEC"),
    "Bad day-of-week": (4, "a day of week from 0 to 7 or SUN to SAT (MON#1 is the first Monday, 5L the last Friday)"),
}


def following(schedule: str, timezone: str, *, after: int, count: int = 1) -> Sequence[int]:
    """The next `count` times after the instant `after`, ascending. Schedule and zone have no problem.

    There are fewer when they are further away than `REACH_DAYS`.
    """
    times = _following(schedule, timezone, after // 60_000 * 60, count)
    if times and times[0] <= after:  # only where an offset is no whole minute, as until 1972
        times = _walked(schedule, timezone, after // 1000, count)
    return times


@lru_cache(maxsize=KNOWN_ANSWERS)
def _following(schedule: str, timezone: str, after_s: int, count: int) -> Sequence[int]:
    return _walked(schedule, timezone, after_s, count)


def _walked(schedule: str, timezone: str, after_s: int, count: int) -> Sequence[int]:
    walk = _walk(_calendar(schedule), _zone(timezone), after_s)
    return tuple(instant_s * 1000 for instant_s in islice(walk, count))


@attrs.frozen
class _Calendar:
    """A schedule that was read. Its days and times are those on the wall, in seconds as if the zone were UTC."""

    source: CronSim
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    is_wild: bool

    def matches(self, day: int) -> bool:
        """Whether there are times on that day, counted from 1970-01-01."""
        on = date.fromordinal(_EPOCH_DAY + day)
        return on.month in self.source.months and self.source.match_day(on)

    def day_from(self, day: int) -> int | None:
        """The next day with times from `day` on; None when it is too far away."""
        until = min(day + REACH_DAYS, date.max.toordinal() - _EPOCH_DAY - 1)
        while day <= until:
            on = date.fromordinal(_EPOCH_DAY + day)
            if on.month not in self.source.months:
                day += 32 - on.day
                day -= date.fromordinal(_EPOCH_DAY + day).day - 1
            elif self.source.match_day(on):
                return day
            else:
                day += 1
        return None

    def between(self, since: int, until: int) -> Iterator[int]:
        """The times from `since` until before `until`."""
        for day in range(since // _DAY_S, -(-until // _DAY_S)):
            if not self.matches(day):
                continue
            for hour in self.hours:
                start = day * _DAY_S + hour * 3600
                if start + 3600 <= since:
                    continue
                for minute in self.minutes:
                    time = start + minute * 60
                    if time >= until:
                        return
                    if time >= since:
                        yield time


@lru_cache(maxsize=KNOWN_CALENDARS)
def _calendar(schedule: str) -> _Calendar:
    fields = _spelled_out(schedule).split()
    source = CronSim(" ".join(fields), datetime(2026, 1, 1, tzinfo=UTC))
    return _Calendar(
        source,
        hours=tuple(sorted(source.hours)),
        minutes=tuple(sorted(source.minutes)),
        is_wild=fields[0].startswith("*") or fields[1].startswith("*"),
    )


def _spelled_out(schedule: str) -> str:
    return NICKNAMES.get(schedule.strip().lower(), schedule)


def _walk(calendar: _Calendar, zone: ZoneInfo, after_s: int) -> Iterator[int]:
    """The times beyond `after_s`, ascending, in seconds since 1970 UTC.

    It goes by days of UTC, each cut where the offset changes. From one piece to the next the clock on the wall goes
    on, skips a stretch or repeats one; a fixed time is met by what the wall has not shown before.
    """
    day = after_s // _DAY_S - 1  # begins before, to know what was shown already
    end_day = min(day + REACH_DAYS, date.max.toordinal() - _EPOCH_DAY - 3)
    shown_until: int | None = None
    last = after_s
    while day <= end_day:
        nearest = calendar.day_from(day - 1)  # a day of UTC has hours of its neighbours, too
        if nearest is None:
            return
        if nearest > day + 2:
            day, shown_until = nearest - 2, None
        for begin, end, offset in _pieces(zone, day):
            since = begin + offset
            if not calendar.is_wild and shown_until is not None:
                since = shown_until
            if begin <= last:
                since = max(since, last + offset + 1)
            for time in calendar.between(since, end + offset):
                instant = max(time - offset, begin)
                if instant > last:
                    yield instant
                    last = instant
            shown_until = max(end + offset, shown_until or 0)
        day += 1


def _pieces(zone: ZoneInfo, day: int) -> Iterator[tuple[int, int, int]]:
    """A day of UTC in pieces of one offset: (begin, end, offset), all in seconds."""
    begin, end = day * _DAY_S, (day + 1) * _DAY_S
    offset, later = _offset(zone, begin), _offset(zone, end)
    if offset != later:
        low, high = begin, end
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(zone, middle) == offset:
                low = middle
            else:
                high = middle
        yield begin, high, offset
        begin, offset = high, later
    if begin < end:
        yield begin, end, offset


def _offset(zone: ZoneInfo, instant_s: int) -> int:
    offset = datetime.fromtimestamp(instant_s, zone).utcoffset()
    assert offset is not None
    return offset.days * _DAY_S + offset.seconds


def problem(schedule: str, timezone: str = "UTC") -> str | None:
    """What is wrong with a schedule, as “must …”, or None. The zone has no problem."""
    nickname = schedule.strip().lower()
    if nickname == "@reboot":
        return "must say when the job is due; @reboot does not"
    if nickname.startswith("@") and nickname not in NICKNAMES:
        return f"must have five fields or be one of {', '.join(NICKNAMES)}"
    fields = _spelled_out(schedule).split()
    if len(schedule) > MAX_CHARS or not schedule.isascii():
        return f"must be ASCII, and at most {MAX_CHARS} characters"
    if len(fields) != 5:
        wanted = "minute, hour, day of month, month, day of week; no seconds, no command"
        return f"must have five fields, not {len(fields)} ({wanted})"
    try:
        CronSim(" ".join(fields), datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as exc:
        return _bad_field(str(exc), fields)
    if not following(schedule, timezone, after=_REFERENCE_MS):
        return "must come true some day; no date ever matches it"
    return None


def _bad_field(told: str, fields: Sequence[str]) -> str:
    number, wanted = _FIELDS[told]
    if number == 2 and _is_day(fields[2]):
        return "must name a day that one of its months has"
    shown = fields[number] if len(fields[number]) <= 30 else f"{fields[number][:29]}…"
    return f"must have {wanted}, or a list, range or step of them, not “{shown}”"


def _is_day(field: str) -> bool:
    try:
        CronSim(f"0 0 {field} * *", datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True


def timezone_problem(name: str) -> str | None:
    """What is wrong with a time zone's name, as “must …”, or None."""
    if name in _zone_names():
        return None
    wanted = name.strip().lower().replace(" ", "_")
    likely = [each for each in _zone_names() if wanted and wanted in (each.lower(), each.lower().rpartition("/")[2])]
    return f"must be the name of a time zone, such as {min(likely, key=len) if likely else 'Europe/Berlin'} or UTC"


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    """Every zone that there is. The list of tzdata: to walk the system's own costs a tenth of a second."""
    names = resources.files("tzdata").joinpath("zones").read_text("ascii").split()
    return frozenset(names) - {"Factory"}


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    """A zone. Kept: zoneinfo itself keeps eight. Only names that are listed come here, which bounds them."""
    return ZoneInfo(name)


def in_words(schedule: str) -> str:
    """A schedule as a person says it: “At 03:00”. The schedule has no problem."""
    return _calendar(schedule).source.explain()
