"""Heartbeats: nothing is asked; the job reports by itself, and silence is what alarms.

What a report means and when silence is too long is decided in `heartbeats/rules.py`; here stands what can be set.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import attrs

from asura import cron
from asura.checks.base import CheckType, TargetField
from asura.errors import OwnFailure
from asura.fields import between, items, text
from asura.protocols.attempt import Env, Keep

MAX_INTERVAL_S = 366 * 86_400
"""The longest period that a heartbeat may have."""
MAX_GRACE_S = MAX_INTERVAL_S
MAX_RUNTIME_S = 366 * 86_400
MAX_TIMEZONE_CHARS = 64
MAX_KEYWORDS = 20
_KEYWORD = text(200, at_least=1, blank=False)


def _keywords(label: str, help_text: str) -> Any:
    told = {"label": label, "help": help_text, "group": "Keywords in the body"}
    return attrs.field(default=(), validator=items(MAX_KEYWORDS, each=_KEYWORD), metadata=told)


@attrs.frozen(kw_only=True)
class HeartbeatSettings:
    """What can be set."""

    grace: int = attrs.field(
        default=300,
        validator=between(0, MAX_GRACE_S, "seconds"),
        metadata={
            "label": "Grace",
            "unit": "s",
            "help": "How late a ping may come, beyond the period or its scheduled time, before the job is down.",
        },
    )
    schedule: str = attrs.field(
        default="",
        validator=text(cron.MAX_CHARS),
        metadata={
            "label": "Cron schedule",
            "placeholder": "0 3 * * *",
            "help": "When the job runs, as in crontab: minute, hour, day of month, month, day of week. Empty: once a "
            "period, which is the interval.",
        },
    )
    timezone: str = attrs.field(
        default="UTC",
        validator=text(MAX_TIMEZONE_CHARS, at_least=1, blank=False),
        metadata={
            "label": "Time zone",
            "placeholder": "Europe/Berlin",
            "help": "The one the schedule is meant in.",
        },
    )
    max_runtime: int | None = attrs.field(
        default=None,
        validator=between(1, MAX_RUNTIME_S, "seconds"),
        metadata={
            "label": "Longest run time",
            "unit": "s",
            "type": "integer",
            "help": "A run that has started and not ended by then is down. Empty: when the next ping would be overdue.",
            "group": "Run time",
        },
    )
    min_runtime: int | None = attrs.field(
        default=None,
        validator=between(1, MAX_RUNTIME_S, "seconds"),
        metadata={
            "label": "Shortest run time",
            "unit": "s",
            "type": "integer",
            "help": "A run that ends sooner after its start has failed, whatever it says.",
            "group": "Run time",
        },
    )
    success_keywords: tuple[str, ...] = _keywords(
        "Success", "A success counts only if its body has one of these; else it is stored and ignored."
    )
    failure_keywords: tuple[str, ...] = _keywords(
        "Failure", "A success whose body has one of these is a failure, whatever else it has."
    )
    start_keywords: tuple[str, ...] = _keywords(
        "Start", "A ping to the plain URL whose body has one of these, and none of failure, is the start of a run."
    )


def _problems(target: str, settings: HeartbeatSettings, env: Env) -> Mapping[str, str]:
    found: dict[str, str] = {}
    problem = cron.timezone_problem(settings.timezone)
    if problem:
        found["settings.timezone"] = problem
    if settings.schedule:
        # In the zone, if that is one: an hour that it always skips never comes.
        problem = cron.problem(settings.schedule, "UTC" if found else settings.timezone)
        if problem:
            found["settings.schedule"] = problem
    if settings.max_runtime and settings.min_runtime and settings.min_runtime >= settings.max_runtime:
        found["settings.min_runtime"] = f"must be below max_runtime, which is {settings.max_runtime} s"
    return found


def _prepare(target: str, settings: HeartbeatSettings, env: Env, keep: Keep) -> NoReturn:
    raise OwnFailure("a heartbeat is not checked: it reports by itself")


HEARTBEAT = CheckType(
    name="heartbeat",
    label="Heartbeat",
    about="""\
Waits for a job, a backup or a worker to report by itself, and alarms when it doesn't. Each monitor has a URL of its
own, and a request to it is a ping.

- **Up**: the job reported success: by the plain URL, or by `/0`.
- **Down**: it reported a failure (`/fail`, or an exit status such as `/3`), a run was shorter or longer than it may
  be, or the ping that was expected didn't come.
- **Pending**: nothing has been reported yet. Nothing is alarmed before the first ping.

One success ends it, one failure begins it, whatever the thresholds. There is no degraded, nothing to assert, and
nothing to check by hand.

**When a ping is expected**: once a period, which is the interval (up to 366 days), counted from the last ping; or at
the times of a cron schedule in its time zone, and then the interval means nothing. The grace comes on top: the deadline
is the expected time plus the grace, and beyond it the monitor is down, since that very instant. For a schedule a ping
may come a minute early, or half the time between two runs if that is less, and counts for the time that follows. Where
the clocks change, a time that is skipped is due right after the jump, and one that comes twice is expected once; a
schedule with a star for the minute or hour goes on as the clock on the wall does.

**Runs**: `/start` says that one begins, which changes no status: a late job that begins is not yet well. The next
success or failure ends it, and another start does not: a job that dies in each run is down, although it comes each
time. Its run time is the response time in charts and metrics. A run that goes on beyond the
longest run time is down; without one it may go on until the next ping would be overdue. Runs that overlap are told
apart by `?rid=` with the same UUID, or up to 64 letters, digits and `._:-`, at the start and the end; up to a hundred
are watched.

**What else it can say**: `/log` stores a line and changes nothing. The body of a POST to any of these, whatever its
type, is kept with the ping: its first 100,000 bytes. A body that is too long, broken or no text is cut or made
readable; the ping counts. Keywords look at the body of what reports success: one of failure makes it a failure;
else one of start makes it a start (not with an exit status); and where there are keywords of success and none is found,
it is stored as ignored. Upper and lower case differ.

**What is no fault of the job**: while Asura was off, the machine slept or its clock was set, nobody could report. No
deadline that passed meanwhile falls sooner than one grace after that. A paused monitor stores pings as ignored;
afterwards the next one is expected anew.

**The token** in the URL is all that it takes to report, so treat it as a password; keys that may only read are not
shown it. Rotate it when it got about: the old one then ends at once, or in a day if you ask for that. A clone has a
token of its own.
""",
    target=TargetField(
        label="Where it runs",
        help="A note for people, such as the machine or the crontab. May be left empty.",
        placeholder="db1: /etc/cron.d/backup",
    ),
    settings=HeartbeatSettings,
    target_problem=lambda target: None,
    hosts=lambda target, settings: {},
    prepare=_prepare,
    problems=_problems,
    asserts=frozenset(),
    example={"schedule": "0 3 * * *", "timezone": "Europe/Berlin", "grace": 1800, "max_runtime": 7200},
    is_passive=True,
)
