"""The settings of a DNS check: what is asked, whom, and what must come back."""

import attrs

from asura.content.ignoring import patterns_field
from asura.fields import items, one_of, text
from asura.protocols.attempt import Env
from asura.protocols.dns_exchange import PORT
from asura.protocols.dns_wire import expected_text
from asura.protocols.names import parse_name, parse_server, typed_address

# fmt: off
RECORD_TYPES = (
    "A", "AAAA", "CAA", "CDNSKEY", "CDS", "CNAME", "DNAME", "DNSKEY", "DS", "HINFO", "HTTPS", "LOC", "MX", "NAPTR",
    "NS", "OPENPGPKEY", "PTR", "RP", "SMIMEA", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI",
)
# fmt: on
NO_DATA = "NODATA"
RCODES = ("NOERROR", NO_DATA, "NXDOMAIN", "SERVFAIL", "REFUSED", "NOTAUTH", "NOTIMP", "FORMERR")
PROTOCOLS = ("udp", "tcp")
EXPECT_MODES = ("any", "all", "exact")
MAX_EXPECTED = 50


def _server(_: object, __: object, value: str) -> None:
    if value:
        parse_server(value, default_port=PORT)


@attrs.frozen(kw_only=True)
class DnsSettings:
    """What is asked, whom, and what must come back."""

    record_type: str = attrs.field(
        default="A",
        validator=one_of(RECORD_TYPES),
        metadata={"label": "Record type", "help": "What is asked for.", "choices": RECORD_TYPES},
    )
    server: str = attrs.field(
        default="",
        validator=[text(300), _server],
        metadata={
            "label": "Name server",
            "help": "An address or a name, with a port if it is not 53. Empty: this machine's own resolvers.",
            "placeholder": "192.0.2.53",
        },
    )
    protocol: str = attrs.field(
        default="udp",
        validator=one_of(PROTOCOLS),
        metadata={
            "group": "Protocol",
            "label": "Protocol",
            "help": "udp goes over to TCP when the answer is too large; tcp asks over TCP from the start.",
            "choices": PROTOCOLS,
        },
    )
    rcode: str = attrs.field(
        default="NOERROR",
        validator=one_of(RCODES),
        metadata={
            "group": "Protocol",
            "label": "Expected result",
            "help": "NOERROR: there are such records. NODATA: the name exists without any. NXDOMAIN: no such name.",
            "choices": RCODES,
        },
    )
    expect: tuple[str, ...] = attrs.field(
        default=(),
        validator=items(MAX_EXPECTED, each=text(1024, at_least=1)),
        metadata={
            "label": "Expected answers",
            "help": "As zone files write them (192.0.2.1; 10 mail.example.org), the final dot optional. Empty: any.",
        },
    )
    expect_mode: str = attrs.field(
        default="any",
        validator=one_of(EXPECT_MODES),
        metadata={
            "label": "How they must match",
            "help": "any: one of them is among the answers. all: each is. exact: each is, and there is no other.",
            "choices": EXPECT_MODES,
        },
    )
    dnssec: bool = attrs.field(
        default=False,
        metadata={
            "group": "Protocol",
            "label": "Demand DNSSEC",
            "help": "The resolver must say that it verified the answer (the AD flag). Its word is taken for it.",
        },
    )
    ignore_patterns: tuple[str, ...] = patterns_field()


def target_problem(target: str) -> str | None:
    """What is wrong with a name or an address, or None."""
    if typed_address(target) is not None:
        return None
    try:
        parse_name(target)
    except ValueError as exc:
        return str(exc)
    return None


def problems(target: str, settings: DnsSettings, env: Env) -> dict[str, str]:
    """What doesn't go together."""
    found: dict[str, str] = {}
    if typed_address(target) is not None and settings.record_type != "PTR":
        found["target"] = "must be a name; an address goes with the record type PTR only"
    if settings.expect and settings.rcode != "NOERROR":
        found["settings.expect"] = f"must be empty where {settings.rcode} is expected, which has no answers"
    for expected in settings.expect:
        try:
            expected_text(expected, settings.record_type)
        except ValueError as exc:
            found.setdefault("settings.expect", f"must have {settings.record_type} records: {exc}")
    return found


def hosts(target: str, settings: DnsSettings) -> dict[str, str]:
    """Who is asked, if it is not this machine's own resolvers. The target is only asked about."""
    return {"settings.server": parse_server(settings.server, default_port=PORT)[0]} if settings.server else {}
