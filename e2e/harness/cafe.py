"""What people do at the café, said in its words: by role and label, as a screen reader would."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

LIVE_MS = 1_000
"""Within this an open page shows what changed, without a reload."""


def piece(page: Page, name: str) -> Locator:
    """A fragment on a page: `piece(page, "orders/cart")`."""
    return page.locator(f'[data-fragment="{name}"]')


def wait_live(page: Page) -> None:
    """Until the page says that it is live."""
    expect(page.locator("html")).to_have_attribute("data-live", "on")


def add(page: Page, item: str, times: int = 1) -> None:
    """Put an item of the menu into the order being made."""
    for _ in range(times):
        before = quantity(page, item)
        piece(page, "menu/list").get_by_role("button", name=re.compile(rf"\b{re.escape(item)}\b")).first.click()
        expect(piece(page, "orders/cart").get_by_label(f"{item}, quantity")).to_have_text(str(before + 1))


def quantity(page: Page, item: str) -> int:
    """How many of an item are in the order being made."""
    shown = piece(page, "orders/cart").get_by_label(f"{item}, quantity")
    return int(shown.inner_text()) if shown.count() else 0


def place(page: Page, payment: str = "Cash", name: str = "") -> str:
    """Place the order being made; gives the address of its page."""
    cart = piece(page, "orders/cart")
    cart.get_by_label("Payment").select_option(label=payment)
    cart.get_by_label("Name to call (optional)").fill(name)
    cart.get_by_role("button", name="Place order").click()
    page.wait_for_url(re.compile("/orders/"))
    return page.url


def number(page: Page) -> str:
    """The number of the order whose page is open."""
    return page.locator(".orders-track-number").inner_text()


def order(page: Page, item: str, payment: str = "Cash", name: str = "") -> str:
    """From the counter: one item, placed. Gives the address of the order's page."""
    page.goto("/")
    add(page, item)
    return place(page, payment, name)


def ticket(page: Page, number: str) -> Locator:
    """An order on the barista's board."""
    heading = page.get_by_role("heading").filter(has=page.get_by_role("link", name=f"Order {number}", exact=True))
    return piece(page, "orders/board").get_by_role("listitem").filter(has=heading)


def column(page: Page, name: str) -> Locator:
    """A column of the board: "To make", "In hand", "Ready"."""
    return piece(page, "orders/board").get_by_role("region", name=re.compile(f"^{name}"))


def level(page: Page, ingredient: str) -> Locator:
    """An ingredient on the stock page."""
    button = page.get_by_role("button", name=f"Restock {ingredient}", exact=True)
    return piece(page, "inventory/levels").get_by_role("listitem").filter(has=button)


def enter(page: Page, kind: str, ingredient: str, amount: int) -> None:
    """`enter(page, "Delivered", "Milk", 500)` restocks; "Counted" sets what somebody counted."""
    button = f"Restock {ingredient}" if kind == "Delivered" else f"Set {ingredient} to the counted amount"
    row = level(page, ingredient)
    row.get_by_label(re.compile(rf"^{kind} {ingredient} ")).fill(str(amount))
    row.get_by_role("button", name=button, exact=True).click()


def shown_won(text: str) -> int:
    """`₩4,500` → 4500."""
    found = re.search(r"₩([\d,]+)", text)
    assert found, f"no amount of money in {text!r}"
    return int(found[1].replace(",", ""))
