"""The outbound guard holds in every check type and channel: against each form of address, names, and names that change.

What is counted is what reaches the kernel. A type or channel without a row here fails the first test.
"""

import errno
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import trio

import asura
from asura.api import channel_documents, monitor_documents
from asura.channels import CHANNEL_TYPES
from asura.channels import base as channels
from asura.checks import CHECK_TYPES, domain
from asura.clock import SystemClock
from asura.config.schema import MonitorDefaults
from asura.errors import InvalidDocument, SendError
from asura.model.monitor import Status
from asura.model.notification import Message
from asura.model.observation import Outcome
from asura.netguard import METADATA_ADDRESSES, Guard
from asura.outbound import guarded_client
from asura.protocols.attempt import NOTHING, Env, Stopwatch
from asura.protocols.contexts import TlsContexts
from asura.serde import load
from tests.fakes.target import Behaviour, Stream, answer, redirect, start_target

Way = Callable[[str], tuple[str, dict[str, Any]]]
"""A host as a URL has it → a target and settings that lead a check to it."""

WAYS: dict[str, dict[str, Way]] = {
    "http": {
        "target": lambda host: (f"http://{host}/", {}),
        "target over TLS": lambda host: (f"https://{host}/", {}),
        "settings.proxy": lambda host: ("http://192.0.2.80/", {"proxy": f"http://{host}:3128"}),
        "settings.proxy by SOCKS5": lambda host: ("http://192.0.2.80/", {"proxy": f"socks5://{host}:1080"}),
        "target behind a proxy": lambda host: (f"http://{host}/", {"proxy": "http://192.0.2.80:3128"}),
    },
    "tcp": {"target": lambda host: (f"{host}:80", {}), "target over TLS": lambda host: (f"{host}:443", {"tls": True})},
    "tls": {"target": lambda host: (f"{host}:443", {})},
    "websocket": {
        "target": lambda host: (f"ws://{host}/", {}),
        "target over TLS": lambda host: (f"wss://{host}/", {}),
    },
    "grpc": {"target": lambda host: (f"{host}:50051", {})},
    "mqtt": {"target": lambda host: (f"{host}:1883", {})},
    "docker": {
        "settings.host": lambda host: ("web", {"host": f"tcp://{host}:2375"}),
        "settings.host over TLS": lambda host: ("web", {"host": f"tcp://{host}:2376", "tls": True}),
    },
    "icmp": {"target": lambda host: (host.strip("[]"), {})},
    "dns": {
        "settings.server": lambda host: ("example.org", {"server": f"{host}:53"}),
        "settings.server without port": lambda host: ("example.org", {"server": host}),
        "settings.server over TCP": lambda host: ("example.org", {"server": f"{host}:53", "protocol": "tcp"}),
    },
    "domain": {
        "settings.rdap_server": lambda host: ("example.org", {"rdap_server": f"https://{host}/"}),
        "settings.whois_server": lambda host: ("example.org", {"whois_server": f"{host}:43"}),
    },
}
LOCAL = {
    "command": "runs a program of the machine's own list, and what that connects to is that program's business",
    "heartbeat": "is asked nothing, for it reports by itself",
}
"""Types that connect to no address, with the reason."""

CHANNEL_WAYS: dict[str, Callable[[str], dict[str, Any]]] = {"webhook": lambda host: {"url": f"http://{host}/hook"}}

ALLOWED = ("127.0.0.1", "192.0.2.80")
"""So that a peer of a test can be reached. Everything below is something else."""

ADDRESSES = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.2", "169.254.1.1", "172.16.0.1", "192.0.0.1", "192.168.1.1"),
    *("192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16"),
    *("::", "::1", "::127.0.0.2", "::ffff:127.0.0.2", "::ffff:169.254.169.254", "::ffff:0:127.0.0.2"),
    *("64:ff9b::127.0.0.2", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:2::", "3fff::1"),
    *("5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "4000::1"),
]
FORMS = [
    *(f"[{each}]" if ":" in each else each for each in ADDRESSES),
    *("127.2", "127.0.2", "0x7f.2", "0X7F.0.0.2", "0x7f000002", "2130706434", "0177.0.0.2", "017700000002"),
    *("127.0.0.2.", "127。0。0。2", "127．0．0．2", "１２７.0.0.2", "①27.0.0.2", "127.0.0.2\u00ad", "12\u00ad7.0.0.2"),
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "ｌｏｃａｌｈｏｓｔ", "localhost。"),
    *("[0:0:0:0:0:0:0:1]", "[::FFFF:7F00:2]", "[fe80::1%lo]", "[fe80::1%25lo]", "[::1%lo]", "2852039166"),
]
"""As they may be typed, or stand in a redirect or a referral."""

PATHS = [(kind, path) for kind, ways in WAYS.items() if kind in CHECK_TYPES for path in ways]


def test_every_type_and_channel_has_a_row() -> None:
    assert CHECK_TYPES.keys() <= WAYS.keys() | LOCAL.keys()
    assert CHANNEL_TYPES.keys() == CHANNEL_WAYS.keys()


def test_every_host_that_a_type_names_has_a_row() -> None:
    for kind in CHECK_TYPES.keys() & WAYS.keys():
        named: set[str] = set()
        for way in WAYS[kind].values():
            target, settings = way("192.0.2.1")
            named |= CHECK_TYPES[kind].hosts(target, CHECK_TYPES[kind].settings(**settings)).keys()
        assert named <= {path.split()[0] for path in WAYS[kind]}
    for kind in CHECK_TYPES.keys() & LOCAL.keys():
        assert CHECK_TYPES[kind].is_local or CHECK_TYPES[kind].is_passive


@attrs.define
class Wire:
    """What reached the kernel: addresses that were connected or sent to. Only those in `open_to` are let through."""

    open_to: tuple[str, ...] = ()
    reached: list[str] = attrs.field(factory=list)

    def note(self, sock: socket.socket, address: Any) -> bool:
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return True
        self.reached.append(str(address[0]))
        return address[0] in self.open_to


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    originals = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto", "sendmsg")}
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "refused by the test")

    def connect(self: socket.socket, address: Any) -> Any:
        if not wire.note(self, address):
            raise refused
        return originals["connect"](self, address)

    def connect_ex(self: socket.socket, address: Any) -> Any:
        return originals["connect_ex"](self, address) if wire.note(self, address) else errno.ECONNREFUSED

    def sendto(self: socket.socket, data: Any, *rest: Any) -> Any:
        if not wire.note(self, rest[-1]):
            raise refused
        return originals["sendto"](self, data, *rest)

    def sendmsg(self: socket.socket, buffers: Any, *rest: Any) -> Any:
        if len(rest) > 2 and rest[2] is not None and not wire.note(self, rest[2]):
            raise refused
        return originals["sendmsg"](self, buffers, *rest)

    for replacement in (connect, connect_ex, sendto, sendmsg):
        monkeypatch.setattr(socket.socket, replacement.__name__, replacement)
    return wire


def names(monkeypatch: pytest.MonkeyPatch, answers: Iterable[list[str]]) -> list[str]:
    """Stand in for the name server: one list of addresses for each lookup in turn. Gives the names that are asked."""
    asked: list[str] = []
    rest = iter(answers)

    def getaddrinfo(name: str, port: int, family: int = 0, *_: object) -> list[tuple[object, ...]]:
        try:
            found = [str(ip_address(name.partition("%")[0]))]  # what is no name never comes here
        except ValueError:
            asked.append(name)
            found = next(rest)
        places = [(socket.AF_INET6, (ip, port, 0, 0)) if ":" in ip else (socket.AF_INET, (ip, port)) for ip in found]
        return [(fam, socket.SOCK_STREAM, 6, "", place) for fam, place in places if family in (0, fam)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def environment(*allowed: str, allow_private: bool = False) -> Env:
    return Env(guard=Guard(allow_private=allow_private, allowed_networks=allowed), tls=TlsContexts())


async def look(kind: str, target: str, settings: dict[str, Any], env: Env, *, timeout_s: float = 1.0) -> Outcome:
    check_type = CHECK_TYPES[kind]
    attempt = check_type.prepare(target, check_type.settings(**settings), env, NOTHING)
    with trio.move_on_after(timeout_s):
        return await attempt(Stopwatch())
    return Outcome(status=Status.DOWN, message="timeout")


def api_problems(kind: str, target: str, settings: dict[str, Any], env: Env) -> dict[str, str]:
    """What the API says to a monitor."""
    raw_document = {"name": "x", "type": kind, "target": target, "settings": settings}
    return monitor_documents.read(raw_document, defaults=MonitorDefaults(), env=env)[1]


@pytest.mark.parametrize(("kind", "path"), PATHS, ids=[f"{kind} {path}" for kind, path in PATHS])
async def test_no_form_of_address_is_reached(kind: str, path: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment("192.0.2.80")
    asked = names(monkeypatch, iter(lambda: ["127.0.0.2", "::1"], None))
    check_type = CHECK_TYPES[kind]
    for form in FORMS:
        target, settings = WAYS[kind][path](form)
        problems = api_problems(kind, target, settings, env)
        assert problems.keys() & {path.split()[0], "target", "settings"}, f"the API takes {form}"
        if check_type.target_problem(target) is None:
            try:
                loaded = check_type.settings(**settings)
            except ValueError:
                continue
            # A configuration may have changed since the API took it, or a database come from elsewhere.
            outcome = await look(kind, target, attrs.asdict(loaded, recurse=False), env)
            assert outcome.status is not Status.UP, form
            assert outcome.is_refused or "is no address" in outcome.message or "no interface" in outcome.message, form
    assert wire.reached == []
    assert all("localhost" in name for name in asked)


@pytest.mark.parametrize(("kind", "path"), PATHS, ids=[f"{kind} {path}" for kind, path in PATHS])
async def test_no_address_is_reached_by_name(kind: str, path: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment(*ALLOWED)
    asked = names(monkeypatch, ([each] for each in ADDRESSES))
    for _ in ADDRESSES:
        outcome = await look(kind, *WAYS[kind][path]("inner.example"), env)
        assert outcome.is_refused
        assert "inner.example is refused: " in outcome.message
    assert wire.reached == []
    assert asked == ["inner.example"] * len(ADDRESSES)


@pytest.mark.parametrize(("kind", "path"), PATHS, ids=[f"{kind} {path}" for kind, path in PATHS])
async def test_metadata_stays_closed_where_everything_is_open(
    kind: str, path: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environment("0.0.0.0/0", "::/0", "169.254.0.0/16", allow_private=True)
    metadata = [str(each) for each in sorted(METADATA_ADDRESSES, key=str)]
    names(monkeypatch, ([each] for each in metadata))
    for each in metadata:
        literal = f"[{each}]" if ":" in each else each
        assert "is a cloud metadata address" in " ".join(api_problems(kind, *WAYS[kind][path](literal), env).values())
        for host in (literal, "metadata.example"):
            outcome = await look(kind, *WAYS[kind][path](host), env)
            assert outcome.is_refused
            assert "is a cloud metadata address" in outcome.message
    assert wire.reached == []


@pytest.mark.parametrize(("kind", "path"), PATHS, ids=[f"{kind} {path}" for kind, path in PATHS])
async def test_a_name_that_changes_is_reached_only_where_it_was_judged(
    kind: str, path: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer is permitted, and every later one is not."""

    def answers() -> Iterator[list[str]]:
        yield ["192.0.2.80"]
        while True:
            yield ["10.0.0.1"]

    asked = names(monkeypatch, answers())
    target, settings = WAYS[kind][path]("rebound.example")
    outcome = await look(kind, target, settings, environment(*ALLOWED), timeout_s=0.3)
    assert not outcome.is_refused
    assert asked == ["rebound.example"], "resolved once for one attempt"
    reached = len(wire.reached)
    assert reached >= 1
    outcome = await look(kind, target, settings, environment(*ALLOWED))
    assert outcome.is_refused
    assert set(wire.reached) == {"192.0.2.80"}
    assert len(wire.reached) == reached


@pytest.mark.parametrize(("kind", "path"), PATHS, ids=[f"{kind} {path}" for kind, path in PATHS])
async def test_of_several_addresses_only_the_permitted_are_reached(
    kind: str, path: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, iter(lambda: ["10.0.0.1", "192.0.2.80", "::1", "127.0.0.2"], None))
    await look(kind, *WAYS[kind][path]("mixed.example"), environment(*ALLOWED), timeout_s=0.3)
    assert set(wire.reached) == {"192.0.2.80"}


def whois(referral: str) -> Behaviour:
    async def behave(stream: Stream) -> None:
        await stream.receive_some()  # or closing would reset the connection, and nobody would read the referral
        await stream.send_all(f"refer: {referral}\r\n".encode())

    return behave


HOPS: dict[str, tuple[str, Callable[[str], Behaviour], Callable[[str], tuple[str, dict[str, Any]]]]] = {
    "an HTTP redirect": (
        "http",
        lambda form: redirect(f"http://{form}/"),
        lambda place: (f"http://{place}/", {}),
    ),
    "an HTTP redirect to HTTPS": (
        "http",
        lambda form: redirect(f"https://{form}:8443/", 308),
        lambda place: (f"http://{place}/", {}),
    ),
    "an HTTP redirect without scheme": (
        "http",
        lambda form: redirect(f"//{form}/", 307),
        lambda place: (f"http://{place}/", {}),
    ),
    "an RDAP redirect": (
        "domain",
        lambda form: redirect(f"http://{form}/"),
        lambda place: ("example.org", {"rdap_server": f"http://{place}/"}),
    ),
    "a WHOIS referral": (
        "domain",
        whois,
        lambda place: ("example.org", {"whois_server": place}),
    ),
    "a WHOIS referral with a port": (
        "domain",
        lambda form: whois(f"whois://{form}:4343"),
        lambda place: ("example.org", {"whois_server": place}),
    ),
    "a WebSocket redirect": (
        "websocket",
        lambda form: redirect(f"ws://{form}/"),
        lambda place: (f"ws://{place}/", {}),
    ),
}


@pytest.mark.parametrize(("kind", "behaviour", "way"), HOPS.values(), ids=HOPS)
async def test_no_hop_leads_to_a_form_of_address(
    kind: str,
    behaviour: Callable[[str], Behaviour],
    way: Callable[[str], tuple[str, dict[str, Any]]],
    nursery: trio.Nursery,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire.open_to = ("127.0.0.1",)
    names(monkeypatch, iter(lambda: ["127.0.0.2", "10.0.0.1"], None))
    target = await start_target(nursery, answer())
    env = environment("127.0.0.1")
    forms = [form.encode("utf-8").decode("latin-1") if kind != "domain" else form for form in FORMS]
    for form in [*forms, "inner.example"]:
        try:
            target.behaviour = behaviour(form)
        except UnicodeEncodeError:
            continue
        place, settings = way(target.address)
        domain.MEMORY.clear()
        outcome = await look(kind, place, settings, env)
        assert outcome.status is not Status.UP, form
    assert outcome.is_refused or "not followed" in outcome.message, "the hop was seen, and not only the way there lost"
    assert set(wire.reached) == {"127.0.0.1"}
    assert target.connections >= len(FORMS) - 5


MESSAGE = Message(event="test", at=0, monitor={}, incident={})


def channel_env(env: Env) -> channels.Env:
    def open_client() -> httpx.AsyncClient:
        return guarded_client(env.guard, timeout_s=1)

    return channels.Env(clock=SystemClock(), open_client=open_client)


@pytest.mark.parametrize("kind", CHANNEL_WAYS)
async def test_no_channel_reaches_a_form_of_address(kind: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, iter(lambda: ["127.0.0.2", "::1"], None))
    env, channel = environment("192.0.2.80"), CHANNEL_TYPES[kind]
    for form in [*FORMS, "inner.example"]:
        document = {"name": "x", "type": kind, "settings": CHANNEL_WAYS[kind](form)}
        if form != "inner.example":
            with pytest.raises(InvalidDocument):
                channel_documents.read(document, guard=env.guard)
        try:
            settings = load(channel.settings, CHANNEL_WAYS[kind](form))
        except InvalidDocument:
            continue
        with pytest.raises(SendError):
            await channel.send(settings, MESSAGE, "key", channel_env(env))
    assert wire.reached == []


@pytest.mark.parametrize("kind", CHANNEL_WAYS)
async def test_a_channels_name_that_changes_is_reached_only_where_it_was_judged(
    kind: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, [["192.0.2.80"], ["10.0.0.1"], ["10.0.0.1"]])
    env, channel = environment(*ALLOWED), CHANNEL_TYPES[kind]
    settings = load(channel.settings, CHANNEL_WAYS[kind]("rebound.example"))
    for _ in range(2):
        with pytest.raises(SendError):
            await channel.send(settings, MESSAGE, "key", channel_env(env))
    assert set(wire.reached) == {"192.0.2.80"}


CONNECTING = re.compile(
    r"\.connect(?:_ex)?\(|\.sendto\(|getaddrinfo\(|gethostby|create_connection\(|open_tcp_stream|urlopen\("
    r"|import requests|httpx\.(?:get|post|request|Client|AsyncClient)\(|http\.client|smtplib"
)
WHO_MAY = {
    "netguard.py": "looks names up for everybody",
    "outbound.py": "connects to what the guard gave it",
    "protocols/connection.py": "connects to what the guard gave it",
    "protocols/dns_exchange.py": "connects to what the guard gave it, or to the machine's own resolvers",
    "protocols/icmp_socket.py": "sends to what the guard gave it",
    "protocols/docker_engine.py": "opens a socket file",
    "cli/examining.py": "looks a fixed name up, to see whether the resolver works",
    "daemon/systemd.py": "tells systemd over a socket file",
}


def test_nothing_else_connects_or_looks_names_up() -> None:
    """A new line that does goes through the guard, or is named above with its reason."""
    root = Path(asura.__file__).parent
    found = {}
    for path in sorted(root.rglob("*.py")):
        lines = [line for line in path.read_text().splitlines() if CONNECTING.search(line)]
        lines = [line for line in lines if "sqlite3.connect(" not in line and "wire.connect(" not in line]
        if lines:
            found[path.relative_to(root).as_posix()] = lines
    assert found.keys() <= WHO_MAY.keys(), {name: found[name] for name in found.keys() - WHO_MAY.keys()}
