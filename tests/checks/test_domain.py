"""The domain check against registries on loopback: RDAP, WHOIS, both, neither, and every kind of nonsense."""

import json
import re
import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import attrs
import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st

from asura.checks import domain
from asura.checks.domain import DOMAIN
from asura.checks.domain_memory import Memory
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import Guard
from asura.protocols import rdap, whois
from asura.protocols.attempt import NOTHING, Env, Fault, Stopwatch
from asura.protocols.contexts import TlsContexts
from asura.protocols.rdap import Bootstrap, read_bootstrap, read_domain
from asura.protocols.whois import Servers
from tests.checks.conftest import Check, server_context
from tests.fakes.descriptors import drained
from tests.fakes.target import (
    Behaviour,
    Stream,
    Target,
    answer,
    bomb,
    break_off,
    endless,
    raw,
    redirect,
    reset,
    routes,
    silent,
    slow_trickle,
    start_target,
)

IN_A_YEAR = datetime.fromtimestamp(int(time.time()) + 365 * 86_400, UTC)
IN_A_YEAR_MS = int(IN_A_YEAR.timestamp() * 1000)
JSON = "application/rdap+json"


class FakeTime:
    """`time` as the check sees it."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def time(self) -> float:
        return time.time() + self.passed


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """No registry is known yet, IANA is nowhere, and time stands still until a test lets it pass."""
    fake = FakeTime()
    monkeypatch.setattr(domain, "MEMORY", Memory())
    monkeypatch.setattr(domain, "BOOTSTRAP", Bootstrap())
    monkeypatch.setattr(domain, "SERVERS", Servers())
    monkeypatch.setattr(domain, "time", fake)
    monkeypatch.setattr(rdap, "BOOTSTRAP_URL", "http://127.0.0.1:1/dns.json")
    monkeypatch.setattr(whois, "IANA", ("127.0.0.1", 1))
    return fake


def document(**more: Any) -> bytes:
    whole = {
        "objectClassName": "domain",
        "ldhName": "EXAMPLE.ORG",
        "status": ["active", "client transfer prohibited"],
        "events": [
            {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
            {"eventAction": "expiration", "eventDate": IN_A_YEAR.isoformat()},
        ],
    }
    return json.dumps(whole | more).encode()


def registered(**more: Any) -> Behaviour:
    return answer(200, document(**more), content_type=JSON)


def said(text: str | bytes, *, pause_s: float = 0.0) -> Behaviour:
    """A WHOIS server: a line in, a text out."""
    data = text.encode() if isinstance(text, str) else text

    async def behave(stream: Stream) -> None:
        heard = b""
        while not heard.endswith(b"\r\n"):
            piece = await stream.receive_some()
            if not piece:
                return
            heard += piece
        for byte in [data] if not pause_s else [data[at : at + 1] for at in range(len(data))]:
            await stream.send_all(byte)
            if pause_s:
                await trio.sleep(pause_s)

    return behave


WHOIS_TEXT = (
    f"Domain Name: EXAMPLE.ORG\r\nRegistry Expiry Date: {IN_A_YEAR:%Y-%m-%dT%H:%M:%SZ}\r\nDomain Status: ok\r\n"
)


async def test_a_registration_is_found_by_rdap(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, registered())
    outcome = await check("domain", "Example.ORG.", rdap_server=f"{target.url}rdap/")
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.domain_expires_at == IN_A_YEAR_MS
    assert outcome.detail == {"source": "127.0.0.1", "domain_status": ["active", "clientTransferProhibited"]}
    assert (outcome.response_ms or 0) >= 1
    assert target.requests[0].startswith(b"GET /rdap/domain/example.org HTTP/1.1\r\n")


async def test_a_registration_is_found_by_whois(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, said(WHOIS_TEXT))
    outcome = await check("domain", "example.org", whois_server=target.address)
    assert (outcome.status, outcome.message, outcome.domain_expires_at) == (Status.UP, "", IN_A_YEAR_MS)
    assert target.requests == [b"example.org\r\n"]


async def test_rdap_is_spoken_over_tls(check: Check, nursery: trio.Nursery, authority: trustme.CA) -> None:
    good = await start_target(nursery, registered(), tls=server_context(authority.issue_cert("127.0.0.1")))
    assert (await check("domain", "example.org", rdap_server=good.url)).message == ""
    other = await start_target(nursery, registered(), tls=server_context(authority.issue_cert("other.example")))
    outcome = await check("domain", "example.org", rdap_server=other.url)
    assert outcome.message.endswith("example.org ends: the certificate is for other.example, expected 127.0.0.1")
    past = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1))
    expired = await start_target(nursery, registered(), tls=server_context(past))
    outcome = await check("domain", "example.org", rdap_server=expired.url)
    assert "ends: the certificate expired on 2020-01-01" in outcome.message


async def test_a_redirect_is_followed(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, registered())
    first = await start_target(nursery, redirect(f"{target.url}domain/example.org"))
    assert (await check("domain", "example.org", rdap_server=first.url)).message == ""
    first.behaviour = redirect("/domain/example.org")
    outcome = await check("domain", "example.org", rdap_server=first.url)
    assert outcome.status is Status.UP, "what was found before still holds"


RDAP_FAULTS: dict[str, tuple[Behaviour, str]] = {
    "another status": (answer(500), "127.0.0.1 answered 500"),
    "a page in place of JSON": (answer(200, b"<html>"), "127.0.0.1 answered something that is no JSON"),
    "nothing": (answer(200, b""), "127.0.0.1 answered something that is no JSON"),
    "JSON that is no domain": (answer(200, b"[1]"), "127.0.0.1 answered something that is no domain"),
    "JSON without end of depth": (answer(200, b"[" * 100_000), "127.0.0.1 answered something that is no JSON"),
    "a name server": (
        registered(objectClassName="nameserver"),
        "127.0.0.1 answered something that is no domain",
    ),
    "another domain": (registered(ldhName="example.com"), "127.0.0.1 answered for example.com, not for example.org"),
    "a page that is not found": (
        answer(404, b"<html>", content_type="text/html"),
        "127.0.0.1 answered 404",
    ),
    "asked too often": (answer(429), "127.0.0.1 answered 429: it is asked too often"),
    "a circle": (redirect("/domain/example.org"), "more than 3 redirects, the last to 127.0.0.1"),
    "a redirect to nowhere": (
        redirect("ftp://example.org/"),
        "127.0.0.1 redirects to a URL that can't be asked: it must be a URL that begins with http:// or https://",
    ),
    "a redirect to a forbidden address": (
        redirect("http://10.0.0.1/"),
        "10.0.0.1 is a private address; set monitor.allow_private_targets or list it in monitor.allowed_networks",
    ),
    "reset": (reset, "the connection was reset before it answered"),
    "a close": (raw(), "the target closed the connection without an answer"),
    "garbage": (raw(b"\x00\x01\x02\r\n"), "the answer is not HTTP: "),
    "a body without end": (
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b'"'),
        "127.0.0.1 answered more than 262144 bytes",
    ),
    "a header without end": (endless(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"), "the header of the answer is over 64 KiB"),
    "a bomb": (
        answer(200, bomb(1024), content_encoding="gzip"),
        "127.0.0.1 answered more than 262144 bytes",
    ),
}


@pytest.mark.parametrize(("behaviour", "words"), RDAP_FAULTS.values(), ids=RDAP_FAULTS)
async def test_an_rdap_server_that_fails_is_told(
    behaviour: Behaviour, words: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("domain", "example.org", rdap_server=target.url)
    if outcome.is_refused:
        assert (outcome.status, outcome.message) == (Status.DOWN, words)
    else:
        assert outcome.status is Status.DEGRADED, "nobody is woken because a registry rests"
        assert outcome.message.startswith(f"can't tell when the registration of example.org ends: {words}")


async def trickle(stream: Stream) -> None:
    await stream.receive_some()
    while True:
        await stream.send_all(b".")
        await trio.sleep(0.01)


async def whois_reset(stream: Stream) -> None:
    await stream.receive_some()
    break_off(stream)


async def chatter(stream: Stream) -> None:
    while True:
        await stream.send_all(b"Domain: x\r\n" * 1000)


WHOIS_FAULTS: dict[str, tuple[Behaviour, str]] = {
    "nothing": (said(""), "127.0.0.1 answered nothing"),
    "garbage": (said(b"\xff\x00\x1b"), '127.0.0.1 answered nothing about example.org: "ÿ\\x00\\x1b"'),
    "another domain": (said("Domain: example.com\n"), "127.0.0.1 answered for example.com, not for example.org"),
    "asked too often": (said("Query rate limit exceeded"), "127.0.0.1 is asked too often"),
    "without end": (chatter, "127.0.0.1:{} answers without end: more than 64 KiB"),
    "reset": (whois_reset, "the connection to 127.0.0.1:{} was reset before the end of the answer"),
    "a referral to a forbidden address": (
        said("refer: 10.0.0.1\n"),
        "10.0.0.1 is a private address; set monitor.allow_private_targets",
    ),
    "a referral to metadata": (
        said("refer: 169.254.169.254\n"),
        "169.254.169.254 is a cloud metadata address",
    ),
    "a referral to itself": (
        said("refer: 127.0.0.1:{}\n"),
        "127.0.0.1 refers to other servers, and none of them says anything about example.org",
    ),
}


@pytest.mark.parametrize(("behaviour", "words"), WHOIS_FAULTS.values(), ids=WHOIS_FAULTS)
async def test_a_whois_server_that_fails_is_told(
    behaviour: Behaviour, words: str, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, behaviour)
    if "itself" in words or "refers to other" in words:
        target.behaviour = said(f"refer: {target.address}\n")
    outcome = await check("domain", "example.org", whois_server=target.address)
    assert outcome.status is (Status.DOWN if outcome.is_refused else Status.DEGRADED)
    expected = words.format(target.port)
    if not outcome.is_refused:
        expected = f"can't tell when the registration of example.org ends: {expected}"
    assert outcome.message.startswith(expected)
    assert target.connections == 1


SLOW = {"silent": silent, "a byte at a time": slow_trickle, "a byte at a time from the start": trickle}


@pytest.mark.parametrize("behaviour", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("way", ["rdap_server", "whois_server"])
async def test_a_slow_registry_is_told_in_time(
    way: str, behaviour: Behaviour, check: Check, nursery: trio.Nursery
) -> None:
    if behaviour is slow_trickle and way == "whois_server":
        behaviour = trickle
    target = await start_target(nursery, behaviour)
    started = trio.current_time()
    server = target.url if way == "rdap_server" else target.address
    outcome = await check("domain", "example.org", timeout_s=0.6, **{way: server})
    assert trio.current_time() - started < 1.1
    assert outcome.status is Status.DEGRADED
    told = outcome.message.partition(" ends: ")[2]
    assert told.startswith(("no answer in 0.", "no complete answer in 0.", 'the answer is not HTTP: "."'))
    await drained(target.port)


async def test_a_port_where_nobody_listens_is_told(check: Check) -> None:
    outcome = await check("domain", "example.org", rdap_server="http://127.0.0.1:1/", whois_server="127.0.0.1:1")
    refused = r"connect to 127\.0\.0\.1:1 refused after \d+ ms"
    told = rf"can't tell when the registration of example\.org ends: {refused}; {refused}"
    assert re.fullmatch(told, outcome.message)


async def test_a_domain_that_is_not_registered_is_down(check: Check, nursery: trio.Nursery) -> None:
    for behaviour in (answer(404, b'{"errorCode": 404}', content_type=JSON), answer(404, b"")):
        target = await start_target(nursery, behaviour)
        outcome = await check("domain", "example.org", rdap_server=target.url)
        assert (outcome.status, outcome.message) == (Status.DOWN, "example.org is not registered, says 127.0.0.1")
        assert outcome.response_ms is not None
    target = await start_target(nursery, said("No match for EXAMPLE.ORG"))
    outcome = await check("domain", "example.org", whois_server=target.address)
    assert outcome.message == "example.org is not registered, says 127.0.0.1"


async def test_whois_is_asked_where_rdap_fails(check: Check, nursery: trio.Nursery) -> None:
    for behaviour in (answer(500), silent, registered(events=[])):
        domain.MEMORY.clear()
        first = await start_target(nursery, behaviour)
        second = await start_target(nursery, said(WHOIS_TEXT))
        outcome = await check(
            "domain", "example.org", rdap_server=first.url, whois_server=second.address, timeout_s=1.0
        )
        assert (outcome.status, outcome.message, outcome.domain_expires_at) == (Status.UP, "", IN_A_YEAR_MS)
        assert (first.connections, second.connections) == (1, 1)


async def test_a_registry_without_dates_leaves_a_note(check: Check, nursery: trio.Nursery) -> None:
    first = await start_target(nursery, registered(events="none"))
    second = await start_target(nursery, said("Error: try again later"))
    outcome = await check("domain", "example.org", rdap_server=first.url, whois_server=second.address)
    assert outcome.status is Status.UP
    assert outcome.message.startswith("example.org is registered, but nobody says until when (127.0.0.1 is asked too")
    assert outcome.domain_expires_at is None


async def test_a_referral_is_followed_to_whom_knows(check: Check, nursery: trio.Nursery) -> None:
    registrar = await start_target(nursery, said(WHOIS_TEXT))
    thin = f"Domain Name: example.org\nRegistrar WHOIS Server: {registrar.address}\n"
    registry = await start_target(nursery, said(thin))
    outcome = await check("domain", "example.org", whois_server=registry.address)
    assert (outcome.message, outcome.domain_expires_at) == ("", IN_A_YEAR_MS)
    assert (registry.connections, registrar.connections) == (1, 1)


async def test_a_referral_that_fails_leaves_what_is_known(check: Check, nursery: trio.Nursery) -> None:
    registry = await start_target(nursery, said("Domain Name: example.org\nWhois Server: 10.0.0.1\n"))
    outcome = await check("domain", "example.org", whois_server=registry.address)
    assert outcome.status is Status.UP
    assert "nobody says until when (10.0.0.1 is a private address; set " in outcome.message


async def test_referrals_have_an_end(check: Check, nursery: trio.Nursery) -> None:
    servers = [await start_target(nursery, silent) for _ in range(10)]
    for server, following in pairwise(servers):
        server.behaviour = said(f"refer: {following.address}\n")
    outcome = await check("domain", "example.org", whois_server=servers[0].address)
    assert outcome.status is Status.DEGRADED
    assert [server.connections for server in servers] == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]


def services(*entries: tuple[list[str], list[str]]) -> bytes:
    return json.dumps({"version": "1.0", "services": entries}).encode()


async def iana(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, *, listed: bytes, referral: str
) -> tuple[Target, Target]:
    """IANA's list of RDAP servers and its WHOIS server, on loopback."""
    bootstrap = await start_target(nursery, answer(200, listed))
    servers = await start_target(nursery, said(referral))
    monkeypatch.setattr(rdap, "BOOTSTRAP_URL", bootstrap.url)
    monkeypatch.setattr(whois, "IANA", ("127.0.0.1", servers.port))
    return bootstrap, servers


async def test_the_registry_is_found_by_ianas_list(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, fresh: FakeTime
) -> None:
    registry = await start_target(
        nursery, routes({f"/domain/{name}": registered(ldhName=name) for name in ("one.example", "two.example")})
    )
    listed = services((["com", "example"], ["ftp://x/", registry.url]))
    bootstrap, servers = await iana(nursery, monkeypatch, listed=listed, referral="")
    for name in ("one.example", "two.example"):
        assert (await check("domain", name)).message == ""
    assert (bootstrap.connections, registry.connections, servers.connections) == (1, 2, 0)
    fresh.passed = 86_401
    assert (await check("domain", "one.example")).message == ""
    assert bootstrap.connections == 2
    bootstrap.behaviour = answer(500)
    fresh.passed = 2 * 86_402
    assert (await check("domain", "one.example")).message == "", "the old list still does"


async def test_whois_is_asked_where_the_list_has_no_server(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, fresh: FakeTime
) -> None:
    registry = await start_target(nursery, said(WHOIS_TEXT))
    listed = services((["com"], ["http://127.0.0.1:1/"]))
    _, servers = await iana(nursery, monkeypatch, listed=listed, referral=f"domain: ORG\nwhois: {registry.address}\n")
    assert (await check("domain", "example.org")).message == ""
    fresh.passed = 7 * 3600
    assert (await check("domain", "example.org")).message == ""
    assert (servers.connections, registry.connections) == (1, 2)
    assert servers.requests == [b"org\r\n"]


async def test_a_top_level_domain_without_any_server_is_told(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    await iana(nursery, monkeypatch, listed=services((["com"], ["http://127.0.0.1:1/"])), referral="domain: XX\n")
    outcome = await check("domain", "example.xx")
    assert outcome.message == (
        "can't tell when the registration of example.xx ends: "
        "the top-level domain has no RDAP server; the top-level domain has no WHOIS server"
    )


async def test_many_monitors_fetch_the_list_once(
    check: Check, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap, _ = await iana(nursery, monkeypatch, listed=b"{}", referral="")
    async with trio.open_nursery() as checks:
        for index in range(10):
            checks.start_soon(check, "domain", f"{index}.example")
    assert bootstrap.connections == 1


BAD_LISTS = ["", "[]", "{}", '{"services": 1}', '{"services": [[["com"], []]]}', '{"services": [[["com"], ["x"]]]}']


@pytest.mark.parametrize("text", BAD_LISTS)
def test_what_is_no_list_of_registries_is_a_fault(text: str) -> None:
    with pytest.raises(Fault, match="answered something that is no"):
        read_bootstrap(text, source="iana.example")


def test_https_is_preferred() -> None:
    found = read_bootstrap(services((["ORG"], ["http://a.example/", "https://b.example/"])).decode(), source="")
    assert found["org"].host == "b.example"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["events", "status", "ldhName", "services", "eventAction", "x"]), inner)
    ),
)


@given(ANY_JSON)
def test_no_document_breaks_the_readers(value: Any) -> None:
    text = json.dumps(value)
    for read in (
        lambda: read_domain(text, "example.org", source="x"),
        lambda: read_bootstrap(text, source="x"),
    ):
        try:
            read()
        except Fault:
            continue


BAD_EVENTS = ["x", "2026-02-30", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "", "1e9", None, 5]


@pytest.mark.parametrize("date", BAD_EVENTS, ids=map(str, BAD_EVENTS))
def test_a_date_that_is_none_is_no_date(date: Any) -> None:
    text = document(events=[5, {"eventAction": "expiration", "eventDate": date}]).decode()
    assert read_domain(text, "example.org", source="x").expires_at is None


# What is remembered


@attrs.define
class Watched:
    """One monitor and its registry."""

    attempt: Any
    registry: Target

    async def look(self, *, talks: bool = False, timeout_s: float = 5.0) -> Outcome:
        with trio.fail_after(timeout_s):
            return await self.attempt(Stopwatch(talks=talks))


async def watched(nursery: trio.Nursery, env: Env, behaviour: Behaviour) -> Watched:
    registry = await start_target(nursery, behaviour)
    settings = DOMAIN.settings(rdap_server=registry.url)
    return Watched(DOMAIN.prepare("example.org", settings, env, NOTHING), registry)


async def test_a_good_answer_holds_for_hours(nursery: trio.Nursery, env: Env, fresh: FakeTime) -> None:
    monitor = await watched(nursery, env, registered())
    for _ in range(10):
        outcome = await monitor.look()
        assert (outcome.status, outcome.domain_expires_at) == (Status.UP, IN_A_YEAR_MS)
        fresh.passed += 600
    assert outcome.response_ms is None
    assert monitor.registry.connections == 1
    fresh.passed += 6 * 3600
    assert (await monitor.look()).response_ms is not None
    assert monitor.registry.connections == 2


async def test_a_test_by_hand_always_asks(nursery: trio.Nursery, env: Env) -> None:
    monitor = await watched(nursery, env, registered())
    await monitor.look()
    assert (await monitor.look(talks=True)).response_ms is not None
    assert monitor.registry.connections == 2


async def test_bad_news_is_asked_for_three_times(nursery: trio.Nursery, env: Env, fresh: FakeTime) -> None:
    monitor = await watched(nursery, env, registered(status=["client hold"]))
    for _ in range(6):
        assert (await monitor.look()).status is Status.DOWN
        fresh.passed += 60
    assert monitor.registry.connections == 3
    fresh.passed += 600
    monitor.registry.behaviour = registered()
    assert (await monitor.look()).status is Status.UP


@pytest.mark.parametrize(
    "behaviour",
    [answer(503), answer(429), silent, redirect("http://10.0.0.1/")],
    ids=["503", "429", "silent", "refused"],
)
async def test_the_last_answer_stands_in_for_a_registry_that_fails(
    behaviour: Behaviour, nursery: trio.Nursery, env: Env, fresh: FakeTime
) -> None:
    monitor = await watched(nursery, env, registered())
    await monitor.look()
    fresh.passed += 7 * 3600
    monitor.registry.behaviour = behaviour
    for _ in range(5):
        outcome = await monitor.look(timeout_s=0.6)
        assert outcome.status is Status.UP
        assert outcome.message.startswith("the registry could not be asked again, its last answer is 7 hours old: ")
        assert outcome.domain_expires_at == IN_A_YEAR_MS
        fresh.passed += 10
    assert monitor.registry.connections == 2
    fresh.passed += 7 * 86_400
    assert (await monitor.look(timeout_s=0.6)).status is Status.DEGRADED


async def test_a_registry_that_asks_to_wait_is_left_alone(nursery: trio.Nursery, env: Env, fresh: FakeTime) -> None:
    monitor = await watched(nursery, env, answer(429, retry_after="7200"))
    for _ in range(60):
        assert (await monitor.look()).status is Status.DEGRADED
        fresh.passed += 119
    assert monitor.registry.connections == 1
    fresh.passed += 120
    await monitor.look()
    assert monitor.registry.connections == 2


async def test_the_registry_is_asked_when_the_last_date_has_come(
    nursery: trio.Nursery, env: Env, fresh: FakeTime
) -> None:
    soon = datetime.fromtimestamp(fresh.time() + 600, UTC).isoformat()
    monitor = await watched(nursery, env, registered(events=[{"eventAction": "expiration", "eventDate": soon}]))
    assert (await monitor.look()).status is Status.DEGRADED
    monitor.registry.behaviour = registered()
    fresh.passed += 601
    assert (await monitor.look()).status is Status.UP, "renewed at the last moment"


async def test_other_settings_mean_another_memory(nursery: trio.Nursery, env: Env) -> None:
    monitor = await watched(nursery, env, registered())
    await monitor.look()
    settings = DOMAIN.settings(rdap_server=monitor.registry.url, warn_days=400)
    other = DOMAIN.prepare("example.org", settings, env, NOTHING)
    assert (await other(Stopwatch())).status is Status.DEGRADED
    assert monitor.registry.connections == 2


async def test_a_refused_server_is_no_fault_of_the_domain(nursery: trio.Nursery) -> None:
    target = await start_target(nursery, registered())
    closed = Env(guard=Guard(), tls=TlsContexts())
    attempt = DOMAIN.prepare("example.org", DOMAIN.settings(rdap_server=target.url), closed, NOTHING)
    outcome = await attempt(Stopwatch())
    assert outcome.is_refused
    assert target.connections == 0


# What may be typed

BAD_TARGETS = {
    "org": "must be a domain below a top-level domain",
    ".": "must be a domain below a top-level domain",
    "192.0.2.1": "must be a domain, not an address",
    "::1": "must be a domain, not an address",
    "https://example.org/": "must be a name of letters",
    "_x.example.org": "must be a registered domain",
    "*.example.org": "must be a registered domain",
    "": "must be a name of letters",
    "a b.org": "must be a name of letters",
}


@pytest.mark.parametrize(("target", "problem"), BAD_TARGETS.items(), ids=BAD_TARGETS)
def test_what_is_no_domain_is_refused(target: str, problem: str) -> None:
    assert (DOMAIN.target_problem(target) or "").startswith(problem)


@pytest.mark.parametrize("target", ["example.org", "EXAMPLE.co.uk", "münchen.example", "example.org."])
def test_a_domain_is_taken(target: str) -> None:
    assert DOMAIN.target_problem(target) is None


def test_the_servers_are_hosts_for_the_guard(env: Env) -> None:
    settings = DOMAIN.settings(rdap_server="https://RDAP.example/x/", whois_server="[::1]:4343")
    assert DOMAIN.hosts("example.org", settings) == {
        "settings.rdap_server": "rdap.example",
        "settings.whois_server": "::1",
    }
    assert DOMAIN.hosts("example.org", DOMAIN.settings()) == {}
    wrong = DOMAIN.settings(warn_days=5, critical_days=6)
    assert DOMAIN.problems("example.org", wrong, env) == {"settings.critical_days": "must be at most warn_days (5)"}
