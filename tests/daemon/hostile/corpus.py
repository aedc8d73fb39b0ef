"""Requests that nobody should send: the named ones, each a way in which something once fell over, and as many
generated ones as wanted, the same for the same seed.

A case is bytes; it knows nothing of who serves it. `good_headers` (an API key, say) go into the requests that
should get past the door, so that the handlers behind it meet nonsense too.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum

import attrs

from tests.daemon.hostile import documents, http2, websocket

UNFINISHED = ("zeros", "SMTP hello", "SSH hello", "chunk size of 17 digits")
"""Named cases that a server may rightly go on listening to."""


class Ending(StrEnum):
    """What the client does once it has sent everything."""

    WAIT = "wait"
    """Read until there is an answer or the connection ends: one of them must come."""
    EOF = "eof"
    """Wait a moment for an answer, then say that nothing more will come, and read the same way."""
    DROP = "drop"
    """Close at once, with a reset."""


@attrs.frozen(kw_only=True)
class Case:
    """What one connection sends, and how it ends."""

    name: str
    chunks: tuple[bytes, ...]
    ending: Ending = Ending.WAIT


def cases(*, seed: int, count: int, good_headers: Mapping[str, str] | None = None) -> Iterator[Case]:
    """`count` cases: the named ones first, then generated ones."""
    headers = dict(good_headers or {})
    yielded = 0
    for case in named(headers):
        if yielded == count:
            return
        yielded += 1
        yield case
    dice = random.Random(seed)
    families: Sequence[tuple[str, Callable[[random.Random, Mapping[str, str]], Case]]] = [
        ("mutated", _mutated),
        ("mutated", _mutated),
        ("truncated", _truncated),
        ("head", _odd_head),
        ("head", _odd_head),
        ("target", _odd_target),
        ("query", _odd_query),
        ("query", _odd_query),
        ("body", _odd_body),
        ("body", _odd_body),
        ("body", _odd_body),
        ("framing", _odd_framing),
        ("pipeline", _pipeline),
        ("http2", _http2),
        ("websocket", _websocket),
        ("noise", _noise),
    ]
    while yielded < count:
        family, make = families[yielded % len(families)]
        case = make(dice, headers)
        yield attrs.evolve(case, name=f"{family}-{yielded}: {case.name}")
        yielded += 1


def request(
    method: str,
    target: str | bytes,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    raw: Sequence[bytes] = (),
) -> bytes:
    """A whole request. `raw` header lines go in as they are."""
    line = b"%s %s HTTP/1.1" % (method.encode(), target if isinstance(target, bytes) else target.encode())
    fields = {"Host": "127.0.0.1", **(headers or {})}
    if body is not None:
        fields.setdefault("Content-Length", str(len(body)))
    lines = [line, *(f"{name}: {value}".encode("latin-1") for name, value in fields.items()), *raw]
    return b"\r\n".join([*lines, b"", body or b""])


def named(headers: Mapping[str, str]) -> Iterator[Case]:
    """The cases that have a reason of their own."""
    yield from _named_heads(headers)
    yield from _named_bodies(headers)
    yield from _named_queries(headers)
    for name, chunks in http2.clear_text():
        yield Case(name=f"http2 {name}", chunks=tuple(chunks), ending=Ending.EOF)
    for name, chunks in websocket.cases(headers):
        yield Case(name=f"websocket {name}", chunks=tuple(chunks), ending=Ending.EOF)


def _named_heads(headers: Mapping[str, str]) -> Iterator[Case]:
    get = b"GET / HTTP/1.1\r\nHost: a\r\n"
    whole: list[tuple[str, bytes]] = [
        ("host label of 64", b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % (b"a" * 64)),
        ("host of 5000", b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % (b"a." * 2500)),
        ("host with an empty label", b"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n"),
        ("host begins with a dot", b"GET / HTTP/1.1\r\nHost: .a\r\n\r\n"),
        ("host of bytes", b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n"),
        ("host with a huge port", b"GET / HTTP/1.1\r\nHost: a:99999999999\r\n\r\n"),
        ("host with a negative port", b"GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n"),
        ("host of an open bracket", b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        ("host of punycode nonsense", b"GET / HTTP/1.1\r\nHost: xn--\r\n\r\n"),
        ("host of punycode overflow", b"GET / HTTP/1.1\r\nHost: xn--99999999999999\r\n\r\n"),
        ("host with credentials", b"GET / HTTP/1.1\r\nHost: u:p@a\r\n\r\n"),
        ("host is empty", b"GET / HTTP/1.1\r\nHost: \r\n\r\n"),
        ("host missing", b"GET / HTTP/1.1\r\n\r\n"),
        ("host twice", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("path of 70 kB", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("path of 7 kB", b"GET /" + b"a" * 7_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("path segment of 256", b"GET /" + b"a" * 256 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("path of 2000 segments", b"GET " + b"/a" * 2_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("query of 70 kB", b"GET /?" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("query of 3000 parameters", b"GET /?" + b"a&" * 3_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("header of 40 kB", get + b"X: " + b"a" * 40_000 + b"\r\n\r\n"),
        ("header of 1 MB", get + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n"),
        ("header name of 20 kB", get + b"a" * 20_000 + b": 1\r\n\r\n"),
        ("a thousand headers", get + b"".join(b"X%d: 1\r\n" % n for n in range(1000)) + b"\r\n"),
        ("ten thousand empty headers", get + b"a:\r\n" * 10_000 + b"\r\n"),
        ("header of NUL", get + b"X: \x00\r\n\r\n"),
        ("header folded", get + b"X: a\r\n b\r\n\r\n"),
        ("header without colon", get + b"nonsense\r\n\r\n"),
        ("header name with a space", get + b"X : 1\r\n\r\n"),
        ("header of bytes", get + b"X: \xff\xfe\xfd\r\nCookie: \xff=\xfe\r\n\r\n"),
        ("cookies by the thousand", get + b"Cookie: " + b"a=b; " * 3000 + b"\r\n\r\n"),
        ("cookie nonsense", get + b'Cookie: =;;=;"\\"\\377=\\400; session=\\x\r\n\r\n'),
        ("authorization nonsense", get + b"Authorization: Basic \xff\xff=\r\n\r\n"),
        ("authorization of digest nonsense", get + b'Authorization: Digest username=",,\r\n\r\n'),
        ("authorization bearer empty", get + b"Authorization: Bearer \r\n\r\n"),
        ("accept nonsense", get + b"Accept: */*;q=nan, ;;q=1e999, text/html;q=-1\r\n\r\n"),
        ("accept-encoding nonsense", get + b"Accept-Encoding: gzip;q=\xff, br;q=1e400\r\n\r\n"),
        ("range nonsense", get + b"Range: bytes=99999999999999999999-,-0,a-b\r\n\r\n"),
        ("range backwards", get + b"Range: bytes=5-1\r\n\r\n"),
        ("if-modified-since nonsense", get + b"If-Modified-Since: Thu, 99 Foo 99999 99:99:99 GMT\r\n\r\n"),
        ("if-none-match nonsense", get + b'If-None-Match: W/"\xff, *, """\r\n\r\n'),
        ("last-event-id nonsense", request("GET", "/api/v1/events", headers=headers, raw=[b"Last-Event-ID: \xff9e9"])),
        (
            "last-event-id huge",
            request("GET", "/api/v1/events", headers=headers, raw=[b"Last-Event-ID: " + b"9" * 400]),
        ),
        ("origin nonsense", request("POST", "/api/v1/session", raw=[b"Origin: http://[::1", b"Content-Length: 0"])),
        ("forwarded nonsense", get + b"X-Forwarded-For: , ,\xff,[::1,1.2.3.4:5:6,%,999.1.1.1\r\n\r\n"),
        ("forwarded by ten thousand", get + b"X-Forwarded-For: " + b"1," * 7_000 + b"\r\n\r\n"),
        ("method of bytes", b"G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method of 10 kB", b"A" * 10_000 + b" / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method lower-case", b"get / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method of tildes", b"~~~ / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method TRACE", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method CONNECT", b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method CONNECT with a path", b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method OPTIONS of all", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of all", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target without slash", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of a query only", b"GET ?a=b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of a fragment", b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target absolute", b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target absolute without path", b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target absolute with a query only", b"GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target absolute of an open bracket", b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of another scheme", b"GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of two slashes", b"GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of two slashes and a bracket", b"GET //[ HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of bytes", b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of NUL", b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of an encoded line break", b"GET /a%0d%0aX:%201 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target half encoded", b"GET /%e HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target not UTF-8", b"GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target an encoded surrogate", b"GET /%ed%a0%80 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target climbs", b"GET /../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target climbs encoded", b"GET /%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target climbs from assets", b"GET /assets/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("target of encoded backslashes", b"GET /assets/..%5c..%5cx HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("version 0.9", b"GET /\r\n\r\n"),
        ("version 1.2", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        ("version 2.0", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        ("version 9.9", b"GET / HTTP/9.9\r\nHost: a\r\n\r\n"),
        ("version of letters", b"GET / HTTP/x.y\r\nHost: a\r\n\r\n"),
        ("version 1.0 without host", b"GET / HTTP/1.0\r\n\r\n"),
        ("version 1.0 keep-alive", b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
        ("bare line feeds", b"GET / HTTP/1.1\nHost: a\n\n"),
        ("bare carriage returns", b"GET / HTTP/1.1\rHost: a\r\r" + b"\n\n"),
        ("blank lines first", b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500),
        ("SSH hello", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("SMTP hello", b"EHLO a\r\nQUIT\r\n"),
        ("proxy protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("proxy protocol v2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x7f\x00\x00\x01" * 3),
        ("zeros", b"\x00" * 70_000),
        ("line feeds", b"\n" * 70_000),
        ("spaces", b" " * 70_000),
        ("expect nonsense", get + b"Expect: 200-maybe\r\n\r\n"),
        ("upgrade to nonsense", get + b"Connection: Upgrade\r\nUpgrade: tea/1.0\r\n\r\n"),
        (
            "h2c upgrade",
            get + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        ),
        ("h2c upgrade, bad settings", get + b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: !!!!\r\n\r\n"),
        ("h2c upgrade, short settings", get + b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n"),
        ("h2c upgrade, no settings", get + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
        ("h2c upgrade, bytes", get + b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: \xff\xfe\r\n\r\n"),
    ]
    for name, data in whole:
        yield Case(
            name=name,
            chunks=(data,),
            ending=Ending.EOF if name in UNFINISHED else Ending.WAIT,
        )
    yield Case(name="nothing", chunks=(), ending=Ending.EOF)
    yield Case(name="nothing and a reset", chunks=(), ending=Ending.DROP)
    yield Case(name="half a head", chunks=(b"GET / HTTP/1.1\r\nHo",), ending=Ending.EOF)
    yield Case(name="half a head and a reset", chunks=(b"GET / HTTP/1.1\r\nHo",), ending=Ending.DROP)
    yield Case(name="a request and a reset", chunks=(request("GET", "/", headers=headers),), ending=Ending.DROP)
    yield Case(name="a byte at a time", chunks=tuple(bytes([byte]) for byte in request("GET", "/")))
    body = b'{"name": "a", "type": "http", "target": "http://127.0.0.1:1/"}'
    post = request("POST", "/api/v1/monitors/test", headers={**headers, "Content-Type": "application/json"}, body=body)
    yield Case(name="a body and a reset", chunks=(post,), ending=Ending.DROP)
    yield Case(name="half a body", chunks=(post[:-20],), ending=Ending.EOF)
    yield Case(name="half a body and a reset", chunks=(post[:-20],), ending=Ending.DROP)


def _named_bodies(headers: Mapping[str, str]) -> Iterator[Case]:
    typed = {**headers, "Content-Type": "application/json"}
    post = b"POST /api/v1/monitors HTTP/1.1\r\nHost: a\r\n" + b"".join(
        f"{name}: {value}\r\n".encode("latin-1") for name, value in typed.items()
    )
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    framed: list[tuple[str, bytes]] = [
        ("content-length of 20 digits", post + b"Content-Length: 99999999999999999999\r\n\r\n{}"),
        ("content-length of 400 digits", post + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n{}"),
        ("content-length negative", post + b"Content-Length: -1\r\n\r\n{}"),
        ("content-length with a plus", post + b"Content-Length: +2\r\n\r\n{}"),
        ("content-length with an underscore", post + b"Content-Length: 1_0\r\n\r\n{}"),
        ("content-length of Arabic digits", post + "Content-Length: ٣\r\n\r\n{}".encode()),
        ("content-length hexadecimal", post + b"Content-Length: 0x2\r\n\r\n{}"),
        ("content-length twice, unlike", post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        ("content-length list", post + b"Content-Length: 2, 2\r\n\r\n{}"),
        (
            "content-length and chunked",
            post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ),
        ("transfer-encoding unknown", post + b"Transfer-Encoding: gzip\r\n\r\n{}"),
        ("transfer-encoding list", post + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        (
            "transfer-encoding twice",
            post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("transfer-encoding with a tab", post + b"Transfer-Encoding:\tchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        ("chunked over 1.0", chunked.replace(b"HTTP/1.1", b"HTTP/1.0") + b"2\r\n{}\r\n0\r\n\r\n"),
        ("chunk size of letters", chunked + b"zz\r\n{}\r\n0\r\n\r\n"),
        ("chunk size of 17 digits", chunked + b"f" * 17 + b"\r\n{}"),
        ("chunk size negative", chunked + b"-2\r\n{}\r\n0\r\n\r\n"),
        ("chunk size empty", chunked + b"\r\n{}\r\n0\r\n\r\n"),
        ("chunk without its line break", chunked + b"2\r\n{}x0\r\n\r\n"),
        ("chunk extension of 100 kB", chunked + b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n"),
        ("chunks of one byte", chunked + b"".join(b"1\r\n \r\n" for _ in range(20_000)) + b"0\r\n\r\n"),
        ("chunked body over the limit", chunked + b"".join(b"10000\r\n%s\r\n" % (b" " * 65_536) for _ in range(40))),
        ("trailers", chunked + b"2\r\n{}\r\n0\r\nX: 1\r\nContent-Length: 5\r\n\r\n"),
        ("trailers without colon", chunked + b"2\r\n{}\r\n0\r\nnonsense\r\n\r\n"),
        ("trailers of 100 kB", chunked + b"2\r\n{}\r\n0\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"),
        ("expects to go on, too large", post + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"),
        ("body of 2 MB for nobody", request("POST", "/nobody", headers=headers, body=b"x" * 2_000_000)),
        ("body of 900 kB for nobody", request("POST", "/nobody", headers=headers, body=b"x" * 900_000)),
        ("body with GET", request("GET", "/", headers=headers, body=b"x" * 1000)),
        ("body with DELETE", request("DELETE", "/api/v1/monitors/1", headers=headers, body=b"{}")),
        ("body with HEAD", request("HEAD", "/api/v1/health", headers=headers, body=b"{}")),
    ]
    for name, data in framed:
        yield Case(name=name, chunks=(data,), ending=Ending.EOF if name in UNFINISHED else Ending.WAIT)
    for name, body in documents.named():
        for target in ("/api/v1/monitors", "/api/v1/session"):
            yield Case(name=f"{name} to {target}", chunks=(request("POST", target, headers=typed, body=body),))
    for content_type in documents.CONTENT_TYPES:
        data = request("POST", "/api/v1/monitors", headers={**headers, "Content-Type": content_type}, body=b"{}")
        yield Case(name=f"content type {content_type!r}", chunks=(data,))


def _named_queries(headers: Mapping[str, str]) -> Iterator[Case]:
    for path, names in documents.QUERIES:
        for name in names:
            for value in documents.QUERY_VALUES:
                target = f"{path}?{name}={value}"
                yield Case(name=f"query {target[:80]}", chunks=(request("GET", target, headers=headers),))
    for value in documents.IDS:
        for path in ("/api/v1/monitors/{}", "/api/v1/incidents/{}", "/api/v1/notifications/{}"):
            target = path.format(value)
            yield Case(name=f"id {target[:80]}", chunks=(request("GET", target, headers=headers),))


def _valid(dice: random.Random, headers: Mapping[str, str]) -> bytes:
    method, path, body = dice.choice(documents.REQUESTS)
    if body is None:
        return request(method, path, headers=headers)
    return request(
        method, path, headers={**headers, "Content-Type": "application/json"}, body=documents.fresh(body, dice)
    )


def _mutated(dice: random.Random, headers: Mapping[str, str]) -> Case:
    data = bytearray(_valid(dice, headers))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data))
        match dice.randrange(6):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : at + dice.randint(1, 8)]
            case 2:
                data[at:at] = dice.randbytes(dice.randint(1, 8))
            case 3:
                data[at:at] = data[at : at + dice.randint(1, 40)]
            case 4:
                data[at:at] = dice.choice([b"\r\n", b"\n", b"\r", b"\x00", b" ", b":", b"%", b"\xff", b"\t"])
            case _:
                data[at] ^= 1 << dice.randrange(8)
        if not data:
            break
    return Case(name="bytes changed", chunks=_cut(dice, bytes(data)), ending=Ending.EOF)


def _truncated(dice: random.Random, headers: Mapping[str, str]) -> Case:
    data = _valid(dice, headers)
    ending = Ending.DROP if dice.random() < 0.2 else Ending.EOF
    return Case(name="cut off", chunks=_cut(dice, data[: dice.randrange(len(data))]), ending=ending)


def _odd_head(dice: random.Random, headers: Mapping[str, str]) -> Case:
    name = dice.choice(documents.HEADER_NAMES)
    value = dice.choice(documents.HEADER_VALUES) if dice.random() < 0.7 else dice.randbytes(dice.randint(0, 60))
    line = name.encode() + b": " + value.replace(b"\n", b"")
    data = request(dice.choice(documents.METHODS), dice.choice(documents.PATHS), headers=headers, raw=[line])
    return Case(name=repr(line[:60]), chunks=_cut(dice, data), ending=Ending.EOF)


def _odd_target(dice: random.Random, headers: Mapping[str, str]) -> Case:
    target = b"".join(dice.choice(documents.TARGET_PIECES) for _ in range(dice.randint(1, 8)))
    target = target if dice.random() < 0.2 else b"/" + target
    return Case(name=repr(target[:60]), chunks=(request("GET", target, headers=headers),), ending=Ending.EOF)


def _odd_query(dice: random.Random, headers: Mapping[str, str]) -> Case:
    path, names = dice.choice(documents.QUERIES)
    pairs = [f"{dice.choice(names)}={dice.choice(documents.QUERY_VALUES)}" for _ in range(dice.randint(1, 4))]
    target = f"{path}?{'&'.join(pairs)}"
    return Case(name=target[:80], chunks=(request("GET", target, headers=headers),))


def _odd_body(dice: random.Random, headers: Mapping[str, str]) -> Case:
    method, path, body = documents.generated(dice)
    typed = {**headers, "Content-Type": "application/json"}
    return Case(
        name=f"{method} {path} {body[:60]!r}", chunks=_cut(dice, request(method, path, headers=typed, body=body))
    )


def _odd_framing(dice: random.Random, headers: Mapping[str, str]) -> Case:
    typed = {**headers, "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    pieces = [dice.randbytes(dice.randint(0, 300)) for _ in range(dice.randint(0, 12))]
    sizes = [b"%x" % (len(piece) + dice.choice([0, 0, 0, 0, 0, 1, -1, 7])) for piece in pieces]
    body = b"".join(b"%s\r\n%s\r\n" % pair for pair in zip(sizes, pieces, strict=True))
    end = dice.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"", b"0\r\n", b"00000\r\n\r\n", b"0;x=y\r\n\r\n"])
    data = request("POST", dice.choice(documents.PATHS), headers=typed) + body + end
    return Case(name="chunks", chunks=_cut(dice, data), ending=Ending.EOF)


def _pipeline(dice: random.Random, headers: Mapping[str, str]) -> Case:
    several = b"".join(_valid(dice, headers) for _ in range(dice.randint(2, 12)))
    several += dice.choice([b"", b"", b"GET", b"\x00\x00", b"nonsense\r\n\r\n", dice.randbytes(30)])
    ending = Ending.DROP if dice.random() < 0.2 else Ending.EOF
    return Case(name="several at once", chunks=_cut(dice, several), ending=ending)


def _http2(dice: random.Random, _headers: Mapping[str, str]) -> Case:
    return Case(name="frames", chunks=_cut(dice, http2.generated(dice)), ending=Ending.EOF)


def _websocket(dice: random.Random, headers: Mapping[str, str]) -> Case:
    return Case(name="handshake and frames", chunks=tuple(websocket.generated(dice, headers)), ending=Ending.EOF)


def _noise(dice: random.Random, _headers: Mapping[str, str]) -> Case:
    return Case(name="random bytes", chunks=_cut(dice, dice.randbytes(dice.randint(1, 2000))), ending=Ending.EOF)


def _cut(dice: random.Random, data: bytes) -> tuple[bytes, ...]:
    """Sometimes in pieces, because parsers break at the seams."""
    if len(data) < 2 or dice.random() < 0.6:
        return (data,)
    seams = sorted({dice.randrange(1, len(data)) for _ in range(dice.randint(1, 4))})
    return tuple(data[start:end] for start, end in zip([0, *seams], [*seams, len(data)], strict=True))
