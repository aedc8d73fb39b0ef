"""What a ping's address and body say: pure, and never an error whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.api.pings import Said, rid_of, said
from asura.model.heartbeat import PingKind
from asura.web import plain
from asura.web.pings import readable

PREFIX = b"/x/api/v1/heartbeat/"
TOKEN = "aB3-_" + "z" * 27
UUID = "2b1c1a0e-0d6f-4c1b-9a55-00112233aAbB"

SAYS = {
    "": (PingKind.SUCCESS, None),
    "/start": (PingKind.START, None),
    "/fail": (PingKind.FAIL, None),
    "/log": (PingKind.LOG, None),
    "/0": (PingKind.SUCCESS, 0),
    "/1": (PingKind.FAIL, 1),
    "/99": (PingKind.FAIL, 99),
    "/255": (PingKind.FAIL, 255),
    "/%66ail": (PingKind.FAIL, None),
    "/%32%35%35": (PingKind.FAIL, 255),
}


@pytest.mark.parametrize(("tail", "kind"), SAYS.items(), ids=[each or "plain" for each in SAYS])
def test_an_address_says_what_is_reported(tail: str, kind: tuple[PingKind, int | None]):
    found = said(PREFIX + TOKEN.encode() + tail.encode() + b"?rid=7", prefix=PREFIX)
    assert found == Said(token=TOKEN, kind=kind[0], exit_status=kind[1], rid="7")


@pytest.mark.parametrize(
    "tail",
    ["/", "/ok", "/START", "/00", "/01", "/256", "/1000", "/-1", "/+1", "/1.0", "/ 1", "/1_0", "/٣", "/%D9%A3",
     "/success", "/fail/", "/fail/1", "//fail", "%2Ffail", "/%2Ffail", "/fail%00", "/fail;x", "%", "/%zz", "x", "/0x1"],
)  # fmt: skip
def test_any_other_address_is_none_of_ours(tail: str):
    assert said(PREFIX + TOKEN.encode() + tail.encode(), prefix=PREFIX) is None


@pytest.mark.parametrize("token", ["", "x", TOKEN[1:], TOKEN + "x", TOKEN[1:] + "+", TOKEN[1:] + "%20", "é" * 32])
def test_a_token_that_nobody_can_have_is_none_of_ours(token: str):
    assert said(PREFIX + token.encode(), prefix=PREFIX) is None


def test_a_token_is_the_same_in_any_encoding():
    encoded = "".join(f"%{ord(each):02x}" for each in TOKEN).encode()
    assert said(PREFIX + encoded, prefix=PREFIX) == said(PREFIX + TOKEN.encode(), prefix=PREFIX)


RIDS = {
    "": "",
    "rid=": "",
    "rid": "",
    "rid=7": "7",
    f"rid={UUID}": UUID.lower(),
    f"x=1&rid={UUID.upper()}&y": UUID.lower(),
    "rid=Job-1:2026.01_A": "Job-1:2026.01_A",
    "rid=a%2Db": "a-b",
    "rid=" + "a" * 64: "a" * 64,
    "rid=" + "a" * 65: "",
    "rid=1&rid=2": "1",
    "rid=a+b": "",
    "rid=a%20b": "",
    "rid=a/b": "",
    "rid=%00": "",
    "rid=%ff": "",
    "rid=%C3%A9": "",
    "rid=7%0A": "",
    "Rid=7": "",
    "xrid=7": "",
}


@pytest.mark.parametrize(("query", "rid"), RIDS.items(), ids=[each[:20] or "none" for each in RIDS])
def test_a_query_names_a_run_or_none(query: str, rid: str):
    assert rid_of(query.encode()) == rid


@given(st.binary(max_size=300))
def test_no_address_is_an_error(rest: bytes):
    found = said(PREFIX + rest, prefix=PREFIX)
    assert found is None or len(found.token) == 32
    assert len(rid_of(rest)) <= 64


@given(st.binary(max_size=50), st.booleans())
def test_any_body_becomes_text_that_can_be_stored(data: bytes, is_cut: bool):
    text = readable(data, is_cut=is_cut)
    text.encode()
    assert "\0" not in text


@given(st.text(max_size=50), st.integers(0, 3))
def test_a_body_that_was_cut_keeps_every_whole_character(text: str, less: int):
    data = text.encode("utf-8", "replace")
    kept = data[: max(0, len(data) - less)]
    assert text.encode("utf-8", "replace").decode().replace("\0", "\ufffd").startswith(readable(kept, is_cut=True))


REQUEST = b"POST " + PREFIX + TOKEN.encode() + b"/log?rid=7 HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 2\r\n\r\nhi"


def test_a_plain_request_is_read_whole():
    found = plain.read(REQUEST, prefix=PREFIX, peer="192.0.2.1")
    assert found is not None
    assert (found.head.method, found.body, found.keeps_alive, found.head.peer) == ("POST", b"hi", True, "192.0.2.1")
    assert found.head.target == PREFIX + TOKEN.encode() + b"/log?rid=7"
    assert found.head.headers == {b"host": b"a", b"x": b"y", b"content-length": b"2"}


ODD = {
    "another path": REQUEST.replace(b"heartbeat", b"monitors"),
    "another method": REQUEST.replace(b"POST", b"PUT"),
    "an absolute target": REQUEST.replace(b" /", b" http://a/", 1),
    "HTTP/1.0": REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "HTTP/2.0": REQUEST.replace(b"HTTP/1.1", b"HTTP/2.0"),
    "half of the head": REQUEST[:60],
    "half of the body": REQUEST[:-1],
    "more than the body": REQUEST + b"G",
    "two": REQUEST + REQUEST,
    "no Host": REQUEST.replace(b"Host", b"Hose"),
    "two Hosts": REQUEST.replace(b"X: y", b"Host: b"),
    "a bad Host": REQUEST.replace(b"Host: a", b"Host: a b"),
    "chunks": REQUEST.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    "both": REQUEST.replace(b"X: y", b"Transfer-Encoding: chunked"),
    "two lengths": REQUEST.replace(b"X: y", b"Content-Length: 3"),
    "no length": REQUEST.replace(b"Length: 2", b"Length: x"),
    "leave to go on": REQUEST.replace(b"X: y", b"Expect: 100-continue"),
    "an upgrade": REQUEST.replace(b"X: y", b"Upgrade: h2c\r\nConnection: upgrade"),
    "close and keep alive": REQUEST.replace(b"X: y", b"Connection: close\r\nConnection: keep-alive"),
    "an odd connection": REQUEST.replace(b"X: y", b"Connection: close, x"),
    "a folded field": REQUEST.replace(b"X: y", b"X: y\r\n z"),
    "a space before the colon": REQUEST.replace(b"X: y", b"X : y"),
    "a NUL": REQUEST.replace(b"X: y", b"X: \0"),
    "bare line feeds": REQUEST.replace(b"\r\n", b"\n"),
    "letters that are not ASCII": REQUEST.replace(b"rid=7", b"rid=\xc3\xa9"),
    "too many fields": REQUEST.replace(b"X: y", b"\r\n".join([b"X: y"] * 100)),
    "a long target": REQUEST.replace(b"rid=7", b"rid=" + b"7" * 9000),
    "nothing": b"",
}


@pytest.mark.parametrize("data", ODD.values(), ids=list(ODD))
def test_what_leaves_a_question_is_no_plain_request(data: bytes):
    assert plain.read(data, prefix=PREFIX, peer="") is None


@given(st.integers(0, len(REQUEST) - 1), st.binary(max_size=4))
def test_a_mutated_request_is_read_or_left(at: int, junk: bytes):
    found = plain.read(REQUEST[:at] + junk + REQUEST[at + 1 :], prefix=PREFIX, peer="")
    assert found is None or found.head.target.startswith(PREFIX)
