"""The command check: a program of this machine, run without a shell, judged by its exit status."""

import codecs
import re
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

import attrs
import trio

from asura.checks.base import CheckType, TargetField
from asura.checks.command_settings import SECRET_VARIABLES, CommandSettings, exit_statuses, problems
from asura.errors import OwnFailure, TargetRefused
from asura.model.assertion import BODY_ASSERTIONS, AssertionType
from asura.model.monitor import Status
from asura.model.observation import Outcome, Reply
from asura.model.secret import is_secret_name
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch, down, shortened
from asura.protocols.process import Output, run

MAX_AT_ONCE = 32
"""Programs of all monitors. A script's interpreter takes 10 to 50 MB, and most of a core while it starts."""
MAX_LABEL_CHARS = 2048
MAX_LINES = 10
MAX_LINE_CHARS = 200
MAX_DETAIL_CHARS = 800
"""Of the output of a run that failed, kept with its result."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LANG = "C.UTF-8"
MIN_SECRET_CHARS = 4
"""A shorter value is part of too many words to be hidden."""
HIDDEN = "********"

_PLACES = trio.CapacityLimiter(MAX_AT_ONCE)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def target_problem(target: str) -> str | None:
    """What is wrong with a label, or None."""
    if not target.strip():
        return "must not be empty"
    if len(target) > MAX_LABEL_CHARS:
        return f"must have at most {MAX_LABEL_CHARS} characters"
    return None if target.isprintable() else "must be one line without control characters"


def hosts(target: str, settings: CommandSettings) -> dict[str, str]:
    """Nothing that Asura itself connects to."""
    return {}


def prepare(target: str, settings: CommandSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a run of the command ready."""
    plan = _Plan(
        env=env,
        argv=(settings.command, *settings.args),
        environment={"PATH": PATH, "LANG": LANG, **settings.env},
        degraded=frozenset(status for entry in settings.degraded_status for status in exit_statuses(entry)),
        secrets=_secrets(settings.env),
        keeps_output=keep.body,
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    argv: Sequence[str]
    environment: dict[str, str] = attrs.field(repr=False)
    degraded: frozenset[int]
    secrets: Sequence[str] = attrs.field(repr=False)
    """What the program knows and nobody else may read in its output."""
    keeps_output: bool

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        try:
            # Letter by letter: no link, no "..", no other spelling leads to a program that wasn't meant.
            if self.argv[0] not in self.env.command_allowlist:
                raise TargetRefused(f"{self.argv[0]} may not be run: monitor.command_allowlist does not list it")
            async with _place():
                return await self._run(watch)
        except (Fault, TargetRefused) as exc:
            return down(exc, watch)

    async def _run(self, watch: Stopwatch) -> Outcome:
        out, err = Output(), Output()
        began, status = perf_counter(), None
        limit_s = self.env.command_timeout_s
        ending = "killed before its end, without a word until then"
        try:
            with trio.move_on_after(limit_s):
                status = await run(self.argv, environment=self.environment, out=out, err=err)
        finally:
            if status is None:
                if lines := self._lines(out) or self._lines(err):
                    ending = f'killed before its end; its output begins with "{lines[0]}"'
                watch.note = ending  # for the story, where it is the monitor's own timeout that has come
        if status is None:
            raise Fault(
                f"no end within {limit_s} s, the longest that a command may run here (monitor.command_timeout): "
                f"{ending}"
            )
        took_ms = round((perf_counter() - began) * 1000) or 1
        return self._judged(status, out, err, took_ms=took_ms)

    def _judged(self, status: int, out: Output, err: Output, *, took_ms: int) -> Outcome:
        lines = self._lines(out) + self._lines(err)
        detail: dict[str, Any] = {"signal": _signal_name(-status)} if status < 0 else {"exit_status": status}
        if lines:
            detail["output"] = lines[:1] if status == 0 else _excerpt(lines)
        return Outcome(
            status=self._verdict(status),
            message=shortened(_words(status, lines)),
            response_ms=took_ms,  # without the time that it waited for its place
            reply=Reply(body=self._text(out), is_cut=out.is_cut) if self.keeps_output else None,
            detail=detail,
        )

    def _verdict(self, status: int) -> Status:
        if status == 0:
            return Status.UP
        return Status.DEGRADED if status in self.degraded else Status.DOWN

    def _text(self, output: Output) -> str:
        # The last character may be cut through.
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(output.kept), final=not output.is_cut)
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def _lines(self, output: Output) -> list[str]:
        """The first lines that say something, with nothing in them that a terminal or page would obey."""
        text = _COLOURS.sub("", self._text(output)[: MAX_LINES * MAX_DETAIL_CHARS])
        found = (re.sub(r"\s+", " ", line).strip() for line in re.split(r"[\r\n]+", text))
        return [_printable(line) for line in found if line][:MAX_LINES]


@asynccontextmanager
async def _place() -> AsyncIterator[None]:
    """One of the places for programs. Whoever gets none in half of its time was not checked: that says nothing bad
    about it, and the other half is for the program.
    """
    began, deadline = trio.current_time(), trio.current_effective_deadline()
    has_place = False
    try:
        with trio.move_on_at(began + (deadline - began) / 2):
            await _PLACES.acquire()
            has_place = True
        if not has_place:
            raise OwnFailure(f"too much to do: {MAX_AT_ONCE} other commands run, and none of them has ended in time")
        yield
    finally:
        if has_place:
            _PLACES.release()


def _secrets(variables: Mapping[str, str]) -> tuple[str, ...]:
    """The values that hide, long ones first: a short one may be part of them."""
    found = {value for name, value in variables.items() if is_secret_name(name, SECRET_VARIABLES)}
    return tuple(sorted((each for each in found if len(each) >= MIN_SECRET_CHARS), key=len, reverse=True))


def _words(status: int, lines: Sequence[str]) -> str:
    """What a person reads of a run that failed."""
    if status == 0:
        return ""
    said = f": {lines[0]}" if lines else ", without a word"
    if status < 0:
        return f"killed by {_signal_name(-status)} ({signal.strsignal(-status) or 'unknown'}){said}"
    return f"exit status {status}{said}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"


def _printable(line: str) -> str:
    line = line if len(line) <= MAX_LINE_CHARS else f"{line[: MAX_LINE_CHARS - 1]}…"
    return line if line.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def _excerpt(lines: Sequence[str]) -> list[str]:
    found, room = [], MAX_DETAIL_CHARS
    for line in lines[:MAX_LINES]:
        room -= len(line)
        if room < 0:
            break
        found.append(line)
    return found


COMMAND = CheckType(
    name="command",
    label="Command",
    example={"command": "/usr/lib/nagios/plugins/check_disk", "args": ["-w", "10%"], "degraded_status": ["1"]},
    about="""\
Runs a program of the machine that Asura runs on, and judges it by its exit status.

- **Up**: exit status 0.
- **Degraded**: one of the exit statuses that are listed as degraded. None is by default, because an ordinary script
  that fails ends with 1; for Nagios plug-ins list 1, their warning.
- **Down**: every other exit status, the end by a signal, a program that can't be started, or no end within the timeout.
  The first line of the output is the message.

**What may be run** stands in the configuration, in `monitor.command_allowlist`, as absolute paths; without it there are
no command monitors. It is asked when a monitor is saved and again at each run. Whoever may write monitors chooses the
arguments, so list programs that are harmless with any arguments: a shell or an interpreter in the list is leave to run
everything. Variables that would make another program of it, such as `LD_PRELOAD`, `BASH_ENV` or `PATH`, are refused.

**How it is run**: without a shell, as Asura's own user and within what its service may do, in the folder `/`, with an
empty standard input, and with `PATH`, `LANG` and what the monitor itself sets as its whole environment. The values of
variables that are named like secrets are hidden where the program prints them. At most 32 programs run at once; the
others wait for them. No run takes longer than `monitor.command_timeout`.

**How it ends**: when the program itself has ended, whatever else holds its output. What is left of its process group is
killed then. At the timeout it is killed with its children and theirs, those in sessions of their own included. Only
what was started in a session of its own by a process that has ended since (a daemon) isn't found, nor may Asura kill
what runs as another user: such processes live on.

Of each of the two outputs the first 64 kB are kept, and the rest is read and dropped. Assertions and change detection
look at the standard output; an assertion on the status code, at the exit status. What fails is down before assertions
are asked.
""",
    target=TargetField(
        label="Label",
        help="What the command looks at, in your own words; the program isn't told.",
        placeholder="backups on db1",
    ),
    settings=CommandSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    problems=problems,
    asserts=frozenset({AssertionType.RESPONSE_TIME, AssertionType.STATUS_CODE, *BODY_ASSERTIONS}),
    is_local=True,
)
