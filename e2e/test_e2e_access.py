"""Every page for everybody: axe, small and large windows, light and dark, both languages, little to download."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e.harness import cafe
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
PAGES = ("/", "/board", "/stock?ingredient=milk", "/menu", "/till", "/reports", "/-/status")
SCRIPT_BYTES = 20_000


@pytest.fixture
def track(new_visitor: NewVisitor) -> str:
    """The address of an order's page; placing one also puts something on the other pages."""
    return cafe.order(new_visitor().page, "Americano", name="Axe")


def complaints(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [f"{page.url}: {one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in violations]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(new_visitor: NewVisitor, track: str, scheme: Literal["light", "dark"], width: int) -> None:
    visitor = new_visitor(color_scheme=scheme, reduced_motion="reduce")
    visitor.resize(width)
    found = [complaint for path in (*PAGES, track) for complaint in complaints(visitor.go(path))]
    assert found == []


def test_no_page_is_wider_than_a_phone(visitor: Visitor, track: str) -> None:
    visitor.resize(390)
    wide = [
        path
        for path in (*PAGES, track)
        if visitor.go(path).evaluate("document.scrollingElement.scrollWidth > innerWidth")
    ]
    assert wide == []


def test_a_korean_browser_gets_korean_and_may_choose_english(new_visitor: NewVisitor) -> None:
    page = new_visitor(locale="ko-KR").go("/")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(cafe.piece(page, "menu/list").get_by_role("heading", name="메뉴")).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto("/board")
    expect(cafe.piece(page, "orders/board").get_by_role("heading", name="To make")).to_be_visible()


def test_the_navigation_leads_to_every_page_and_marks_where_one_is(visitor: Visitor) -> None:
    page = visitor.go("/")
    for name in ("Board", "Stock", "Menu", "Till", "Reports", "Counter"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")).to_have_text(name)


def test_all_scripts_together_are_small(visitor: Visitor) -> None:
    addresses = {
        address
        for path in PAGES
        for address in visitor.go(path).evaluate("[...document.scripts].map((script) => script.src)")
    }
    assert 0 < sum(sent_bytes(address) for address in addresses) <= SCRIPT_BYTES


def sent_bytes(address: str) -> int:
    """What a file costs on the wire for a browser that takes gzip."""
    with httpx2.stream("GET", address, headers={"accept-encoding": "gzip"}, trust_env=False) as answer:
        answer.read()
        return answer.num_bytes_downloaded
