"""The HTTP check: a fresh connection each time, each phase timed, redirects followed by hand and guarded."""

import socket
from functools import lru_cache
from http import HTTPStatus

import attrs

from asura.checks.base import NOTHING, Attempt, CheckType, Env, Fault, Keep, Stopwatch, TargetField, down, shortened
from asura.checks.connection import connect
from asura.checks.handshake import peer_expires_at, start_tls
from asura.checks.http_exchange import Answer, exchange, shown
from asura.checks.http_request import REDIRECTS, Request, first_request, redirected
from asura.checks.http_settings import HttpSettings, status_codes
from asura.checks.target import join_url, parse_url
from asura.errors import TargetRefused
from asura.model.assertion import AssertionType
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import ResolveError

ALPN = "http/1.1"
SHOWN_URL_CHARS = 200
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
    return {"target": parse_url(target).host}


def prepare(target: str, settings: HttpSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target has a problem.
    """
    plan = _Plan(
        env=env,
        settings=settings,
        request=first_request(parse_url(target), settings),
        expected=_expected(settings.expected_status),
        family=_FAMILIES[settings.ip_version],
    )
    return plan.attempt


@lru_cache(maxsize=256)
def _expected(entries: tuple[int | str, ...]) -> frozenset[int]:
    """The codes of all entries. Shared, because nearly every monitor has the same: 12 kB each would be a lot."""
    return frozenset(code for entry in entries for code in status_codes(entry))


@attrs.frozen(kw_only=True)
class _Hop:
    """One answer in a chain of redirects."""

    request: Request
    answer: Answer
    cert_expires_at: int | None


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    settings: HttpSettings
    request: Request
    expected: frozenset[int]
    family: int

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        hops: list[_Hop] = []
        is_refused = False
        try:
            await self._follow(hops, watch)
            problem = self._problem(hops)
        except (Fault, TargetRefused, ResolveError) as exc:
            if not hops:
                return down(exc, watch)
            problem, is_refused = str(exc), isinstance(exc, TargetRefused)
        last = hops[-1]
        return Outcome(
            status=Status.DOWN if problem else Status.UP,
            message=shortened(problem),
            response_ms=watch.elapsed_ms(),
            timings=watch.timings(),
            status_code=last.answer.status,
            cert_expires_at=last.cert_expires_at,
            is_refused=is_refused,
        )

    async def _follow(self, hops: list[_Hop], watch: Stopwatch) -> None:
        request: Request | None = self.request
        while request is not None:
            hop = await self._ask(request, watch)
            hops.append(hop)
            request = self._next(hops) if hop.answer.status in REDIRECTS and self.settings.follow_redirects else None

    async def _ask(self, request: Request, watch: Stopwatch) -> _Hop:
        url = request.url
        watch.skip(to="dns")
        addresses = await self.env.guard.resolve(url.host, url.port, family=self.family)
        if len(addresses) > 1 or addresses[0].ip != url.host:
            watch.done("dns")
        watch.waiting_for = "connect"
        connection = await connect(addresses, shown=url.authority, watch=watch)
        try:
            if url.scheme == "https":
                watch.done("connect", then="tls")
                context = self.env.tls.client(verify=self.settings.verify_tls, alpn=ALPN)
                await start_tls(connection, server_name=url.host, context=context, contexts=self.env.tls, watch=watch)
                watch.done("tls", then="first_byte")
            else:
                watch.done("connect", then="first_byte")
            answer = Answer(
                is_head=request.method == "HEAD", limit=self.settings.max_body_bytes, needle=self.settings.keyword
            )
            await exchange(connection, request.wire, answer, watch=watch)
            return _Hop(request=request, answer=answer, cert_expires_at=peer_expires_at(connection))
        finally:
            connection.close()

    def _next(self, hops: list[_Hop]) -> Request | None:
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
            raise Fault(f"more than {self.settings.max_redirects} redirects, the last to {_short(url.shown)}")
        request = redirected(last.request, url, last.answer.status)
        if request is None:
            raise Fault(
                f"{last.answer.status} redirects the request's body to another origin, {_short(url.shown)}: "
                "not followed; make that the target if it is right"
            )
        if any(request == hop.request for hop in hops):
            raise Fault(f"redirects in a circle: {last.request.url.shown} leads back to {_short(url.shown)}")
        return request

    def _problem(self, hops: list[_Hop]) -> str:
        answer = hops[-1].answer
        if answer.status not in self.expected:
            wanted = ", ".join(map(str, self.settings.expected_status))
            where = f" at {_short(hops[-1].request.url.shown)}" if len(hops) > 1 else ""
            return f"answered {_status_words(answer.status)}{where}, expected {wanted}"
        if self.settings.keyword and not answer.body.found:
            return self._missing(answer)
        return ""

    def _missing(self, answer: Answer) -> str:
        """How far the keyword was looked for."""
        keyword, body = _short(self.settings.keyword), answer.body
        encoding = answer.headers.get("content-encoding", "identity")
        if not body.is_encoded and encoding.lower() != "identity":
            return f'"{keyword}" can\'t be looked for: the body is encoded as {shown(encoding.encode())}'
        if body.is_full:
            return f'"{keyword}" is not in the first {body.size} bytes of the body, and no more is read'
        return f'"{keyword}" is not in the body ({body.size} bytes)'


def _status_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_URL_CHARS else text[: SHOWN_URL_CHARS - 1] + "…"


HTTP = CheckType(
    name="http",
    label="HTTP(S)",
    about="""\
Fetches a URL over a fresh connection and judges the answer by its status, and by a keyword or assertions if there are
any.
""",
    target=TargetField(
        label="URL", help="The address to fetch, http or https.", placeholder="https://example.org/health"
    ),
    settings=HttpSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    asserts=frozenset(AssertionType) - {AssertionType.DNS_RECORD},
)
