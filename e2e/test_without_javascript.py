"""Without JavaScript: the whole job by links and forms, and what was wrong is said where it was typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
RELOADS = 100


@pytest.fixture
def plain(new_visitor: NewVisitor) -> Visitor:
    """A browser without scripts, in which a refused form is an error of the network for the console."""
    visitor = new_visitor(java_script_enabled=False)
    visitor.tolerate("status of 4(04|09|12|22)")
    return visitor


def test_every_page_is_complete(plain: Visitor) -> None:
    headings = {
        "/": "Menu",
        "/board": "To make",
        "/stock": "Levels",
        "/menu": "Items and prices",
        "/till": "Payments",
        "/reports": "Sales today",
        "/reports/2026-01-01": "Sales by hour",
        "/stock/milk?upto=1": "After event 1 of",
        "/checks": "Orders",
    }
    for path, heading in headings.items():
        page = plain.go(path)
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        assert page.locator("[data-fragment][data-state]:not([data-state=fresh])").count() == 0


def test_an_order_is_put_together_changed_placed_and_followed(plain: Visitor) -> None:
    page = plain.go("/")
    cart = piece(page, "orders/cart")
    cafe.add(page, "Espresso", times=2)
    cafe.add(page, "Earl Grey")
    cart.get_by_role("button", name="One Espresso more").click()
    assert cafe.quantity(page, "Espresso") == 3
    cart.get_by_role("button", name="One Espresso less").click()
    assert cafe.quantity(page, "Espresso") == 2
    cart.get_by_role("button", name="Remove Earl Grey").click()
    assert cafe.quantity(page, "Earl Grey") == 0
    total = cafe.shown_won(cart.locator(".orders-total").inner_text())
    cafe.place(page, payment="Card ending 4242", name="Noscript")
    reload_until(page, page.get_by_text("Paid. You are in the queue."))
    assert cafe.shown_won(piece(page, "orders/track").get_by_role("row", name="Total").inner_text()) == total
    page.get_by_role("link", name="Back to the counter").click()
    expect(piece(page, "orders/cart")).to_contain_text("Nothing here yet")


def test_a_barista_takes_finishes_and_hands_over(plain: Visitor) -> None:
    page = plain.page
    address = cafe.order(page, "Americano", name="Noscript")
    number = cafe.number(page)
    plain.go("/board")
    reload_until(page, cafe.ticket(page, number))
    for press, next_column in (("Take", "In hand"), ("Finish", "Ready")):
        page.get_by_role("button", name=f"{press} order {number}", exact=True).click()
        assert cafe.column(page, next_column).get_by_role("link", name=f"Order {number}", exact=True).count() == 1
    page.get_by_role("button", name=f"Hand over order {number}", exact=True).click()
    assert cafe.ticket(page, number).count() == 0
    assert page.goto(address) is not None
    expect(page.get_by_text("Handed over. Enjoy.")).to_be_visible()


def test_what_was_done_is_on_the_page_the_form_goes_back_to(plain: Visitor) -> None:
    page = plain.go("/stock?ingredient=milk")
    history = piece(page, "inventory/history").get_by_role("row")
    for amount in (3, 5, 7):
        cafe.enter(page, "Delivered", "Milk", amount)
        assert page.url.endswith("/stock?ingredient=milk")
        expect(history.nth(1)).to_contain_text(f"+{amount}")
    cafe.enter(page, "Counted", "Milk", 30_000)
    expect(cafe.level(page, "Milk").locator(".inventory-amount")).to_have_text("30,000 ml")
    expect(history.nth(1)).to_contain_text("Counted")


def test_a_price_and_what_is_on_sale_are_changed(plain: Visitor) -> None:
    page = plain.go("/menu")
    set_price(page, "Vanilla latte", 5600)
    page.get_by_role("button", name="Stop selling Vanilla latte", exact=True).click()
    tile = piece(plain.go("/"), "menu/list").get_by_role("listitem").filter(has_text="Vanilla latte")
    assert tile.count() == 0
    plain.go("/menu")
    page.get_by_role("button", name="Sell Vanilla latte again", exact=True).click()
    plain.go("/")
    expect(tile).to_contain_text("₩5,600")


def test_reloading_after_a_form_does_not_send_it_again(plain: Visitor) -> None:
    page = plain.go("/")
    cafe.add(page, "Butter croissant")
    page.reload()
    assert cafe.quantity(page, "Butter croissant") == 1
    plain.go("/stock?ingredient=ice")
    cafe.enter(page, "Delivered", "Ice", 11)
    amount = cafe.level(page, "Ice").locator(".inventory-amount").inner_text()
    page.reload()
    expect(cafe.level(page, "Ice").locator(".inventory-amount")).to_have_text(amount)


def test_placing_again_from_the_page_before_places_nothing_more(plain: Visitor) -> None:
    page = plain.page
    address = cafe.order(page, "Espresso")
    page.go_back()
    piece(page, "orders/cart").get_by_role("button", name="Place order").click()
    assert page.url == address


def test_the_language_is_chosen_by_a_link_and_kept(plain: Visitor) -> None:
    page = plain.go("/stock?ingredient=milk")
    page.get_by_role("link", name="한국어").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(piece(page, "inventory/history").get_by_role("heading", name="우유 내역")).to_be_visible()
    page.get_by_role("navigation", name="화면").get_by_role("link", name="제조대").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_a_wrong_amount_is_refused_in_words_kept_and_corrected_on_the_same_page(plain: Visitor) -> None:
    page = plain.go("/stock?ingredient=milk")
    field = cafe.level(page, "Milk").get_by_label("Delivered Milk")
    send_unchecked(field, "two")
    expect(page.get_by_role("alert")).to_have_text("Give a whole number, 1 or more.")
    expect(field).to_have_value("two")
    expect(field).to_have_attribute("aria-invalid", "true")
    cafe.enter(page, "Delivered", "Milk", 13)
    assert page.url.endswith("/stock?ingredient=milk")
    expect(piece(page, "inventory/history").get_by_role("row").nth(1)).to_contain_text("+13")


def test_a_refusal_can_be_read_in_the_other_language_and_is_the_page_again(plain: Visitor) -> None:
    page = plain.go("/menu")
    send_unchecked(page.get_by_label("Price of Espresso in won"), "free")
    expect(page.get_by_role("alert")).to_contain_text("A price is a whole number of won")
    page.get_by_role("link", name="한국어").click()
    assert page.url.endswith("/menu")
    expect(page.get_by_role("heading", name="메뉴와 가격")).to_be_visible()


def test_two_managers_at_one_item_do_not_overwrite_each_other(new_visitor: NewVisitor, plain: Visitor) -> None:
    page, late = new_visitor(java_script_enabled=False).go("/menu"), plain.go("/menu")
    set_price(page, "Oat latte", 5700)
    set_price(late, "Oat latte", 9900)
    expect(late.get_by_role("alert")).to_contain_text("Someone else changed this item meanwhile")
    expect(late.get_by_label("Price of Oat latte in won")).to_have_value("9900")
    assert piece(plain.go("/menu"), "menu/manage").get_by_label("Price of Oat latte in won").input_value() == "5700"


def test_a_price_that_changed_meanwhile_is_said_before_anything_is_charged(
    new_visitor: NewVisitor, plain: Visitor
) -> None:
    page, manager = plain.go("/"), new_visitor(java_script_enabled=False).go("/menu")
    cafe.add(page, "Café latte")
    set_price(manager, "Café latte", 5200)
    cart = piece(page, "orders/cart")
    reload_until(manager, piece(manager, "menu/manage").locator("[name=price_won][value='5200']"))
    cart.get_by_label("Payment").select_option(label="Card ending 4242")
    cart.get_by_label("Name to call (optional)").fill("Ann")
    cart.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_contain_text("A price has changed meanwhile.")
    expect(cart.get_by_label("Name to call (optional)")).to_have_value("Ann")
    expect(cart.get_by_label("Payment")).to_have_value("card-4242")
    expect(cart.locator(".orders-total")).to_contain_text("₩5,200")
    cart.get_by_role("button", name="Place order").click()
    expect(page.get_by_text("Your order number")).to_be_visible()


def test_a_declined_card_and_an_empty_shelf_are_told_on_the_orders_page(plain: Visitor) -> None:
    page = plain.page
    cafe.order(page, "Espresso", payment="Card ending 0002 (sandbox card, gets declined)")
    reload_until(page, page.get_by_text("The card was declined. Nothing was charged"))
    plain.go("/stock")
    cafe.enter(page, "Counted", "Omija syrup", 60)
    plain.go("/")
    cafe.add(page, "Omija ade", times=2)
    cafe.place(page)
    reload_until(page, page.get_by_text("Not enough left: Omija syrup. Nothing was charged."))
    plain.go("/stock")
    cafe.enter(page, "Delivered", "Omija syrup", 3900)


def reload_until(page: Page, wanted: Locator) -> None:
    """As a person does who waits for others; what they did themselves needs no reload."""
    for _ in range(RELOADS):
        if wanted.count():
            return
        page.reload()
    raise AssertionError(f"not there after {RELOADS} reloads: {wanted}")


def set_price(page: Page, item: str, price: int) -> None:
    page.get_by_label(f"Price of {item} in won").fill(str(price))
    page.get_by_role("button", name=f"Save the price of {item}", exact=True).click()


def send_unchecked(field: Locator, text: str) -> None:
    """Send its form as a browser would that checks nothing itself."""
    field.evaluate("(field) => { field.type = 'text'; field.form.noValidate = true }")
    field.fill(text)
    field.press("Enter")
