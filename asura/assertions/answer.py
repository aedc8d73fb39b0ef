"""An outcome as assertions look at it: each thing found once, and words for what isn't there."""

from functools import cached_property
from typing import Any

import msgspec

from asura.assertions.budget import Budget
from asura.model.observation import Outcome

DAY_MS = 86_400_000
MAX_JSON_CHARS = 4 * 2**20
MAX_JSON_CONTAINERS = 100_000
"""Objects and lists. Decoding can't be interrupted: so many take some ten milliseconds, during which the whole process
does nothing else."""


class UnseenError(Exception):
    """There is nothing to judge: in words that follow "got"."""


class Answer:
    """What was seen. Everything raises UnseenError when there is nothing."""

    def __init__(self, outcome: Outcome, *, now_ms: int, budget: Budget) -> None:
        self.outcome = outcome
        self.budget = budget
        self._now_ms = now_ms

    @cached_property
    def body(self) -> str:
        """The body as text."""
        reply = self.outcome.reply
        if reply is None or reply.body is None:
            raise UnseenError("no body that is text")
        return reply.body

    @property
    def is_cut(self) -> bool:
        """There was more of the body than `body`."""
        return self.outcome.reply is not None and self.outcome.reply.is_cut

    @cached_property
    def _json(self) -> tuple[Any, str]:
        """The body as JSON and "", or why it isn't: a failure is dear, too, so it is kept."""
        try:
            return decoded(self.body), ""
        except ValueError as exc:
            return None, f"{exc}, for it is longer than what is read of it" if self.is_cut else str(exc)

    def json(self) -> Any:
        """The body as JSON."""
        value, problem = self._json
        if problem:
            raise UnseenError(problem)
        return value

    def header(self, wanted: str) -> str | None:
        """All lines of a header, with commas between them; None: there is none."""
        reply = self.outcome.reply
        if reply is None:
            raise UnseenError("no headers")
        name = wanted.lower()
        lines = [value for each, value in reply.headers if each == name]
        return ", ".join(lines) if lines else None

    def status_code(self) -> int:
        """The protocol's status, or that of a command's end."""
        code = self.outcome.status_code
        if code is None:
            code = (self.outcome.detail or {}).get("exit_status")
        if not isinstance(code, int):
            raise UnseenError("no status")
        return code

    def response_ms(self) -> int:
        """How long it took."""
        if self.outcome.response_ms is None:
            raise UnseenError("no response time")
        return self.outcome.response_ms

    def days_left(self) -> float:
        """Until the first certificate of the chain ends; negative afterwards."""
        if self.outcome.cert_expires_at is None:
            raise UnseenError("no certificate")
        return (self.outcome.cert_expires_at - self._now_ms) / DAY_MS

    def records(self) -> list[str]:
        """The DNS records: all of them when the body was kept, those that are stored otherwise."""
        reply = self.outcome.reply
        if reply is not None and reply.body is not None:
            return [each for each in reply.body.split("\n") if each]
        return list((self.outcome.detail or {}).get("dns_records", ()))


def decoded(text: str) -> Any:
    """Raises ValueError: why the text can't be read as JSON, in words that follow "got"."""
    if not text.strip():
        raise ValueError("an empty body")
    if len(text) > MAX_JSON_CHARS:
        raise ValueError(f"a body of more than {MAX_JSON_CHARS // 2**20} MiB, too long to be read as JSON")
    if text.count("{") + text.count("[") > MAX_JSON_CONTAINERS:
        raise ValueError(f"a body with more than {MAX_JSON_CONTAINERS:,} objects and lists")
    try:
        return msgspec.json.decode(text.removeprefix("\ufeff").encode(errors="replace"))
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    except msgspec.MsgspecError:
        raise ValueError("a body that is not JSON") from None
