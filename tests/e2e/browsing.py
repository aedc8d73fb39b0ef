"""A person at the dashboard: what they do, and what their browser complained of meanwhile."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, expect

from tests.fakes.daemon import KEY

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


class Visitor:
    """Drives one page. `complaints` are console errors, uncaught errors and requests to another host."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.expected = ["401 (", "401 ()"]
        """Parts of console messages that are no complaint: asking who is logged in answers 401 to a stranger."""
        page.add_init_script(_TELL_VIOLATIONS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def _see(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.complaints.append(f"a request to another host: {request.url}")

    def open(self, path: str = "/") -> Page:
        """Go to a path of the dashboard as if it were typed."""
        self.page.goto(self.url + path)
        return self.page

    def log_in(self, path: str = "/", *, key: str = KEY) -> Page:
        """Open a path and log in there."""
        page = self.open(path)
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        return page

    def axe(self) -> list[str]:
        """What axe-core finds wrong with the page as it stands."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}"
            for each in found["violations"]
        ]
