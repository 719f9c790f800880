"""With the keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e.harness.cafe import piece
from e2e.harness.visitor import Visitor

MOST_TABS = 80


def test_an_order_is_put_together_and_placed(visitor: Visitor) -> None:
    page = visitor.go("/")
    tab_to(page, "Americano")
    page.keyboard.press("Enter")
    expect(piece(page, "orders/cart").get_by_label("Americano, quantity").first).to_have_text("1")
    tab_to(page, "Place order")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your order number")).to_be_visible()


def test_the_first_stop_leads_to_the_content(visitor: Visitor) -> None:
    page = visitor.go("/board")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def tab_to(page: Page, name: str) -> None:
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.innerText"):
            return
    raise AssertionError(f"{MOST_TABS} times Tab does not reach {name!r}")
