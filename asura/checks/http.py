"""The HTTP check: a fresh connection for each request, each phase timed, redirects followed by hand and guarded."""

import socket
from collections.abc import Mapping
from functools import lru_cache, partial

import attrs

from asura.checks.base import CheckType, TargetField
from asura.checks.http_fields import status_codes
from asura.checks.http_hop import ALPN, Hop, Way
from asura.checks.http_notes import tell_answer
from asura.checks.http_request import Request, first_request, redirected
from asura.checks.http_settings import HttpSettings, proxy_of
from asura.errors import TargetRefused
from asura.model.assertion import AssertionType
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import ResolveError
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch, down, shortened
from asura.protocols.certificate import earliest
from asura.protocols.http_answer import Answer
from asura.protocols.target import REDIRECTS, join_url, parse_url
from asura.protocols.words import short, shown, status_words

_FAMILIES = {"auto": 0, "4": int(socket.AF_INET), "6": int(socket.AF_INET6)}


def target_problem(target: str) -> str | None:
    """What is wrong with a URL, or None."""
    try:
        parse_url(target)
    except ValueError as exc:
        return str(exc)
    return None


def hosts(target: str, settings: HttpSettings) -> dict[str, str]:
    """What is connected to."""
    found = {"target": parse_url(target).host}
    proxy = proxy_of(settings)
    return found if proxy is None else {**found, "settings.proxy": proxy.host}


def problems(target: str, settings: HttpSettings, env: Env) -> Mapping[str, str]:
    """What target and settings contradict each other in."""
    if parse_url(target).scheme == "http" and settings.http_version == "2":
        return {"settings.http_version": "must be auto or 1.1 with an http:// target: HTTP/2 is only spoken over TLS"}
    return {}


def prepare(target: str, settings: HttpSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target has a problem.
    """
    url = parse_url(target)
    context = partial(
        env.tls.client, verify=settings.verify_tls, alpn=ALPN[settings.http_version], ca_cert=settings.ca_cert
    )
    plan = _Plan(
        settings=settings,
        request=first_request(url, settings),
        expected=_expected(settings.expected_status),
        way=Way(
            env=env,
            family=_FAMILIES[settings.ip_version],
            proxy=proxy_of(settings),
            context=context(client_cert=settings.client_cert),
            foreign_context=context(),
            http_version=settings.http_version,
            limit=settings.max_body_bytes,
            needle=settings.keyword,
            keep=keep,
        ),
    )
    return plan.attempt


@lru_cache(maxsize=256)
def _expected(entries: tuple[int | str, ...]) -> frozenset[int]:
    """The codes of all entries. Shared, because nearly every monitor has the same: 12 kB each would be a lot."""
    return frozenset(code for entry in entries for code in status_codes(entry))


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    settings: HttpSettings
    request: Request
    expected: frozenset[int]
    way: Way

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        hops: list[Hop] = []
        failed: Exception | None = None
        try:
            await self._follow(hops, watch)
            problem = self._problem(hops)
        except (Fault, TargetRefused, ResolveError) as exc:
            if not hops:
                return down(exc, watch)
            problem, failed = str(exc), exc
        last = hops[-1]
        chain = failed.chain if isinstance(failed, Fault) and failed.chain else last.chain
        return Outcome(
            status=Status.DOWN if problem else Status.UP,
            message=shortened(problem),
            response_ms=watch.elapsed_ms(),
            timings=watch.timings(),
            status_code=last.answer.status,
            cert_expires_at=earliest(chain),
            chain=chain,
            # A redirect that leads nowhere is not the answer that anything could be asserted of.
            reply=await last.answer.reply() if last.answer.is_kept and failed is None else None,
            is_refused=isinstance(failed, TargetRefused),
        )

    async def _follow(self, hops: list[Hop], watch: Stopwatch) -> None:
        request: Request | None = self.request
        while request is not None:
            sent = request.busted() if self.settings.cache_buster and request.is_own else request
            hop = await self.way.ask(sent, watch)
            hops.append(hop if sent is request else attrs.evolve(hop, request=request))
            if watch.talks:
                tell_answer(hop, watch)
            request = self._next(hops) if hop.answer.status in REDIRECTS and self.settings.follow_redirects else None
            if request is not None and watch.talks:
                watch.tell("redirect", request.url.shown)

    def _next(self, hops: list[Hop]) -> Request | None:
        """The request after a redirect, None when the answer is no real one."""
        last = hops[-1]
        location = last.answer.headers.get("location")
        if location is None:
            return None
        # Sent as bytes: by the standard ASCII, in practice UTF-8.
        location = location.encode("latin-1").decode("utf-8", "replace")
        try:
            url = join_url(last.request.url, location)
        except ValueError as exc:
            raise Fault(f"{last.answer.status} redirects to a URL that can't be asked: it {exc}") from None
        if len(hops) > self.settings.max_redirects:
            raise Fault(f"more than {self.settings.max_redirects} redirects, the last to {short(url.shown)}")
        request = redirected(last.request, url, last.answer.status)
        if request is None:
            raise Fault(
                f"{last.answer.status} redirects the request's body to another origin, {short(url.shown)}: "
                "not followed; make that the target if it is right"
            )
        if self.settings.cache_buster and request.is_own:
            request = request.unbusted()
        if any(request == hop.request for hop in hops):
            raise Fault(f"redirects in a circle: {last.request.url.shown} leads back to {short(url.shown)}")
        return request

    def _problem(self, hops: list[Hop]) -> str:
        answer = hops[-1].answer
        if answer.status not in self.expected:
            wanted = ", ".join(map(str, self.settings.expected_status))
            where = f" at {short(hops[-1].request.url.shown)}" if len(hops) > 1 else ""
            return f"answered {status_words(answer.status)}{where}, expected {wanted}"
        if self.settings.keyword and not answer.body.found:
            return self._missing(answer)
        return ""

    def _missing(self, answer: Answer) -> str:
        """How far the keyword was looked for."""
        keyword, body = short(self.settings.keyword), answer.body
        if answer.unread_encoding:
            return f'"{keyword}" can\'t be looked for: the body is encoded as {shown(answer.unread_encoding.encode())}'
        if body.is_full:
            return f'"{keyword}" is not in the first {body.size} bytes of the body, and no more is read'
        return f'"{keyword}" is not in the body ({body.size} bytes)'


HTTP = CheckType(
    name="http",
    label="HTTP(S)",
    about="""\
Fetches a URL over a fresh connection and judges the answer. Redirects are followed by hand, up to the limit, each held
against the outbound guard.

- **Up**: the status of the last answer is an expected one, and the keyword, if there is one, is in the body.
- **Degraded**: up, but for assertions that are marked so.
- **Down**: another status, no keyword, a certificate that is expired, not yet valid, for another name or not trusted, a
  redirect in a circle, an answer that is broken, or none in time.

**HTTP/2** is spoken where the server offers it over TLS. Bodies in gzip and deflate are decoded, and no other encoding
is asked for.

**Secrets stay with their origin**: credentials, most headers, the body and the client certificate aren't taken along
when a redirect leads to another scheme, host or port; only the step from http to https on the same host is not one.

**Through a proxy** (HTTP CONNECT or SOCKS5) every target is connected to, also plain http. Names are looked up here and
the proxy is told addresses, which the outbound guard has judged before; it must permit CONNECT to the target's port.
""",
    target=TargetField(
        label="URL", help="The address to fetch, http or https.", placeholder="https://example.org/health"
    ),
    settings=HttpSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    problems=problems,
    asserts=frozenset(AssertionType) - {AssertionType.DNS_RECORD},
)
