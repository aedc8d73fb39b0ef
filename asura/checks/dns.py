"""The DNS check: one question to one name server, and whether its answer is the one that is wanted."""

from collections.abc import Sequence

import attrs
import dns.rcode
from trio.lowlevel import checkpoint

from asura.checks.base import CheckType, TargetField
from asura.checks.dns_settings import NO_DATA, DnsSettings, hosts, problems, target_problem
from asura.errors import TargetRefused
from asura.model.assertion import AssertionType
from asura.model.monitor import Status
from asura.model.observation import Outcome, Reply
from asura.netguard import Address, ResolveError
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch, down, shortened
from asura.protocols.dns_exchange import OWN_RESOLVERS, PORT, DnsReply, ask
from asura.protocols.dns_wire import Malformed, Question, comparable, expected_text, question, record_text, records
from asura.protocols.names import parse_name, parse_server, typed_address

MAX_KEPT_RECORDS = 32
"""Stored with each result; the longest answers that people compare (mail, name servers, addresses) are shorter."""
MAX_KEPT_CHARS = 2_000
"""Of all of them together."""
MAX_RECORD_CHARS = 512
SHOWN_RECORDS = 4
SHOWN_RECORD_CHARS = 120
DECODED_AT_ONCE = 16
"""Records decoded before others have their turn: a hostile one takes up to 100 µs."""

_RCODE_WORDS = {
    "FORMERR": "it did not understand the question",
    "SERVFAIL": "it failed to find the answer",
    "NXDOMAIN": "no such name",
    "NOTIMP": "it can't answer such questions",
    "REFUSED": "it doesn't answer us, or not for this name",
    "NOTAUTH": "it is not responsible for this name",
}


def prepare(target: str, settings: DnsSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target or a setting has a problem.
    """
    address = typed_address(target)
    name = parse_name(target) if address is None else address.reverse_pointer
    plan = _Plan(
        env=env,
        settings=settings,
        keep=keep,
        name=name if address is None else target,
        asked=question(name, settings.record_type),
        server=parse_server(settings.server, default_port=PORT) if settings.server else None,
        expected={
            comparable(expected_text(each, settings.record_type), settings.record_type): each
            for each in settings.expect
        },
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    settings: DnsSettings
    keep: Keep
    name: str
    asked: Question
    server: tuple[str, int] | None
    expected: dict[str, str]
    """What is expected, in comparable form, to how it was typed."""

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        try:
            servers, name = await self._servers(watch)
            is_tcp = self.settings.protocol == "tcp"
            reply = await ask(servers, self.asked, over_tcp=is_tcp, name=name, watch=watch)
            response_ms, timings = watch.elapsed_ms(), watch.timings()
            answers = await self._answers(reply)
        except (Fault, TargetRefused, ResolveError) as exc:
            return down(exc, watch)
        problem = self._problem(reply, answers)
        if watch.talks:
            watch.tell("result", _rcode(reply, answers))
            for each in answers[:MAX_KEPT_RECORDS]:
                watch.tell("answer", each)
        return Outcome(
            status=Status.DOWN if problem else Status.UP,
            message=shortened(problem),
            response_ms=response_ms,
            timings=timings,
            detail={"dns_records": kept(answers)},
            reply=Reply(body="\n".join(answers)) if self.keep.body else None,
        )

    async def _servers(self, watch: Stopwatch) -> tuple[list[Address], str]:
        """Whom to ask, and the name that they go by, if any."""
        if self.server is None:
            return OWN_RESOLVERS.addresses(), ""
        host, port = self.server
        watch.skip(to="dns")
        addresses = await self.env.guard.resolve(host, port)
        if addresses[0].ip == host:
            return addresses, ""
        watch.done("dns")
        return addresses, host

    async def _answers(self, reply: DnsReply) -> list[str]:
        """The values of the records, sorted."""
        wire, kind = reply.wire, self.asked.type
        try:
            if not reply.head.total:
                return []
            found = []
            for index, record in enumerate(records(wire, reply.head, self.asked), 1):
                found.append(record_text(wire, record, kind))
                if index % DECODED_AT_ONCE == 0:
                    await checkpoint()
        except Malformed as exc:
            raise Fault(f"{reply.server} sent an answer that can't be read: {exc}") from None
        found.sort()
        return found

    def _problem(self, reply: DnsReply, answers: Sequence[str]) -> str:
        wanted, kind = self.settings.rcode, self.settings.record_type
        rcode = _rcode(reply, answers)
        if rcode != wanted:
            expectation = "" if wanted == "NOERROR" else f", expected {wanted}"
            if rcode == NO_DATA:
                return f"{self.name} has no {kind} record, says {reply.server}{expectation}"
            words = _RCODE_WORDS.get(rcode) or _listed(answers)
            return f"{self.name}: {rcode} from {reply.server} ({words}){expectation}"
        if self.settings.dnssec and not reply.head.is_authentic:
            return f"{reply.server} did not verify its answer for {self.name} by DNSSEC"
        return self._mismatch(answers) if self.expected else ""

    def _mismatch(self, answers: Sequence[str]) -> str:
        seen = {comparable(each, self.settings.record_type) for each in answers}
        missing = [typed for key, typed in self.expected.items() if key not in seen]
        match self.settings.expect_mode:
            case "any":
                is_met, wanted = len(missing) < len(self.expected), "expected "
                wanted += "one of " if len(self.expected) > 1 else ""
                return "" if is_met else f"answered {_listed(answers)}, {wanted}{_listed(list(self.expected.values()))}"
            case "all":
                return f"answered {_listed(answers)}, expected {_listed(missing)} as well" if missing else ""
        if not missing and seen == set(self.expected):
            return ""
        return f"answered {_listed(answers)}, expected exactly {_listed(list(self.expected.values()))}"


def _rcode(reply: DnsReply, answers: Sequence[str]) -> str:
    if reply.head.rcode == 0 and not answers:
        return NO_DATA
    return dns.rcode.to_text(dns.rcode.Rcode.make(reply.head.rcode))


def _listed(values: Sequence[str]) -> str:
    shown = [each if len(each) <= SHOWN_RECORD_CHARS else f"{each[:SHOWN_RECORD_CHARS]}…" for each in values]
    hidden = len(shown) - SHOWN_RECORDS
    return ", ".join(shown[:SHOWN_RECORDS]) + (f" and {hidden} more" if hidden > 0 else "")


def kept(answers: Sequence[str]) -> list[str]:
    """As many answers as are stored, the longest of them cut."""
    found: list[str] = []
    room = MAX_KEPT_CHARS
    for each in answers[:MAX_KEPT_RECORDS]:
        each = each if len(each) <= MAX_RECORD_CHARS else f"{each[: MAX_RECORD_CHARS - 1]}…"
        room -= len(each)
        if room < 0:
            break
        found.append(each)
    return found


DNS = CheckType(
    name="dns",
    label="DNS",
    about="""\
Asks a name server for the records of a name. It asks as a resolver would: over UDP, up to three times within the
timeout because a lost packet is no outage, and over TCP when the answer is too large. Answers to another question or
from elsewhere are ignored.

- **Up**: the expected result came (`NOERROR` with at least one record, unless another is chosen), and the expected
  answers are among the records. Aliases are followed. `NXDOMAIN` or `NODATA` as the expected result watches that
  something stays gone.
- **Down**: another result, other records, an answer that can't be read, or none in time.

For `PTR` an address may be typed; it is turned round. Without a name server of its own the check asks the resolvers of
the machine (`/etc/resolv.conf`), which are always permitted. One that is given is held against the outbound guard.

Answers are compared as zone files write them, names without regard to capital letters and the final dot, and the
pieces of a `TXT` record joined. With change detection the sorted answers are compared.
""",
    target=TargetField(label="Name", help="What is asked about; for PTR an address.", placeholder="www.example.org"),
    settings=DnsSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    problems=problems,
    asserts=frozenset({AssertionType.RESPONSE_TIME, AssertionType.DNS_RECORD}),
)
