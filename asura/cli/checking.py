"""`asura check`: one check by hand, with the daemon's own code; nothing is stored."""

import sys
import time
from pathlib import Path

import click
import trio

from asura import units
from asura.checker.service import Checker
from asura.checks import CHECK_TYPES
from asura.checks.base import Env, TlsContexts
from asura.cli.options import DEFAULT_CONFIG
from asura.clock import SystemClock
from asura.config.load import load
from asura.config.schema import Config
from asura.ids import MonitorId
from asura.model.monitor import Monitor, Status
from asura.model.observation import Outcome
from asura.netguard import Guard

DAY_MS = 86_400_000
_PHASES = (
    ("dns_ms", "name"),
    ("connect_ms", "connect"),
    ("tls_ms", "TLS"),
    ("first_byte_ms", "first byte"),
    ("transfer_ms", "transfer"),
)
_COLOURS = {Status.UP: "green", Status.DEGRADED: "yellow", Status.DOWN: "red"}


def check(target: str, *, type_name: str | None, timeout_s: int, allow_private: bool, config_path: Path | None) -> None:
    """Check `target` once, show what there was to see, and exit with 0 if it is up and 1 if not."""
    type_name = type_name or _type_of(target)
    if problem := CHECK_TYPES[type_name].target_problem(target):
        raise click.UsageError(f"TARGET {problem}")
    if config_path is None and DEFAULT_CONFIG.exists():
        config_path = DEFAULT_CONFIG
    config = load(config_path) if config_path else Config()
    guard = Guard(
        allow_private=allow_private or config.monitor.allow_private_targets,
        allowed_networks=config.monitor.allowed_networks,
    )
    monitor = Monitor(id=MonitorId(0), name=target, type=type_name, target=target, timeout_s=timeout_s)
    outcome = trio.run(_look, monitor, guard)
    for line in told(target, outcome, now_ms=time.time_ns() // 1_000_000):
        click.echo(line)
    sys.exit(0 if outcome.status is Status.UP else 1)


def _type_of(target: str) -> str:
    if target.lower().startswith(("http://", "https://")):
        return "http"
    if "://" not in target and CHECK_TYPES["tcp"].target_problem(target) is None:
        return "tcp"
    raise click.UsageError("TARGET must be an address such as https://example.org, or host:port; or say --type")


async def _look(monitor: Monitor, guard: Guard) -> Outcome:
    tls = TlsContexts()
    checker = Checker(env=lambda: Env(guard=guard, tls=tls), clock=SystemClock(), max_concurrent=1)
    return (await checker.try_out(monitor)).outcome


def told(target: str, outcome: Outcome, *, now_ms: int) -> list[str]:
    """What was seen, in lines for a person: the verdict, why, each phase, what the target said of itself."""
    took = f" in {outcome.response_ms} ms" if outcome.response_ms is not None else ""
    verdict = "refused" if outcome.is_refused else outcome.status.value
    lines = [f"{click.style(verdict, fg=_COLOURS[outcome.status], bold=True)}  {target}{took}"]
    if outcome.message:
        lines.append(f"  {outcome.message}")
    if outcome.is_refused:
        lines.append("  to allow it: --allow-private, or -c with a configuration whose monitor.allowed_networks has it")
    for name, label in _PHASES:
        phase_ms = getattr(outcome.timings, name)
        if phase_ms is not None:
            lines.append(f"  {label:<12}{phase_ms:>6} ms")
    if outcome.status_code is not None:
        lines.append(f"  {'HTTP status':<12}{outcome.status_code:>6}")
    if outcome.cert_expires_at is not None:
        days = (outcome.cert_expires_at - now_ms) // DAY_MS
        lines.append(f"  {'certificate':<12}{days:>6} days left, until {units.iso(outcome.cert_expires_at)[:10]}")
    return lines
