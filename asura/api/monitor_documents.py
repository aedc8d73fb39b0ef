"""The monitor's document: what clients send, what they are given, and the way between the two."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypedDict

import attrs
import msgspec

from asura import uptime
from asura.api import assertion_documents
from asura.api.masking import masked, unmasked
from asura.api.wire import Instant, instant, maybe_instant
from asura.checks import CHECK_TYPES
from asura.checks.base import CheckType
from asura.config.schema import MonitorDefaults
from asura.consensus.rules import stale_at
from asura.errors import InvalidDocument
from asura.fields import between, items, one_of, text
from asura.ids import MonitorId
from asura.model.monitor import LOCAL, Monitor, MonitorState, MonitorStatus, Status
from asura.protocols.attempt import Env
from asura.serde import dump, load
from asura.store.timeline import Changes

MAX_THRESHOLD = 1000
MAX_RESEND_S = 31_536_000
MAX_REFERENCES = 100

SETTINGS: Mapping[str, type] = {name: kind.settings for name, kind in CHECK_TYPES.items()}

ASSERTIONS = ("Assertions", assertion_documents.schema)

Uptime = TypedDict("Uptime", {"24h": float | None, "7d": float | None, "30d": float | None, "90d": float | None})


def _field(default: Any, *validator: Any, **metadata: Any) -> Any:
    return attrs.field(default=default, validator=list(validator) or None, metadata=metadata)


@attrs.frozen(kw_only=True)
class MonitorDocument:
    """A monitor as clients send it. Durations are seconds."""

    name: str = attrs.field(validator=text(255, at_least=1, blank=False))
    description: str = _field("", text(5000), help="Markdown, rendered safely")
    type: str = attrs.field(validator=one_of(tuple(CHECK_TYPES)))
    target: str = attrs.field(validator=text(2048, at_least=1), metadata={"help": "http: a URL; tcp: host:port"})
    interval: int = _field(
        60, between(1, 86_400, "seconds"), help="time between two checks; default from monitor.default_interval"
    )
    timeout: int = _field(
        10,
        between(1, 300, "seconds"),
        help="at most the interval; default monitor.default_timeout, or the interval if that is less",
    )
    enabled: bool = _field(True, help="false is paused")
    public: bool = False
    tags: tuple[str, ...] = _field((), items(20, each=text(100, at_least=1, blank=False)))
    group: str | None = _field(None, text(255))
    settings: Mapping[str, Any] = attrs.field(factory=dict, metadata={"by_type": SETTINGS})
    assertions: Any = attrs.field(factory=list, metadata={"schema": ASSERTIONS})
    track_changes: bool = _field(False, help="tell when what the target says has changed; for types that have a text")
    failure_threshold: int = _field(3, between(1, MAX_THRESHOLD), help="consecutive failures before down")
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


@attrs.frozen(kw_only=True, slots=False)
class RecentCheck:
    """A past check in brief."""

    at: Instant
    status: Status
    response_ms: int | None


@attrs.frozen(kw_only=True, slots=False)
class MonitorView:
    """A monitor as clients read it: its document, and what is known of it now."""

    id: int
    name: str
    description: str
    type: str
    target: str
    interval: int
    timeout: int
    enabled: bool
    public: bool
    tags: Sequence[str]
    group: str | None
    settings: Mapping[str, Any] = attrs.field(metadata={"by_type": SETTINGS})
    assertions: Any = attrs.field(metadata={"schema": ASSERTIONS})
    track_changes: bool
    failure_threshold: int
    success_threshold: int
    resend_interval: int
    upside_down: bool
    notification_channel_ids: Sequence[int]
    escalation_policy_id: int | None
    depends_on: Sequence[int]
    regions: Sequence[str]
    status: MonitorStatus
    status_since: Instant
    confirming: bool = attrs.field(metadata={"help": "the last checks contradict the status, but not yet often enough"})
    stale: bool = attrs.field(metadata={"help": "nothing has been seen for so long that the status is an old one"})
    suppressed_by: Sequence[int] = attrs.field(
        metadata={"help": "it is down and no incident was opened, because these monitors that it depends on are down"}
    )
    last_check_at: Instant | None
    last_response_ms: int | None
    last_message: str
    cert_expires_at: Instant | None
    uptime: Uptime = attrs.field(metadata={"help": "a percentage, or null when nothing is known"})
    created_at: Instant
    updated_at: Instant
    recent: Sequence[RecentCheck] = attrs.field(
        default=msgspec.UNSET, metadata={"help": "with include=recent: the last 30 checks, oldest first"}
    )


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
    settings, problems = _settings(raw, stored)
    whole = {**_with_defaults(raw, defaults), "settings": settings}
    try:
        document = load(MonitorDocument, whole)
    except InvalidDocument as exc:
        problems |= exc.fields
        document = load(MonitorDocument, _without(whole, _names(exc.fields)))
    kind = CHECK_TYPES.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    target = raw.get("target")
    if kind is not None and isinstance(target, str) and target and "target" not in problems:
        problem = kind.target_problem(target)
        if problem:
            problems["target"] = problem
        elif "settings" not in _names(problems):
            problems |= _refused(kind, target, settings, env)
    if "assertions" not in _names(problems):
        problems |= assertion_documents.problems(document.assertions, kind, settings)
    wrong = _names(problems)
    for name, involved, problem in _contradictions(document):
        if not wrong & {name, *involved}:
            problems[name] = problem
    return document, problems


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
    return {"name": "?", "type": next(iter(CHECK_TYPES)), "target": "?"} | left


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


def _settings(raw: Mapping[str, Any], stored: Monitor | None) -> tuple[Any, dict[str, str]]:
    """The settings of the document's type, complete with its defaults, and what is wrong with them."""
    given = raw.get("settings", {})
    kind = CHECK_TYPES.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    if kind is None or not isinstance(given, Mapping):
        return given, {}
    kept = stored.settings if stored is not None and stored.type == kind.name else {}
    settings, missing = unmasked(kind.settings, given, stored=kept)
    problems = {f"settings.{path}": problem for path, problem in missing.items()}
    try:
        return dump(load(kind.settings, settings, path="settings")), problems
    except InvalidDocument as exc:
        return {}, exc.fields | problems


def _contradictions(document: MonitorDocument) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Fields that are right alone and wrong together, or beyond this version: field, other fields, what is wrong."""
    if document.timeout > document.interval:
        yield "timeout", ("interval",), f"must not exceed the interval, which is {document.interval} s"
    if document.track_changes and not CHECK_TYPES[document.type].tracks_changes:
        yield "track_changes", ("type",), f"must be false: the answers of type {document.type} have no text to compare"
    if document.track_changes and document.settings.get("method") == "HEAD":
        yield "track_changes", ("type", "settings"), "must be false: answers to HEAD have no body to compare"
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


def to_document(monitor: Monitor) -> dict[str, Any]:
    """A monitor's document as plain data, secrets masked: what PATCH starts from and what the audit compares."""
    kind = CHECK_TYPES.get(monitor.type)
    return {
        "name": monitor.name,
        "description": monitor.description,
        "type": monitor.type,
        "target": monitor.target,
        "interval": monitor.interval_s,
        "timeout": monitor.timeout_s,
        "enabled": monitor.enabled,
        "public": monitor.public,
        "tags": list(monitor.tags),
        "group": monitor.group,
        "settings": masked(kind.settings, monitor.settings) if kind else {},
        "assertions": monitor.assertions,
        "track_changes": monitor.track_changes,
        "failure_threshold": monitor.failure_threshold,
        "success_threshold": monitor.success_threshold,
        "resend_interval": monitor.resend_interval_s,
        "upside_down": monitor.upside_down,
        "notification_channel_ids": list(monitor.notification_channel_ids),
        "escalation_policy_id": monitor.escalation_policy_id,
        "depends_on": list(monitor.depends_on),
        "regions": list(monitor.regions),
    }


def view(
    monitor: Monitor,
    state: MonitorState,
    changes: Changes,
    *,
    now_ms: int,
    suppressed_by: Sequence[int] = (),
    recent: str | None = None,
) -> MonitorView:
    """A monitor as clients read it.

    `changes` are those of its status in the last 90 days; `recent` is the JSON text of its last checks.
    """
    unknown_from = stale_at(state.last_check_at or now_ms, interval_s=monitor.interval_s)
    is_stale = monitor.enabled and state.status is not MonitorStatus.PENDING and unknown_from < now_ms
    if is_stale:
        changes = [*changes, (unknown_from, MonitorStatus.UNKNOWN)]
    shown = state.status if monitor.enabled else MonitorStatus.PAUSED
    return MonitorView(
        id=monitor.id,
        **to_document(monitor),
        status=shown,
        status_since=instant(state.status_since if monitor.enabled or not changes else changes[-1][0]),
        confirming=monitor.enabled and state.confirming,
        stale=is_stale,
        suppressed_by=suppressed_by,
        last_check_at=maybe_instant(state.last_check_at),
        last_response_ms=state.last_response_ms,
        last_message=state.last_message,
        cert_expires_at=maybe_instant(state.cert_expires_at),
        uptime=uptime.percentages(changes, now_ms=now_ms),  # type: ignore[arg-type]
        created_at=instant(monitor.created_at),
        updated_at=instant(monitor.updated_at),
        recent=msgspec.UNSET if recent is None else msgspec.Raw(recent.encode()),  # type: ignore[arg-type]
    )
