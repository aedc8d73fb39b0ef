"""What is told of a job that failed or kept silent, for a person at 3 in the morning. Pure; instants are in UTC."""

import re

from asura.heartbeats.due import Plan
from asura.model.heartbeat import Heartbeat, Run
from asura.units import iso

LINE_CHARS = 200
"""Of a line from a body: a headline, not a log."""
_TAIL_CHARS = 4000
"""How much of the end of a body is looked at for its last lines."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def silence(beat: Heartbeat, plan: Plan) -> str:
    """No ping came in time."""
    due_at, last_at = beat.due_at, beat.last_ping_at
    since = "no ping yet" if last_at is None else f"no ping since {instant(last_at)}"
    if due_at is None:
        return since
    if plan.schedule:
        expected = f"at {instant(due_at)} (“{' '.join(plan.schedule.split())}” in {plan.timezone})"
    elif last_at is not None and due_at == last_at + plan.interval_s * 1000:
        expected = f"every {span(plan.interval_s)}"
    else:
        expected = f"by {instant(due_at)}"
    grace = f"{span(plan.grace_s)} of grace" if plan.grace_s else "no grace"
    if beat.excused_until is not None and beat.excused_until > due_at:
        grace += f" from {instant(beat.excused_until)} on"
    return f"{since}: expected {expected}, {grace}"


def overdue(run: Run, plan: Plan) -> str:
    """A run goes on for too long; or the one before it did, whose place it took and whose deadline holds."""
    name = f" {run.rid}" if run.rid else ""
    began_at, deadline_at = run.started_at, run.deadline_at or 0
    if plan.max_runtime_s is not None:
        is_older = deadline_at - plan.max_runtime_s * 1000 < began_at
        limit = f" within {span(plan.max_runtime_s)}"
    else:
        expected_at = deadline_at - plan.grace_s * 1000
        is_older = expected_at <= began_at
        limit = f", and the next was expected at {instant(expected_at)}"
    which = f"the run{name} before the one" if is_older else f"the run{name}"
    return f"{which} that began at {instant(began_at)} has not ended{limit}"


def failure(*, exit_status: int | None, body: str | None) -> str:
    """The job said that it failed."""
    said = f"exit status {exit_status}" if exit_status else "a failure"
    return _with_line(f"the job reported {said}", "".join(last_lines(body or "", count=1)))


def keyword(word: str, body: str) -> str:
    """The job said that all is well, in a text that has a failure keyword."""
    start = body.rfind("\n", 0, body.find(word)) + 1
    line = "".join(last_lines(re.split(r"[\r\n]", body[start : start + _TAIL_CHARS], maxsplit=1)[0], count=1))
    return _with_line(f"the job reported success, but its text has “{_visible(word)}”", line)


def too_short(duration_ms: int, plan: Plan) -> str:
    """A run ended sooner than it can have done its work."""
    took = f"{duration_ms} ms" if duration_ms < 1000 else span(duration_ms // 1000)
    return f"the run took {took}; the shortest is {span(plan.min_runtime_s or 0)}"


def _with_line(text: str, line: str) -> str:
    return f"{text}: {line}" if line else text


def last_lines(body: str, *, count: int) -> list[str]:
    """The last lines of a body that say something, with nothing in them that a terminal or a page would obey."""
    lines = (_visible(line) for line in re.split(r"[\r\n]+", body[-_TAIL_CHARS:]))
    return [line if len(line) <= LINE_CHARS else f"{line[: LINE_CHARS - 1]}…" for line in lines if line][-count:]


def _visible(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)


def instant(ms: int) -> str:
    """`2026-03-29 01:00:00 UTC`."""
    return f"{iso(ms)[:19].replace('T', ' ')} UTC"


def span(seconds: int) -> str:
    """`5 min`, `1 h 30 min`, `366 d`: exact."""
    parts: list[str] = []
    for size, unit in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts) or "0 s"
