"""The monitor's document as clients send it: what may stand in it, and every mistake in one."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from asura.api import assertion_documents
from asura.api.masking import unmasked
from asura.api.monitor_views import ASSERTIONS, SETTINGS, MonitorView
from asura.checks import CHECK_TYPES
from asura.checks.base import CheckType
from asura.checks.heartbeat import MAX_INTERVAL_S
from asura.config.schema import MonitorDefaults
from asura.errors import InvalidDocument
from asura.fields import between, by_type, items, one_of, text
from asura.ids import MonitorId
from asura.model.monitor import LOCAL, Monitor
from asura.protocols.attempt import Env
from asura.serde import dump, load

MAX_THRESHOLD = 1000
MAX_RESEND_S = 31_536_000
MAX_REFERENCES = 100

MAX_TARGET_CHARS = 2048

PASSIVE = frozenset(name for name, kind in CHECK_TYPES.items() if kind.is_passive)
"""The types of what reports by itself."""

_INTERVAL = by_type({name: between(1, MAX_INTERVAL_S, "seconds") for name in PASSIVE}, between(1, 86_400, "seconds"))
_TARGET = by_type({name: text(MAX_TARGET_CHARS) for name in PASSIVE}, text(MAX_TARGET_CHARS, at_least=1))


def _field(default: Any, *validator: Any, **metadata: Any) -> Any:
    return attrs.field(default=default, validator=list(validator) or None, metadata=metadata)


@attrs.frozen(kw_only=True)
class MonitorDocument:
    """A monitor as clients send it. Durations are seconds."""

    name: str = attrs.field(validator=text(255, at_least=1, blank=False))
    description: str = _field("", text(5000), help="Markdown, rendered safely")
    type: str = attrs.field(validator=one_of(tuple(CHECK_TYPES)))
    target: str = _field(
        "",
        _TARGET,
        help="http: a URL; tcp: host:port; heartbeat: a note for people, may be left out",
        required_for=frozenset(CHECK_TYPES) - PASSIVE,
    )
    interval: int = _field(
        60,
        _INTERVAL,
        help="time between two checks, or between two pings of a heartbeat, up to 366 days then; default from"
        " monitor.default_interval",
    )
    timeout: int = _field(
        10,
        between(1, 300, "seconds"),
        help="at most the interval; default monitor.default_timeout, or the interval if that is less; means nothing to"
        " a heartbeat",
    )
    enabled: bool = _field(True, help="false is paused")
    public: bool = False
    tags: tuple[str, ...] = _field((), items(20, each=text(100, at_least=1, blank=False)))
    group: str | None = _field(None, text(255))
    settings: Mapping[str, Any] = attrs.field(factory=dict, metadata={"by_type": SETTINGS})
    assertions: Any = attrs.field(factory=list, metadata={"schema": ASSERTIONS})
    track_changes: bool = _field(False, help="tell when what the target says has changed; for types that have a text")
    failure_threshold: int = _field(
        3, between(1, MAX_THRESHOLD), help="consecutive failures before down; a heartbeat is down at once"
    )
    success_threshold: int = _field(1, between(1, MAX_THRESHOLD), help="consecutive successes before up")
    resend_interval: int = _field(
        0,
        between(0, MAX_RESEND_S, "seconds"),
        help="time between two reminders while an incident stays open; 0 is none",
    )
    upside_down: bool = _field(False, help="up and down exchanged")
    notification_channel_ids: tuple[int, ...] = _field(
        (), items(MAX_REFERENCES), help="who is told; empty is every enabled channel"
    )
    escalation_policy_id: int | None = None
    depends_on: tuple[int, ...] = _field((), items(MAX_REFERENCES), help="monitors; no alert while one of them is down")
    regions: tuple[str, ...] = _field((), items(50, each=text(64, at_least=1)), help="who checks it; empty is all")


_FIELDS = frozenset(f.name for f in attrs.fields(MonitorDocument))
READ_ONLY = frozenset(f.name for f in attrs.fields(MonitorView)) - _FIELDS
"""What a client may send back as it read it; nothing comes of it."""


def read(
    raw: Mapping[str, Any],
    *,
    defaults: MonitorDefaults,
    env: Env,
    stored: Monitor | None = None,
) -> tuple[MonitorDocument, dict[str, str]]:
    """A sent document, and every wrong field in it; those have a stand-in, so that the others can be judged further.

    `stored` is the monitor whose secrets a mask stands for.
    """
    raw = {name: value for name, value in raw.items() if name not in READ_ONLY}
    kind = CHECK_TYPES.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    settings, problems = _settings(raw, kind, stored)
    problems |= _missing_target(raw, kind)
    whole = {**_with_defaults(raw, defaults), "settings": settings}
    if raw.get("target") is None:
        whole["target"] = _STAND_IN if "target" in problems else ""
    try:
        document = load(MonitorDocument, whole)
    except InvalidDocument as exc:
        problems |= exc.fields
        document = load(MonitorDocument, _without(whole, _names(exc.fields)))
    if kind is not None and "target" not in problems:
        problem = kind.target_problem(document.target)
        if problem:
            problems["target"] = problem
        elif "settings" not in _names(problems):
            problems |= _refused(kind, document.target, settings, env)
    if "assertions" not in _names(problems) and document.type not in PASSIVE:
        problems |= assertion_documents.problems(document.assertions, kind, settings)
    wrong = _names(problems)
    for name, involved, problem in (*_contradictions(document), *_beyond_this_version(document)):
        if not wrong & {name, *involved}:
            problems[name] = problem
    return document, problems


_STAND_IN = "?"


def _missing_target(raw: Mapping[str, Any], kind: CheckType | None) -> dict[str, str]:
    """What is said of a document without a target, unless its type needs none."""
    if (kind is not None and kind.is_passive) or raw.get("target") is not None:
        return {}
    return {"target": "must be a string" if "target" in raw else "is required"}


def _refused(kind: CheckType, target: str, settings: Any, env: Env) -> dict[str, str]:
    """What is wrong with target and settings together, forbidden addresses included, by field."""
    loaded = load(kind.settings, settings)
    reasons = {field: env.guard.literal_refusal(host) for field, host in kind.hosts(target, loaded).items()}
    return {field: reason for field, reason in reasons.items() if reason} | dict(kind.problems(target, loaded, env))


def _names(problems: Mapping[str, str]) -> set[str]:
    """The fields of the document that the paths of `problems` begin with."""
    return {re.split(r"[.\[]", path, maxsplit=1)[0] for path in problems}


def _without(raw: Mapping[str, Any], wrong: Collection[str]) -> dict[str, Any]:
    """What is left of a document without its wrong fields; those that it must have get a stand-in."""
    left = {name: value for name, value in raw.items() if name in _FIELDS and name not in wrong}
    return {"name": _STAND_IN, "type": next(iter(CHECK_TYPES)), "target": _STAND_IN} | left


def _with_defaults(raw: Mapping[str, Any], defaults: MonitorDefaults) -> dict[str, Any]:
    """What the configuration says where the document says nothing."""
    interval = raw.get("interval", defaults.default_interval)
    timeout = defaults.default_timeout
    if isinstance(interval, int) and interval >= 1:
        timeout = min(timeout, interval)
    return {
        "interval": defaults.default_interval,
        "timeout": timeout,
        "failure_threshold": defaults.failure_threshold,
        "success_threshold": defaults.success_threshold,
        **raw,
    }


def _settings(raw: Mapping[str, Any], kind: CheckType | None, stored: Monitor | None) -> tuple[Any, dict[str, str]]:
    """The settings of the document's type, complete with its defaults, and what is wrong with them."""
    given = raw.get("settings", {})
    if kind is None or not isinstance(given, Mapping):
        return given, {}
    kept = stored.settings if stored is not None and stored.type == kind.name else {}
    settings, missing = unmasked(kind.settings, given, stored=kept)
    problems = {f"settings.{path}": problem for path, problem in missing.items()}
    try:
        return dump(load(kind.settings, settings, path="settings")), problems
    except InvalidDocument as exc:
        return {}, exc.fields | problems


_Contradiction = tuple[str, tuple[str, ...], str]
"""A field, the other fields that it is wrong together with, what is wrong."""


def _contradictions(document: MonitorDocument) -> Iterator[_Contradiction]:
    """Fields that are right alone and wrong together."""
    if document.type in PASSIVE:
        yield from _not_for_passive(document)
        return
    if document.timeout > document.interval:
        yield "timeout", ("interval",), f"must not exceed the interval, which is {document.interval} s"
    if document.track_changes and not CHECK_TYPES[document.type].tracks_changes:
        yield "track_changes", ("type",), f"must be false: the answers of type {document.type} have no text to compare"
    if document.track_changes and document.settings.get("method") == "HEAD":
        yield "track_changes", ("type", "settings"), "must be false: answers to HEAD have no body to compare"


def _not_for_passive(document: MonitorDocument) -> Iterator[_Contradiction]:
    """What is about the answers of a target, where no target is asked."""
    why = f"a {document.type} reports by itself"
    if document.assertions != []:
        yield "assertions", ("type",), f"must be empty: {why} and gives no answer to hold them against"
    if document.track_changes:
        yield "track_changes", ("type",), f"must be false: {why} and gives no answer to compare"
    if document.upside_down:
        yield "upside_down", ("type",), f"must be false: {why}, and its silence can't be a success"


def _beyond_this_version(document: MonitorDocument) -> Iterator[_Contradiction]:
    if document.escalation_policy_id is not None:
        yield "escalation_policy_id", (), "must be null: this version has no escalation policies"
    if set(document.regions) - {LOCAL}:
        yield "regions", (), f"must be empty or [{LOCAL!r}]: this version has no probes".replace("'", '"')


def to_monitor(document: MonitorDocument, *, monitor_id: int = 0) -> Monitor:
    """The monitor that a document describes."""
    return Monitor(
        id=MonitorId(monitor_id),
        name=document.name,
        description=document.description,
        type=document.type,
        target=document.target,
        interval_s=document.interval,
        timeout_s=document.timeout,
        enabled=document.enabled,
        public=document.public,
        tags=tuple(dict.fromkeys(document.tags)),
        group=document.group or None,
        settings=document.settings,
        assertions=document.assertions,
        track_changes=document.track_changes,
        failure_threshold=document.failure_threshold,
        success_threshold=document.success_threshold,
        resend_interval_s=document.resend_interval,
        upside_down=document.upside_down,
        notification_channel_ids=tuple(dict.fromkeys(document.notification_channel_ids)),
        escalation_policy_id=document.escalation_policy_id,
        depends_on=tuple(dict.fromkeys(document.depends_on)),
        regions=tuple(dict.fromkeys(document.regions)),
    )
