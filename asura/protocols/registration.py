"""What a registry says of a domain, and what that means. Pure: no I/O, no clock."""

import re
from datetime import UTC, datetime
from enum import IntEnum

import attrs

from asura.model.monitor import Status
from asura.protocols.attempt import Fault
from asura.protocols.names import printable

DAY_MS = 86_400_000
_YEARS = range(1985, 2200)
"""In which a registration can end; what is written otherwise is something else, or nonsense."""
MAX_STATUSES = 12
"""Kept of a registration; EPP has seventeen in all, and few go together."""
MAX_STATUS_CHARS = 40


class AskedTooOften(Fault):
    """The registry answers nobody who asks so often."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@attrs.frozen(kw_only=True)
class Registration:
    """What was said of a domain, and by whom."""

    source: str
    is_registered: bool = True
    expires_at: int | None = None
    """Milliseconds since 1970, UTC; None where the registry doesn't say."""
    statuses: tuple[str, ...] = ()
    """As EPP spells them (RFC 5731, RFC 3915): clientHold, redemptionPeriod …"""
    note: str = ""
    """Why it doesn't say more."""


class _Severity(IntEnum):
    NONE = 0
    DEGRADED = 1
    DOWN = 2


_STATUSES = {
    "clientHold": (_Severity.DOWN, "its registrar has taken it out of the DNS"),
    "serverHold": (_Severity.DOWN, "its registry has taken it out of the DNS"),
    "redemptionPeriod": (_Severity.DOWN, "it is deleted, and only its registrar can still restore it"),
    "pendingDelete": (_Severity.DOWN, "it is about to be deleted for good"),
    "pendingRestore": (_Severity.DEGRADED, "it is being restored after a deletion"),
    "pendingTransfer": (_Severity.DEGRADED, "it is being moved to another registrar: make sure that you wanted that"),
    "inactive": (_Severity.DEGRADED, "it has no name servers"),
}
_SPELLINGS = {
    name.lower(): name
    for name in (
        *_STATUSES,
        *("ok", "active", "locked", "addPeriod", "autoRenewPeriod", "renewPeriod", "transferPeriod"),
        *("pendingCreate", "pendingRenew", "pendingUpdate"),
        *(
            f"{who}{what}Prohibited"
            for who in ("client", "server")
            for what in ("Delete", "Renew", "Transfer", "Update")
        ),
    )
}


def instant(moment: datetime) -> int:
    """Milliseconds since 1970; UTC where no zone is given.

    Raises ValueError: no registration ends then.
    """
    if moment.year not in _YEARS:
        raise ValueError(f"{moment.year} is no year in which a registration ends")
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def status_name(text: str) -> str:
    """A status as EPP spells it, from RDAP's "client hold" or WHOIS's "clientHold https://…"."""
    words = text.partition("http")[0].partition("(")[0].strip()
    return _SPELLINGS.get(re.sub(r"[^a-z]", "", words.lower()), printable(words[:MAX_STATUS_CHARS]))


def judge(found: Registration, domain: str, *, now_ms: int, warn_days: int, critical_days: int) -> tuple[Status, str]:
    """What the registration means for the domain, with words unless all is well."""
    if not found.is_registered:
        below = "; ask for the registered domain itself, not for a name below it" if domain.count(".") > 1 else ""
        return Status.DOWN, f"{domain} is not registered, says {found.source}{below}"
    reasons = [(weight, f"{name}: {words}") for name in found.statuses for weight, words in _meaning(name)]
    if found.expires_at is not None:
        reasons += _ending(found.expires_at, now_ms, warn_days=warn_days, critical_days=critical_days)
    if found.expires_at is None and not reasons:
        why = f" ({found.note})" if found.note else ""
        return Status.UP, f"{domain} is registered, but nobody says until when{why}"
    reasons.sort(key=lambda reason: -reason[0])
    severity = reasons[0][0] if reasons else _Severity.NONE
    return _STATUS_OF[severity], "; ".join(words for _, words in reasons)


_STATUS_OF = {_Severity.NONE: Status.UP, _Severity.DEGRADED: Status.DEGRADED, _Severity.DOWN: Status.DOWN}


def _meaning(name: str) -> list[tuple[_Severity, str]]:
    return [_STATUSES[name]] if name in _STATUSES else []


def _ending(expires_at: int, now_ms: int, *, warn_days: int, critical_days: int) -> list[tuple[_Severity, str]]:
    left_days = (expires_at - now_ms) // DAY_MS
    day = datetime.fromtimestamp(expires_at / 1000, UTC).strftime("%Y-%m-%d")
    if expires_at <= now_ms:
        return [(_Severity.DOWN, f"the registration ended on {day}")]
    text = f"the registration ends on {day}, in {_days(left_days) if left_days else 'less than a day'}"
    if left_days < critical_days:
        return [(_Severity.DOWN, text)]
    return [(_Severity.DEGRADED, text)] if left_days < warn_days else []


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"
