"""Who may come in: keys, sessions, permissions, other sites' pages, and how often strangers may ask."""

import re
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from asura.api.gate import ANY_KEY, ANYBODY
from asura.api.limits import Buckets, bucket_key
from asura.api.routes import ALL
from asura.web.app import build_app
from tests.api.conftest import KEYS, Api, config_with, serving

OPEN = {
    ("GET", "/api/v1/health"),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/docs"),
    ("GET", "/api/docs/page.js"),
    ("GET", "/api/docs/page.css"),
}
"""What nobody needs a key for; every line here is a decision."""

EVERY = [(e.method, f"{routes.prefix}{e.path}", e.needs) for routes in ALL for e in routes.endpoints]
OURS = {"Sec-Fetch-Site": "same-origin"}


def _path(template: str) -> str:
    return re.sub(r"<id:\w+>", "1", template)


def test_only_the_named_routes_are_open():
    assert {(method, path) for method, path, needs in EVERY if needs == ANYBODY} == OPEN


async def test_every_route_of_the_app_is_one_of_these(api: Api):
    app = build_app(api.services)
    rules = {(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD"}}
    assert rules == {(method, path) for method, path, _ in EVERY}
    assert all(hasattr(view, "endpoint") for view in app.view_functions.values())


async def test_every_closed_route_refuses_a_stranger_and_a_wrong_key(api: Api):
    for method, path, needs in EVERY:
        if needs == ANYBODY:
            continue
        for headers in ({}, {"X-API-Key": "ak_wrong"}, {"Authorization": "Bearer"}, {"Cookie": "asura_session=x"}):
            refused = await api.stranger.request(method, _path(path), headers=headers)
            assert refused.status_code == 401, (method, path, headers)
            assert refused.headers["WWW-Authenticate"] == "Bearer"


async def test_every_route_asks_for_its_permission(api: Api):
    for method, path, needs in EVERY:
        if needs in (ANYBODY, ANY_KEY) or needs.startswith("incidents."):
            continue
        refused = await api.bot.request(method, _path(path), json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), (method, path)
        assert needs in refused.json()["error"]


async def test_a_readonly_key_changes_nothing(api: Api):
    for method, path, needs in EVERY:
        if needs.endswith(".write"):
            assert (await api.reader.request(method, _path(path), json={})).status_code == 403


async def test_a_key_is_taken_as_a_header_or_as_a_bearer_token(api: Api):
    for headers in ({"X-API-Key": KEYS["bot"]}, {"Authorization": f"bearer {KEYS['bot']}"}):
        who = await api.stranger.get("/api/v1/session", headers=headers)
        assert who.json() == {"name": "bot", "role": None, "permissions": ["incidents.read", "incidents.write"]}
    mixed = {"X-API-Key": "ak_wrong", "Authorization": f"Bearer {KEYS['bot']}"}
    assert (await api.stranger.get("/api/v1/session", headers=mixed)).status_code == 401
    proxy = {"Authorization": "Basic eDp5", "X-API-Key": KEYS["bot"]}
    assert (await api.stranger.get("/api/v1/session", headers=proxy)).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 10_000, "ak_\xff", "ak_" + "a" * 39])
async def test_what_is_no_key_is_refused_without_a_fuss(api: Api, key: str):
    headers = {"X-API-Key": key.encode("latin-1")}
    assert (await api.stranger.get("/api/v1/monitors", headers=headers)).status_code == 401


async def log_in(client: httpx.AsyncClient, name: str = "admin", **headers: str) -> httpx.Response:
    return await client.post("/api/v1/session", json={"api_key": KEYS[name]}, headers=headers)


async def test_a_browser_logs_in_works_and_logs_out(api: Api, monitor: dict[str, Any]):
    async with api.open_client() as browser:
        opened = await log_in(browser, **OURS)
        assert opened.json()["role"] == "admin"
        cookie = opened.headers["Set-Cookie"]
        assert cookie.startswith("asura_session=")
        assert cookie.partition("; ")[2] == "Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"
        assert (await browser.get("/api/v1/session")).json()["name"] == "admin"
        assert (await browser.post("/api/v1/monitors", json=monitor, headers=OURS)).status_code == 201
        token = browser.cookies["asura_session"]
        closed = await browser.delete("/api/v1/session", headers=OURS)
        assert (closed.status_code, "Max-Age=0" in closed.headers["Set-Cookie"]) == (204, True)
        stolen = {"Cookie": f"asura_session={token}"}
        assert (await api.stranger.get("/api/v1/session", headers=stolen)).status_code == 401
    entries = (await api.admin.get("/api/v1/audit")).json()["data"]
    assert [(entry["actor"], entry["action"]) for entry in entries] == [
        ("admin", "session.delete"),
        ("admin", "monitor.create"),
        ("admin", "session.create"),
    ]
    assert entries[0]["remote_addr"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{url}"}, False),
        ({"Origin": "{url}"}, True),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://127.0.0.1:1"}, False),
        ({"Origin": "http://[bad"}, False),
    ],
)
async def test_a_cookie_counts_for_changes_only_from_our_own_pages(
    api: Api, monitor: dict[str, Any], headers: dict[str, str], is_ours: bool
):
    headers = {name: value.format(url=api.url) for name, value in headers.items()}
    async with api.open_client() as browser:
        await log_in(browser)
        answered = await browser.post("/api/v1/monitors", json=monitor, headers=headers)
        assert (answered.status_code, answered.json().get("code")) == ((201, None) if is_ours else (403, "csrf"))
        assert (await browser.get("/api/v1/monitors", headers=headers)).status_code == 200
        # A key is no cookie: no page of another site can send it.
        with_key = {**headers, "X-API-Key": KEYS["admin"]}
        assert (await browser.post("/api/v1/monitors/1/pause", headers=with_key)).status_code in (200, 404)


async def test_another_site_cannot_log_a_browser_in(api: Api):
    assert (await log_in(api.stranger, **{"Sec-Fetch-Site": "cross-site"})).status_code == 403


async def test_a_session_survives_a_restart_and_ends_with_its_key(tmp_path: Path):
    async with serving(tmp_path, config_with()) as api:
        token = (await log_in(api.stranger)).cookies["asura_session"]
    cookie = {"Cookie": f"asura_session={token}"}
    async with serving(tmp_path, config_with()) as api:
        assert (await api.stranger.get("/api/v1/session", headers=cookie)).json()["name"] == "admin"
        config = api.services.config.current
        others = attrs.evolve(config, auth=attrs.evolve(config.auth, api_keys=config.auth.api_keys[1:]))
        api.services.config.reload(others)
        assert (await api.stranger.get("/api/v1/session", headers=cookie)).status_code == 401


async def test_a_session_ends_in_time(api: Api, monkeypatch: pytest.MonkeyPatch):
    async with api.open_client() as browser:
        await log_in(browser)
        assert (await browser.get("/api/v1/session")).status_code == 200
        now_ms = api.services.clock.now_ms()
        monkeypatch.setattr(type(api.services.clock), "now_ms", lambda self: now_ms + 86_400_000)
        browser.cookies.set("asura_session", browser.cookies["asura_session"])
        assert (await browser.get("/api/v1/session")).status_code == 401


async def test_the_cookie_is_secure_unless_the_listener_is_plain_loopback(tmp_path: Path):
    async with serving(tmp_path, config_with(listen="0.0.0.0:8090", base_path="/asura")) as api:
        opened = await api.stranger.post("/asura/api/v1/session", json={"api_key": KEYS["admin"]})
        assert opened.headers["Set-Cookie"].endswith("; Path=/asura; Max-Age=86400; HttpOnly; SameSite=Strict; Secure")


async def test_repeated_wrong_logins_have_to_wait_even_with_the_right_key(api: Api):
    statuses = []
    for _ in range(7):
        wrong = await api.stranger.post("/api/v1/session", json={"api_key": "ak_wrong"})
        statuses.append(wrong.status_code)
    assert statuses == [401] * 5 + [429] * 2
    assert 1 <= int(wrong.headers["Retry-After"]) <= 13
    assert (await log_in(api.stranger)).status_code == 429
    assert (await api.admin.get("/api/v1/monitors")).status_code == 200


async def test_strangers_are_slowed_down_and_keys_are_not(tmp_path: Path):
    async with serving(tmp_path, config_with(rate_limit_per_sec=0.1, rate_limit_burst=3)) as api:
        paths = ["/api/v1/health", "/api/v1/monitors", "/api/v1/openapi.json", "/api/v1/health"]
        statuses = [(await api.stranger.get(path)).status_code for path in paths]
        assert statuses == [200, 401, 200, 429]
        assert (await api.stranger.get("/api/v1/monitors", headers={"X-API-Key": "ak_wrong"})).status_code == 429
        assert (await api.stranger.get("/")).status_code == 200
        assert [(await api.admin.get("/api/v1/monitors")).status_code for _ in range(5)] == [200] * 5


async def test_behind_a_trusted_proxy_each_client_has_its_own_limit(tmp_path: Path):
    server = {"rate_limit_per_sec": 0.1, "rate_limit_burst": 1, "trusted_proxies": ("127.0.0.1/32",)}
    async with serving(tmp_path, config_with(**server)) as api:

        async def ask(client: str) -> int:
            return (await api.stranger.get("/api/v1/health", headers={"X-Forwarded-For": client})).status_code

        assert [await ask("192.0.2.1"), await ask("192.0.2.1"), await ask("192.0.2.2")] == [200, 429, 200]
        headers = {"X-Forwarded-For": "192.0.2.3", "X-Forwarded-Proto": "https"}
        assert "; Secure" in (await log_in(api.stranger, **headers)).headers["Set-Cookie"]


def test_a_bucket_refills_and_the_table_stays_bounded():
    buckets = Buckets(max_keys=2)
    assert [buckets.take("a", per_s=1, burst=2, now=0.0) for _ in range(3)] == [0, 0, 1]
    assert buckets.take("a", per_s=1, burst=2, now=0.25) == 0.75
    assert buckets.take("a", per_s=1, burst=2, now=1.0) == 0
    buckets.take("b", per_s=1, burst=2, now=1.0)
    buckets.take("c", per_s=1, burst=2, now=1.0)
    assert len(buckets) == 2
    assert buckets.wait("a", per_s=1, burst=2, now=1.0) == 0


def test_an_ipv6_host_has_one_bucket_for_all_its_addresses():
    assert bucket_key("2001:db8::1") == bucket_key("2001:db8::ffff:1") != bucket_key("2001:db8:0:1::1")
    assert bucket_key("192.0.2.1") != bucket_key("192.0.2.2")
    assert bucket_key("") == ""
