"""From the first login to an incident that is acknowledged and over, with a mouse and with the keyboard alone."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visitor
from tests.e2e.site import Site
from tests.fakes.daemon import KEY, Daemon

SLOW_MS = 20_000
"""For what waits for a few checks on a busy machine."""


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()


def status_of(page: Page, word: str) -> None:
    expect(page.locator(".verdict-words")).to_contain_text(word, timeout=SLOW_MS)


def test_a_monitor_goes_down_and_somebody_acknowledges_it(visitor: Visitor, site: Site) -> None:
    page = visitor.log_in()
    expect(page.get_by_text("Nothing is watched yet")).to_be_visible()

    page.get_by_role("link", name="notification channel").click()
    page.get_by_role("button", name="New channel").click()
    page.get_by_label("Name required").fill("Ops room")
    page.get_by_label("URL required").fill(site.url)
    page.get_by_role("button", name="Create channel").click()
    page.get_by_role("button", name="Send a test through Ops room").click()
    expect(page.get_by_text("The test arrived, status 204")).to_be_visible(timeout=SLOW_MS)

    go(page, "Overview")
    page.get_by_role("link", name="Create your first monitor").click()
    page.get_by_label("URL required").fill(site.url)
    page.get_by_label("Name required").fill("Shop")
    page.get_by_label("Interval").fill("1")
    page.get_by_label("Timeout").fill("1")
    page.get_by_label("Failures before down").fill("2")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_label("Result of the test").get_by_text("status 200")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="Create monitor").click()
    expect(page.get_by_role("heading", name="Shop")).to_be_visible()
    status_of(page, "Up")

    site.is_up = False
    status_of(page, "Down")
    expect(page).to_have_title(re.compile(r"^\(1\) Shop"))
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("favicon-1-"))

    go(page, "Overview")
    expect(page.get_by_text("1 monitor down")).to_be_visible()
    page.get_by_role("button", name="Acknowledge Shop").click()
    expect(page.get_by_text("Acknowledged: Shop")).to_be_visible()
    expect(page.get_by_text("by admin")).to_be_visible()

    page.get_by_role("link", name="Shop").click()
    expect(page.get_by_role("heading", name="What was seen")).to_be_visible()
    page.get_by_label("Comment").fill("The load balancer again.")
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator(".timeline").get_by_text("The load balancer again.")).to_be_visible()

    site.is_up = True
    status_of(page, "Resolved")
    go(page, "Overview")
    expect(page.get_by_text("The monitor is up")).to_be_visible()
    go(page, "Notifications")
    expect(page.get_by_role("row", name="Delivered").first).to_be_visible()
    assert any(b'"incident.created"' in body for body in site.received)


def test_everything_is_within_reach_of_the_keyboard(visitor: Visitor, site: Site) -> None:
    page = visitor.open()
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New monitor")).to_be_visible()
    press_until(page, "Tab", "URL required")
    page.keyboard.type(site.url)
    press_until(page, "Tab", "Name required")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("By hand")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By hand")).to_be_visible()

    page.keyboard.press("p")
    status_of(page, "Paused")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Monitors")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("nothing like it")
    expect(page.get_by_text("No monitor fits")).to_be_visible()
    expect(page).to_have_url(re.compile("q=nothing"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Backspace")
    expect(page.get_by_role("link", name="By hand")).to_be_visible()

    page.get_by_role("checkbox", name="Select By hand").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Delete 1 monitor?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "Tab", "Delete 1 monitor")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing is watched yet")).to_be_visible()


def press_until(page: Page, key: str, label: str, *, most: int = 40) -> None:
    """Press a key until the focus stands on the control of that name."""
    wanted = page.get_by_label(label, exact=False).or_(page.get_by_role("button", name=label, exact=True))
    for _ in range(most):
        page.keyboard.press(key)
        if wanted.evaluate_all("all => all.includes(document.activeElement)"):
            return
    raise AssertionError(f"{key} does not lead to {label} within {most} steps")


def test_a_wrong_key_is_told_and_too_many_are_held_back(visitor: Visitor) -> None:
    visitor.expected.append("429 (")
    page = visitor.open("/incidents")
    page.get_by_label("API key").fill("ak_wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".field-error")).to_have_text(re.compile("does not know this key"))
    for _ in range(30):
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        if "Too many" in (page.locator(".field-error").text_content() or ""):
            return
    raise AssertionError("thirty wrong keys were answered")


def test_an_ended_session_leads_to_the_login_and_back_to_the_place(visitor: Visitor, daemon: Daemon) -> None:
    page = visitor.log_in("/monitors?status=down")
    expect(page.get_by_text("No monitor fits")).to_be_visible()
    expect(page.locator(".live")).to_contain_text("Live")
    page.context.clear_cookies()
    page.get_by_role("searchbox").fill("x")
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Monitors")).to_be_visible()
    expect(page).to_have_url(f"{daemon.url}/monitors?status=down&q=x")


def test_a_form_with_changes_asks_before_it_is_left(visitor: Visitor) -> None:
    page = visitor.log_in("/monitors")
    page.get_by_role("link", name="New monitor").click()
    page.get_by_label("Name required").fill("Half done")
    go(page, "Incidents")
    page.get_by_role("dialog", name="Leave without saving?").get_by_role("button", name="Cancel").click()
    expect(page.get_by_label("Name required")).to_have_value("Half done")
    page.go_back()
    page.get_by_role("button", name="Leave", exact=True).click()
    expect(page.get_by_role("heading", name="Monitors")).to_be_visible()
    expect(page).to_have_url(re.compile("/monitors$"))


def test_the_server_s_word_stands_at_each_field(visitor: Visitor) -> None:
    visitor.expected.append("422 (")
    page = visitor.log_in("/monitors/new")
    page.get_by_label("URL required").fill("ftp://example.org")
    page.get_by_label("Name required").fill("Wrong")
    page.get_by_label("Interval").fill("5")
    page.get_by_role("button", name="Create monitor").click()
    expect(page.get_by_label("URL required")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Timeout")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("URL required")).to_be_focused()


def test_what_was_typed_outlives_the_session(visitor: Visitor) -> None:
    page = visitor.log_in("/monitors/new")
    page.get_by_label("URL required").fill("https://example.org")
    page.get_by_label("Description").fill("Half a description")
    go(page, "Incidents")
    expect(page.get_by_role("dialog", name="Leave without saving?")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.context.clear_cookies()
    page.get_by_role("button", name="Create monitor").click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    expect(page.get_by_label("Description")).to_be_hidden()
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Description")).to_have_value("Half a description")
    expect(page.locator(".live")).to_contain_text("Live")
    page.get_by_role("button", name="Create monitor").click()
    expect(page.get_by_role("heading", name="example.org")).to_be_visible()


def test_the_result_of_a_test_comes_into_sight(visitor: Visitor, site: Site) -> None:
    page = visitor.log_in("/monitors/new")
    page.get_by_label("URL required").fill(site.url)
    page.get_by_role("button", name="Test", exact=True).click()
    result = page.get_by_role("region", name="Result of the test")
    expect(result).to_be_focused()
    expect(result.get_by_text("A trial run")).to_be_in_viewport()
