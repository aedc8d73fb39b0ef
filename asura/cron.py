"""Cron schedules in a time zone: when the next run is expected. Pure; the calendar is that of cronsim and Debian.

A time that is skipped by a change of the clocks is due right after it, one that comes twice counts once, and a schedule
with a star in minute or hour goes on as the clock on the wall does (cron(8), Debian).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

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


def following(schedule: str, timezone: str, *, after: int, count: int = 1) -> Sequence[int]:
    """The next `count` times after the instant `after`, ascending. Schedule and zone have no problem."""
    raise NotImplementedError


def problem(schedule: str) -> str | None:
    """What is wrong with a schedule, as “must …”, or None."""
    raise NotImplementedError


def timezone_problem(name: str) -> str | None:
    """What is wrong with a time zone's name, as “must …”, or None."""
    raise NotImplementedError


def in_words(schedule: str) -> str:
    """A schedule as a person says it: “At 03:00”. The schedule has no problem."""
    raise NotImplementedError
