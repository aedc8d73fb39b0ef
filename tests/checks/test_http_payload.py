import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from asura.checks import CHECK_TYPES
from asura.checks.http_payload import payload
from asura.errors import InvalidDocument
from asura.model.monitor import Status
from asura.serde import load
from tests.checks.conftest import Check
from tests.fakes.target import answer, start_target

SENT = {
    "text": ("grüße", "text", "grüße".encode(), b"text/plain; charset=utf-8"),
    "JSON": ('{"a": [1, "ü"]}', "json", '{"a": [1, "ü"]}'.encode(), b"application/json"),
    "a JSON number of many digits": ("1" * 5000, "json", b"1" * 5000, b"application/json"),
    "XML": ("<a>ü</a>", "xml", "<a>ü</a>".encode(), b"application/xml; charset=utf-8"),
    "a form": ("a=1&b=x+y%20z", "form", b"a=1&b=x+y%20z", b"application/x-www-form-urlencoded"),
    "a form as a person types it": (
        "name=Ann Ü&q=\n",
        "form",
        b"name=Ann+%C3%9C&q=",
        b"application/x-www-form-urlencoded",
    ),
    "Base64": ("AP8K\nDQ==\n", "base64", b"\0\xff\n\r", b"application/octet-stream"),
}


@pytest.mark.parametrize(("body", "encoding", "sent", "kind"), SENT.values(), ids=SENT)
async def test_a_body_is_sent_as(
    body: str, encoding: str, sent: bytes, kind: bytes, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, answer())
    document = {"method": "POST", "body": body, "body_encoding": encoding}
    settings = load(CHECK_TYPES["http"].settings, document)
    outcome = await check("http", target.url, method="POST", body=settings.body, body_encoding=encoding)
    assert outcome.status is Status.UP
    head, _, received = target.requests[0].partition(b"\r\n\r\n")
    assert received == sent
    assert b"\r\nContent-Type: " + kind + b"\r\n" in head + b"\r\n"
    assert b"\r\nContent-Length: %d" % len(sent) in head


async def test_a_content_type_among_the_headers_wins(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    headers = {"content-type": "application/vnd.api+json"}
    await check("http", target.url, method="POST", body="{}", body_encoding="json", headers=headers)
    assert target.requests[0].lower().count(b"content-type:") == 1
    assert b"content-type: application/vnd.api+json\r\n" in target.requests[0]


WRONG = {
    "half JSON": ('{\n"a": }', "json", "must be valid JSON; at line 2, column 6: expecting value"),
    "JSON with a constant": ("[NaN]", "json", "must be valid JSON, which doesn't know NaN"),
    "JSON nested too deeply": ("[" * 60_000, "json", "must be JSON that is nested less deeply"),
    "two JSON values": ("1 2", "json", "must be valid JSON; at line 1, column 3: extra data"),
    "JSON as a form": (
        '{"a": 1}',
        "form",
        "must be name=value pairs joined by &, such as user=ann&lang=en, not JSON or XML",
    ),
    "a form without a name": ("a=1&=2", "form", "must be name=value pairs joined by &, such as user=ann&lang=en"),
    "a form with an empty pair": ("a=1&&b=2", "form", "must be name=value pairs joined by &, such as user=ann&lang=en"),
    "a form with half an escape": (
        "discount=5%",
        "form",
        "must have two hexadecimal digits after each %; write %25 for the sign itself",
    ),
    "a form of two lines": (
        "a=1\nb=2",
        "form",
        "must be one line of name=value pairs joined by &, with line breaks as %0A",
    ),
    "Base64 without padding": ("AP8", "base64", "must be Base64 (RFC 4648 §4), with its padding"),
    "Base64 for URLs": ("_-8=", "base64", "must be Base64 (RFC 4648 §4), with its padding"),
    "no Base64": ("grüße", "base64", "must be Base64 (RFC 4648 §4), with its padding"),
    "too long": ("x" * 65_537, "text", "must be at most 65536 characters, not 65537"),
}


@pytest.mark.parametrize(("body", "encoding", "problem"), WRONG.values(), ids=WRONG)
def test_a_wrong_body_is_refused_when_it_is_saved(body: str, encoding: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(CHECK_TYPES["http"].settings, {"body": body, "body_encoding": encoding})
    assert caught.value.fields == {"body": problem}


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(CHECK_TYPES["http"].settings, {"body": "x", "body_encoding": "yaml"})
    assert caught.value.fields == {"body_encoding": "must be one of text, json, form, xml, base64"}


@given(st.text(max_size=80), st.sampled_from(["text", "json", "form", "xml", "base64"]))
def test_every_body_is_sent_or_refused_in_words(body: str, encoding: str) -> None:
    problem = ""
    sent = b""
    try:
        sent = payload(body, encoding)
    except ValueError as exc:
        problem = str(exc)
    assert problem == "" or problem.startswith("must ")
    if encoding == "form":
        assert sent.isascii()
        assert b" " not in sent
