"""What an answer must be like: asserted, tried out, saved, and seen to change."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import Visitor
from tests.e2e.site import Site
from tests.fakes.daemon import Daemon

SLOW_MS = 20_000
"""For what waits for a few checks on a busy machine."""


def assert_that(page: Page, subject: str, operator: str, value: str, *, target: str | None = None) -> Locator:
    """Add a condition; the row of the form."""
    number = page.get_by_role("group", name=re.compile("^Condition")).count() + 1
    page.get_by_role("button", name="Add a condition").click()
    row = page.get_by_role("group", name=f"Condition {number}", exact=True)
    expect(row.get_by_label("What is looked at")).to_be_focused()
    row.get_by_label("What is looked at").select_option(label=subject)
    if target is not None:
        row.get_by_label("JSON path").fill(target)
    row.get_by_label("How", exact=True).select_option(label=operator)
    row.get_by_label("Value").fill(value)
    return row


def test_what_is_asserted_is_tried_out_saved_and_seen_to_change(visitor: Visitor, site: Site) -> None:
    visitor.expected.append("422 (")
    site.body = b'{"status": "ok", "version": 1}'
    page = visitor.log_in("/monitors/new")
    page.get_by_label("URL required").fill(site.url)
    page.get_by_label("Name required").fill("Shop")
    page.get_by_label("Interval").fill("1")
    page.get_by_label("Timeout").fill("1")
    status = assert_that(page, "Status code", "is", "two hundred")
    state = assert_that(page, "JSON value", "is", "fine", target="$.status")

    test = page.get_by_role("button", name="Test", exact=True)
    test.click()
    expect(status.get_by_text("must be a number")).to_be_visible(timeout=SLOW_MS)
    expect(status.get_by_label("Value")).to_be_focused()
    status.get_by_label("Value").fill("200")
    test.click()
    result = page.get_by_role("region", name="Result of the test")
    expect(result).to_be_focused(timeout=SLOW_MS)
    expect(result.get_by_text("1 of 2 held")).to_be_visible()
    expect(result.get_by_role("listitem").filter(has_text="Failed")).to_contain_text('$.status expected "fine"')
    expect(status.get_by_text("Held")).to_be_visible()
    expect(state).to_contain_text('seen: "ok"')
    assert visitor.axe() == []

    state.get_by_label("Value").fill("ok")
    expect(state.get_by_text("Failed")).to_have_count(0)
    page.get_by_label("Track changes").check()
    page.get_by_role("button", name="Create monitor").click()
    expect(page.locator(".verdict-words")).to_contain_text("Up", timeout=SLOW_MS)
    expect(page.get_by_text("No change so far")).to_be_visible()
    expect(page.get_by_text("2 assertions held").first).to_be_visible(timeout=SLOW_MS)

    site.body = b'{"status": "ok", "version": 2}'
    diff = page.get_by_role("region", name=re.compile("^What changed"))
    expect(diff.get_by_text('removed: "version": 1')).to_be_visible(timeout=SLOW_MS)
    expect(diff.get_by_text('added: "version": 2')).to_be_visible()
    page.get_by_role("button", name=re.compile("^Details of the check")).first.click()
    expect(page.get_by_role("dialog").get_by_text("all held")).to_be_visible()
    assert visitor.axe() == []


def test_conditions_are_moved_grouped_and_removed_by_the_keyboard(visitor: Visitor) -> None:
    page = visitor.log_in("/monitors/new")
    assert_that(page, "Status code", "is", "200")
    assert_that(page, "Response time", "is less than", "500")
    page.get_by_role("button", name="Move condition 2 up").focus()
    page.keyboard.press("Enter")
    rows = page.get_by_role("group", name=re.compile("^Condition"))
    expect(rows.first.get_by_label("What is looked at")).to_have_value("response_time")
    expect(page.get_by_role("button", name="Move condition 1 up")).to_be_focused()
    page.get_by_role("button", name="Add a group").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Group 2").get_by_label("What is looked at")).to_be_focused()
    page.get_by_label("How the groups count together").select_option(label="Any one group is enough")
    page.get_by_role("button", name="Remove condition 3").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove condition 2")).to_be_focused()
    expect(page.get_by_role("group", name="Group 2")).to_have_count(0)


def test_a_monitor_depends_on_what_is_chosen_by_its_whole_name(visitor: Visitor, daemon: Daemon) -> None:
    with daemon.client() as client:
        for name in ("Wiki", "Wiki mirror"):
            document = {"name": name, "type": "tcp", "target": "127.0.0.1:9", "enabled": False}
            assert client.post("/api/v1/monitors", json=document).status_code == 201
    page = visitor.log_in("/monitors/new")
    page.get_by_label("URL required").fill("http://127.0.0.1:9/")
    field = page.get_by_label("Depends on", exact=True)
    field.press_sequentially("Wiki mirror")
    expect(page.locator(".editor option[value='Wiki mirror']")).to_have_count(1)
    field.press("Enter")
    expect(page.get_by_role("link", name=re.compile("^Wiki mirror"))).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"^Wiki \("))).to_have_count(0)
    page.get_by_role("button", name="Create monitor").click()
    expect(page.locator(".facts").get_by_role("link", name="Wiki mirror")).to_be_visible()
