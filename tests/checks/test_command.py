import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from asura.checks import CHECK_TYPES, command
from asura.checks.command_settings import exit_statuses
from asura.errors import InvalidDocument, OwnFailure
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.protocols.attempt import Env, Keep, Stopwatch
from asura.protocols.process import MAX_KEPT_BYTES, Output, run
from asura.serde import load
from tests.checks.conftest import Check
from tests.fakes.descriptors import descriptors

COMMAND = CHECK_TYPES["command"]
SHELL = "/bin/sh"
SPARE_S = 0.5
"""How much later than its timeout a check may answer."""

Shell = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def allowing(env: Env) -> Env:
    return attrs.evolve(env, command_allowlist=(SHELL, sys.executable))


@pytest.fixture
def sh(check: Check, allowing: Env) -> Shell:
    """Check a script: `await sh("exit 1", timeout_s=…, **settings)`."""

    async def once(script: str, *, env: Env = allowing, **more: Any) -> Outcome:
        return await check("command", "a script", env=env, command=SHELL, args=("-c", script), **more)

    return once


def numbers(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def left(path: Path) -> list[int]:
    """Process ids that a script wrote into `path`, line by line, and that are still there after a moment."""
    pids = numbers(path)
    with trio.move_on_after(2):
        while any(map(is_alive, pids)):  # noqa: ASYNC110
            await trio.sleep(0.01)
    return [pid for pid in pids if is_alive(pid)]


def is_alive(pid: int) -> bool:
    """Whether a process is there; one that ended and is this process's own to reap counts, too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] != "Z" or int(fields[1]) == os.getpid()


def children() -> int:
    return sum(len((thread / "children").read_text().split()) for thread in Path("/proc/self/task").iterdir())


VERDICTS: dict[str, tuple[str, tuple[int | str, ...], Status, str]] = {
    "up": ("echo well", (), Status.UP, ""),
    "up, silently": ("", (), Status.UP, ""),
    "up, with complaints": ("echo hm >&2", (), Status.UP, ""),
    "down": ("echo broken; exit 1", (), Status.DOWN, "exit status 1: broken"),
    "down, silently": ("exit 3", (), Status.DOWN, "exit status 3, without a word"),
    "down, with complaints": ("echo broken >&2; exit 255", (), Status.DOWN, "exit status 255: broken"),
    "degraded": ("echo 'DISK WARNING'; exit 1", (1,), Status.DEGRADED, "exit status 1: DISK WARNING"),
    "degraded, by a range": ("exit 3", ("1-3",), Status.DEGRADED, "exit status 3, without a word"),
    "down beside degraded": ("echo 'DISK CRITICAL'; exit 2", (1, "3-9"), Status.DOWN, "exit status 2: DISK CRITICAL"),
    "an empty line first": (
        "printf '\\n  \\n second  line \\nthird'; exit 1",
        (),
        Status.DOWN,
        "exit status 1: second line",
    ),
    "colours and other controls": (
        r"printf '\033[31mred\033[0m\007\n'; exit 1",
        (),
        Status.DOWN,
        "exit status 1: red\N{REPLACEMENT CHARACTER}",
    ),
    "bytes that are no text": (
        r"printf '\377\000\376'; exit 1",
        (),
        Status.DOWN,
        "exit status 1: " + "\N{REPLACEMENT CHARACTER}" * 3,
    ),
    "killed": ("echo bye; kill -9 $$", (), Status.DOWN, "killed by SIGKILL (Killed): bye"),
    "crashed": ("kill -SEGV $$", (), Status.DOWN, "killed by SIGSEGV (Segmentation fault), without a word"),
    "killed, whatever counts as degraded": (
        "kill -TERM $$",
        ("1-255",),
        Status.DOWN,
        "killed by SIGTERM (Terminated), without a word",
    ),
}


@pytest.mark.parametrize(("script", "degraded", "status", "message"), VERDICTS.values(), ids=VERDICTS)
async def test_the_end_of_a_program_is_judged(
    script: str, degraded: tuple[int | str, ...], status: Status, message: str, sh: Shell
) -> None:
    outcome = await sh(script, degraded_status=degraded)
    assert (outcome.status, outcome.message) == (status, message)
    assert outcome.response_ms is not None
    assert children() == 0


async def test_the_exit_status_and_the_output_are_stored(sh: Shell) -> None:
    assert (await sh("echo a; echo b")).detail == {"exit_status": 0, "output": ["a"]}
    assert (await sh("echo a; echo; echo b; echo c >&2; exit 7")).detail == {
        "exit_status": 7,
        "output": ["a", "b", "c"],
    }
    assert (await sh("kill -TERM $$")).detail == {"signal": "SIGTERM"}
    long = (await sh("head -c 100000 /dev/zero | tr '\\0' x; exit 1")).detail
    assert long is not None
    assert [len(line) for line in long["output"]] == [200]
    many = (await sh("seq 1000; exit 1")).detail
    assert many == {"exit_status": 1, "output": [str(number) for number in range(1, 11)]}


async def test_the_standard_output_is_the_body_where_it_is_wanted(sh: Shell) -> None:
    outcome = await sh(r"printf 'caf\303\251\n'; echo oops >&2", keep=Keep(body=True))
    assert outcome.reply is not None
    assert (outcome.reply.body, outcome.reply.is_cut) == ("café\n", False)
    assert (await sh("echo well")).reply is None


async def test_a_huge_output_is_kept_in_part_and_holds_up_nobody(sh: Shell) -> None:
    outcome = await sh("yes é | head -c 5000000; yes no | head -c 5000000 >&2; echo end", keep=Keep(body=True))
    assert outcome.status is Status.UP
    assert outcome.reply is not None
    assert outcome.reply.is_cut
    assert outcome.reply.body is not None
    assert len(outcome.reply.body.encode()) in (MAX_KEPT_BYTES, MAX_KEPT_BYTES - 1)
    assert "\N{REPLACEMENT CHARACTER}" not in outcome.reply.body


ENDLESS: dict[str, tuple[str, str]] = {
    "silent": ("sleep 60", "no answer in 0.3 s: killed before its end, without a word until then"),
    "endless output": ("yes on", 'no answer in 0.3 s: killed before its end; its output begins with "on"'),
    "endless complaints": ("yes on >&2", 'no answer in 0.3 s: killed before its end; its output begins with "on"'),
    "a trickle": (
        "while :; do printf x; sleep 0.05; done",
        'no answer in 0.3 s: killed before its end; its output begins with "x',
    ),
    "both outputs closed": ("exec >&- 2>&-; sleep 60", "no answer in 0.3 s: killed before its end, without a word"),
    "deaf to SIGTERM": (
        "trap '' TERM HUP INT; while :; do sleep 60; done",
        "no answer in 0.3 s: killed before its end",
    ),
    "stopped": ("kill -STOP $$", "no answer in 0.3 s: killed before its end"),
}


@pytest.mark.parametrize(("script", "message"), ENDLESS.values(), ids=ENDLESS)
async def test_a_program_without_end_is_killed_in_time(script: str, message: str, sh: Shell, tmp_path: Path) -> None:
    pids, began = tmp_path / "pids", trio.current_time()
    outcome = await sh(f"echo $$ > {pids}; {script}", timeout_s=0.3)
    assert trio.current_time() - began < 0.3 + SPARE_S
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith(message)
    assert await left(pids) == []
    assert children() == 0


async def test_a_configured_limit_ends_a_program_before_its_monitor_does(sh: Shell, allowing: Env) -> None:
    began = trio.current_time()
    outcome = await sh("echo begun; sleep 60", env=attrs.evolve(allowing, command_timeout_s=1), timeout_s=30)
    assert trio.current_time() - began < 1 + SPARE_S
    assert (outcome.status, outcome.message) == (
        Status.DOWN,
        "no end within 1 s, the longest that a command may run here (monitor.command_timeout): "
        'killed before its end; its output begins with "begun"',
    )
    assert children() == 0


FAMILIES: dict[str, str] = {
    "children": "sleep 60 & echo $! >> {0}; sleep 60 & echo $! >> {0}; wait",
    "grandchildren": "sh -c 'sh -c \"echo \\$\\$ >> {0}; exec sleep 60\" & echo $$ >> {0}; wait' & wait",
    "a group of its own": "set -m; sleep 60 & echo $! >> {0}; wait",
    "a session of its own": "setsid -w sh -c 'echo $$ >> {0}; sleep 60 & echo $! >> {0}; wait'",
    "sessions within sessions": "setsid -w sh -c 'echo $$ >> {0}; setsid -w sh -c \"echo \\$\\$ >> {0}; sleep 60\"'",
    "children deaf to everything": "(trap '' TERM HUP INT; sh -c 'echo $$ >> {0}; sleep 60'; sleep 60) & wait",
}


@pytest.mark.parametrize("script", FAMILIES.values(), ids=FAMILIES)
async def test_a_program_without_end_takes_its_family_along(script: str, sh: Shell, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    await sh(f"echo $$ > {pids}; {script.format(pids)}", timeout_s=0.5)
    assert len(numbers(pids)) > 1
    assert await left(pids) == []
    assert children() == 0


async def test_what_a_program_leaves_behind_is_killed_at_its_end(sh: Shell, tmp_path: Path) -> None:
    pids, began = tmp_path / "pids", trio.current_time()
    outcome = await sh(f"sleep 60 & echo $! > {pids}; echo started")
    assert trio.current_time() - began < 2
    assert (outcome.status, outcome.detail) == (Status.UP, {"exit_status": 0, "output": ["started"]})
    assert await left(pids) == []


async def test_a_daemon_that_holds_the_output_holds_up_nobody(sh: Shell, tmp_path: Path) -> None:
    pids, began = tmp_path / "pids", trio.current_time()
    daemon = f"setsid sh -c 'echo $$ > {pids}; exec yes' & while [ ! -s {pids} ]; do sleep 0.01; done; echo started"
    outcome = await sh(daemon)
    try:
        assert trio.current_time() - began < 2
        assert outcome.status is Status.UP
    finally:
        assert await left(pids) == []  # it writes into a pipe that nobody reads any longer, which ended it


async def test_a_check_that_is_cancelled_half_way_leaves_nothing(sh: Shell, tmp_path: Path) -> None:
    pids, before = tmp_path / "pids", descriptors()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sh, f"echo $$ > {pids}; sleep 60 & echo $! >> {pids}; wait")
        with trio.fail_after(5):
            while len(numbers(pids)) < 2:  # noqa: ASYNC110
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert await left(pids) == []
    assert children() == 0
    assert descriptors() == before


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., str]:
    def make(text: str, *, mode: int = 0o755) -> str:
        path = tmp_path / "program"
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    return make


UNFIT: dict[str, tuple[str, int, str]] = {
    "not executable": ("#!/bin/sh\n", 0o644, "it is not executable"),
    "no script": ("echo well\n", 0o755, "it is neither a program of this machine nor a script that begins with #!"),
    "without its interpreter": ("#!/no/such\n", 0o755, "the interpreter that its first line names does not exist"),
}


@pytest.mark.parametrize(("text", "mode", "words"), UNFIT.values(), ids=UNFIT)
async def test_what_cant_be_started_is_down(
    text: str, mode: int, words: str, program: Callable[..., str], check: Check, env: Env
) -> None:
    path, before = program(text, mode=mode), descriptors()
    outcome = await check("command", "x", env=attrs.evolve(env, command_allowlist=(path,)), command=path)
    assert (outcome.status, outcome.message) == (Status.DOWN, f"{path} can't be started: {words}")
    assert descriptors() == before


MISPLACED: dict[str, tuple[str, str]] = {
    "missing": ("/no/such", "there is no such file"),
    "below a file": ("/bin/sh/x", "a part of its path is no folder"),
    "a folder": ("/tmp", "it is a folder"),
}


@pytest.mark.parametrize(("path", "words"), MISPLACED.values(), ids=MISPLACED)
async def test_what_isnt_there_is_down(path: str, words: str, check: Check, env: Env) -> None:
    outcome = await check("command", "x", env=attrs.evolve(env, command_allowlist=(path,)), command=path)
    assert (outcome.status, outcome.message) == (Status.DOWN, f"{path} can't be started: {words}")


async def test_no_room_for_another_process_says_nothing_about_the_program(
    sh: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("asura.protocols.process.subprocess.Popen", refused)
    with pytest.raises(OwnFailure, match="this machine can start no program now"):
        await sh("exit 0")


LISTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "none": (
        "/bin/true",
        (),
        "can't be run: the configuration allows no program; list it in monitor.command_allowlist",
    ),
    "another": (
        "/bin/true",
        ("/bin/false",),
        "must be a program that monitor.command_allowlist in the configuration lists, written in the same way",
    ),
    "a roundabout way": (
        "/bin/../bin/true",
        ("/bin/true",),
        "must be a program that monitor.command_allowlist in the configuration lists, written in the same way",
    ),
    "its folder": (
        "/bin/true",
        ("/bin", "/bin/"),
        "must be a program that monitor.command_allowlist in the configuration lists, written in the same way",
    ),
    "nothing wanted": ("", ("/bin/true",), "must be the absolute path of a program"),
}


@pytest.mark.parametrize(("path", "listed", "problem"), LISTS.values(), ids=LISTS)
async def test_what_isnt_listed_is_refused_when_it_is_saved_and_again_at_each_run(
    path: str, listed: tuple[str, ...], problem: str, check: Check, env: Env
) -> None:
    env = attrs.evolve(env, command_allowlist=listed)
    assert COMMAND.problems("x", COMMAND.settings(command=path), env) == {"settings.command": problem}
    outcome = await check("command", "x", env=env, command=path)
    assert (outcome.status, outcome.is_refused) == (Status.DOWN, True)
    assert outcome.message == f"{path} may not be run: monitor.command_allowlist does not list it"


def test_what_is_listed_is_no_problem(allowing: Env) -> None:
    assert COMMAND.problems("x", COMMAND.settings(command=SHELL), allowing) == {}
    assert COMMAND.hosts("x", COMMAND.settings(command=SHELL)) == {}


async def test_a_link_in_the_list_is_followed(check: Check, env: Env, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/bin/true")
    outcome = await check("command", "x", env=attrs.evolve(env, command_allowlist=(str(link),)), command=str(link))
    assert outcome.status is Status.UP


async def test_the_surroundings_are_what_the_monitor_says_and_no_more(
    allowing: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASURA_SECRET", "hidden")
    script = (
        "import os, sys; print(sorted(os.environ.items())); print(os.getcwd(), repr(sys.stdin.read()), sys.argv[1:])"
    )
    settings = COMMAND.settings(
        command=sys.executable, args=("-I", "-c", script, "$HOME", "a b", "*", ""), env={"PLACE": "mine"}
    )
    outcome = await COMMAND.prepare("x", settings, allowing, Keep(body=True))(Stopwatch())
    assert outcome.reply is not None
    assert (outcome.reply.body or "").splitlines() == [
        str([("LANG", "C.UTF-8"), ("PATH", command.PATH), ("PLACE", "mine")]),
        "/ '' ['$HOME', 'a b', '*', '']",
    ]


async def test_secrets_of_the_environment_are_hidden_in_the_output(allowing: Env) -> None:
    settings = COMMAND.settings(
        command=SHELL,
        args=("-c", "echo $API_TOKEN $DATABASE_URL $PLACE $PIN; echo $API_TOKEN >&2; exit 1"),
        env={"API_TOKEN": "s3cret", "DATABASE_URL": "db://s3cret", "PLACE": "here", "PIN": "1"},
    )
    outcome = await COMMAND.prepare("x", settings, allowing, Keep(body=True))(Stopwatch())
    assert outcome.message == "exit status 1: ******** ******** here 1"
    assert outcome.detail == {"exit_status": 1, "output": ["******** ******** here 1", "********"]}
    assert outcome.reply is not None
    assert outcome.reply.body == "******** ******** here 1\n"


async def test_no_descriptor_is_handed_down(sh: Shell, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        outcome = await sh("ls /proc/$$/fd; readlink /proc/$$/fd/0", keep=Keep(body=True))
    assert outcome.reply is not None
    assert (outcome.reply.body or "").split() == ["0", "1", "2", "/dev/null"]


async def test_a_program_has_a_session_of_its_own(sh: Shell) -> None:
    outcome = await sh("read -r _ _ _ _ group session _ < /proc/self/stat; [ $$ = $group ] && [ $$ = $session ]")
    assert outcome.status is Status.UP


async def test_few_of_many_run_at_once_and_all_get_their_turn(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    most, seen = 0, []

    async def one() -> None:
        seen.append((await sh("sleep 0.05", timeout_s=60)).status)

    async with trio.open_nursery() as watching:

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, children())
                await trio.sleep(0.005)

        watching.start_soon(watch)
        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(one)
        watching.cancel_scope.cancel()
    assert seen == [Status.UP] * 200
    assert 1 < most <= command.MAX_AT_ONCE
    assert children() == 0


async def test_who_waits_for_a_place_too_long_was_not_checked(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_PLACES", trio.CapacityLimiter(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sh, "sleep 60")
        await trio.testing.wait_all_tasks_blocked(0.05)
        began = trio.current_time()
        with pytest.raises(OwnFailure, match="too much to do: 32 other commands run"):
            await sh("exit 1", timeout_s=0.4)
        assert 0.1 < trio.current_time() - began < 0.4
        nursery.cancel_scope.cancel()
    assert (await sh("exit 0")).status is Status.UP


async def test_the_wait_for_a_place_is_not_the_commands_time(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_PLACES", trio.CapacityLimiter(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sh, "sleep 2")
        await trio.testing.wait_all_tasks_blocked(0.05)
        outcome = await sh("exit 0", timeout_s=20)
    assert outcome.response_ms is not None
    assert outcome.response_ms < 1500  # the 2 s of waiting are none of it


async def test_the_end_is_noticed_where_the_kernel_has_no_pidfds(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", missing)
    assert (await sh("sleep 0.05; exit 4")).detail == {"exit_status": 4}
    assert (await sh("sleep 60", timeout_s=0.2)).message.startswith("no answer in 0.2 s")
    assert children() == 0


async def test_a_fork_bomb_is_ended(sh: Shell) -> None:
    outcome = await sh("f() { sleep 60 & }; i=0; while [ $i -lt 150 ]; do f; i=$((i+1)); done; wait", timeout_s=1.5)
    assert outcome.status is Status.DOWN
    assert children() == 0


async def test_an_output_is_kept_up_to_its_limit() -> None:
    output = Output()
    output.take(b"x" * MAX_KEPT_BYTES)
    assert not output.is_cut
    output.take(b"y")
    assert (output.is_cut, len(output.kept), output.size) == (True, MAX_KEPT_BYTES, MAX_KEPT_BYTES + 1)


async def test_a_signal_is_a_negative_status() -> None:
    argv = (SHELL, "-c", "kill -USR1 $$")
    assert await run(argv, environment={}, out=Output(), err=Output()) == -signal.SIGUSR1


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a relative program": ({"command": "true"}, "command", "must be the absolute path of a program"),
    "a program of two lines": ({"command": "/bin/true\n"}, "command", "must be the absolute path of a program"),
    "too many arguments": ({"args": ["x"] * 51}, "args", "must have at most 50 entries, not 51"),
    "a huge argument": ({"args": ["x" * 5000]}, "args", "each entry must be at most 4096 characters, not 5000"),
    "a NUL": ({"args": ["a\0b"]}, "args[0]", "must not contain NUL or unpaired surrogates"),
    "a name with a hyphen": (
        {"env": {"A-B": ""}},
        "env",
        "must have names of letters, digits and underscores, not 'A-B'",
    ),
    "a name with =": ({"env": {"A=B": ""}}, "env", "must have names of letters, digits and underscores, not 'A=B'"),
    "a function of bash": (
        {"env": {"BASH_FUNC_ls%%": "() { id; }"}},
        "env",
        "must have names of letters, digits and underscores, not 'BASH_FUNC_ls%%'",
    ),
    "two of a name": ({"env": {"a": "", "A": ""}}, "env", "must not have names that differ in capital letters only"),
    "a huge value": (
        {"env": {"A": "x" * 9000}},
        "env",
        "must have values of at most 8192 characters, unlike that of A",
    ),
    "exit status 0": (
        {"degraded_status": [0]},
        "degraded_status",
        'must have exit statuses from 1 to 255, or ranges of them ("1-3")',
    ),
    "exit status 256": (
        {"degraded_status": ["1-256"]},
        "degraded_status",
        'must have exit statuses from 1 to 255, or ranges of them ("1-3")',
    ),
    "too many exit statuses": (
        {"degraded_status": [1] * 21},
        "degraded_status",
        "must have at most 20 entries, not 21",
    ),
}


@pytest.mark.parametrize(("document", "field", "problem"), WRONG.values(), ids=WRONG)
def test_wrong_settings_are_refused(document: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(COMMAND.settings, document)
    assert caught.value.fields == {field: problem}


STEERING = (
    "LD_PRELOAD LD_LIBRARY_PATH PATH BASH_ENV ENV IFS PERL5OPT PYTHONPATH NODE_OPTIONS HOME GCONV_PATH GIT_SSH_COMMAND "
    "JAVA_TOOL_OPTIONS _JAVA_OPTIONS ld_preload RUBYOPT PS4 PAGER"
)


@pytest.mark.parametrize("name", STEERING.split())
def test_variables_that_make_another_program_of_it_are_refused(name: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(COMMAND.settings, {"env": {name: "x"}})
    problem = f"must not set {name}: it can make a program run what the configuration doesn't allow"
    assert caught.value.fields == {"env": problem}


@pytest.mark.parametrize(
    "name", ["TOKEN", "PGHOST", "PGPASSWORD", "LANG", "TZ", "LC_ALL", "HOSTNAME", "ENVIRONMENT", "no_proxy"]
)
def test_other_variables_are_fine(name: str) -> None:
    assert load(COMMAND.settings, {"env": {name: "x"}}).env == {name: "x"}


@given(st.integers(-300, 600))
def test_an_exit_status_stands_for_itself(number: int) -> None:
    if 1 <= number <= 255:
        assert list(exit_statuses(number)) == list(exit_statuses(str(number))) == [number]
    else:
        with pytest.raises(ValueError, match=r"^must have exit statuses from 1 to 255"):
            exit_statuses(number)


@given(st.text(max_size=8) | st.from_regex(r"[0-9]{1,4}-[0-9]{1,4}"))
def test_what_stands_for_exit_statuses_stands_for_real_ones(entry: str) -> None:
    found: Iterable[int] = ()
    with suppress(ValueError):
        found = exit_statuses(entry)
    assert all(1 <= each <= 255 for each in found)


@pytest.mark.parametrize(
    ("target", "problem"), [("", "must not be empty"), (" ", "must not be empty"), ("a\nb", "must be")]
)
def test_a_label_says_something(target: str, problem: str) -> None:
    assert (COMMAND.target_problem(target) or "").startswith(problem)
    assert COMMAND.target_problem("backups on db1") is None
