"""The pages as a whole: how one gets around, in which language, and how much there is to download."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
from playwright.sync_api import expect

from e2e.harness import cafe
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
PAGES = ("/", "/board", "/stock", "/menu", "/till", "/reports", "/-/status")
SCRIPT_BYTES = 20_000
PRESENCE_BYTES = 1_500
"""More where a page shows who else looks at something."""


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
    presence = {address for address in addresses if "/presence.js" in address}
    assert 0 < sum(sent_bytes(address) for address in addresses - presence) <= SCRIPT_BYTES
    assert sum(sent_bytes(address) for address in presence) <= PRESENCE_BYTES


def sent_bytes(address: str) -> int:
    """What a file costs on the wire for a browser that takes gzip."""
    with httpx2.stream("GET", address, headers={"accept-encoding": "gzip"}, trust_env=False) as answer:
        answer.read()
        return answer.num_bytes_downloaded
