"""The Docker check: asks the engine over its socket for one container's state and health."""

import re
import ssl
from collections.abc import Mapping
from urllib.parse import quote

import attrs
from attrs.validators import and_

from asura import __version__
from asura.checks.base import CheckType, TargetField
from asura.checks.docker_state import judge
from asura.errors import TargetRefused
from asura.fields import text
from asura.model.assertion import AssertionType
from asura.model.observation import Outcome
from asura.netguard import ResolveError
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch, down, shortened
from asura.protocols.connection import Connection
from asura.protocols.docker_engine import (
    Engine,
    lacks_permission,
    open_engine,
    parse_engine,
    permission_words,
    refusal,
)
from asura.protocols.http_answer import Http1Answer
from asura.protocols.http_exchange import exchange
from asura.protocols.opening import judged
from asura.protocols.pem import MAX_PEM_CHARS, ClientCertificate, is_authorities
from asura.protocols.target import shown_host_port

MAX_BODY_BYTES = 2**20
"""Of a description. A large one has 100 kB: labels, variables, and five outputs of health checks of 4 kB each."""
MAX_NAME_CHARS = 255

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", re.ASCII)
"""What Docker itself takes as a name; ids are among them."""


def _is_engine(_: object, __: object, value: str) -> None:
    parse_engine(value)


@attrs.frozen(kw_only=True)
class DockerSettings:
    """Which engine is asked, and how."""

    host: str = attrs.field(
        default="unix:///var/run/docker.sock",
        validator=and_(text(300), _is_engine),
        metadata={
            "label": "Engine",
            "help": "unix:// with the path of its socket, or tcp:// with host and port. Sockets other than the usual "
            "ones of Docker and Podman must be listed in the configuration, in monitor.docker_sockets.",
            "placeholder": "unix:///var/run/docker.sock",
        },
    )
    tls: bool = attrs.field(
        default=False,
        metadata={
            "group": "TLS",
            "label": "TLS",
            "help": "Speak TLS with a tcp:// engine, and verify its certificate.",
        },
    )
    ca_cert: str = attrs.field(
        default="",
        validator=and_(text(MAX_PEM_CHARS), is_authorities),
        metadata={
            "group": "TLS",
            "label": "Own authority",
            "help": "PEM of the authorities to trust, in place of those of the machine: Docker's ca.pem.",
            "multiline": True,
            "placeholder": "-----BEGIN CERTIFICATE-----",
        },
    )
    client_cert: ClientCertificate | None = attrs.field(
        default=None,
        metadata={
            "group": "TLS",
            "label": "Client certificate",
            "help": "Docker's cert.pem and key.pem, by which the engine knows who asks.",
        },
    )


def target_problem(target: str) -> str | None:
    """What is wrong with a container's name, or None."""
    if not target or len(target) > MAX_NAME_CHARS or not _NAME.fullmatch(target):
        return "must be the name or id of a container: letters, digits, and _ . - behind the first"
    return None


def hosts(target: str, settings: DockerSettings) -> dict[str, str]:
    """What is connected to, unless it is a Unix socket."""
    engine = parse_engine(settings.host)
    return {"settings.host": engine.host} if engine.host else {}


def problems(target: str, settings: DockerSettings, env: Env) -> Mapping[str, str]:
    """What of the settings contradicts itself, the configuration, or the permissions of this machine."""
    path = parse_engine(settings.host).path
    if path and settings.tls:
        return {"settings.tls": "must be off with a unix:// engine"}
    found = {}
    if path and (problem := refusal(path, env)):
        found["settings.host"] = f"can't be opened: {problem}"
    elif path and lacks_permission(path):
        found["settings.host"] = f"can't be opened: {permission_words(path)}"
    for name in ("ca_cert", "client_cert"):
        if getattr(settings, name) and not settings.tls:
            found[f"settings.{name}"] = "must be empty without TLS"
    return found


def prepare(target: str, settings: DockerSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of a container ready.

    Raises ValueError: the target or a setting has a problem.
    """
    engine = parse_engine(settings.host)
    authority = shown_host_port(engine.host, engine.port) if engine.host else "docker"
    plan = _Plan(
        env=env,
        name=target,
        engine=engine,
        context=env.tls.client(ca_cert=settings.ca_cert, client_cert=settings.client_cert) if settings.tls else None,
        # Without a version in the path: the engine answers as its newest.
        request=(
            f"GET /containers/{quote(target, safe='')}/json HTTP/1.1\r\nHost: {authority}\r\n"
            f"User-Agent: Asura/{__version__}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        ).encode("ascii"),
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    name: str
    engine: Engine
    context: ssl.SSLContext | None
    request: bytes

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        try:
            connection = await open_engine(self.engine, context=self.context, env=self.env, watch=watch)
        except (Fault, TargetRefused, ResolveError) as exc:
            return down(exc, watch)
        try:
            return await self._ask(connection, watch)
        except Fault as exc:
            return judged(connection, watch, problem=str(exc))
        finally:
            connection.close()

    async def _ask(self, connection: Connection, watch: Stopwatch) -> Outcome:
        answer = Http1Answer(is_head=False, limit=MAX_BODY_BYTES, keep=Keep(body=True))
        await exchange(connection, self.request, answer, watch=watch)
        if answer.body.is_full:
            raise Fault(f"the answer is over {MAX_BODY_BYTES // 2**20} MiB, which no description of a container is")
        reply = await answer.reply()
        verdict = judge(self.name, http_status=answer.status, body=reply.body if reply is not None else None)
        if watch.talks:
            for label, word in verdict.detail.items():
                watch.tell(label.replace("_", " "), str(word))
        seen = judged(connection, watch, detail=verdict.detail)
        return attrs.evolve(seen, status=verdict.status, message=shortened(verdict.message))


DOCKER = CheckType(
    name="docker",
    label="Docker container",
    about="""\
Asks a Docker engine for the state and health of a container. Podman's answers the same; the question is
`GET /containers/{name}/json`.

- **Up**: it runs, and its health check passes, or it has none.
- **Degraded**: it runs, and its health check has not passed yet since it was started.
- **Down**: it is unhealthy (the message has the last line of its health check), has ended (with which exit status,
  when, and whether it ran out of memory), is paused, restarting, dead, being removed or was never started; there is no
  such container; the engine doesn't run or answers something else.

**The socket**: `/var/run/docker.sock` or Podman's `/run/podman/podman.sock`. Others must be listed in the
configuration, in `monitor.docker_sockets`, so that whoever may write monitors can't reach every socket of the machine.

**Permission**: the user that Asura runs as must be allowed to use the socket, most often by its group
(`usermod -aG docker asura`, then restart Asura). Mind that this makes it as powerful as root; a proxy that passes only
`GET /containers/*` on is safer. Without permission a monitor is refused when it is saved. When the permission is lost
later, nothing is recorded, for it says nothing about the container: the log says so, and the monitor's status is that
of the last check.

**Over TCP** the outbound guard holds as everywhere. Use TLS with a client certificate: an engine that answers everybody
belongs to everybody.
""",
    target=TargetField(label="Container", help="Its name, or its id.", placeholder="web"),
    settings=DockerSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    problems=problems,
    asserts=frozenset({AssertionType.RESPONSE_TIME, AssertionType.CERT_EXPIRY}),
    is_local=True,
)
