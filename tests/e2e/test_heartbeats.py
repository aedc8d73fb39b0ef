"""A job that reports by itself: set up in the form, pinged by its URL and its lines, seen to run, fail and miss."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visitor
from tests.fakes.daemon import KEY, READONLY_KEY, Daemon

SLOW_MS = 20_000
"""For what takes the daemon and the browser a moment on a busy machine."""
PHONE = {"width": 390, "height": 844}


def make(daemon: Daemon, name: str = "Nightly backup", **fields: object) -> dict[str, object]:
    """A heartbeat, made over HTTP; how it reads then."""
    with daemon.client() as client:
        answer = client.post("/api/v1/monitors", json={"name": name, "type": "heartbeat", **fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, object] = answer.json()
        return made


def ping(url: str, body: str | None = None) -> int:
    """Report as a job would; the status of the answer."""
    return httpx.request("POST" if body else "GET", url, content=body, timeout=10, trust_env=False).status_code


def choose_heartbeat(visitor: Visitor) -> Page:
    page = visitor.log_in("/monitors/new")
    page.get_by_text("Heartbeat", exact=True).click()
    return page


def copied_url(page: Page) -> str:
    """The ping URL, as the button copies it."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the ping URL").click()
    expect(page.get_by_role("button", name="Copied the ping URL")).to_be_visible()
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def stands(page: Page, word: str) -> None:
    expect(page.locator(".verdict-words")).to_contain_text(word, timeout=SLOW_MS)


def test_a_job_is_set_up_reports_fails_and_recovers_before_one_s_eyes(visitor: Visitor) -> None:
    page = choose_heartbeat(visitor)
    for absent in ("Timeout", "Failures before down", "Upside down", "Track changes"):
        expect(page.get_by_label(absent)).to_have_count(0)
    expect(page.get_by_role("button", name="Test", exact=True)).to_have_count(0)
    page.get_by_label("Name required").fill("Nightly backup")
    page.get_by_label("Period", exact=True).fill("2")
    page.get_by_label("Unit of: Period").select_option(label="hours")
    page.get_by_role("button", name="Create monitor").click()
    stands(page, "Pending")
    expect(page.get_by_text("Waiting for the first ping")).to_be_visible()
    assert visitor.axe() == []
    url = copied_url(page)

    assert ping(url) == 200
    stands(page, "Up")
    pings = page.get_by_role("table", name="Pings")
    expect(pings.get_by_role("row").nth(1)).to_contain_text("Success")
    expect(page.get_by_role("list", name="Pings")).to_contain_text("next ping")
    # What is being copied stays where it is.
    expect(page.get_by_role("region", name="Shell: only that it succeeded")).to_be_visible()

    assert ping(f"{url}/start?rid=run-7") == 200
    running = page.get_by_role("region", name="Running now")
    expect(running).to_contain_text("run-7", timeout=SLOW_MS)
    assert ping(f"{url}/3?rid=run-7", "copying\ndisk full\n") == 200
    stands(page, "Down")
    expect(page.locator(".verdict-message")).to_contain_text("exit status 3")
    expect(running).to_have_count(0)
    failed = pings.get_by_role("row").nth(1)
    expect(failed).to_contain_text("Failure")
    expect(failed).to_contain_text("exit status 3")
    failed.locator("summary", has_text="disk full").click()
    expect(failed.locator("pre")).to_have_text("copying\ndisk full\n")
    expect(page.get_by_role("region", name="Incidents").get_by_role("link")).to_contain_text("exit status 3")
    assert visitor.axe() == []

    assert ping(f"{url}/0") == 200
    stands(page, "Up")
    page.get_by_label("Which pings").select_option(label="Failures")
    expect(pings.get_by_role("row")).to_have_count(2)
    expect(pings.get_by_role("row").nth(1)).to_contain_text("Failure")


def test_silence_turns_the_page_at_the_deadline(visitor: Visitor, daemon: Daemon) -> None:
    made = make(daemon, interval=3, settings={"grace": 0})
    page = visitor.log_in(f"/monitors/{made['id']}")
    stands(page, "Pending")
    assert ping(copied_url(page)) == 200
    stands(page, "Up")
    stands(page, "Down")
    expect(page.locator(".verdict-message")).to_contain_text("no ping since")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Overview").click()
    expect(page.get_by_text("1 monitor down")).to_be_visible(timeout=SLOW_MS)


def test_a_schedule_is_read_out_and_its_faults_stand_at_the_fields(visitor: Visitor) -> None:
    visitor.expected += ["400 (", "422 ("]
    page = choose_heartbeat(visitor)
    page.get_by_text("On a cron schedule").click()
    schedule = page.get_by_label("Cron schedule required")
    zone = page.get_by_label("Time zone")
    told = page.locator(".schedule-told")
    expect(told.get_by_role("listitem")).to_have_count(5)
    expect(told.get_by_role("listitem").first).to_contain_text("03:00")

    schedule.fill("61 3 * * *")
    zone.fill("Mars/Olympus")
    expect(schedule).to_have_attribute("aria-invalid", "true")
    expect(zone).to_have_attribute("aria-invalid", "true")
    assert visitor.axe() == []

    zone.fill("America/New_York")
    schedule.fill("30 2 * * 1-5")
    expect(told.get_by_role("listitem").first).to_contain_text("02:30")
    expect(told).to_contain_text("America/New_York")

    page.get_by_label("Name required").fill("Report")
    schedule.fill("")
    page.get_by_role("button", name="Create monitor").click()
    expect(schedule).to_be_focused()
    expect(schedule).to_have_attribute("aria-invalid", "true")
    summary = page.get_by_text("One field needs another look")
    expect(summary).to_be_visible()
    schedule.fill("30 2 * * 1-5")
    expect(summary).to_have_count(0)
    page.get_by_role("button", name="Create monitor").click()
    stands(page, "Pending")
    configuration = page.get_by_role("region", name="Configuration")
    expect(configuration).to_contain_text("30 2 * * 1-5")
    expect(configuration).to_contain_text("at 02:30 on Monday through Friday (America/New_York)")

    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Cron schedule required")).to_have_value("30 2 * * 1-5")
    page.get_by_text("Once a period", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="Configuration")).to_contain_text("every 1 d")


@pytest.mark.parametrize("is_kept", [pytest.param(True, id="kept for a day"), pytest.param(False, id="dropped")])
def test_a_rotated_token_gives_a_new_url(visitor: Visitor, daemon: Daemon, is_kept: bool) -> None:
    made = make(daemon)
    page = visitor.log_in(f"/monitors/{made['id']}")
    old = copied_url(page)
    page.get_by_role("button", name="Rotate token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Keep the old URL for a day").set_checked(is_kept)
    dialog.get_by_role("button", name="Rotate token").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Rotated:")).to_be_visible()
    expect(page.get_by_role("button", name="Rotate token")).to_be_focused()
    expect(page.get_by_text("from before the rotation")).to_have_count(1 if is_kept else 0)
    new = copied_url(page)
    assert new != old
    assert ping(new) == 200
    assert ping(old) == (200 if is_kept else 404)
    page.get_by_role("button", name="Rotate token").click()
    expect(dialog.get_by_text("Rotating again ends that one at once")).to_have_count(1 if is_kept else 0)


def test_a_rotation_that_fails_says_so_in_its_dialog(visitor: Visitor, daemon: Daemon) -> None:
    visitor.expected.append("ERR_INTERNET_DISCONNECTED")
    made = make(daemon)
    page = visitor.log_in(f"/monitors/{made['id']}")
    url = copied_url(page)
    page.get_by_role("button", name="Rotate token").click()
    page.context.set_offline(True)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Rotate token").click()
    expect(dialog.get_by_role("alert")).to_contain_text("can't be reached")
    page.context.set_offline(False)
    dialog.get_by_role("button", name="Rotate token").click()
    expect(dialog).to_have_count(0)
    assert copied_url(page) != url


def test_the_token_is_hidden_once_the_job_has_reported(visitor: Visitor, daemon: Daemon) -> None:
    made = make(daemon)
    page = visitor.log_in(f"/monitors/{made['id']}")
    url = copied_url(page)
    token = url.rpartition("/")[2]
    expect(page.locator("body")).to_contain_text(token)
    assert ping(url) == 200
    stands(page, "Up")
    page.reload()
    expect(page.get_by_role("table", name="Pings")).to_be_visible()
    page.locator("summary", has_text="Lines to paste").click()
    expect(page.locator("body")).not_to_contain_text(token)
    assert copied_url(page) == url
    page.get_by_role("button", name="Show it").click()
    expect(page.locator(".ping-url")).to_contain_text(token)
    expect(page.get_by_role("region", name="Shell: only that it succeeded")).to_contain_text(token)


def test_who_may_not_write_sees_no_token_and_why(visitor: Visitor, daemon: Daemon) -> None:
    made = make(daemon)
    page = visitor.log_in(f"/monitors/{made['id']}", key=READONLY_KEY)
    expect(page.get_by_role("region", name="How the job reports")).to_contain_text("monitors.write")
    expect(page.get_by_text("api/v1/heartbeat")).to_have_count(0)
    expect(page.get_by_role("button", name="Rotate token")).to_have_count(0)


def pasted(page: Page, way: str, title: str) -> str:
    """The text of a snippet."""
    page.get_by_role("group", name="Where the job runs").get_by_text(way, exact=True).click()
    text = page.get_by_role("region", name=re.compile(f"^{way}: {title}", re.IGNORECASE)).locator("pre").text_content()
    assert text
    return text


def test_lines_that_are_pasted_from_the_page_report(visitor: Visitor, daemon: Daemon, tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.write_text("#!/bin/sh\necho 17 files\nexit 3\n", encoding="utf-8")
    job.chmod(0o755)
    made = make(daemon)
    page = visitor.log_in(f"/monitors/{made['id']}")
    script = pasted(page, "Shell", "start").replace("/path/to/job", str(job))
    program = pasted(page, "Python", "around a command").replace("/path/to/job", str(job))
    for command in (["sh", "-c", script], [sys.executable, "-c", program]):
        assert subprocess.run(command, timeout=60, check=False).returncode == 3
    with daemon.client() as client:
        pings = client.get(f"/api/v1/monitors/{made['id']}/pings").json()["data"]
    assert [(each["kind"], each["exit_status"]) for each in pings] == [("fail", 3), ("start", None)] * 2
    assert pings[0]["rid"] == pings[1]["rid"] != pings[2]["rid"] == pings[3]["rid"]
    assert all(each["duration_ms"] is not None for each in pings[::2])
    assert [each["body"].strip() for each in pings[::2]] == ["17 files", "17 files"]
    stands(page, "Down")


def test_much_is_shown_without_spilling_on_a_phone(visitor: Visitor, daemon: Daemon) -> None:
    name = "Export of everything that the customers of the western region have ordered, to the archive"
    made = make(daemon, name, target="db1.example.org: /etc/cron.d/export", settings={"max_runtime": 600})
    with daemon.client() as client:
        url = str(client.get(f"/api/v1/monitors/{made['id']}").json()["heartbeat"]["ping_url"])
    for number in range(12):
        assert ping(f"{url}/start?rid=run-{number}") == 200
        assert ping(f"{url}?rid=run-{number}", "x" * 9000 if number % 2 else "\n".join(map(str, range(4000)))) == 200
    visitor.page.set_viewport_size(PHONE)
    for path in (f"/monitors/{made['id']}", "/monitors", f"/monitors/{made['id']}/edit"):
        page = visitor.log_in(path, key=KEY) if visitor.page.url == "about:blank" else visitor.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert visitor.axe() == []
    page = visitor.open(f"/monitors/{made['id']}")
    pings = page.get_by_role("table", name="Pings")
    expect(pings.get_by_role("row")).to_have_count(11)
    page.get_by_role("navigation", name="Pages of pings").get_by_role("button", name="Older").click()
    expect(pings.get_by_role("row").nth(1)).to_contain_text("run-6")
    long = pings.locator("details").first
    long.locator("summary").click()
    expect(long.locator("pre")).not_to_contain_text("3999")
    long.get_by_role("button", name="Load all of it").click()
    expect(long.locator("pre")).to_contain_text("3999")
    expect(long.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("width", [1024, 1280])
def test_long_messages_of_many_jobs_do_not_widen_the_list(visitor: Visitor, daemon: Daemon, width: int) -> None:
    names = [f"Export of the customers' orders {number}" for number in range(3)]
    for name in names:
        made = make(daemon, name, tags=["production", "customer-facing", "database"])
        with daemon.client() as client:
            url = str(client.get(f"/api/v1/monitors/{made['id']}").json()["heartbeat"]["ping_url"])
        assert ping(f"{url}/fail", "no space left on the device that holds the archive of all exports: " * 3) == 200
    visitor.page.set_viewport_size({"width": width, "height": 800})
    page = visitor.log_in("/monitors")
    expect(page.get_by_text("no space left")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visitor.axe() == []
