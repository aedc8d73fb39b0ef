"""`asura check`: one check by hand, with the daemon's own code; nothing is stored."""

import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

import attrs
import click
import trio
import yaml

from asura import units
from asura.checker.service import Checker
from asura.checks import CHECK_TYPES
from asura.checks.base import CheckType
from asura.cli.options import DEFAULT_CONFIG
from asura.clock import SystemClock
from asura.config.load import load as load_config
from asura.config.schema import Config
from asura.errors import InvalidDocument
from asura.ids import MonitorId
from asura.model.monitor import Monitor, Status
from asura.model.observation import Outcome
from asura.netguard import Guard
from asura.protocols.attempt import Env
from asura.protocols.contexts import TlsContexts
from asura.serde import dump, load

DAY_MS = 86_400_000
BAR_CHARS = 24
"""How wide the slowest phase is drawn."""
_PHASES = (
    ("dns_ms", "name"),
    ("connect_ms", "connect"),
    ("tls_ms", "TLS"),
    ("first_byte_ms", "first byte"),
    ("transfer_ms", "transfer"),
)
_COLOURS = {Status.UP: "green", Status.DEGRADED: "yellow", Status.DOWN: "red"}
_SCHEMES = {"http": "http", "https": "http", "ws": "websocket", "wss": "websocket"}


@attrs.frozen(kw_only=True)
class Wanted:
    """What was asked for on the command line."""

    target: str
    type_name: str | None
    settings: tuple[str, ...]
    timeout_s: int
    allow_private: bool
    config_path: Path | None


def check(wanted: Wanted) -> None:
    """Check the target once, show what there was to see, and exit with 0 if it is up and 1 if not."""
    kind = CHECK_TYPES[wanted.type_name or _type_of(wanted.target)]
    if problem := kind.target_problem(wanted.target):
        raise click.UsageError(f"TARGET {problem}")
    env = _env(wanted)
    settings = _settings(kind, wanted.settings)
    refuse(kind, wanted.target, settings, env)
    monitor = Monitor(
        id=MonitorId(0),
        name=wanted.target,
        type=kind.name,
        target=wanted.target,
        settings=dump(settings),
        timeout_s=wanted.timeout_s,
    )
    outcome = trio.run(_look, monitor, env)
    for line in told(wanted.target, outcome, now_ms=time.time_ns() // 1_000_000, may_allow=not wanted.allow_private):
        click.echo(line)
    sys.exit(0 if outcome.status is Status.UP else 1)


def _type_of(target: str) -> str:
    scheme, colon, _ = target.partition("://")
    if colon and scheme.lower() in _SCHEMES:
        return _SCHEMES[scheme.lower()]
    if not colon and CHECK_TYPES["tcp"].target_problem(target) is None:
        return "tcp"
    types = ", ".join(name for name, kind in CHECK_TYPES.items() if not kind.is_passive)
    raise click.UsageError(
        f"TARGET must be an address such as https://example.org, or host:port; or say --type (one of {types})"
    )


def _env(wanted: Wanted) -> Env:
    path = wanted.config_path
    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    monitor = (load_config(path) if path else Config()).monitor
    guard = Guard(
        allow_private=wanted.allow_private or monitor.allow_private_targets, allowed_networks=monitor.allowed_networks
    )
    return Env(
        guard=guard,
        tls=TlsContexts(),
        command_allowlist=monitor.command_allowlist,
        command_timeout_s=monitor.command_timeout,
        docker_sockets=monitor.docker_sockets,
    )


def _settings(kind: CheckType, given: Iterable[str]) -> Any:
    """The settings of `NAME=VALUE` texts; what isn't text is written as in YAML: `expected_status=[200, 3xx]`."""
    document: dict[str, Any] = {}
    attrs.resolve_types(kind.settings)
    fields = {field.name: field for field in attrs.fields(kind.settings)}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            raise click.UsageError(f"--set {each} must be NAME=VALUE, such as --set keyword=welcome")
        if name not in fields:
            raise click.UsageError(f"{kind.name} has no setting {name}; it has {', '.join(fields) or 'none'}")
        document[name] = _value(name, text, fields[name].type)
    try:
        return load(kind.settings, document)
    except InvalidDocument as exc:
        raise click.UsageError("; ".join(f"--set {field} {problem}" for field, problem in exc.fields.items())) from exc


def _value(name: str, text: str, wanted: Any) -> Any:
    if wanted is str:
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise click.UsageError(f"--set {name}: {text!r} can't be read as YAML: {exc}") from exc
    # A single entry needs no brackets.
    return [value] if get_origin(wanted) is tuple and not isinstance(value, list) else value


def refuse(kind: CheckType, target: str, settings: Any, env: Env) -> None:
    """Raise click.UsageError for what contradicts itself or the configuration; forbidden addresses are shown later."""
    problems = kind.problems(target, settings, env)
    if problems:
        told = {field.removeprefix("settings."): problem for field, problem in problems.items()}
        raise click.UsageError("; ".join(f"{field} {problem}" for field, problem in told.items()))


async def _look(monitor: Monitor, env: Env) -> Outcome:
    checker = Checker(env=lambda: env, clock=SystemClock(), max_concurrent=1)
    return (await checker.try_out(monitor)).outcome


def told(target: str, outcome: Outcome, *, now_ms: int, may_allow: bool = False) -> list[str]:
    """What was seen, in lines for a person: the verdict, why, each phase, what the target said of itself.

    `may_allow`: --allow-private was not given, and would change something.
    """
    took = f" in {outcome.response_ms} ms" if outcome.response_ms is not None else ""
    verdict = "not permitted" if outcome.is_refused else outcome.status.value
    lines = [f"{click.style(verdict, fg=_COLOURS[outcome.status], bold=True)}  {target}{took}"]
    if outcome.message:
        lines.append(f"  {outcome.message}")
    if outcome.is_refused and may_allow:
        lines.append("  for this check alone: --allow-private; or name a configuration that permits it with -c")
    lines += _phases(outcome)
    lines += [_line(label, text) for label, text in outcome.notes]
    if outcome.status_code is not None and not any(label in ("status", "answer") for label, _ in outcome.notes):
        lines.append(_line("status", str(outcome.status_code)))
    if outcome.cert_expires_at is not None:
        lines.append(_line("certificate", _left(outcome.cert_expires_at, now_ms)))
    if outcome.domain_expires_at is not None:
        lines.append(_line("registration", _left(outcome.domain_expires_at, now_ms)))
    lines += _details(outcome.detail or {}, outcome.notes)
    return lines


def _phases(outcome: Outcome) -> Iterator[str]:
    """Each phase with a bar that begins where the one before ended."""
    found = [(label, getattr(outcome.timings, name)) for name, label in _PHASES]
    phases = [(label, phase_ms) for label, phase_ms in found if phase_ms is not None]
    whole = sum(phase_ms for _, phase_ms in phases) or 1
    at = 0
    for label, phase_ms in phases:
        begin, end = round(at / whole * BAR_CHARS), round((at + phase_ms) / whole * BAR_CHARS)
        bar = " " * begin + "━" * max(1, end - begin)
        at += phase_ms
        yield f"  {label:<14}{phase_ms:>6} ms  {click.style(bar[: BAR_CHARS + 1], dim=True)}".rstrip()


def _line(label: str, text: str) -> str:
    return f"  {label:<14}{_printable(text)}"


def _printable(text: str) -> str:
    """A target has its say in it: nothing that a terminal would obey."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", text)


def _left(ends_ms: int, now_ms: int) -> str:
    day = units.iso(ends_ms)[:10]
    days = (ends_ms - now_ms) // DAY_MS
    return f"{days} days left, until {day}" if ends_ms > now_ms else f"expired on {day}"


def _details(detail: Mapping[str, Any], notes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What is stored of the check, but for what its notes have told already."""
    told_already, texts = set(notes), {text for _, text in notes}
    for name, value in detail.items():
        if (_words(name), str(value)) in told_already:
            continue
        if name == "assertions":
            for each in value:
                mark = "holds" if each["ok"] else click.style("fails", fg="red")
                told = _printable(f"{each['expected']}; seen {each['seen']}")
                yield f"{_line('assertion', '')}{mark}  {told}"
        elif isinstance(value, list):
            for each in value:
                if str(each) not in texts:
                    yield _line(_words(name), str(each))
        else:
            yield _line(_words(name), str(value))


def _words(name: str) -> str:
    return {"dns_records": "record"}.get(name, name.replace("_", " "))
