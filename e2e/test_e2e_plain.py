"""Without JavaScript, and with the keyboard alone, everything still works."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def plain(new_visitor: NewVisitor) -> Visitor:
    return new_visitor(java_script_enabled=False)


def test_an_order_is_placed_and_made_by_forms_alone(plain: Visitor) -> None:
    page = plain.go("/")
    cafe.add(page, "Espresso")
    cafe.place(page, name="Noscript")
    number = cafe.number(page)
    plain.go("/board")
    for press in ("Take", "Finish", "Hand over"):
        button = page.get_by_role("button", name=f"{press} order {number}", exact=True)
        _reload_until_visible(page, f"{press} order {number}")
        button.click()
    expect(page.get_by_text("Noscript")).to_have_count(0)


def test_after_a_form_the_browser_is_back_on_the_page_it_was_on(plain: Visitor) -> None:
    page = plain.go("/stock?ingredient=milk")
    cafe.enter(page, "Delivered", "Milk", 7)
    assert page.url.endswith("/stock?ingredient=milk")
    expect(piece(page, "inventory/history").get_by_role("row").filter(has_text="+7").first).to_be_visible()


def test_reloading_after_a_form_does_not_send_it_again(plain: Visitor) -> None:
    page = plain.go("/")
    cafe.add(page, "Butter croissant")
    page.reload()
    assert cafe.quantity(page, "Butter croissant") == 1


def test_every_page_is_complete_without_scripts(plain: Visitor) -> None:
    for path, heading in {"/": "Menu", "/board": "To make", "/stock": "Levels", "/reports": "Sales today"}.items():
        page = plain.go(path)
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        assert page.locator("[data-fragment][data-state]:not([data-state=fresh])").count() == 0


def test_an_order_is_placed_with_the_keyboard_alone(new_visitor: NewVisitor) -> None:
    page = new_visitor().go("/")
    _tab_to(page, "Americano")
    page.keyboard.press("Enter")
    expect(piece(page, "orders/cart").get_by_label("Americano, quantity").first).to_have_text("1")
    _tab_to(page, "Place order")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your order number")).to_be_visible()


def test_the_first_stop_of_the_keyboard_leads_to_the_content(visitor: Visitor) -> None:
    page = visitor.go("/board")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def _tab_to(page: Page, name: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.innerText"):
            return
    raise AssertionError(f"80 times Tab does not reach {name!r}")


def _reload_until_visible(page: Page, name: str) -> None:
    for _ in range(50):
        if page.get_by_role("button", name=name, exact=True).count():
            return
        page.reload()
    raise AssertionError(f"{name!r} does not appear")
