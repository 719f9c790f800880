"""A person at a browser, and what their browser complained about."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, ViewportSize

_INLINE = ("data", "blob", "about")


class Visitor:
    """One browser context with one page. Complaints are collected; a fixture fails the test that has any."""

    def __init__(self, browser: Browser, origin: str, **options: object) -> None:
        self.origin = origin
        self.complaints: list[str] = []
        self._tolerated: list[re.Pattern[str]] = []
        self.context: BrowserContext = browser.new_context(base_url=origin, **options)  # type: ignore[arg-type]
        self.context.set_default_timeout(10_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._failed)
        self.page.on("request", self._asked)

    def go(self, path: str) -> Page:
        """Open a page of the portal."""
        self.page.goto(path)
        return self.page

    def tolerate(self, pattern: str) -> None:
        """This test means to cause complaints that match."""
        self._tolerated.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """Complaints that no one tolerated."""
        return [text for text in self.complaints if not any(known.search(text) for known in self._tolerated)]

    def resize(self, width: int, height: int = 900) -> None:
        """Another window size in CSS pixels."""
        self.page.set_viewport_size(ViewportSize(width=width, height=height))

    def leave(self) -> None:
        """Close the browser context."""
        self.context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "") if message.location else ""
            self.complaints.append(f"console {message.type}: {message.text} ({where})")

    def _failed(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in _INLINE and f"{address.scheme}://{address.netloc}" != self.origin:
            self.complaints.append(f"request to another host: {request.url}")
