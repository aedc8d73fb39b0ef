import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.checks import CHECK_TYPES
from asura.errors import InvalidDocument
from asura.protocols.target import Url, join_url, parse_url
from asura.serde import dump, load

HTTP = CHECK_TYPES["http"]
TCP = CHECK_TYPES["tcp"]

URLS = {
    "HTTP://Example.COM": ("http", "example.com", 80, "/", "example.com"),
    "https://example.com:8443/a?b=c#d": ("https", "example.com", 8443, "/a?b=c", "example.com:8443"),
    "https://example.com:443": ("https", "example.com", 443, "/", "example.com"),
    "http://[2001:DB8::1]:8080/": ("http", "2001:db8::1", 8080, "/", "[2001:db8::1]:8080"),
    "http://127.1/": ("http", "127.0.0.1", 80, "/", "127.0.0.1"),
    "http://straße.example/ü?ü=ü": (
        "http",
        "xn--strae-oqa.example",
        80,
        "/%C3%BC?%C3%BC=%C3%BC",
        "xn--strae-oqa.example",
    ),
    "http://a_b.example./%20": ("http", "a_b.example.", 80, "/%20", "a_b.example."),
    "http://example.com?q": ("http", "example.com", 80, "/?q", "example.com"),
}


@pytest.mark.parametrize(("text", "parts"), URLS.items(), ids=URLS)
def test_a_url_is_taken_apart(text: str, parts: tuple[str, str, int, str, str]) -> None:
    url = parse_url(text)
    assert (url.scheme, url.host, url.port, url.path, url.authority) == parts
    assert HTTP.target_problem(text) is None
    assert HTTP.hosts(text, HTTP.settings()) == {"target": url.host}


WRONG_URLS = {
    "": "must not be empty",
    "example.com": "must be a URL that begins with http:// or https://",
    "ftp://example.com/": "must be a URL that begins with http:// or https://",
    "file:///etc/passwd": "must be a URL that begins with http:// or https://",
    "http://": "must be a URL with a host",
    "http:///path": "must be a URL with a host",
    "http://user:pw@example.com/": "must not have credentials in the URL; put them into the setting auth",
    "http://example.com:0/": "must have a port between 1 and 65535",
    "http://example.com:65536/": "must be a valid URL with a port between 1 and 65535",
    "http://example.com:x/": "must be a valid URL with a port between 1 and 65535",
    "http://[::1/": "must be a valid URL with a port between 1 and 65535",
    "http://exa mple.com/": "must not have spaces, control characters or backslashes",
    "http://example.com/\r\nHost: x": "must not have spaces, control characters or backslashes",
    "http://example.com\\@evil.example/": "must not have spaces, control characters or backslashes",
    "http://example.com/\ud800": "must not have spaces, control characters or backslashes",
    "http://1.2.3.256/": "must have a valid host: this is neither a name nor an address",
    "http://-a.example/": "must have a valid host name",
    "http://a..example/": "must have a valid host name",
    f"http://{'a' * 64}.example/": "must have a valid host name",
    f"http://{'a.' * 130}example/": "must have a valid host name",
    f"http://example.com/{'a' * 2048}": "must have at most 2048 characters",
}


@pytest.mark.parametrize(("text", "problem"), WRONG_URLS.items(), ids=[repr(text)[:40] for text in WRONG_URLS])
def test_a_wrong_url_says_what_is_wrong(text: str, problem: str) -> None:
    assert (HTTP.target_problem(text) or "").startswith(problem)


PLACES = {
    "db.example:5432": "db.example",
    "127.0.0.1:1": "127.0.0.1",
    "[2001:db8::1]:65535": "2001:db8::1",
    "0x7f.1:80": "127.0.0.1",
}


@pytest.mark.parametrize(("text", "host"), PLACES.items(), ids=PLACES)
def test_a_place_is_taken_apart(text: str, host: str) -> None:
    assert TCP.target_problem(text) is None
    assert TCP.hosts(text, TCP.settings()) == {"target": host}


WRONG_PLACES = {
    "": "must not be empty",
    "db.example": "must be host:port",
    ":80": "must be host:port",
    "http://db.example:80": "must be host:port",
    "db.example:": "must have a port between 1 and 65535",
    "db.example:0": "must have a port between 1 and 65535",
    "db.example:65536": "must have a port between 1 and 65535",
    "db.example:٣": "must have a port between 1 and 65535",
    "db.example:8_0": "must have a port between 1 and 65535",
    "2001:db8::1:80": "must have an IPv6 address in brackets",
    "[2001:db8::1:80": "must have an IPv6 address in brackets",
    "a b:80": "must not have spaces",
    "1.2.3.4.5:80": "must have a valid host",
}


@pytest.mark.parametrize(("text", "problem"), WRONG_PLACES.items(), ids=[repr(text) for text in WRONG_PLACES])
def test_a_wrong_place_says_what_is_wrong(text: str, problem: str) -> None:
    assert (TCP.target_problem(text) or "").startswith(problem)


@given(st.text(max_size=60))
def test_no_target_breaks_the_parser(text: str) -> None:
    for target in (text, f"http://{text}", f"http://example.com/{text}", f"{text}:80"):
        for each in CHECK_TYPES.values():
            if each.target_problem(target) is None and each.name in ("http", "tcp"):
                assert each.hosts(target, each.settings())["target"].isascii()


LOCATIONS = {
    "/b": "http://a.example/b",
    "c?d": "http://a.example/x/c?d",
    "//b.example/c": "http://b.example/c",
    "https://b.example": "https://b.example/",
    "http://user:pw@b.example/@c": "http://b.example/@c",
    "?q": "http://a.example/x/y?q",
    " /b c ": "http://a.example/b%20c",
    "/ü": "http://a.example/%C3%BC",
    "http://b.example?mail=me@c.example": "http://b.example/?mail=me@c.example",
    "//user:pw@b.example?mail=me@c.example/d": "http://b.example/?mail=me@c.example/d",
    "http://b.example#me@c.example": "http://b.example/",
    f"/login?SAMLRequest={'a' * 4000}": f"http://a.example/login?SAMLRequest={'a' * 4000}",
}


@pytest.mark.parametrize(("location", "expected"), LOCATIONS.items(), ids=[each[:40] for each in LOCATIONS])
def test_a_location_is_joined(location: str, expected: str) -> None:
    url = join_url(parse_url("http://a.example/x/y?z"), location)
    assert f"{url.scheme}://{url.authority}{url.path}" == expected


@pytest.mark.parametrize(
    "location", ["javascript:1", "", "/a\r\nb", "http://[::1", "data:,x", "/" + "a" * 8192], ids=lambda each: each[:40]
)
def test_a_location_that_leads_nowhere_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        join_url(parse_url("http://a.example/"), location)


def test_a_url_is_shown_without_its_query() -> None:
    assert parse_url("https://a.example/b?token=secret").shown == "https://a.example/b?…"
    assert isinstance(parse_url("http://a.example/"), Url)


GOOD: dict[str, dict[str, object]] = {
    "nothing": {},
    "everything": {
        "method": "POST",
        "headers": {"X-One": "1", "Authorization": "Bearer x"},
        "body": '{"a": 1}',
        "auth": {"type": "basic", "username": "ann", "password": "pw"},
        "expected_status": [200, "201", "3xx", "5XX", "400-404"],
        "follow_redirects": False,
        "max_redirects": 20,
        "verify_tls": False,
        "ip_version": "6",
        "max_body_bytes": 16777216,
        "keyword": "größe",
        "body_encoding": "json",
        "http_version": "2",
        "proxy": "socks5://tor.example:9050",
        "proxy_auth": {"type": "basic", "username": "ann", "password": "pw"},
        "cache_buster": True,
    },
    "a token": {"auth": {"type": "bearer", "token": "abc"}},
    "no auth": {"auth": None},
}


@pytest.mark.parametrize("document", GOOD.values(), ids=GOOD)
def test_good_settings_are_taken_and_given_back(document: dict[str, object]) -> None:
    settings = load(HTTP.settings, document)
    again = dump(settings)
    assert load(HTTP.settings, again) == settings
    assert json.loads(json.dumps({key: again[key] for key in document})) == document


BAD: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "a later release's": ({"timeout": 5}, {"timeout": "unknown field"}),
    "another method": ({"method": "get"}, {"method": "must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}),
    "a smuggled header": (
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": "must not have line breaks, control or non-Latin characters in the value of X"},
    ),
    "a header name with a space": (
        {"headers": {"X Y": "a"}},
        {"headers": "must have header names of letters, digits and hyphens, not 'X Y'"},
    ),
    "a framing header": (
        {"headers": {"Content-length": "5"}},
        {"headers": "must not set Content-length: Asura sets it itself"},
    ),
    "a wrong status": (
        {"expected_status": ["2x"]},
        {"expected_status": 'must have codes (200), classes ("2xx") or ranges ("200-204") from 100 to 599'},
    ),
    "a code too high": (
        {"expected_status": [600]},
        {"expected_status": 'must have codes (200), classes ("2xx") or ranges ("200-204") from 100 to 599'},
    ),
    "a range backwards": (
        {"expected_status": ["204-200"]},
        {"expected_status": "must have ranges from low to high, not 204-200"},
    ),
    "no status": ({"expected_status": []}, {"expected_status": "must have between 1 and 50 entries"}),
    "a true status": (
        {"expected_status": [True]},
        {"expected_status[0]": "must be a whole number or must be a string"},
    ),
    "too many redirects": ({"max_redirects": 21}, {"max_redirects": "must be between 1 and 20"}),
    "too large a body": ({"max_body_bytes": 16777217}, {"max_body_bytes": "must be between 1 and 16777216 bytes"}),
    "the same header twice": (
        {"headers": {"Host": "a", "host": "b"}},
        {"headers": "must not have the same header twice; capital letters make no difference"},
    ),
    "a keyword in no body": (
        {"method": "HEAD", "keyword": "x"},
        {"keyword": "must be empty with the method HEAD, whose answers have no body"},
    ),
    "another IP": ({"ip_version": "5"}, {"ip_version": "must be one of auto, 4, 6"}),
    "auth without type": ({"auth": {"token": "x"}}, {"auth.type": "must be one of basic, bearer"}),
    "auth without token": ({"auth": {"type": "bearer"}}, {"auth.token": "is required"}),
    "a token with a line break": (
        {"auth": {"type": "bearer", "token": "a\nb"}},
        {"auth.token": "must be printable ASCII without spaces"},
    ),
    "a user with a colon": (
        {"auth": {"type": "basic", "username": "a:b"}},
        {"auth.username": "must be free of colons and control characters"},
    ),
    "several at once": (
        {"verify_tls": "yes", "keyword": 5, "max_redirects": 0},
        {
            "verify_tls": "must be true or false",
            "keyword": "must be a string",
            "max_redirects": "must be between 1 and 20",
        },
    ),
}


@pytest.mark.parametrize(("document", "fields"), BAD.values(), ids=BAD)
def test_bad_settings_are_named(document: dict[str, object], fields: dict[str, str]) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(HTTP.settings, document)
    assert caught.value.fields == fields


def test_bad_tcp_settings_are_named() -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(TCP.settings, {"send": r"\q", "expect": "\\", "tls": 1, "verify_tls": True})
    assert set(caught.value.fields) == {"send", "expect", "tls", "verify_tls"}


@pytest.mark.parametrize("check_type", CHECK_TYPES.values(), ids=CHECK_TYPES)
def test_every_setting_has_a_default_and_can_be_shown_in_a_form(check_type: object) -> None:
    for field in attrs.fields(check_type.settings):  # type: ignore[attr-defined]
        assert field.default is not attrs.NOTHING
        assert field.metadata["label"]
        assert field.metadata["help"]


def test_secrets_are_not_in_a_repr() -> None:
    settings = load(
        HTTP.settings,
        {
            "headers": {"X-API-Key": "s3cret"},
            "body": "s3cret",
            "auth": {"type": "basic", "username": "u", "password": "s3cret"},
        },
    )
    assert "s3cret" not in repr(settings)
