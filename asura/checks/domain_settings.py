"""The settings of a domain check: what may be asked for, and of whom."""

import attrs

from asura.fields import between, text
from asura.protocols.attempt import Env
from asura.protocols.names import parse_name, parse_server, typed_address
from asura.protocols.target import parse_url
from asura.protocols.whois_text import PORT


def _url(_: object, __: object, value: str) -> None:
    if value:
        parse_url(value)


def _server(_: object, __: object, value: str) -> None:
    if value:
        parse_server(value, default_port=PORT)


@attrs.frozen(kw_only=True)
class DomainSettings:
    """When to warn, and whom to ask instead of the domain's own registry."""

    warn_days: int = attrs.field(
        default=30,
        validator=between(0, 3650, "days"),
        metadata={"label": "Warn before", "help": "Degraded when fewer days are left than this.", "unit": "days"},
    )
    critical_days: int = attrs.field(
        default=0,
        validator=between(0, 3650, "days"),
        metadata={
            "label": "Down before",
            "help": "Down when fewer days are left than this. 0: only once the registration has ended.",
            "unit": "days",
        },
    )
    rdap_server: str = attrs.field(
        default="",
        validator=[text(2048), _url],
        metadata={
            "label": "RDAP server",
            "help": "Its base URL. Empty: the one that IANA names for the top-level domain.",
            "placeholder": "https://rdap.example/",
        },
    )
    whois_server: str = attrs.field(
        default="",
        validator=[text(300), _server],
        metadata={
            "label": "WHOIS server",
            "help": "With a port if it is not 43. If only one of these two servers is given, only that is asked.",
            "placeholder": "whois.example",
        },
    )


def target_problem(target: str) -> str | None:
    """What is wrong with a domain, or None."""
    if typed_address(target) is not None:
        return "must be a domain, not an address"
    try:
        name = parse_name(target)
    except ValueError as exc:
        return str(exc)
    if "." not in name.strip("."):
        return "must be a domain below a top-level domain, such as example.org"
    if any(c in name for c in "_*/"):
        return "must be a registered domain, such as example.org"
    return None


def problems(target: str, settings: DomainSettings, env: Env) -> dict[str, str]:
    """What doesn't go together."""
    if settings.critical_days > settings.warn_days:
        return {"settings.critical_days": f"must be at most warn_days ({settings.warn_days})"}
    return {}


def hosts(target: str, settings: DomainSettings) -> dict[str, str]:
    """Who is asked, where the settings name somebody. The domain is only asked about."""
    found = {}
    if settings.rdap_server:
        found["settings.rdap_server"] = parse_url(settings.rdap_server).host
    if settings.whois_server:
        found["settings.whois_server"] = parse_server(settings.whois_server, default_port=PORT)[0]
    return found
