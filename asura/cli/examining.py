"""`asura doctor`: what is wrong with this installation, and what to do about it.

Looks from outside and changes nothing. Only what keeps Asura from working is a failure; what merely may be meant
otherwise is a warning. With `offline` it says nothing about the network, and sends nothing.
"""

import http.client
import ipaddress
import os
import resource
import shutil
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import attrs
import click

import asura
from asura import units
from asura.checker import rules as checking
from asura.config.load import load
from asura.config.schema import Config
from asura.errors import ConfigError, OwnFailure, StoreError
from asura.protocols.icmp_socket import open_socket
from asura.store.inspection import holder_of, inspect

PROBE_NAME = "example.com"
"""Reserved for such uses (RFC 2606 §3), so looking it up disturbs nobody."""
PATIENCE_S = 5.0
LEAST_FREE_BYTES = 200 << 20
"""A migration copies the database first, and a full disk stops every write."""

_COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red"}


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that was looked at. `remedy` is what to do where it is not well."""

    verdict: Literal["ok", "warn", "FAIL"]
    part: str
    text: str
    remedy: str = ""


def doctor(config_path: Path, *, offline: bool) -> None:
    """Show every finding; exit with 2 for a wrong configuration, 1 for another failure, 0 otherwise."""
    try:
        config = load(config_path)
    except ConfigError as exc:
        for problem in exc.problems:
            _show(Finding(verdict="FAIL", part="configuration", text=problem))
        sys.exit(2)
    failures = 0
    for finding in findings(config, config_path, offline=offline):
        _show(finding)
        failures += finding.verdict == "FAIL"
    sys.exit(1 if failures else 0)


def findings(config: Config, config_path: Path, *, offline: bool) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield Finding(verdict="ok", part="configuration", text=str(config_path))
    yield from _file_mode("configuration", config_path)
    yield from _access(config)
    yield from _database(config.database.path)
    yield from _clock()
    yield from _limits(config)
    yield from ping_permission()
    yield from _daemon(config)
    if not offline:
        yield from _network()


def _show(finding: Finding) -> None:
    mark = click.style(f"{finding.verdict:<5}", fg=_COLOURS[finding.verdict], bold=finding.verdict != "ok")
    click.echo(f"{mark} {finding.part:<14} {finding.text}")
    if finding.remedy:
        click.echo(f"      {'':<14} -> {finding.remedy}")


def _file_mode(part: str, path: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o022:
        text = f"{path} can be changed by other users (mode {mode:04o})"
        yield Finding(verdict="FAIL", part=part, text=text, remedy=f"chmod go-w {path}")
    elif mode & 0o004:
        text = f"{path} can be read by every user (mode {mode:04o})"
        yield Finding(verdict="warn", part=part, text=text, remedy=f"chmod o-r {path}")


def _access(config: Config) -> Iterator[Finding]:
    if not config.auth.api_keys:
        yield Finding(
            verdict="warn",
            part="access",
            text="there is no API key, so nobody can log in",
            remedy="run `asura setup` and put the hash under auth.api_keys",
        )
    elif not any("system.write" in key.granted for key in config.auth.api_keys):
        yield Finding(verdict="warn", part="access", text="no API key may do everything", remedy="give one role: admin")
    server = config.server
    is_plain = server.tls_cert is None and not server.external_url.startswith("https://")
    if is_plain and not _is_loopback(server.address[0]):
        yield Finding(
            verdict="warn",
            part="access",
            text=f"{server.listen} is reachable from elsewhere without TLS, so keys can be read on the way",
            remedy="set server.tls_cert and tls_key, or listen on 127.0.0.1 behind a proxy with TLS",
        )
    for path in (server.tls_cert, server.tls_key):
        if path is not None and not os.access(path, os.R_OK):
            remedy = "correct the path or the file's mode"
            yield Finding(verdict="FAIL", part="access", text=f"{path} can't be read", remedy=remedy)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _database(path: Path) -> Iterator[Finding]:
    try:
        found = inspect(path)
    except StoreError as exc:
        yield Finding(verdict="FAIL", part="database", text=str(exc))
        return
    if found.is_new:
        yield Finding(verdict="ok", part="database", text=f"{path} will be made at the first start")
    else:
        behind = found.schema_version < found.latest_version
        schema = f"schema {found.schema_version}" + (f" (to be {found.latest_version})" if behind else "")
        size = f"{found.size_bytes / (1 << 20):.1f} MiB"
        yield Finding(verdict="ok", part="database", text=f"{path}, {size}, {schema}, every page is sound")
        yield from _file_mode("database", path)
    if found.stuck_bytes:
        text = f"{found.stuck_bytes >> 20} MiB of {path} are free, and a file so old can't give them back"
        remedy = "asura backup FILE, stop Asura, asura restore FILE: the restored one can"
        yield Finding(verdict="warn", part="database", text=text, remedy=remedy)
    free = shutil.disk_usage(path.parent).free
    if free < max(LEAST_FREE_BYTES, 2 * found.size_bytes):
        text = f"only {free >> 20} MiB are free in {path.parent}"
        yield Finding(verdict="warn", part="database", text=text, remedy="make room, or lower database.retention_days")


def _clock() -> Iterator[Finding]:
    now = time.time()
    installed = Path(asura.__file__).stat().st_mtime
    text = units.iso(int(now * 1000))
    if now < installed:
        remedy = "set the clock, and let NTP keep it (timedatectl set-ntp true)"
        yield Finding(verdict="FAIL", part="clock", text=f"{text} is before Asura was installed", remedy=remedy)
    else:
        yield Finding(verdict="ok", part="clock", text=text)


def _limits(config: Config) -> Iterator[Finding]:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # the daemon raises the soft limit by itself
    wanted = config.monitor.max_concurrent
    needed = wanted + checking.RESERVED_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        places = checking.places(wanted, open_files=hard)
        text = f"{hard} files may be open at once, so {places} checks instead of {wanted} may run at the same time"
        yield Finding(verdict="warn", part="limits", text=text, remedy=f"ulimit -n {needed}, or LimitNOFILE in systemd")


def ping_permission() -> Iterator[Finding]:
    """Whether ICMP monitors can work, for each family."""
    for family, name in ((socket.AF_INET, "IPv4"), (socket.AF_INET6, "IPv6")):
        try:
            open_socket(family).close()
        except OwnFailure as exc:
            yield Finding(verdict="warn", part="ping", text=f"ICMP monitors over {name} can't work", remedy=str(exc))
        except OSError as exc:
            yield Finding(verdict="warn", part="ping", text=f"there is no {name} here: {exc}")
        else:
            yield Finding(verdict="ok", part="ping", text=f"permitted over {name}")


def _daemon(config: Config) -> Iterator[Finding]:
    holder = holder_of(config.database.path)
    if holder is None:
        yield Finding(verdict="ok", part="daemon", text="not running")
        return
    try:
        answer = _health(config)
    except (OSError, http.client.HTTPException) as exc:
        text = f"process {holder} has the database open and doesn't answer on {config.server.listen}: {exc}"
        yield Finding(verdict="FAIL", part="daemon", text=text, remedy="look at its log")
        return
    verdict: Literal["ok", "FAIL"] = "ok" if answer.startswith("200") else "FAIL"
    remedy = "" if verdict == "ok" else "look at its log"
    yield Finding(verdict=verdict, part="daemon", text=f"process {holder} answers {answer}", remedy=remedy)


def _health(config: Config) -> str:
    host, port = config.server.address
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    if config.server.tls_cert is not None:
        with socket.create_connection((host, port), timeout=PATIENCE_S):
            return "200, as far as TLS lets one see"
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", f"{config.server.base_path}/api/v1/health")
        response = connection.getresponse()
        return f"{response.status} {response.read(500).decode('utf-8', 'replace')}"
    finally:
        connection.close()


def _network() -> Iterator[Finding]:
    started = time.monotonic()
    try:
        socket.getaddrinfo(PROBE_NAME, 443, type=socket.SOCK_STREAM)
    except OSError as exc:
        remedy = "look at /etc/resolv.conf; without names only targets with addresses can be checked"
        yield Finding(verdict="warn", part="DNS", text=f"{PROBE_NAME} is not found: {exc}", remedy=remedy)
        return
    took_ms = round((time.monotonic() - started) * 1000)
    verdict: Literal["ok", "warn"] = "ok" if took_ms < 1000 else "warn"
    remedy = "" if verdict == "ok" else "each check waits for this; look at /etc/resolv.conf"
    yield Finding(verdict=verdict, part="DNS", text=f"{PROBE_NAME} found in {took_ms} ms", remedy=remedy)
    try:
        with socket.create_connection((PROBE_NAME, 443), timeout=PATIENCE_S):
            yield Finding(verdict="ok", part="outbound", text=f"{PROBE_NAME} answers on port 443")
    except OSError as exc:
        remedy = "expected in a closed network; otherwise look at the firewall"
        yield Finding(verdict="warn", part="outbound", text=f"{PROBE_NAME}:443: {exc}", remedy=remedy)
