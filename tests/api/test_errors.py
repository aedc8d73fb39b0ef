"""Whatever comes in, what goes out is an answer in the one shape, and never a 500."""

import json
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import trio

from asura.api.routes import ALL
from tests.api.conftest import KEYS, Api, config_with, serving
from tests.api.test_monitors import make

JSON = {"Content-Type": "application/json"}


def assert_shape(answer: httpx.Response) -> None:
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body) <= {"error", "code", "fields"}
    assert body["error"]
    assert body["code"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/api/v1/monitors/", 404, "not_found"),
        ("GET", "/api//v1/monitors", 404, "not_found"),
        ("GET", "/api/v1/heartbeat/x", 404, "not_found"),
        ("GET", "/api/v1/monitors/1", 404, "not_found"),
        ("GET", "/api/v1/monitors/99999999999999999999999", 404, "not_found"),
        ("GET", "/api/v1/monitors/9223372036854775808", 404, "not_found"),
        ("GET", "/api/v1/monitors/9223372036854775807", 404, "not_found"),
        ("GET", "/api/v1/monitors/-1", 404, "not_found"),
        ("GET", "/api/v1/monitors/٣", 404, "not_found"),
        ("GET", "/api/v1/monitors/1_0", 404, "not_found"),
        ("GET", "/api/v1/monitors/1/checks", 404, "not_found"),
        ("GET", "/api/v1/monitors/1/metrics", 404, "not_found"),
        ("GET", "/api/v1/monitors/1/chart", 404, "not_found"),
        ("GET", "/api/v1/monitors/1/timeline", 404, "not_found"),
        ("POST", "/api/v1/monitors/1/pause", 404, "not_found"),
        ("POST", "/api/v1/incidents/1/ack", 404, "not_found"),
        ("POST", "/api/v1/notifications/1/test", 404, "not_found"),
        ("POST", "/api/v1/notifications/history/1/retry", 404, "not_found"),
        ("POST", "/anywhere", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/monitors", 405, "method_not_allowed"),
        ("GET", "/api/v1/monitors/bulk", 405, "method_not_allowed"),
        ("POST", "/metrics", 405, "method_not_allowed"),
        ("BREW", "/api/v1/health", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_said_so(api: Api, method: str, path: str, status: int, code: str):
    answer = await api.admin.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert_shape(answer)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_wrong_method_names_the_right_ones(api: Api):
    answer = await api.admin.put("/api/v1/monitors")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    options = await api.stranger.options("/api/v1/monitors")
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")


async def test_head_answers_as_get_without_a_body(api: Api):
    for path in ("/api/v1/monitors", "/api/v1/health", "/api/v1/events", "/metrics", "/"):
        head = await api.admin.head(path)
        assert (head.status_code, head.content) == (200, b""), path


BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b'{"name": "\xff"}', 400),
    (b"\xef\xbb\xbf{}", 400),
    (b'{"interval": NaN}', 400),
    (b'{"interval": Infinity}', 400),
    (b'{"interval": 1e999}', 400),
    (b'{"interval": ' + b"1" * 5000 + b"}", 400),
    (b"[" * 100_000, 400),
    (b"[" * 100 + b"]" * 100, 400),
    (b'{"settings": ' + b'{"a":' * 900 + b"1" + b"}" * 901, 400),
    (b'{"name": "\\ud800"}', 400),
    (b"{} {}", 400),
    (b"[]", 422),
    (b"null", 422),
    (b'"text"', 422),
    (b"{}", 422),
    (b'{"name": "a\\u0000b", "type": "http", "target": "http://a.b/"}', 422),
    (b'{"name": "a", "type": "http", "target": "http://a.b/", "interval": 99999999999999999999}', 422),
    (b'{"name": "a", "type": "http", "target": "http://a.b/", "depends_on": [-9223372036854775809]}', 422),
    (b'{"name": "a", "type": ["http"], "target": {}}', 422),
    (b'{"name": "a", "type": "http", "target": "http://a.b/", "settings": [1]}', 422),
    (b'{"name": "a", "type": "http", "target": "http://a.b/", "settings": {"headers": {"\\n": "x"}}}', 422),
    (b'{"name": "a", "type": "http", "target": "http://a.b/", "settings": {"auth": {"type": []}}}', 422),
    (b'{"name": "a", "type": "http", "target": "http://a.b/", "settings": {"auth": []}}', 422),
    (b'{"\\u0000": 1, "name": "a", "name": "b"}', 422),
    (b'{"id": [], "status": {}, "uptime": 3}', 422),
    (b'{"tags": [' + b"1," * 100_000 + b"1]}", 422),
    (b'{"description": "' + b"x" * 500_000 + b'"}', 422),
]


@pytest.mark.parametrize(("body", "status"), BODIES, ids=range(len(BODIES)))
async def test_a_strange_body_is_refused_everywhere(api: Api, body: bytes, status: int):
    await make(api)
    for routes in ALL:
        for endpoint in routes.endpoints:
            # One limits how often it is asked, of the other's body nothing is required.
            if endpoint.body is None or endpoint.name in ("log_in", "rotate_token"):
                continue
            path = f"{routes.prefix}{endpoint.path}".replace("<id:monitor_id>", "1")
            if "<id" in path:
                continue
            answer = await api.admin.request(endpoint.method, path, content=body, headers=JSON)
            if endpoint.method == "PATCH" and status == 422:
                assert answer.status_code in (200, 422), path
            else:
                assert answer.status_code == status, (path, answer.text)
            if answer.status_code != 200:
                assert_shape(answer)
    assert (await api.admin.get("/api/v1/monitors")).json()["total"] == 1


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "json",
     "application/json; a=b; charset=latin-1"],
)  # fmt: skip
async def test_only_json_in_utf8_is_taken(api: Api, monitor: dict[str, Any], kind: str):
    content = json.dumps(monitor).encode()
    answer = await api.admin.post("/api/v1/monitors", content=content, headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert_shape(answer)


@pytest.mark.parametrize(
    "kind",
    ["application/json", 'Application/JSON; Charset="UTF-8"', "application/merge-patch+json",
     "application/json; odata=verbose", "application/json;charset=utf-8; profile=x", "application/json;"],
)  # fmt: skip
async def test_json_is_taken_however_it_is_spelt(api: Api, monitor: dict[str, Any], kind: str):
    answer = await api.admin.post("/api/v1/monitors", content=json.dumps(monitor), headers={"Content-Type": kind})
    assert answer.status_code == 201


async def test_a_body_over_the_limit_is_refused(tmp_path: Path):
    async with serving(tmp_path, config_with(max_body_size=2048)) as api:
        for content in (b" " * 3000, _pieces(3000)):
            answer = await api.admin.post("/api/v1/monitors", content=content, headers=JSON)
            assert answer.status_code == 413
            assert_shape(answer)


async def _pieces(count: int) -> Any:
    for _ in range(count // 100):
        yield b" " * 100


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "from=2026-03-29", "to=2026-03-29T25:00:00Z", "from=1", "before=x", "before=-1", "before=1e3"],
)
async def test_a_bad_query_of_a_history_is_refused(api: Api, query: str):
    await make(api)
    answer = await api.admin.get(f"/api/v1/monitors/1/checks?{query}")
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {query.partition("=")[0]})


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%ff", "q=%ed%a0%80", "tag=" + "x" * 2000, "status=%F0%9F%92%A9", "&&==&"]
)
async def test_a_strange_filter_matches_nothing_or_is_not_one(api: Api, query: str):
    await make(api)
    answer = await api.admin.get(f"/api/v1/monitors?{query}")
    assert (answer.status_code, answer.json()["total"]) == (200, 1 if query == "&&==&" else 0)


async def test_everybody_is_told_when_the_daemon_is_stopping(api: Api):
    api.services.stopping.set()
    with trio.fail_after(5):
        try:
            answer = await api.admin.get("/api/v1/monitors")
        except httpx.TransportError:
            return  # the listener was faster
    assert (answer.status_code, answer.json()["code"]) == (503, "stopping")


async def test_a_bug_is_logged_and_answered_without_its_traceback(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(api.services.checker), "try_out", _broken)
    async with httpx.AsyncClient(base_url=api.url, headers={"X-API-Key": KEYS["admin"]}, trust_env=False) as client:
        document = {"type": "tcp", "target": "127.0.0.1:1"}
        answer = await client.post("/api/v1/monitors/test", json=document)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret detail" not in answer.text
    assert_shape(answer)


async def _broken(*_: object) -> None:
    raise RuntimeError("secret detail")


async def test_another_origin_may_ask_only_when_it_is_configured(tmp_path: Path):
    origin = {"Origin": "https://panel.example"}
    preflight = {**origin, "Access-Control-Request-Method": "POST"}
    async with serving(tmp_path, config_with()) as api:
        for answer in (
            await api.stranger.options("/api/v1/monitors", headers=preflight),
            await api.admin.get("/api/v1/monitors", headers=origin),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]
    async with serving(tmp_path, config_with(cors_origins=("https://panel.example",))) as api:
        allowed = (await api.stranger.options("/api/v1/monitors", headers=preflight)).headers
        assert allowed["Access-Control-Allow-Origin"] == "https://panel.example"
        assert "POST" in allowed["Access-Control-Allow-Methods"]
        assert "X-API-Key" in allowed["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in allowed
        answer = await api.admin.get("/api/v1/monitors", headers=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://panel.example"
        other = await api.admin.get("/api/v1/monitors", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
        assert other.headers["Vary"] == "Origin"


async def test_a_refused_target_is_a_clear_validation_message(api: Api, monitor: dict[str, Any]):
    from asura.netguard import Guard

    env = attrs.evolve(api.services.env(), guard=Guard())
    from asura.api import monitor_documents

    document = {**monitor, "target": "http://127.0.0.1/"}
    _, problems = monitor_documents.read(document, defaults=api.services.config.current.monitor, env=env)
    assert set(problems) == {"target"}
