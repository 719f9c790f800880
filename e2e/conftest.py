"""One portal and one Chromium for all end-to-end tests; a browser context of its own for each visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from e2e.harness.chromium import launch_chromium
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
PATIENCE_MS = 15_000
"""For what is promised at no particular time; what is, says so where it is expected."""


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    try:
        yield portal.wait_ready().look_round()
    finally:
        portal.stop()


@pytest.fixture(scope="session")
def lab_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Another one, with the lab; for what breaks things on purpose, and for what would change the others' day."""
    portal = Portal(tmp_path_factory.mktemp("lab"), LAB="1")
    try:
        yield portal.wait_ready().look_round()
    finally:
        portal.stop()


# Playwright's event loop runs until it is stopped, and no other can in this process: other files' tests have theirs.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch_chromium(playwright)
    yield browser
    browser.close()


@pytest.fixture
def new_visitor(portal: Portal, browser: Browser) -> Iterator[NewVisitor]:
    """Another person: `new_visitor(locale="ko-KR", java_script_enabled=False, color_scheme="dark")`.

    A complaint in anybody's console, or a request to another host, fails the test.
    """
    with _visitors(portal, browser) as make:
        yield make


@pytest.fixture
def new_lab_visitor(lab_portal: Portal, browser: Browser) -> Iterator[NewVisitor]:
    """Another person at the portal with the lab."""
    with _visitors(lab_portal, browser) as make:
        yield make


@contextmanager
def _visitors(portal: Portal, browser: Browser) -> Iterator[NewVisitor]:
    visitors: list[Visitor] = []

    def make(**options: object) -> Visitor:
        visitors.append(Visitor(browser, portal.url, **{"locale": "en-US", **options}))
        return visitors[-1]

    yield make
    unexpected = [complaint for visitor in visitors for complaint in visitor.unexpected()]
    for visitor in visitors:
        visitor.leave()
    assert unexpected == []


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    """One person with an English browser."""
    return new_visitor()
