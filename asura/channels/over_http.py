"""One POST to a provider, and what its answer means. The only module here that knows the HTTP library."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx
import trio

from asura.channels.base import Env, SendReport
from asura.errors import AsuraError, SendError

READ_BYTES = 4096
"""Of an error's body. Enough for the sentence in it."""
READ_S = 2.0
"""The status is known by then; a body that drips must not turn a clear answer into a timeout."""
SHOWN_CHARS = 300

_WORTH_ANOTHER_TRY = frozenset({408, 409, 421, 423, 424, 425, 429})
"""Of the 4xx: time-out, somebody else is at it, wrong connection, locked, dependency, too early, too many."""
_MOVED_FOR_GOOD = frozenset({301, 308})
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


async def post(env: Env, url: str, *, body: bytes, headers: Mapping[str, str]) -> SendReport:
    """Send `body` and judge the answer: any 2xx is a success, and redirects are not followed. Raises SendError."""
    try:
        # A client each: a request cancelled in a shared pool leaks its place for good.
        async with env.open_client() as client, client.stream("POST", url, content=body, headers=headers) as response:
            if 200 <= response.status_code < 300:
                return SendReport(message=f"answered {response.status_code}", status_code=response.status_code)
            raise refusal(
                response.status_code,
                said=await _beginning(response),
                retry_after=response.headers.get("retry-after"),
                now_ms=env.clock.now_ms(),
            )
    except httpx.TimeoutException as exc:
        raise SendError(_TIMEOUTS.get(type(exc), "no answer in time")) from exc
    except httpx.HTTPError as exc:
        raise SendError(_words(exc)) from exc
    except httpx.InvalidURL as exc:  # such as 0177.0.0.1, which is an address elsewhere
        raise SendError(f"the URL can't be asked: {exc}", permanent=True) from exc
    except SendError:
        raise
    except AsuraError as exc:  # the guard refuses the address, or there is none: both may change within the day
        raise SendError(str(exc)) from exc


def refusal(status_code: int, *, said: str, retry_after: str | None, now_ms: int) -> SendError:
    """The error that an answer other than 2xx means."""
    message = f"answered {status_code}: {said}" if said else f"answered {status_code}"
    if 300 <= status_code < 400:
        message = f"answered {status_code}; redirects are not followed, give the final address"
    return SendError(
        message,
        permanent=is_permanent(status_code),
        retry_after_s=retry_after_s(retry_after, now_ms=now_ms) if retry_after else None,
        status_code=status_code,
    )


def is_permanent(status_code: int) -> bool:
    """Whether the same request would be refused again, so that trying again is pointless.

    That is so for most of the 4xx (the address, the key or the body is wrong) and for the two redirects that say
    so. A temporary redirect is what a maintenance page looks like, and 5xx is the receiver's own trouble.
    """
    if 400 <= status_code < 500:
        return status_code not in _WORTH_ANOTHER_TRY
    return status_code in _MOVED_FOR_GOOD


def retry_after_s(text: str, *, now_ms: int) -> float | None:
    """The seconds that a `Retry-After` header asks for (RFC 9110 §10.2.3), None when it is neither form."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now_ms / 1000)
    except (ValueError, TypeError, OverflowError):
        return None


def shortened(text: str) -> str:
    """A provider's words in one line of at most `SHOWN_CHARS`, without control characters."""
    text = _SPACE.sub(" ", text).strip()
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"


async def _beginning(response: httpx.Response) -> str:
    if response.headers.get("content-encoding", "identity") != "identity":
        return ""  # not asked for, and a few KiB may inflate to anything
    found = b""
    with trio.move_on_after(READ_S) as reading:
        try:
            async for chunk in response.aiter_raw():
                found += chunk[: READ_BYTES - len(found)]
                if len(found) >= READ_BYTES:
                    reading.cancel()  # not `break`: that would leave the library's generators to the collector
        except httpx.HTTPError:
            pass  # what came before the connection broke is still worth showing
    return shortened(found.decode("utf-8", "replace"))


_TIMEOUTS: Mapping[type[httpx.TimeoutException], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.WriteTimeout: "the message was not taken in time",
    httpx.ReadTimeout: "no answer in time",
}


def _words(exc: httpx.HTTPError) -> str:
    match exc:
        case httpx.ConnectError():
            return f"no connection: {shortened(str(exc)) or 'refused'}"
        case httpx.RemoteProtocolError():
            return f"no valid answer: {shortened(str(exc))}"
        case httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return "the connection was closed before there was an answer"
    return shortened(str(exc)) or type(exc).__name__
