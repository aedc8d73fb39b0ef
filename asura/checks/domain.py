"""The domain check: when a registration ends, and whether the registry lets the domain work until then."""

import time
from collections.abc import Awaitable, Callable

import attrs
import trio

from asura.checks.base import CheckType, TargetField
from asura.checks.domain_memory import Known, Memory
from asura.checks.domain_settings import DomainSettings, hosts, problems, target_problem
from asura.errors import TargetRefused
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import ResolveError
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch, down, shortened
from asura.protocols.names import parse_name, parse_server
from asura.protocols.rdap import Bootstrap
from asura.protocols.rdap import look_up as look_up_rdap
from asura.protocols.registration import AskedTooOften, Registration, judge
from asura.protocols.target import Url, parse_url
from asura.protocols.whois import Server, Servers
from asura.protocols.whois import look_up as look_up_whois
from asura.protocols.whois_text import PORT

RESERVE_S = 0.25
"""Before the check's deadline: until then a registry is waited for, because its silence is no fault of the domain."""
RDAP_SHARE = 0.6
"""Of the time, where WHOIS can be asked after it."""

MEMORY = Memory()
BOOTSTRAP = Bootstrap()
SERVERS = Servers()
"""For all monitors, so that no registry is asked more often than needed."""

_CannotAsk = (Fault, ResolveError, TargetRefused)


def prepare(target: str, settings: DomainSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target has a problem.
    """
    plan = _Plan(
        env=env,
        domain=parse_name(target),
        settings=settings,
        rdap=parse_url(settings.rdap_server) if settings.rdap_server else None,
        whois=parse_server(settings.whois_server, default_port=PORT) if settings.whois_server else None,
    )
    return plan.attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    domain: str
    settings: DomainSettings
    rdap: Url | None
    whois: Server | None

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        key = (self.domain, self.settings)
        known = MEMORY.get(key)
        is_asked = watch.talks or time.monotonic() >= known.ask_again_at or self._is_worse(known)
        if is_asked:
            try:
                known = await self._renewed(known, watch)
            except TargetRefused as exc:
                return down(exc, watch)
            MEMORY.put(key, known)
        return self._outcome(known, watch, is_asked=is_asked)

    def _is_worse(self, known: Known) -> bool:
        """Time alone made the last answer say down: by now the registry may know of a renewal."""
        if known.registration is None or known.fault or known.status is Status.DOWN:
            return False
        return self._judged(known.registration)[0] is Status.DOWN

    async def _renewed(self, known: Known, watch: Stopwatch) -> Known:
        """What is known after the registry was asked, whether it answered or not."""
        left_s = trio.current_effective_deadline() - trio.current_time() - RESERVE_S
        with trio.move_on_after(max(0.0, left_s)):
            return await self._asked(known, watch)
        return known.after_fault(watch.story(round(left_s, 1)), now_s=time.monotonic())

    async def _asked(self, known: Known, watch: Stopwatch) -> Known:
        try:
            found = await self._look_up(watch)
        except AskedTooOften as exc:
            pause_s = exc.retry_after_s
            return known.after_fault(str(exc), now_s=time.monotonic(), is_too_often=True, pause_s=pause_s)
        except (Fault, ResolveError) as exc:
            return known.after_fault(str(exc), now_s=time.monotonic())
        except TargetRefused as exc:
            if known.registration is None:
                raise
            return known.after_fault(str(exc), now_s=time.monotonic())
        return known.after_answer(found, now_s=time.monotonic(), status=self._judged(found)[0])

    async def _look_up(self, watch: Stopwatch) -> Registration:
        """Ask by RDAP, and by WHOIS what that doesn't say."""
        ways = self._ways(watch)
        found: Registration | None = None
        faults: list[Exception] = []
        for index, (name, ask) in enumerate(ways):
            share = RDAP_SHARE if index + 1 < len(ways) else 1.0
            try:
                answer = await _within(share, ask, name)
            except _CannotAsk as exc:
                faults.append(exc)
                watch.tell(name, str(exc))
                watch.note = ""
                continue
            if answer is None:
                faults.append(Fault(f"the top-level domain has no {name} server"))
                continue
            watch.tell(name, f"answered by {answer.source}")
            if not answer.is_registered and found is not None:
                continue
            found = answer
            if not answer.is_registered or answer.expires_at is not None:
                return answer
        if found is not None:
            return found if not faults or found.note else attrs.evolve(found, note=str(faults[-1]))
        raise _summed(faults)

    def _ways(self, watch: Stopwatch) -> list[tuple[str, Callable[[], Awaitable[Registration | None]]]]:
        async def by_rdap() -> Registration | None:
            base = self.rdap or await BOOTSTRAP.server(self._tld, env=self.env, watch=watch, now_s=time.monotonic())
            return None if base is None else await look_up_rdap(base, self.domain, env=self.env, watch=watch)

        async def by_whois() -> Registration | None:
            server = self.whois or await SERVERS.server(self._tld, env=self.env, watch=watch, now_s=time.monotonic())
            return None if server is None else await look_up_whois(self.domain, server, env=self.env, watch=watch)

        is_free = self.rdap is None and self.whois is None
        ways: list[tuple[str, Callable[[], Awaitable[Registration | None]]]] = []
        if self.rdap is not None or is_free:
            ways.append(("RDAP", by_rdap))
        if self.whois is not None or is_free:
            ways.append(("WHOIS", by_whois))
        return ways

    @property
    def _tld(self) -> str:
        return self.domain.rpartition(".")[2]

    def _judged(self, found: Registration) -> tuple[Status, str]:
        return judge(
            found,
            self.domain,
            now_ms=int(time.time() * 1000),
            warn_days=self.settings.warn_days,
            critical_days=self.settings.critical_days,
        )

    def _outcome(self, known: Known, watch: Stopwatch, *, is_asked: bool) -> Outcome:
        found = known.registration
        answered = is_asked and not known.fault
        if found is None:
            message = f"can't tell when the registration of {self.domain} ends: {known.fault}"
            # Not down: after each start of this process nothing is known, and a page for a registry's rest is one for
            # nothing.
            return Outcome(status=Status.DEGRADED, message=shortened(message), timings=watch.timings())
        status, message = self._judged(found)
        if known.fault:
            status, message = known.doubted(status, message, now_s=time.monotonic())
        return Outcome(
            status=status,
            message=shortened(message),
            response_ms=watch.elapsed_ms() if answered else None,
            timings=watch.timings(),
            domain_expires_at=found.expires_at,
            detail={"source": found.source[:100], "domain_status": list(found.statuses)},
        )


async def _within(share: float, ask: Callable[[], Awaitable[Registration | None]], name: str) -> Registration | None:
    left_s = trio.current_effective_deadline() - trio.current_time()
    if share == 1.0:
        return await ask()
    with trio.move_on_after(max(0.0, left_s * share)):
        return await ask()
    raise Fault(f"no answer by {name} in {left_s * share:.1f} s")


def _summed(faults: list[Exception]) -> Exception:
    """All that went wrong as one: the first that says to ask less often, or one of them all."""
    for each in faults:
        if isinstance(each, AskedTooOften):
            return each
    if len(faults) == 1 or all(isinstance(each, TargetRefused) for each in faults):
        return faults[0]
    return Fault("; ".join(map(str, faults)))


DOMAIN = CheckType(
    name="domain",
    label="Domain registration",
    about="""\
Asks the domain's registry when the registration ends: by RDAP where IANA's list names a server for the top-level
domain, and by WHOIS where it doesn't, where RDAP fails, or where it leaves the date out.

- **Up**: registered for at least `warn_days`. Where the registry publishes no date (as for `.de`), that the domain is
  registered has to do.
- **Degraded**: fewer than `warn_days` are left, or the registry says `pendingTransfer`, `pendingRestore` or `inactive`.
- **Down**: fewer than `critical_days` are left, the registration has ended, the domain is not registered, or it is in
  `clientHold`, `serverHold`, `redemptionPeriod` or `pendingDelete`.

Registries refuse whoever asks too often, so a good answer holds for six hours, one that warns for one hour, and one
that says down for ten minutes once it has been given three times; checks in between are answered from it. A test by
hand always asks.

A registry that can't be asked is no fault of the domain: what it said last holds on for seven days, with a note, and
then the monitor is degraded, not down. So it is when nothing is known yet, as after a restart.
""",
    target=TargetField(
        label="Domain", help="The registered domain itself, not a name below it.", placeholder="example.org"
    ),
    settings=DomainSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    problems=problems,
    asserts=frozenset(),
)
