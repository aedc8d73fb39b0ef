"""Cron schedules: which times they have, across changes of the clocks, and what is refused."""

import time
from collections.abc import Sequence

import pytest

from asura import cron
from asura.units import iso, parse_iso


def times(schedule: str, zone: str, after: str, count: int) -> list[str]:
    found = cron.following(schedule, zone, after=parse_iso(f"{after}:00Z"), count=count)
    assert all(each % 60_000 == 0 for each in found)
    return [iso(each)[5:16].replace("T", " ") for each in found]


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        pytest.param("*/15 * * * *", "2026-03-01T10:07", ["03-01 10:15", "03-01 10:30"], id="a step"),
        pytest.param("0 3 * * *", "2026-03-01T03:00", ["03-02 03:00"], id="strictly after"),
        pytest.param("0 3 * * *", "2026-03-01T02:59", ["03-01 03:00"], id="a minute before"),
        pytest.param("30 8 * * MON-FRI", "2026-03-06T09:00", ["03-09 08:30", "03-10 08:30"], id="weekdays"),
        pytest.param("0 0 1,15 * MON", "2026-03-01T00:00", ["03-02 00:00", "03-09 00:00", "03-15 00:00"], id="or"),
        pytest.param("0 0 */2 * MON", "2026-03-01T00:00", ["03-09 00:00", "03-23 00:00"], id="and, after a star"),
        pytest.param("0 0 L * *", "2026-02-01T00:00", ["02-28 00:00", "03-31 00:00"], id="last day of the month"),
        pytest.param("0 0 LW * *", "2026-02-01T00:00", ["02-27 00:00", "03-31 00:00"], id="last weekday"),
        pytest.param("0 0 * * MON#1", "2026-03-01T00:00", ["03-02 00:00", "04-06 00:00"], id="first Monday"),
        pytest.param("0 0 * * 5L", "2026-03-01T00:00", ["03-27 00:00", "04-24 00:00"], id="last Friday"),
        pytest.param("0 0 * * 7", "2026-03-02T00:00", ["03-08 00:00"], id="7 is Sunday"),
        pytest.param("0 0 29 2 *", "2026-03-01T00:00", ["02-29 00:00"], id="29 February"),
        pytest.param("0 0 29 2 MON#5", "2026-02-01T00:00", ["02-29 00:00"], id="rarer than once in 25 years"),
        pytest.param("@daily", "2026-03-01T00:00", ["03-02 00:00"], id="@daily"),
        pytest.param(" @Weekly ", "2026-03-01T00:00", ["03-08 00:00"], id="@weekly"),
        pytest.param("5  4\t* * sun", "2026-03-01T00:00", ["03-01 04:05"], id="spaces, and names in small letters"),
    ],
)
def test_the_times_of_a_schedule(schedule: str, after: str, expected: Sequence[str]) -> None:
    assert cron.problem(schedule) is None
    assert times(schedule, "UTC", after, len(expected)) == expected


BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
BEIRUT, APIA = "Asia/Beirut", "Pacific/Apia"


@pytest.mark.parametrize(
    ("zone", "schedule", "after", "expected"),
    [
        # Europe/Berlin: 2026-03-29 02:00 becomes 03:00 at 01:00 UTC; 2026-10-25 03:00 becomes 02:00 at 01:00 UTC.
        pytest.param(BERLIN, "30 2 * * *", "2026-03-28T02:00", "03-29 01:00, 03-30 00:30", id="Berlin: skipped"),
        pytest.param(BERLIN, "10,50 2 * * *", "2026-03-29T00:00", "03-29 01:00, 03-30 00:10", id="Berlin: both"),
        pytest.param(BERLIN, "0 2,3 * * *", "2026-03-29T00:00", "03-29 01:00, 03-30 00:00", id="Berlin: with it"),
        pytest.param(BERLIN, "*/30 * * * *", "2026-03-29T00:00", "03-29 00:30, 03-29 01:00", id="Berlin: wild"),
        pytest.param(BERLIN, "*/30 2 * * *", "2026-03-28T02:00", "03-30 00:00", id="Berlin: wild in what is skipped"),
        pytest.param(BERLIN, "30 2 * * *", "2026-10-24T02:00", "10-25 00:30, 10-26 01:30", id="Berlin: repeated"),
        pytest.param(BERLIN, "30 2 * * *", "2026-10-25T01:10", "10-26 01:30", id="Berlin: asked while repeated"),
        pytest.param(
            BERLIN, "0 1-3 * * *", "2026-10-24T22:59", "10-24 23:00, 10-25 00:00, 10-25 02:00", id="Berlin: range"
        ),
        pytest.param(BERLIN, "30 * * * *", "2026-10-25T00:00", "10-25 00:30, 10-25 01:30", id="Berlin: hourly goes on"),
        pytest.param(
            BERLIN, "* 2 * * *", "2026-10-25T00:58", "10-25 00:59, 10-25 01:00", id="Berlin: minutely goes on"
        ),
        # America/New_York: 2026-03-08 02:00 becomes 03:00 at 07:00 UTC; 2026-11-01 02:00 becomes 01:00 at 06:00 UTC.
        pytest.param(NEW_YORK, "15 2 * * *", "2026-03-08T00:00", "03-08 07:00, 03-09 06:15", id="New York: skipped"),
        pytest.param(NEW_YORK, "15 1 * * *", "2026-11-01T00:00", "11-01 05:15, 11-02 06:15", id="New York: repeated"),
        pytest.param(NEW_YORK, "15 */1 * * *", "2026-11-01T05:00", "11-01 05:15, 11-01 06:15", id="New York: wild"),
        # Australia/Lord_Howe changes by half an hour: 2026-10-04 02:00 becomes 02:30 at 15:30 UTC of the day before;
        # 2026-04-05 02:00 becomes 01:30 at 15:00 UTC of the day before.
        pytest.param(LORD_HOWE, "15 2 * * *", "2026-10-03T00:00", "10-03 15:30, 10-04 15:15", id="Lord Howe: skipped"),
        pytest.param(LORD_HOWE, "45 1 * * *", "2026-04-04T00:00", "04-04 14:45, 04-05 15:15", id="Lord Howe: repeated"),
        pytest.param(
            LORD_HOWE,
            "*/15 1 * * *",
            "2026-04-04T14:29",
            "04-04 14:30, 04-04 14:45, 04-04 15:00, 04-04 15:15, 04-05 14:30",
            id="Lord Howe: wild",
        ),
        pytest.param(
            LORD_HOWE, "*/15 3 * * *", "2026-04-04T15:00", "04-04 16:30, 04-04 16:45", id="Lord Howe: wild after"
        ),
        # Asia/Beirut skips midnight: 2026-03-29 00:00 becomes 01:00 at 22:00 UTC; 2026-10-25 00:00 is 23:00 again.
        pytest.param(
            BEIRUT, "0 0 * * *", "2026-03-27T23:00", "03-28 22:00, 03-29 21:00", id="Beirut: midnight skipped"
        ),
        pytest.param(
            BEIRUT, "30 23 * * *", "2026-10-24T00:00", "10-24 20:30, 10-25 21:30", id="Beirut: before midnight"
        ),
        pytest.param(
            BEIRUT, "0 0 25 10 *", "2026-10-24T00:00", "10-24 22:00", id="Beirut: midnight after the second 23"
        ),
        # Pacific/Apia had no 30 December 2011.
        pytest.param(
            APIA, "0 6 * * *", "2011-12-29T00:00", "12-29 16:00, 12-30 10:00, 12-30 16:00", id="Apia: a day skipped"
        ),
        pytest.param("UTC", "30 2 * * *", "2026-03-28T02:30", "03-29 02:30, 03-30 02:30", id="Utc: no change"),
    ],
)
def test_times_across_a_change_of_the_clocks(zone: str, schedule: str, after: str, expected: str) -> None:
    assert cron.timezone_problem(zone) is None
    assert ", ".join(times(schedule, zone, after, expected.count(",") + 1)) == expected


def test_where_an_offset_was_no_whole_minute_no_time_is_given_again() -> None:
    first, second = cron.following("0 3 * * *", "Africa/Monrovia", after=parse_iso("1971-01-01T00:00:00Z"), count=2)
    assert iso(first) == "1971-01-01T03:44:30.000Z"
    assert cron.following("0 3 * * *", "Africa/Monrovia", after=first) == (second,)


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        pytest.param("", "must have five fields, not 0", id="empty"),
        pytest.param("0 3 * * * *", "must have five fields, not 6", id="seconds"),
        pytest.param("0 3 * * * /usr/bin/backup", "no seconds, no command", id="a line of a crontab"),
        pytest.param("@reboot", "must say when", id="reboot"),
        pytest.param("@fortnightly", "be one of @hourly", id="no nickname"),
        pytest.param("60 * * * *", "a minute from 0 to 59, or a list, range or step of them, not “60”", id="minute"),
        pytest.param("0 24 * * *", "an hour from 0 to 23", id="hour"),
        pytest.param("0 0 32 * *", "a day of month from 1 to 31", id="day"),
        pytest.param("0 0 * FOO *", "a month from 1 to 12", id="month"),
        pytest.param("0 0 * * 8", "a day of week from 0 to 7", id="weekday"),
        pytest.param("*/0 * * * *", "not “*/0”", id="a step of nothing"),
        pytest.param("5-1 * * * *", "not “5-1”", id="backwards"),
        pytest.param("0 0 30 2 *", "must name a day that one of its months has", id="30 February"),
        pytest.param("0 0 31 4,6 *", "must name a day that one of its months has", id="31 April"),
        pytest.param("0 0 LW * */7", "must come true some day", id="the last weekday on a Sunday"),
        pytest.param("٠ 3 * * *", "must be ASCII", id="other digits"),
        pytest.param("0 3 * * " + "1," * 100 + "1", "at most 200 characters", id="long"),
        pytest.param("1" * 100 + " * * * *", f"not “{'1' * 29}…”", id="a long field"),
    ],
)
def test_what_is_refused(schedule: str, told: str) -> None:
    problem = cron.problem(schedule)
    assert problem is not None
    assert problem.startswith("must ")
    assert told in problem
    assert len(problem) < 300


def test_an_hour_that_its_zone_always_skips_is_refused_there_only() -> None:
    assert cron.problem("* 2 * 3 SUN#2") is None
    assert cron.problem("* 2 * 3 SUN#2", "Europe/Berlin") is None
    assert cron.problem("* 2 * 3 SUN#2", "America/New_York") == "must come true some day; no date ever matches it"
    assert cron.problem("0 2 * 3 SUN#2", "America/New_York") is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("berlin", "such as Europe/Berlin", id="a city"),
        pytest.param("america/new york", "such as America/New_York", id="small letters"),
        pytest.param("CEST", "must be the name of a time zone", id="an abbreviation"),
        pytest.param("+02:00", "must be the name of a time zone", id="an offset"),
        pytest.param("../../etc/passwd", "must be the name of a time zone", id="a way out"),
        pytest.param("/etc/localtime", "must be the name of a time zone", id="a path"),
        pytest.param("Europe", "must be the name of a time zone", id="a folder"),
        pytest.param("Factory", "must be the name of a time zone", id="no zone at all"),
        pytest.param("", "must be the name of a time zone", id="empty"),
        pytest.param("Europe/Berlin\0", "must be the name of a time zone", id="NUL"),
    ],
)
def test_what_is_no_time_zone(name: str, told: str) -> None:
    assert told in (cron.timezone_problem(name) or "")


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("0 3 * * *", "At 03:00 every day"),
        ("@daily", "At 00:00 every day"),
        ("*/5 * * * *", "Every fifth minute of every hour"),
        ("30 8 * * MON-FRI", "At 08:30 on Monday through Friday"),
    ],
)
def test_a_schedule_in_words(schedule: str, words: str) -> None:
    assert cron.in_words(schedule) == words


def test_whatever_the_schedule_an_answer_is_quick() -> None:
    minutes = ",".join(str(each) for each in range(59))[:150]
    slow = ["0 0 LW * */7", "* * 29 2 MON#5", f"{minutes} * 31 2 *", "59 23 31 12 *", "* 2 * 3 SUN#2", "0 0 1 1 MON#1"]
    for schedule in slow:
        began_at = time.process_time()
        cron.problem(schedule, "America/New_York")
        assert time.process_time() - began_at < 0.3
