"""The dashboard's files and the headers that protect every answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.conftest import Api, config_with, serving

INDEX = '<!doctype html><base href="/" /><script type="module" src="./assets/main-1a2b.js"></script>'


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "main-1a2b.js").write_text("console.log('x');" * 200)
    (folder / "assets" / "logo-3c.svg").write_text("<svg/>")
    (folder / "robots.txt").write_text("User-agent: *\n")
    (folder / "manifest.json").write_text("{}")
    return folder


@pytest.fixture
async def site(tmp_path: Path, static: Path) -> AsyncIterator[Api]:
    async with serving(tmp_path, config_with(), static=static) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/monitors", "/monitors/3", "/apis", "/manifest.json", "/../../etc/passwd"])
async def test_every_address_of_the_dashboard_is_its_page(site: Api, path: str):
    answer = await site.stranger.get(path)
    assert (answer.status_code, answer.text) == (200, INDEX.replace('"/" /', '"/" /'))
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_assets_with_a_hash_in_their_name_are_kept_for_ever(site: Api):
    script = await site.stranger.get("/assets/main-1a2b.js")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.headers["Content-Encoding"] == "gzip"
    plain = await site.stranger.get("/assets/main-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.text == script.text
    same = await site.stranger.get("/assets/main-1a2b.js", headers={"If-None-Match": script.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert (await site.stranger.get("/assets/logo-3c.svg")).headers["Content-Type"].startswith("image/svg+xml")
    assert (await site.stranger.get("/robots.txt")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/monitors/3", "/assets/main-1a2b.js"])
async def test_the_dashboard_can_only_be_read(site: Api, path: str):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        refused = await site.stranger.request(method, path)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS"), method
    asked = await site.stranger.options(path)
    assert (asked.status_code, asked.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_an_answer_without_a_body_says_nothing_of_one(site: Api):
    etag = (await site.stranger.get("/")).headers["ETag"]
    for answer in (
        await site.stranger.options("/api/v1/monitors"),
        await site.stranger.get("/", headers={"If-None-Match": etag}),
    ):
        assert answer.status_code in (204, 304)
        assert not {"Content-Length", "Content-Type", "Transfer-Encoding"} & set(map(str.title, answer.headers))


async def test_an_asset_of_an_older_build_is_not_found(site: Api):
    assert (await site.stranger.get("/assets/main-old.js")).status_code == 404


async def test_the_page_says_where_it_stands(tmp_path: Path, static: Path):
    async with serving(tmp_path, config_with(base_path="/asura"), static=static) as site:
        for path in ("/asura", "/asura/", "/asura/monitors/3"):
            assert '<base href="/asura/"' in (await site.stranger.get(path)).text
        for path in ("/", "/asurax", "/other"):
            assert (await site.stranger.get(path)).status_code == 404


async def test_without_a_bundle_a_page_says_how_to_build_it(tmp_path: Path):
    async with serving(tmp_path, config_with(), static=tmp_path / "nothing") as site:
        answer = await site.stranger.get("/")
        assert (answer.status_code, "install.sh" in answer.text) == (200, True)


@pytest.mark.parametrize(
    "path",
    ["/", "/assets/main-1a2b.js", "/api/v1/health", "/api/v1/monitors", "/api/v1/nothing", "/api/docs", "/metrics"],
)
async def test_every_answer_is_protected(site: Api, path: str):
    headers = (await site.stranger.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    if path.startswith("/api/v1") or path == "/metrics":
        assert headers["Cache-Control"] == "no-store"
