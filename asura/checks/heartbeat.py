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
MAX_SCHEDULE_CHARS = 200
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
            "help": "how late a ping may come, beyond the period or its scheduled time, before the job is down",
        },
    )
    schedule: str = attrs.field(
        default="",
        validator=text(MAX_SCHEDULE_CHARS),
        metadata={
            "label": "Cron schedule",
            "placeholder": "0 3 * * *",
            "help": "when the job runs, as in crontab: minute, hour, day of month, month, day of week; empty: once a "
            "period, which is the interval",
        },
    )
    timezone: str = attrs.field(
        default="UTC",
        validator=text(MAX_TIMEZONE_CHARS, at_least=1, blank=False),
        metadata={
            "label": "Time zone",
            "placeholder": "Europe/Berlin",
            "help": "the one the schedule is meant in",
        },
    )
    max_runtime: int | None = attrs.field(
        default=None,
        validator=between(1, MAX_RUNTIME_S, "seconds"),
        metadata={
            "label": "Longest run time",
            "unit": "s",
            "type": "integer",
            "help": "a run that has started and not ended by then is down; empty: when the next ping would be overdue",
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
            "help": "a run that ends sooner after its start has failed, whatever it says",
            "group": "Run time",
        },
    )
    success_keywords: tuple[str, ...] = _keywords(
        "Success", "a success counts only if its body has one of these; else it is stored and ignored"
    )
    failure_keywords: tuple[str, ...] = _keywords(
        "Failure", "a success whose body has one of these is a failure, whatever else it has"
    )
    start_keywords: tuple[str, ...] = _keywords(
        "Start", "a ping to the plain URL whose body has one of these, and none of failure, is the start of a run"
    )


def _problems(target: str, settings: HeartbeatSettings, env: Env) -> Mapping[str, str]:
    found: dict[str, str] = {}
    problem = cron.timezone_problem(settings.timezone)
    if problem:
        found["settings.timezone"] = problem
    if settings.schedule:
        problem = cron.problem(settings.schedule)
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
Waits for a job, a backup or a worker to report by itself, and alarms when it doesn't.
""",
    target=TargetField(
        label="Where it runs",
        help="a note for people, such as the machine or the crontab; may be left empty",
        placeholder="db1: /etc/cron.d/backup",
    ),
    settings=HeartbeatSettings,
    target_problem=lambda target: None,
    hosts=lambda target, settings: {},
    prepare=_prepare,
    problems=_problems,
    asserts=frozenset(),
    is_passive=True,
)
