"""What WHOIS servers write, read. There is no standard: every registry has its own words and dates. Pure.

The answer is a stranger's: each line is looked at once, up to a length, by patterns that can't backtrack far.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import attrs

from asura.protocols.attempt import Fault
from asura.protocols.names import parse_server, printable, spellings
from asura.protocols.registration import MAX_STATUSES, AskedTooOften, Registration, instant, status_name

PORT = 43
MAX_LINES = 2_000
MAX_LINE_CHARS = 300

_ENDINGS = (
    "registry expiry date",
    *("expiry date", "expiration date", "expire date", "exp date", "expires", "expires on", "expires at", "expire"),
    *("expiration time", "expiration", "expiry", "expirydate", "expirationdate", "record expires on"),
    *("paid till", "paid until", "valid until", "valid till", "validity", "renewal date", "registered until"),
    *("domain expires", "domain expiration date", "domain expiry date", "domain datebilleduntil", "有効期限"),
    *("fecha de vencimiento", "fecha de expiracion", "registrar registration expiration date"),
)
"""What the end of a registration is called, the registry's own word before the registrar's."""
_STATUSES = frozenset({"status", "domain status", "eppstatus", "state"})
_NAMES = frozenset({"domain name", "domain", "domainname", "ドメイン名"})
_REFERRALS = ("refer", "registrar whois server", "whois server", "whois", "referralserver", "referral server")
_FREE = frozenset({"free", "available", "not registered", "notregistered", "no object found"})
_ABSENT = (
    *("no match", "not found", "no entries found", "no data found", "no object found", "nothing found"),
    *("does not exist", "no such domain", "not registered", "not been registered", "is available for", "is free"),
    *("no matching record", "no information available", "available for registration", "no found"),
)
_TOO_OFTEN = (
    *("limit exceeded", "quota exceeded", "exceeded the", "too many", "rate limit", "try again later"),
    *("excessive", "queries per", "access denied", "blacklisted", "temporarily unavailable", "query rate"),
)


@attrs.frozen(kw_only=True)
class WhoisAnswer:
    """What a server said, and whom it names as knowing more."""

    registration: Registration | None
    """None when it only names another server."""
    referral: tuple[str, int] | None


def read_domain(text: str, domain: str, *, source: str) -> WhoisAnswer:
    """What an answer says of `domain`, which is in ASCII.

    Raises Fault: it says nothing of it. AskedTooOften: the server refuses.
    """
    lines = list(_lines(text))
    fields = [field for field in map(_field, lines) if field is not None]
    expires_at = _ending(fields)
    statuses = tuple(_found_statuses(fields))
    named = [value.lower().rstrip(".") for key, value in fields if key in _NAMES]
    is_named = any(name.partition(" ")[0] in spellings(domain) for name in named)
    if expires_at is None:
        _need_an_answer(lines, is_named=is_named, source=source)
        if _is_absent(lines, statuses, is_named=is_named):
            return WhoisAnswer(registration=Registration(source=source, is_registered=False), referral=None)
    referral = _referral(fields)
    if not is_named and (named or expires_at is None):
        if referral is not None:
            return WhoisAnswer(registration=None, referral=referral)
        if named:
            raise Fault(f"{source} answered for {printable(named[0][:100])}, not for {domain}")
        raise Fault(f'{source} answered nothing about {domain}: "{printable(lines[0][:60])}"')
    registration = Registration(
        source=source,
        expires_at=expires_at,
        statuses=tuple(status_name(each) for each in statuses[:MAX_STATUSES]),
    )
    return WhoisAnswer(registration=registration, referral=referral)


def read_referral(text: str) -> tuple[str, int] | None:
    """The server that IANA names for a top-level domain."""
    return _referral([field for field in map(_field, _lines(text)) if field is not None])


def parse_date(text: str) -> int | None:
    """A date as registries write it, milliseconds since 1970; midnight UTC where there is no time."""
    for pattern in _DATES:
        match = pattern.search(text[:MAX_LINE_CHARS])
        if match is None:
            continue
        with suppress(ValueError, OverflowError):
            day = _day(match.groupdict())
            clock = _TIME.search(text[:MAX_LINE_CHARS], match.start())
            if clock is None:
                return instant(day)
            hour, minute, second = int(clock["hour"]), int(clock["minute"]), int(clock["second"] or 0)
            return instant(day.replace(hour=hour, minute=minute, second=second, tzinfo=_zone(clock)))
    return None


_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_YEAR = r"(?P<year>\d{4})(?!\d)"
_DAY = r"(?P<day>\d{1,2})(?!\d)"
_MONTH_NAME = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]{{0,6}}"
_MONTH = rf"(?:(?P<number>\d{{1,2}})(?!\d)|{_MONTH_NAME})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"(?<!\d){_YEAR}[-./] ?{_MONTH}[-./] ?{_DAY}",  # 2026-08-13 · 2026/08/13 · 2026. 08. 13. · 2026-Aug-13
        rf"(?<!\d){_DAY}(?:st|nd|rd|th)?[-./ ] ?{_MONTH}[-./, ] ?{_YEAR}",  # 13-Aug-2026 · 13.8.2026 · 13 August 2026
        rf"\b{_MONTH_NAME} +{_DAY} [\d:]{{5,8}} (?:[a-z]{{2,5}} )?{_YEAR}",  # Thu Aug 13 23:59:59 GMT 2026
        rf"\b{_MONTH_NAME}[ -] ?{_DAY},? ?-?{_YEAR}",  # August 13, 2026
        r"(?<!\d)(?P<year>\d{4})(?P<number>\d\d)(?P<day>\d\d)(?!\d)",  # 20260813
    )
)
_TIME = re.compile(
    r"[T :](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\.\d{1,9})?"
    r"(?: ?\(?(?:UTC|GMT)?(?P<sign>[+-])(?P<zone_hours>\d\d?):?(?P<zone_minutes>\d\d)?)?",
    re.IGNORECASE | re.ASCII,
)


def _day(parts: dict[str, str | None]) -> datetime:
    year, day = int(parts["year"] or 0), int(parts["day"] or 0)
    month = int(parts.get("number") or 0) or _MONTHS[(parts.get("month") or "").lower()]
    if month > 12 >= day:  # 08/31/2026: the day comes first nearly everywhere, but not there
        month, day = day, month
    return datetime(year, month, day, tzinfo=UTC)


def _zone(clock: re.Match[str]) -> timezone:
    if clock["sign"] is None:
        return UTC
    offset = timedelta(hours=int(clock["zone_hours"]), minutes=int(clock["zone_minutes"] or 0))
    return timezone(-offset if clock["sign"] == "-" else offset)


def _lines(text: str) -> Iterator[str]:
    for index, line in enumerate(text.splitlines()):
        if index == MAX_LINES:
            return
        if line.strip():
            yield line[:MAX_LINE_CHARS].strip()


def _field(line: str) -> tuple[str, str] | None:
    """A line's name and value: `Expiry Date: …`, `expires......: …`, `[Expires on] …`, `Record expires on …`."""
    if line.startswith(("%", "#", ">>>")):
        return None
    if line.startswith("[") and "]" in line:
        key, _, value = line[1:].partition("]")
    elif line.lower().startswith("record expires on "):
        key, value = line[:17], line[18:]
    else:
        key, colon, value = line.partition(":")
        if not colon:
            return None
    words = " ".join(re.sub(r"[._\-/*\s]+", " ", key).lower().split())
    return words, value.strip(" .\t")


def _ending(fields: list[tuple[str, str]]) -> int | None:
    found: dict[str, int] = {}
    for key, value in fields:
        if key in _ENDINGS and key not in found:
            date = parse_date(value)
            if date is not None:
                found[key] = date
    return next((found[key] for key in _ENDINGS if key in found), None)


def _found_statuses(fields: list[tuple[str, str]]) -> Iterator[str]:
    for key, value in fields:
        if key in _STATUSES and value:
            yield from filter(None, (each.strip() for each in value.split(",")))


def _need_an_answer(lines: list[str], *, is_named: bool, source: str) -> None:
    if not lines:
        raise Fault(f"{source} answered nothing")
    if is_named:
        return
    for line in lines:
        if any(words in line.lower() for words in _TOO_OFTEN):
            raise AskedTooOften(f'{source} is asked too often: "{printable(line[:100])}"')


def _is_absent(lines: list[str], statuses: tuple[str, ...], *, is_named: bool) -> bool:
    if any(status.lower() in _FREE for status in statuses):
        return True
    if is_named and statuses:
        return any(words in status.lower() for status in statuses for words in _ABSENT)
    # Where the domain is named, the terms of use in the comments may speak of what is "not found" in general.
    said = [line.lower() for line in lines if not (is_named and line.startswith(("%", "#")))]
    return any(words in line for line in said for words in _ABSENT)


def _referral(fields: list[tuple[str, str]]) -> tuple[str, int] | None:
    for wanted in _REFERRALS:
        for key, value in fields:
            if key == wanted and value:
                address = value.lower().removeprefix("whois://").rstrip("/")
                with suppress(ValueError):
                    return parse_server(address, default_port=PORT)
    return None
