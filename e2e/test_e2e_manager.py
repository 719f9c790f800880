"""What a manager changes, others see at once; what others are typing stays."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import LIVE_MS, piece
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]


def set_price(page: Page, item: str, price: int) -> None:
    page.get_by_label(f"Price of {item} in won").fill(str(price))
    page.get_by_role("button", name=f"Save the price of {item}", exact=True).click()


def tile(page: Page, item: str) -> Locator:
    return piece(page, "menu/list").get_by_role("listitem").filter(has_text=item)


def test_a_new_price_is_on_every_open_counter_in_under_a_second(new_visitor: NewVisitor) -> None:
    manager, cashier = new_visitor().page, new_visitor().page
    cashier.goto("/")
    cafe.wait_live(cashier)
    manager.goto("/menu")
    set_price(manager, "Café mocha", 6100)
    expect(tile(cashier, "Café mocha")).to_contain_text("₩6,100", timeout=LIVE_MS)


def test_an_item_taken_off_the_menu_goes_from_every_open_counter_and_comes_back(new_visitor: NewVisitor) -> None:
    manager, cashier = new_visitor().page, new_visitor().page
    cashier.goto("/")
    cafe.wait_live(cashier)
    manager.goto("/menu")
    manager.get_by_role("button", name="Stop selling Einspänner", exact=True).click()
    expect(tile(cashier, "Einspänner")).to_have_count(0, timeout=LIVE_MS)
    manager.get_by_role("button", name="Sell Einspänner again", exact=True).click()
    expect(tile(cashier, "Einspänner")).to_be_visible(timeout=LIVE_MS)


def test_a_price_that_is_none_is_refused_with_words(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.tolerate("status of 4")
    page = visitor.go("/menu")
    page.get_by_label("Price of Espresso in won").evaluate(
        "field => { field.type = 'text'; field.form.noValidate = true }"
    )
    set_price(page, "Espresso", -5)
    expect(page.get_by_role("alert").filter(has_text="A price is a whole number of won")).to_be_visible()


def test_two_managers_at_one_item_do_not_overwrite_each_other(new_visitor: NewVisitor) -> None:
    first, second = new_visitor(), new_visitor(java_script_enabled=False)
    page, late = first.go("/menu"), second.go("/menu")
    set_price(page, "Earl Grey", 4700)
    expect(page.get_by_label("Price of Earl Grey in won")).to_have_value("4700")
    second.tolerate("status of 4")
    set_price(late, "Earl Grey", 9900)
    expect(late.get_by_text("Someone else changed this item meanwhile")).to_be_visible()
    expect(late.get_by_role("navigation", name="Pages")).to_be_visible()


def test_what_someone_is_typing_survives_a_change_around_it(new_visitor: NewVisitor) -> None:
    cashier, manager = new_visitor().page, new_visitor().page
    cashier.goto("/")
    cafe.wait_live(cashier)
    cafe.add(cashier, "Americano")
    name = piece(cashier, "orders/cart").get_by_label("Name to call (optional)")
    name.press_sequentially("Hye")
    manager.goto("/stock")
    cafe.enter(manager, "Counted", "Honey", 100)
    expect(piece(cashier, "inventory/warnings")).to_contain_text("Honey", timeout=LIVE_MS)
    second = cashier.context.new_page()
    second.goto("/")
    cafe.add(second, "Espresso")
    expect(piece(cashier, "orders/cart").get_by_label("Espresso, quantity")).to_have_text("1", timeout=LIVE_MS)
    expect(name).to_be_focused()
    cashier.keyboard.type("rin")
    expect(name).to_have_value("Hyerin")
    cafe.enter(manager, "Delivered", "Honey", 2900)


def test_a_number_being_typed_at_the_stock_survives_a_sale(new_visitor: NewVisitor) -> None:
    manager, cashier = new_visitor().page, new_visitor().page
    manager.goto("/stock")
    cafe.wait_live(manager)
    amount = cafe.level(manager, "Coffee beans").locator(".inventory-amount")
    before = amount.inner_text()
    field = cafe.level(manager, "Coffee beans").get_by_label("Counted Coffee beans")
    field.press_sequentially("119")
    cafe.order(cashier, "Americano")
    expect(amount).not_to_have_text(before)
    expect(field).to_be_focused()
    expect(field).to_have_value("119")


def test_a_restock_is_in_the_ingredients_history(new_visitor: NewVisitor) -> None:
    page = new_visitor().go("/stock")
    cafe.level(page, "Omija syrup").get_by_role("link", name="Omija syrup").click()
    cafe.enter(page, "Delivered", "Omija syrup", 1234)
    restocked = piece(page, "inventory/history").get_by_role("row").filter(has_text="Restocked")
    expect(restocked.filter(has_text="+1,234")).to_be_visible()
