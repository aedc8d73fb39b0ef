"""Every page as people meet it: clean for axe, at both widths, in both themes, and true to what the daemon knows."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import Visitor
from tests.e2e.site import Site
from tests.fakes.daemon import READONLY_KEY, Daemon

SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1440, "height": 900}}
SLOW_MS = 20_000


def monitor(name: str, target: str, **fields: object) -> dict[str, object]:
    document = {"name": name, "type": "http", "target": target, "interval": 1, "timeout": 1, "failure_threshold": 1}
    return {**document, **fields}


def create(client: httpx.Client, document: dict[str, object], path: str = "monitors") -> int:
    answer = client.post(f"/api/v1/{path}", json=document)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def furnish(daemon: Daemon, site: Site) -> None:
    """A monitor that is up, one that is down with its incident, a paused one, a channel."""
    with daemon.client() as client:
        create(client, {"name": "Hook", "type": "webhook", "settings": {"url": site.url}}, "notifications")
        create(client, monitor("Shop", site.url, tags=["eu", "shop"], group="Front", description="See **the wiki**."))
        create(client, monitor("Gone", "127.0.0.1:9", type="tcp"))
        create(client, monitor("Asleep", site.url, enabled=False))


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_clean_for_axe(browser: Browser, daemon: Daemon, site: Site, size: str, theme: str) -> None:
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    visitor = Visitor(context.new_page(), daemon.url)
    visitor.expected.append("404 (")
    page = visitor.open()
    expect(page.get_by_label("API key")).to_be_visible()
    assert visitor.axe() == []
    visitor.log_in()
    expect(page.get_by_text("Nothing is watched yet")).to_be_visible()
    assert visitor.axe() == []
    furnish(daemon, site)
    expect(page.get_by_role("button", name="Acknowledge Gone")).to_be_visible(timeout=SLOW_MS)
    marks = {
        "/": "Open incidents",
        "/monitors": "Asleep",
        "/monitors/1": "Response time",
        "/monitors/99": "This monitor does not exist",
        "/monitors/new": "What to watch",
        "/monitors/2/edit": "What to watch",
        "/incidents": "Gone",
        "/incidents/1": "What was seen",
        "/notifications": "Hook",
        "/settings": "Audit log",
        "/nowhere": "There is no page at this address.",
    }
    for path, mark in marks.items():
        visitor.open(path)
        expect(page.get_by_role("main").get_by_text(mark).first).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert visitor.axe() == [], path
        too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not too_wide, f"{path} scrolls sideways"
    visitor.open("/monitors/new")
    expect(page.get_by_label("URL required")).to_be_visible()
    for summary in page.locator("summary").all():
        summary.click()
    page.get_by_label("Authentication", exact=True).select_option("basic")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_role("button", name="Add a group").click()
    page.get_by_label("Track changes").check()
    assert visitor.axe() == []
    visitor.open("/notifications")
    page.get_by_role("button", name="New channel").click()
    assert visitor.axe() == []
    context.close()
    assert visitor.complaints == []


def test_two_hundred_monitors_are_paged_found_and_changed_together(visitor: Visitor, daemon: Daemon) -> None:
    with daemon.client() as client:
        for number in range(200):
            target = f"https://shop-{number}.example.org/"
            create(client, monitor(f"Shop {number:03}", target, enabled=False, timeout=1, tags=[f"t{number % 4}"]))
    page = visitor.log_in("/monitors")
    expect(page.get_by_text("200 monitors", exact=True)).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Next").click()
    expect(page).to_have_url(re.compile("page=2"))
    page.get_by_role("searchbox").fill("shop 19")
    expect(page.locator("tbody tr")).to_have_count(10)
    page.get_by_label("Tag").select_option("t3")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_role("button", name="Set group").click()
    page.get_by_role("textbox", name="Group").or_(page.get_by_role("combobox", name="Group")).last.fill("Corner shops")
    page.get_by_role("dialog").get_by_role("button", name="Set group").click()
    expect(page.get_by_role("link", name="Corner shops")).to_have_count(3)


def test_the_list_follows_the_checks_and_says_when_it_can_t(visitor: Visitor, daemon: Daemon, site: Site) -> None:
    furnish(daemon, site)
    visitor.expected += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "503 ("]
    page = visitor.log_in("/monitors")
    expect(page.locator(".live")).to_contain_text("Live")
    row = page.get_by_role("row").filter(has_text="Shop")
    drawn = row.locator("canvas").get_attribute("aria-label")
    expect(row.locator("canvas")).not_to_have_attribute("aria-label", drawn or "", timeout=SLOW_MS)
    daemon.stop()
    expect(page.locator(".live")).to_contain_text("Offline", timeout=SLOW_MS)
    daemon.start()
    expect(page.locator(".live")).to_contain_text("Live", timeout=60_000)


def test_a_key_that_may_only_read_is_told_so(visitor: Visitor, daemon: Daemon, site: Site) -> None:
    furnish(daemon, site)
    page = visitor.log_in("/monitors/1", key=READONLY_KEY)
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_have_attribute("aria-disabled", "true")
    expect(pause).to_have_attribute("title", re.compile("monitors.write"))
    page.goto(f"{daemon.url}/monitors")
    expect(page.get_by_role("link", name="Shop")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)


def test_the_theme_is_kept_by_the_browser(visitor: Visitor) -> None:
    page = visitor.log_in("/settings")
    page.get_by_text("Dark", exact=True).click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(15, 18, 22)"


@pytest.fixture
def below(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that lives below a path."""
    with Daemon(tmp_path, server='base_path: "/ops/asura"') as made:
        made.url += "/ops/asura"
        yield made.start()


def test_it_works_below_a_base_path(browser: Browser, below: Daemon, site: Site) -> None:
    with below.client() as client:
        client.base_url = httpx.URL(below.url)
        create(client, monitor("Shop", site.url))
    context = browser.new_context()
    visitor = Visitor(context.new_page(), below.url)
    page = visitor.log_in("/monitors/1")
    expect(page.get_by_role("heading", name="Shop")).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    expect(page).to_have_url(f"{below.url}/settings")
    expect(page.locator(".live")).to_contain_text("Live")
    page.reload()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    context.close()
    assert visitor.complaints == []
