"""The daemon's log: fixed words for what happened, fields for the rest, one line each on standard error.

`log.get(__name__).info("monitor down", monitor_id=3)`. Two shapes: `text` for a terminal and the journal, `json`
for a collector. What comes from outside (a target's message, a path) is escaped, so that it can't forge a line;
keys and other secrets are masked whatever the field is called that they got into. Messages of the libraries that
use the standard library's logging pass through the same door.
"""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from asura import units

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
FORMATS = ("text", "json")
MASK = "********"
MAX_FIELD_CHARS = 16_000
"""A field longer than this is cut: a traceback of a deep recursion must not fill the disk."""

_SECRET_FIELD = re.compile(r"(?i)password|passwd|secret|authorization|cookie|api_?key|private_?key|(^|_)token$")
_API_KEY = re.compile(r"\bak_[A-Za-z0-9_-]{16,}")
_PLAIN_TEXT = re.compile(r"[^\s\"'=\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_LEAD = ("at", "level", "logger", "event", "exception")
_QUIET_BELOW_WARNING = ("httpx", "httpcore", "hypercorn.access", "hpack", "asyncio")
"""Libraries that tell each request; ours are told by our own code."""


class _Settings:
    """What is in force now. Read on every line, so that a reload reaches loggers that were made long before."""

    level = LEVELS["info"]
    format = "text"
    stream: TextIO | None = None
    lock = threading.Lock()


def get(name: str) -> FilteringBoundLogger:
    """A logger whose lines carry `name` as their `logger` field."""
    return cast(FilteringBoundLogger, structlog.get_logger().bind(logger=name))


def configure(*, level: str = "info", format: str = "text", stream: TextIO | None = None) -> None:
    """Put a level and a shape in force, now and for every logger that exists. `stream` None is standard error."""
    _Settings.level = LEVELS[level]
    _Settings.format = format
    _Settings.stream = stream
    root = logging.getLogger()
    if not any(isinstance(handler, _FromLibraries) for handler in root.handlers):
        root.addHandler(_FromLibraries())
    root.setLevel(_Settings.level)
    for name in _QUIET_BELOW_WARNING:
        logging.getLogger(name).setLevel(max(_Settings.level, logging.WARNING))


def masked(text: str) -> str:
    """`text` with every API key in it made unreadable."""
    return _API_KEY.sub("ak_" + MASK, text)


class _FromLibraries(logging.Handler):
    """Takes the records of the standard library's logging and writes them like our own."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = next((name for name, number in reversed(LEVELS.items()) if record.levelno >= number), "debug")
            fields: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
            getattr(get(record.name), level)("library message", message=record.getMessage(), **fields)
        except Exception:  # logging's own contract: a broken record must not stop the program
            self.handleError(record)


class _Line:
    """Where a finished line goes: one write and one flush, so that lines of two threads don't mix."""

    def msg(self, line: str) -> None:
        """Write one line. A closed or full standard error loses the line, never the daemon."""
        stream = _Settings.stream or sys.stderr
        try:
            with _Settings.lock:
                stream.write(line + "\n")
                stream.flush()
        except (AttributeError, OSError, ValueError):
            return

    debug = info = warning = error = critical = log = fatal = failure = err = warn = exception = msg


def _drop_below_level(_logger: WrappedLogger, method: str, fields: EventDict) -> EventDict:
    if LEVELS.get(method, 50) < _Settings.level:
        raise structlog.DropEvent
    return fields


def _stamp(_logger: WrappedLogger, method: str, fields: EventDict) -> EventDict:
    fields["at"] = units.iso(time.time_ns() // 1_000_000)
    fields.setdefault("level", "error" if method == "exception" else method)
    return fields


def _mask_secrets(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    for key, value in fields.items():
        if _SECRET_FIELD.search(key) and value is not None:
            fields[key] = MASK
        elif not isinstance(value, bool | int | float | None):
            fields[key] = _shortened(masked(value if isinstance(value, str) else _as_text(value)))
    return fields


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return str(value)


def _shortened(text: str) -> str:
    if len(text) <= MAX_FIELD_CHARS:
        return text
    half = MAX_FIELD_CHARS // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"


def _render(_logger: WrappedLogger, _method: str, fields: EventDict) -> str:
    return _as_json(fields) if _Settings.format == "json" else _as_line(fields)


def _as_json(fields: MutableMapping[str, Any]) -> str:
    ordered = {key: fields.pop(key) for key in _LEAD if key in fields} | dict(fields)
    return json.dumps(ordered, ensure_ascii=True)


def _as_line(fields: MutableMapping[str, Any]) -> str:
    at, level, logger, event, trace = (fields.pop(key, "") for key in _LEAD)
    colour, dim, bold, reset = "", "", "", ""
    if _is_terminal():
        colour, dim, bold, reset = _COLOURS.get(level, ""), _DIM, _BOLD, _RESET
    rest = "".join(f" {dim}{_quoted(key)}={reset}{_quoted(value)}" for key, value in fields.items())
    line = f"{dim}{at}{reset} {colour}{level:<7}{reset} {bold}{_one_line(event)}{reset}{rest} {dim}({logger}){reset}"
    if trace:
        line += "\n" + "\n".join("    " + _UNPRINTABLE.sub(_escaped, row) for row in trace.splitlines())
    return line


def _is_terminal() -> bool:
    try:
        return (_Settings.stream or sys.stderr).isatty()
    except (AttributeError, OSError, ValueError):  # closed, or none at all
        return False


def _quoted(value: object) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if _PLAIN_TEXT.fullmatch(text) else _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _one_line(text: str) -> str:
    return _UNPRINTABLE.sub(_escaped, text.replace("\n", "\\n").replace("\t", " "))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


structlog.configure(
    processors=[_drop_below_level, structlog.processors.format_exc_info, _stamp, _mask_secrets, _render],
    wrapper_class=structlog.make_filtering_bound_logger(0),
    logger_factory=lambda *_args: _Line(),
    cache_logger_on_first_use=False,
)
