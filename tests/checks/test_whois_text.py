"""WHOIS answers in the manner of many registries, and nonsense."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.protocols.attempt import Fault
from asura.protocols.registration import AskedTooOften, Registration
from asura.protocols.whois_text import WhoisAnswer, parse_date, read_domain, read_referral

DATES = {
    "2026-08-13T04:00:00Z": "2026-08-13 04:00",
    "2026-08-13T04:00:00.0Z": "2026-08-13 04:00",
    "2026-08-13T04:00:00+0200": "2026-08-13 02:00",
    "2026-08-13T04:00:00-05:00": "2026-08-13 09:00",
    "2026-08-13 04:00:00 (UTC+8)": "2026-08-12 20:00",
    "2026-08-13 23:59:59 CLST": "2026-08-13 23:59",
    "2026.08.13": "2026-08-13 00:00",
    "2026/08/13": "2026-08-13 00:00",
    "2026. 08. 13.": "2026-08-13 00:00",
    "20260813": "2026-08-13 00:00",
    "20260813 #12345": "2026-08-13 00:00",
    "13-Aug-2026": "2026-08-13 00:00",
    "13-aug-2026 12:30:00 UTC": "2026-08-13 12:30",
    "13 August 2026": "2026-08-13 00:00",
    "August 13, 2026": "2026-08-13 00:00",
    "Aug  3 2026": "2026-08-03 00:00",
    "Thu Aug 13 23:59:59 GMT 2026": "2026-08-13 23:59",
    "2026-Aug-13.": "2026-08-13 00:00",
    "13.8.2026 00:00:00": "2026-08-13 00:00",
    "13/08/2026": "2026-08-13 00:00",
    "08/31/2026": "2026-08-31 00:00",
    "2026-05-31 (YYYY-MM-DD)": "2026-05-31 00:00",
    "2026-13-45": None,
    "0001-01-01T00:00:00Z": None,
    "99999999": None,
    "192.0.2.1": None,
    "٢٠٢٦-08-13": None,
    "never": None,
    "": None,
}


@pytest.mark.parametrize(("text", "moment"), DATES.items(), ids=DATES)
def test_a_date_is_read(text: str, moment: str | None) -> None:
    found = parse_date(text)
    shown = None if found is None else f"{datetime.fromtimestamp(found / 1000, UTC):%Y-%m-%d %H:%M}"
    assert shown == moment


@given(st.text(max_size=200))
def test_no_text_breaks_the_dates(text: str) -> None:
    parse_date(text)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))
def test_a_date_means_the_same_in_every_form(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    forms = ("%Y-%m-%dT%H:%M:%SZ", "%Y.%m.%d %H:%M:%S", "%d-%b-%Y %H:%M:%S UTC", "%d.%m.%Y %H:%M:%S")
    found = {parse_date(moment.strftime(form)) for form in (*forms, "%a %b %d %H:%M:%S GMT %Y")}
    assert found == {int(moment.replace(tzinfo=UTC).timestamp() * 1000)}


VERISIGN = """\
   Domain Name: EXAMPLE.COM
   Registry Domain ID: 2336799_DOMAIN_COM-VRSN
   Registrar WHOIS Server: whois.registrar.example
   Registrar URL: http://registrar.example
   Updated Date: 2025-08-14T07:01:44Z
   Creation Date: 1995-08-14T04:00:00Z
   Registry Expiry Date: 2026-08-13T04:00:00Z
   Domain Status: clientDeleteProhibited https://icann.org/epp#clientDeleteProhibited
   Domain Status: clientHold https://icann.org/epp#clientHold
   Name Server: A.IANA-SERVERS.NET
>>> Last update of whois database: 2026-01-05T10:00:00Z <<<
NOTICE: The expiration date displayed in this record is the date the registrar's sponsorship expires: 2099-01-01
"""
NOMINET = """
    Domain name:
        example.com

    Relevant dates:
        Registered on: 14-Feb-1996
        Expiry date:  13-Aug-2026
    Registration status:
        Registered until expiry date.
"""
ANSWERS: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    "Verisign": (VERISIGN, "2026-08-13", ("clientDeleteProhibited", "clientHold")),
    "Nominet": (NOMINET, "2026-08-13", ()),
    "DENIC": ("Domain: example.com\nNserver: ns.example\nStatus: connect\n", None, ("connect",)),
    "TCI": (
        "domain:        EXAMPLE.COM\nstate:  REGISTERED, DELEGATED\npaid-till:  2026-08-12T21:00:00Z\n"
        "free-date:     2026-09-13\n",
        "2026-08-12",
        ("REGISTERED", "DELEGATED"),
    ),
    "NASK": ("DOMAIN NAME:           example.com\nrenewal date:          2026.08.13 14:00:00\n", "2026-08-13", ()),
    "Traficom": ("domain.............: example.com\nexpires............: 13.8.2026 09:00:00\n", "2026-08-13", ()),
    "JPRS": (
        "[Domain Name]                  EXAMPLE.COM\n[有効期限]                      2026/08/13\n",
        "2026-08-13",
        (),
    ),
    "Registro.br": (
        "domain:      example.com\nexpires:     20260813\nstatus:      published\n",
        "2026-08-13",
        ("published",),
    ),
    "TWNIC": ("Domain Name: example.com\n   Record expires on 2026-08-13 (YYYY-MM-DD)\n", "2026-08-13", ()),
    "KISA": (
        "Domain Name                 : example.com\nExpiration Date             : 2026. 08. 13.\n",
        "2026-08-13",
        (),
    ),
    "CNNIC": ("Domain Name: example.com\nExpiration Time: 2026-08-13 12:48:36\n", "2026-08-13", ()),
    "TRABIS": (
        "** Domain Name: example.com\nExpires on..............: 2026-Aug-13.\n",
        "2026-08-13",
        (),
    ),
    "the registrar's date only": (
        "Domain Name: example.com\nRegistrar Registration Expiration Date: 2026-08-13T04:00:00Z\n",
        "2026-08-13",
        (),
    ),
    "the registry's date before the registrar's": (
        "Registrar Registration Expiration Date: 2027-08-13T04:00:00Z\nDomain Name: example.com\n"
        "Registry Expiry Date: 2026-08-13T04:00:00Z\n",
        "2026-08-13",
        (),
    ),
    "CRLF": ("domain: example.com\r\nexpires: 2026-08-13\r\n\r\n", "2026-08-13", ()),
}


@pytest.mark.parametrize(("text", "day", "statuses"), ANSWERS.values(), ids=ANSWERS)
def test_a_registration_is_read(text: str, day: str | None, statuses: tuple[str, ...]) -> None:
    text = text.replace("Domain name:\n        example.com", "Domain name: example.com")
    found = read_domain(text, "example.com", source="whois.example").registration
    assert found is not None
    expires_at = None if day is None else parse_date(day)
    assert found.is_registered
    assert (found.expires_at or 0) // 86_400_000 == (expires_at or 0) // 86_400_000
    assert found.statuses == statuses


ABSENT = {
    "Verisign": 'No match for "EXAMPLE.COM".\r\n>>> Last update of whois database: 2026-01-05T10:00:00Z <<<',
    "Identity Digital": "Domain not found.\n>>> Last update of WHOIS database: 2026-01-05T10:00:00Z <<<",
    "DENIC": "Domain: example.com\nStatus: free\n",
    "AFNIC": "%%\n%% This is the AFNIC Whois server.\n%%\n%% NOT FOUND\n",
    "EURid": "% The WHOIS service\nDomain: example.com\nScript: LATIN\nStatus: AVAILABLE\n",
    "CZ.NIC": "%  (c) 2006-2026 CZ.NIC\n%ERROR:101: no entries found\n",
    "TCI": "% TCI Whois Service.\nNo entries found for the selected source(s).\n",
    "SWITCH": "We do not have an entry in our database matching your query: does not exist",
}


@pytest.mark.parametrize("text", ABSENT.values(), ids=ABSENT)
def test_a_domain_that_is_not_registered_is_seen(text: str) -> None:
    answer = read_domain(text, "example.com", source="whois.example")
    assert answer.registration == Registration(source="whois.example", is_registered=False)


NOTHING_SAID = {
    "nothing": ("", "whois.example answered nothing"),
    "white space": (" \r\n\r\n", "whois.example answered nothing"),
    "garbage": ("\x00\x1b[2J", 'whois.example answered nothing about example.com: "\\x00\\x1b[2J"'),
    "HTTP": ("HTTP/1.1 400 Bad Request\r\n\r\n", "whois.example answered nothing about example.com"),
    "another domain": (
        "Domain Name: EXAMPLE.NET\nRegistry Expiry Date: 2026-08-13T04:00:00Z",
        "whois.example answered for example.net, not for example.com",
    ),
}


@pytest.mark.parametrize(("text", "words"), NOTHING_SAID.values(), ids=NOTHING_SAID)
def test_an_answer_about_something_else_is_a_fault(text: str, words: str) -> None:
    with pytest.raises(Fault) as caught:
        read_domain(text, "example.com", source="whois.example")
    assert str(caught.value).startswith(words)
    assert not isinstance(caught.value, AskedTooOften)


@pytest.mark.parametrize(
    "text",
    [
        "WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS",
        "Error: Number of allowed queries exceeded. Too many requests",
        "%ERROR:201: access denied for 192.0.2.1",
        "Your connection limit exceeded. Please slow down and try again later.",
    ],
)
def test_a_server_that_is_asked_too_often_is_understood(text: str) -> None:
    with pytest.raises(AskedTooOften, match="whois\\.example is asked too often: "):
        read_domain(text, "example.com", source="whois.example")


REFERRALS = {
    "refer:        whois.verisign-grs.com\n\ndomain:       COM\n": ("whois.verisign-grs.com", 43),
    "domain: DE\nwhois: whois.denic.de\n": ("whois.denic.de", 43),
    "ReferralServer: whois://whois.example.net:4343\n": ("whois.example.net", 4343),
    "whois server: http://whois.example.net/\n": None,
    "refer: rwhois://a b\n": None,
    "domain: XX\n": None,
    "refer:\n": None,
    "refer: 0x7f.1\n": ("127.0.0.1", 43),
}


@pytest.mark.parametrize(("text", "server"), REFERRALS.items(), ids=range(len(REFERRALS)))
def test_a_referral_is_read(text: str, server: tuple[str, int] | None) -> None:
    assert read_referral(text) == server


def test_an_answer_that_only_refers_is_followed() -> None:
    answer = read_domain("refer: whois.example.net\ndomain: COM\n", "example.com", source="whois.iana.org")
    assert answer == WhoisAnswer(registration=None, referral=("whois.example.net", 43))


@pytest.mark.parametrize("name", ["xn--mnchen-3ya.example", "münchen.example", "MÜNCHEN.example"])
def test_a_name_in_another_script_is_recognised(name: str) -> None:
    text = f"Domain Name: {name}\nExpiry Date: 2026-08-13\n"
    found = read_domain(text, "xn--mnchen-3ya.example", source="whois.example").registration
    assert found is not None
    assert found.expires_at == parse_date("2026-08-13")


@pytest.mark.parametrize(("status", "is_registered"), [("connect", True), ("not registered any more", False)])
def test_a_status_counts_more_than_the_terms_of_use(status: str, is_registered: bool) -> None:
    terms = "Copying is forbidden where it is not found to be fair. The service is free.\n"
    text = f"Domain: example.com\nStatus: {status}\n{terms}"
    found = read_domain(text, "example.com", source="whois.example").registration
    assert found is not None
    assert found.is_registered is is_registered


LINES = st.one_of(
    st.text(max_size=80),
    st.builds(
        "{}: {}".format,
        st.sampled_from(["domain", "expires", "Status", "refer", "Domain Name", "paid-till"]),
        st.one_of(st.text(max_size=40), st.just("example.com"), st.just("2026-08-13")),
    ),
)


@given(st.lists(LINES, max_size=20))
def test_no_answer_breaks_the_reader(lines: list[str]) -> None:
    try:
        answer = read_domain("\n".join(lines), "example.com", source="whois.example")
    except Fault:
        return
    assert answer.registration is not None or answer.referral is not None
