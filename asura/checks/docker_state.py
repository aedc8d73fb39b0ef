"""What a Docker engine says of a container, and what that means. Pure."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import attrs
import msgspec

from asura.model.monitor import Status
from asura.protocols.attempt import Fault
from asura.protocols.names import printable
from asura.protocols.words import shown

MAX_LINE_CHARS = 200
"""Of what a health check printed, or the engine says."""
MAX_WORD_CHARS = 40
"""Of a state that nobody has heard of."""

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)

Number = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**32)]


class _Document(msgspec.Struct, frozen=True, rename="pascal"):
    """Only what is looked at: everything else is skipped without being made into objects."""


class _Probe(_Document, frozen=True):
    exit_code: Number = 0
    output: str | None = None


class _Health(_Document, frozen=True):
    status: str | None = None
    failing_streak: Number = 0
    log: list[_Probe] | None = None


class _State(_Document, frozen=True):
    status: str
    exit_code: Number = 0
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")
    error: str | None = None
    finished_at: str | None = None
    health: _Health | None = None


class _Container(_Document, frozen=True):
    state: _State
    restart_count: Number = 0


class _Refusal(msgspec.Struct, frozen=True):
    message: str


@attrs.frozen(kw_only=True)
class Verdict:
    """What a container's state means."""

    status: Status
    message: str
    detail: dict[str, Any]


def judge(name: str, *, http_status: int, body: str | None) -> Verdict:
    """What the answer to `GET /containers/{name}/json` says.

    Raises Fault: nothing about the container.
    """
    if http_status != 200:
        raise Fault(_refusal_words(name, http_status, body or ""))
    try:
        container = msgspec.json.decode((body or "").encode(errors="replace"), type=_Container)
    except (msgspec.MsgspecError, RecursionError):
        raise Fault(f"the answer is no description of a container: {_shown(body)}") from None
    state, health = container.state, _health_word(container.state)
    word = _line(state.status, at_most=MAX_WORD_CHARS)
    detail: dict[str, Any] = {"state": word} | ({"health": health} if health else {})
    if state.status == "running":
        status, words = _running(state, health)
    else:
        status, words = Status.DOWN, _stopped_words(container)
        if state.status in ("exited", "dead", "stopped"):
            detail["exit_status"] = state.exit_code
    return Verdict(status=status, message=f"the container {name} {words}" if words else "", detail=detail)


def _health_word(state: _State) -> str:
    """Its health in a word; empty when there is no health check."""
    word = (state.health.status if state.health else None) or "none"
    return "" if word == "none" else _line(word, at_most=MAX_WORD_CHARS)


def _running(state: _State, health: str) -> tuple[Status, str]:
    match health:
        case "" | "healthy":
            return Status.UP, ""
        case "starting":
            return Status.DEGRADED, f"runs, and its health check has not passed yet{_probe_words(state)}"
        case "unhealthy":
            failures = state.health.failing_streak if state.health else 0
            in_a_row = f": its health check failed {failures} times in a row" if failures > 1 else ""
            return Status.DOWN, f"is unhealthy{in_a_row}{_probe_words(state)}"
    return Status.DOWN, f'runs, with the unknown health "{health}"'


def _probe_words(state: _State) -> str:
    """What the last health check said, if there was one that failed."""
    log = state.health.log if state.health else None
    if not log or log[-1].exit_code == 0:
        return ""
    lines = [line for line in map(_line, (log[-1].output or "").splitlines()[-20:]) if line]
    said = f": {lines[-1]}" if lines else ", without a word"  # its last line: curl writes a table above its errors
    return f"; the last ended with exit status {log[-1].exit_code}{said}"


def _stopped_words(container: _Container) -> str:
    state = container.state
    ending = f"exit status {state.exit_code}{_when(state.finished_at)}"
    if state.oom_killed:
        ending += ", killed because it ran out of memory"
    error = f": {_line(state.error)}" if state.error else ""
    match state.status:
        case "exited" | "stopped":
            return f"has ended with {ending}{error}"
        case "restarting":
            count = container.restart_count
            again = f", restarted {count} time{'' if count == 1 else 's'} so far" if count else ""
            return f"is restarting: it ended with {ending}{again}{error}"
        case "paused":
            return "is paused"
        case "created" | "configured" | "initialized":
            return f"was created, and has never been started{error}"
        case "removing":
            return "is being removed"
        case "dead":
            return f"is dead: it ended with {ending}, and could not be removed{error}"
    return f'is in the unknown state "{_line(state.status, at_most=MAX_WORD_CHARS)}"'


def _when(instant: str | None) -> str:
    """The minute of an instant, as it follows a word; nothing for what never was (the year 1)."""
    match = _INSTANT.fullmatch(instant or "")
    if match is None:
        return ""
    try:
        moment = datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f" on {moment:%Y-%m-%d %H:%M} UTC" if moment.year > 1970 else ""


def _refusal_words(name: str, status: int, body: str) -> str:
    try:
        message = msgspec.json.decode(body.encode(errors="replace"), type=_Refusal).message
    except (msgspec.MsgspecError, RecursionError):
        message = ""
    if status == 404 and "no such container" in message.lower():
        return f"there is no container {name}"
    if message:
        return f"the engine answered {status}: {_line(message)}"
    if status in (401, 403):
        return f"the engine denies access ({status})"
    return f"the answer is not from a Docker engine: status {status}, {_shown(body)}"


def _shown(body: str | None) -> str:
    return shown((body or "").encode(errors="replace")) if body else "nothing that is text"


def _line(text: str, *, at_most: int = MAX_LINE_CHARS) -> str:
    """One line of a length that a person reads, with nothing in it that a terminal or page would obey."""
    line = printable(" ".join(text[: 4 * at_most].split()))
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"
