"""The log's two shapes, and what must never get into it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from asura import log

KEY = "ak_" + "x" * 40


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    log.configure()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_of_text_holds_the_event_and_its_fields(stream: io.StringIO) -> None:
    log.configure(stream=stream)
    log.get("asura.checker").info("monitor down", monitor_id=3, target="a b", group=None, late=True)
    line = stream.getvalue()
    assert line.endswith('info    monitor down monitor_id=3 target="a b" group=null late=true (asura.checker)\n')


def test_a_line_of_json_is_one_document(stream: io.StringIO) -> None:
    log.configure(format="json", stream=stream)
    log.get("asura.store").warning("slow write", took_ms=7, path="/ä\n")
    document = json.loads(stream.getvalue())
    assert document.pop("at").endswith("Z")
    assert document == {
        "level": "warning", "logger": "asura.store", "event": "slow write", "took_ms": 7, "path": "/ä\n",
    }  # fmt: skip


@pytest.mark.parametrize("form", log.FORMATS)
def test_what_a_target_says_can_not_forge_a_line(stream: io.StringIO, form: str) -> None:
    log.configure(format=form, stream=stream)
    log.get("x").info("check failed", message="bad\n2026-01-01T00:00:00.000Z error forged\x1b[2J\u2028\x9b31m\ud800")
    assert stream.getvalue().count("\n") == 1
    assert not set("\x1b\u2028\x9b\ud800") & set(stream.getvalue())


@pytest.mark.parametrize("form", log.FORMATS)
def test_secrets_are_masked_by_name_and_by_shape(stream: io.StringIO, form: str) -> None:
    log.configure(format=form, stream=stream)
    try:
        raise ValueError(f"no such key {KEY}")
    except ValueError as exc:
        log.get("x").error(
            "login failed", password="hunter2", Authorization="Bearer q", path=f"/?k={KEY}", exc_info=exc
        )
    assert "hunter2" not in stream.getvalue()
    assert "Bearer q" not in stream.getvalue()
    assert KEY not in stream.getvalue()
    assert log.MASK in stream.getvalue()


def test_a_traceback_is_a_field(stream: io.StringIO) -> None:
    log.configure(format="json", stream=stream)
    try:
        raise ExceptionGroup("two", [ValueError("first"), KeyError("second")])
    except ExceptionGroup:
        log.get("x").exception("task crashed")
    document = json.loads(stream.getvalue())
    assert document["level"] == "error"
    assert "ValueError: first" in document["exception"]
    assert "KeyError: 'second'" in document["exception"]


def test_a_new_level_reaches_loggers_that_exist(stream: io.StringIO) -> None:
    logger = log.get("x").bind(part="old")
    log.configure(level="error", stream=stream)
    logger.warning("not shown")
    log.configure(level="debug", stream=stream)
    logger.debug("shown")
    assert "not shown" not in stream.getvalue()
    assert "shown" in stream.getvalue()


def test_messages_of_libraries_come_through_the_same_door(stream: io.StringIO) -> None:
    log.configure(format="json", stream=stream)
    log.configure(format="json", stream=stream)
    logging.getLogger("hypercorn.error").warning("odd request from %s", "198.51.100.7")
    logging.getLogger("httpx").info("a line for each request is ours to write")
    (line,) = stream.getvalue().splitlines()
    document = json.loads(line)
    assert document["logger"] == "hypercorn.error"
    assert document["message"] == "odd request from 198.51.100.7"


def test_a_broken_record_of_a_library_stops_nothing(stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(stream=stream)
    ours = logging.getLogger().handlers[-1]  # pytest's own would raise
    ours.handle(logging.LogRecord("lib", logging.WARNING, "lib.py", 1, "%d", ("no number",), None))
    log.get("x").info("still here")
    assert "still here" in stream.getvalue()


def test_a_closed_stream_loses_the_line_only() -> None:
    closed = io.StringIO()
    closed.close()
    log.configure(stream=closed)
    log.get("x").info("nobody reads this")
    log.configure()


def test_a_huge_field_is_cut(stream: io.StringIO) -> None:
    log.configure(stream=stream)
    log.get("x").info("read", body="x" * 1_000_000)
    assert len(stream.getvalue()) < 2 * log.MAX_FIELD_CHARS
