"""Bodies, queries and paths for an API of JSON documents, nearly all of them wrong.

Raw bytes on purpose: a JSON library would refuse to write half of these.
"""

import json
import random
from collections.abc import Iterator

CONTENT_TYPES = (
    "",
    "text/plain",
    "application/json; charset=utf-7",
    "application/json; charset=nonsense",
    "application/json;;;=",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/merge-patch+json",
    "\xff\xfe",
)

MONITOR = {
    "name": "a monitor",
    "type": "http",
    "target": "http://127.0.0.1:1/",
    "interval": 60,
    "timeout": 10,
    "enabled": False,
    "tags": ["a"],
    "group": None,
    "settings": {"method": "GET"},
    "failure_threshold": 3,
    "notification_channel_ids": [],
}
CHANNEL = {"name": "a channel", "type": "webhook", "settings": {"url": "http://127.0.0.1:1/"}, "events": []}

VALUES: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"0.1",
    b"-0",
    b"-0.0",
    b"01",
    b"1_000",
    b"0x10",
    b"+1",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"1" + b"0" * 400,
    b"1" + b"0" * 5000,
    b"1." + b"0" * 5000 + b"1",
    b'""',
    b'" "',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\\uffff\\ufffe"',
    b'"\xff\xfe"',
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
    b'"\xf4\x90\x80\x80"',
    b'"\x00"',
    b'"\n"',
    b'"\\x41"',
    b'"unterminated',
    b"'single'",
    b'"<script>alert(1)</script>"',
    b'"\'; DROP TABLE monitors; --"',
    b'"%s%n{0}${x}"',
    b'"' + "٣".encode() + b'"',
    b'"' + "\u202e\u2066\u200d".encode() + b'"',
    b'"' + "a\u0301".encode() * 400 + b'"',
    b'"' + b"a" * 100_000 + b'"',
    b'"http://[::1"',
    b'"http://user:pass@127.0.0.1:99999/"',
    b'"http://' + b"a" * 64 + b'.example/"',
    b'"javascript:alert(1)"',
    b'"file:///etc/passwd"',
    b'"127.0.0.1:1"',
    b'"********"',
    b"[]",
    b"{}",
    b"[null]",
    b"[[]]",
    b'[1, "a", {}]',
    b"[" + b",".join(b"1" for _ in range(3000)) + b"]",
    b"[" + b",".join(b'"x%d"' % n for n in range(3000)) + b"]",
    b"[9223372036854775808]",
    b'{"": ""}',
    b'{"__proto__": {}, "constructor": 1}',
    b'{"\\ud800": 1}',
    b"[" * 500 + b"]" * 500,
    b'{"a":' * 500 + b"1" + b"}" * 500,
)

NAMES = (
    *("name", "type", "target", "interval", "timeout", "enabled", "public", "tags", "group", "settings", "assertions"),
    *("failure_threshold", "success_threshold", "notification_channel_ids", "upside_down", "description", "id"),
    *("action", "ids", "message", "api_key", "events", "depends_on", "regions", "resend_interval", "unknown", ""),
)

REQUESTS: tuple[tuple[str, str, bytes | None], ...] = (
    ("GET", "/", None),
    ("GET", "/monitors/1", None),
    ("GET", "/assets/nothing.js", None),
    ("GET", "/metrics", None),
    ("GET", "/api/docs", None),
    ("GET", "/api/v1/openapi.json", None),
    ("GET", "/api/v1/health", None),
    ("HEAD", "/api/v1/health", None),
    ("GET", "/api/v1/session", None),
    ("GET", "/api/v1/overview", None),
    ("GET", "/api/v1/system", None),
    ("GET", "/api/v1/tags", None),
    ("GET", "/api/v1/audit?per_page=5", None),
    ("GET", "/api/v1/monitors?page=1&per_page=20", None),
    ("GET", "/api/v1/monitors/1", None),
    ("GET", "/api/v1/monitors/1/checks?per_page=5", None),
    ("GET", "/api/v1/monitors/1/chart?window=24h", None),
    ("GET", "/api/v1/incidents", None),
    ("GET", "/api/v1/notifications/history", None),
    ("OPTIONS", "/api/v1/monitors", None),
    ("DELETE", "/api/v1/monitors/999999", None),
    ("POST", "/api/v1/monitors", json.dumps(MONITOR).encode()),
    ("PUT", "/api/v1/monitors/1", json.dumps(MONITOR).encode()),
    ("PATCH", "/api/v1/monitors/1", b'{"name": "renamed"}'),
    ("POST", "/api/v1/monitors/bulk", b'{"action": "pause", "ids": [1, 2, 3]}'),
    ("POST", "/api/v1/notifications", json.dumps(CHANNEL).encode()),
    ("POST", "/api/v1/incidents/1/comment", b'{"message": "looking"}'),
    ("POST", "/api/v1/incidents/1/ack", b""),
    ("POST", "/api/v1/session", b'{"api_key": "ak_wrong"}'),
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "X")
PATHS = tuple(sorted({path.partition("?")[0] for _method, path, _body in REQUESTS}))

QUERIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("/api/v1/monitors", ("page", "per_page", "status", "type", "tag", "group", "q", "sort", "unknown")),
    ("/api/v1/monitors/1/checks", ("from", "to", "status", "region", "before", "page")),
    ("/api/v1/monitors/1/metrics", ("from", "to")),
    ("/api/v1/monitors/1/timeline", ("from", "to")),
    ("/api/v1/monitors/1/chart", ("window",)),
    ("/api/v1/incidents", ("status", "monitor_id", "from", "to", "page")),
    ("/api/v1/notifications/history", ("before", "per_page")),
    ("/api/v1/audit", ("before", "page")),
)
QUERY_VALUES: tuple[str, ...] = (
    "",
    "0",
    "-1",
    "1_000",
    "%D9%A3",
    "٣",
    "+1",
    "%201",
    "1.5",
    "1e3",
    "0x10",
    "NaN",
    "99999999999999999999",
    "9223372036854775808",
    "9" * 5000,
    "garbage",
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "%",
    "%zz",
    "a%0d%0ab",
    "'%20OR%201=1--",
    "%25%5F",
    "null",
    "[]",
    "2026-03-29T01:00:00Z",
    "2026-13-99T99:99:99Z",
    "2026-03-29T01:00:00%2B99:99",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "99999-01-01T00:00:00Z",
    "-2026-03-29T01:00:00Z",
    "1d",
    "a&a=b&a=c",
    "a" * 3000,
)
IDS = (
    "0",
    "-1",
    "1.0",
    "1_0",
    "%D9%A3",
    "٣",
    "9223372036854775808",
    "9" * 200,
    "1%00",
    "%20",
    "a",
    "1;",
    "1%2f2",
    "..",
    "+1",
)

HEADER_NAMES = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "X-API-Key", "Cookie", "Origin", "Referer"),
    *("Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Expect", "Connection", "Upgrade"),
    *("Range", "If-Range", "If-None-Match", "If-Match", "If-Modified-Since", "Last-Event-ID", "X-Forwarded-For"),
    *("X-Forwarded-Proto", "Forwarded", "Host", "TE", "Trailer", "Sec-Fetch-Site", "Date", "Cache-Control", "X"),
)
HEADER_VALUES: tuple[bytes, ...] = (
    b"",
    b"*",
    b",",
    b";=,;=",
    b"\xff\xfe",
    b"\x01\x02",
    b"a" * 5000,
    b"chunked",
    b"close, keep-alive, upgrade",
    b"0",
    b"5",
    b"-1",
    b"99999999999999999999",
    b"bytes=0-0,1-1,-1",
    b'"',
    b'W/"',
    b"Basic Og==",
    b"Bearer ak_\xff",
    b"ak_" + b"x" * 4000,
    b"null",
    b"http://[::1",
    b"http://a" + b".a" * 500,
    b"cross-site",
    b"en;q=2, *;q=x",
    b"session=" + b"x" * 3000,
    b'session="\\"; a=b',
    b"100-continue",
    b"websocket",
    b"h2c",
    b"gzip",
    b"::1",
    b"127.0.0.1, ::ffff:1.2.3.4, [fe80::1%25eth0]:1",
    b"Sun, 06 Nov 1994 08:49:37 GMT",
    b"Sun, 99 Nov 99999 99:99:99 GMT",
)
TARGET_PIECES: tuple[bytes, ...] = (
    *(b"api", b"v1", b"monitors", b"assets", b"1", b"/", b"//", b"..", b".", b"%2e%2e", b"%2f", b"%5c", b"%00", b"%ff"),
    *(
        b"%ed%a0%80",
        b"%F0%9F%98%80",
        b"%",
        b"%%",
        b"%0a",
        b"?",
        b"?a=b",
        b"&",
        b";",
        b"#",
        b"@",
        b":",
        b"[",
        b"]",
        b"*",
    ),
    *(
        b"~root",
        b"a" * 300,
        b"\\",
        b"|",
        b"<x>",
        b'"',
        b"{}",
        b"$",
        b"\xc3\xa9",
        b"http://",
        b"\x7f",
        b"index.html",
        b"%25",
    ),
)


def named() -> Iterator[tuple[str, bytes]]:
    """Whole bodies with a reason of their own."""
    for number, value in enumerate(VALUES):
        yield f"value {number} {value[:20]!r}", value
    yield "no body", b""
    yield "blank body", b"  \n "
    yield "byte order mark", b"\xef\xbb\xbf{}"
    yield "UTF-16", '{"name": "a"}'.encode("utf-16")
    yield "UTF-32", '{"name": "a"}'.encode("utf-32")
    yield "two documents", b"{} {}"
    yield "trailing comma", b'{"name": "a",}'
    yield "comment", b'{"name": "a" /* b */}'
    yield "duplicate names", b'{"name": "a", "name": "b", "type": "http", "type": "tcp"}'
    yield "array 100,000 deep", b"[" * 100_000
    yield "object 100,000 deep", b'{"a":' * 100_000
    yield "closed array 100,000 deep", b"[" * 100_000 + b"]" * 100_000
    yield (
        "settings 20,000 deep",
        b'{"name": "a", "type": "http", "settings": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001,
    )
    yield "20,000 names", b"{" + b",".join(b'"k%d": 1' % n for n in range(20_000)) + b"}"
    yield "300,000 zeros", b"[" + b"0," * 300_000 + b"0]"
    yield "900 kB of string", b'{"name": "' + b"a" * 900_000 + b'"}'
    yield "900 kB of escapes", b'{"name": "' + b"\\u0041" * 150_000 + b'"}'
    yield "a number of 900 kB", b'{"interval": ' + b"1" * 900_000 + b"}"
    yield "gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


def fresh(body: bytes, dice: random.Random) -> bytes:
    """`body` with a name of its own, or every document after the first would be a mere conflict."""
    return body.replace(b'"a monitor"', b'"monitor %d"' % dice.randrange(10**6))


def generated(dice: random.Random) -> tuple[str, str, bytes]:
    """A method, a path and a body that is a good document with some values exchanged, or worse."""
    method, path, good = dice.choice([entry for entry in REQUESTS if entry[2]])
    assert good is not None
    if dice.random() < 0.1:
        return method, path, dice.choice(VALUES)
    pairs = {name.encode(): json.dumps(value).encode() for name, value in json.loads(fresh(good, dice)).items()}
    for _ in range(dice.randint(1, 4)):
        pairs[dice.choice([*pairs, *(name.encode() for name in NAMES)])] = dice.choice(VALUES)
    for name in dice.sample(sorted(pairs), k=min(len(pairs), dice.choice([0, 0, 0, 1, 3]))):
        del pairs[name]
    body = b"{" + b", ".join(b'"%s": %s' % pair for pair in pairs.items()) + b"}"
    if dice.random() < 0.15:
        body = body[: dice.randrange(len(body))]
    return method, path, body
