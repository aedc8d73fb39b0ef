"""A real browser before the real daemon. What is missing is a failure that says what to do, never a silent skip."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browsing import Visitor
from tests.e2e.site import Site
from tests.fakes.daemon import Daemon

ROOT = Path(__file__).parents[2]
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = ("--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.fail("the browser tests need Chromium: apt-get install chromium, or ./install.sh --test", pytrace=False)
    return found


def _need(path: Path, remedy: str) -> None:
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing: {remedy}", pytrace=False)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests of a worker."""
    _need(ROOT / "asura/web/static/index.html", "run `npm run build` in frontend/")
    _need(ROOT / "frontend/node_modules/axe-core/axe.min.js", "run `npm ci` in frontend/")
    # Chromium refuses to sandbox itself when root runs it.
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=_chromium(), args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of this test's own, running. A job may ping it as fast as a test does."""
    with Daemon(tmp_path, server="heartbeat_rate_limit_per_sec: 0") as made:
        yield made.start()


@pytest.fixture
def site() -> Iterator[Site]:
    """Something to watch, that can be taken down."""
    with Site() as made:
        yield made


@pytest.fixture
def visitor(browser: Browser, daemon: Daemon) -> Iterator[Visitor]:
    """A person at the dashboard of `daemon`. At the end the browser must have had nothing to complain of."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    person = Visitor(context.new_page(), daemon.url)
    yield person
    complaints = person.complaints
    context.close()
    assert complaints == []
