import errno
import json
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
import trustme
from hypothesis import given
from hypothesis import strategies as st

from asura.checks import CHECK_TYPES
from asura.checks.docker_state import judge
from asura.errors import InvalidDocument, OwnFailure
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.protocols import docker_engine
from asura.protocols.attempt import NOTHING, Env, Fault, Stopwatch
from asura.protocols.docker_engine import USUAL_SOCKETS, parse_engine
from asura.protocols.pem import ClientCertificate
from asura.serde import load
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import descriptors
from tests.fakes.docker import container, health, refuses_to_read, says, start_engine
from tests.fakes.target import Behaviour, endless, raw, silent, slow_trickle, start_target

DOCKER = CHECK_TYPES["docker"]
CURL = "  % Total    % Received\n  0     0\ncurl: (7) Failed to connect to localhost port 80\n"

Ask = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "docker.sock"


@pytest.fixture
def local(env: Env, path: Path) -> Env:
    return attrs.evolve(env, docker_sockets=(str(path),))


@pytest.fixture
def ask(check: Check, local: Env, path: Path, nursery: trio.Nursery) -> Ask:
    """Check a container of an engine that behaves so."""

    async def once(behaviour: Behaviour, *, name: str = "web", **more: Any) -> Outcome:
        return await check("docker", name, env=local, host=await start_engine(nursery, path, behaviour), **more)

    return once


STATES: dict[str, tuple[dict[str, Any], Status, str, dict[str, Any]]] = {
    "running": (container("running"), Status.UP, "", {"state": "running"}),
    "running, health null": (container("running", Health=None), Status.UP, "", {"state": "running"}),
    "running, health none": (container("running", Health=health("none")), Status.UP, "", {"state": "running"}),
    "running, health empty": (container("running", Health=health("")), Status.UP, "", {"state": "running"}),
    "healthy": (
        container("running", Health=health("healthy", (1, "failed"), (0, "fine"))),
        Status.UP,
        "",
        {"state": "running", "health": "healthy"},
    ),
    "starting": (
        container("running", Health=health("starting")),
        Status.DEGRADED,
        "the container web runs, and its health check has not passed yet",
        {"state": "running", "health": "starting"},
    ),
    "starting, with failures": (
        container("running", Health=health("starting", (1, CURL))),
        Status.DEGRADED,
        "the container web runs, and its health check has not passed yet; the last ended with exit status 1: "
        "curl: (7) Failed to connect to localhost port 80",
        {"state": "running", "health": "starting"},
    ),
    "unhealthy": (
        container("running", Health=health("unhealthy", (0, "fine"), (7, CURL), streak=4)),
        Status.DOWN,
        "the container web is unhealthy: its health check failed 4 times in a row; the last ended with exit status 7: "
        "curl: (7) Failed to connect to localhost port 80",
        {"state": "running", "health": "unhealthy"},
    ),
    "unhealthy, silently": (
        container("running", Health=health("unhealthy", (1, "\n"), streak=1)),
        Status.DOWN,
        "the container web is unhealthy; the last ended with exit status 1, without a word",
        {"state": "running", "health": "unhealthy"},
    ),
    "unhealthy, without a log": (
        container("running", Health={"Status": "unhealthy", "FailingStreak": 3, "Log": None}),
        Status.DOWN,
        "the container web is unhealthy: its health check failed 3 times in a row",
        {"state": "running", "health": "unhealthy"},
    ),
    "a health nobody knows": (
        container("running", Health=health("odd")),
        Status.DOWN,
        'the container web runs, with the unknown health "odd"',
        {"state": "running", "health": "odd"},
    ),
    "exited": (
        container("exited", FinishedAt="2026-02-24T11:22:33.987654321Z"),
        Status.DOWN,
        "the container web has ended with exit status 0 on 2026-02-24 11:22 UTC",
        {"state": "exited", "exit_status": 0},
    ),
    "exited long ago, elsewhere": (
        container("exited", ExitCode=1, FinishedAt="2026-02-25T00:30:00.1+01:00"),
        Status.DOWN,
        "the container web has ended with exit status 1 on 2026-02-24 23:30 UTC",
        {"state": "exited", "exit_status": 1},
    ),
    "out of memory": (
        container("exited", ExitCode=137, OOMKilled=True, FinishedAt="2026-02-24T11:22:33Z"),
        Status.DOWN,
        "the container web has ended with exit status 137 on 2026-02-24 11:22 UTC, killed because it ran out of memory",
        {"state": "exited", "exit_status": 137},
    ),
    "not to be started": (
        container("exited", ExitCode=127, Error='exec: "nginx": not found\nin $PATH', FinishedAt="nonsense"),
        Status.DOWN,
        'the container web has ended with exit status 127: exec: "nginx": not found in $PATH',
        {"state": "exited", "exit_status": 127},
    ),
    "restarting": (
        container("restarting", restarts=12, ExitCode=1, FinishedAt="2026-02-24T11:22:33Z"),
        Status.DOWN,
        "the container web is restarting: it ended with exit status 1 on 2026-02-24 11:22 UTC, "
        "restarted 12 times so far",
        {"state": "restarting"},
    ),
    "paused": (container("paused"), Status.DOWN, "the container web is paused", {"state": "paused"}),
    "created": (
        container("created"),
        Status.DOWN,
        "the container web was created, and has never been started",
        {"state": "created"},
    ),
    "created, without a port": (
        container("created", ExitCode=128, Error="address already in use"),
        Status.DOWN,
        "the container web was created, and has never been started: address already in use",
        {"state": "created"},
    ),
    "removing": (container("removing"), Status.DOWN, "the container web is being removed", {"state": "removing"}),
    "dead": (
        container("dead", ExitCode=2),
        Status.DOWN,
        "the container web is dead: it ended with exit status 2, and could not be removed",
        {"state": "dead", "exit_status": 2},
    ),
    "a state nobody knows": (
        container("od\x1bd" + "!" * 99),
        Status.DOWN,
        'the container web is in the unknown state "od\\x1bd!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!…"',
        {"state": "od\\x1bd!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!…"},
    ),
}


@pytest.mark.parametrize(("document", "status", "message", "detail"), STATES.values(), ids=STATES)
async def test_a_containers_state_and_health_are_judged(
    document: dict[str, Any], status: Status, message: str, detail: dict[str, Any], ask: Ask
) -> None:
    outcome = await ask(says(document))
    assert (outcome.status, outcome.message, outcome.detail) == (status, message, detail)
    assert outcome.response_ms is not None
    assert None not in (outcome.timings.connect_ms, outcome.timings.first_byte_ms, outcome.timings.transfer_ms)
    assert outcome.timings.dns_ms is None


REFUSALS: dict[str, tuple[int, object, str]] = {
    "no such container": (404, {"message": "No such container: web"}, "there is no container web"),
    "no such container of Podman": (
        404,
        {"cause": "no such container", "message": 'no container with name or ID "web" found: no such container'},
        "there is no container web",
    ),
    "no such path": (404, {"message": "page not found"}, "the engine answered 404: page not found"),
    "an error": (500, {"message": "server\nerror \x1b"}, "the engine answered 500: server error \\x1b"),
    "an error without words": (500, "", "the answer is not from a Docker engine: status 500, nothing that is text"),
    "a website": (
        404,
        "<html><title>Not found</title></html>",
        'the answer is not from a Docker engine: status 404, "<html><title>Not found</title></html>"',
    ),
    "a redirect": (301, "", "the answer is not from a Docker engine: status 301, nothing that is text"),
    "a proxy that refuses": (403, "<html>403 Forbidden</html>", "the engine denies access (403)"),
    "a plug-in that refuses": (
        403,
        {"message": "authorization denied by plugin"},
        "the engine answered 403: authorization denied by plugin",
    ),
    "a website that is fine": (200, "<html>", 'the answer is no description of a container: "<html>"'),
    "nothing": (200, "", "the answer is no description of a container: nothing that is text"),
    "other JSON": (200, {"Name": "web"}, 'the answer is no description of a container: "{"Name": "web"}"'),
    "a list": (200, [], 'the answer is no description of a container: "[]"'),
    "no state": (200, {"State": {}}, 'the answer is no description of a container: "{"State": {}}"'),
    "a wrong state": (
        200,
        {"State": {"Status": 1}},
        'the answer is no description of a container: "{"State": {"Status": 1}}"',
    ),
    "a number without end": (
        200,
        '{"State":{"Status":"exited","ExitCode":1' + "0" * 5000 + "}}",
        'the answer is no description of a container: "{"State":{"Status":"exited","ExitCode":1…"',
    ),
    "depth": (
        200,
        '{"x":' + "[" * 200_000,
        'the answer is no description of a container: "{"x":' + "[" * 35 + '…"',
    ),
    "half of it": (
        200,
        '{"State": {"Status": "runn',
        'the answer is no description of a container: "{"State": {"Status": "runn"',
    ),
}


@pytest.mark.parametrize(("status", "document", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_an_answer_that_says_nothing_of_the_container_is_down(
    status: int, document: object, message: str, ask: Ask
) -> None:
    outcome = await ask(says(document, status=status))
    assert (outcome.status, outcome.message) == (Status.DOWN, message)
    assert outcome.response_ms is not None


MISBEHAVING: dict[str, tuple[Behaviour, str]] = {
    "silent": (silent, "no answer in 0.3 s: connected in 1 ms, then silence"),
    "closes": (raw(), "the target closed the connection without an answer"),
    "resets": (refuses_to_read, "the connection was reset before it answered"),
    "garbage": (raw(bytes(range(256))), "the answer is not HTTP: "),
    "another protocol": (raw(b"220 mail ESMTP\r\n", reads=False), 'the answer is not HTTP: "220 mail ESMTP\\r\\n"'),
    "half a header": (raw(b"HTTP/1.1 200 OK\r\nA: "), "the target closed the connection in the middle of the header"),
    "half a body": (
        raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"State'),
        "the target closed the connection after 7 of 100 bytes of the body",
    ),
    "a slow trickle": (slow_trickle, "no complete answer in 0.3 s: connected in 1 ms, first byte after "),
    "a header without end": (endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), "the header of the answer is over 64 KiB"),
    "a body without end": (
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 1000),
        "the answer is over 1 MiB, which no description of a container is",
    ),
}


@pytest.mark.parametrize(("behaviour", "message"), MISBEHAVING.values(), ids=MISBEHAVING)
async def test_an_engine_that_misbehaves_is_down_in_time(behaviour: Behaviour, message: str, ask: Ask) -> None:
    began = trio.current_time()
    outcome = await ask(behaviour, timeout_s=0.3)
    assert trio.current_time() - began < 0.8
    assert outcome.status is Status.DOWN
    assert re.sub(r"connected in \d+ ms", "connected in 1 ms", outcome.message).startswith(message)


async def test_only_the_container_is_asked_for(path: Path, local: Env, check: Check, nursery: trio.Nursery) -> None:
    requests: list[bytes] = []

    async def note(stream: Any) -> None:
        requests.append(await stream.receive_some())
        await says(container("running"))(stream)

    host = await start_engine(nursery, path, note)
    with trio.move_on_after(0.3):
        await check("docker", "my_web.1-a", env=local, host=host)
    assert requests[0].startswith(b"GET /containers/my_web.1-a/json HTTP/1.1\r\nHost: docker\r\n")


def bound(path: Path, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(str(path))
    return sock


NOWHERE: dict[str, tuple[Callable[[Path], socket.socket | None], str]] = {
    "no socket": (lambda path: None, "there is no socket {}: is the engine running, on this machine?"),
    "nobody listening": (
        lambda path: bound(path, socket.SOCK_STREAM),
        "connect to {} refused after 1 ms: is the engine running?",
    ),
    "an ordinary file": (lambda path: path.touch(), "connect to {} refused after 1 ms: is the engine running?"),
    "a socket of another kind": (lambda path: bound(path, socket.SOCK_DGRAM), "{} is no socket for connections"),
}


@pytest.mark.parametrize(("make", "message"), NOWHERE.values(), ids=NOWHERE)
async def test_an_engine_that_isnt_there_is_down(
    make: Callable[[Path], socket.socket | None], message: str, path: Path, local: Env, check: Check
) -> None:
    peer = make(path)
    before = descriptors()
    outcome = await check("docker", "web", env=local, host=f"unix://{path}")
    assert (outcome.status, outcome.response_ms) == (Status.DOWN, None)
    assert re.sub(r"\d+ ms", "1 ms", outcome.message) == message.format(path)
    assert descriptors() == before
    if peer is not None:
        peer.close()


async def test_no_permission_says_nothing_about_the_container(
    path: Path, local: Env, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine.os.path, "exists", lambda _: True)
    monkeypatch.setattr(docker_engine.os, "access", lambda *_: False)
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: errno.EACCES)
    words = f"no permission to use {path}: add the user that Asura runs as to the socket's group (docker), and restart"
    settings = DOCKER.settings(host=f"unix://{path}")
    assert DOCKER.problems("web", settings, local) == {"settings.host": f"can't be opened: {words}"}
    before = descriptors()
    with pytest.raises(OwnFailure) as caught:
        await check("docker", "web", env=local, host=f"unix://{path}")
    assert str(caught.value) == words
    assert descriptors() == before


async def test_a_full_queue_is_waited_for(path: Path, local: Env, check: Check, nursery: trio.Nursery) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        listener.setblocking(False)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(path))
            outcome = await check("docker", "web", env=local, host=f"unix://{path}", timeout_s=0.2)
            assert outcome.message == "no answer in 0.2 s: no connection"

            sock = trio.socket.from_stdlib_socket(listener)

            async def later() -> None:
                await trio.sleep(0.1)
                (await sock.accept())[0].close()
                accepted, _ = await sock.accept()
                async with trio.SocketStream(accepted) as stream:
                    await says(container("running"))(stream)

            nursery.start_soon(later)
            assert (await check("docker", "web", env=local, host=f"unix://{path}")).status is Status.UP


CLOSED = {
    "another socket": "unix:///run/dbus/system_bus_socket",
    "a roundabout way": "unix:///var/run/../run/docker.sock",
    "another spelling": "unix:////var/run/docker.sock",
    "capital letters": "unix:///var/run/Docker.sock",
}


@pytest.mark.parametrize("host", CLOSED.values(), ids=CLOSED)
async def test_a_socket_that_isnt_listed_is_never_opened(
    host: str, env: Env, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: pytest.fail("it was opened"))
    path = host.removeprefix("unix://")
    words = f"{path} is no usual socket of Docker or Podman; list it in monitor.docker_sockets to allow it"
    assert DOCKER.problems("web", DOCKER.settings(host=host), env) == {"settings.host": f"can't be opened: {words}"}
    outcome = await check("docker", "web", env=env, host=host)
    assert (outcome.status, outcome.message, outcome.is_refused) == (Status.DOWN, words, True)


@pytest.mark.parametrize("path", USUAL_SOCKETS)
def test_the_usual_sockets_need_no_configuration(path: str, env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine.os, "access", lambda *_: True)
    settings = DOCKER.settings(host=f"unix://{path}")
    assert DOCKER.problems("web", settings, env) == {}
    assert DOCKER.hosts("web", settings) == {}


async def test_a_check_that_is_cancelled_half_way_leaves_nothing(
    path: Path, local: Env, check: Check, nursery: trio.Nursery
) -> None:
    host = await start_engine(nursery, path, silent)
    before = descriptors()
    async with trio.open_nursery() as checking:
        checking.start_soon(lambda: check("docker", "web", env=local, host=host))
        await trio.testing.wait_all_tasks_blocked(0.02)
        checking.cancel_scope.cancel()
    assert descriptors() <= before + 1  # the engine's own end


async def test_an_engine_is_asked_over_tcp(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, says(container("running")))
    outcome = await check("docker", "web", host=f"tcp://{target.address}")
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert f"\r\nHost: {target.address}\r\n".encode() in target.requests[0]


async def test_an_engine_over_tls_knows_who_asks(authority: trustme.CA, check: Check, nursery: trio.Nursery) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.verify_mode = context.verify_mode.CERT_REQUIRED
    authority.configure_trust(context)
    target = await start_target(nursery, says(container("running")), tls=context)
    own = authority.issue_cert("asura")
    shown = ClientCertificate(
        certificate=own.cert_chain_pems[0].bytes().decode(), key=own.private_key_pem.bytes().decode()
    )
    settings = {"host": f"tcp://{target.address}", "tls": True, "ca_cert": authority.cert_pem.bytes().decode()}
    outcome = await check("docker", "web", client_cert=shown, **settings)
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.timings.tls_ms is not None
    assert outcome.cert_expires_at is not None
    assert (await check("docker", "web", **settings)).status is Status.DOWN


async def test_an_engine_with_a_foreign_certificate_is_down(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(
        nursery, says(container("running")), tls=server_context(trustme.CA().issue_cert("127.0.0.1"))
    )
    outcome = await check("docker", "web", host=f"tcp://{target.address}", tls=True)
    assert outcome.status is Status.DOWN
    assert outcome.message.startswith("the certificate is not trusted")
    assert not any(target.requests)


async def test_a_test_by_hand_shows_state_and_health(path: Path, local: Env, nursery: trio.Nursery) -> None:
    host = await start_engine(nursery, path, says(container("running", Health=health("healthy"))))
    watch = Stopwatch(talks=True)
    await DOCKER.prepare("web", DOCKER.settings(host=host), local, NOTHING)(watch)
    assert watch.notes == [("address", str(path)), ("state", "running"), ("health", "healthy")]


NAMES = {"web": True, "my_web.1-a": True, "a" * 64: True, "7": True} | dict.fromkeys(
    ("", "-a", ".a", "a/b", "a b", "../x", "a%2fb", "a?b", "ä", "a\n", "/web", "a" * 256), False
)


@pytest.mark.parametrize(("name", "is_fine"), NAMES.items(), ids=map(repr, NAMES))
def test_a_name_is_what_docker_takes_for_one(name: str, is_fine: bool) -> None:
    assert (DOCKER.target_problem(name) is None) is is_fine


ENGINES: dict[str, str] = {
    "": "must be unix:// with the absolute path of a socket, or tcp:// with host and port",
    "/var/run/docker.sock": "must be unix:// with the absolute path of a socket, or tcp:// with host and port",
    "unix://run/docker.sock": "must be unix:// with the absolute path of a socket, or tcp:// with host and port",
    "unix:///run/a\n": "must be unix:// with the absolute path of a socket, or tcp:// with host and port",
    "http://docker:2375": "must be unix:// with the absolute path of a socket, or tcp:// with host and port",
    "tcp://docker": "must be host:port, such as db.example:5432 or [2001:db8::1]:5432",
    "tcp://docker:0": "must have a port between 1 and 65535",
    "tcp://docker:2375/x": "must be host:port, such as db.example:5432 or [2001:db8::1]:5432",
    "unix:///" + "x" * 107: "must have a path of at most 107 bytes",
}


@pytest.mark.parametrize(("host", "problem"), ENGINES.items(), ids=map(repr, ENGINES))
def test_an_engine_that_is_none_is_refused(host: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(DOCKER.settings, {"host": host})
    assert caught.value.fields == {"host": problem}


def test_tls_is_for_tcp_and_its_settings_for_tls(env: Env, authority: trustme.CA) -> None:
    pem = authority.cert_pem.bytes().decode()
    settings = DOCKER.settings(host="tcp://docker.example:2376", ca_cert=pem)
    assert DOCKER.problems("web", settings, env) == {"settings.ca_cert": "must be empty without TLS"}
    assert DOCKER.problems("web", attrs.evolve(settings, tls=True), env) == {}
    assert DOCKER.problems("web", DOCKER.settings(tls=True), env) == {
        "settings.tls": "must be off with a unix:// engine"
    }
    assert DOCKER.hosts("web", settings) == {"settings.host": "docker.example"}


@given(
    st.text(max_size=40) | st.text(max_size=40).map("unix://{}".format) | st.text(max_size=40).map("tcp://{}".format)
)
def test_whatever_is_typed_is_an_engine_or_refused_in_words(text: str) -> None:
    try:
        engine = parse_engine(text)
    except ValueError as exc:
        problem = str(exc)
    else:
        problem = "must"
        assert bool(engine.path) != bool(engine.host)
    assert problem.startswith("must")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["State", "Status", "Health", "Log", "ExitCode", "Output", "FinishedAt", "message", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.integers(200, 599), JSON.map(json.dumps) | st.text(max_size=50) | st.none())
def test_whatever_is_answered_becomes_a_verdict_or_a_fault(status: int, body: str | None) -> None:
    try:
        told = judge("web", http_status=status, body=body).message
    except Fault as fault:
        told = str(fault)
    assert told.isprintable()
    assert len(told) < 1000


@given(
    st.fixed_dictionaries(
        {"Status": st.sampled_from(["running", "exited", "dead", "restarting", "created"]) | st.text(max_size=50)},
        optional={
            "ExitCode": st.integers(-255, 255),
            "OOMKilled": st.booleans(),
            "Error": st.none() | st.text(max_size=300),
            "FinishedAt": st.none() | st.text(max_size=30) | st.just("9999-12-31T23:59:59-12:00"),
            "Health": st.none()
            | st.builds(
                lambda word, said: health(word, (1, said)),
                st.sampled_from(["starting", "healthy", "unhealthy"]) | st.text(max_size=50),
                st.text(max_size=3000),
            ),
        },
    )
)
def test_every_state_is_told_in_one_line(state: dict[str, Any]) -> None:
    verdict = judge("web", http_status=200, body=json.dumps({"State": state}))
    assert verdict.message.isprintable()
    assert len(verdict.message) < 1000
    assert (verdict.status is Status.UP) == (verdict.message == "")
    assert len(json.dumps(verdict.detail)) < 1000
